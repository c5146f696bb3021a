//! The exchange of what a workload has for what it needs (RFC 8693): a call's id or token for a token, or for a role of a
//! database.

use std::sync::Arc;

use gatewright_identity::Verified;
use gatewright_model::{
    ConnectionName, DatasetName, Delivery, LeaseId, LeaseKind, LeaseStep, Moment, Operation, Parameters, Secret, Terms,
    Timestamp, Trust, Verdict,
};
use gatewright_policy::Question;
use gatewright_store::roles::{LentRole, NewRole, RolePassword, RoleServer};
use gatewright_store::state::approvals::Party;
use gatewright_store::state::leases::{Lease, Lent, OnBehalf, Recorded};

use super::door::Asked;
use super::{CallToken, Lending, event, is_of};
use crate::{Gateway, World};

/// The most roles that one call is lent.
const MOST_ROLES: u32 = 4;

/// What a workload is given.
pub(super) enum Given {
    Token {
        token: Secret<String>,
        until: Timestamp,
        datasets: Vec<DatasetName>,
    },
    Role {
        place: (String, u16, String),
        role: LentRole,
        password: RolePassword,
        until: Timestamp,
        datasets: Vec<DatasetName>,
    },
}

/// Why it is given nothing, in the words of RFC 6749, section 5.2, and RFC 8707, section 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ungiven {
    pub(super) status: u16,
    pub(super) error: &'static str,
    pub(super) description: &'static str,
}

pub(super) const fn ungiven(error: &'static str, description: &'static str) -> Ungiven {
    Ungiven { status: 400, error, description }
}

const fn not_now(description: &'static str) -> Ungiven {
    Ungiven { status: 503, error: "temporarily_unavailable", description }
}

/// What a workload comes with: a call that runs, and what of it is asked for.
struct Grounds {
    lease: Arc<Lease>,
    datasets: Vec<DatasetName>,
}

impl Gateway {
    /// Gives a workload what it may have for a call that runs. What is asked for, given and refused is on record.
    pub(super) async fn exchange(
        &self,
        lending: &Arc<Lending>,
        workload: &Arc<Verified>,
        asked: Asked,
    ) -> Result<Given, Ungiven> {
        let world = self.world();
        let party = Party { issuer: workload.identity.issuer.clone(), subject: Arc::clone(&workload.identity.subject) };
        let (grounds, refused) = match self.grounds(lending, &world, workload, &party, &asked).await {
            Ok(grounds) => (grounds, None),
            Err((Some(grounds), why)) => (grounds, Some(why)),
            Err((None, why)) => return Err(why),
        };
        let note = |id: LeaseId, step: LeaseStep| {
            let datasets = grounds.datasets.clone();
            let event = event((id, grounds.lease.call), asked.kind, step, datasets, &party, grounds.lease.until);
            Moment { at: self.clock.now(), event }
        };
        let id = match asked.kind {
            LeaseKind::Token => grounds.lease.id,
            LeaseKind::Postgresql => LeaseId::new(self.clock.now(), &*self.entropy),
        };
        let given = match refused {
            Some(why) => Err(why),
            None => self.give(lending, &world, &grounds, asked.kind, id).await,
        };
        let step = if given.is_ok() { LeaseStep::Issued } else { LeaseStep::Refused };
        // What cannot be recorded is not given; what was made of it ends with the call.
        match self.log.note(None, vec![note(id, LeaseStep::Asked), note(id, step)]).await {
            Ok(_) => given,
            Err(_) => Err(not_now("The gateway cannot record this.")),
        }
    }

    /// The call that the workload was lent something for, and the datasets of it that both may read now. A call of somebody
    /// else's is told on record, and to nobody.
    async fn grounds(
        &self,
        lending: &Lending,
        world: &World,
        workload: &Verified,
        party: &Party,
        asked: &Asked,
    ) -> Result<Grounds, (Option<Grounds>, Ungiven)> {
        const OVER: Ungiven = ungiven("invalid_grant", "The call is over, or it was never yours.");
        let now = self.clock.now();
        let running = lending.running(asked.call, now).await;
        let running = running.map_err(|_| (None, not_now("The gateway cannot say whether this call runs.")))?;
        let Some(lease) = running else { return Err((None, OVER)) };
        let genuine = asked.token.as_ref().is_none_or(|claims| claims.id == lease.id && is_of(&lease, claims.holder));
        let named = asked.token.as_ref().map_or(&lease.datasets, |claims| &claims.datasets);
        let wanted: Vec<DatasetName> = match &asked.datasets {
            None => named.clone(),
            Some(wanted) => wanted.clone(),
        };
        let grounds = |datasets| Grounds { lease: Arc::clone(&lease), datasets };
        if lease.workload != *party || !genuine {
            return Err((Some(grounds(wanted)), OVER));
        }
        let Lent::Token(behalf) = &lease.lent else { return Err((None, OVER)) };
        if behalf.caller.expires <= now {
            return Err((Some(grounds(wanted)), OVER));
        }
        let caller = caller_of(behalf);
        let both = |name: &&DatasetName| {
            let of_the_kind = match asked.kind {
                LeaseKind::Token => true,
                LeaseKind::Postgresql => world.leasable.datasets.contains_key(name.as_str()),
            };
            of_the_kind
                && named.contains(name)
                && lease.datasets.contains(name)
                && may_read(world, &caller, name, asked.kind, now)
                && may_read(world, workload, name, asked.kind, now)
        };
        let readable: Vec<DatasetName> = wanted.iter().filter(both).cloned().collect();
        let short = asked.datasets.is_some() && readable.len() != wanted.len();
        if readable.is_empty() || short {
            let words = "The call names no such dataset, or not everybody who must may read it.";
            return Err((Some(grounds(wanted)), ungiven("invalid_scope", words)));
        }
        Ok(grounds(readable))
    }

