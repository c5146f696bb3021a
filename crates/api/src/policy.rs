use serde::{Deserialize, Serialize};

use crate::Person;

/// A file of a role catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyFile {
    /// Its path from the catalogue's folder, with `/` between its parts.
    pub name: String,
    /// What it says.
    pub text: String,
}

/// What [`POLICIES_APPLY`](crate::POLICIES_APPLY) takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplyPolicy {
    /// All files of the catalogue: YAML and Cedar in one folder, word lists there or below.
    pub files: Vec<PolicyFile>,
    /// The version that must still be the newest; without it, whichever is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<u64>,
    /// Why; at most 1,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What [`POLICIES_RESTORE`](crate::POLICIES_RESTORE) takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestorePolicy {
    /// The version that must still be the newest; without it, whichever is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<u64>,
    /// Why; at most 1,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A version of the role catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyVersion {
    /// Its number, from 1.
    pub version: u64,
    /// The digest by which records name it, hexadecimal.
    pub digest: String,
    /// Who made it; absent for the first one, which a gateway took from its own files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Person>,
    /// When, RFC 3339.
    pub at: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The earlier version that it goes back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restores: Option<u64>,
}

/// What became of an attempt to make a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyOutcome {
    /// It is the newest now.
    Applied,
    /// The newest one says the same already; none was made.
    Unchanged,
}

/// The answer of [`POLICIES_APPLY`](crate::POLICIES_APPLY) and [`POLICIES_RESTORE`](crate::POLICIES_RESTORE).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyApplied {
    /// What became of it.
    pub outcome: PolicyOutcome,
    /// The newest version.
    pub version: PolicyVersion,
}

/// The answer of [`POLICIES_SHOW`](crate::POLICIES_SHOW).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyShown {
    /// The version.
    pub version: PolicyVersion,
    /// Its files.
    pub files: Vec<PolicyFile>,
}
