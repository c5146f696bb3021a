use rusqlite::Connection;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Duration, timeout};

use crate::state::change::{Change, Feed, Heard};
use crate::state::{Standing, StateError};

/// How much work shares a transaction, and so a wait for the disk.
const BATCH: usize = 64;

/// How often a file that could not be written is tried again.
const PROBE: Duration = Duration::from_secs(1);

/// Something to write.
pub(super) type Work = Box<dyn Piece>;

/// Tells whoever waits how the transaction ended; gives what has changed for everybody.
type Finish = Box<dyn FnOnce(&Result<(), StateError>) -> Vec<Change>>;

/// A piece of a transaction.
pub(super) trait Piece: Send {
    /// Does it, and gives what is to be done once the transaction has ended.
    fn run(self: Box<Self>, connection: &Connection) -> Finish;
    /// Tells whoever waits that it was not begun.
    fn refuse(self: Box<Self>, why: StateError);
}

struct Task<W, T> {
    work: W,
    tell: oneshot::Sender<Result<T, StateError>>,
}

/// Work that tells its answer to whoever waits for it.
pub(super) fn work<T: Send + 'static>(
    work: impl FnOnce(&Connection, &mut Vec<Change>) -> Result<T, StateError> + Send + 'static,
    tell: oneshot::Sender<Result<T, StateError>>,
) -> Work {
    Box::new(Task { work, tell })
}

// Whoever asked may have gone away; that a `send` finds nobody is no fault, and what was written stays.
impl<T, W> Piece for Task<W, T>
where
    T: Send + 'static,
    W: FnOnce(&Connection, &mut Vec<Change>) -> Result<T, StateError> + Send + 'static,
{
    fn run(self: Box<Self>, connection: &Connection) -> Finish {
        let Self { work, tell } = *self;
        let mut changes = Vec::new();
        let done = apart(connection, |connection| work(connection, &mut changes));
        Box::new(move |committed| {
            let (answer, changes) = match (done, committed) {
                (Ok(value), Ok(())) => (Ok(value), changes),
                (Ok(_), Err(error)) => (Err(error.clone()), Vec::new()),
                (Err(error), _) => (Err(error), Vec::new()),
            };
            let _ = tell.send(answer);
            changes
        })
    }

    fn refuse(self: Box<Self>, why: StateError) {
        let _ = self.tell.send(Err(why));
    }
}

/// Runs one piece of work so that its failure undoes nothing of the others'.
fn apart<T>(connection: &Connection, work: impl FnOnce(&Connection) -> Result<T, StateError>) -> Result<T, StateError> {
    connection.execute_batch("SAVEPOINT work")?;
    let done = work(connection);
    let end = if done.is_ok() { "RELEASE work" } else { "ROLLBACK TO work; RELEASE work" };
    match (connection.execute_batch(end), done) {
        (Err(error), Ok(_)) => Err(error.into()),
        // After some faults of the disk the savepoint is gone with the whole transaction; `write` looks for that.
        (_, done) => done,
    }
}

/// The writing thread.
pub(super) fn run(
    connection: &Connection,
    mut queue: mpsc::Receiver<Work>,
    feed: &Feed,
    said: &watch::Sender<Standing>,
) {
    let _ended = SaysThatItEnded(said);
    // A wait with a limit needs a runtime's clock; nothing else runs on it.
    let Ok(clock) = Builder::new_current_thread().enable_time().build() else { return };
    loop {
        let healthy = matches!(*said.borrow(), Standing::Reachable);
        let next = if healthy {
            Ok(queue.blocking_recv())
        } else {
            clock.block_on(async { timeout(PROBE, queue.recv()).await })
        };
        let committed = match next {
            Ok(None) => return,
            Ok(Some(first)) => {
                let (committed, finishes) = write(connection, gather(first, &mut queue));
                for finish in finishes {
                    for change in finish(&committed) {
                        feed.tell(Heard::Change(change));
                    }
                }
                committed
            }
            Err(_) => probe(connection),
        };
        let standing = match committed {
            Ok(()) => Standing::Reachable,
            Err(error) => Standing::Unreachable(error.to_string().into()),
        };
        said.send_if_modified(|present| {
            let differs = *present != standing;
            *present = standing;
            differs
        });
    }
}

