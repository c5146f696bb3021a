use deadpool_postgres::Transaction;
use gatewright_model::{ApprovalId, Digest, GrantId, RoleName, RuleName, Timestamp};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::{Postgres, announce, bounded};
use crate::state::approvals::{
    Approval, ApprovalState, Approvals, Asked, Grant, Listing, Most, NewApproval, NotNow, Party, Vote, Voted,
};
use crate::state::change::{Change, Topic};
use crate::state::{Answer, StateError};

const COLUMNS: &str = "id, digest, rule, issuer, subject, state, created, expires, document, shown";
const GRANT: &str = "id, issuer, subject, role, approval, starts, ends, revoked";

/// How many approvals a list reads through, however few of them it shows.
const MOST_LOOKED_AT: i64 = 5_000;

type Values<'v> = &'v [&'v (dyn ToSql + Sync)];

impl Approvals for Postgres {
    fn ask(&self, new: NewApproval, most: Most) -> Answer<'_, Asked> {
        Box::pin(bounded(async move {
            let mut client = self.client().await?;
            let transaction = client.transaction().await?;
            let asked = Voted::asked(&new);
            let approval = &asked.approval;
            // Two rounds: what another replica put there at the same time is found in the second.
            for _ in 0..2 {
                if let Some(mut known) = live(&transaction, &new.digest, &new.rule).await? {
                    if !known.lapse(new.at) {
                        return Ok(Asked::Known(known));
                    }
                    end(&transaction, &known).await?;
                }
                if is_full(&transaction, &new.caller, most).await? {
                    return Ok(Asked::TooMany);
                }
                let insert = format!(
                    "INSERT INTO approvals ({COLUMNS}, live, sealed)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $12, $11) ON CONFLICT DO NOTHING"
                );
                let sealed = new.sealed.as_deref().filter(|_| approval.keeps_original());
                let (created, expires) =
                    (approval.created.micros().cast_signed(), approval.expires.micros().cast_signed());
                let document = approval.document()?;
                let values: Values<'_> = &[
                    &&approval.id.as_bytes()[..],
                    &&approval.digest[..],
                    &approval.rule.as_str(),
                    &approval.caller.issuer.as_str(),
                    &&*approval.caller.subject,
                    &approval.state.name(),
                    &created,
                    &expires,
                    &document,
                    &&approval.shown[..],
                    &sealed,
                    &i16::from(approval.lives()),
                ];
                if transaction.execute(&insert, values).await? == 1 {
                    announce(&transaction, &Change::of(Topic::Approvals, approval.id)).await?;
                    if let Some(grant) = &asked.grant {
                        add_grant(&transaction, grant).await?;
                        announce(&transaction, &Change::of(Topic::Grants, grant.id)).await?;
                    }
                    transaction.commit().await?;
                    return Ok(Asked::New(asked));
                }
            }
            Err(StateError::Conflict("the approval was asked for and ended at the same time"))
        }))
    }

    fn get(&self, id: ApprovalId, now: Timestamp) -> Answer<'_, Option<Approval>> {
        Box::pin(bounded(async move {
            let client = self.client().await?;
            let query = format!("SELECT {COLUMNS} FROM approvals WHERE id = $1");
            let Some(row) = client.query_opt(&query, &[&&id.as_bytes()[..]]).await? else { return Ok(None) };
            let mut approval = approval(&row)?;
            approval.lapse(now);
            Ok(Some(approval))
        }))
    }

    fn list(&self, listing: Listing, now: Timestamp) -> Answer<'_, Vec<Approval>> {
        Box::pin(bounded(async move {
            let client = self.client().await?;
            // What ran out and was not swept stands as expired, so it is looked for among what lives as well.
            let query = format!(
                "SELECT {COLUMNS} FROM approvals WHERE ($1::text IS NULL OR rule = $1) ORDER BY created DESC, id DESC LIMIT $2"
            );
            let rule = listing.rule.as_ref().map(RuleName::as_str);
            let mut found = Vec::new();
            for row in client.query(&query, &[&rule, &MOST_LOOKED_AT]).await? {
                let mut approval = approval(&row)?;
                approval.lapse(now);
                if listing.state.is_none_or(|state| state == approval.state) && found.len() < listing.limit {
                    found.push(approval);
                }
            }
            Ok(found)
        }))
    }

    fn vote(&self, id: ApprovalId, vote: Vote, wanted: u32) -> Answer<'_, Result<Voted, NotNow>> {
        Box::pin(bounded(async move {
            let mut client = self.client().await?;
            let transaction = client.transaction().await?;
            let query = format!("SELECT {COLUMNS} FROM approvals WHERE id = $1 FOR UPDATE");
            let Some(row) = transaction.query_opt(&query, &[&&id.as_bytes()[..]]).await? else {
                return Ok(Err(NotNow::Unknown));
            };
            let mut approval = approval(&row)?;
            let outcome = approval.vote(vote, wanted);
            if matches!(outcome, Ok(_) | Err(NotNow::Expired)) {
                save(&transaction, &approval).await?;
                announce(&transaction, &Change::of(Topic::Approvals, approval.id)).await?;
            }
            if let Ok(Some(grant)) = &outcome {
                add_grant(&transaction, grant).await?;
                announce(&transaction, &Change::of(Topic::Grants, grant.id)).await?;
            }
            transaction.commit().await?;
            Ok(outcome.map(|grant| Voted { approval, grant }))
        }))
    }

    fn take(&self, wanted: Vec<(Digest, RuleName)>, now: Timestamp) -> Answer<'_, Option<Vec<Approval>>> {
        Box::pin(bounded(async move {
            // Rows are always locked in one order, so that two calls cannot wait for each other.
            let mut wanted = wanted;
            wanted.sort();
            let mut client = self.client().await?;
            let transaction = client.transaction().await?;
            let mut taken = Vec::new();
            for (digest, rule) in &wanted {
                let Some(mut approval) = live(&transaction, digest, rule).await? else { return Ok(None) };
                if !approval.take(now) {
                    return Ok(None);
                }
                taken.push(approval);
            }
            for approval in &taken {
                end(&transaction, approval).await?;
            }
            transaction.commit().await?;
            Ok(Some(taken))
        }))
    }

    fn give_back(&self, taken: Vec<ApprovalId>, now: Timestamp) -> Answer<'_, ()> {
        Box::pin(bounded(async move {
            // Rows are always locked in one order, so that two calls cannot wait for each other.
            let mut taken = taken;
            taken.sort();
            let mut client = self.client().await?;
            let transaction = client.transaction().await?;
            let query = format!("SELECT {COLUMNS} FROM approvals WHERE id = $1 FOR UPDATE");
            for id in taken {
                let Some(row) = transaction.query_opt(&query, &[&&id.as_bytes()[..]]).await? else { continue };
                let mut approval = approval(&row)?;
                let other = live(&transaction, &approval.digest, &approval.rule).await?;
                if other.is_none_or(|other| other.id == id) && approval.give_back(now) {
                    save(&transaction, &approval).await?;
                    announce(&transaction, &Change::of(Topic::Approvals, id)).await?;
                }
            }
            transaction.commit().await?;
            Ok(())
        }))
    }

    fn expire(&self, now: Timestamp) -> Answer<'_, Vec<Approval>> {
        Box::pin(bounded(async move {
            let mut client = self.client().await?;
            let transaction = client.transaction().await?;
            // Of several replicas that sweep, each takes what no other has in its hands.
            let query = format!(
                "SELECT {COLUMNS} FROM approvals WHERE live = 1 AND expires <= $1 LIMIT 256 FOR UPDATE SKIP LOCKED"
            );
            let mut lapsed = Vec::new();
            for row in transaction.query(&query, &[&now.micros().cast_signed()]).await? {
                let mut approval = approval(&row)?;
                approval.lapse(now);
                end_lapsed(&transaction, &approval).await?;
                announce(&transaction, &Change::of(Topic::Approvals, approval.id)).await?;
                lapsed.push(approval);
            }
            transaction.commit().await?;
            Ok(lapsed)
        }))
    }

    fn sealed(&self, id: ApprovalId, now: Timestamp) -> Answer<'_, Option<Vec<u8>>> {
        Box::pin(bounded(async move {
            let client = self.client().await?;
            let query = "SELECT sealed FROM approvals WHERE id = $1 AND state = 'pending' AND expires > $2";
            let row = client.query_opt(query, &[&&id.as_bytes()[..], &now.micros().cast_signed()]).await?;
            row.map_or(Ok(None), |row| Ok(row.try_get(0)?))
        }))
    }

    fn grants(&self, counting: Option<Timestamp>, limit: usize) -> Answer<'_, Vec<Grant>> {
        Box::pin(bounded(async move {
            let client = self.client().await?;
            // Asked for each second: those that count are found by an index, however many there were.
            let those = match counting {
                Some(_) => "WHERE revoked IS NULL AND ends > $1::bigint AND starts <= $1",
                None => "WHERE $1::bigint IS NULL",
            };
            let query = format!("SELECT {GRANT} FROM grants {those} ORDER BY starts DESC, id DESC LIMIT $2");
            let now = counting.map(|now| now.micros().cast_signed());
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            client.query(&query, &[&now, &limit]).await?.iter().map(grant).collect()
        }))
    }

    fn revoke_grant(&self, id: GrantId, now: Timestamp) -> Answer<'_, Option<Grant>> {
        Box::pin(bounded(async move {
            let mut client = self.client().await?;
            let transaction = client.transaction().await?;
            let update = format!(
                "UPDATE grants SET revoked = $2 WHERE id = $1 AND revoked IS NULL AND ends > $2 RETURNING {GRANT}"
            );
            let values: Values<'_> = &[&&id.as_bytes()[..], &now.micros().cast_signed()];
            let Some(row) = transaction.query_opt(&update, values).await? else { return Ok(None) };
            let revoked = grant(&row)?;
            announce(&transaction, &Change::of(Topic::Grants, id)).await?;
            transaction.commit().await?;
            Ok(Some(revoked))
        }))
    }
}

