use gatewright_model::{LeaseId, LeaseKind, RequestId, Timestamp};
use tokio_postgres::Row;

use super::{Postgres, bounded};
use crate::state::leases::{Holder, Lease, Leases, Recorded, read_document};
use crate::state::{Answer, StateError};

const COLUMNS: &str = "id, call_id, kind, holder, lapses, until, document";

impl Leases for Postgres {
    fn record(&self, lease: Lease, most: u32, now: Timestamp) -> Answer<'_, Recorded> {
        Box::pin(bounded(async move {
            let mut lease = lease;
            let mut client = self.client().await?;
            let transaction = client.transaction().await?;
            let call = &lease.call.as_bytes()[..];
            if lease.lent.kind() != LeaseKind::Token {
                // The lock keeps the call from ending between looking and writing: whoever ends it then sees what is
                // written here. It keeps two from counting at once as well.
                let query = "SELECT holder, lapses FROM leases \
                             WHERE call_id = $1 AND kind = 'token' AND lapses > $2 FOR UPDATE";
                let now = now.micros().cast_signed();
                let Some(token) = transaction.query_opt(query, &[&call, &now]).await? else {
                    return Ok(Recorded::CallOver);
                };
                let count = "SELECT count(*) FROM leases WHERE call_id = $1 AND kind <> 'token'";
                let present: i64 = transaction.query_one(count, &[&call]).await?.try_get(0)?;
                if present >= i64::from(most) {
                    return Ok(Recorded::TooMany);
                }
                lease.holder = holder(&token, 0)?;
                lease.lapses = time(&token, 1)?.min(lease.until);
            }
            let insert = format!("INSERT INTO leases ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)");
            let (lapses, until) = (lease.lapses.micros().cast_signed(), lease.until.micros().cast_signed());
            let (id, holder, document) = (&lease.id.as_bytes()[..], &lease.holder.as_bytes()[..], lease.document()?);
            let kind = lease.lent.kind().name();
            transaction.execute(&insert, &[&id, &call, &kind, &holder, &lapses, &until, &document]).await?;
            transaction.commit().await?;
            Ok(Recorded::Yes)
        }))
    }

    fn running(&self, call: RequestId, now: Timestamp) -> Answer<'_, Option<Lease>> {
        Box::pin(bounded(async move {
            let query = format!("SELECT {COLUMNS} FROM leases WHERE call_id = $1 AND kind = 'token' AND lapses > $2");
            let client = self.client().await?;
            let statement = client.prepare_cached(&query).await?;
            let values = (&call.as_bytes()[..], now.micros().cast_signed());
            client.query_opt(&statement, &[&values.0, &values.1]).await?.as_ref().map(read).transpose()
        }))
    }

    fn extend(&self, holder: Holder, now: Timestamp, to: Timestamp) -> Answer<'_, ()> {
        Box::pin(bounded(async move {
            let extend = "UPDATE leases SET lapses = least($2, until) WHERE holder = $1 AND lapses > $3";
            let (to, now) = (to.micros().cast_signed(), now.micros().cast_signed());
            self.client().await?.execute(extend, &[&&holder.as_bytes()[..], &to, &now]).await?;
            Ok(())
        }))
    }

    fn over(&self, call: RequestId) -> Answer<'_, ()> {
        Box::pin(bounded(async move {
            let call = &call.as_bytes()[..];
            let mut client = self.client().await?;
            let transaction = client.transaction().await?;
            transaction.execute("DELETE FROM leases WHERE call_id = $1 AND kind = 'token'", &[&call]).await?;
            // A statement of its own, since it must see what was written while the one before waited for the lock.
            transaction.execute("UPDATE leases SET lapses = 0 WHERE call_id = $1", &[&call]).await?;
            transaction.commit().await?;
            Ok(())
        }))
    }

    fn abandon_others(&self, holder: Holder) -> Answer<'_, ()> {
        Box::pin(bounded(async move {
            let abandon = "UPDATE leases SET lapses = 0 WHERE holder <> $1";
            self.client().await?.execute(abandon, &[&&holder.as_bytes()[..]]).await?;
            Ok(())
        }))
    }

    fn claim(&self, by: Holder, now: Timestamp, again: Timestamp, most: u32) -> Answer<'_, Vec<Lease>> {
        Box::pin(bounded(async move {
            let claim = format!(
                "UPDATE leases SET lapses = $1, holder = $2 WHERE id IN (SELECT id FROM leases WHERE lapses <= $3 \
                 ORDER BY lapses LIMIT $4 FOR UPDATE SKIP LOCKED) RETURNING {COLUMNS}"
            );
            let (again, now, most) = (again.micros().cast_signed(), now.micros().cast_signed(), i64::from(most));
            let client = self.client().await?;
            let rows = client.query(&claim, &[&again, &&by.as_bytes()[..], &now, &most]).await?;
            rows.iter().map(read).collect()
        }))
    }

    fn strike(&self, id: LeaseId) -> Answer<'_, ()> {
        Box::pin(bounded(async move {
            self.client().await?.execute("DELETE FROM leases WHERE id = $1", &[&&id.as_bytes()[..]]).await?;
            Ok(())
        }))
    }
}

fn sixteen(row: &Row, at: usize) -> Result<[u8; 16], StateError> {
    let bytes: &[u8] = row.try_get(at)?;
    bytes.try_into().map_err(|_| StateError::fault("an id of a lease is none"))
}

fn holder(row: &Row, at: usize) -> Result<Holder, StateError> {
    sixteen(row, at).map(Holder::new)
}

fn time(row: &Row, at: usize) -> Result<Timestamp, StateError> {
    Ok(Timestamp::from_micros(row.try_get::<_, i64>(at)?.cast_unsigned()))
}

fn read(row: &Row) -> Result<Lease, StateError> {
    let (datasets, workload, lent) = read_document(row.try_get(6)?)?;
    Ok(Lease {
        id: LeaseId::from_bytes(sixteen(row, 0)?),
        call: RequestId::from_bytes(sixteen(row, 1)?),
        holder: holder(row, 3)?,
        lapses: time(row, 4)?,
        until: time(row, 5)?,
        datasets,
        workload,
        lent,
    })
}
