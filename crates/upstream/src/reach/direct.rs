use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body::Body as _;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use tower_service::Service;

use super::line::{Line, Wire};
use super::pool::Pool;
use super::{Origin, Scheme};

/// How long each part of a call to a model server may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the connection stands, TLS included.
    pub connect: Duration,
    /// From the request's last byte to the answer's head.
    pub first_byte: Duration,
    /// Between two pieces of an answer.
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), first_byte: Duration::from_secs(300), idle: Duration::from_secs(120) }
    }
}

/// The kernel's receive buffer for an answer: bounds what a stalled reader makes the kernel hold.
const RECEIVE_BUFFER: usize = 128 * 1024;

/// HTTP/1.1 connections to one origin. HTTP/1.1, since an answer that nobody reads pins a whole HTTP/2 connection's
/// window, and every other caller's answer with it.
pub(crate) struct Direct {
    connector: Connector,
    connect: Duration,
    /// Scheme and authority; the rest counts for nothing.
    uri: Uri,
    pool: Arc<Pool>,
}

#[derive(Clone)]
enum Connector {
    Plain(HttpConnector),
    Tls(HttpsConnector<HttpConnector>),
}

/// Why no answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// There was no connection to send on.
    Unconnected,
    /// The connection broke before the answer's head.
    Broken,
}

impl Direct {
    /// A way to this origin; `tls` is used where its scheme is https.
    pub(crate) fn new(origin: &Origin, timeouts: &Timeouts, tls: &Arc<rustls::ClientConfig>) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(timeouts.connect));
        tcp.set_recv_buffer_size(Some(RECEIVE_BUFFER));
        tcp.set_keepalive(Some(Duration::from_secs(30)));
        let connector = match origin.scheme() {
            Scheme::Http => Connector::Plain(tcp),
            Scheme::Https => {
                tcp.enforce_http(false);
                let builder = HttpsConnectorBuilder::new().with_tls_config(tls.as_ref().clone());
                Connector::Tls(builder.https_only().enable_http1().wrap_connector(tcp))
            }
        };
        Self { connector, connect: timeouts.connect, uri: origin.uri(), pool: Pool::new() }
    }

    /// Sends a request and waits for the answer's head. Redirects are answers like any other.
    pub(crate) async fn send(&self, mut request: Request<Full<Bytes>>) -> Result<(StatusCode, HeaderMap, Body), Lost> {
        if self.pool.has_rested() {
            // Lets the runtime look at its sockets, so that a connection that was closed is known to be.
            tokio::task::yield_now().await;
        }
        loop {
            let (mut line, kept) = match poll_fn(|context| Poll::Ready(self.pool.take(context))).await {
                Some(line) => (line, Kept::Yes),
                // Rare and large: it must not make every call's future as large.
                None => (Box::pin(self.open()).await?, Kept::No),
            };
            let mut failure = match line.exchange(request).await {
                Ok(response) => {
                    let (head, incoming) = response.into_parts();
                    return Ok((head.status, head.headers, Body::new(incoming, line, &self.pool)));
                }
                Err(failure) => failure,
            };
            // A kept connection may have been closed at this very moment. Only a request of which nothing was sent is
            // sent again, and a new connection is not tried twice.
            match (kept, failure.take_message()) {
                (Kept::Yes, Some(unsent)) => request = unsent,
                (Kept::Yes | Kept::No, _) => return Err(Lost::Broken),
            }
        }
    }

    async fn open(&self) -> Result<Line, Lost> {
        let opening = async {
            // A connector is a handle; its calls share nothing.
            let wire: Wire = match self.connector.clone() {
                Connector::Plain(mut tcp) => MaybeHttpsStream::Http(tcp.call(self.uri.clone()).await.ok()?),
                Connector::Tls(mut tls) => tls.call(self.uri.clone()).await.ok()?,
            };
            Line::open(wire).await.ok()
        };
        // The connector's own limit leaves the TLS handshake out.
        tokio::time::timeout(self.connect, opening).await.ok().flatten().ok_or(Lost::Unconnected)
    }
}

/// Whether a connection was used before.
#[derive(Clone, Copy)]
enum Kept {
    Yes,
    No,
}

/// An answer's body, which drives its connection while it is read and gives it back at its proper end. Dropped before
/// that, it closes the connection.
pub(crate) struct Body {
    incoming: Incoming,
    line: Option<Line>,
    pool: Arc<Pool>,
}

/// The answer broke off.
pub(crate) struct BrokenOff;

impl Body {
    fn new(incoming: Incoming, line: Line, pool: &Arc<Pool>) -> Self {
        Self { incoming, line: Some(line), pool: Arc::clone(pool) }
    }

    /// The next piece; `None` at the proper end. Trailers carry nothing that a caller is shown.
    pub(crate) fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BrokenOff>>> {
        loop {
            let frame = match Pin::new(&mut self.incoming).poll_frame(context) {
                Poll::Pending => {
                    // What has been read lies in `incoming`; to read more, the connection must be driven.
                    if let Some(line) = &mut self.line {
                        line.drive(context);
                    }
                    std::task::ready!(Pin::new(&mut self.incoming).poll_frame(context))
                }
                Poll::Ready(frame) => frame,
            };
            match frame {
                Some(Ok(frame)) => {
                    if let Ok(piece) = frame.into_data()
                        && !piece.is_empty()
                    {
                        return Poll::Ready(Some(Ok(piece)));
                    }
                }
                Some(Err(_)) => {
                    self.line = None;
                    return Poll::Ready(Some(Err(BrokenOff)));
                }
                None => {
                    if let Some(line) = self.line.take() {
                        self.pool.give_back(line, context);
                    }
                    return Poll::Ready(None);
                }
            }
        }
    }
}
