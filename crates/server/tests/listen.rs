//! The listeners, from outside: real sockets, real clocks, a service that answers what the test asks of it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use gatewright_server::config::ready::{CertificateFiles, Limits};
use gatewright_server::listen::{Bounds, Counts, Drain, Front, Peer, ReloadingTls, Running, Serve, bind};
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Frame, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Answers `/` at once, `/endless` with a piece every 10 ms, `/flood` as fast as the caller reads, `/finite` with ten
/// pieces in half a second, `/never` never.
struct Answering {
    drain: Drain,
    abandoned: Arc<AtomicUsize>,
    cut: Arc<AtomicUsize>,
    left_before_head: Arc<AtomicBool>,
}

enum Answer {
    Whole(Option<Bytes>),
    Pieces { every: Duration, left: usize, sleep: Pin<Box<tokio::time::Sleep>>, end: End },
}

/// Books how a body ended, as the gateway's record does.
struct End {
    drain: Drain,
    abandoned: Arc<AtomicUsize>,
    cut: Arc<AtomicUsize>,
    complete: bool,
}

impl Drop for End {
    fn drop(&mut self) {
        if self.complete {
            return;
        }
        let counter = if self.drain.is_cutting() { &self.cut } else { &self.abandoned };
        counter.fetch_add(1, Ordering::SeqCst);
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut *self {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Pieces { left: 0, end, .. } => {
                end.complete = true;
                Poll::Ready(None)
            }
            Self::Pieces { every, left, sleep, .. } => {
                if !every.is_zero() {
                    std::task::ready!(sleep.as_mut().poll(context));
                    sleep.as_mut().reset(tokio::time::Instant::now() + *every);
                }
                *left -= 1;
                Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'x'; 4096])))))
            }
        }
    }
}

use std::future::Future as _;

struct NotesLeaving(Arc<AtomicBool>);

impl Drop for NotesLeaving {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Serve for Answering {
    type Body = Answer;

