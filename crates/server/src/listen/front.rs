use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Version};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::activity::{Activity, Late, Patience};
use super::certificate::ReloadingTls;
use super::connection::{End, Guarded, Open, Told};
use super::departure::Departure;
use super::drain::Drain;
use super::tasks::Tasks;
use super::watched::Watched;
use crate::config::ready::Limits;

/// Answers requests. What it gives back is sent; it never fails.
pub trait Serve: Send + Sync + 'static {
    /// An answer's body.
    type Body: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin + Send + 'static;

    /// Answers one request.
    fn serve(&self, request: Request<Incoming>, peer: Peer) -> impl Future<Output = Response<Self::Body>> + Send;
}

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its address, as the kernel saw it.
    pub address: SocketAddr,
    /// Whether the connection is encrypted.
    pub secure: bool,
}

/// What one connection, and all of them, may cost.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The longest head, in bytes; 8 KiB at least.
    pub header_bytes: usize,
    /// The most header lines of HTTP/1; of HTTP/2 the bytes count.
    pub header_count: usize,
    /// How long a head may take, TLS handshake apart, which may take as long again.
    pub header_timeout: Duration,
    /// How long a connection is kept for a next request.
    pub idle_timeout: Duration,
    /// How long a caller may stop reading.
    pub write_timeout: Duration,
    /// The most connections at once. One more is answered with 503 where that needs no handshake, and closed.
    pub connections: usize,
    /// The most streams at once on one HTTP/2 connection.
    pub streams: u32,
}

impl From<&Limits> for Bounds {
    fn from(limits: &Limits) -> Self {
        Self {
            header_bytes: limits.header_bytes,
            header_count: limits.header_count,
            header_timeout: limits.header_timeout,
            // Longer than the usual idle pools of clients (60 to 90 s), so that it is they who close: a request that
            // crosses our closing is an error to its sender.
            idle_timeout: Duration::from_secs(120),
            write_timeout: limits.write_timeout,
            connections: limits.connections,
            streams: limits.streams,
        }
    }
}

/// What happened to connections since the start, and how many there are.
#[derive(Debug, Default)]
pub struct Counts {
    /// Accepted.
    pub accepted: AtomicU64,
    /// Refused because there were too many.
    pub refused: AtomicU64,
    /// Failed in the TLS handshake.
    pub handshake_failed: AtomicU64,
    /// Cut because a head, or the handshake, took too long.
    pub slow_head: AtomicU64,
    /// Cut because the caller stopped reading.
    pub slow_reader: AtomicU64,
    /// Connections that are open now.
    pub open_connections: AtomicU64,
    /// Requests that are not answered to their last byte.
    pub open_requests: AtomicU64,
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

/// A port with all that answering on it needs.
pub struct Front {
    /// The port.
    pub listener: TcpListener,
    /// Its certificate; plain text without one.
    pub tls: Option<ReloadingTls>,
    /// What it may cost.
    pub bounds: Bounds,
    /// Its way out.
    pub drain: Drain,
    /// What happens on it.
    pub counts: Arc<Counts>,
}

/// A port that is being answered on.
pub struct Running {
    accepting: tokio::task::JoinHandle<()>,
    tasks: Tasks,
    drain: Drain,
}

/// How a listener ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Tasks that were still at work when the grace was over, and were cut.
    pub cut: usize,
}

impl Running {
    /// Takes no new connection, gives open ones `grace` to end, cuts the rest, and returns when nothing of them is left:
    /// every body has been dropped, so that what they record is recorded.
    pub async fn finish(self, grace: Duration) -> Finished {
        self.drain.begin();
        // The accepting task ends by itself once the drain has begun; its end frees the port.
        let _ = self.accepting.await;
        if timeout(grace, self.tasks.ended()).await.is_ok() {
            return Finished { cut: 0 };
        }
        let cut = self.tasks.count();
        self.drain.cut();
        self.tasks.cut();
        self.tasks.ended().await;
        Finished { cut }
    }

    /// How many connections and streams are at work.
    pub fn tasks(&self) -> usize {
        self.tasks.count()
    }
}

impl Front {
    /// Begins to answer.
    pub fn serve<S: Serve>(self, service: Arc<S>) -> Running {
        let tasks = Tasks::default();
        let drain = self.drain.clone();
        let accepting = tokio::spawn(self.accept(service, tasks.clone()));
        Running { accepting, tasks, drain }
    }

    async fn accept<S: Serve>(self, service: Arc<S>, tasks: Tasks) {
        let room = Arc::new(Semaphore::new(self.bounds.connections));
        let Self { listener, tls, bounds, drain, counts } = self;
        let builder = builder(&bounds, tasks.clone());
        let shared = Arc::new(Shared { tls, bounds, drain: drain.clone(), counts, builder, service });
        let mut draining = std::pin::pin!(drain.begun());
        // The port belongs to this loop alone and is free as soon as it ends, however long connections live on.
        loop {
            let accepted = tokio::select! {
                () = &mut draining => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, address)) => match Arc::clone(&room).try_acquire_owned() {
                    Ok(place) => {
                        shared.counts.accepted.fetch_add(1, Relaxed);
                        tasks.spawn(Arc::clone(&shared).connection(stream, address, place));
                    }
                    Err(_) => shared.refuse(&stream),
                },
                Err(error) => pause_after(&error).await,
            }
        }
    }
}

/// Accepting fails for a connection that is gone already, or because the process has no descriptors left; then waiting
/// is better than spinning.
async fn pause_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    if !matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted) {
        tracing::error!(%error, "no connection can be accepted");
        sleep(Duration::from_millis(100)).await;
    }
}

/// HTTP/1.1 and HTTP/2 as this gateway speaks them.
fn builder(bounds: &Bounds, tasks: Tasks) -> auto::Builder<Tasks> {
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
struct Shared<S> {
    tls: Option<ReloadingTls>,
    bounds: Bounds,
    drain: Drain,
    counts: Arc<Counts>,
    builder: auto::Builder<Tasks>,
    service: Arc<S>,
}

impl<S: Serve> Shared<S> {
    /// Too many connections. A refused one must cost nothing: one attempt to say so, no waiting.
    fn refuse(&self, stream: &TcpStream) {
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

    async fn connection(self: Arc<Self>, stream: TcpStream, address: SocketAddr, _place: OwnedSemaphorePermit) {
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
