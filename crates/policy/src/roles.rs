use std::sync::Arc;

use gatewright_model::{RoleName, Timestamp};

/// The roles of one identity under one catalogue: a sorted set that is cheap to clone and meant to be kept for as long
/// as the identity and the catalogue last. Its time windows are judged anew by every decision.
#[derive(Clone, Debug)]
pub struct Roles(pub(crate) Arc<Held>);

#[derive(Debug, Default)]
pub(crate) struct Held {
    pub(crate) memberships: Vec<Membership>,
}

/// One role, and when it counts.
#[derive(Debug, Clone)]
pub(crate) struct Membership {
    pub(crate) name: RoleName,
    pub(crate) window: Window,
}

/// From (included) until (excluded); an absent end is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) from: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
}

impl Window {
    /// Whether this moment lies in it.
    pub(crate) fn contains(self, now: Timestamp) -> bool {
        self.from.is_none_or(|from| now >= from) && self.until.is_none_or(|until| now < until)
    }
}

impl Roles {
    /// The roles that count at this moment, in the order of their names.
    pub fn names(&self, now: Timestamp) -> Vec<RoleName> {
        self.0.memberships.iter().filter(|held| held.window.contains(now)).map(|held| held.name.clone()).collect()
    }
}
