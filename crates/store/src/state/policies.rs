use std::sync::Arc;

use gatewright_model::{Digest, IssuerName, Timestamp};

use super::Answer;

/// Who made a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Author {
    /// A caller of the admin side, as its issuer vouched for it.
    Caller {
        /// Who vouched.
        issuer: IssuerName,
        /// The issuer's key for the caller.
        subject: Arc<str>,
    },
    /// Whoever runs the gateway's machine: the first version, taken from its files.
    Machine,
}

/// Where a version's content comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From files that were handed in.
    Files,
    /// From an earlier version, to which it goes back.
    Version(u64),
}

/// A version of the role catalogue, without its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyVersion {
    /// Its number, from 1. Versions are one line: the parent of each is the one before it.
    pub number: u64,
    /// The digest of its files.
    pub digest: Digest,
    /// Who made it.
    pub author: Author,
    /// When.
    pub at: Timestamp,
    /// Why, in the author's words; empty where nothing was said.
    pub reason: Arc<str>,
    /// Where its content comes from.
    pub origin: Origin,
}

/// A file of a catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyFile {
    /// Its path from the catalogue's folder, with `/` between its parts.
    pub name: Arc<str>,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
}

/// A version to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPolicy {
    /// The newest version that its author knows, which must still be the newest; 0: there is none.
    pub parent: u64,
    /// The digest of `files`. Equal digests mean equal files.
    pub digest: Digest,
    /// Its files, in the order in which they are read.
    pub files: Vec<PolicyFile>,
    /// Who makes it.
    pub author: Author,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: Arc<str>,
    /// Where its content comes from.
    pub origin: Origin,
}

impl NewPolicy {
    /// The version that this becomes.
    pub(super) fn numbered(&self) -> PolicyVersion {
        PolicyVersion {
            number: self.parent.saturating_add(1),
            digest: self.digest,
            author: self.author.clone(),
            at: self.at,
            reason: Arc::clone(&self.reason),
            origin: self.origin,
        }
    }
}

/// The versions of the role catalogue: one line that only grows. The tables themselves refuse to change a version.
pub trait Policies: Send + Sync {
    /// The newest version.
    fn newest(&self) -> Answer<'_, Option<PolicyVersion>>;

    /// Versions older than `before`, newest first; `None` begins with the newest.
    fn history(&self, before: Option<u64>, limit: usize) -> Answer<'_, Vec<PolicyVersion>>;

    /// One version with its files.
    fn version(&self, number: u64) -> Answer<'_, Option<(PolicyVersion, Vec<PolicyFile>)>>;

    /// Adds a version behind its parent. Another newest version than the parent is a
    /// [`Conflict`](super::StateError::Conflict).
    fn append(&self, new: NewPolicy) -> Answer<'_, PolicyVersion>;
}
