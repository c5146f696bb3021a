use std::collections::HashMap;

use aws_lc_rs::hmac;
use gatewright_model::{InfoType, to_hex};

use crate::Substitutes;
use crate::detect::token;
use crate::text::as_seen;

/// The reversible tokens of one call or session: `<EMAIL_ADDRESS_1>`, numbered per info type by first appearance, so that
/// the same texts in the same order give the same tokens. Tokens of one vault mean nothing in another.
///
/// It holds originals: keep it no longer than the answer takes, and print it nowhere (it prints as counts).
#[derive(Default)]
pub struct Vault {
    by_value: HashMap<(InfoType, String), String>,
    by_token: HashMap<String, (InfoType, String)>,
    counts: HashMap<InfoType, u32>,
}

impl Vault {
    /// An empty vault.
    pub fn new() -> Self {
        Self::default()
    }

    /// The token of this value, minted now or earlier.
    pub fn token(&mut self, info_type: &InfoType, original: &str) -> String {
        let key = (info_type.clone(), original.to_owned());
        if let Some(token) = self.by_value.get(&key) {
            return token.clone();
        }
        let count = self.counts.entry(info_type.clone()).or_default();
        *count += 1;
        let token = format!("<{info_type}_{count}>");
        self.by_token.insert(token.clone(), key.clone());
        self.by_value.insert(key, token.clone());
        token
    }

    /// The value that a token stands for, however a model spelled it; `None` when this vault did not mint it.
    pub fn restore(&self, written: &str) -> Option<(InfoType, &str)> {
        let (info_type, original) = self.by_token.get(&token::canonical(written))?;
        Some((info_type.clone(), original))
    }

    /// How many tokens were minted.
    pub fn len(&self) -> usize {
        self.by_token.len()
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.by_token.is_empty()
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Vault({} tokens)", self.len())
    }
}

/// The key of pseudonyms. Prints as nothing.
pub struct PseudonymKey(hmac::Key);

impl PseudonymKey {
    /// A key of these bytes; 32 unpredictable ones.
    pub fn new(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// `EMAIL_ADDRESS_` and 16 hexadecimal digits of HMAC-SHA-256 over the info type and the value, disguise, letter case
    /// and separators aside: the same address gets the same pseudonym however it is written.
    pub fn pseudonym(&self, info_type: &InfoType, original: &str) -> String {
        let mut value = as_seen(original);
        value.retain(|unit| !matches!(unit, b' ' | b'-' | b'/' | b'(' | b')' | b'\n'));
        value.make_ascii_lowercase();
        let tag = hmac::sign(&self.0, &[info_type.as_str().as_bytes(), b"\0", &value].concat());
        format!("{info_type}_{}", to_hex(&tag.as_ref()[..8]))
    }
}

impl std::fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PseudonymKey(…)")
    }
}

/// Substitutes for the texts of one call: its vault and the deployment's key.
pub struct Minter<'a> {
    /// Where tokens are minted and looked up.
    pub vault: &'a mut Vault,
    /// What pseudonyms are made with.
    pub key: &'a PseudonymKey,
}

impl Substitutes for Minter<'_> {
    fn token(&mut self, info_type: &InfoType, original: &str) -> String {
        self.vault.token(info_type, original)
    }

    fn pseudonym(&mut self, info_type: &InfoType, original: &str) -> String {
        self.key.pseudonym(info_type, original)
    }

    fn restore(&self, token: &str) -> Option<(InfoType, &str)> {
        self.vault.restore(token)
    }
}
