use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use gatewright_json::{Limits, Object, Value, parse, to_bytes};
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Sleep;

use super::chat::Chat;
use super::embeddings;

/// Bounds of what a client may cost.
const MOST_CONNECTIONS: usize = 1024;
const LONGEST_BODY: usize = 8 << 20;
const HEAD_TIME: Duration = Duration::from_secs(30);
const BODY_TIME: Duration = Duration::from_secs(30);
const DRAIN_TIME: Duration = Duration::from_secs(2);

/// How long a streamed answer takes, shared out among its events, so that it can be seen to stream.
const PACE: Duration = Duration::from_millis(300);

const MODELS: &[&str] = &["sales-forecast", "support-chat", "frontier-large", "text-embed"];
const EMBEDDING_MODEL: &str = "text-embed";

/// Why the model server does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeFault {
    /// It asks nobody for a credential, so nobody else's machine may reach it.
    #[error("the demo model server listens on loopback addresses only, and {0} is none")]
    NotLoopback(std::net::SocketAddr),
    /// The listener's own address cannot be told.
    #[error("the demo model server's listener: {0}")]
    Listener(#[from] std::io::Error),
}

/// The demonstration's model server.
#[derive(Clone, Copy, Debug, Default)]
pub struct ModelServer;

impl ModelServer {
    /// A model server with the models of the starter catalogue.
    pub const fn new() -> Self {
        Self
    }

    /// The names of its models.
    pub const fn models(&self) -> &'static [&'static str] {
        MODELS
    }

    /// Serves until `shutdown` ends, then lets running answers end for at most two seconds.
    ///
    /// # Errors
    /// The listener is not bound to a loopback address.
    pub async fn serve(&self, listener: TcpListener, shutdown: impl Future<Output = ()>) -> Result<(), ServeFault> {
        let address = listener.local_addr()?;
        if !address.ip().is_loopback() {
            return Err(ServeFault::NotLoopback(address));
        }
        let (stopping, stop) = watch::channel(false);
        let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        let mut connections = JoinSet::new();
        tokio::pin!(shutdown);
        loop {
            let accepted = async {
                // The semaphore is never closed; were it, nobody would be let in any more.
                let place = Arc::clone(&room).acquire_owned().await.ok();
                (listener.accept().await, place)
            };
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
                (accepted, Some(place)) = accepted => match accepted {
                    Ok((stream, _)) => {
                        let stop = stop.clone();
                        connections.spawn(async move {
                            converse(stream, stop).await;
                            drop(place);
                        });
                    }
                    // Out of descriptors, as a rule: waiting lets others end.
                    Err(fault) => {
                        tracing::warn!(%fault, "the demo model server cannot accept a connection");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                },
            }
        }
        drop(listener);
        let _ = stopping.send(true);
        let _ = tokio::time::timeout(DRAIN_TIME, async { while connections.join_next().await.is_some() {} }).await;
        Ok(())
    }
}

async fn converse(stream: TcpStream, mut stop: watch::Receiver<bool>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| async move { Ok::<_, Infallible>(respond(request).await) });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        _ = &mut connection => return,
        _ = stop.wait_for(|stopping| *stopping) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn respond(request: Request<Incoming>) -> Response<Paced> {
    let (head, body) = request.into_parts();
    match (&head.method, head.uri.path()) {
        (&Method::GET, "/v1/models") => {
            let data: Vec<Value> = MODELS.iter().map(|name| described(name)).collect();
            json(
                StatusCode::OK,
                to_bytes(&Object::from_iter([("object", Value::from("list")), ("data", data.into())]).into()),
            )
        }
        (&Method::GET, path) if path.starts_with("/v1/models/") => {
            match MODELS.iter().find(|name| path.strip_prefix("/v1/models/") == Some(**name)) {
                Some(name) => json(StatusCode::OK, to_bytes(&described(name))),
                None => fault(StatusCode::NOT_FOUND, "There is no such model."),
            }
        }
        (&Method::POST, path @ ("/v1/chat/completions" | "/v1/embeddings")) => match read(body).await {
            Some(body) => infer(path, &body),
            None => fault(StatusCode::BAD_REQUEST, "The body is no JSON that this server reads."),
        },
        _ => fault(StatusCode::NOT_FOUND, "There is nothing here."),
    }
}

async fn read(body: Incoming) -> Option<Value> {
    let whole = tokio::time::timeout(BODY_TIME, Limited::new(body, LONGEST_BODY).collect()).await;
    parse(&whole.ok()?.ok()?.to_bytes(), &Limits { bytes: LONGEST_BODY, ..Limits::default() }).ok()
}

fn infer(path: &str, body: &Value) -> Response<Paced> {
    let named = body.get("model").and_then(Value::as_str);
    let Some(model) = MODELS.iter().find(|model| Some(**model) == named) else {
        return fault(StatusCode::NOT_FOUND, "There is no such model.");
    };
    let embeds = path == "/v1/embeddings";
    if embeds != (*model == EMBEDDING_MODEL) {
        return fault(StatusCode::BAD_REQUEST, "This model does not do that.");
    }
    if embeds {
        return match embeddings::answer(body, model) {
            Some(answer) => json(StatusCode::OK, answer),
            None => fault(StatusCode::BAD_REQUEST, "This is no embeddings request."),
        };
    }
    match Chat::read(body, model) {
        Some(chat) if chat.is_streamed() => response(StatusCode::OK, "text/event-stream", Paced::new(chat.events())),
        Some(chat) => json(StatusCode::OK, chat.whole()),
        None => fault(StatusCode::BAD_REQUEST, "This is no chat request."),
    }
}

fn described(name: &str) -> Value {
    Object::from_iter([
        ("id", Value::from(name)),
        ("object", "model".into()),
        ("created", 0_u64.into()),
        ("owned_by", "demo".into()),
    ])
    .into()
}

fn fault(status: StatusCode, message: &str) -> Response<Paced> {
    let error = Object::from_iter([
        ("message", Value::from(message)),
        ("type", "invalid_request_error".into()),
        ("param", Value::Null),
        ("code", Value::Null),
    ]);
    json(status, to_bytes(&Object::from_iter([("error", error)]).into()))
}

fn json(status: StatusCode, body: Vec<u8>) -> Response<Paced> {
    response(status, "application/json", Paced::new(vec![body]))
}

fn response(status: StatusCode, content_type: &'static str, body: Paced) -> Response<Paced> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    response
}

/// A body whose pieces come one after another, with a pause before each but the first.
struct Paced {
    pieces: VecDeque<Vec<u8>>,
    pause: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Paced {
    fn new(pieces: Vec<Vec<u8>>) -> Self {
        let count = u32::try_from(pieces.len()).unwrap_or(u32::MAX).max(1);
        Self { pieces: pieces.into(), pause: PACE / count, waiting: None }
    }
}

impl Body for Paced {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(waiting) = &mut self.waiting {
            if waiting.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            self.waiting = None;
        }
        let Some(piece) = self.pieces.pop_front() else { return Poll::Ready(None) };
        if !self.pieces.is_empty() {
            self.waiting = Some(Box::pin(tokio::time::sleep(self.pause)));
        }
        Poll::Ready(Some(Ok(Frame::data(piece.into()))))
    }
}

#[cfg(test)]
mod tests;
