use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gatewright_model::{Code, Fate, Kind, RequestId, SessionId, Timestamp, Verdict};
use rusqlite::types::Type;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};

use super::fold::{CallRow, Place, ThreadRow};
use super::follow::Position;
use super::{CallState, Caller, Query, SessionsError, ThreadId};

/// Rises with every change of the tables; an index of another version is built anew.
const VERSION: i64 = 2;

const SCHEMA: &str = "
CREATE TABLE position (only INTEGER PRIMARY KEY CHECK (only = 1), next INTEGER NOT NULL, segment INTEGER NOT NULL,
    offset INTEGER NOT NULL, link BLOB NOT NULL, last_segment INTEGER, last_offset INTEGER);
CREATE TABLE calls (request BLOB PRIMARY KEY, session BLOB, state TEXT NOT NULL, code TEXT,
    record INTEGER NOT NULL, segment INTEGER NOT NULL, offset INTEGER NOT NULL,
    outcome_record INTEGER, outcome_segment INTEGER, outcome_offset INTEGER, body INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX calls_of_session ON calls (session, record) WHERE session IS NOT NULL;
CREATE TABLE threads (thread BLOB NOT NULL, is_session INTEGER NOT NULL, issuer TEXT, subject TEXT, kind TEXT,
    started INTEGER NOT NULL, latest INTEGER NOT NULL, calls INTEGER NOT NULL, refused INTEGER NOT NULL,
    interrupted INTEGER NOT NULL, models TEXT NOT NULL, verdict TEXT, state TEXT NOT NULL, code TEXT,
    last INTEGER NOT NULL, PRIMARY KEY (thread, is_session)) WITHOUT ROWID;
CREATE INDEX threads_newest ON threads (last);
CREATE INDEX threads_of_caller ON threads (issuer, subject, last);
CREATE TABLE accounts (account TEXT PRIMARY KEY, until INTEGER NOT NULL, requests INTEGER NOT NULL,
    tokens INTEGER NOT NULL, cost_micros INTEGER NOT NULL, answer_bytes INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX accounts_until ON accounts (until);
CREATE TABLE charges (request BLOB NOT NULL, place INTEGER NOT NULL, account TEXT NOT NULL, until INTEGER NOT NULL,
    requests INTEGER NOT NULL, tokens INTEGER NOT NULL, cost_micros INTEGER NOT NULL, answer_bytes INTEGER NOT NULL,
    PRIMARY KEY (request, place)) WITHOUT ROWID;
";

const CALL_COLUMNS: &str = "request, session, state, code, record, segment, offset, outcome_record, outcome_segment, \
     outcome_offset, body";
const THREAD_COLUMNS: &str = "thread, is_session, issuer, subject, kind, started, latest, calls, refused, \
     interrupted, models, verdict, state, code, last";

/// The index on disk.
pub(super) struct Index {
    pub(super) connection: Connection,
}

impl Index {
    /// Opens the index to be written, or makes it. One that cannot be used is built anew: the log is the truth.
    pub(super) fn open(path: &Path) -> Result<Self, SessionsError> {
        match Self::open_existing(path) {
            Ok(index) => Ok(index),
            Err(error) => {
                tracing::warn!(%error, "the index of sessions cannot be used and is built anew");
                for ending in ["", "-wal", "-shm"] {
                    let mut name = path.as_os_str().to_owned();
                    name.push(ending);
                    match std::fs::remove_file(&name) {
                        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
                        Ok(()) | Err(_) => {}
                    }
                }
                Self::open_existing(path)
            }
        }
    }

    fn open_existing(path: &Path) -> Result<Self, SessionsError> {
        // Made here with its mode, since SQLite would make it readable for everybody.
        OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // A crash may lose the last rows; they are read from the log again.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version != VERSION {
            let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
            if tables > 0 {
                return Err(std::io::Error::other(format!("its version is {version}, not {VERSION}")).into());
            }
            connection.execute_batch(&format!("BEGIN; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;"))?;
        }
        Ok(Self { connection })
    }

    /// Opens the index for reading only; `None` where there is none that can be used.
    pub(super) fn open_read_only(path: &Path) -> Option<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        let usable = |connection: Connection| {
            connection.busy_timeout(Duration::from_secs(5)).ok()?;
            let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).ok()?;
            let index = Self { connection };
            (version == VERSION && index.position().is_ok()).then_some(index)
        };
        if !path.exists() {
            return None;
        }
        Connection::open_with_flags(path, flags).ok().and_then(usable)
    }

    /// How far into the log the index has come.
    pub(super) fn position(&self) -> Result<Position, SessionsError> {
        let query = "SELECT next, segment, offset, link, last_segment, last_offset FROM position";
        let position = self
            .connection
            .query_row(query, [], |row| {
                let next = number(row, 0)?;
                let last = match (row.get::<_, Option<i64>>(4)?, row.get::<_, Option<i64>>(5)?) {
                    (Some(_), Some(_)) => {
                        Some(Place { record: next.wrapping_sub(1), segment: number(row, 4)?, offset: number(row, 5)? })
                    }
                    _ => None,
                };
                Ok(Position { next, segment: number(row, 1)?, offset: number(row, 2)?, link: row.get(3)?, last })
            })
            .optional()?;
        Ok(position.unwrap_or_default())
    }

    /// Looks at the index as it is now until [`release`](Self::release), whatever is written meanwhile.
    pub(super) fn hold(&self) -> Result<Position, SessionsError> {
        self.connection.execute_batch("BEGIN")?;
        self.position()
    }

    /// Ends what [`hold`](Self::hold) began, so that the index's own log can be tidied up.
    pub(super) fn release(&self) {
        // It cannot be refused: nothing was written.
        let _ = self.connection.execute_batch("ROLLBACK");
    }

    /// Runs `work` in one transaction and keeps the position that it came to.
    pub(super) fn write(
        &mut self,
        work: impl FnOnce(&mut Self, &mut Position) -> Result<(), SessionsError>,
    ) -> Result<Position, SessionsError> {
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let worked = self.position().and_then(|mut position| {
            work(self, &mut position)?;
            self.keep_position(&position)?;
            self.connection.execute_batch("COMMIT")?;
            Ok(position)
        });
        if worked.is_err() {
            // The first error is the one to tell; a connection that cannot roll back is rolled back when it closes.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        worked
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) -> Result<(), SessionsError> {
        Ok(self.connection.execute_batch(
            "DELETE FROM calls; DELETE FROM threads; DELETE FROM accounts; \
             DELETE FROM charges; DELETE FROM position;",
        )?)
    }

    fn keep_position(&self, position: &Position) -> Result<(), SessionsError> {
        self.connection.prepare_cached("INSERT OR REPLACE INTO position VALUES (1, ?, ?, ?, ?, ?, ?)")?.execute(
            params![
                signed(position.next),
                signed(position.segment),
                signed(position.offset),
                position.link,
                position.last.map(|last| signed(last.segment)),
                position.last.map(|last| signed(last.offset)),
            ],
        )?;
        Ok(())
    }

    /// The threads that a query lists, newest first.
    pub(super) fn list(&self, query: &Query, limit: usize) -> Result<Vec<ThreadRow>, SessionsError> {
        let before = query.before.map_or(i64::MAX, signed);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = match &query.caller {
            None => {
                let text = format!("SELECT {THREAD_COLUMNS} FROM threads WHERE last < ? ORDER BY last DESC LIMIT ?");
                let mut statement = self.connection.prepare_cached(&text)?;
                statement.query_map(params![before, limit], thread_row)?.collect::<Result<_, _>>()?
            }
            Some((issuer, subject)) => {
                let text = format!(
                    "SELECT {THREAD_COLUMNS} FROM threads WHERE issuer = ? AND subject = ? AND last < ? \
                     ORDER BY last DESC LIMIT ?"
                );
                let mut statement = self.connection.prepare_cached(&text)?;
                let values = params![issuer.as_str(), subject.as_ref(), before, limit];
                statement.query_map(values, thread_row)?.collect::<Result<_, _>>()?
            }
        };
        Ok(rows)
    }

    /// The calls of a session, oldest first.
    pub(super) fn calls_of(&self, session: SessionId) -> Result<Vec<CallRow>, SessionsError> {
        let text = format!("SELECT {CALL_COLUMNS} FROM calls WHERE session = ? ORDER BY record");
        let mut statement = self.connection.prepare_cached(&text)?;
        let rows = statement.query_map([session.as_bytes()], call_row)?.collect::<Result<_, _>>()?;
        Ok(rows)
    }
}

