//! `gatewright sessions tail`: what happens in sessions, as it happens.

use std::collections::HashMap;
use std::io::{Write as _, stdout};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use gatewright_store::sessions::{CallState, FolderSessions, Query, Sessions as _, Summary, ThreadId};

use super::sessions::{failed, line, opened, row_in_json};
use super::{Format, Outcome};

/// How often it is looked.
const EVERY: Duration = Duration::from_millis(300);

/// How many sessions are looked at: those that something happened in last.
const MOST: usize = 200;

/// What was last told of a session.
type Told = (u64, CallState);

/// Tells of every session in which a call begins or ends from now on, until it is stopped.
pub fn tail(data: &Path, format: Format) -> Outcome {
    let sessions = match opened(data) {
        Ok(sessions) => sessions,
        Err(outcome) => return outcome,
    };
    let mut told = HashMap::new();
    // What happened before is not told.
    match look(&sessions) {
        Ok(rows) => drop(news(&mut told, rows)),
        Err(error) => return failed(data, &error),
    }
    loop {
        sleep(EVERY);
        let rows = match look(&sessions) {
            Ok(rows) => rows,
            Err(error) => return failed(data, &error),
        };
        for row in news(&mut told, rows) {
            let text = match format {
                Format::Json => format!("{}\n", row_in_json(&row)),
                Format::Text => line(&row),
            };
            // Whoever read it has gone.
            if stdout().write_all(text.as_bytes()).and_then(|()| stdout().flush()).is_err() {
                return Outcome::Holds;
            }
        }
    }
}

fn look(sessions: &FolderSessions) -> Result<Vec<Summary>, gatewright_store::sessions::SessionsError> {
    sessions.list(&Query { limit: MOST, ..Query::default() })
}

/// The sessions that have changed since they were told of, oldest first; of those that are not listed any more nothing is
/// kept.
fn news(told: &mut HashMap<ThreadId, Told>, rows: Vec<Summary>) -> Vec<Summary> {
    let before = std::mem::take(told);
    told.extend(rows.iter().map(|row| (row.thread, (row.calls, row.state))));
    let mut news = rows;
    news.retain(|row| before.get(&row.thread) != Some(&(row.calls, row.state)));
    news.reverse();
    news
}

#[cfg(test)]
mod tests {
    use gatewright_model::{Fate, SessionId, Timestamp};

    use super::*;

    fn row(session: u8, calls: u64, state: CallState) -> Summary {
        Summary {
            thread: ThreadId::Session(SessionId::from_bytes([session; 16])),
            caller: None,
            started: Timestamp::from_seconds(1),
            latest: Timestamp::from_seconds(2),
            calls,
            refused: 0,
            interrupted: 0,
            models: Vec::new(),
            verdict: None,
            state,
            cursor: 0,
        }
    }

    #[test]
    fn a_session_is_told_of_when_a_call_begins_and_when_it_ends() {
        let (open, ended) = (CallState::Open, CallState::Closed(Fate::Ended));
        let mut told = HashMap::new();
        assert_eq!(news(&mut told, vec![row(1, 1, ended)]).len(), 1);
        assert_eq!(news(&mut told, vec![row(1, 1, ended)]), vec![]);
        let newest_first = vec![row(2, 1, open), row(1, 2, open)];
        assert_eq!(news(&mut told, newest_first), vec![row(1, 2, open), row(2, 1, open)]);
        assert_eq!(news(&mut told, vec![row(2, 1, ended), row(1, 2, open)]), vec![row(2, 1, ended)]);
        assert_eq!(told.len(), 2);
    }
}
