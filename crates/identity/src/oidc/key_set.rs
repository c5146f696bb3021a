use std::collections::HashSet;

use aws_lc_rs::signature::ParsedPublicKey;
use gatewright_json::{Value, parse};

use super::jwk::{Jwk, Unfit};
use super::{Algorithm, limits};

/// No issuer has more keys than this at once.
const MOST_KEYS: usize = 100;

/// The keys of an issuer that can verify its tokens.
#[derive(Debug)]
pub(crate) struct KeySet {
    keys: Vec<Jwk>,
}

/// Why no key verified a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoKey {
    /// The set has no key of this id; a newer set might.
    Unknown,
    /// The key will not do it, or it did not make this signature; a newer set changes nothing.
    Unfit,
}

impl KeySet {
    /// Reads a key set (RFC 7517, section 5) for an issuer with these algorithms. Keys for other purposes are passed
    /// over; a set that shows something dangerous is refused as a whole.
    pub(crate) fn read(bytes: &[u8], configured: &[Algorithm]) -> Result<Self, String> {
        let set = parse(bytes, &limits(1 << 20, 20_000)).map_err(|_| "it is not strict JSON")?;
        let keys = set.get("keys").and_then(Value::as_array).ok_or("it has no list of keys")?;
        if keys.len() > MOST_KEYS {
            return Err(format!("it has more than {MOST_KEYS} keys"));
        }
        let mut ids = HashSet::new();
        if !keys.iter().filter_map(|key| key.get("kid")).filter_map(Value::as_str).all(|id| ids.insert(id)) {
            return Err("two of its keys have the same id".to_owned());
        }
        let mut usable = Vec::new();
        for key in keys {
            match Jwk::read(key, configured) {
                Ok(key) => usable.push(key),
                Err(Unfit::Set(why)) => return Err(why.to_owned()),
                Err(Unfit::Key(why)) => tracing::debug!(why, "a key of an issuer is passed over"),
            }
        }
        Ok(Self { keys: usable })
    }

    /// Whether there is no key to verify anything with.
    pub(crate) const fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The key of this id for this algorithm. A token without an id has a key where only one could be meant.
    pub(crate) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Result<&ParsedPublicKey, NoKey> {
        let key = match id {
            Some(id) => self.keys.iter().find(|key| key.id.as_deref() == Some(id)).ok_or(NoKey::Unknown)?,
            None => match self.keys.as_slice() {
                [only] => only,
                _ => return Err(NoKey::Unfit),
            },
        };
        key.uses.iter().find(|(usable, _)| *usable == algorithm).map(|(_, key)| key).ok_or(NoKey::Unfit)
    }
}
