use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// A kind of sensitive value, named as Presidio names it where it has a name: `EMAIL_ADDRESS`, `US_SSN`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InfoType(Arc<str>);

impl InfoType {
    /// The info type of this name; `None` unless it is 1 to 64 characters of `A-Z`, `0-9` and `_`, a letter first.
    pub fn new(name: &str) -> Option<Self> {
        let shaped = name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        let fits = (1..=64).contains(&name.len()) && name.as_bytes()[0].is_ascii_uppercase();
        (shaped && fits).then(|| Self(name.into()))
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InfoType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for InfoType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for InfoType {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_narrow() {
        assert!(InfoType::new("EMAIL_ADDRESS").is_some());
        assert!(InfoType::new("US_SSN2").is_some());
        for bad in ["", "email", "EMAIL-ADDRESS", "9LIVES", "É", &"A".repeat(65)] {
            assert!(InfoType::new(bad).is_none(), "{bad}");
        }
    }
}
