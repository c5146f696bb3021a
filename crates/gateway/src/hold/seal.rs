use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use gatewright_json::{Limits, Value, parse, to_bytes};
use gatewright_model::{ApprovalId, Entropy};

/// AES-256-GCM under a key of the deployment; an approval's id is bound to it, so that no row can be given another's.
pub(super) struct Seal(Option<LessSafeKey>);

/// The nonce's length in bytes.
const NONCE: usize = 12;

impl Seal {
    pub(super) fn new(key: &[u8]) -> Self {
        // INVARIANT: an HMAC-SHA-256 has the key's length; without a key nothing is sealed, and nothing can be seen.
        Self(UnboundKey::new(&AES_256_GCM, key).ok().map(LessSafeKey::new))
    }

    /// Seals texts with the places where they stand.
    pub(super) fn close(&self, id: ApprovalId, texts: &[(String, String)], entropy: &dyn Entropy) -> Option<Vec<u8>> {
        let key = self.0.as_ref()?;
        let pairs = texts.iter().map(|(place, text)| Value::Array(vec![place.as_str().into(), text.as_str().into()]));
        let mut sealed = to_bytes(&Value::Array(pairs.collect()));
        let mut nonce = [0; NONCE];
        entropy.fill(&mut nonce);
        let unique = Nonce::assume_unique_for_key(nonce);
        key.seal_in_place_append_tag(unique, Aad::from(id.as_bytes()), &mut sealed).ok()?;
        sealed.extend_from_slice(&nonce);
        Some(sealed)
    }

    /// Opens what this key sealed for this approval.
    pub(super) fn open(&self, id: ApprovalId, sealed: &[u8]) -> Option<Vec<(String, String)>> {
        let (sealed, nonce) = sealed.split_at_checked(sealed.len().checked_sub(NONCE)?)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut opened = sealed.to_vec();
        let plain = self.0.as_ref()?.open_in_place(nonce, Aad::from(id.as_bytes()), &mut opened).ok()?;
        let value = parse(plain, &Limits { bytes: usize::MAX, ..Limits::default() }).ok()?;
        let pair = |pair: &Value| match pair.as_array()? {
            [place, text] => Some((place.as_str()?.to_owned(), text.as_str()?.to_owned())),
            _ => None,
        };
        value.as_array()?.iter().map(pair).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sevens;
    impl Entropy for Sevens {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    #[test]
    fn opens_for_its_approval_alone_and_only_unchanged() {
        let seal = Seal::new(&[1; 32]);
        let (id, other) = (ApprovalId::from_bytes([1; 16]), ApprovalId::from_bytes([2; 16]));
        let texts = vec![("user".to_owned(), "export 4111 1111 1111 1111 \u{202e}".to_owned())];
        let sealed = seal.close(id, &texts, &Sevens).expect("sealed");
        assert!(!sealed.windows(4).any(|window| window == b"4111"));
        assert_eq!(seal.open(id, &sealed), Some(texts));
        assert_eq!(seal.open(other, &sealed), None);
        assert_eq!(Seal::new(&[2; 32]).open(id, &sealed), None);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(seal.open(id, &changed), None, "byte {at}");
        }
        assert_eq!(seal.open(id, &[]), None);
    }
}