async fn is_full(transaction: &Transaction<'_>, caller: &Party, most: Most) -> Result<bool, StateError> {
    let query = "SELECT count(*), count(*) FILTER (WHERE issuer = $1 AND subject = $2)
                 FROM approvals WHERE live = 1 AND state = 'pending'";
    let row = transaction.query_one(query, &[&caller.issuer.as_str(), &&*caller.subject]).await?;
    let (in_all, of_caller): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    Ok(in_all >= i64::from(most.in_all) || of_caller >= i64::from(most.of_caller))
}

async fn live(transaction: &Transaction<'_>, digest: &Digest, rule: &RuleName) -> Result<Option<Approval>, StateError> {
    let query = format!("SELECT {COLUMNS} FROM approvals WHERE digest = $1 AND rule = $2 AND live = 1 FOR UPDATE");
    let row = transaction.query_opt(&query, &[&&digest[..], &rule.as_str()]).await?;
    row.as_ref().map(approval).transpose()
}

/// Writes what became of an approval, and tells of it.
async fn end(transaction: &Transaction<'_>, approval: &Approval) -> Result<(), StateError> {
    announce(transaction, &Change::of(Topic::Approvals, approval.id)).await?;
    match approval.state {
        ApprovalState::Denied => end_lapsed(transaction, approval).await,
        _ => save(transaction, approval).await,
    }
}

