use aws_lc_rs::hmac;
use gatewright_model::{InfoType, to_hex};

use crate::text::as_seen;

/// The key of pseudonyms. Prints as nothing.
///
/// A pseudonym names its key, so that those made before a key was replaced are told apart from those made after.
pub struct PseudonymKey {
    key: hmac::Key,
    id: String,
}

impl PseudonymKey {
    /// A key of these bytes; 32 unpredictable ones.
    pub fn new(bytes: &[u8]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, bytes);
        let id = to_hex(&hmac::sign(&key, b"the id of this key").as_ref()[..3]);
        Self { key, id }
    }

    /// What its pseudonyms name it by: six hexadecimal digits, which say nothing of the key.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// `EMAIL_ADDRESS_`, the key's id, `_` and 16 hexadecimal digits of HMAC-SHA-256 over the info type and the value,
    /// disguise, letter case and separators aside: the same address gets the same pseudonym however it is written.
    pub fn pseudonym(&self, info_type: &InfoType, original: &str) -> String {
        let mut value = as_seen(original);
        value.retain(|unit| !matches!(unit, b' ' | b'-' | b'/' | b'(' | b')' | b'\n'));
        value.make_ascii_lowercase();
        let tag = hmac::sign(&self.key, &[info_type.as_str().as_bytes(), b"\0", &value].concat());
        format!("{info_type}_{}_{}", self.id, to_hex(&tag.as_ref()[..8]))
    }
}

impl std::fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PseudonymKey(…)")
    }
}