impl Index {
    /// The row of a call.
    pub(super) fn call(&self, request: RequestId) -> Result<Option<CallRow>, SessionsError> {
        let text = format!("SELECT {CALL_COLUMNS} FROM calls WHERE request = ?");
        let mut statement = self.connection.prepare_cached(&text)?;
        Ok(statement.query_row([request.as_bytes()], call_row).optional()?)
    }

    /// The row of a thread.
    pub(super) fn thread(&self, thread: ThreadId) -> Result<Option<ThreadRow>, SessionsError> {
        let text = format!("SELECT {THREAD_COLUMNS} FROM threads WHERE thread = ? AND is_session = ?");
        let mut statement = self.connection.prepare_cached(&text)?;
        let (key, is_session) = thread_key(thread);
        Ok(statement.query_row(params![key, is_session], thread_row).optional()?)
    }

    /// Writes calls' rows in the place of what they were.
    pub(super) fn write_calls<'r>(&self, calls: impl Iterator<Item = &'r CallRow>) -> Result<(), SessionsError> {
        let text = format!("INSERT OR REPLACE INTO calls ({CALL_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
        let mut statement = self.connection.prepare_cached(&text)?;
        for call in calls {
            let (state, code) = state_columns(call.state);
            statement.execute(params![
                call.request.as_bytes(),
                call.session.as_ref().map(SessionId::as_bytes),
                state,
                code,
                signed(call.first.record),
                signed(call.first.segment),
                signed(call.first.offset),
                call.outcome.map(|place| signed(place.record)),
                call.outcome.map(|place| signed(place.segment)),
                call.outcome.map(|place| signed(place.offset)),
                signed(call.body),
            ])?;
        }
        Ok(())
    }

    /// Writes threads' rows in the place of what they were.
    pub(super) fn write_threads<'r>(&self, threads: impl Iterator<Item = &'r ThreadRow>) -> Result<(), SessionsError> {
        let text = format!(
            "INSERT OR REPLACE INTO threads ({THREAD_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        );
        let mut statement = self.connection.prepare_cached(&text)?;
        for thread in threads {
            let (key, is_session) = thread_key(thread.thread);
            let (state, code) = state_columns(thread.state);
            let caller = thread.caller.as_ref();
            statement.execute(params![
                key,
                is_session,
                caller.map(|caller| caller.issuer.as_str()),
                caller.map(|caller| caller.subject.as_ref()),
                caller.map(|caller| caller.kind.name()),
                signed(thread.started.micros()),
                signed(thread.latest.micros()),
                signed(thread.calls),
                signed(thread.refused),
                signed(thread.interrupted),
                thread.models.join("\n"),
                thread.verdict.map(Verdict::name),
                state,
                code,
                signed(thread.last),
            ])?;
        }
        Ok(())
    }
}

