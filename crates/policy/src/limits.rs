//! What a grant on a dataset lets out, beside whether it may be asked at all.

use std::cmp::Reverse;
use std::time::Duration;

use gatewright_model::{DatasetName, Identity, RuleRef};

/// Whether an answer may hold a dataset's vectors: with enough of them, the texts behind them can be guessed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Vectors {
    /// They may be returned.
    Returned,
    /// They are left out.
    #[default]
    Withheld,
}

/// A value that a row's field is held against.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum FilterValue {
    /// Text.
    Text(String),
    /// A whole number.
    Whole(i64),
    /// True or false.
    Truth(bool),
}

/// One condition on a dataset's rows: the field has one of the values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FilterClause {
    /// The field of the row's metadata.
    pub field: String,
    /// What it may be; never empty.
    pub values: Vec<FilterValue>,
}

/// What one call may take out of one dataset; of the grant that decided. `None` does not bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatasetTerms {
    /// The dataset.
    pub dataset: DatasetName,
    /// The grant, where a person can read it.
    pub rule: RuleRef,
    /// The most neighbours of one query.
    pub top_k: Option<u32>,
    /// The most rows of one answer.
    pub rows: Option<u32>,
    /// Whether vectors may be returned.
    pub vectors: Vectors,
    /// The most calls of one person within an hour.
    pub calls_per_hour: Option<u32>,
    /// How long a token that the gateway lends for this dataset lives.
    pub token_ttl: Option<Duration>,
    /// What a row must satisfy to be seen or changed: all clauses. Empty admits every row.
    pub filter: Vec<FilterClause>,
}

/// A dataset grant's limits as the catalogue writes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) top_k: Option<u32>,
    pub(crate) rows: Option<u32>,
    pub(crate) vectors: Vectors,
    pub(crate) calls_per_hour: Option<u32>,
    pub(crate) token_ttl: Option<Duration>,
    pub(crate) filter: Vec<Clause>,
}

/// A clause as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Clause {
    pub(crate) field: String,
    pub(crate) wanted: Wanted,
}

/// What a field must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// One of these.
    Values(Vec<FilterValue>),
    /// The caller's claim at this JSON pointer.
    Claim(String),
}

impl Limits {
    /// For this caller; `None` where the filter asks for a claim that the caller lacks, so that the grant gives nothing.
    pub(crate) fn resolve(&self, dataset: &str, rule: &RuleRef, identity: &Identity) -> Option<DatasetTerms> {
        let clauses = self.filter.iter().map(|clause| {
            let values = match &clause.wanted {
                Wanted::Values(values) => values.clone(),
                Wanted::Claim(pointer) => vec![FilterValue::Text(identity.claim(pointer)?.to_owned())],
            };
            Some(FilterClause { field: clause.field.clone(), values })
        });
        Some(DatasetTerms {
            dataset: DatasetName::from(dataset),
            rule: rule.clone(),
            top_k: self.top_k,
            rows: self.rows,
            vectors: self.vectors,
            calls_per_hour: self.calls_per_hour,
            token_ttl: self.token_ttl,
            filter: clauses.collect::<Option<_>>()?,
        })
    }

    /// An order in which the grant that withholds least comes first.
    pub(crate) fn strictness(&self) -> impl Ord + use<> {
        let bound = |limit: Option<u32>| Reverse(limit.unwrap_or(u32::MAX));
        (self.filter.len(), bound(self.rows), bound(self.top_k), self.vectors, bound(self.calls_per_hour))
    }
}
