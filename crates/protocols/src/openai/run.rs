use gatewright_json::escape_into;
use gatewright_json::lexer::{Lexer, Token};
use gatewright_model::Channel;

use crate::{Blocked, Piece, Place, Words};

/// One running text of an answer.
#[derive(Debug)]
pub(super) struct Run {
    channel: Channel,
    begun: bool,
}

impl Run {
    pub(super) const fn new(channel: Channel) -> Self {
        Self { channel, begun: false }
    }

    pub(super) const fn channel(&self) -> Channel {
        self.channel
    }

    /// Whether some of the text has come.
    pub(super) const fn has_begun(&self) -> bool {
        self.begun
    }

    pub(super) fn push(
        &mut self,
        text: &str,
        words: &mut dyn Words,
        told: &mut dyn FnMut(Piece<'_>),
    ) -> Result<(), Blocked> {
        if !self.begun {
            self.begun = true;
            words.begin(self.channel, Place::Plain);
        }
        words.push(self.channel, text, told)
    }

    pub(super) fn finish(&mut self, words: &mut dyn Words, told: &mut dyn FnMut(Piece<'_>)) -> Result<(), Blocked> {
        if std::mem::take(&mut self.begun) { words.finish(self.channel, told) } else { Ok(()) }
    }
}

/// The arguments of one tool call: JSON that arrives in pieces, masked in its decoded form and written as JSON again.
/// A number of which something is masked becomes a string.
#[derive(Debug)]
pub(super) struct Arguments {
    channel: Channel,
    lexer: Lexer,
    plain: Run,
}

impl Arguments {
    pub(super) fn new(channel: Channel) -> Self {
        Self { channel, lexer: Lexer::new(), plain: Run::new(channel) }
    }

    pub(super) const fn channel(&self) -> Channel {
        self.channel
    }

    pub(super) fn push(&mut self, text: &str, words: &mut dyn Words, told: &mut Vec<u8>) -> Result<(), Blocked> {
        let Self { channel, lexer, plain } = self;
        let mut blocked = Ok(());
        lexer.push(text, &mut |token| {
            if blocked.is_ok() {
                blocked = tell(token, *channel, plain, words, told);
            }
        });
        blocked
    }

    pub(super) fn finish(&mut self, words: &mut dyn Words, told: &mut Vec<u8>) -> Result<(), Blocked> {
        let Self { channel, lexer, plain } = self;
        let mut blocked = Ok(());
        lexer.finish(&mut |token| {
            if blocked.is_ok() {
                blocked = tell(token, *channel, plain, words, told);
            }
        });
        blocked?;
        plain.finish(words, &mut |piece| told.extend_from_slice(piece.shown().as_bytes()))
    }
}

fn tell(
    token: Token<'_>,
    channel: Channel,
    plain: &mut Run,
    words: &mut dyn Words,
    told: &mut Vec<u8>,
) -> Result<(), Blocked> {
    match token {
        Token::Structure(text) => told.extend_from_slice(text.as_bytes()),
        Token::Key => {
            told.push(b'"');
            words.begin(channel, Place::Plain);
        }
        Token::Text(path) => {
            told.push(b'"');
            words.begin(channel, Place::Field(path));
        }
        Token::Words(text) => words.push(channel, text, &mut |piece| escape_into(piece.shown(), told))?,
        Token::Close => {
            words.finish(channel, &mut |piece| escape_into(piece.shown(), told))?;
            told.push(b'"');
        }
        Token::Cut => words.finish(channel, &mut |piece| escape_into(piece.shown(), told))?,
        Token::Number { path, text } => {
            let shown = crate::whole(words, channel, Place::Field(path), text)?;
            if shown == text {
                told.extend_from_slice(text.as_bytes());
            } else {
                quote_into(&shown, told);
            }
        }
        Token::Plain(text) => {
            plain.push(text, words, &mut |piece| told.extend_from_slice(piece.shown().as_bytes()))?;
        }
    }
    Ok(())
}

/// Writes a text as a JSON string.
pub(super) fn quote_into(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    escape_into(text, out);
    out.push(b'"');
}
