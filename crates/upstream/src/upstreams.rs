use std::borrow::Cow;
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use gatewright_model::ConnectionName;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use http::{HeaderMap, HeaderName, Method, Request, StatusCode};
use http_body_util::Full;
use tokio::time::{Instant, Sleep};

use crate::lend::Lend;
use crate::reach::{Body, Direct, Lost, Origin, Timeouts};

/// What goes to a model server: everything in it was decided and recorded before.
pub struct Outgoing {
    /// The HTTP method.
    pub method: Method,
    /// A canonical path below the connection's base.
    pub path: String,
    /// The body's media type; empty for a request without a body.
    pub content_type: Cow<'static, str>,
    /// What the answer may be.
    pub accept: &'static str,
    /// The masked body.
    pub body: Bytes,
    /// The request's id, told to the model server so that both logs can be joined.
    pub request_id: String,
    /// A header of what the model server is lent for this call.
    pub lent: Option<(HeaderName, HeaderValue)>,
}

/// Why there is no answer. Words for operators: no URL, no credential, no text of the upstream's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The configuration has no such connection.
    #[error("there is no such connection")]
    Unknown,
    /// The credential cannot be lent.
    #[error("{0}")]
    Unlent(#[from] crate::lend::Unlent),
    /// No connection, or it broke before the answer's head.
    #[error("the model server could not be reached ({0})")]
    Unreachable(&'static str),
    /// It did not answer in time.
    #[error("the model server did not answer within {0:?}")]
    TimedOut(Duration),
    /// The answer broke off.
    #[error("the model server's answer broke off")]
    Cut,
    /// The request cannot be put on the wire.
    #[error("the request cannot be put into HTTP")]
    Malformed,
}

/// One connection, ready to be used.
struct Target {
    origin: Origin,
    host: HeaderValue,
    credential: Option<Presented>,
    timeouts: Timeouts,
    reach: Direct,
    /// Its usual time to the first byte, µs; 0 until one came.
    usual: AtomicU64,
}

/// A credential and the header that this connection's protocol wants it in.
struct Presented {
    header: HeaderName,
    prefix: &'static str,
    lender: Arc<dyn Lend>,
}

/// Every connection of the configuration.
#[derive(Default)]
pub struct Upstreams {
    targets: HashMap<ConnectionName, Arc<Target>>,
}

impl Upstreams {
    /// No connections.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a connection. `credential` is bound to `origin`: it is never sent anywhere else.
    pub fn add(
        &mut self,
        name: ConnectionName,
        origin: Origin,
        credential: Option<(HeaderName, &'static str, Arc<dyn Lend>)>,
        timeouts: Timeouts,
        tls: &Arc<rustls::ClientConfig>,
    ) {
        let reach = Direct::new(&origin, &timeouts, tls);
        let credential = credential.map(|(header, prefix, lender)| Presented { header, prefix, lender });
        // INVARIANT: an authority is made of characters that a header may have.
        let host = HeaderValue::from_str(origin.authority().as_str()).unwrap_or_else(|_| HeaderValue::from_static(""));
        self.targets
            .insert(name, Arc::new(Target { origin, host, credential, timeouts, reach, usual: AtomicU64::new(0) }));
    }

    /// Sends a request and gives its answer, whose body nobody has read yet.
    pub async fn send(&self, connection: &ConnectionName, outgoing: Outgoing) -> Result<Answer, Failure> {
        let target = self.targets.get(connection).ok_or(Failure::Unknown)?;
        let request = target.request(outgoing)?;
        let limit = target.timeouts.first_byte;
        let sent = Instant::now();
        match tokio::time::timeout(limit, target.reach.send(request)).await {
            Ok(Ok((status, headers, body))) => {
                target.heard_after(sent.elapsed());
                Ok(Answer::new(status, &headers, body, target.timeouts.idle))
            }
            Ok(Err(lost)) => Err(Failure::Unreachable(describe(lost))),
            Err(_) => Err(Failure::TimedOut(limit)),
        }
    }

    /// How long this connection's model server takes to the first byte of an answer, as of late; zero where nobody
    /// knows yet.
    pub fn usual_first_byte(&self, connection: &ConnectionName) -> Duration {
        let usual = self.targets.get(connection).map_or(0, |target| target.usual.load(Relaxed));
        Duration::from_micros(usual)
    }

    /// Removes the connection's credential from a text that is about to be shown, wherever it stands.
    pub fn scrub(&self, connection: &ConnectionName, text: &mut String) {
        let Some(credential) = self.targets.get(connection).and_then(|target| target.credential.as_ref()) else {
            return;
        };
        if let Ok(value) = credential.lender.lend()
            && text.contains(value.expose().as_str())
        {
            *text = text.replace(value.expose().as_str(), "[CREDENTIAL]");
        }
    }
}

impl Target {
    /// Moves the usual time an eighth of the way. Two at once may lose one of the two; it is a hint.
    fn heard_after(&self, took: Duration) {
        let (took, usual) = (u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1), self.usual.load(Relaxed));
        let next = if usual == 0 { took } else { usual - usual / 8 + took / 8 };
        self.usual.store(next.max(1), Relaxed);
    }

    fn request(&self, outgoing: Outgoing) -> Result<Request<Full<Bytes>>, Failure> {
        let uri = self.origin.target(&outgoing.path).map_err(|_| Failure::Malformed)?;
        let mut request = Request::new(Full::new(outgoing.body));
        *request.method_mut() = outgoing.method;
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        headers.reserve(8);
        headers.insert(HOST, self.host.clone());
        headers.insert(ACCEPT, HeaderValue::from_static(outgoing.accept));
        // Compressed text cannot be inspected without being unpacked first; better not to be sent any.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("gatewright/", env!("CARGO_PKG_VERSION"))));
        // INVARIANT: the gateway's own words; one that were none would be sent without.
        if !outgoing.content_type.is_empty()
            && let Ok(value) = HeaderValue::from_str(&outgoing.content_type)
        {
            headers.insert(CONTENT_TYPE, value);
        }
        let id = HeaderValue::try_from(outgoing.request_id).map_err(|_| Failure::Malformed)?;
        headers.insert("x-request-id", id);
        if let Some((name, value)) = outgoing.lent {
            headers.insert(name, value);
        }
        // After it, so that nothing stands in the credential's place.
        if let Some(credential) = &self.credential {
            let value = credential.lender.lend()?;
            let mut value = HeaderValue::try_from(format!("{}{}", credential.prefix, value.expose()))
                .map_err(|_| Failure::Malformed)?;
            value.set_sensitive(true);
            headers.insert(credential.header.clone(), value);
        }
        Ok(request)
    }
}

/// Words for what went wrong, from a closed list: the error's own text may hold the peer's words.
const fn describe(lost: Lost) -> &'static str {
    match lost {
        Lost::Unconnected => "no connection",
        Lost::Broken => "the connection broke",
    }
}

