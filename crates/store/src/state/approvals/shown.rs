use serde::{Deserialize, Serialize};

/// What approvers are shown of a call, written with the approval: version 1. Every text in it is whole and masked; nothing
/// is left out, so that what is agreed to is what runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// The version of this form.
    pub version: u32,
    /// What the call would do.
    pub operation: Option<String>,
    /// The model, as callers call it.
    pub model: Option<String>,
    /// Where it would go.
    pub connection: Option<String>,
    /// How far that is trusted.
    pub trust: Option<String>,
    /// The data that it reaches.
    pub datasets: Vec<String>,
    /// The caller's roles.
    pub roles: Vec<String>,
    /// The request whose journey asked.
    pub request: Option<String>,
    /// Its session.
    pub session: Option<String>,
    /// The effective parameters.
    pub parameters: Vec<(String, String)>,
    /// Every text of the call, in order.
    pub texts: Vec<ShownText>,
    /// How many values of each info type were masked.
    pub found: Vec<(String, u32)>,
}

/// A text of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShownText {
    /// Whose, or where it stands.
    pub place: String,
    /// Its pieces: what they say, and why they stand out.
    pub pieces: Vec<(String, Option<String>)>,
}

impl Shown {
    /// As it is kept.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Strings and lists: nothing that could not be written.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// As it was kept; `None` for what is no such thing.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().filter(|shown: &Self| shown.version == 1)
    }
}
