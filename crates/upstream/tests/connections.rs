//! What happens to connections between exchanges, seen from the model server's side.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gatewright_model::ConnectionName;
use gatewright_upstream::reach::{Origin, Timeouts};
use gatewright_upstream::{Answer, Failure, Outgoing, Upstreams};
use http::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(5);

/// A model server that a test plays by hand.
struct Server(TcpListener);

impl Server {
    async fn start() -> (Self, Upstreams) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstreams = upstreams(listener.local_addr().unwrap());
        (Self(listener), upstreams)
    }

    async fn accept(&self) -> TcpStream {
        timeout(PATIENCE, self.0.accept()).await.expect("a connection comes").unwrap().0
    }

    /// Whether nobody connects for a moment.
    async fn is_left_alone(&self) -> bool {
        timeout(Duration::from_millis(200), self.0.accept()).await.is_err()
    }
}

fn name() -> ConnectionName {
    "lab".into()
}

fn upstreams(address: SocketAddr) -> Upstreams {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let timeouts = Timeouts { connect: PATIENCE, first_byte: PATIENCE, idle: PATIENCE };
    let mut upstreams = Upstreams::new();
    let origin = Origin::parse(&format!("http://{address}")).unwrap();
    upstreams.add(name(), origin, None, timeouts, &Arc::new(tls));
    upstreams
}

fn outgoing() -> Outgoing {
    Outgoing {
        method: Method::POST,
        path: "/v1/chat/completions".to_owned(),
        content_type: "application/json".into(),
        accept: "application/json",
        body: Bytes::from_static(b"{}"),
        request_id: "req_1".to_owned(),
        lent: None,
    }
}

/// Reads one request, all of it.
async fn hear(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n{}") {
        let count = timeout(PATIENCE, stream.read_buf(&mut text)).await.expect("a request comes").unwrap();
        assert!(count > 0, "it broke off after {:?}", String::from_utf8_lossy(&text));
    }
    String::from_utf8(text).unwrap()
}

const WHOLE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 4\r\n\r\ntrue";

async fn read(mut answer: Answer) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    while let Some(piece) = answer.body.piece().await {
        text.extend_from_slice(&piece?);
    }
    Ok(text)
}

/// Exchanges once on a new connection that stays open.
async fn once(server: &Server, upstreams: &Upstreams) -> TcpStream {
    let play = async {
        let mut stream = server.accept().await;
        hear(&mut stream).await;
        stream.write_all(WHOLE).await.unwrap();
        stream
    };
    let name = name();
    let ask = async { read(upstreams.send(&name, outgoing()).await.unwrap()).await.unwrap() };
    let (stream, answer) = tokio::join!(play, ask);
    assert_eq!(answer, b"true");
    stream
}

/// Sends a request while the server plays its part.
async fn ask<T>(upstreams: &Upstreams, play: impl Future<Output = T>) -> (T, Result<Answer, Failure>) {
    tokio::join!(play, async { upstreams.send(&name(), outgoing()).await })
}

#[tokio::test]
async fn a_request_names_its_host_and_its_path_once() {
    let (server, upstreams) = Server::start().await;
    let (request, answer) = ask(&upstreams, async {
        let mut stream = server.accept().await;
        let request = hear(&mut stream).await;
        stream.write_all(WHOLE).await.unwrap();
        request
    })
    .await;
    answer.unwrap();
    assert!(request.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{request}");
    let host = format!("host: {}\r\n", server.0.local_addr().unwrap());
    assert_eq!(request.matches("host: ").count(), 1, "{request}");
    assert!(request.contains(&host), "{request}");
}

#[tokio::test]
async fn a_connection_is_used_again_after_a_whole_answer() {
    let (server, upstreams) = Server::start().await;
    let mut stream = once(&server, &upstreams).await;
    let ((), answer) = ask(&upstreams, async {
        hear(&mut stream).await;
        stream.write_all(WHOLE).await.unwrap();
    })
    .await;
    assert_eq!(read(answer.unwrap()).await.unwrap(), b"true");
    assert!(server.is_left_alone().await, "a second connection was opened");
}

#[tokio::test]
async fn a_connection_that_its_server_closed_meanwhile_costs_no_call() {
    let (server, upstreams) = Server::start().await;
    drop(once(&server, &upstreams).await);
    // Blocks this thread: nothing hears of the end before the next request is made.
    std::thread::sleep(Duration::from_millis(5));
    once(&server, &upstreams).await;
}

#[tokio::test]
async fn a_request_that_was_sent_is_never_sent_again() {
    let (server, upstreams) = Server::start().await;
    let mut stream = once(&server, &upstreams).await;
    let ((), answer) = ask(&upstreams, async {
        // It had the whole request, and may have acted on it.
        hear(&mut stream).await;
        drop(stream);
    })
    .await;
    assert!(matches!(answer, Err(Failure::Unreachable(_))), "it was answered");
    assert!(server.is_left_alone().await, "it was sent a second time");
}

#[tokio::test]
async fn an_answer_that_nobody_wants_any_more_closes_its_connection() {
    let (server, upstreams) = Server::start().await;
    let (mut stream, answer) = ask(&upstreams, begun(&server)).await;
    let mut answer = answer.unwrap();
    assert_eq!(answer.body.piece().await.unwrap().unwrap(), "begun");
    drop(answer);
    let ended = timeout(Duration::from_secs(1), stream.read(&mut [0; 16])).await.expect("it learns of it");
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
    once(&server, &upstreams).await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_no_end() {
    let (server, upstreams) = Server::start().await;
    let (stream, answer) = ask(&upstreams, begun(&server)).await;
    drop(stream);
    assert!(matches!(read(answer.unwrap()).await, Err(Failure::Cut)));
}

/// An answer of a thousand bytes of which five come.
async fn begun(server: &Server) -> TcpStream {
    let mut stream = server.accept().await;
    hear(&mut stream).await;
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nbegun").await.unwrap();
    stream
}

#[tokio::test]
async fn an_idle_connection_is_closed_before_its_server_would() {
    let (server, upstreams) = Server::start().await;
    let mut stream = once(&server, &upstreams).await;
    let ended = timeout(Duration::from_secs(9), stream.read(&mut [0; 16])).await.expect("it is closed");
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
    drop(upstreams);
}