/// SQLite's integers are signed; ours are counters and places, which keep their bits.
pub(super) const fn signed(number: u64) -> i64 {
    number.cast_signed()
}

pub(super) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

const fn thread_key(thread: ThreadId) -> ([u8; 16], i64) {
    match thread {
        ThreadId::Session(session) => (*session.as_bytes(), 1),
        ThreadId::Call(request) => (*request.as_bytes(), 0),
    }
}

const fn state_columns(state: CallState) -> (&'static str, Option<&'static str>) {
    match state {
        CallState::Open | CallState::Closed(_) => match state {
            CallState::Closed(Fate::Failed(code)) => (state.name(), Some(code.name())),
            _ => (state.name(), None),
        },
        CallState::Refused(code) => (state.name(), Some(code.name())),
    }
}

fn state(row: &Row<'_>, column: usize) -> rusqlite::Result<CallState> {
    let name: String = row.get(column)?;
    let code: Option<String> = row.get(column + 1)?;
    let code = code.and_then(|code| Code::from_name(&code));
    let fates = [Fate::Ended, Fate::ClientLeft, Fate::UpstreamCut, Fate::Drained, Fate::Interrupted];
    let known = match (name.as_str(), code) {
        ("open", None) => Some(CallState::Open),
        ("refused", Some(code)) => Some(CallState::Refused(code)),
        ("failed", Some(code)) => Some(CallState::Closed(Fate::Failed(code))),
        (name, None) => fates.into_iter().find(|fate| fate.name() == name).map(CallState::Closed),
        (_, Some(_)) => None,
    };
    known.ok_or_else(|| unknown(column, &name))
}

