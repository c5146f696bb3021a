//! What is lent for the length of a call, and until when it counts if nobody says that the call is over.
//!
//! A lease is written down before it is given to anybody, so that whatever becomes of the process that gave it, somebody
//! finds it and ends it. Whoever holds leases says again and again that it lives ([`Leases::extend`]); what it no longer
//! says so of has lapsed, and is ended by whoever claims it, one at a time.

mod document;

use std::sync::Arc;

use gatewright_model::{ConnectionName, DatasetName, Digest, Identity, LeaseId, LeaseKind, RequestId, Timestamp};

use super::Answer;
use super::approvals::Party;

pub(super) use document::read as read_document;

/// One run of a gateway: another start is another holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Holder([u8; 16]);

impl Holder {
    /// The holder with these bytes, which nobody else must have.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// Something lent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Its id.
    pub id: LeaseId,
    /// The call that it belongs to.
    pub call: RequestId,
    /// Whoever keeps it alive.
    pub holder: Holder,
    /// When it lapses, unless it is extended.
    pub lapses: Timestamp,
    /// Beyond this it is never extended.
    pub until: Timestamp,
    /// What it opens.
    pub datasets: Vec<DatasetName>,
    /// The workload that it is lent to.
    pub workload: Party,
    /// What is lent.
    pub lent: Lent,
}

/// What is lent. Never with a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lent {
    /// A token, which stands for somebody's call.
    Token(Box<OnBehalf>),
    /// A role of a PostgreSQL database.
    Postgresql {
        /// The database's name in the configuration.
        database: Arc<str>,
        /// The role's name there.
        role: Arc<str>,
    },
}

impl Lent {
    /// What kind of thing it is.
    pub const fn kind(&self) -> LeaseKind {
        match self {
            Self::Token(_) => LeaseKind::Token,
            Self::Postgresql { .. } => LeaseKind::Postgresql,
        }
    }
}

/// For whom a token stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnBehalf {
    /// The caller.
    pub caller: Identity,
    /// The digest of the token that the caller came with.
    pub digest: Digest,
    /// The connection that the call went to.
    pub connection: ConnectionName,
}

/// Whether a lease was written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It may be given.
    Yes,
    /// Its call is over, or never was.
    CallOver,
    /// The call has as many as it may have.
    TooMany,
}

/// Leases. The clock is passed in.
pub trait Leases: Send + Sync {
    /// Writes a lease down before it is given. A token begins the leases of its call; everything else needs the call's token
    /// to live, takes over its holder and when it lapses, and is one of at most `most`.
    fn record(&self, lease: Lease, most: u32, now: Timestamp) -> Answer<'_, Recorded>;

    /// The token of a call that runs.
    fn running(&self, call: RequestId, now: Timestamp) -> Answer<'_, Option<Lease>>;

    /// Says that this holder lives: its leases that have not lapsed lapse at `to`, and none beyond its own end.
    fn extend(&self, holder: Holder, now: Timestamp, to: Timestamp) -> Answer<'_, ()>;

    /// A call is over: its token is struck off, and everything else that was lent for it has lapsed.
    fn over(&self, call: RequestId) -> Answer<'_, ()>;

    /// Everything that others hold has lapsed: for a gateway that knows itself alone.
    fn abandon_others(&self, holder: Holder) -> Answer<'_, ()>;

    /// Takes what has lapsed, for whoever will end it. It is not given to anybody else before `again`.
    fn claim(&self, by: Holder, now: Timestamp, again: Timestamp, most: u32) -> Answer<'_, Vec<Lease>>;

    /// Strikes a lease off that is ended. What is not there is gone already.
    fn strike(&self, id: LeaseId) -> Answer<'_, ()>;
}
