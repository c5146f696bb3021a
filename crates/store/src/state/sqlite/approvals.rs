use gatewright_model::{ApprovalId, Digest, GrantId, RoleName, RuleName, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::Sqlite;
use crate::state::approvals::{
    Approval, ApprovalState, Approvals, Asked, Grant, Listing, Most, NewApproval, NotNow, Party, Vote, Voted,
};
use crate::state::change::{Change, Topic};
use crate::state::{Answer, StateError};

const COLUMNS: &str = "id, digest, rule, issuer, subject, state, created, expires, document, shown";
const GRANT: &str = "id, issuer, subject, role, approval, starts, ends, revoked";

impl Approvals for Sqlite {
    fn ask(&self, new: NewApproval, most: Most) -> Answer<'_, Asked> {
        Box::pin(self.write(move |connection, changes| {
            if let Some(mut known) = live(connection, &new.digest, &new.rule)? {
                if !known.lapse(new.at) {
                    return Ok(Asked::Known(known));
                }
                end(connection, &known, changes)?;
            }
            let count = |condition: &str, values: &[&dyn rusqlite::ToSql]| {
                let query = format!("SELECT count(*) FROM approvals WHERE live = 1 AND state = 'pending'{condition}");
                connection.query_row(&query, values, |row| row.get::<_, i64>(0))
            };
            let (issuer, subject) = (new.caller.issuer.as_str(), &*new.caller.subject);
            if count("", &[])? >= i64::from(most.in_all)
                || count(" AND issuer = ?1 AND subject = ?2", &[&issuer, &subject])? >= i64::from(most.of_caller)
            {
                return Ok(Asked::TooMany);
            }
            let asked = Voted::asked(&new);
            let approval = &asked.approval;
            let insert = format!(
                "INSERT INTO approvals ({COLUMNS}, live, sealed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?12, ?11)"
            );
            let sealed = new.sealed.as_deref().filter(|_| approval.keeps_original());
            connection.execute(
                &insert,
                params![
                    approval.id.as_bytes(),
                    approval.digest,
                    approval.rule.as_str(),
                    issuer,
                    subject,
                    approval.state.name(),
                    approval.created.micros().cast_signed(),
                    approval.expires.micros().cast_signed(),
                    approval.document()?,
                    &approval.shown[..],
                    sealed,
                    i64::from(approval.lives()),
                ],
            )?;
            changes.push(Change::of(Topic::Approvals, approval.id));
            if let Some(grant) = &asked.grant {
                add_grant(connection, grant)?;
                changes.push(Change::of(Topic::Grants, grant.id));
            }
            Ok(Asked::New(asked))
        }))
    }

    fn get(&self, id: ApprovalId, now: Timestamp) -> Answer<'_, Option<Approval>> {
        Box::pin(self.read(move |connection| {
            let found = one(connection, id)?;
            Ok(found.map(|mut approval| {
                approval.lapse(now);
                approval
            }))
        }))
    }

    fn list(&self, listing: Listing, now: Timestamp) -> Answer<'_, Vec<Approval>> {
        Box::pin(self.read(move |connection| {
            // What ran out and was not swept stands as expired, so it is looked for among what lives as well.
            let query = format!(
                "SELECT {COLUMNS} FROM approvals WHERE (?1 IS NULL OR rule = ?1) ORDER BY created DESC, id DESC LIMIT ?2"
            );
            let mut statement = connection.prepare_cached(&query)?;
            let rule = listing.rule.as_ref().map(RuleName::as_str);
            let mut rows = statement.query(params![rule, MOST_LOOKED_AT])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let mut approval = approval(row)?;
                approval.lapse(now);
                if listing.state.is_none_or(|state| state == approval.state) {
                    found.push(approval);
                }
                if found.len() >= listing.limit {
                    break;
                }
            }
            Ok(found)
        }))
    }

    fn vote(&self, id: ApprovalId, vote: Vote, wanted: u32) -> Answer<'_, Result<Voted, NotNow>> {
        Box::pin(self.write(move |connection, changes| {
            let Some(mut approval) = one(connection, id)? else { return Ok(Err(NotNow::Unknown)) };
            let outcome = approval.vote(vote, wanted);
            if matches!(outcome, Ok(_) | Err(NotNow::Expired)) {
                save(connection, &approval)?;
                changes.push(Change::of(Topic::Approvals, approval.id));
            }
            let grant = match outcome {
                Ok(grant) => grant,
                Err(not_now) => return Ok(Err(not_now)),
            };
            if let Some(grant) = &grant {
                add_grant(connection, grant)?;
                changes.push(Change::of(Topic::Grants, grant.id));
            }
            Ok(Ok(Voted { approval, grant }))
        }))
    }

    fn take(&self, wanted: Vec<(Digest, RuleName)>, now: Timestamp) -> Answer<'_, Option<Vec<Approval>>> {
        Box::pin(self.write(move |connection, changes| {
            let mut taken = Vec::new();
            for (digest, rule) in &wanted {
                let Some(mut approval) = live(connection, digest, rule)? else { return Ok(None) };
                if !approval.take(now) {
                    return Ok(None);
                }
                taken.push(approval);
            }
            for approval in &taken {
                end(connection, approval, changes)?;
            }
            Ok(Some(taken))
        }))
    }

    fn give_back(&self, taken: Vec<ApprovalId>, now: Timestamp) -> Answer<'_, ()> {
        Box::pin(self.write(move |connection, changes| {
            for id in taken {
                let Some(mut approval) = one(connection, id)? else { continue };
                let other = live(connection, &approval.digest, &approval.rule)?;
                if other.is_none_or(|other| other.id == id) && approval.give_back(now) {
                    save(connection, &approval)?;
                    changes.push(Change::of(Topic::Approvals, id));
                }
            }
            Ok(())
        }))
    }

    fn expire(&self, now: Timestamp) -> Answer<'_, Vec<Approval>> {
        Box::pin(self.write(move |connection, changes| {
            let query = format!("SELECT {COLUMNS} FROM approvals WHERE live = 1 AND expires <= ?1 LIMIT 256");
            let mut statement = connection.prepare_cached(&query)?;
            let mut rows = statement.query([now.micros().cast_signed()])?;
            let mut lapsed = Vec::new();
            while let Some(row) = rows.next()? {
                let mut approval = approval(row)?;
                approval.lapse(now);
                lapsed.push(approval);
            }
            for approval in &lapsed {
                end_lapsed(connection, approval)?;
                changes.push(Change::of(Topic::Approvals, approval.id));
            }
            Ok(lapsed)
        }))
    }

    fn sealed(&self, id: ApprovalId, now: Timestamp) -> Answer<'_, Option<Vec<u8>>> {
        Box::pin(self.read(move |connection| {
            let query = "SELECT sealed FROM approvals WHERE id = ?1 AND state = 'pending' AND expires > ?2";
            let found = connection
                .query_row(query, params![id.as_bytes(), now.micros().cast_signed()], |row| {
                    row.get::<_, Option<Vec<u8>>>(0)
                })
                .optional()?;
            Ok(found.flatten())
        }))
    }

    fn grants(&self, counting: Option<Timestamp>, limit: usize) -> Answer<'_, Vec<Grant>> {
        Box::pin(self.read(move |connection| {
            // Asked for each second: those that count are found by an index, however many there were.
            let those = match counting {
                Some(_) => "WHERE revoked IS NULL AND ends > ?1 AND starts <= ?1",
                None => "WHERE ?1 IS NULL",
            };
            let query = format!("SELECT {GRANT} FROM grants {those} ORDER BY starts DESC, id DESC LIMIT ?2");
            let mut statement = connection.prepare_cached(&query)?;
            let now = counting.map(|now| now.micros().cast_signed());
            let grants = statement.query_map(params![now, i64::try_from(limit).unwrap_or(i64::MAX)], grant)?;
            Ok(grants.collect::<Result<_, _>>()?)
        }))
    }

    fn revoke_grant(&self, id: GrantId, now: Timestamp) -> Answer<'_, Option<Grant>> {
        Box::pin(self.write(move |connection, changes| {
            let at = now.micros().cast_signed();
            let update = "UPDATE grants SET revoked = ?2 WHERE id = ?1 AND revoked IS NULL AND ends > ?2";
            if connection.execute(update, params![id.as_bytes(), at])? == 0 {
                return Ok(None);
            }
            let query = format!("SELECT {GRANT} FROM grants WHERE id = ?1");
            let revoked = connection.query_row(&query, [id.as_bytes()], grant)?;
            changes.push(Change::of(Topic::Grants, id));
            Ok(Some(revoked))
        }))
    }
}

