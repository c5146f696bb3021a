use gatewright_model::{ApprovalId, NotificationId, Occasion, Timestamp};
use rusqlite::{Row, params};

use super::Sqlite;
use crate::state::notices::{Announcement, Backlog, Became, Claim, Notice, NoticeState, Notices, Settled};
use crate::state::{Answer, StateError};

const COLUMNS: &str = "id, approval, occasion, channel, state, attempts, created, due, ended, trouble";

impl Notices for Sqlite {
    fn announce(&self, all: Vec<Announcement>) -> Answer<'_, ()> {
        Box::pin(self.write(move |connection, _| {
            let mark = "INSERT INTO announcements (approval, occasion, at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
            let mut mark = connection.prepare_cached(mark)?;
            let insert = "INSERT INTO notices (id, approval, occasion, channel, state, attempts, created, due)
                          VALUES (?1, ?2, ?3, ?4, 'waiting', 0, ?5, ?5)";
            let mut insert = connection.prepare_cached(insert)?;
            for one in &all {
                let (approval, occasion, at) = (one.approval.as_bytes(), one.occasion.name(), stamp(one.at));
                if mark.execute(params![approval, occasion, at])? == 0 {
                    continue;
                }
                for (id, channel) in &one.through {
                    insert.execute(params![id.as_bytes(), approval, occasion, &**channel, at])?;
                }
            }
            Ok(())
        }))
    }

    fn unannounced(&self, most: usize) -> Answer<'_, Vec<ApprovalId>> {
        Box::pin(self.read(move |connection| {
            let query = "SELECT id FROM approvals a WHERE live = 1 AND state = 'pending' AND NOT EXISTS
                             (SELECT 1 FROM announcements n WHERE n.approval = a.id AND n.occasion = 'asked')
                         UNION SELECT n.approval FROM announcements n JOIN approvals a ON a.id = n.approval
                         WHERE n.occasion = 'asked' AND a.state <> 'pending' AND NOT EXISTS
                             (SELECT 1 FROM announcements d WHERE d.approval = n.approval AND d.occasion = 'decided')
                         LIMIT ?1";
            let mut statement = connection.prepare_cached(query)?;
            let found = statement.query_map([limit(most)], |row| row.get(0).map(ApprovalId::from_bytes))?;
            Ok(found.collect::<Result<_, _>>()?)
        }))
    }

    fn backlog(&self) -> Answer<'_, Vec<Backlog>> {
        Box::pin(self.read(|connection| {
            let query = "SELECT channel, count(*), min(due) FROM notices WHERE state = 'waiting' GROUP BY channel";
            let mut statement = connection.prepare_cached(query)?;
            let found = statement.query_map([], |row| {
                Ok(Backlog {
                    channel: row.get(0)?,
                    count: row.get::<_, i64>(1)?.cast_unsigned(),
                    due: Timestamp::from_micros(row.get::<_, i64>(2)?.cast_unsigned()),
                })
            })?;
            Ok(found.collect::<Result<_, _>>()?)
        }))
    }

    fn claim(&self, claim: Claim) -> Answer<'_, Vec<Notice>> {
        Box::pin(self.write(move |connection, _| {
            let update = format!(
                "UPDATE notices SET attempts = attempts + 1, due = ?3 WHERE id IN
                     (SELECT id FROM notices WHERE state = 'waiting' AND channel = ?1 AND due <= ?2 ORDER BY due, id LIMIT ?4)
                 RETURNING {COLUMNS}"
            );
            let mut statement = connection.prepare_cached(&update)?;
            let until = stamp(claim.now.plus(claim.lease));
            let mut rows = statement.query(params![&*claim.channel, stamp(claim.now), until, limit(claim.most)])?;
            let mut taken = Vec::new();
            while let Some(row) = rows.next()? {
                taken.push(notice(row)?);
            }
            Ok(taken)
        }))
    }

    fn settle(&self, id: NotificationId, attempt: u32, became: Became, now: Timestamp) -> Answer<'_, Settled> {
        Box::pin(self.write(move |connection, _| {
            let (state, due, trouble) = match &became {
                Became::Delivered => (NoticeState::Delivered, None, None),
                Became::Again { due, trouble } => (NoticeState::Waiting, Some(*due), Some(&**trouble)),
                Became::Failed { trouble } => (NoticeState::Failed, None, Some(&**trouble)),
                Became::Moot => (NoticeState::Moot, None, None),
            };
            let ended = due.is_none().then(|| stamp(now));
            // Nobody but whoever began this very attempt can end it.
            let update =
                "UPDATE notices SET state = ?3, due = coalesce(?4, due), ended = ?5, trouble = coalesce(?6, trouble)
                          WHERE id = ?1 AND attempts = ?2 AND state = 'waiting'";
            let values = params![id.as_bytes(), attempt, state.name(), due.map(stamp), ended, trouble];
            Ok(if connection.execute(update, values)? == 1 { Settled::Counted } else { Settled::Late })
        }))
    }

    fn list(&self, state: Option<NoticeState>, most: usize) -> Answer<'_, Vec<Notice>> {
        Box::pin(self.read(move |connection| {
            let query = format!(
                "SELECT {COLUMNS} FROM notices WHERE ?1 IS NULL OR state = ?1 ORDER BY created DESC, id DESC LIMIT ?2"
            );
            let mut statement = connection.prepare_cached(&query)?;
            let mut rows = statement.query(params![state.map(NoticeState::name), limit(most)])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(notice(row)?);
            }
            Ok(found)
        }))
    }

    fn forget(&self, before: Timestamp) -> Answer<'_, ()> {
        Box::pin(self.write(move |connection, _| {
            let before = stamp(before);
            connection.execute("DELETE FROM notices WHERE ended IS NOT NULL AND ended < ?1", [before])?;
            // What still waits for people stays announced.
            let delete = "DELETE FROM announcements WHERE at < ?1 AND NOT EXISTS
                          (SELECT 1 FROM approvals a WHERE a.id = approval AND a.live = 1)";
            connection.execute(delete, [before])?;
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

fn notice(row: &Row<'_>) -> Result<Notice, StateError> {
    let moment = |at: i64| Timestamp::from_micros(at.cast_unsigned());
    let (occasion, state): (String, String) = (row.get(2)?, row.get(4)?);
    Ok(Notice {
        id: NotificationId::from_bytes(row.get(0)?),
        approval: ApprovalId::from_bytes(row.get(1)?),
        occasion: Occasion::from_name(&occasion).ok_or_else(|| StateError::fault("an occasion that is none"))?,
        channel: row.get(3)?,
        state: NoticeState::from_name(&state).ok_or_else(|| StateError::fault("a state that is none"))?,
        attempts: row.get(5)?,
        created: moment(row.get(6)?),
        due: moment(row.get(7)?),
        ended: row.get::<_, Option<i64>>(8)?.map(moment),
        trouble: row.get(9)?,
    })
}
