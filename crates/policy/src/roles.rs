use std::sync::{Arc, OnceLock};

use cedar_policy::EntityUid;
use gatewright_model::{Identity, IssuerName, RoleName, Timestamp, Treatment};

/// The roles of one identity under one catalogue: a sorted set that is cheap to clone and meant to be kept for as long
/// as the identity and the catalogue last. Its time windows are judged anew by every decision.
///
/// A catalogue that is given another catalogue's or another caller's roles finds the right ones instead, so that a reload
/// never decides by stale roles.
#[derive(Clone, Debug)]
pub struct Roles(pub(crate) Arc<Held>);

#[derive(Debug)]
pub(crate) struct Held {
    /// Which compiled catalogue numbered the roles.
    catalogue: Arc<()>,
    /// Whose they are.
    issuer: IssuerName,
    subject: Arc<str>,
    /// The caller as Cedar names it.
    pub(crate) principal: EntityUid,
    /// Sorted by name.
    pub(crate) memberships: Vec<Membership>,
    pub(crate) exposures: Exposures,
    always: OnceLock<Arc<[RoleName]>>,
}

/// Treatments by info type, kept where neither time nor the call's content changes them.
#[derive(Debug, Default)]
pub(crate) struct Exposures {
    /// By trust, and by whether the texts become vectors.
    pub(crate) request: [OnceLock<Arc<[Treatment]>>; 4],
    /// By trust.
    pub(crate) reply: [OnceLock<Arc<[Treatment]>>; 2],
    /// By trust.
    pub(crate) tools: [OnceLock<Arc<[Treatment]>>; 2],
}

/// One role, and when it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Membership {
    pub(crate) name: RoleName,
    pub(crate) role: u32,
    pub(crate) window: Window,
}

impl Membership {
    /// By name, then by time.
    pub(crate) fn in_order(&self, other: &Self) -> std::cmp::Ordering {
        let order = |held: &Self| (held.window.from, held.window.until);
        self.name.cmp(&other.name).then_with(|| order(self).cmp(&order(other)))
    }
}

/// A role that somebody has for a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lent {
    /// Which.
    pub role: RoleName,
    /// From when.
    pub from: Timestamp,
    /// Until when, excluded.
    pub until: Timestamp,
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

    /// Whether it never opens or closes.
    pub(crate) fn is_always(self) -> bool {
        self == Self::default()
    }

    /// When both are open.
    pub(crate) fn and(self, other: Self) -> Self {
        let until = match (self.until, other.until) {
            (Some(left), Some(right)) => Some(left.min(right)),
            (left, right) => left.or(right),
        };
        Self { from: self.from.max(other.from), until }
    }
}

impl Roles {
    pub(crate) fn new(
        catalogue: Arc<()>,
        identity: &Identity,
        principal: EntityUid,
        memberships: Vec<Membership>,
    ) -> Self {
        Self(Arc::new(Held {
            catalogue,
            issuer: identity.issuer.clone(),
            subject: identity.subject.clone(),
            principal,
            memberships,
            exposures: Exposures::default(),
            always: OnceLock::new(),
        }))
    }

    /// Whether they were found by this catalogue for this caller. Neither a reload nor a cache that mixes up its callers
    /// may lend somebody another's roles.
    pub(crate) fn belong_to(&self, catalogue: &Arc<()>, identity: &Identity) -> bool {
        Arc::ptr_eq(&self.0.catalogue, catalogue)
            && self.0.issuer == identity.issuer
            && self.0.subject == identity.subject
    }

    /// The roles that count at this moment, in the order of their names.
    pub fn names(&self, now: Timestamp) -> Arc<[RoleName]> {
        let collect = || {
            let counting = self.0.memberships.iter().filter(|held| held.window.contains(now));
            let mut names: Vec<RoleName> = counting.map(|held| held.name.clone()).collect();
            names.dedup();
            names.into()
        };
        if self.is_steady() { self.0.always.get_or_init(collect).clone() } else { collect() }
    }

    /// Whether time changes nothing about them.
    pub(crate) fn is_steady(&self) -> bool {
        self.0.memberships.iter().all(|held| held.window.is_always())
    }

    /// The numbers of the roles that count at this moment.
    pub(crate) fn numbers(&self, now: Timestamp) -> Vec<u32> {
        let counting = self.0.memberships.iter().filter(|held| held.window.contains(now));
        let mut numbers: Vec<u32> = counting.map(|held| held.role).collect();
        numbers.dedup();
        numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_includes_its_beginning_and_not_its_end() {
        let at = Timestamp::from_seconds;
        let window = Window { from: Some(at(10)), until: Some(at(20)) };
        assert!(
            !window.contains(at(9)) && window.contains(at(10)) && window.contains(at(19)) && !window.contains(at(20))
        );
        let both = window.and(Window { from: Some(at(5)), until: Some(at(15)) });
        assert_eq!(both, Window { from: Some(at(10)), until: Some(at(15)) });
        assert_eq!(window.and(Window::default()), window);
    }
}
