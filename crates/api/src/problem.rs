use serde::{Deserialize, Serialize};

/// How the admin side says no.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// What is wrong.
    pub error: Words,
}

/// A problem for programs and for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// A word for programs.
    pub code: String,
    /// A sentence for people.
    pub message: String,
}

impl Problem {
    /// A problem of this code in these words.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { error: Words { code: code.into(), message: message.into() } }
    }
}
