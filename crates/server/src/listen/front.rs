use std::error::Error;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::certificate::ReloadingTls;
use super::drain::Drain;
use super::serving::{Shared, builder};
use super::tasks::Tasks;
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
