use std::sync::Arc;

use gatewright_model::{Digest, IssuerName, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::Sqlite;
use crate::state::change::{Change, Topic};
use crate::state::{Answer, Author, NewPolicy, Origin, Policies, PolicyFile, PolicyVersion, StateError};

const COLUMNS: &str = "number, digest, issuer, subject, at, reason, restores";

impl Policies for Sqlite {
    fn newest(&self) -> Answer<'_, Option<PolicyVersion>> {
        Box::pin(self.read(newest))
    }

    fn history(&self, before: Option<u64>, limit: usize) -> Answer<'_, Vec<PolicyVersion>> {
        Box::pin(self.read(move |connection| {
            let before = before.map_or(i64::MAX, u64::cast_signed);
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let query =
                format!("SELECT {COLUMNS} FROM policy_versions WHERE number < ?1 ORDER BY number DESC LIMIT ?2");
            let mut statement = connection.prepare_cached(&query)?;
            let versions = statement.query_map([before, limit], version)?;
            Ok(versions.collect::<Result<_, _>>()?)
        }))
    }

    fn version(&self, number: u64) -> Answer<'_, Option<(PolicyVersion, Vec<PolicyFile>)>> {
        Box::pin(self.read(move |connection| {
            let query = format!("SELECT {COLUMNS} FROM policy_versions WHERE number = ?1");
            let found = connection.query_row(&query, [number.cast_signed()], version).optional()?;
            let Some(found) = found else { return Ok(None) };
            let files = files_of(connection, &found.digest)?;
            Ok(Some((found, files)))
        }))
    }

    fn append(&self, new: NewPolicy) -> Answer<'_, PolicyVersion> {
        Box::pin(self.write(move |connection, changes| {
            let present = newest(connection)?.map_or(0, |newest| newest.number);
            if present != new.parent {
                return Err(StateError::Conflict("another version is the newest"));
            }
            keep_files(connection, &new.digest, &new.files)?;
            let added = new.numbered();
            let insert = format!("INSERT INTO policy_versions ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
            let (issuer, subject) = match &added.author {
                Author::Caller { issuer, subject } => (Some(issuer.as_str()), Some(&**subject)),
                Author::Machine => (None, None),
            };
            let restores = match added.origin {
                Origin::Files => None,
                Origin::Version(number) => Some(number.cast_signed()),
            };
            let (number, at) = (added.number.cast_signed(), added.at.micros().cast_signed());
            connection.execute(&insert, params![number, added.digest, issuer, subject, at, added.reason, restores])?;
            changes.push(Change::of(Topic::Policies, added.number));
            Ok(added)
        }))
    }
}

/// The files of this digest, in their order.
pub(super) fn files_of(connection: &Connection, digest: &Digest) -> Result<Vec<PolicyFile>, StateError> {
    let query = "SELECT name, bytes FROM policy_files WHERE digest = ?1 ORDER BY position";
    let mut statement = connection.prepare_cached(query)?;
    let files = statement
        .query_map([digest], |row| Ok(PolicyFile { name: row.get(0)?, bytes: row.get::<_, Vec<u8>>(1)?.into() }))?;
    Ok(files.collect::<Result<_, _>>()?)
}

/// Keeps files, unless those of this digest are there already.
pub(super) fn keep_files(connection: &Connection, digest: &Digest, files: &[PolicyFile]) -> Result<(), StateError> {
    let known = "SELECT 1 FROM policy_files WHERE digest = ?1 LIMIT 1";
    let known = connection.query_row(known, [digest], |_| Ok(())).optional()?;
    if known.is_some() {
        return Ok(());
    }
    let insert = "INSERT INTO policy_files (digest, position, name, bytes) VALUES (?1, ?2, ?3, ?4)";
    let mut insert = connection.prepare_cached(insert)?;
    for (position, file) in (0_i64..).zip(files) {
        insert.execute(params![digest, position, file.name, &file.bytes[..]])?;
    }
    Ok(())
}

fn newest(connection: &Connection) -> Result<Option<PolicyVersion>, StateError> {
    let query = format!("SELECT {COLUMNS} FROM policy_versions ORDER BY number DESC LIMIT 1");
    Ok(connection.prepare_cached(&query)?.query_row([], version).optional()?)
}

fn version(row: &Row<'_>) -> rusqlite::Result<PolicyVersion> {
    let author = match (row.get::<_, Option<String>>(2)?, row.get::<_, Option<Arc<str>>>(3)?) {
        (Some(issuer), Some(subject)) => Author::Caller { issuer: IssuerName::from(issuer.as_str()), subject },
        _ => Author::Machine,
    };
    let origin = row.get::<_, Option<i64>>(6)?.map_or(Origin::Files, |number| Origin::Version(number.cast_unsigned()));
    Ok(PolicyVersion {
        number: row.get::<_, i64>(0)?.cast_unsigned(),
        digest: row.get(1)?,
        author,
        at: Timestamp::from_micros(row.get::<_, i64>(4)?.cast_unsigned()),
        reason: row.get(5)?,
        origin,
    })
}
