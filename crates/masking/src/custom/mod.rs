//! An operator's own rules: word lists, regular expressions, JSON field names.

pub(crate) mod fields;
pub(crate) mod pattern;
pub(crate) mod starts;
pub(crate) mod words;

use gatewright_model::InfoType;

pub use fields::FieldPath;

/// A detector that an operator declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomRule {
    /// The info type of what it finds; the name of a built-in one widens that one.
    pub name: InfoType,
    /// What it finds.
    pub pattern: CustomPattern,
}

/// What an operator's detector looks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CustomPattern {
    /// Whole words and phrases, letter case, accents, width and look-alike letters aside.
    Words(Vec<String>),
    /// A regular expression without look-around and back-references, matched against the normalised text. The longest
    /// match counts, up to [`MAX_MATCH`](crate::MAX_MATCH) bytes.
    Regex(String),
    /// JSON fields: `$.customer.ssn` from the root, `*.password` at any depth, `[*]` for any element of a list.
    Fields(Vec<String>),
}

/// A rule that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("detector {rule}: {reason}")]
pub struct RuleFault {
    /// The rule's name.
    pub rule: String,
    /// One sentence for the operator.
    pub reason: String,
}