fn call_row(row: &Row<'_>) -> rusqlite::Result<CallRow> {
    let place = |at: usize| -> rusqlite::Result<Place> {
        Ok(Place { record: number(row, at)?, segment: number(row, at + 1)?, offset: number(row, at + 2)? })
    };
    Ok(CallRow {
        request: RequestId::from_bytes(row.get(0)?),
        session: row.get::<_, Option<[u8; 16]>>(1)?.map(SessionId::from_bytes),
        state: state(row, 2)?,
        first: place(4)?,
        outcome: match row.get::<_, Option<i64>>(7)? {
            Some(_) => Some(place(7)?),
            None => None,
        },
        body: number(row, 10)?,
    })
}

fn thread_row(row: &Row<'_>) -> rusqlite::Result<ThreadRow> {
    let thread = match row.get(1)? {
        1_i64 => ThreadId::Session(SessionId::from_bytes(row.get(0)?)),
        _ => ThreadId::Call(RequestId::from_bytes(row.get(0)?)),
    };
    let kind: Option<String> = row.get(4)?;
    let kind = kind.map(|kind| match kind.as_str() {
        "workload" => Kind::Workload,
        _ => Kind::Person,
    });
    let caller = match (row.get::<_, Option<String>>(2)?, row.get::<_, Option<String>>(3)?, kind) {
        (Some(issuer), Some(subject), Some(kind)) => {
            Some(Caller { issuer: issuer.as_str().into(), subject: subject.into(), kind })
        }
        _ => None,
    };
    let models: String = row.get(10)?;
    let verdict: Option<String> = row.get(11)?;
    let verdicts = [Verdict::Allow, Verdict::Hold, Verdict::Deny];
    Ok(ThreadRow {
        thread,
        caller,
        started: Timestamp::from_micros(number(row, 5)?),
        latest: Timestamp::from_micros(number(row, 6)?),
        calls: number(row, 7)?,
        refused: number(row, 8)?,
        interrupted: number(row, 9)?,
        models: models.split('\n').filter(|model| !model.is_empty()).map(Arc::from).collect(),
        verdict: verdict.and_then(|name| verdicts.into_iter().find(|verdict| verdict.name() == name)),
        state: state(row, 12)?,
        last: number(row, 14)?,
    })
}

fn unknown(column: usize, value: &str) -> rusqlite::Error {
    let why = format!("{value} is not known here");
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, why.into())
}
