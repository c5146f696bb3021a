use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use http::{Request, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::activity::{Activity, Late, Patience};
use super::certificate::ReloadingTls;
use super::connection::{End, Guarded, Open, Told};
use super::departure::Departure;
use super::drain::Drain;
use super::front::{Bounds, Counts, Peer, Serve};
use super::tasks::Tasks;
use super::watched::Watched;

/// HTTP/1.1 and HTTP/2 as this gateway speaks them.
pub(super) fn builder(bounds: &Bounds, tasks: Tasks) -> auto::Builder<Tasks> {
    let mut builder = auto::Builder::new(tasks);
    builder
        .http1()
        .timer(TokioTimer::new())
        // `Guarded` keeps the time itself: hyper's clock for a head also runs while a connection is merely kept alive.
        .header_read_timeout(None)
        .max_buf_size(bounds.header_bytes.max(8 * 1024))
        .max_headers(bounds.header_count);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(bounds.header_bytes).unwrap_or(u32::MAX))
        .max_concurrent_streams(bounds.streams)
        .initial_stream_window_size(64 * 1024)
        .initial_connection_window_size(1024 * 1024)
        .max_frame_size(16 * 1024)
        .max_send_buf_size(64 * 1024)
        // Streams opened and reset at once, by the caller (CVE-2023-44487) or provoked from us (CVE-2025-8671), end the
        // connection after this many.
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(64)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20));
    builder
}

/// What every connection of a port needs.
pub(super) struct Shared<S> {
    pub(super) tls: Option<ReloadingTls>,
    pub(super) bounds: Bounds,
    pub(super) drain: Drain,
    pub(super) counts: Arc<Counts>,
    pub(super) builder: auto::Builder<Tasks>,
    pub(super) service: Arc<S>,
}

impl<S: Serve> Shared<S> {
    /// Too many connections. A refused one must cost nothing: one attempt to say so, no waiting.
    pub(super) fn refuse(&self, stream: &TcpStream) {
        const FULL: &[u8] =
            b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        let before = self.counts.refused.fetch_add(1, Relaxed);
        // One line for every power of two: a flood must not flood the log.
        if (before + 1).is_power_of_two() {
            tracing::warn!(
                refused = before + 1,
                limit = self.bounds.connections,
                "too many connections; new ones are refused"
            );
        }
        if self.tls.is_none() {
            // A socket that was accepted a moment ago has room for this; where it has not, closing says it as well.
            let _ = socket2::SockRef::from(stream).send(FULL);
        }
    }

    pub(super) async fn connection(
        self: Arc<Self>,
        stream: TcpStream,
        address: SocketAddr,
        _place: OwnedSemaphorePermit,
    ) {
        let _open = Counted::open(&self.counts);
        // An event of a stream must not wait for the next one.
        let _ = stream.set_nodelay(true);
        let departure = Departure::of(&stream);
        let Some(tls) = &self.tls else {
            return self.drive(stream, Peer { address, secure: false }, departure).await;
        };
        let accepted = TlsAcceptor::from(Arc::clone(tls.config())).accept(stream);
        match timeout(self.bounds.header_timeout, accepted).await {
            Ok(Ok(stream)) => self.drive(stream, Peer { address, secure: true }, departure).await,
            Ok(Err(error)) => {
                self.counts.handshake_failed.fetch_add(1, Relaxed);
                tracing::debug!(%address, %error, "a TLS handshake failed");
            }
            Err(_) => {
                self.counts.slow_head.fetch_add(1, Relaxed);
            }
        }
    }

    async fn drive<T>(&self, stream: T, peer: Peer, departure: Option<Departure>)
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let activity = Arc::new(Activity::new(Arc::clone(&self.counts)));
        let service = {
            let (activity, service) = (Arc::clone(&activity), Arc::clone(&self.service));
            service_fn(move |request: Request<Incoming>| {
                let open = Open::begin(&activity, request.version() == Version::HTTP_2);
                let service = Arc::clone(&service);
                async move { Ok::<_, Infallible>(service.serve(request, peer).await.map(|body| Told::new(body, open))) }
            })
        };
        let io = TokioIo::new(Watched::new(stream, Arc::clone(&activity)));
        let connection = self.builder.serve_connection(io, service);
        let bounds = &self.bounds;
        let patience = Patience { head: bounds.header_timeout, idle: bounds.idle_timeout, write: bounds.write_timeout };
        let guarded = Guarded {
            connection: Box::pin(connection),
            activity,
            patience,
            departure,
            sleep: Box::pin(sleep(bounds.header_timeout)),
            alarm: None,
            drain: Box::pin(self.drain.begun()),
            finishing: false,
            farewell: None,
        };
        match guarded.await {
            End::Closed | End::Late(Late::Idle) => {}
            End::Late(Late::Head) => {
                self.counts.slow_head.fetch_add(1, Relaxed);
            }
            End::Late(Late::Write) => {
                self.counts.slow_reader.fetch_add(1, Relaxed);
            }
        }
    }
}

/// A connection that is open, for as long as this lives.
struct Counted(Arc<Counts>);

impl Counted {
    fn open(counts: &Arc<Counts>) -> Self {
        counts.open_connections.fetch_add(1, Relaxed);
        Self(Arc::clone(counts))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.open_connections.fetch_sub(1, Relaxed);
    }
}
