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

    /// No keys.
    pub(crate) const fn none() -> Self {
        Self { keys: Vec::new() }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, any, prop, proptest};

    use super::*;

    #[test]
    fn sets_that_are_none_are_refused() {
        for text in
            ["", "[]", "{}", "{\"keys\":null}", "{\"keys\":{}}", "{\"keys\":[1]}", "{\"keys\":[{}]}", "{\"keys\":[]}{}"]
        {
            assert!(KeySet::read(text.as_bytes(), Algorithm::ALL).is_err(), "{text}");
        }
        assert!(KeySet::read(b"{\"keys\":[]}", Algorithm::ALL).is_ok_and(|set| set.is_empty()));
    }

    #[test]
    fn a_token_without_an_id_needs_a_set_of_one() {
        let key =
            |id: &str| format!("{{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"{}\",\"kid\":\"{id}\"}}", "A".repeat(43));
        let set = |keys: &[String]| {
            KeySet::read(format!("{{\"keys\":[{}]}}", keys.join(",")).as_bytes(), Algorithm::ALL).expect("a set")
        };
        let (one, two) = (set(&[key("a")]), set(&[key("a"), key("b")]));
        assert!(one.find(None, Algorithm::EdDsa).is_ok());
        assert_eq!(one.find(None, Algorithm::Es256).err(), Some(NoKey::Unfit));
        assert_eq!(two.find(None, Algorithm::EdDsa).err(), Some(NoKey::Unfit));
        assert_eq!(two.find(Some("c"), Algorithm::EdDsa).err(), Some(NoKey::Unknown));
        assert!(two.find(Some("b"), Algorithm::EdDsa).is_ok());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn nothing_that_an_issuer_sends_panics(
            kind in "RSA|EC|OKP|oct|", curve in "P-256|P-384|Ed25519|",
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 4),
            raw in any::<Vec<u8>>(),
        ) {
            use base64::Engine;
            let part = |number: usize| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&parts[number]);
            let jwk = serde_json::json!({"kty": kind, "crv": curve, "x": part(0), "y": part(1), "n": part(2), "e": part(3)});
            let _ = KeySet::read(serde_json::json!({"keys": [jwk]}).to_string().as_bytes(), Algorithm::ALL);
            let _ = KeySet::read(&raw, Algorithm::ALL);
        }
    }
}
