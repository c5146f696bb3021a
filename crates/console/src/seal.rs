use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a sealed text is for. One kind cannot be handed in as the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Somebody who is signed in.
    Session,
    /// A sign-in that was begun.
    SignIn,
}

impl Purpose {
    const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Session => b"gatewright console session 1",
            Self::SignIn => b"gatewright console sign-in 1",
        }
    }
}

/// Makes texts that only this deployment can make and read: AES-256-GCM with a random nonce for each.
///
/// A key may seal some 2^32 texts before two nonces are likely to meet; a session for each second would take a century.
pub(crate) struct Seal(RandomizedNonceKey);

impl Seal {
    /// Seals with this key; `None` where the library refuses it.
    pub(crate) fn new(key: &[u8; 32]) -> Option<Self> {
        RandomizedNonceKey::new(&AES_256_GCM, key).ok().map(Self)
    }

    pub(crate) fn close(&self, purpose: Purpose, content: &impl Serialize) -> Option<String> {
        let mut bytes = serde_json::to_vec(content).ok()?;
        let nonce = self.0.seal_in_place_append_tag(Aad::from(purpose.bytes()), &mut bytes).ok()?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.append(&mut bytes);
        Some(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// What was sealed; `None` for anything that this key did not seal for this purpose, whatever is wrong with it.
    pub(crate) fn open<T: DeserializeOwned>(&self, purpose: Purpose, text: &str) -> Option<T> {
        let mut bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = bytes.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let content = self.0.open_in_place(nonce, Aad::from(purpose.bytes()), sealed).ok()?;
        serde_json::from_slice(content).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(byte: u8) -> Seal {
        Seal::new(&[byte; 32]).expect("a key")
    }

    #[test]
    fn opens_what_it_sealed_and_nothing_else() {
        let sealed = seal(1).close(Purpose::Session, &"content").expect("sealed");
        assert_eq!(seal(1).open::<String>(Purpose::Session, &sealed).as_deref(), Some("content"));
        assert_eq!(seal(1).open::<String>(Purpose::SignIn, &sealed), None, "another purpose");
        assert_eq!(seal(2).open::<String>(Purpose::Session, &sealed), None, "another key");
        assert_ne!(seal(1).close(Purpose::Session, &"content").as_deref(), Some(&*sealed), "a nonce of its own");
        for place in 0..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("ASCII");
            assert_eq!(seal(1).open::<String>(Purpose::Session, &changed), None, "byte {place}");
        }
        for short in ["", "A", "AAAA", &sealed[..16], &sealed[..sealed.len() - 1]] {
            assert_eq!(seal(1).open::<String>(Purpose::Session, short), None, "{short}");
        }
    }
}