/// How many approvals a list reads through, however few of them it shows.
const MOST_LOOKED_AT: i64 = 5_000;

fn one(connection: &Connection, id: ApprovalId) -> Result<Option<Approval>, StateError> {
    let query = format!("SELECT {COLUMNS} FROM approvals WHERE id = ?1");
    let mut statement = connection.prepare_cached(&query)?;
    let mut rows = statement.query([id.as_bytes()])?;
    rows.next()?.map(approval).transpose()
}

fn live(connection: &Connection, digest: &Digest, rule: &RuleName) -> Result<Option<Approval>, StateError> {
    let query = format!("SELECT {COLUMNS} FROM approvals WHERE digest = ?1 AND rule = ?2 AND live = 1");
    let mut statement = connection.prepare_cached(&query)?;
    let mut rows = statement.query(params![digest, rule.as_str()])?;
    rows.next()?.map(approval).transpose()
}

/// Writes what became of an approval, and tells of it.
fn end(connection: &Connection, approval: &Approval, changes: &mut Vec<Change>) -> Result<(), StateError> {
    changes.push(Change::of(Topic::Approvals, approval.id));
    if approval.state == ApprovalState::Denied { end_lapsed(connection, approval) } else { save(connection, approval) }
}

/// One whose time is over lives no longer, a denial neither.
fn end_lapsed(connection: &Connection, approval: &Approval) -> Result<(), StateError> {
    save(connection, approval)?;
    connection.execute("UPDATE approvals SET live = 0, sealed = NULL WHERE id = ?1", [approval.id.as_bytes()])?;
    Ok(())
}

