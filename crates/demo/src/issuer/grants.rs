use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use gatewright_model::{Digest, Timestamp};

use super::Person;

/// How long a code may be exchanged, and a refresh token used.
const CODE_LIFETIME: Duration = Duration::from_secs(60);
const REFRESH_LIFETIME: Duration = Duration::from_secs(12 * 3_600);
/// Codes and refresh tokens that are kept at once; a demonstration has a handful.
const MOST: usize = 1_024;

/// What somebody agreed to by signing in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) person: Person,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: String,
    pub(crate) nonce: Option<String>,
}

/// Codes and refresh tokens, by their SHA-256: who reads the memory of this provider still cannot use them.
#[derive(Default)]
pub(crate) struct Grants {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    codes: HashMap<Digest, Kept<Grant>>,
    refresh: HashMap<Digest, Kept<Person>>,
    /// Families of tokens that somebody used twice.
    revoked: HashSet<u64>,
    families: u64,
}

struct Kept<T> {
    what: T,
    /// All tokens that come from one sign-in.
    family: u64,
    until: Timestamp,
    spent: bool,
}

impl Grants {
    /// Keeps a grant under this code.
    pub(crate) fn put_code(&self, code: &str, grant: Grant, now: Timestamp) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.sweep(now);
        state.families += 1;
        let kept = Kept { what: grant, family: state.families, until: now.plus(CODE_LIFETIME), spent: false };
        state.codes.insert(hash(code), kept);
    }

    /// The grant under a code and its family, once. A second use revokes what the first one gave (RFC 6749, 4.1.2).
    pub(crate) fn take_code(&self, code: &str, now: Timestamp) -> Option<(Grant, u64)> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { codes, revoked, .. } = &mut *state;
        take(codes, revoked, code, now)
    }

    /// Keeps a refresh token of a family.
    pub(crate) fn put_refresh(&self, token: &str, person: Person, family: u64, now: Timestamp) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.sweep(now);
        let kept = Kept { what: person, family, until: now.plus(REFRESH_LIFETIME), spent: false };
        state.refresh.insert(hash(token), kept);
    }

    /// Whose refresh token this is, once; using one twice revokes all that came from the same sign-in (RFC 9700, 4.14).
    pub(crate) fn take_refresh(&self, token: &str, now: Timestamp) -> Option<(Person, u64)> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { refresh, revoked, .. } = &mut *state;
        take(refresh, revoked, token, now)
    }
}

impl State {
    /// Forgets what is over, and everything where there is too much.
    fn sweep(&mut self, now: Timestamp) {
        self.codes.retain(|_, kept| now < kept.until);
        self.refresh.retain(|_, kept| now < kept.until);
        if self.codes.len() >= MOST {
            self.codes.clear();
        }
        if self.refresh.len() >= MOST {
            self.refresh.clear();
        }
        let Self { refresh, codes, revoked, .. } = self;
        revoked.retain(|family| {
            refresh.values().any(|kept| kept.family == *family) || codes.values().any(|kept| kept.family == *family)
        });
    }
}

fn take<T: Clone>(
    kept: &mut HashMap<Digest, Kept<T>>,
    revoked: &mut HashSet<u64>,
    token: &str,
    now: Timestamp,
) -> Option<(T, u64)> {
    let found = kept.get_mut(&hash(token)).filter(|found| now < found.until)?;
    if found.spent {
        revoked.insert(found.family);
    }
    found.spent = true;
    (!revoked.contains(&found.family)).then(|| (found.what.clone(), found.family))
}

fn hash(token: &str) -> Digest {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn grant() -> Grant {
        let (redirect_uri, challenge) = ("http://127.0.0.1:1/callback".to_owned(), "c".to_owned());
        Grant { person: Person::Alice, redirect_uri, challenge, nonce: None }
    }

    #[test]
    fn a_code_is_good_once_and_for_a_minute() {
        let grants = Grants::default();
        grants.put_code("a", grant(), at(0));
        grants.put_code("b", grant(), at(0));
        assert_eq!(grants.take_code("a", at(59)), Some((grant(), 1)));
        assert_eq!(grants.take_code("a", at(59)), None);
        assert_eq!(grants.take_code("b", at(60)), None);
        assert_eq!(grants.take_code("c", at(0)), None);
    }

    #[test]
    fn using_a_refresh_token_twice_ends_the_whole_sign_in() {
        let grants = Grants::default();
        grants.put_refresh("first", Person::Bob, 7, at(0));
        assert_eq!(grants.take_refresh("first", at(1)), Some((Person::Bob, 7)));
        grants.put_refresh("second", Person::Bob, 7, at(1));
        grants.put_refresh("other", Person::Carol, 8, at(1));
        assert_eq!(grants.take_refresh("first", at(2)), None);
        assert_eq!(grants.take_refresh("second", at(2)), None);
        assert_eq!(grants.take_refresh("other", at(2)), Some((Person::Carol, 8)));
    }

    #[test]
    fn a_code_used_twice_ends_what_it_gave() {
        let grants = Grants::default();
        grants.put_code("a", grant(), at(0));
        let (_, family) = grants.take_code("a", at(1)).expect("good");
        grants.put_refresh("r", Person::Alice, family, at(1));
        assert_eq!(grants.take_code("a", at(2)), None);
        assert_eq!(grants.take_refresh("r", at(2)), None);
    }
}