    async fn give(
        &self,
        lending: &Lending,
        world: &World,
        grounds: &Grounds,
        kind: LeaseKind,
        id: LeaseId,
    ) -> Result<Given, Ungiven> {
        match kind {
            LeaseKind::Token => lending.token(world, grounds),
            LeaseKind::Postgresql => lending.role(world, grounds, id).await,
        }
    }
}

impl Lending {
    fn token(&self, world: &World, grounds: &Grounds) -> Result<Given, Ungiven> {
        let found = connection_of(world, &grounds.lease);
        let (connection, how) = found.ok_or(ungiven("invalid_target", "No connection lends to you any more."))?;
        let lease = Lease { datasets: grounds.datasets.clone(), ..(*grounds.lease).clone() };
        let minted = self.tokens.mint(&self.claims(&lease, connection, how));
        let token = minted.map_err(|_| not_now("No token can be made."))?;
        Ok(Given::Token { token, until: lease.until, datasets: lease.datasets })
    }

    /// Makes a role that may read these datasets. It is written down before it is made, and ended by whoever ends the call.
    async fn role(&self, world: &World, grounds: &Grounds, id: LeaseId) -> Result<Given, Ungiven> {
        let (database, server, groups) = database_of(world, &grounds.datasets)?;
        let Ok(_place) = self.making.try_acquire() else { return Err(not_now("Too many roles are made at once.")) };
        let (role, password) = (LentRole::new(&*self.entropy), RolePassword::new(&*self.entropy));
        let lent = Lent::Postgresql { database, role: role.as_str().into() };
        let lease = Lease { id, lent, datasets: grounds.datasets.clone(), ..(*grounds.lease).clone() };
        match self.store.record(lease.clone(), MOST_ROLES, self.clock.now()).await {
            Ok(Recorded::Yes) => {}
            Ok(Recorded::CallOver) => return Err(ungiven("invalid_grant", "The call is over, or it was never yours.")),
            Ok(Recorded::TooMany) => return Err(ungiven("invalid_request", "The call has as many roles as it may.")),
            Err(why) => {
                tracing::warn!(%why, "a lease cannot be written down");
                return Err(not_now("The gateway cannot write this lease down."));
            }
        }
        let new = NewRole { name: &role, password: &password, until: lease.until, groups: &groups };
        if let Err(why) = server.make(new, &*self.entropy).await {
            tracing::error!(%why, "a role cannot be made");
            return Err(not_now("The database makes no role at the moment."));
        }
        // Whoever ended the call before this saw the lease and may have looked for the role before it was there. Whoever
        // ends it after this finds both.
        match self.store.running(lease.call, self.clock.now()).await {
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => {
                if let Err(why) = server.end(&role).await {
                    tracing::error!(%why, "a role of a call that is over cannot be ended; its expiry and a search will");
                }
                return Err(ungiven("invalid_grant", "The call is over, or it was never yours."));
            }
        }
        let (until, datasets) = (lease.until, lease.datasets);
        Ok(Given::Role { place: server.place(), role, password, until, datasets })
    }
}

fn caller_of(behalf: &OnBehalf) -> Verified {
    Verified { identity: behalf.caller.clone(), digest: behalf.digest }
}

/// The connection that the call went to, as it lends now.
fn connection_of<'w>(world: &'w World, lease: &Lease) -> Option<(&'w ConnectionName, &'w Arc<CallToken>)> {
    let Lent::Token(behalf) = &lease.lent else { return None };
    let (name, connection) = world.connections.get_key_value(&behalf.connection)?;
    let how = connection.call_token.as_ref()?;
    (how.workload == lease.workload).then_some((name, how))
}

/// The one database of these datasets, and the groups there that may read them.
fn database_of<'w>(
    world: &'w World,
    datasets: &[DatasetName],
) -> Result<(Arc<str>, &'w RoleServer, Vec<&'w str>), Ungiven> {
    let places: Vec<_> = datasets.iter().filter_map(|name| world.leasable.datasets.get(name.as_str())).collect();
    let Some((database, _)) = places.first() else {
        return Err(ungiven("invalid_scope", "The call names no such dataset, or not everybody who must may read it."));
    };
    if places.iter().any(|(other, _)| other != database) {
        return Err(ungiven("invalid_target", "The datasets lie in several databases; name those of one in `scope`."));
    }
    let server = world.leasable.databases.get(database);
    let server = server.ok_or(ungiven("invalid_target", "There is no such database any more."))?;
    let mut groups: Vec<&str> = places.iter().map(|(_, group)| &**group).collect();
    groups.sort_unstable();
    groups.dedup();
    Ok((Arc::clone(database), server, groups))
}

/// Whether somebody may read a dataset now; where the gateway cannot see each row, only without conditions on rows.
fn may_read(world: &World, who: &Verified, name: &DatasetName, kind: LeaseKind, now: Timestamp) -> bool {
    let terms = Terms {
        operation: Operation::ReadDataset,
        model: None,
        datasets: vec![name.clone()],
        parameters: Parameters::new(),
        delivery: Delivery::Whole,
    };
    let roles = world.roles.known(world, who, now).roles;
    let decision = world.policy.decide(&Question {
        identity: &who.identity,
        roles: &roles,
        now,
        terms: &terms,
        model: None,
        trust: Trust::External,
        matched: &[],
        found: &[],
        approvals: &[],
    });
    let narrowed = decision.datasets.iter().any(|terms| !terms.filter.is_empty());
    decision.verdict == Verdict::Allow && (kind == LeaseKind::Token || !narrowed)
}
