//! Real exchanges with servers that behave and servers that do not.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gatewright_dial::{Dial, Fault, Limits, Roots};
use http::{StatusCode, header};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

/// A server on loopback that answers each connection with these bytes; it tells what it was asked.
async fn server(answer: impl Into<Vec<u8>>) -> (u16, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let (asked, questions) = mpsc::unbounded_channel();
    let answer = answer.into();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (answer, asked) = (answer.clone(), asked.clone());
            tokio::spawn(async move { reply(stream, &answer, &asked).await });
        }
    });
    (port, questions)
}

async fn reply(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &[u8], asked: &mpsc::UnboundedSender<String>) {
    let mut question = Vec::new();
    let mut buffer = [0; 4_096];
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        question.extend_from_slice(&buffer[..length]);
        let text = String::from_utf8_lossy(&question).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
            if length.trim().parse() == Ok(body.len()) {
                let _ = asked.send(text);
                break;
            }
        }
    }
    let _ = stream.write_all(answer).await;
    let _ = stream.shutdown().await;
}

fn dial() -> Dial {
    Dial::new(&Roots::System).expect("a dial")
}

fn quick() -> Dial {
    Dial::with_limits(&Roots::System, Limits { time: Duration::from_millis(300), body: 1 << 20 }).expect("a dial")
}

const SMALL: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncache-control: max-age=60\r\ncontent-length: 2\r\n\r\n{}";

#[tokio::test]
async fn asks_and_reads() {
    let (port, mut questions) = server(SMALL).await;
    for host in ["127.0.0.1", "localhost"] {
        let reply = dial().get(&format!("http://{host}:{port}/keys?a=b")).await.expect("answered");
        assert_eq!((reply.status(), reply.body().as_ref()), (StatusCode::OK, b"{}".as_slice()));
        assert_eq!(reply.header(&header::CONTENT_TYPE), Some("application/json"));
        assert_eq!(reply.max_age(), Some(Duration::from_secs(60)));
        let question = questions.recv().await.expect("asked");
        assert!(question.starts_with("GET /keys?a=b HTTP/1.1\r\n"), "{question}");
        assert!(question.contains(&format!("host: {host}:{port}\r\n")), "{question}");
    }
}

#[tokio::test]
async fn posts_a_form() {
    let (port, mut questions) = server(SMALL).await;
    let fields = [("grant_type", "authorization_code"), ("code", "a&b=c d\r\n")];
    dial().post_form(&format!("http://127.0.0.1:{port}/token"), &fields).await.expect("answered");
    let question = questions.recv().await.expect("asked");
    assert!(question.starts_with("POST /token HTTP/1.1\r\n"), "{question}");
    assert!(question.contains("content-type: application/x-www-form-urlencoded\r\n"), "{question}");
    assert!(question.ends_with("\r\n\r\ngrant_type=authorization_code&code=a%26b%3Dc+d%0D%0A"), "{question}");
}

