//! `gatewright records export`: every record as a line of JSON, from a cursor.

mod ocsf;

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use gatewright_store::records::{Record, Records};
use gatewright_store::sessions::SessionsError;
use serde_json::{Value, json};

use super::{Outcome, complain};
use crate::telemetry::told;

/// How many records are written before the cursor moves.
const BATCH: u64 = 1_000;

/// How often it is looked for more.
const EVERY: Duration = Duration::from_secs(1);

/// What was typed.
#[derive(Debug)]
pub struct Wanted {
    /// The data folder.
    pub data: PathBuf,
    /// The form of a line.
    pub form: Form,
    /// The file that says how far it came; without it everything is written.
    pub cursor: Option<PathBuf>,
    /// What comes after the last record.
    pub then: Then,
}

/// The form of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As `sessions show` has moments.
    Plain,
    /// The Open Cybersecurity Schema Framework's API Activity.
    Ocsf,
}

/// What comes after the last record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// The end.
    End,
    /// Those to come.
    Follow,
}

/// Writes records from the cursor on. The cursor moves behind what was written: after a crash of the process some records
/// are written again, and none is left out. What the machine's own cache loses with its power is the reader's to sync.
pub fn export(wanted: &Wanted) -> Outcome {
    let next = match wanted.cursor.as_deref().map_or(Ok(0), read_cursor) {
        Ok(next) => next,
        Err(words) => return complain(Outcome::Usage, &words),
    };
    let mut records = match Records::open(&wanted.data, next) {
        Ok(records) => records,
        Err(error) => return failed(&wanted.data, &error),
    };
    loop {
        let mut lines = Vec::new();
        let taken = match records.take(BATCH, |record| {
            lines.extend_from_slice(line(&record, wanted.form).to_string().as_bytes());
            lines.push(b'\n');
        }) {
            Ok(taken) => taken,
            Err(error) => return failed(&wanted.data, &error),
        };
        let mut out = io::stdout().lock();
        match out.write_all(&lines).and_then(|()| out.flush()) {
            Ok(()) => {}
            // Whoever read it has gone; what they did not take is written again the next time.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Outcome::Holds,
            // A full disk behind it is no end of the records.
            Err(error) => return complain(Outcome::Internal, &format!("standard output: {error}")),
        }
        if taken > 0
            && let Some(cursor) = &wanted.cursor
            && let Err(error) = keep_cursor(cursor, records.next())
        {
            return complain(Outcome::Internal, &format!("{}: {error}", cursor.display()));
        }
        match (taken, wanted.then) {
            (0, Then::End) => return Outcome::Holds,
            (0, Then::Follow) => std::thread::sleep(EVERY),
            (1.., Then::End | Then::Follow) => {}
        }
    }
}

fn line(record: &Record, form: Form) -> Value {
    match form {
        Form::Plain => json!({
            "record": record.number,
            "request": record.leaf.request.map(|request| request.to_string()),
            "moments": record.leaf.moments.iter().map(told::in_json).collect::<Vec<_>>(),
        }),
        Form::Ocsf => ocsf::event(record),
    }
}

fn read_cursor(path: &Path) -> Result<u64, String> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(format!("{}: {error}", path.display())),
        Ok(text) => text.trim().parse().map_err(|_| format!("{}: expected the number of a record", path.display())),
    }
}

fn keep_cursor(path: &Path, next: u64) -> io::Result<()> {
    let draft = path.with_extension("draft");
    fs::write(&draft, format!("{next}\n"))?;
    fs::rename(&draft, path)
}

fn failed(data: &Path, error: &SessionsError) -> Outcome {
    let outcome = match error {
        SessionsError::NoLog | SessionsError::Damaged { .. } => Outcome::Finding,
        SessionsError::Disk(_) | SessionsError::Index(_) => Outcome::Internal,
    };
    complain(outcome, &format!("{}: {error}", data.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_kept_and_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("cursor");
        assert_eq!(read_cursor(&path), Ok(0));
        keep_cursor(&path, 77).expect("it is written");
        assert_eq!(read_cursor(&path), Ok(77));
        fs::write(&path, "x").expect("it is written");
        assert!(read_cursor(&path).is_err());
    }
}
