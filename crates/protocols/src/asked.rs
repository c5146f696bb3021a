use gatewright_model::RequestId;

use crate::Reach;

/// Whether the caller asked for a stream's token counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageReport {
    /// It did.
    Told,
    /// It did not; the gateway asks all the same, and keeps the answer.
    Kept,
}

/// What an answer must fit: what the caller asked for, in the caller's names.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Which request it answers; the answer's ids are made of it.
    pub request: RequestId,
    /// The model's public name.
    pub model: String,
    /// Whether a stream ends with token counts.
    pub usage: UsageReport,
    /// Names of the tools that the caller offered.
    pub tools: Vec<String>,
    /// How many texts were to be embedded.
    pub inputs: usize,
    /// Which datasets the answer may speak of, and how much of them.
    pub reach: Reach,
}
