use serde::{Deserialize, Serialize};

use crate::{Person, PolicyFile};

/// What [`SHADOW_SET`](crate::SHADOW_SET) takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetShadow {
    /// All files of the catalogue: YAML and Cedar in one folder, word lists there or below.
    pub files: Vec<PolicyFile>,
    /// Why; at most 1,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A step of the candidate: it was set, or cleared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShadowStep {
    /// Its number, from 1.
    pub step: u64,
    /// The candidate's digest, hexadecimal; absent where it was cleared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Who did it.
    pub by: Person,
    /// When, RFC 3339.
    pub at: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What a candidate is doing at one gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShadowState {
    /// There is none.
    Absent,
    /// It was set and is not yet compiled here.
    Coming,
    /// It decides along.
    Deciding,
    /// It does not hold with this gateway's configuration.
    Refused,
}

/// What [`SHADOW_SHOW`](crate::SHADOW_SHOW) answers: what one gateway has seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shadow {
    /// What the candidate is doing here.
    pub state: ShadowState,
    /// The step that set it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<ShadowStep>,
    /// Why it does not hold here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
    /// How it compares; absent unless it decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<ShadowCompared>,
    /// The check of the live catalogue against Cedar's own authorizer.
    pub recheck: Recheck,
}

/// How a candidate's decisions compare with those that were made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShadowCompared {
    /// Since when, RFC 3339. A reload begins anew.
    pub since: String,
    /// The digest of the live catalogue that it is compared with.
    pub live: String,
    /// How many decisions were compared.
    pub decisions: u64,
    /// The same verdict on the same terms.
    pub agreed: u64,
    /// What it would newly permit.
    pub newly_permitted: u64,
    /// What it would newly refuse, or hold.
    pub newly_refused: u64,
    /// The same verdict on other terms: parameters, limits, budgets, values shown.
    pub on_other_terms: u64,
    /// Decisions that it was not asked about, since too many waited.
    pub dropped: u64,
    /// The kinds of differences, the commonest first.
    pub differences: Vec<ShadowDifference>,
    /// Differences of further kinds, which are only counted.
    pub more: u64,
    /// What live traffic cannot show of it, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_foreseen: Vec<String>,
}

/// How a difference counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShadowChange {
    /// The candidate permits more.
    NewlyPermitted,
    /// The candidate permits less.
    NewlyRefused,
    /// The same on other terms.
    OnOtherTerms,
}

/// A kind of difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShadowDifference {
    /// How it counts.
    pub change: ShadowChange,
    /// How often it was seen.
    pub count: u64,
    /// The caller's roles under the live catalogue.
    pub roles: Vec<String>,
    /// The operation.
    pub operation: String,
    /// The model, where the configuration knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The dataset, where the configuration knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// The verdict that was given.
    pub was: String,
    /// By which rules, in the first of these calls: `name (file:line)`.
    pub was_by: Vec<String>,
    /// The candidate's verdict.
    pub would_be: String,
    /// By which of its rules.
    pub would_be_by: Vec<String>,
    /// The first of these calls, by which their records are found.
    pub examples: Vec<String>,
}

/// The check of live decisions against Cedar's own authorizer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recheck {
    /// Of so many decisions one is made again; 0: none.
    pub one_of: u32,
    /// How many came out the same.
    pub agreed: u64,
    /// How many did not; each is on record as `doubted`.
    pub doubted: u64,
    /// How many the authorizer cannot be asked about.
    pub not_asked: u64,
    /// How many were not made again, since too many waited.
    pub dropped: u64,
    /// The first call that came out otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_doubt: Option<String>,
}
