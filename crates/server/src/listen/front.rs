use std::error::Error;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
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
    /// Of each runtime that answers.
    tasks: Vec<Tasks>,
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
    pub async fn finish(mut self, grace: Duration) -> Finished {
        self.drain.begin();
        // The accepting task ends by itself once the drain has begun; its end frees the port.
        let _ = (&mut self.accepting).await;
        if timeout(grace, self.ended()).await.is_ok() {
            return Finished { cut: 0 };
        }
        let cut = self.tasks();
        self.drain.cut();
        self.tasks.iter().for_each(Tasks::cut);
        self.ended().await;
        Finished { cut }
    }

    async fn ended(&self) {
        for tasks in &self.tasks {
            tasks.ended().await;
        }
    }

    /// How many connections and streams are at work.
    pub fn tasks(&self) -> usize {
        self.tasks.iter().map(Tasks::count).sum()
    }
}

impl Front {
    /// Begins to answer, on the runtime of whoever calls.
    pub fn serve<S: Serve>(self, service: Arc<S>) -> Running {
        self.serve_on(service, &[Handle::current()])
    }

    /// Begins to answer on these runtimes, which take connections in turn and keep them.
    pub fn serve_on<S: Serve>(self, service: Arc<S>, runtimes: &[Handle]) -> Running {
        let Self { listener, tls, bounds, drain, counts } = self;
        let desks: Vec<Desk<S>> = runtimes
            .iter()
            .map(|runtime| {
                let tasks = Tasks::on(runtime);
                let builder = builder(&bounds, tasks.clone());
                let (tls, drain, counts) = (tls.clone(), drain.clone(), Arc::clone(&counts));
                let shared = Shared { tls, bounds, drain, counts, builder, service: Arc::clone(&service) };
                Desk { tasks, shared: Arc::new(shared), open: Arc::default() }
            })
            .collect();
        let tasks = desks.iter().map(|desk| desk.tasks.clone()).collect();
        let room = Arc::new(Semaphore::new(bounds.connections));
        let accepting = tokio::spawn(accept(listener, drain.clone(), room, desks));
        Running { accepting, tasks, drain }
    }
}

/// A runtime that answers, and how many connections it has.
struct Desk<S> {
    tasks: Tasks,
    shared: Arc<Shared<S>>,
    open: Arc<AtomicUsize>,
}

impl<S: Serve> Desk<S> {
    fn take(&self, stream: TcpStream, address: SocketAddr, place: OwnedSemaphorePermit) {
        let (shared, here) = (Arc::clone(&self.shared), Here::new(&self.open));
        // The socket belongs to the runtime that accepted it until it is told otherwise.
        let Ok(stream) = stream.into_std() else { return };
        self.tasks.spawn(async move {
            let _here = here;
            match TcpStream::from_std(stream) {
                Ok(stream) => shared.connection(stream, address, place).await,
                Err(error) => tracing::error!(%error, "a connection cannot be watched"),
            }
        });
    }
}

/// A connection's share in its desk's count.
struct Here(Arc<AtomicUsize>);

impl Here {
    fn new(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Relaxed);
        Self(Arc::clone(open))
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

async fn accept<S: Serve>(listener: TcpListener, drain: Drain, room: Arc<Semaphore>, desks: Vec<Desk<S>>) {
    let mut draining = std::pin::pin!(drain.begun());
    let mut turn = 0;
    // The port belongs to this loop alone and is free as soon as it ends, however long connections live on.
    loop {
        let accepted = tokio::select! {
            () = &mut draining => return,
            accepted = listener.accept() => accepted,
        };
        let Some(desk) = next(&desks, &mut turn) else { return };
        match accepted {
            Ok((stream, address)) => match Arc::clone(&room).try_acquire_owned() {
                Ok(place) => {
                    desk.shared.counts.accepted.fetch_add(1, Relaxed);
                    desk.take(stream, address, place);
                }
                Err(_) => desk.shared.refuse(&stream),
            },
            Err(error) => pause_after(&error).await,
        }
    }
}

/// The desk whose turn it is. One that has far more than its share is passed over, but not the one that merely has some
/// more: after a crowd has left, who has fewest is whoever cleared away first, and would get all of the next crowd.
fn next<'d, S>(desks: &'d [Desk<S>], turn: &mut usize) -> Option<&'d Desk<S>> {
    let open: usize = desks.iter().map(|desk| desk.open.load(Relaxed)).sum();
    let most = 2 * open / desks.len().max(1) + 64;
    *turn = turn.wrapping_add(1);
    (0..desks.len())
        .map(|further| &desks[turn.wrapping_add(further) % desks.len()])
        .find(|desk| desk.open.load(Relaxed) <= most)
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
