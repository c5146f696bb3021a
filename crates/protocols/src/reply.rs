use gatewright_model::{Code, Refusal, Usage};

use crate::{Blocked, Words};

/// Why an answer cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A content rule stopped it.
    #[error("a content rule stopped the answer")]
    Blocked,
    /// It is not what this protocol's model servers answer, so its words cannot be found.
    #[error("the model server's answer could not be read")]
    Malformed,
    /// A part of it is larger than the gateway takes.
    #[error("a part of the model server's answer is too large")]
    TooLarge,
    /// The model server said that it failed.
    #[error("the model server reported a failure")]
    Reported,
}

impl Fault {
    /// The fault as callers are told of it: our words, nothing of the model server's.
    pub fn refusal(self) -> Refusal {
        match self {
            Self::Blocked => Refusal::new(Code::BlockedContent, "A content rule stopped the answer."),
            Self::Malformed => Refusal::new(Code::UpstreamFailed, "The model server's answer could not be read."),
            Self::TooLarge => {
                Refusal::new(Code::UpstreamFailed, "The model server's answer is larger than this gateway takes.")
            }
            Self::Reported => Refusal::new(Code::UpstreamFailed, "The model server reported a failure."),
        }
    }
}

impl From<Blocked> for Fault {
    fn from(_: Blocked) -> Self {
        Self::Blocked
    }
}

/// The head of a model server's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyHead<'a> {
    /// Its HTTP status.
    pub status: u16,
    /// Its `content-type`.
    pub content_type: Option<&'a str>,
    /// Its `content-encoding`.
    pub content_encoding: Option<&'a str>,
}

/// Turns the bytes of a model server's answer into the bytes for the caller, however they are cut.
///
/// After an error nothing more is given. What was held is in `out` by then, masked, unless a rule stopped the answer;
/// the caller of this trait says the refusal behind it ([`Protocol::refusal_in_stream`](crate::Protocol)).
pub trait ReplyEditor: Send {
    /// Takes the next bytes and appends what may be shown.
    ///
    /// # Errors
    /// A [`Fault`] where the answer must end here.
    fn push(&mut self, bytes: &[u8], words: &mut dyn Words, out: &mut Vec<u8>) -> Result<(), Fault>;

    /// The model server's answer is over; appends what was held.
    ///
    /// # Errors
    /// A [`Fault`] where the answer must end here.
    fn finish(&mut self, words: &mut dyn Words, out: &mut Vec<u8>) -> Result<(), Fault>;

    /// Tokens, where the model server has said.
    fn usage(&self) -> Option<Usage>;

    /// Whether the model server said all that it had to say: its end mark was seen, or its one value is whole.
    fn complete(&self) -> bool;
}
