use std::sync::Arc;

use gatewright_model::{Digest, IssuerName, Timestamp};

use super::{Answer, PolicyFile};

/// Who set or cleared the candidate, when and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CandidateStep {
    /// Its number, from 1: each replica knows by it whether it has taken up the newest.
    pub number: u64,
    /// The digest of its files; `None`: there is no candidate from here on.
    pub digest: Option<Digest>,
    /// Who vouched for whoever did it.
    pub issuer: IssuerName,
    /// The issuer's key for them.
    pub subject: Arc<str>,
    /// When.
    pub at: Timestamp,
    /// Why, in their words; empty where nothing was said.
    pub reason: Arc<str>,
}

/// A step to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCandidate {
    /// The catalogue with its digest, or none from now on.
    pub catalogue: Option<(Digest, Vec<PolicyFile>)>,
    /// Who vouched for whoever does it.
    pub issuer: IssuerName,
    /// The issuer's key for them.
    pub subject: Arc<str>,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: Arc<str>,
}

impl NewCandidate {
    /// The step that this becomes after the one of this number.
    pub(super) fn after(&self, last: u64) -> CandidateStep {
        CandidateStep {
            number: last.saturating_add(1),
            digest: self.catalogue.as_ref().map(|(digest, _)| *digest),
            issuer: self.issuer.clone(),
            subject: Arc::clone(&self.subject),
            at: self.at,
            reason: Arc::clone(&self.reason),
        }
    }
}

/// The catalogue that decides beside the live one, without effect: one at a time, for all replicas.
pub trait Candidates: Send + Sync {
    /// The last step, with the files of the candidate that it set; `None` where there never was one.
    fn candidate(&self) -> Answer<'_, Option<(CandidateStep, Vec<PolicyFile>)>>;

    /// Sets or clears. Of two at the same time one may be told of a [`Conflict`](super::StateError::Conflict).
    fn step(&self, new: NewCandidate) -> Answer<'_, CandidateStep>;
}
