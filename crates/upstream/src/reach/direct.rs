use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

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

/// Shorter than the keep-alive of the common model servers (5 s), so that no request goes out on a connection that
/// its server is about to close.
const IDLE_POOL: Duration = Duration::from_secs(4);

/// A pool of HTTP/1.1 connections to one origin. HTTP/1.1, since an answer that nobody reads pins a whole HTTP/2
/// connection's window, and every other caller's answer with it.
#[derive(Clone)]
pub struct Direct(Pool);

#[derive(Clone)]
enum Pool {
    Plain(Client<HttpConnector, Full<Bytes>>),
    Tls(Client<HttpsConnector<HttpConnector>, Full<Bytes>>),
}

impl Direct {
    /// A pool for this origin; `tls` is used where the origin's scheme is https.
    pub fn new(origin: &Origin, timeouts: &Timeouts, tls: &Arc<rustls::ClientConfig>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(timeouts.connect));
        connector.set_recv_buffer_size(Some(RECEIVE_BUFFER));
        connector.set_keepalive(Some(Duration::from_secs(30)));
        let mut builder = Client::builder(TokioExecutor::new());
        builder
            .pool_idle_timeout(IDLE_POOL)
            .pool_max_idle_per_host(1024)
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .http1_max_headers(100)
            .http1_max_buf_size(256 * 1024)
            .retry_canceled_requests(true);
        match origin.scheme() {
            Scheme::Http => Self(Pool::Plain(builder.build(connector))),
            Scheme::Https => {
                connector.enforce_http(false);
                let connector = HttpsConnectorBuilder::new()
                    .with_tls_config(tls.as_ref().clone())
                    .https_only()
                    .enable_http1()
                    .wrap_connector(connector);
                Self(Pool::Tls(builder.build(connector)))
            }
        }
    }

    /// Sends a request and waits for the answer's head. Redirects are answers like any other.
    pub(crate) async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, hyper_util::client::legacy::Error> {
        match &self.0 {
            Pool::Plain(client) => client.request(request).await,
            Pool::Tls(client) => client.request(request).await,
        }
    }
}
