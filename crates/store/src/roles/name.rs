use std::fmt;

use gatewright_model::{Entropy, to_hex};

/// What every name begins with, so that a database's own roles are never taken for one.
pub(super) const PREFIX: &str = "gwl_";

/// The name of a lent role: 128 random bits. Only such a name is ever created or dropped.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LentRole(String);

impl LentRole {
    /// A name that nobody can guess.
    pub fn new(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes);
        Self(format!("{PREFIX}{}", to_hex(&bytes)))
    }

    /// The name that this text is; `None` where it is none of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(PREFIX)?;
        let ours = digits.len() == 32 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        ours.then(|| Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LentRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sevens;
    impl Entropy for Sevens {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0x77);
        }
    }

    #[test]
    fn only_names_of_ours_are_names() {
        let name = LentRole::new(&Sevens);
        assert_eq!(name.as_str(), format!("gwl_{}", "77".repeat(16)));
        assert_eq!(LentRole::parse(name.as_str()), Some(name));
        for other in ["postgres", "gwl_", "gwl_x", "GWL_", "gwl_\"; DROP ROLE postgres; --", ""] {
            assert_eq!(LentRole::parse(other), None, "{other}");
        }
        assert_eq!(LentRole::parse(&format!("gwl_{}", "7A".repeat(16))), None);
    }
}
