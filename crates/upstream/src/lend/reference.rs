use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::{FileCredential, Fixed, Lend, Unlent, cleaned};

/// A text that refers to no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret is written as a reference, env:NAME or file:/path, never as a value")]
pub struct BadReference;

/// Where a secret lies. The configuration holds references, never values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// `env:NAME`: an environment variable, read once.
    Environment(String),
    /// `file:/path`: a file, read again when it changes.
    File(PathBuf),
}

impl Reference {
    /// Reads `env:NAME` or `file:/path`. What was written instead is not repeated: it may be the secret itself.
    pub fn parse(text: &str) -> Result<Self, BadReference> {
        match text.split_once(':') {
            Some(("env", name)) if is_variable(name) => Ok(Self::Environment(name.to_owned())),
            Some(("file", path)) if !path.is_empty() && !path.contains('\0') => Ok(Self::File(path.into())),
            _ => Err(BadReference),
        }
    }

    /// A lender for it. Reads it once, so that a missing secret is a fault at start and not at the first call.
    /// `environment` looks a variable up; only the composition root knows the real one.
    pub fn open(&self, environment: &dyn Fn(&str) -> Option<String>) -> Result<Arc<dyn Lend>, Unlent> {
        let place = self.to_string();
        match self {
            Self::Environment(name) => match environment(name) {
                Some(value) => Ok(Arc::new(Fixed::new(cleaned(&place, value)?))),
                None => Err(Unlent { place, reason: "the variable is not set".to_owned() }),
            },
            Self::File(path) => {
                let lender = FileCredential::new(path.clone());
                lender.lend()?;
                Ok(Arc::new(lender))
            }
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.as_bytes()[0].is_ascii_digit()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_not_a_reference_and_is_not_repeated() {
        for bad in ["sk-canary-123", "env:", "env:A B", "file:", "vault:x", "env:1A"] {
            let fault = Reference::parse(bad).map_err(|fault| fault.to_string());
            assert!(fault.as_ref().is_err_and(|words| !words.contains("canary")), "{bad}: {fault:?}");
        }
        assert_eq!(Reference::parse("env:LAB_KEY"), Ok(Reference::Environment("LAB_KEY".into())));
        assert_eq!(Reference::parse("file:/run/k"), Ok(Reference::File("/run/k".into())));
    }

    #[test]
    fn a_missing_variable_is_a_fault_and_a_header_cannot_be_smuggled() {
        let open = |value: Option<&str>| {
            let value = value.map(str::to_owned);
            Reference::Environment("K".into()).open(&move |_| value.clone()).map(|_| ())
        };
        assert!(open(None).is_err());
        assert!(open(Some("")).is_err());
        assert!(open(Some("a\r\nx-admin: 1")).is_err());
        assert!(open(Some("key\n")).is_ok());
    }
}
