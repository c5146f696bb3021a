use std::sync::Arc;

use crate::{IssuerName, Timestamp};

/// Whether a person or a program asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Somebody who signed in.
    Person,
    /// A program with an identity of its own.
    Workload,
}

impl Kind {
    /// `person` or `workload`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Workload => "workload",
        }
    }
}

/// Who asks, as an issuer vouched for it. The key is (issuer, subject), never an e-mail address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The issuer by its configured name.
    pub issuer: IssuerName,
    /// The issuer's own immutable key for the caller (`sub`).
    pub subject: Arc<str>,
    /// A person or a workload.
    pub kind: Kind,
    /// Group names exactly as the issuer spelled them. Empty means: no groups, so no role by group.
    pub groups: Arc<[Arc<str>]>,
    /// Scalar claims by JSON pointer (RFC 6901), as text: `("/repository_id", "456789")`. Sorted by pointer.
    pub claims: Arc<[(Arc<str>, Arc<str>)]>,
    /// The end of what the issuer vouched for.
    pub expires: Timestamp,
}

impl Identity {
    /// The text of the scalar claim at this JSON pointer.
    pub fn claim(&self, pointer: &str) -> Option<&str> {
        let at = self.claims.binary_search_by(|(name, _)| name.as_ref().cmp(pointer)).ok()?;
        Some(&self.claims[at].1)
    }
}
