use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::state::StateError;

/// Something to read.
pub(super) type Work = Box<dyn FnOnce(&Connection) + Send>;

/// Work that tells its answer to whoever waits for it.
pub(super) fn work<T: Send + 'static>(
    work: impl FnOnce(&Connection) -> Result<T, StateError> + Send + 'static,
    tell: oneshot::Sender<Result<T, StateError>>,
) -> Work {
    Box::new(move |connection| {
        // One transaction, so that all its statements see the same moment.
        let read = connection.unchecked_transaction().map_err(StateError::from).and_then(|_view| work(connection));
        // Whoever asked may have gone away.
        let _ = tell.send(read);
    })
}

/// The reading thread.
pub(super) fn run(connection: &Connection, mut queue: mpsc::Receiver<Work>) {
    while let Some(work) = queue.blocking_recv() {
        work(connection);
    }
}
