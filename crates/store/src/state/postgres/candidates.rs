use std::sync::Arc;

use gatewright_model::{IssuerName, Timestamp};
use tokio_postgres::Row;

use super::policies::{files_of, keep_files};
use super::{Postgres, announce, bounded};
use crate::state::change::{Change, Topic};
use crate::state::{Answer, CandidateStep, Candidates, NewCandidate, PolicyFile, StateError};

const COLUMNS: &str = "number, digest, issuer, subject, at, reason";

impl Candidates for Postgres {
    fn candidate(&self) -> Answer<'_, Option<(CandidateStep, Vec<PolicyFile>)>> {
        Box::pin(bounded(async {
            let client = self.client().await?;
            let query = format!("SELECT {COLUMNS} FROM policy_candidates ORDER BY number DESC LIMIT 1");
            let statement = client.prepare_cached(&query).await?;
            let Some(row) = client.query_opt(&statement, &[]).await? else { return Ok(None) };
            let last = step(&row)?;
            let files = match &last.digest {
                Some(digest) => files_of(&client, digest).await?,
                None => Vec::new(),
            };
            Ok(Some((last, files)))
        }))
    }

    fn step(&self, new: NewCandidate) -> Answer<'_, CandidateStep> {
        Box::pin(bounded(async move {
            let mut client = self.client().await?;
            let transaction = client.transaction().await?;
            // Of two that come at the same time, the number's key lets one in.
            let query = "SELECT coalesce(max(number), 0) FROM policy_candidates";
            let last: i64 = transaction.query_one(query, &[]).await?.try_get(0)?;
            let step = new.after(last.cast_unsigned());
            if let Some((digest, files)) = &new.catalogue {
                keep_files(&transaction, digest, files).await?;
            }
            let digest = step.digest.as_ref().map(|digest| &digest[..]);
            let (number, at) = (step.number.cast_signed(), step.at.micros().cast_signed());
            let insert = format!("INSERT INTO policy_candidates ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6)");
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
                [&number, &digest, &step.issuer.as_str(), &&*step.subject, &at, &&*step.reason];
            transaction.execute(&insert, &values).await?;
            announce(&transaction, &Change::of(Topic::Candidates, step.number)).await?;
            transaction.commit().await?;
            Ok(step)
        }))
    }
}

fn step(row: &Row) -> Result<CandidateStep, StateError> {
    let digest: Option<&[u8]> = row.try_get(1)?;
    let digest = digest.map(|digest| digest.try_into().map_err(|_| StateError::fault("a digest has not 32 bytes")));
    Ok(CandidateStep {
        number: row.try_get::<_, i64>(0)?.cast_unsigned(),
        digest: digest.transpose()?,
        issuer: IssuerName::from(row.try_get::<_, &str>(2)?),
        subject: Arc::from(row.try_get::<_, &str>(3)?),
        at: Timestamp::from_micros(row.try_get::<_, i64>(4)?.cast_unsigned()),
        reason: row.try_get::<_, &str>(5)?.into(),
    })
}
