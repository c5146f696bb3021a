use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, PoisonError};

use gatewright_model::{Digest, RequestId, Timestamp};
use gatewright_policy::{Case, Catalogue, Decision, Values};

use super::tally::{Group, Tally};
use crate::World;

/// A catalogue that decides along, without effect, and how that compares with the one that is live.
pub struct Candidate {
    /// The number of the step in the state that set it.
    pub number: u64,
    /// Since when it decides along, here and beside this live catalogue.
    pub since: Timestamp,
    catalogue: Catalogue,
    live: Digest,
    tally: Mutex<Tally>,
    dropped: AtomicU64,
}

impl fmt::Debug for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Candidate({})", self.number)
    }
}

impl Candidate {
    /// Beside the catalogue with the digest `live`.
    pub fn new(number: u64, catalogue: Catalogue, live: Digest, since: Timestamp) -> Self {
        Self { number, since, catalogue, live, tally: Mutex::default(), dropped: AtomicU64::new(0) }
    }

    /// The catalogue.
    pub const fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The digest of the live catalogue that it is compared with.
    pub const fn live(&self) -> Digest {
        self.live
    }

    /// What has come of it so far.
    pub fn tally(&self) -> Tally {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many decisions it was not asked about, since too many waited.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }

    pub(super) fn is_beside(&self, live: Digest) -> bool {
        self.live == live
    }

    pub(super) fn count_dropped(&self) {
        self.dropped.fetch_add(1, Relaxed);
    }

    /// Decides a call as it would, and counts whether that differs.
    pub(super) fn decide_along(
        &self,
        request: RequestId,
        world: &World,
        case: &Case,
        decided: &Decision,
        values: Values,
    ) {
        let own = self.catalogue.answer(&self.catalogue.understood(case));
        let change = world.policy.weigh(decided, &self.catalogue, &own, values);
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        match change {
            None => tally.agree(),
            Some(change) => {
                let terms = &case.terms;
                // Names that the configuration does not know were made up by whoever asked.
                let model = terms.model.as_ref().filter(|name| world.models.contains_key(*name));
                let group = Group {
                    change,
                    roles: decided.roles.to_vec(),
                    operation: terms.operation,
                    model: model.cloned(),
                    dataset: terms.datasets.iter().find(|name| world.datasets.knows(name)).cloned(),
                    was: decided.verdict,
                    would_be: own.verdict,
                };
                tally.differ(group, request, &decided.rules, &own.rules);
            }
        }
    }
}
