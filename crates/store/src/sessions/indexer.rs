use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::watch;

use super::SessionsError;
use super::folder::INDEX;
use super::follow::{Followed, follow, hear};
use super::index::Index;
use super::layers::{Layers, Tail};
use crate::disk::{Disk, RealDisk};
use crate::log::{Feed, Log, Told};
use crate::quotas::{Counted, Recount};

/// How often the index looks for new records. Readers see them at once all the same: they read the log's tail.
const EVERY: Duration = Duration::from_millis(500);

/// How many records one transaction folds, so that readers never wait long.
const BATCH: u64 = 8_000;

/// Keeps the index of sessions up to date with the log, in a thread of its own that ends with the indexer. It never
/// holds up a call: where it fails it says so and tries again, and readers fall back on the log.
pub struct Indexer {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Indexer {
    /// Starts to follow this log, which writes to the data folder at this path.
    pub fn start(path: &Path, log: &Log) -> std::io::Result<Self> {
        let (stop, stopped) = channel();
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(path));
        let index = path.join(INDEX);
        let heard = (log.durable(), log.feed());
        let thread =
            thread::Builder::new().name("indexer".to_owned()).spawn(move || run(&disk, &index, &heard, &stopped))?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Indexer {
    fn drop(&mut self) {
        // The thread sees the channel close, folds what is there and ends.
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Builds the index of a data folder from the log alone, whatever it held before.
pub fn rebuild(path: &Path) -> Result<(), SessionsError> {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(path));
    let mut index = Index::open(&path.join(INDEX))?;
    index.write(|index, position| {
        index.clear()?;
        *position = Default::default();
        Ok(())
    })?;
    while advance(&disk, &mut index, None)? == Followed::Part {}
    Ok(())
}

/// What the accounts of budgets hold after so many records of the log in the data folder at this path.
pub(crate) fn counted(path: &Path, records: u64) -> Result<Vec<Counted>, SessionsError> {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(path));
    let mut index = None;
    catch_up(&disk, &path.join(INDEX), records, &mut index, &mut VecDeque::new())?;
    index.map_or_else(|| Ok(Vec::new()), |index| index.counted())
}

fn run(disk: &Arc<dyn Disk>, path: &Path, (durable, feed): &(watch::Receiver<u64>, Arc<Feed>), stopped: &Receiver<()>) {
    let mut index = None;
    loop {
        let last = match stopped.recv_timeout(EVERY) {
            Err(RecvTimeoutError::Timeout) => Last::No,
            Ok(()) | Err(RecvTimeoutError::Disconnected) => Last::Yes,
        };
        let until = *durable.borrow();
        if let Err(error) = catch_up(disk, path, until, &mut index, &mut feed.take()) {
            tracing::warn!(%error, "the index of sessions lags; sessions are read from the log");
            index = None;
        }
        match last {
            Last::Yes => return,
            Last::No => {}
        }
    }
}

#[derive(Clone, Copy)]
enum Last {
    Yes,
    No,
}

fn catch_up(
    disk: &Arc<dyn Disk>,
    path: &Path,
    until: u64,
    index: &mut Option<Index>,
    told: &mut VecDeque<Told>,
) -> Result<(), SessionsError> {
    let index = match index {
        Some(index) => index,
        None => {
            // Whether the index is one of this log can be seen in the segments alone.
            let index = index.insert(Index::open(path)?);
            while advance(disk, index, Some(until))? == Followed::Part {}
            index
        }
    };
    loop {
        while hear_of(index, told)? == Followed::Part {}
        let next = index.position()?.next;
        // What was not told, or forgotten because there was too much of it, is read from the segments.
        let gap = told.front().map_or(until, |told| told.record.min(until));
        if next >= gap {
            return Ok(());
        }
        while advance(disk, index, Some(gap))? == Followed::Part {}
        if index.position()?.next <= next {
            return Ok(());
        }
    }
}

/// Folds the next batch of what the committer told of in one transaction.
fn hear_of(index: &mut Index, told: &mut VecDeque<Told>) -> Result<Followed, SessionsError> {
    if told.is_empty() {
        return Ok(Followed::ToTheEnd);
    }
    let mut came_to = Followed::ToTheEnd;
    index.write(|index, position| {
        let (mut tail, mut recount) = (Tail::default(), Recount::default());
        let mut layers = Layers { base: Some(index), tail: &mut tail, recount: Some(&mut recount) };
        came_to = hear(told, position, BATCH, &mut layers)?;
        write(index, &tail, &recount)
    })?;
    Ok(came_to)
}

/// Folds the next batch of records in one transaction.
fn advance(disk: &Arc<dyn Disk>, index: &mut Index, until: Option<u64>) -> Result<Followed, SessionsError> {
    let mut came_to = Followed::ToTheEnd;
    index.write(|index, position| {
        // Most calls begin and end within one batch, and many belong to one thread: each row is written once.
        let (mut tail, mut recount) = (Tail::default(), Recount::default());
        let mut layers = Layers { base: Some(index), tail: &mut tail, recount: Some(&mut recount) };
        came_to = follow(disk, position, until, BATCH, &mut layers)?;
        write(index, &tail, &recount)?;
        if came_to == Followed::AnotherLog {
            index.clear()?;
            *position = Default::default();
            came_to = Followed::Part;
        }
        Ok(())
    })?;
    Ok(came_to)
}

/// Writes the rows that a batch came to: each once, calls in their order.
fn write(index: &mut Index, tail: &Tail, recount: &Recount) -> Result<(), SessionsError> {
    index.write_counts(recount)?;
    index.write_calls(tail.in_order())?;
    index.write_threads(tail.threads_in_order())
}