#[tokio::test]
async fn a_status_is_an_answer_and_a_redirect_is_a_fault() {
    for status in [400, 401, 404, 500] {
        let (port, _questions) = server(format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n")).await;
        let reply = dial().get(&format!("http://127.0.0.1:{port}/")).await.expect("answered");
        assert_eq!(reply.status().as_u16(), status);
    }
    let (elsewhere, mut visitors) = server(SMALL).await;
    for status in [301, 302, 303, 307, 308] {
        let to = format!("http://127.0.0.1:{elsewhere}/");
        let answer = format!("HTTP/1.1 {status} X\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
        let (port, _questions) = server(answer).await;
        let fault = dial().get(&format!("http://127.0.0.1:{port}/")).await.expect_err("a redirect");
        assert_eq!(fault, Fault::Redirect(StatusCode::from_u16(status).expect("a status")));
    }
    assert!(visitors.try_recv().is_err(), "nobody followed");
}

#[tokio::test]
async fn long_answers_are_cut_off_by_count_and_not_by_promise() {
    let mebibyte = 1 << 20;
    for (length, fits) in [(mebibyte, true), (mebibyte + 1, false)] {
        let body = "x".repeat(length);
        let told = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
        let chunked = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n");
        let until_end = format!("HTTP/1.1 200 OK\r\n\r\n{body}");
        for answer in [told, chunked, until_end] {
            let (port, _questions) = server(answer).await;
            let outcome = dial().get(&format!("http://127.0.0.1:{port}/")).await;
            match outcome {
                Ok(reply) => assert!(fits && reply.body().len() == length),
                Err(fault) => assert!(!fits && fault == Fault::TooLarge(mebibyte), "{fault}"),
            }
        }
    }
    let head = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(100));
    let (port, _questions) = server(head).await;
    assert!(matches!(dial().get(&format!("http://127.0.0.1:{port}/")).await, Err(Fault::Broken(_))));
}

#[tokio::test]
async fn slow_answers_are_given_up_as_a_whole() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            // One byte now and then, each well within any limit between bytes.
            tokio::spawn(async move {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await;
                for _ in 0..100 {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    if stream.write_all(b"x").await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    let started = Instant::now();
    let fault = quick().get(&format!("http://127.0.0.1:{port}/")).await.expect_err("too slow");
    assert_eq!(fault, Fault::TimedOut(300));
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn compressed_and_broken_answers_are_refused() {
    let (port, _questions) = server("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}").await;
    assert_eq!(dial().get(&format!("http://127.0.0.1:{port}/")).await.expect_err("encoded"), Fault::Encoded);
    for answer in [
        "",
        "SSH-2.0-x\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}",
    ] {
        let (port, _questions) = server(answer).await;
        let fault = dial().get(&format!("http://127.0.0.1:{port}/")).await.expect_err(answer);
        assert!(matches!(fault, Fault::Broken(_)), "{fault:?}");
    }
}

#[tokio::test]
async fn forbidden_places_are_not_even_tried() {
    let started = Instant::now();
    for (url, forbidden) in [
        ("http://169.254.169.254/latest/meta-data/", true),
        ("https://169.254.169.254/latest/meta-data/", true),
        ("https://[::ffff:169.254.169.254]/", true),
        ("https://[fe80::1]/", true),
        ("https://0.0.0.0/", true),
        ("https://[fd00:ec2::254]/", true),
        ("http://192.0.2.1/", false),
        ("http://[2001:db8::1]/", false),
    ] {
        let fault = dial().get(url).await.expect_err(url);
        let expected =
            if forbidden { matches!(fault, Fault::ForbiddenAddress(_)) } else { matches!(fault, Fault::PlainHttp(_)) };
        assert!(expected, "{url}: {fault:?}");
        assert!(Dial::check_url(url).is_err(), "{url}");
    }
    for url in [
        "http://idp.example/",
        "http://2130706433/",
        "http://127.0.0.1.evil.example/",
        "http://localhost.evil.example/",
    ] {
        assert!(matches!(dial().get(url).await, Err(Fault::BadUrl(_))), "{url}");
        assert!(Dial::check_url(url).is_err(), "{url}");
    }
    assert!(started.elapsed() < Duration::from_secs(1));
}

/// A TLS server for these names, and the PEM of the authority that vouches for it.
async fn tls_server(names: &[&str]) -> (u16, String) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().expect("a key");
    let authority_pem = authority.self_signed(&authority_key).expect("signed").pem();
    let issuer = Issuer::new(authority, authority_key);
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let key = KeyPair::generate().expect("a key");
    let certificate = CertificateParams::new(names).expect("names").signed_by(&key, &issuer).expect("signed");
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("a certificate");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    tokio::spawn(async move {
        let (asked, _questions) = mpsc::unbounded_channel();
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                reply(stream, SMALL.as_bytes(), &asked).await;
            }
        }
    });
    (port, authority_pem)
}

#[tokio::test]
async fn tls_needs_the_configured_authority_and_the_right_name() {
    let (port, authority) = tls_server(&["localhost", "127.0.0.1"]).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, &authority).expect("written");
    let trusting = Dial::new(&Roots::File(file)).expect("a dial");
    for host in ["localhost", "127.0.0.1"] {
        let reply = trusting.get(&format!("https://{host}:{port}/")).await.expect("answered");
        assert_eq!(reply.body().as_ref(), b"{}");
    }
    let stranger = dial().get(&format!("https://localhost:{port}/")).await.expect_err("not trusted");
    assert!(matches!(stranger, Fault::Tls(_) | Fault::NoRoots), "{stranger:?}");

    let (port, authority) = tls_server(&["other.example"]).await;
    let file = folder.path().join("other.pem");
    std::fs::write(&file, &authority).expect("written");
    let trusting = Dial::new(&Roots::File(file)).expect("a dial");
    let misnamed = trusting.get(&format!("https://localhost:{port}/")).await.expect_err("another name");
    assert!(matches!(misnamed, Fault::Tls(_)), "{misnamed:?}");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let plain = listener.local_addr().expect("bound").port();
    let answering = async {
        let (mut stream, _) = listener.accept().await.expect("accepted");
        stream.write_all(SMALL.as_bytes()).await.expect("sent");
        stream
    };
    let url = format!("https://127.0.0.1:{plain}/");
    let (outcome, _stream) = tokio::join!(trusting.get(&url), answering);
    assert!(matches!(outcome, Err(Fault::Tls(_))), "{outcome:?}");
}

#[test]
fn a_ca_file_of_no_use_is_told_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("missing.pem");
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "nothing").expect("written");
    let broken = folder.path().join("broken.pem");
    std::fs::write(&broken, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").expect("written");
    for file in [missing, empty, broken] {
        assert!(matches!(Dial::new(&Roots::File(file.clone())), Err(Fault::BadRoots { path, .. }) if path == file));
    }
}
