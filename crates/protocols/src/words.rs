use gatewright_model::Channel;

use crate::Place;

/// A rule stopped the answer: nothing more of it may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a content rule stopped the answer")]
pub struct Blocked;

/// A part of what became of a text. The lengths of all pieces of a text add up to the text's length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// As it was written.
    Kept(&'a str),
    /// These bytes of the original are replaced.
    Masked {
        /// How many bytes.
        original_len: usize,
        /// What stands there now.
        replacement: &'a str,
    },
    /// More bytes of the original that the replacement before this piece already stands for.
    Swallowed {
        /// How many bytes.
        original_len: usize,
    },
}

impl Piece<'_> {
    /// What the caller sees of it.
    pub const fn shown(&self) -> &str {
        match self {
            Self::Kept(text) => text,
            Self::Masked { replacement, .. } => replacement,
            Self::Swallowed { .. } => "",
        }
    }
}

/// What happens to the words of an answer, channel by channel: the gateway implements it over its masking engine.
///
/// Each channel is a text of its own: `begin`, any number of `push`, `finish`; then it may begin again. Channels
/// interleave freely. What is given out is final; what is undecided is held until more text comes or the text is
/// finished.
pub trait Words {
    /// A text begins on this channel.
    fn begin(&mut self, channel: Channel, place: Place<'_>);

    /// Takes the next part of the text and gives out what is decided.
    ///
    /// # Errors
    /// [`Blocked`] where the answer must end here.
    fn push(&mut self, channel: Channel, text: &str, out: &mut dyn FnMut(Piece<'_>)) -> Result<(), Blocked>;

    /// The text is over; gives out what was held.
    ///
    /// # Errors
    /// [`Blocked`] where the answer must end here.
    fn finish(&mut self, channel: Channel, out: &mut dyn FnMut(Piece<'_>)) -> Result<(), Blocked>;
}

/// Sends one whole text through [`Words`] and gives what may be shown of it.
///
/// # Errors
/// [`Blocked`] where the answer must end here.
pub fn whole(words: &mut dyn Words, channel: Channel, place: Place<'_>, text: &str) -> Result<String, Blocked> {
    let mut shown = String::with_capacity(text.len());
    words.begin(channel, place);
    words.push(channel, text, &mut |piece| shown.push_str(piece.shown()))?;
    words.finish(channel, &mut |piece| shown.push_str(piece.shown()))?;
    Ok(shown)
}
