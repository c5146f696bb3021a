use serde::{Deserialize, Serialize};

use crate::{Approval, Person};

/// The body of [`ACCESS_REQUEST`](crate::ACCESS_REQUEST).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessRequest {
    /// Which role.
    pub role: String,
    /// For how many seconds.
    pub for_s: u64,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What became of asking for access.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessAsked {
    /// The approval that somebody has to give; its state says whether it was given.
    pub approval: Approval,
    /// The grant, once there is one.
    pub grant: Option<Grant>,
}

/// How a grant stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantState {
    /// It counts.
    Active,
    /// Its time is over.
    Ended,
    /// It was taken back.
    Revoked,
}

/// A role that somebody has for a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// `grt_…`.
    pub id: String,
    /// How it stands.
    pub state: GrantState,
    /// Whose it is.
    pub person: Person,
    /// Which role.
    pub role: String,
    /// The approval that it came from.
    pub approval: String,
    /// From when, RFC 3339.
    pub from: String,
    /// Until when, RFC 3339; where it was revoked, until when it would have counted.
    pub until: String,
    /// Whether it was taken without anybody's approval.
    pub break_glass: bool,
}

/// The answer of [`ACCESS_LIST`](crate::ACCESS_LIST).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessList {
    /// The roles that the caller may ask for.
    pub may_ask: Vec<MayAsk>,
    /// What is asked for and not decided.
    pub pending: Vec<Approval>,
    /// What was granted: what counts first, and of that first what nobody approved; then the latest first.
    pub grants: Vec<Grant>,
}

/// A role that the caller may ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MayAsk {
    /// Which role.
    pub role: String,
    /// For how many seconds at most.
    pub max_s: u64,
    /// The approval policy that decides; `break-glass` where nobody does.
    pub policy: String,
    /// Whether it is taken without anybody's approval, and everybody told.
    pub break_glass: bool,
}
