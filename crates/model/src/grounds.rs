use std::sync::Arc;

use crate::{DatasetName, GrantId, RuleName, RuleRef};

/// What a decision was made from, beside what the call states and what was found in it: with both, it can be made again.
///
/// Every list is bounded, so that no caller makes a record long; what is bound loosely is said so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grounds {
    /// What the issuer says of the caller.
    pub standing: Standing,
    /// The content rules whose prompt patterns matched.
    pub matched: Vec<RuleName>,
    /// The rules whose holds a person had lifted for this call.
    pub approvals: Vec<RuleName>,
    /// What the call may take out of each dataset; empty where it was denied.
    pub datasets: Vec<DatasetBound>,
    /// The grants of a role for a time without which it would have been decided otherwise.
    pub grants: Vec<GrantId>,
}

/// What of a caller's groups and claims a record keeps. Shared by all records of one token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Groups: first those that the catalogue asks for, then others.
    pub groups: Arc<[Arc<str>]>,
    /// How many more groups the caller has.
    pub unlisted: u64,
    /// The claims that the catalogue asks for, by JSON pointer. A value that looks sensitive is
    /// [`WITHHELD`](Self::WITHHELD).
    pub claims: Arc<[(Arc<str>, Arc<str>)]>,
}

impl Standing {
    /// What stands in place of a claim's value that a detector found something in.
    pub const WITHHELD: &str = "[VALUE]";
}

/// What one call may take out of one dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatasetBound {
    /// The dataset.
    pub dataset: DatasetName,
    /// The grant that says so.
    pub rule: RuleRef,
    /// The most neighbours of one query.
    pub top_k: Option<u32>,
    /// The most rows of one answer.
    pub rows: Option<u32>,
    /// Whether the answer may hold vectors.
    pub vectors: bool,
    /// The fields that the rows are filtered by.
    pub filter: Vec<Arc<str>>,
}
