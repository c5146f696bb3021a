//! What a call that runs goes on depending on: the roles for a time that it was allowed by, and where the configuration
//! says so the token that proved who asks.

use std::sync::Arc;
use std::time::Duration;

use gatewright_model::{Clock, Code, GrantId, Identity, IssuerName, Refusal, Timestamp};
use gatewright_store::state::approvals::Grant;
use tokio::time::sleep;

use crate::World;
use crate::lent::{Counting, Lent, TRUSTED};

const FOR_EVER: Timestamp = Timestamp::from_micros(u64::MAX);

/// What has to go on being so while a call runs. Most calls depend on nothing and have none.
pub(crate) struct Leash {
    lent: Arc<Lent>,
    party: (IssuerName, Arc<str>),
    grants: Vec<GrantId>,
    /// When the first of them ends by the catalogue that decided.
    until: Timestamp,
    /// When the caller's token expires, where its answers end with it.
    token: Option<Timestamp>,
}

impl Leash {
    /// What a call of this caller depends on that was decided by these grants; `None` where it depends on nothing.
    pub(crate) fn of(world: &World, caller: &Identity, grants: &[Grant]) -> Option<Box<Self>> {
        let token = world.cut_at_expiry.get(&caller.issuer).map(|leeway| caller.expires.plus(*leeway));
        if grants.is_empty() && token.is_none() {
            return None;
        }
        let party = (caller.issuer.clone(), Arc::clone(&caller.subject));
        let until = grants.iter().map(|grant| grant.until).min().unwrap_or(FOR_EVER);
        let grants = grants.iter().map(|grant| grant.id).collect();
        Some(Box::new(Self { lent: Arc::clone(&world.lent), party, grants, until, token }))
    }

    /// Why it does not hold at this moment, or until when it does.
    fn holds(&self, now: Timestamp) -> Result<Timestamp, Refusal> {
        if self.token.is_some_and(|expires| now >= expires) {
            let words = "The token that this call was made with has expired.";
            return Err(Refusal::new(Code::Unauthenticated, words));
        }
        let token = self.token.unwrap_or(FOR_EVER);
        if self.grants.is_empty() {
            return Ok(token);
        }
        match self.lent.count(&self.party, &self.grants, now) {
            Counting::Until(until) if now < self.until => Ok(until.min(self.until).min(token)),
            Counting::Until(_) | Counting::Ended => {
                let words = "The role for a time that this call was allowed by has ended.";
                Err(Refusal::new(Code::PermissionDenied, words))
            }
            Counting::Unknown => {
                let words =
                    "Nobody can say now whether the role for a time that this call was allowed by still counts.";
                Err(Refusal::new(Code::NotReady, words))
            }
        }
    }

    /// Whether it holds at this moment.
    ///
    /// # Errors
    /// Why it does not.
    pub(crate) fn check(&self, now: Timestamp) -> Result<(), Refusal> {
        self.holds(now).map(drop)
    }

    /// Returns when it holds no more, with the reason.
    pub(crate) async fn ended(&self, clock: &dyn Clock) -> Refusal {
        let mut news = self.lent.news();
        loop {
            let now = clock.now();
            let until = match self.holds(now) {
                Ok(until) => until,
                Err(why) => return why,
            };
            let left = until.since(now).max(Duration::from_millis(1));
            // Looked at again without news as well, so that a state that is silent is noticed in time.
            let left = if self.grants.is_empty() { left } else { left.min(TRUSTED) };
            tokio::select! {
                () = sleep(left) => {}
                _ = news.changed() => {}
            }
        }
    }
}
