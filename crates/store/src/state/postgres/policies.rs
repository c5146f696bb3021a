use std::sync::Arc;

use deadpool_postgres::Transaction;
use gatewright_model::{Digest, IssuerName, Timestamp};
use tokio_postgres::{Client, Row};

use super::{Postgres, announce, bounded};
use crate::state::change::{Change, Topic};
use crate::state::{Answer, Author, NewPolicy, Origin, Policies, PolicyFile, PolicyVersion, StateError};

const COLUMNS: &str = "number, digest, issuer, subject, at, reason, restores";

impl Policies for Postgres {
    fn newest(&self) -> Answer<'_, Option<PolicyVersion>> {
        Box::pin(bounded(async {
            let query = format!("SELECT {COLUMNS} FROM policy_versions ORDER BY number DESC LIMIT 1");
            let client = self.client().await?;
            let statement = client.prepare_cached(&query).await?;
            client.query_opt(&statement, &[]).await?.as_ref().map(version).transpose()
        }))
    }

    fn history(&self, before: Option<u64>, limit: usize) -> Answer<'_, Vec<PolicyVersion>> {
        Box::pin(bounded(async move {
            let before = before.map_or(i64::MAX, u64::cast_signed);
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let query =
                format!("SELECT {COLUMNS} FROM policy_versions WHERE number < $1 ORDER BY number DESC LIMIT $2");
            let client = self.client().await?;
            let statement = client.prepare_cached(&query).await?;
            client.query(&statement, &[&before, &limit]).await?.iter().map(version).collect()
        }))
    }

    fn version(&self, number: u64) -> Answer<'_, Option<(PolicyVersion, Vec<PolicyFile>)>> {
        Box::pin(bounded(async move {
            let query = format!("SELECT {COLUMNS} FROM policy_versions WHERE number = $1");
            let client = self.client().await?;
            let Some(row) = client.query_opt(&query, &[&number.cast_signed()]).await? else { return Ok(None) };
            let found = version(&row)?;
            let files = files_of(&client, &found.digest).await?;
            Ok(Some((found, files)))
        }))
    }

    fn append(&self, new: NewPolicy) -> Answer<'_, PolicyVersion> {
        Box::pin(bounded(async move {
            let mut client = self.client().await?;
            let transaction = client.transaction().await?;
            // Of two that come at the same time, the number's key lets one in.
            let query = "SELECT coalesce(max(number), 0) FROM policy_versions";
            let present: i64 = transaction.query_one(query, &[]).await?.try_get(0)?;
            if present.cast_unsigned() != new.parent {
                return Err(StateError::Conflict("another version is the newest"));
            }
            let digest = &new.digest[..];
            keep_files(&transaction, &new.digest, &new.files).await?;
            let added = new.numbered();
            let (issuer, subject) = match &added.author {
                Author::Caller { issuer, subject } => (Some(issuer.as_str()), Some(&**subject)),
                Author::Machine => (None, None),
            };
            let restores = match added.origin {
                Origin::Files => None,
                Origin::Version(number) => Some(number.cast_signed()),
            };
            let (number, at) = (added.number.cast_signed(), added.at.micros().cast_signed());
            let insert = format!("INSERT INTO policy_versions ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)");
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 7] =
                [&number, &digest, &issuer, &subject, &at, &&*added.reason, &restores];
            transaction.execute(&insert, &values).await?;
            announce(&transaction, &Change::of(Topic::Policies, added.number)).await?;
            transaction.commit().await?;
            Ok(added)
        }))
    }
}

/// The files of this digest, in their order.
pub(super) async fn files_of(client: &Client, digest: &Digest) -> Result<Vec<PolicyFile>, StateError> {
    let query = "SELECT name, bytes FROM policy_files WHERE digest = $1 ORDER BY position";
    let rows = client.query(query, &[&&digest[..]]).await?;
    let files = rows.iter().map(|row| {
        let (name, bytes): (&str, &[u8]) = (row.try_get(0)?, row.try_get(1)?);
        Ok(PolicyFile { name: name.into(), bytes: bytes.into() })
    });
    files.collect()
}

/// Keeps files, unless those of this digest are there already.
pub(super) async fn keep_files(
    transaction: &Transaction<'_>,
    digest: &Digest,
    files: &[PolicyFile],
) -> Result<(), StateError> {
    let known = "SELECT 1 FROM policy_files WHERE digest = $1 LIMIT 1";
    if transaction.query_opt(known, &[&&digest[..]]).await?.is_some() {
        return Ok(());
    }
    let insert = "INSERT INTO policy_files (digest, position, name, bytes) VALUES ($1, $2, $3, $4)";
    let insert = transaction.prepare_cached(insert).await?;
    for (position, file) in (0_i64..).zip(files) {
        transaction.execute(&insert, &[&&digest[..], &position, &&*file.name, &&*file.bytes]).await?;
    }
    Ok(())
}

fn version(row: &Row) -> Result<PolicyVersion, StateError> {
    let author = match (row.try_get::<_, Option<&str>>(2)?, row.try_get::<_, Option<&str>>(3)?) {
        (Some(issuer), Some(subject)) => {
            Author::Caller { issuer: IssuerName::from(issuer), subject: Arc::from(subject) }
        }
        _ => Author::Machine,
    };
    let digest: &[u8] = row.try_get(1)?;
    let restores: Option<i64> = row.try_get(6)?;
    Ok(PolicyVersion {
        number: row.try_get::<_, i64>(0)?.cast_unsigned(),
        digest: digest.try_into().map_err(|_| StateError::fault("a digest has not 32 bytes"))?,
        author,
        at: Timestamp::from_micros(row.try_get::<_, i64>(4)?.cast_unsigned()),
        reason: row.try_get::<_, &str>(5)?.into(),
        origin: restores.map_or(Origin::Files, |number| Origin::Version(number.cast_unsigned())),
    })
}
