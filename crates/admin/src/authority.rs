use std::future::Future;
use std::pin::Pin;

use gatewright_model::{Code, Event, Identity, Refusal, RoleName};
use gatewright_policy::Permission;
use http::HeaderMap;

/// What is answered some time.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Somebody who asks the admin API, and whom an issuer vouched for.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Who.
    pub identity: Identity,
    /// The roles that count now.
    pub roles: Vec<RoleName>,
}

/// Whoever knows who asks, what they may, and where it is written down. The same issuers, the same live policy and the
/// same log as for calls: an identity that is no good there is none here.
pub trait Authority: Send + Sync {
    /// Finds out who asks.
    fn authenticate<'a>(&'a self, headers: &'a HeaderMap) -> Pending<'a, Result<Visitor, Refusal>>;

    /// Asks the live policy for an admin permission.
    fn permits(&self, visitor: &Visitor, permission: &str) -> Permission;

    /// Writes it down; returns once it is on disk.
    fn record(&self, event: Event) -> Pending<'_, Result<(), Refusal>>;

    /// Counts a refusal of somebody whom nobody knows; never waits, since strangers must not make the log sync.
    fn refused(&self, code: Code);
}
