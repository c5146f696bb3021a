use std::sync::Arc;

use gatewright_model::{IssuerName, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::Sqlite;
use super::policies::{files_of, keep_files};
use crate::state::change::{Change, Topic};
use crate::state::{Answer, CandidateStep, Candidates, NewCandidate, PolicyFile, StateError};

const COLUMNS: &str = "number, digest, issuer, subject, at, reason";

impl Candidates for Sqlite {
    fn candidate(&self) -> Answer<'_, Option<(CandidateStep, Vec<PolicyFile>)>> {
        Box::pin(self.read(|connection| {
            let Some(last) = last(connection)? else { return Ok(None) };
            let files = last.digest.map(|digest| files_of(connection, &digest)).transpose()?;
            Ok(Some((last, files.unwrap_or_default())))
        }))
    }

    fn step(&self, new: NewCandidate) -> Answer<'_, CandidateStep> {
        Box::pin(self.write(move |connection, changes| {
            let step = new.after(last(connection)?.map_or(0, |last| last.number));
            if let Some((digest, files)) = &new.catalogue {
                keep_files(connection, digest, files)?;
            }
            let insert = format!("INSERT INTO policy_candidates ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
            let (number, at) = (step.number.cast_signed(), step.at.micros().cast_signed());
            let issuer = step.issuer.as_str();
            connection.execute(&insert, params![number, step.digest, issuer, step.subject, at, step.reason])?;
            changes.push(Change::of(Topic::Candidates, step.number));
            Ok(step)
        }))
    }
}

fn last(connection: &Connection) -> Result<Option<CandidateStep>, StateError> {
    let query = format!("SELECT {COLUMNS} FROM policy_candidates ORDER BY number DESC LIMIT 1");
    Ok(connection.prepare_cached(&query)?.query_row([], step).optional()?)
}

fn step(row: &Row<'_>) -> rusqlite::Result<CandidateStep> {
    Ok(CandidateStep {
        number: row.get::<_, i64>(0)?.cast_unsigned(),
        digest: row.get(1)?,
        issuer: IssuerName::from(row.get::<_, String>(2)?.as_str()),
        subject: row.get::<_, Arc<str>>(3)?,
        at: Timestamp::from_micros(row.get::<_, i64>(4)?.cast_unsigned()),
        reason: row.get(5)?,
    })
}
