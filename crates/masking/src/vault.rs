use std::collections::HashMap;

use gatewright_model::InfoType;

use crate::detect::token;
use crate::{PseudonymKey, Substitutes};

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
        // Names that differ by an underscore or two have tokens that could be spelled alike.
        let (token, spelled) = loop {
            *count += 1;
            let token = format!("<{info_type}_{count}>");
            let spelled = token::canonical(&token);
            if !self.by_token.contains_key(&spelled) {
                break (token, spelled);
            }
        };
        self.by_token.insert(spelled, key.clone());
        self.by_value.insert(key, token.clone());
        token
    }

    /// The value that a token stands for, however a model spelled it; `None` when this vault did not mint it.
    pub fn restore(&self, written: &str) -> Option<(&InfoType, &str)> {
        let (info_type, original) = self.by_token.get(&token::canonical(written))?;
        Some((info_type, original))
    }

    /// Whether what is seen as these units is one of its tokens.
    pub(crate) fn has_units(&self, units: &[u8]) -> bool {
        self.by_token.contains_key(&token::canonical_units(units))
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
}
