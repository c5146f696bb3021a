//! Roles for a time: who asks for one, who has one, and how it ends early.
//!
//! The live catalogue says who may ask for a role and who decides. What is asked for is an approval like that of a held
//! call, decided by the same endpoints; approved, it is a grant, which every replica counts within its window alone.

use std::sync::Arc;
use std::time::Duration;

use gatewright_api::{
    ACCESS_LIST, ACCESS_REQUEST, ACCESS_REVOKE, AccessAsked, AccessList, AccessRequest, GrantState, MayAsk, Problem,
};
use gatewright_model::{ApprovalId, Clock, Entropy, Event, Kind, Review, RoleName, RuleName, Timestamp, Verdict};
use gatewright_policy::{BREAK_GLASS, ReasonPolicy, Requestable, Through};
use gatewright_store::state::State;
use gatewright_store::state::approvals::{
    AccessWish, ApprovalState, Approvals, Asked as Became, Grant, Listing, Most, NewApproval, Party, Shown, Voted,
};

use crate::approvers::{decides_on, is_party, why_not};
use crate::reviews::{reason, told, unreachable};
use crate::{Asked, Authority, Bench, Given, Part, Pending, Visitor};

/// How long people have to decide.
const TIME_TO_DECIDE: Duration = Duration::from_secs(24 * 3_600);

/// How many grants a list shows, and how many of those that count, or wait, are looked through.
const MOST: usize = 500;
const MOST_COUNTING: usize = 10_000;

/// How much may be pending: roles are asked for by people, one at a time.
const ROOM: Most = Most { of_caller: 20, in_all: 10_000 };