fn save(connection: &Connection, approval: &Approval) -> Result<(), StateError> {
    let update = "UPDATE approvals SET state = ?2, live = ?3, expires = ?4, document = ?5,
                  sealed = CASE WHEN ?6 THEN sealed END WHERE id = ?1";
    connection.execute(
        update,
        params![
            approval.id.as_bytes(),
            approval.state.name(),
            i64::from(approval.lives()),
            approval.expires.micros().cast_signed(),
            approval.document()?,
            approval.keeps_original(),
        ],
    )?;
    Ok(())
}

fn add_grant(connection: &Connection, grant: &Grant) -> Result<(), StateError> {
    let insert = format!("INSERT INTO grants ({GRANT}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULL)");
    connection.execute(
        &insert,
        params![
            grant.id.as_bytes(),
            grant.party.issuer.as_str(),
            &*grant.party.subject,
            grant.role.as_str(),
            grant.approval.as_bytes(),
            grant.from.micros().cast_signed(),
            grant.until.micros().cast_signed(),
        ],
    )?;
    Ok(())
}

fn approval(row: &Row<'_>) -> Result<Approval, StateError> {
    let state: String = row.get(5)?;
    let moment = |at: usize| Ok::<_, StateError>(Timestamp::from_micros(row.get::<_, i64>(at)?.cast_unsigned()));
    let mut approval = Approval {
        id: ApprovalId::from_bytes(row.get(0)?),
        digest: row.get(1)?,
        rule: RuleName::new(row.get::<_, String>(2)?),
        caller: Party { issuer: row.get::<_, String>(3)?.as_str().into(), subject: row.get(4)? },
        state: ApprovalState::from_name(&state).ok_or_else(|| StateError::fault("a state that is none"))?,
        created: moment(6)?,
        expires: moment(7)?,
        policy: "".into(),
        valid: std::time::Duration::ZERO,
        need: 0,
        uses: 0,
        used: 0,
        votes: Vec::new(),
        reason: None,
        access: None,
        shown: row.get::<_, Vec<u8>>(9)?.into(),
    };
    approval.read_document(&row.get::<_, String>(8)?)?;
    Ok(approval)
}

fn grant(row: &Row<'_>) -> rusqlite::Result<Grant> {
    let moment = |at: usize| Ok::<_, rusqlite::Error>(Timestamp::from_micros(row.get::<_, i64>(at)?.cast_unsigned()));
    Ok(Grant {
        id: GrantId::from_bytes(row.get(0)?),
        party: Party { issuer: row.get::<_, String>(1)?.as_str().into(), subject: row.get(2)? },
        role: RoleName::new(row.get::<_, String>(3)?),
        approval: ApprovalId::from_bytes(row.get(4)?),
        from: moment(5)?,
        until: moment(6)?,
        revoked: row.get::<_, Option<i64>>(7)?.map(|at| Timestamp::from_micros(at.cast_unsigned())),
    })
}
