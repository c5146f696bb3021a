use std::future::Future;
use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::Interest;
use tokio::net::TcpStream;

/// Notices that a caller has left while its request is being answered.
///
/// hyper notices by itself only while it reads, and over HTTP/1 it does not read as long as it holds bytes that it has
/// not used: a caller that sent a surplus byte and left would keep a model server at work for nobody. A second
/// descriptor of the same socket has a readiness of its own, so nothing is taken away from hyper.
pub(super) struct Departure(Pin<Box<dyn Future<Output = ()> + Send>>);

impl Departure {
    /// Watches the socket; `None` where the process has no descriptor left: then hyper's own care has to do.
    pub(super) fn of(stream: &TcpStream) -> Option<Self> {
        let descriptor = stream.as_fd().try_clone_to_owned().ok()?;
        let twin = TcpStream::from_std(descriptor.into()).ok()?;
        Some(Self(Box::pin(closed(twin))))
    }

    /// Ready once the caller has closed its side, or the connection has failed.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(context)
    }
}

async fn closed(twin: TcpStream) {
    loop {
        let Ok(ready) = twin.ready(Interest::READABLE).await else { return };
        if ready.is_read_closed() || ready.is_error() {
            return;
        }
        // Nothing is read: saying "would block" takes this readiness away, and the next one means that something
        // arrived since.
        let _ = twin.try_io(Interest::READABLE, || io::Result::<()>::Err(io::ErrorKind::WouldBlock.into()));
        tokio::task::consume_budget().await;
    }
}