/// What waits already, for one transaction.
fn gather(first: Work, queue: &mut mpsc::Receiver<Work>) -> Vec<Work> {
    let mut batch = vec![first];
    while batch.len() < BATCH {
        let Ok(work) = queue.try_recv() else { break };
        batch.push(work);
    }
    batch
}

/// Writes a batch in one transaction.
fn write(connection: &Connection, batch: Vec<Work>) -> (Result<(), StateError>, Vec<Finish>) {
    if let Err(error) = connection.execute_batch("BEGIN IMMEDIATE") {
        let error = StateError::from(error);
        batch.into_iter().for_each(|work| work.refuse(error.clone()));
        return (Err(error), Vec::new());
    }
    let gone = || StateError::fault("the disk refused a write");
    let mut finishes = Vec::with_capacity(batch.len());
    for work in batch {
        // INVARIANT: a savepoint outside of the transaction would commit by itself, so none is made there.
        if connection.is_autocommit() {
            work.refuse(gone());
        } else {
            finishes.push(work.run(connection));
        }
    }
    if connection.is_autocommit() {
        return (Err(gone()), finishes);
    }
    let committed = connection.execute_batch("COMMIT").map_err(StateError::from);
    if committed.is_err() && !connection.is_autocommit() {
        // The commit's error is the one to tell; what cannot be rolled back is when the connection closes.
        let _ = connection.execute_batch("ROLLBACK");
    }
    (committed, finishes)
}

/// Writes something that changes nothing, to learn whether the file can be written again.
fn probe(connection: &Connection) -> Result<(), StateError> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(connection.pragma_update(None, "user_version", version)?)
}

/// Says that the state is gone when the thread ends, also where it ends by a panic.
struct SaysThatItEnded<'a>(&'a watch::Sender<Standing>);

impl Drop for SaysThatItEnded<'_> {
    fn drop(&mut self) {
        self.0.send_replace(Standing::Unreachable("its writing thread has ended".into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Connection {
        let connection = Connection::open_in_memory().expect("memory");
        connection.execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY)").expect("a table");
        connection
    }

    fn count(connection: &Connection) -> i64 {
        connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).expect("a number")
    }

    #[test]
    fn what_fails_undoes_nothing_of_its_neighbours() {
        let connection = table();
        let mut answers = Vec::new();
        let mut batch = Vec::new();
        for number in [1, 1, 2] {
            let (tell, told) = oneshot::channel();
            let insert = move |connection: &Connection, _: &mut Vec<Change>| {
                connection.execute("INSERT INTO t VALUES (?1)", [number])?;
                Ok(number)
            };
            batch.push(work(insert, tell));
            answers.push(told);
        }
        let (committed, finishes) = write(&connection, batch);
        for finish in finishes {
            finish(&committed);
        }
        let mut told = answers.into_iter().map(|mut answer| answer.try_recv().expect("told"));
        assert_eq!(told.next(), Some(Ok(1)));
        assert_eq!(told.next(), Some(Err(StateError::Conflict("it is there already"))));
        assert_eq!(told.next(), Some(Ok(2)));
        assert_eq!(count(&connection), 2);
    }

    #[test]
    fn when_the_transaction_is_gone_nobody_is_told_that_it_holds() {
        let connection = table();
        let (first_tells, mut first) = oneshot::channel();
        let (second_tells, mut second) = oneshot::channel();
        let insert = |connection: &Connection, _: &mut Vec<Change>| {
            connection.execute("INSERT INTO t VALUES (1)", [])?;
            // What a full disk does.
            connection.execute_batch("ROLLBACK")?;
            Ok(())
        };
        let other = |connection: &Connection, _: &mut Vec<Change>| {
            connection.execute("INSERT INTO t VALUES (2)", [])?;
            Ok(())
        };
        let (committed, finishes) = write(&connection, vec![work(insert, first_tells), work(other, second_tells)]);
        for finish in finishes {
            finish(&committed);
        }
        assert!(committed.is_err());
        assert!(matches!(first.try_recv(), Ok(Err(_))));
        assert!(matches!(second.try_recv(), Ok(Err(_))));
        assert_eq!(count(&connection), 0);
    }
}