/// One whose time is over lives no longer, a denial neither.
async fn end_lapsed(transaction: &Transaction<'_>, approval: &Approval) -> Result<(), StateError> {
    save(transaction, approval).await?;
    let update = "UPDATE approvals SET live = 0, sealed = NULL WHERE id = $1";
    transaction.execute(update, &[&&approval.id.as_bytes()[..]]).await?;
    Ok(())
}

async fn save(transaction: &Transaction<'_>, approval: &Approval) -> Result<(), StateError> {
    let update = "UPDATE approvals SET state = $2, live = $3, expires = $4, document = $5,
                  sealed = CASE WHEN $6 THEN sealed END WHERE id = $1";
    let document = approval.document()?;
    let values: Values<'_> = &[
        &&approval.id.as_bytes()[..],
        &approval.state.name(),
        &i16::from(approval.lives()),
        &approval.expires.micros().cast_signed(),
        &document,
        &approval.keeps_original(),
    ];
    transaction.execute(update, values).await?;
    Ok(())
}

async fn add_grant(transaction: &Transaction<'_>, grant: &Grant) -> Result<(), StateError> {
    let insert = format!("INSERT INTO grants ({GRANT}) VALUES ($1, $2, $3, $4, $5, $6, $7, NULL)");
    let values: Values<'_> = &[
        &&grant.id.as_bytes()[..],
        &grant.party.issuer.as_str(),
        &&*grant.party.subject,
        &grant.role.as_str(),
        &&grant.approval.as_bytes()[..],
        &grant.from.micros().cast_signed(),
        &grant.until.micros().cast_signed(),
    ];
    transaction.execute(&insert, values).await?;
    Ok(())
}

fn moment(row: &Row, at: usize) -> Result<Timestamp, StateError> {
    Ok(Timestamp::from_micros(row.try_get::<_, i64>(at)?.cast_unsigned()))
}

fn bytes<const N: usize>(row: &Row, at: usize) -> Result<[u8; N], StateError> {
    let bytes: &[u8] = row.try_get(at)?;
    bytes.try_into().map_err(|_| StateError::fault("an id or a digest of another length"))
}

fn party(row: &Row, at: usize) -> Result<Party, StateError> {
    let (issuer, subject): (&str, &str) = (row.try_get(at)?, row.try_get(at + 1)?);
    Ok(Party { issuer: issuer.into(), subject: subject.into() })
}

fn approval(row: &Row) -> Result<Approval, StateError> {
    let state: &str = row.try_get(5)?;
    let mut approval = Approval {
        id: ApprovalId::from_bytes(bytes(row, 0)?),
        digest: bytes(row, 1)?,
        rule: RuleName::new(row.try_get::<_, String>(2)?),
        caller: party(row, 3)?,
        state: ApprovalState::from_name(state).ok_or_else(|| StateError::fault("a state that is none"))?,
        created: moment(row, 6)?,
        expires: moment(row, 7)?,
        policy: "".into(),
        valid: std::time::Duration::ZERO,
        need: 0,
        uses: 0,
        used: 0,
        votes: Vec::new(),
        reason: None,
        access: None,
        shown: row.try_get::<_, Vec<u8>>(9)?.into(),
    };
    approval.read_document(row.try_get(8)?)?;
    Ok(approval)
}

fn grant(row: &Row) -> Result<Grant, StateError> {
    Ok(Grant {
        id: GrantId::from_bytes(bytes(row, 0)?),
        party: party(row, 1)?,
        role: RoleName::new(row.try_get::<_, String>(3)?),
        approval: ApprovalId::from_bytes(bytes(row, 4)?),
        from: moment(row, 5)?,
        until: moment(row, 6)?,
        revoked: row.try_get::<_, Option<i64>>(7)?.map(|at| Timestamp::from_micros(at.cast_unsigned())),
    })
}