/// The endpoints of roles for a time.
pub struct Access {
    authority: Arc<dyn Authority>,
    bench: Arc<dyn Bench>,
    store: Arc<dyn Approvals>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Access {
    /// Shows and changes what is kept in `state`.
    pub fn new(
        authority: Arc<dyn Authority>,
        bench: Arc<dyn Bench>,
        state: &State,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { authority, bench, store: Arc::clone(state.approvals()), clock, entropy }
    }

    async fn list(&self, asked: &Asked<'_>) -> Result<Given, Problem> {
        let state = match asked.query("state") {
            None => None,
            Some("active") => Some(GrantState::Active),
            Some("ended") => Some(GrantState::Ended),
            Some("revoked") => Some(GrantState::Revoked),
            Some(_) => return Err(Problem::invalid("There is no such state.")),
        };
        let (now, visitor) = (self.clock.now(), asked.visitor);
        let reads = self.may(visitor, "access.read");
        // All that wait, since held calls are among them: a flood of those must not hide a wish from who decides it.
        let listing = Listing { state: Some(ApprovalState::Pending), rule: None, limit: MOST_COUNTING };
        let pending = self.store.list(listing, now).await.map_err(unreachable)?;
        let pending = pending.iter().filter(|approval| approval.access.is_some()).filter_map(|approval| {
            let why_not = why_not(&*self.bench, &visitor.identity, approval);
            let shown = reads || why_not.is_none() || is_party(&visitor.identity, &approval.caller);
            shown.then(|| told::approval(approval, why_not))
        });
        let pending = pending.collect();
        let mut grants: Vec<_> = self
            .grants(now)
            .await?
            .iter()
            .filter(|grant| reads || self.concerns(visitor, grant))
            .map(|grant| self.told(grant, now))
            .filter(|grant| state.is_none_or(|state| grant.state == state))
            .collect();
        // What nobody agreed to stands first, as long as it counts.
        grants.sort_by_key(|grant| (grant.state != GrantState::Active, !grant.break_glass));
        Given::json(&AccessList { may_ask: self.may_ask(visitor), pending, grants })
    }

    /// Those that count, and then the latest of the others.
    async fn grants(&self, now: Timestamp) -> Result<Vec<Grant>, Problem> {
        let mut grants = self.store.grants(Some(now), MOST_COUNTING).await.map_err(unreachable)?;
        for grant in self.store.grants(None, MOST).await.map_err(unreachable)? {
            if !grant.counts(now) {
                grants.push(grant);
            }
        }
        Ok(grants)
    }

    fn may_ask(&self, visitor: &Visitor) -> Vec<MayAsk> {
        let roles = self.bench.requestables();
        let open = roles.iter().filter(|(_, request)| may_ask(request, visitor));
        let told = open.map(|(role, request)| MayAsk {
            role: role.as_str().to_owned(),
            max_s: request.longest.as_secs(),
            policy: match &request.through {
                Through::Approval(name) => name.clone(),
                Through::BrokenGlass => BREAK_GLASS.to_owned(),
            },
            break_glass: request.through == Through::BrokenGlass,
        });
        told.collect()
    }

    async fn request(&self, asked: &Asked<'_>) -> Result<Given, Problem> {
        let written: AccessRequest = asked.json()?;
        let visitor = asked.visitor;
        let role = RoleName::new(written.role.as_str());
        let request = self.bench.requestable(&role).filter(|request| may_ask(request, visitor));
        let request = request.ok_or_else(|| Problem::denied("There is no such role, or none that you may ask for."))?;
        let lasts = Duration::from_secs(written.for_s);
        if lasts.is_zero() || lasts > request.longest {
            let most = request.longest.as_secs();
            return Err(Problem::invalid(format!("`for_s` must be between 1 and {most} for this role.")));
        }
        let terms = self.terms(&request)?;
        let reason = reason(&*self.bench, written.reason.as_deref())?;
        let reason = match terms.reason {
            ReasonPolicy::None => None,
            ReasonPolicy::Optional => reason,
            ReasonPolicy::Required if reason.is_none() => {
                return Err(Problem::new(403, "reason_required", "This role is not had without saying why."));
            }
            ReasonPolicy::Required => reason,
        };
        let (id, now) = (ApprovalId::new(self.clock.now(), &*self.entropy), self.clock.now());
        let caller = Party { issuer: visitor.identity.issuer.clone(), subject: Arc::clone(&visitor.identity.subject) };
        if terms.need == 0 {
            self.refuse_twice(&caller, &role, now).await?;
        }
        if request.through == Through::BrokenGlass {
            // On disk before the role counts: nobody has it unseen.
            self.record(visitor, id, Review::GlassBroken).await?;
            let (issuer, subject) = (caller.issuer.as_str(), &*caller.subject);
            tracing::warn!(%role, issuer, subject, %id, for_s = written.for_s, "a role was taken without approval: break glass");
        }
        let new = NewApproval {
            id,
            digest: self.bench.digest_of_access(&caller, &role, &terms.policy),
            rule: RuleName::new(format!("access/{role}")),
            policy: terms.policy.as_str().into(),
            caller,
            at: now,
            time_to_decide: TIME_TO_DECIDE,
            valid: terms.valid,
            need: terms.need,
            uses: 1,
            reason,
            access: Some(AccessWish { role, lasts }),
            shown: shown(visitor).to_bytes().into(),
            sealed: None,
        };
        match self.store.ask(new, ROOM).await.map_err(unreachable)? {
            Became::New(Voted { approval, grant }) => {
                if request.through != Through::BrokenGlass {
                    self.record(visitor, approval.id, Review::Asked).await?;
                }
                if let Some(grant) = &grant {
                    self.authority.record(granted(grant)).await.map_err(|refusal| crate::desk::problem(&refusal))?;
                }
                let grant = grant.map(|grant| self.told(&grant, now));
                Given::created(&AccessAsked { approval: told::approval(&approval, None), grant })
            }
            Became::Known(approval) => {
                Given::json(&AccessAsked { approval: told::approval(&approval, None), grant: None })
            }
            Became::TooMany => {
                Err(Problem::denied("Too many roles are asked for already. Wait until some are decided."))
            }
        }
    }

    /// What nobody has to agree to is had once at a time: whoever took it again and again would fill the place of others'
    /// grants.
    async fn refuse_twice(&self, caller: &Party, role: &RoleName, now: Timestamp) -> Result<(), Problem> {
        let counting = self.store.grants(Some(now), MOST_COUNTING).await.map_err(unreachable)?;
        match counting.iter().find(|grant| grant.party == *caller && grant.role == *role) {
            Some(grant) => Err(Problem::conflict(format!("You have this role already, until {}.", grant.until))),
            None => Ok(()),
        }
    }

    /// On whose word a role is had.
    fn terms(&self, request: &Requestable) -> Result<Terms, Problem> {
        match &request.through {
            Through::BrokenGlass => {
                let policy = BREAK_GLASS.to_owned();
                Ok(Terms { policy, need: 0, valid: request.longest, reason: ReasonPolicy::Required })
            }
            Through::Approval(name) => {
                // INVARIANT: a catalogue whose roles name an approval that it lacks is not live.
                let policy = self.bench.policy(name).ok_or_else(|| Problem::not_ready("The catalogue is changing."))?;
                Ok(Terms { policy: policy.name, need: policy.need, valid: policy.valid, reason: policy.reason })
            }
        }
    }

    async fn revoke(&self, asked: &Asked<'_>) -> Result<Given, Problem> {
        let gone = || Problem::not_found("There is no such grant that counts, or none that you may end.");
        let id = asked.id().parse().map_err(|_| gone())?;
        let now = self.clock.now();
        let counting = self.store.grants(Some(now), MOST_COUNTING).await.map_err(unreachable)?;
        let grant = counting.into_iter().find(|grant| grant.id == id).ok_or_else(gone)?;
        if !self.concerns(asked.visitor, &grant) && !self.may(asked.visitor, "access.revoke") {
            return Err(gone());
        }
        // Ended first: a log that cannot be written must not keep a role alive.
        let revoked = self.store.revoke_grant(id, now).await.map_err(unreachable)?.ok_or_else(gone)?;
        let by = &asked.visitor.identity;
        let event =
            Event::Revoked { grant: id, issuer: Some(by.issuer.clone()), subject: Some(Arc::clone(&by.subject)) };
        self.authority.record(event).await.map_err(|refusal| crate::desk::problem(&refusal))?;
        Given::json(&self.told(&revoked, now))
    }

    /// Whether a grant is the visitor's own, or of a role that they decide on.
    fn concerns(&self, visitor: &Visitor, grant: &Grant) -> bool {
        is_party(&visitor.identity, &grant.party) || decides_on(&*self.bench, &visitor.identity, &grant.role)
    }

    fn may(&self, visitor: &Visitor, permission: &str) -> bool {
        self.authority.permits(visitor, permission).verdict == Verdict::Allow
    }

    fn told(&self, grant: &Grant, now: Timestamp) -> gatewright_api::Grant {
        let through = self.bench.requestable(&grant.role).map(|request| request.through);
        told::grant(grant, through == Some(Through::BrokenGlass), now)
    }

    async fn record(&self, visitor: &Visitor, approval: ApprovalId, review: Review) -> Result<(), Problem> {
        let (issuer, subject) = (visitor.identity.issuer.clone(), Arc::clone(&visitor.identity.subject));
        let event = Event::Reviewed { approval, review, issuer: Some(issuer), subject: Some(subject) };
        self.authority.record(event).await.map_err(|refusal| crate::desk::problem(&refusal))
    }
}

/// How a role is decided.
struct Terms {
    policy: String,
    need: u32,
    valid: Duration,
    reason: ReasonPolicy,
}

/// Whether somebody may ask. What nobody decides is for people alone.
fn may_ask(request: &Requestable, visitor: &Visitor) -> bool {
    let fits = match request.through {
        Through::Approval(_) => true,
        Through::BrokenGlass => visitor.identity.kind == Kind::Person,
    };
    fits && request.may_ask(&visitor.identity)
}

/// What approvers look at: who asks, with which roles now.
fn shown(visitor: &Visitor) -> Shown {
    let roles = visitor.roles.iter().map(|role| role.as_str().to_owned()).collect();
    Shown { version: 1, roles, ..Shown::default() }
}

/// The record of a grant.
pub(crate) fn granted(grant: &Grant) -> Event {
    Event::Granted {
        grant: grant.id,
        issuer: grant.party.issuer.clone(),
        subject: Arc::clone(&grant.party.subject),
        role: grant.role.clone(),
        until: grant.until,
    }
}

impl Part for Access {
    fn endpoints(&self) -> Vec<&'static str> {
        vec![ACCESS_LIST.name, ACCESS_REQUEST.name, ACCESS_REVOKE.name]
    }

    fn answer<'a>(&'a self, asked: Asked<'a>) -> Pending<'a, Result<Given, Problem>> {
        Box::pin(async move {
            match asked.endpoint.name {
                name if name == ACCESS_LIST.name => self.list(&asked).await,
                name if name == ACCESS_REQUEST.name => self.request(&asked).await,
                _ => self.revoke(&asked).await,
            }
        })
    }
}
