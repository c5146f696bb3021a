//! Whoever keeps a page open looks at the same thing again and again. On record that is one visit in a while, so that the
//! log tells who looked and is not filled by those who wait.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gatewright_api::{Endpoint, Method, Needs};
use gatewright_model::IssuerName;

use crate::Visitor;

/// For how long a look that was recorded stands for those that follow it.
const A_WHILE: Duration = Duration::from_secs(600);

/// How many looks are remembered; beyond that all are forgotten, and recorded again.
const MOST: usize = 10_000;

/// Whether a look is on record already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// It has to be recorded.
    First,
    /// The same visitor looked at the same thing a while ago, and that was recorded.
    Again,
}

/// Who looked at what, and when that was recorded.
type Remembered = HashMap<(IssuerName, Arc<str>, &'static str, String), Instant>;

/// The looks that were recorded of late.
#[derive(Default)]
pub(crate) struct Looks(Mutex<Remembered>);

impl Looks {
    /// What a visitor's question is. Only reading what an identity is enough for can be a look: what a permission is
    /// asked for is recorded each time, and so is whatever is done.
    pub(crate) fn of(&self, visitor: &Visitor, endpoint: &'static Endpoint, ids: &[&str]) -> Look {
        let Some(key) = key(visitor, endpoint, ids) else { return Look::First };
        let looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match looks.get(&key).is_some_and(|at| at.elapsed() < A_WHILE) {
            true => Look::Again,
            false => Look::First,
        }
    }

    /// It is on record.
    pub(crate) fn recorded(&self, visitor: &Visitor, endpoint: &'static Endpoint, ids: &[&str]) {
        let Some(key) = key(visitor, endpoint, ids) else { return };
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if looks.len() >= MOST {
            looks.clear();
        }
        looks.insert(key, Instant::now());
    }
}

fn key(
    visitor: &Visitor,
    endpoint: &'static Endpoint,
    ids: &[&str],
) -> Option<(IssuerName, Arc<str>, &'static str, String)> {
    let is_look = endpoint.method == Method::Get && endpoint.needs == Needs::Identity;
    let identity = &visitor.identity;
    is_look.then(|| (identity.issuer.clone(), Arc::clone(&identity.subject), endpoint.name, ids.join("/")))
}

#[cfg(test)]
mod tests {
    use gatewright_api::{APPROVALS_DECIDE, APPROVALS_LIST, APPROVALS_SHOW, POLICIES_HISTORY};
    use gatewright_model::{Identity, Kind, Timestamp};

    use super::*;

    fn visitor(subject: &str) -> Visitor {
        let identity = Identity {
            issuer: "corp".into(),
            subject: subject.into(),
            kind: Kind::Person,
            groups: [].into(),
            claims: [].into(),
            expires: Timestamp::from_seconds(1),
        };
        Visitor { identity, roles: Vec::new() }
    }

    #[test]
    fn the_same_look_is_one_visit_in_a_while() {
        let looks = Looks::default();
        let carol = visitor("carol");
        assert_eq!(looks.of(&carol, &APPROVALS_LIST, &[]), Look::First);
        looks.recorded(&carol, &APPROVALS_LIST, &[]);
        looks.recorded(&carol, &APPROVALS_SHOW, &["apr_1"]);
        assert_eq!(looks.of(&carol, &APPROVALS_LIST, &[]), Look::Again);
        assert_eq!(looks.of(&carol, &APPROVALS_SHOW, &["apr_1"]), Look::Again);
        assert_eq!(looks.of(&carol, &APPROVALS_SHOW, &["apr_2"]), Look::First, "another approval");
        assert_eq!(looks.of(&visitor("dora"), &APPROVALS_LIST, &[]), Look::First, "somebody else");
        for at in looks.0.lock().expect("a lock").values_mut() {
            *at = at.checked_sub(A_WHILE).expect("the machine runs for longer");
        }
        assert_eq!(looks.of(&carol, &APPROVALS_LIST, &[]), Look::First, "a while is over");
    }

    #[test]
    fn what_is_done_and_what_takes_a_permission_is_recorded_each_time() {
        let looks = Looks::default();
        for endpoint in [&APPROVALS_DECIDE, &POLICIES_HISTORY] {
            looks.recorded(&visitor("carol"), endpoint, &["apr_1"]);
            assert_eq!(looks.of(&visitor("carol"), endpoint, &["apr_1"]), Look::First, "{}", endpoint.name);
        }
    }
}
