use std::sync::Arc;

use crate::RuleName;

/// A rule that took part in a decision, with the place where a person can read it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleRef {
    /// Its name, which callers may see.
    pub name: RuleName,
    /// The file that declares it, for operators.
    pub file: Arc<str>,
    /// The line in that file, from 1; 0 for a rule that is built in.
    pub line: u32,
}

/// What was decided of a call; the later, the sterner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Every access question was answered with yes.
    Allow,
    /// Denied by rules that a person may lift.
    Hold,
    /// Denied.
    Deny,
}

impl Verdict {
    /// The word in `x-gatewright-decision` and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Hold => "hold",
            Self::Deny => "deny",
        }
    }
}
