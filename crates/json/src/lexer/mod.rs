//! An incremental lexer for JSON that arrives in pieces, such as the arguments of a streamed tool call.
//!
//! It tells structure apart from the words: strings are given decoded, with the place of each, so that a value
//! written as `\u0034111…` is seen as what it means. It is tolerant, since a model wrote the text: within strings
//! whatever JSON forbids is taken literally; where the structure breaks, all that follows is given as
//! [`Token::Plain`], so that nothing passes unseen. Memory is bounded: a path, a number and an escape.

mod strings;

use self::strings::Escape;
use crate::number::scan;

/// Deeper text is given as plain.
const DEEPEST: usize = 64;
/// Of longer keys only so much appears in a path.
const LONGEST_KEY: usize = 128;
/// Longer numbers are given as plain, since a number must be held until it ends.
const LONGEST_SCALAR: usize = 128;

/// A part of the text. Concatenated, with strings quoted and escaped again, the tokens are the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// Braces, brackets, commas, colons, white space, `true`, `false`, `null`: as written. White space may come
    /// in pieces.
    Structure(&'a str),
    /// A key opens; its words follow.
    Key,
    /// A string value opens at this path; its words follow.
    Text(&'a str),
    /// Decoded words of the open key or string.
    Words(&'a str),
    /// The open key or string closes.
    Close,
    /// The text ended inside the open key or string.
    Cut,
    /// A number, whole.
    Number {
        /// Where, as for [`Token::Text`].
        path: &'a str,
        /// As written.
        text: &'a str,
    },
    /// Not JSON from here on: the rest of the text as written, in pieces.
    Plain(&'a str),
}

/// The lexer; one for each text.
#[derive(Debug)]
pub struct Lexer {
    state: State,
    frames: Vec<Frame>,
    /// `$.customer.items[0]`: the place of the value that comes next, or that is being read.
    path: String,
    /// A number, a word such as `true`, or an escape, that is not whole yet.
    held: String,
    escape: Escape,
    key: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Value,
    FirstItem,
    FirstKey,
    Key,
    Colon,
    After,
    InKey,
    InText,
    InScalar,
    Plain,
}

#[derive(Clone, Copy, Debug)]
enum Frame {
    Object { path: usize },
    Array { path: usize, index: u64 },
}

impl Default for Lexer {
    fn default() -> Self {
        Self::new()
    }
}

impl Lexer {
    /// A lexer at the start of a text.
    pub fn new() -> Self {
        Self {
            state: State::Value,
            frames: Vec::new(),
            path: "$".to_owned(),
            held: String::new(),
            escape: Escape::None,
            key: String::new(),
        }
    }

    /// Takes the next piece of the text and gives the tokens that it completes.
    pub fn push(&mut self, text: &str, give: &mut dyn FnMut(Token<'_>)) {
        let mut rest = text;
        while !rest.is_empty() {
            let used = match self.state {
                State::InKey | State::InText => self.string(rest, give),
                State::InScalar => self.scalar(rest, give),
                State::Plain => {
                    give(Token::Plain(rest));
                    rest.len()
                }
                State::Value | State::FirstItem | State::FirstKey | State::Key | State::Colon | State::After => {
                    self.structure(rest, give)
                }
            };
            rest = &rest[used..];
        }
    }

    /// Says that the text is over.
    pub fn finish(&mut self, give: &mut dyn FnMut(Token<'_>)) {
        match self.state {
            State::InScalar => self.end_scalar(give),
            State::InKey | State::InText => {
                // Half an escape means nothing; the other half of it will not come.
                self.held.clear();
                give(Token::Cut);
                self.state = State::Plain;
            }
            State::Value
            | State::FirstItem
            | State::FirstKey
            | State::Key
            | State::Colon
            | State::After
            | State::Plain => {}
        }
    }

    /// Reads structure up to the first byte of something else, and gives it in one token.
    fn structure(&mut self, text: &str, give: &mut dyn FnMut(Token<'_>)) -> usize {
        let mut used = 0;
        let mut opened = None;
        for byte in text.bytes() {
            match self.structure_byte(byte) {
                Step::Structure => used += 1,
                Step::Opens(state) => {
                    self.state = state;
                    opened = Some(state);
                    break;
                }
            }
        }
        if used > 0 {
            give(Token::Structure(&text[..used]));
        }
        match opened {
            // The opening quote belongs to the token.
            Some(State::InKey) => {
                self.key.clear();
                give(Token::Key);
                used + 1
            }
            Some(State::InText) => {
                give(Token::Text(&self.path));
                used + 1
            }
            Some(_) | None => used,
        }
    }

    fn structure_byte(&mut self, byte: u8) -> Step {
        if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            return Step::Structure;
        }
        match (self.state, byte) {
            (State::FirstItem, b']') | (State::FirstKey, b'}') => self.close(),
            (State::FirstKey | State::Key, b'"') => Step::Opens(State::InKey),
            (State::Colon, b':') => self.go(State::Value),
            (State::Value | State::FirstItem, _) => self.open_value(byte),
            (State::After, _) => self.after(byte),
            _ => Step::Opens(State::Plain),
        }
    }

    fn open_value(&mut self, byte: u8) -> Step {
        match byte {
            b'"' => Step::Opens(State::InText),
            b'{' if self.frames.len() < DEEPEST => {
                self.frames.push(Frame::Object { path: self.path.len() });
                self.go(State::FirstKey)
            }
            b'[' if self.frames.len() < DEEPEST => {
                self.frames.push(Frame::Array { path: self.path.len(), index: 0 });
                self.path.push_str("[0]");
                self.go(State::FirstItem)
            }
            b'{' | b'[' => Step::Opens(State::Plain),
            // Held until it ends: `true.love@…` must not lose its first letters to `true`.
            _ => Step::Opens(State::InScalar),
        }
    }

    fn after(&mut self, byte: u8) -> Step {
        match (self.frames.last_mut(), byte) {
            (Some(Frame::Object { path }), b',') => {
                self.path.truncate(*path);
                self.go(State::Key)
            }
            (Some(Frame::Array { path, index }), b',') => {
                *index += 1;
                self.path.truncate(*path);
                self.path.push('[');
                self.path.push_str(&index.to_string());
                self.path.push(']');
                self.go(State::Value)
            }
            (Some(Frame::Object { .. }), b'}') | (Some(Frame::Array { .. }), b']') => self.close(),
            (Some(_) | None, _) => Step::Opens(State::Plain),
        }
    }

    fn close(&mut self) -> Step {
        if let Some(Frame::Object { path } | Frame::Array { path, .. }) = self.frames.pop() {
            self.path.truncate(path);
        }
        self.go(State::After)
    }

    const fn go(&mut self, state: State) -> Step {
        self.state = state;
        Step::Structure
    }

    /// Reads a number, `true`, `false` or `null` up to what cannot belong to it.
    fn scalar(&mut self, text: &str, give: &mut dyn FnMut(Token<'_>)) -> usize {
        let ends =
            |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b',' | b':' | b'[' | b']' | b'{' | b'}' | b'"');
        let length = text.as_bytes().iter().position(ends).unwrap_or(text.len());
        if self.held.len() + length > LONGEST_SCALAR {
            self.give_up(give);
            return 0;
        }
        self.held.push_str(&text[..length]);
        if length < text.len() {
            self.end_scalar(give);
        }
        length
    }

    fn end_scalar(&mut self, give: &mut dyn FnMut(Token<'_>)) {
        if matches!(self.held.as_str(), "true" | "false" | "null") {
            give(Token::Structure(&self.held));
        } else if scan(self.held.as_bytes()) == Ok(self.held.len()) {
            give(Token::Number { path: &self.path, text: &self.held });
        } else {
            return self.give_up(give);
        }
        self.held.clear();
        self.state = State::After;
    }

    fn give_up(&mut self, give: &mut dyn FnMut(Token<'_>)) {
        if !self.held.is_empty() {
            give(Token::Plain(&self.held));
        }
        self.held.clear();
        self.state = State::Plain;
    }
}

enum Step {
    /// The byte is structure.
    Structure,
    /// The byte begins something else.
    Opens(State),
}
