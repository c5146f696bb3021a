//! The state in one SQLite file: a thread that writes, a thread that reads, and a bounded queue before each.

mod approvals;
mod candidates;
mod fault;
mod leases;
mod notices;
mod owned;
mod policies;
mod reader;
mod writer;

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use super::change::{Change, Feed};
use super::migration::{Migration, migrations, missing};
use super::{Standing, StateError};

pub(super) const MIGRATIONS: &[Migration] =
    migrations![1 "policies", 2 "owned", 3 "approvals", 4 "leases", 5 "notices", 6 "candidates",];

/// How much work may wait for each thread. When that is full, work waits outside for [`PATIENCE`].
const QUEUE: usize = 1_024;

/// How long work waits for a place in the queue before the state counts as unreachable.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long another process may hold the file before a statement fails.
const BUSY: Duration = Duration::from_secs(5);

/// The state in a file.
pub(super) struct Sqlite {
    writer: Lane<writer::Work>,
    reader: Lane<reader::Work>,
}

impl Sqlite {
    /// Opens the file or makes it, brings its tables up to date and starts the two threads.
    pub(super) fn open(path: &Path, feed: Feed, said: watch::Sender<Standing>) -> Result<Self, StateError> {
        let refused = |error: std::io::Error| StateError::fault(format!("{}: {error}", path.display()));
        // Made here with its mode, since SQLite would make it readable for everybody.
        OpenOptions::new().append(true).create(true).mode(0o600).open(path).map_err(refused)?;
        let mut written = Connection::open(path)?;
        written.busy_timeout(BUSY)?;
        written.pragma_update(None, "journal_mode", "WAL")?;
        // Every commit is on disk before it is answered: this file cannot be made again from anything.
        written.pragma_update(None, "synchronous", "FULL")?;
        written.pragma_update(None, "foreign_keys", true)?;
        migrate(&mut written)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let read = Connection::open_with_flags(path, flags)?;
        read.busy_timeout(BUSY)?;
        let writer = Lane::start("state-writer", move |work| writer::run(&written, work, &feed, &said));
        let reader = Lane::start("state-reader", move |work| reader::run(&read, work));
        Ok(Self { writer: writer.map_err(refused)?, reader: reader.map_err(refused)? })
    }

    /// Does `work` in a transaction of the writing thread, which may be shared with other work; answers once it is on
    /// disk. What it says has changed is told to the feed then. Work that fails leaves nothing behind.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, &mut Vec<Change>) -> Result<T, StateError> + Send + 'static,
    ) -> Result<T, StateError> {
        let (tell, told) = oneshot::channel();
        self.writer.hand(writer::work(work, tell)).await?;
        told.await.map_err(|_| ended())?
    }

    /// Does `work` on one view of the file.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StateError> + Send + 'static,
    ) -> Result<T, StateError> {
        let (tell, told) = oneshot::channel();
        self.reader.hand(reader::work(work, tell)).await?;
        told.await.map_err(|_| ended())?
    }
}

fn ended() -> StateError {
    StateError::unreachable("its thread has ended")
}

/// A thread and the queue before it. Dropping it lets the thread do what is queued, and waits for it.
struct Lane<W> {
    queue: Option<mpsc::Sender<W>>,
    thread: Option<JoinHandle<()>>,
}

impl<W: Send + 'static> Lane<W> {
    fn start(name: &str, run: impl FnOnce(mpsc::Receiver<W>) + Send + 'static) -> std::io::Result<Self> {
        let (queue, work) = mpsc::channel(QUEUE);
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || run(work))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    async fn hand(&self, work: W) -> Result<(), StateError> {
        let queue = self.queue.as_ref().ok_or_else(ended)?;
        match timeout(PATIENCE, queue.send(work)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(ended()),
            Err(_) => Err(StateError::unreachable("its queue is full")),
        }
    }
}

impl<W> Drop for Lane<W> {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn migrate(connection: &mut Connection) -> Result<(), StateError> {
    // Held from the first look to the last step, so that two processes cannot take the same step.
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let present: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for step in missing(MIGRATIONS, present)? {
        transaction.execute_batch(step.sql)?;
        transaction.pragma_update(None, "user_version", step.number)?;
        tracing::info!(step = step.number, about = step.name, "the state's tables were brought up to date");
    }
    Ok(transaction.commit()?)
}
