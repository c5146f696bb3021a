use gatewright_model::{ApprovalId, NotificationId, Occasion, Timestamp};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::{Postgres, bounded};
use crate::state::notices::{Announcement, Backlog, Became, Claim, Notice, NoticeState, Notices, Settled};
use crate::state::{Answer, StateError};

const COLUMNS: &str = "id, approval, occasion, channel, state, attempts, created, due, ended, trouble";

type Values<'v> = &'v [&'v (dyn ToSql + Sync)];

impl Notices for Postgres {
    fn announce(&self, mut all: Vec<Announcement>) -> Answer<'_, ()> {
        Box::pin(bounded(async move {
            // One order for everybody, so that two who announce the same at the same time do not wait for each other.
            all.sort_by_key(|one| (one.approval, one.occasion));
            let mut client = self.client().await?;
            let transaction = client.transaction().await?;
            let mark = "INSERT INTO announcements (approval, occasion, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
            let mark = transaction.prepare_cached(mark).await?;
            let insert = "INSERT INTO notices (id, approval, occasion, channel, state, attempts, created, due)
                          VALUES ($1, $2, $3, $4, 'waiting', 0, $5, $5)";
            let insert = transaction.prepare_cached(insert).await?;
            for one in &all {
                let (approval, occasion, at) = (&one.approval.as_bytes()[..], one.occasion.name(), stamp(one.at));
                if transaction.execute(&mark, &[&approval, &occasion, &at]).await? == 0 {
                    continue;
                }
                for (id, channel) in &one.through {
                    let values: Values<'_> = &[&&id.as_bytes()[..], &approval, &occasion, &&**channel, &at];
                    transaction.execute(&insert, values).await?;
                }
            }
            Ok(transaction.commit().await?)
        }))
    }

    fn unannounced(&self, most: usize) -> Answer<'_, Vec<ApprovalId>> {
        Box::pin(bounded(async move {
            let query = "SELECT id FROM approvals a WHERE live = 1 AND state = 'pending' AND NOT EXISTS
                             (SELECT 1 FROM announcements n WHERE n.approval = a.id AND n.occasion = 'asked')
                         UNION SELECT n.approval FROM announcements n JOIN approvals a ON a.id = n.approval
                         WHERE n.occasion = 'asked' AND a.state <> 'pending' AND NOT EXISTS
                             (SELECT 1 FROM announcements d WHERE d.approval = n.approval AND d.occasion = 'decided')
                         LIMIT $1";
            let client = self.client().await?;
            let rows = client.query(query, &[&limit(most)]).await?;
            rows.iter().map(|row| bytes(row, 0).map(ApprovalId::from_bytes)).collect()
        }))
    }

    fn backlog(&self) -> Answer<'_, Vec<Backlog>> {
        Box::pin(bounded(async move {
            let query = "SELECT channel, count(*), min(due) FROM notices WHERE state = 'waiting' GROUP BY channel";
            let client = self.client().await?;
            let statement = client.prepare_cached(query).await?;
            let backlog = |row: &Row| {
                Ok(Backlog {
                    channel: row.try_get::<_, &str>(0)?.into(),
                    count: row.try_get::<_, i64>(1)?.cast_unsigned(),
                    due: Timestamp::from_micros(row.try_get::<_, i64>(2)?.cast_unsigned()),
                })
            };
            client.query(&statement, &[]).await?.iter().map(backlog).collect()
        }))
    }

    fn claim(&self, claim: Claim) -> Answer<'_, Vec<Notice>> {
        Box::pin(bounded(async move {
            // What another replica is taking at this moment is passed over, not waited for.
            let update = format!(
                "UPDATE notices SET attempts = attempts + 1, due = $3 WHERE id IN
                     (SELECT id FROM notices WHERE state = 'waiting' AND channel = $1 AND due <= $2
                      ORDER BY due, id LIMIT $4 FOR UPDATE SKIP LOCKED)
                 RETURNING {COLUMNS}"
            );
            let until = stamp(claim.now.plus(claim.lease));
            let client = self.client().await?;
            let values: Values<'_> = &[&&*claim.channel, &stamp(claim.now), &until, &limit(claim.most)];
            client.query(&update, values).await?.iter().map(notice).collect()
        }))
    }

    fn settle(&self, id: NotificationId, attempt: u32, became: Became, now: Timestamp) -> Answer<'_, Settled> {
        Box::pin(bounded(async move {
            let (state, due, trouble) = match &became {
                Became::Delivered => (NoticeState::Delivered, None, None),
                Became::Again { due, trouble } => (NoticeState::Waiting, Some(*due), Some(&**trouble)),
                Became::Failed { trouble } => (NoticeState::Failed, None, Some(&**trouble)),
                Became::Moot => (NoticeState::Moot, None, None),
            };
            let ended = due.is_none().then(|| stamp(now));
            // Nobody but whoever began this very attempt can end it.
            let update =
                "UPDATE notices SET state = $3, due = coalesce($4, due), ended = $5, trouble = coalesce($6, trouble)
                          WHERE id = $1 AND attempts = $2 AND state = 'waiting'";
            let client = self.client().await?;
            let values: Values<'_> =
                &[&&id.as_bytes()[..], &i64::from(attempt), &state.name(), &due.map(stamp), &ended, &trouble];
            Ok(if client.execute(update, values).await? == 1 { Settled::Counted } else { Settled::Late })
        }))
    }

    fn list(&self, state: Option<NoticeState>, most: usize) -> Answer<'_, Vec<Notice>> {
        Box::pin(bounded(async move {
            let query = format!(
                "SELECT {COLUMNS} FROM notices WHERE $1::text IS NULL OR state = $1 ORDER BY created DESC, id DESC LIMIT $2"
            );
            let client = self.client().await?;
            let rows = client.query(&query, &[&state.map(NoticeState::name), &limit(most)]).await?;
            rows.iter().map(notice).collect()
        }))
    }

    fn forget(&self, before: Timestamp) -> Answer<'_, ()> {
        Box::pin(bounded(async move {
            let before = stamp(before);
            let client = self.client().await?;
            client.execute("DELETE FROM notices WHERE ended IS NOT NULL AND ended < $1", &[&before]).await?;
            // What still waits for people stays announced.
            let delete = "DELETE FROM announcements WHERE at < $1 AND NOT EXISTS
                          (SELECT 1 FROM approvals a WHERE a.id = approval AND a.live = 1)";
            client.execute(delete, &[&before]).await?;
            Ok(())
        }))
    }
}

fn stamp(at: Timestamp) -> i64 {
    at.micros().cast_signed()
}

fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

fn bytes(row: &Row, at: usize) -> Result<[u8; 16], StateError> {
    row.try_get::<_, &[u8]>(at)?.try_into().map_err(|_| StateError::fault("an id has not 16 bytes"))
}

fn notice(row: &Row) -> Result<Notice, StateError> {
    let moment = |at: i64| Timestamp::from_micros(at.cast_unsigned());
    let attempts: i64 = row.try_get(5)?;
    Ok(Notice {
        id: NotificationId::from_bytes(bytes(row, 0)?),
        approval: ApprovalId::from_bytes(bytes(row, 1)?),
        occasion: Occasion::from_name(row.try_get(2)?).ok_or_else(|| StateError::fault("an occasion that is none"))?,
        channel: row.try_get::<_, &str>(3)?.into(),
        state: NoticeState::from_name(row.try_get(4)?).ok_or_else(|| StateError::fault("a state that is none"))?,
        attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
        created: moment(row.try_get(6)?),
        due: moment(row.try_get(7)?),
        ended: row.try_get::<_, Option<i64>>(8)?.map(moment),
        trouble: row.try_get::<_, Option<&str>>(9)?.map(Into::into),
    })
}