/// An answer: its head, and a body that nobody has read yet.
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The media type as sent, where it is readable text.
    pub content_type: Option<String>,
    /// The content encoding as sent; `None` stands for identity.
    pub encoding: Option<String>,
    /// The `retry-after` header in seconds, where the answer has one.
    pub retry_after: Option<u64>,
    /// The body.
    pub body: AnswerBody,
}

impl Answer {
    fn new(status: StatusCode, headers: &HeaderMap, body: Body, idle: Duration) -> Self {
        let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::to_ascii_lowercase);
        let encoding = match headers.get(CONTENT_ENCODING) {
            None => None,
            Some(_) => match text(CONTENT_ENCODING) {
                Some(identity) if identity == "identity" => None,
                Some(other) => Some(other),
                None => Some("unreadable".to_owned()),
            },
        };
        Self {
            status,
            content_type: text(CONTENT_TYPE),
            encoding,
            retry_after: text(http::header::RETRY_AFTER).and_then(|seconds| seconds.parse().ok()),
            body: AnswerBody { body, idle, timer: None, heard: Instant::now() },
        }
    }
}

/// The body of an answer, read only as far as somebody asks; too long a silence is an error.
pub struct AnswerBody {
    body: Body,
    idle: Duration,
    /// Armed at the first wait and re-armed only when it fires, so that a piece costs no timer.
    timer: Option<Pin<Box<Sleep>>>,
    heard: Instant,
}

impl AnswerBody {
    /// The next piece; `None` at the proper end.
    pub fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Failure>>> {
        match self.body.poll_piece(context) {
            Poll::Ready(Some(Ok(piece))) => {
                self.heard = Instant::now();
                Poll::Ready(Some(Ok(piece)))
            }
            Poll::Ready(Some(Err(_))) => Poll::Ready(Some(Err(Failure::Cut))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => self.poll_silence(context),
        }
    }

    fn poll_silence(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Failure>>> {
        let (heard, idle) = (self.heard, self.idle);
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(heard + idle)));
        while timer.as_mut().poll(context).is_ready() {
            if heard.elapsed() >= idle {
                return Poll::Ready(Some(Err(Failure::TimedOut(idle))));
            }
            timer.as_mut().reset(heard + idle);
        }
        Poll::Pending
    }

    /// The next piece, as a future.
    pub async fn piece(&mut self) -> Option<Result<Bytes, Failure>> {
        std::future::poll_fn(|context| self.poll_piece(context)).await
    }
}
