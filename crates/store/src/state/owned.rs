use std::sync::Arc;

use gatewright_model::{ConnectionName, IssuerName, StoredKind, Timestamp};

use super::Answer;

/// Whom things belong to: an issuer's own immutable key for a caller.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Owner {
    /// Who vouched.
    pub issuer: IssuerName,
    /// The issuer's key for the caller.
    pub subject: Arc<str>,
}

/// A thing that a model server keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thing {
    /// Where it is kept.
    pub connection: ConnectionName,
    /// The server's id for it, exactly as the server writes it.
    pub id: Arc<str>,
    /// What it is.
    pub kind: StoredKind,
    /// When it was booked.
    pub made: Timestamp,
    /// What its maker was allowed to put in, in the gateway's own words; empty for most.
    pub note: Arc<str>,
}

/// Whether things were booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Booked {
    /// All of them are this owner's, some perhaps since before.
    Yours,
    /// One of them is somebody else's, or another kind of thing. None was booked.
    Taken,
}

/// In which order things are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The newest first.
    #[default]
    Newest,
    /// The oldest first.
    Oldest,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Where the things are kept.
    pub connection: ConnectionName,
    /// What they are.
    pub kind: StoredKind,
    /// Which comes first.
    pub order: Order,
    /// Only what comes behind this one. Behind what is not the owner's comes nothing.
    pub after: Option<Arc<str>>,
    /// At most so many.
    pub limit: usize,
}

/// Whose the things are that model servers keep under ids of their own making: files, batches, answers, conversations.
///
/// All callers share one credential towards a model server, so the server cannot tell them apart; this does. A thing is
/// booked for its maker before its id is shown to anybody, and an id that is not booked is nobody's. Ids are compared
/// exactly.
pub trait Owned: Send + Sync {
    /// Books things for their maker, all or none. Who has one keeps it: booking again what is this owner's already
    /// changes nothing.
    fn book(&self, owner: Owner, things: Vec<Thing>) -> Answer<'_, Booked>;

    /// Those of these ids that are this owner's, at any connection. What is somebody else's and what is nobody's are
    /// both left out, and cost the same.
    fn find(&self, owner: Owner, ids: Vec<Arc<str>>) -> Answer<'_, Vec<Thing>>;

    /// A part of the list of an owner's things; things booked at one moment stand in the order of their ids.
    fn list(&self, owner: Owner, page: Page) -> Answer<'_, Vec<Thing>>;

    /// Strikes a thing off. What is not there is gone already.
    fn strike(&self, connection: ConnectionName, id: Arc<str>) -> Answer<'_, ()>;
}