    async fn serve(&self, request: Request<Incoming>, peer: Peer) -> Response<Answer> {
        let pieces = |every: u64, left: usize| Answer::Pieces {
            every: Duration::from_millis(every),
            left,
            sleep: Box::pin(tokio::time::sleep(Duration::from_millis(every))),
            end: End {
                drain: self.drain.clone(),
                abandoned: Arc::clone(&self.abandoned),
                cut: Arc::clone(&self.cut),
                complete: false,
            },
        };
        let body = match request.uri().path() {
            "/endless" => pieces(10, usize::MAX),
            "/flood" => pieces(0, usize::MAX),
            "/finite" => pieces(50, 10),
            "/never" => {
                let _noted = NotesLeaving(Arc::clone(&self.left_before_head));
                std::future::pending::<()>().await;
                Answer::Whole(None)
            }
            _ => Answer::Whole(Some(Bytes::from(format!("{:?} secure={}", request.version(), peer.secure)))),
        };
        Response::new(body)
    }
}

struct Served {
    address: SocketAddr,
    running: Running,
    counts: Arc<Counts>,
    abandoned: Arc<AtomicUsize>,
    cut: Arc<AtomicUsize>,
    left_before_head: Arc<AtomicBool>,
}

fn bounds() -> Bounds {
    Bounds { header_timeout: Duration::from_millis(300), ..Bounds::from(&Limits::default()) }
}

fn serve(bounds: Bounds, tls: Option<ReloadingTls>) -> Served {
    let listener = bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let address = listener.local_addr().expect("its address");
    let (drain, counts) = (Drain::new(), Arc::new(Counts::default()));
    let (abandoned, cut) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let left_before_head = Arc::new(AtomicBool::new(false));
    let service = Answering {
        drain: drain.clone(),
        abandoned: Arc::clone(&abandoned),
        cut: Arc::clone(&cut),
        left_before_head: Arc::clone(&left_before_head),
    };
    let front = Front { listener, tls, bounds, drain, counts: Arc::clone(&counts) };
    Served { address, running: front.serve(Arc::new(service)), counts, abandoned, cut, left_before_head }
}

const SOON: Duration = Duration::from_secs(5);

/// Everything until the connection ends, or what came within five seconds.
async fn rest(stream: &mut TcpStream) -> (String, bool) {
    let mut bytes = Vec::new();
    let ended = timeout(SOON, stream.read_to_end(&mut bytes)).await.is_ok();
    (String::from_utf8_lossy(&bytes).into_owned(), ended)
}

/// One answer of a connection that stays open, up to its last byte.
async fn answer(stream: &mut TcpStream, last: &str) -> String {
    let mut bytes = Vec::new();
    let reading = async {
        while !String::from_utf8_lossy(&bytes).ends_with(last) {
            let mut piece = [0; 1024];
            let count = stream.read(&mut piece).await.expect("readable");
            assert!(count > 0, "closed after {:?}", String::from_utf8_lossy(&bytes));
            bytes.extend_from_slice(&piece[..count]);
        }
    };
    timeout(SOON, reading).await.expect("an answer in time");
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn get_h2(io: impl hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static) -> String {
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.expect("a handshake");
    let driving = tokio::spawn(connection);
    let request = Request::get("http://gateway.example/").body(Empty::<Bytes>::new()).expect("a request");
    let response = sender.send_request(request).await.expect("an answer");
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    drop(sender);
    driving.abort();
    String::from_utf8_lossy(&body).into_owned()
}

#[tokio::test]
async fn speaks_both_versions_on_one_port() {
    let served = serve(bounds(), None);
    let mut h1 = TcpStream::connect(served.address).await.expect("connected");
    h1.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("sent");
    answer(&mut h1, "0\r\n\r\n").await;
    let h2 = TcpStream::connect(served.address).await.expect("connected");
    assert_eq!(get_h2(TokioIo::new(h2)).await, "HTTP/2.0 secure=false");
    served.running.finish(SOON).await;
}

#[tokio::test]
async fn cuts_a_caller_that_never_finishes_its_head_or_never_speaks() {
    let served = serve(bounds(), None);
    for beginning in ["", "G", "PRI * HT", "GET / HTTP/1.1\r\nhost: x\r\nx-slow: "] {
        let mut slow = TcpStream::connect(served.address).await.expect("connected");
        slow.write_all(beginning.as_bytes()).await.expect("sent");
        let began = Instant::now();
        let (_, ended) = rest(&mut slow).await;
        assert!(ended, "{beginning:?} was let in peace");
        assert!(began.elapsed() >= Duration::from_millis(250), "{beginning:?} had no time");
    }
    assert_eq!(served.counts.slow_head.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn drips_do_not_buy_time() {
    let served = serve(bounds(), None);
    let mut slow = TcpStream::connect(served.address).await.expect("connected");
    slow.write_all(b"GET / HTTP/1.1\r\n").await.expect("sent");
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(2) && slow.write_all(b"x").await.is_ok() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(began.elapsed() < Duration::from_millis(1_500), "a byte every 20 ms kept the connection");
}

#[tokio::test]
async fn keeps_an_idle_connection_longer_than_a_head_may_take() {
    let served = serve(bounds(), None);
    let mut kept = TcpStream::connect(served.address).await.expect("connected");
    for _ in 0..2 {
        kept.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("sent");
        assert!(answer(&mut kept, "0\r\n\r\n").await.starts_with("HTTP/1.1 200"));
        tokio::time::sleep(Duration::from_millis(600)).await;
    }
    // The second head of a connection is watched as the first was.
    kept.write_all(b"GET / HT").await.expect("sent");
    assert!(rest(&mut kept).await.1, "a second head may take for ever");
}

#[tokio::test]
async fn closes_a_connection_that_is_idle_for_too_long() {
    let served = serve(Bounds { idle_timeout: Duration::from_millis(400), ..bounds() }, None);
    let mut kept = TcpStream::connect(served.address).await.expect("connected");
    kept.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("sent");
    answer(&mut kept, "0\r\n\r\n").await;
    assert!(rest(&mut kept).await.1);
    assert_eq!(served.counts.slow_head.load(Ordering::SeqCst), 0, "idle is not slow");
}

#[tokio::test]
async fn cuts_a_caller_that_stops_reading() {
    let served = serve(Bounds { write_timeout: Duration::from_millis(300), ..bounds() }, None);
    let mut stalled = TcpStream::connect(served.address).await.expect("connected");
    stalled.write_all(b"GET /flood HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("sent");
    wait_until(|| served.abandoned.load(Ordering::SeqCst) == 1).await;
    assert_eq!(served.counts.slow_reader.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn cuts_an_http2_caller_that_opens_no_window() {
    let served = serve(Bounds { write_timeout: Duration::from_millis(500), ..bounds() }, None);
    let stream = TcpStream::connect(served.address).await.expect("connected");
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("a handshake");
    tokio::spawn(connection);
    let request = || Request::get("http://gateway.example/flood").body(Empty::<Bytes>::new()).expect("a request");
    // The client's connection goes on answering pings and settings; only the answers' windows stay closed.
    let first = sender.send_request(request()).await.expect("an answer");
    let second = sender.send_request(request()).await.expect("an answer");
    wait_until(|| served.abandoned.load(Ordering::SeqCst) == 2).await;
    assert_eq!(served.counts.slow_reader.load(Ordering::SeqCst), 1);
    drop((first, second));
}

#[tokio::test]
async fn keeps_an_http2_connection_on_which_one_of_many_does_not_read() {
    let served = serve(Bounds { write_timeout: Duration::from_millis(300), ..bounds() }, None);
    let stream = TcpStream::connect(served.address).await.expect("connected");
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("a handshake");
    tokio::spawn(connection);
    let request = |path: &str| {
        Request::get(format!("http://gateway.example{path}")).body(Empty::<Bytes>::new()).expect("a request")
    };
    let stalled = sender.send_request(request("/flood")).await.expect("an answer");
    let mut read = sender.send_request(request("/endless")).await.expect("an answer");
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(1) {
        timeout(SOON, read.frame()).await.expect("in time").expect("a frame").expect("data");
    }
    assert_eq!(served.counts.slow_reader.load(Ordering::SeqCst), 0);
    drop(stalled);
}

#[tokio::test]
async fn bounds_heads() {
    let served = serve(bounds(), None);
    let long = format!("GET / HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n", "a".repeat(64 * 1024));
    let many = format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "x-many: 1\r\n".repeat(150));
    for head in [long, many] {
        let mut stream = TcpStream::connect(served.address).await.expect("connected");
        // The gateway may close before the last byte is sent.
        let _ = stream.write_all(head.as_bytes()).await;
        let (text, _) = rest(&mut stream).await;
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 431"), "{text}");
    }
}

#[tokio::test]
async fn refuses_one_connection_too_many_and_takes_the_next() {
    let served = serve(Bounds { connections: 2, header_timeout: SOON, ..bounds() }, None);
    let mut first = TcpStream::connect(served.address).await.expect("connected");
    first.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("sent");
    answer(&mut first, "0\r\n\r\n").await;
    let second = TcpStream::connect(served.address).await.expect("connected");
    wait_until(|| served.counts.accepted.load(Ordering::SeqCst) == 2).await;
    let mut third = TcpStream::connect(served.address).await.expect("connected");
    let (text, ended) = rest(&mut third).await;
    assert!(text.starts_with("HTTP/1.1 503") && ended, "{text:?}");
    drop(second);
    wait_until(|| served.running.tasks() == 1).await;
    let mut fourth = TcpStream::connect(served.address).await.expect("connected");
    fourth.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("sent");
    assert!(answer(&mut fourth, "0\r\n\r\n").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_drain_lets_a_stream_end_and_takes_nobody_new() {
    let served = serve(bounds(), None);
    let mut stream = TcpStream::connect(served.address).await.expect("connected");
    stream.write_all(b"GET /finite HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("sent");
    answer(&mut stream, "\r\n").await;
    let (address, cut) = (served.address, Arc::clone(&served.cut));
    let finishing = tokio::spawn(served.running.finish(Duration::from_secs(10)));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(TcpStream::connect(address).await.is_err(), "the port is still open");
    let (text, ended) = rest(&mut stream).await;
    assert!(ended && text.ends_with("0\r\n\r\n"), "the stream did not come to its end");
    assert_eq!(finishing.await.expect("finished").cut, 0);
    assert_eq!((served.abandoned.load(Ordering::SeqCst), cut.load(Ordering::SeqCst)), (0, 0));
}

#[tokio::test]
async fn a_drain_cuts_what_does_not_end_and_says_so() {
    let served = serve(bounds(), None);
    let mut h1 = TcpStream::connect(served.address).await.expect("connected");
    h1.write_all(b"GET /endless HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("sent");
    answer(&mut h1, "\r\n").await;
    let h2 = TcpStream::connect(served.address).await.expect("connected");
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(h2)).await.expect("a handshake");
    tokio::spawn(connection);
    let request = Request::get("http://gateway.example/endless").body(Empty::<Bytes>::new()).expect("a request");
    let mut response = sender.send_request(request).await.expect("an answer");
    response.frame().await.expect("a frame").expect("data");

    let began = Instant::now();
    let finished = timeout(SOON, served.running.finish(Duration::from_millis(400))).await.expect("an end");
    assert!(began.elapsed() >= Duration::from_millis(400), "the grace was not given");
    assert!(finished.cut >= 2, "{finished:?}");
    // `finish` came back only after the last body had been dropped, and each of them knew why.
    assert_eq!((served.abandoned.load(Ordering::SeqCst), served.cut.load(Ordering::SeqCst)), (0, 2));
}

#[tokio::test]
async fn notices_a_caller_that_left_although_it_had_sent_surplus_bytes() {
    let served = serve(bounds(), None);
    for surplus in ["", "GET /next HTTP/1.1\r\nhost: x\r\n\r\n", "x"] {
        served.left_before_head.store(false, Ordering::SeqCst);
        let mut caller = TcpStream::connect(served.address).await.expect("connected");
        let sent = format!("GET /never HTTP/1.1\r\nhost: x\r\n\r\n{surplus}");
        caller.write_all(sent.as_bytes()).await.expect("sent");
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!served.left_before_head.load(Ordering::SeqCst), "{surplus:?}: cut while it waited");
        drop(caller);
        wait_until(|| served.left_before_head.load(Ordering::SeqCst)).await;
    }
}

async fn wait_until(condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(SOON, waiting).await.expect("the condition within five seconds");
}

fn write_certificate(folder: &std::path::Path, name: &str) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).expect("a certificate");
    std::fs::write(folder.join("tls.crt"), made.cert.pem()).expect("written");
    std::fs::write(folder.join("tls.key"), made.signing_key.serialize_pem()).expect("written");
    CertificateDer::from_pem_slice(made.cert.pem().as_bytes()).expect("its own certificate")
}

async fn handshake(
    address: SocketAddr,
    name: &'static str,
    trusted: &CertificateDer<'static>,
    protocol: &[u8],
) -> io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted.clone()).expect("a root");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from(name).expect("a name");
    tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

#[tokio::test]
async fn replaces_its_certificate_while_it_runs_and_keeps_it_when_the_new_one_is_broken() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = CertificateFiles { certificate: folder.path().join("tls.crt"), key: folder.path().join("tls.key") };
    let first = write_certificate(folder.path(), "first.example");
    let tls = ReloadingTls::open(&files).expect("TLS");
    let served = serve(bounds(), Some(tls.clone()));

    let h2 = handshake(served.address, "first.example", &first, b"h2").await.expect("a handshake");
    assert_eq!(h2.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    assert_eq!(get_h2(TokioIo::new(h2)).await, "HTTP/2.0 secure=true");
    let mut h1 = handshake(served.address, "first.example", &first, b"http/1.1").await.expect("a handshake");
    h1.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.expect("sent");
    let mut text = String::new();
    h1.read_to_string(&mut text).await.expect("read");
    assert!(text.contains("HTTP/1.1 secure=true"), "{text}");

    let second = write_certificate(folder.path(), "second.example");
    assert!(handshake(served.address, "second.example", &second, b"h2").await.is_err(), "nobody had reloaded yet");
    tls.reload(&files).expect("reloaded");
    handshake(served.address, "second.example", &second, b"h2").await.expect("the new certificate");

    std::fs::write(&files.certificate, "not a certificate").expect("written");
    assert!(tls.reload(&files).is_err());
    handshake(served.address, "second.example", &second, b"h2").await.expect("the last good certificate");

    // A key that belongs to another certificate is refused before anybody is answered with it.
    let other = rcgen::generate_simple_self_signed(vec!["third.example".to_owned()]).expect("a certificate");
    std::fs::write(&files.certificate, other.cert.pem()).expect("written");
    let words = tls.reload(&files).expect_err("a mismatch").to_string();
    assert!(words.contains("is not the key of the certificate"), "{words}");
    handshake(served.address, "second.example", &second, b"h2").await.expect("the last good certificate");
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_cut() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = CertificateFiles { certificate: folder.path().join("tls.crt"), key: folder.path().join("tls.key") };
    write_certificate(folder.path(), "gateway.example");
    let served = serve(bounds(), Some(ReloadingTls::open(&files).expect("TLS")));
    let mut slow = TcpStream::connect(served.address).await.expect("connected");
    slow.write_all(&[0x16, 0x03]).await.expect("sent");
    assert!(rest(&mut slow).await.1);
    assert_eq!(served.counts.slow_head.load(Ordering::SeqCst), 1);
}
