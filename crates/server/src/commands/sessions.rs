//! `gatewright sessions list | show | replay`

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use gatewright_model::{Event, Moment, Tally};
use gatewright_store::sessions::{
    Bodies, Call, CallState, FolderSessions, Piece, Query, Replay, Sessions, SessionsError, Summary, ThreadId,
};
use serde_json::{Value, json};

use super::{Format, Outcome, answer, complain, visible};
use crate::telemetry::told;

/// The longest pause that a replay keeps.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How long a call that seems open is waited for. Its end is recorded a moment after its caller has the last byte, so
/// whoever asks at once would be shown less than the caller has.
const SETTLING: Duration = Duration::from_secs(2);

/// How often it is looked at meanwhile.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// What `look` finds, once no call of it is open, or as it is after a while: a call may really be open.
fn settled<T>(
    mut look: impl FnMut() -> Result<Option<Vec<T>>, Outcome>,
    call: impl Fn(&T) -> &Call,
) -> Result<Option<Vec<T>>, Outcome> {
    let began = Instant::now();
    loop {
        let found = look()?;
        let open = found.iter().flatten().any(|found| call(found).state == CallState::Open);
        if !open || began.elapsed() >= SETTLING {
            return Ok(found);
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

pub(super) fn opened(data: &Path) -> Result<FolderSessions, Outcome> {
    FolderSessions::open(data).map_err(|error| failed(data, &error))
}

pub(super) fn failed(data: &Path, error: &SessionsError) -> Outcome {
    let outcome = match error {
        SessionsError::NoLog | SessionsError::Damaged { .. } => Outcome::Finding,
        SessionsError::Disk(_) | SessionsError::Index(_) => Outcome::Internal,
    };
    complain(outcome, &format!("{}: {error}", data.display()))
}

/// Lists sessions, newest first: all, or those of one caller, written as lists write callers (`alice@corp`).
pub fn list(data: &Path, limit: usize, caller: Option<&str>, format: Format) -> Outcome {
    let caller = match caller.map(|written| written.rsplit_once('@')) {
        None => None,
        Some(Some((subject, issuer))) => Some((issuer.into(), subject.into())),
        Some(None) => return complain(Outcome::Usage, &"--caller: expected SUBJECT@ISSUER, as lists have it"),
    };
    let sessions = match opened(data) {
        Ok(sessions) => sessions,
        Err(outcome) => return outcome,
    };
    let rows = match sessions.list(&Query { caller, limit, ..Query::default() }) {
        Ok(rows) => rows,
        Err(error) => return failed(data, &error),
    };
    match format {
        Format::Json => answer(&format!("{}\n", Value::from(rows.iter().map(row_in_json).collect::<Vec<_>>()))),
        Format::Text if rows.is_empty() => answer("No session yet.\n"),
        Format::Text => answer(&table(&rows)),
    }
    Outcome::Holds
}

fn caller_of(caller: Option<&gatewright_store::sessions::Caller>) -> String {
    caller.map_or_else(|| "-".to_owned(), |caller| format!("{}@{}", visible(&caller.subject), caller.issuer))
}

pub(super) fn row_in_json(row: &Summary) -> Value {
    json!({
        "session": row.thread.to_string(),
        "caller": row.caller.as_ref().map(|caller| json!({ "issuer": caller.issuer.as_str(), "subject": &*caller.subject })),
        "started": row.started.to_string(),
        "latest": row.latest.to_string(),
        "calls": row.calls,
        "refused": row.refused,
        "interrupted": row.interrupted,
        "models": row.models.iter().map(|model| &**model).collect::<Vec<_>>(),
        "decision": row.verdict.map(gatewright_model::Verdict::name),
        "state": row.state.name(),
    })
}

fn table(rows: &[Summary]) -> String {
    let mut lines = vec![["STARTED", "SESSION", "CALLER", "CALLS", "MODELS", "DECISION", "STATE"].map(str::to_owned)];
    lines.extend(rows.iter().map(cells));
    let mut widths = [0; 7];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for line in &lines {
        let mut written = String::new();
        for (width, cell) in widths.iter().zip(line) {
            let _ = write!(written, "{cell:width$}  ");
        }
        text.push_str(written.trim_end());
        text.push('\n');
    }
    text
}

fn cells(row: &Summary) -> [String; 7] {
    [
        row.started.to_string(),
        row.thread.to_string(),
        caller_of(row.caller.as_ref()),
        row.calls.to_string(),
        visible(&row.models.join(",")),
        row.verdict.map_or("-", gatewright_model::Verdict::name).to_owned(),
        row.state.name().to_owned(),
    ]
}

/// A session in one line by itself: when something last happened in it, and the rest as in lists.
pub(super) fn line(row: &Summary) -> String {
    let [_, rest @ ..] = cells(row);
    format!("{}  {}\n", row.latest, rest.join("  "))
}

/// The thread that was meant: an id, or the newest one.
fn meant(sessions: &FolderSessions, data: &Path, written: &str) -> Result<ThreadId, Outcome> {
    if written != "last" {
        return written
            .parse()
            .map_err(|_| complain(Outcome::Usage, &"expected a session (ses_…), a call (req_…) or `last`"));
    }
    let newest = sessions.list(&Query { limit: 1, ..Query::default() }).map_err(|error| failed(data, &error))?;
    newest.first().map(|row| row.thread).ok_or_else(|| complain(Outcome::Finding, &"there is no session yet"))
}

/// Shows every call of a session.
pub fn show(data: &Path, session: &str, format: Format) -> Outcome {
    let calls = opened(data).and_then(|sessions| {
        let thread = meant(&sessions, data, session)?;
        settled(|| sessions.show(thread).map_err(|error| failed(data, &error)), |call| call)
    });
    match calls {
        Err(outcome) => outcome,
        Ok(None) => complain(Outcome::Finding, &"there is no such session"),
        Ok(Some(calls)) => {
            match format {
                Format::Json => {
                    answer(&format!("{}\n", Value::from(calls.iter().map(call_in_json).collect::<Vec<_>>())))
                }
                Format::Text => answer(&calls.iter().map(call_in_words).collect::<String>()),
            }
            Outcome::Holds
        }
    }
}

fn call_in_json(call: &Call) -> Value {
    json!({
        "request": call.request.to_string(),
        "session": call.session.map(|session| session.to_string()),
        "caller": call.caller.as_ref().map(|caller| json!({
            "issuer": caller.issuer.as_str(), "subject": &*caller.subject, "kind": caller.kind.name(),
        })),
        "state": call.state.name(),
        "record": call.record,
        "outcome": call.outcome,
        "moments": call.moments.iter().map(told::in_json).collect::<Vec<_>>(),
    })
}

fn call_in_words(call: &Call) -> String {
    let mut text = format!("{}  {}  {}\n", call.request, caller_of(call.caller.as_ref()), call.state.name());
    for moment in &call.moments {
        let _ = writeln!(text, "  {}  {}", moment.at, visible(&told::in_words(moment)));
    }
    text.push('\n');
    text
}

/// Gives a session's calls again, as they were given.
pub fn replay(data: &Path, session: &str, speed: f64, format: Format) -> Outcome {
    if !speed.is_finite() || speed < 0.0 {
        return complain(Outcome::Usage, &"--speed is a number, 0 or above");
    }
    let calls = opened(data).and_then(|sessions| {
        let thread = meant(&sessions, data, session)?;
        settled(|| sessions.replay(thread).map_err(|error| failed(data, &error)), |replay| &replay.call)
    });
    match calls {
        Err(outcome) => outcome,
        Ok(None) => complain(Outcome::Finding, &"there is no such session"),
        Ok(Some(calls)) => {
            match format {
                Format::Json => {
                    answer(&format!("{}\n", Value::from(calls.iter().map(replay_in_json).collect::<Vec<_>>())))
                }
                Format::Text => calls.iter().for_each(|call| play(call, speed)),
            }
            Outcome::Holds
        }
    }
}

fn replay_in_json(replay: &Replay) -> Value {
    let bodies = replay.bodies.as_ref().map(|bodies| {
        json!({
            "request": String::from_utf8_lossy(&bodies.request),
            "pieces": bodies.pieces.iter().map(|piece| json!({
                "after_us": u64::try_from(piece.after.as_micros()).unwrap_or(u64::MAX),
                "text": String::from_utf8_lossy(&piece.bytes),
            })).collect::<Vec<_>>(),
        })
    });
    json!({ "call": call_in_json(&replay.call), "bodies": bodies })
}

fn play(replay: &Replay, speed: f64) {
    let call = &replay.call;
    let model = call.moments.iter().find_map(|moment| match &moment.event {
        Event::Identified { model, operation, .. } => {
            Some((operation.name(), model.as_deref().unwrap_or("-").to_owned()))
        }
        _ => None,
    });
    let (operation, model) = model.unwrap_or(("-", "-".to_owned()));
    answer(&format!("── {}  {}  {operation}  {}\n", call.request, caller_of(call.caller.as_ref()), visible(&model)));
    match &replay.bodies {
        Some(bodies) => play_bodies(bodies, speed),
        None => answer("   no bodies: it was refused\n"),
    }
    let masked = masked(&call.moments);
    let masked = if masked.is_empty() { String::new() } else { format!(", masked: {masked}") };
    answer(&format!("── {}{masked}\n\n", call.state.name()));
}

fn play_bodies(bodies: &Bodies, speed: f64) {
    answer(&format!("→ {}\n← ", visible(&String::from_utf8_lossy(&bodies.request))));
    let mut before = Duration::ZERO;
    // A character may be cut between two pieces; it is shown with the second.
    let mut held = Vec::new();
    for Piece { after, bytes } in &bodies.pieces {
        if speed > 0.0 {
            std::thread::sleep(after.saturating_sub(before).div_f64(speed.max(0.001)).min(LONGEST_PAUSE));
        }
        before = *after;
        held.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&held) {
            Ok(text) => text.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => held.len(),
        };
        answer(&visible(&String::from_utf8_lossy(&held[..whole])));
        held.drain(..whole);
    }
    answer("\n");
}

fn masked(moments: &[Moment]) -> String {
    let tallies = moments.iter().find_map(|moment| match &moment.event {
        Event::Closed { masked, .. } => Some(masked.as_slice()),
        _ => None,
    });
    let words = |tally: &Tally| format!("{} {}", tally.count, tally.info_type);
    tallies.unwrap_or_default().iter().map(words).collect::<Vec<_>>().join(", ")
}
