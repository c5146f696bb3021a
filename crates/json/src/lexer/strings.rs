//! The inside of strings: words as they stand, and escapes decoded one character at a time.

use memchr::memchr2;

use super::{LONGEST_KEY, Lexer, State, Token};

/// How much of an escape has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escape {
    /// Nothing: no escape is open.
    None,
    /// The backslash.
    Backslash,
    /// The backslash, the `u` and some digits, perhaps behind a high surrogate.
    Hex { high: Option<u32> },
    /// A high surrogate, whose other half must follow.
    High(u32),
    /// A high surrogate and a backslash.
    HighBackslash(u32),
}

impl Lexer {
    /// Reads the inside of a string up to its end, the next escape or the end of the piece.
    pub(super) fn string(&mut self, text: &str, give: &mut dyn FnMut(Token<'_>)) -> usize {
        if self.escape != Escape::None {
            return self.escaped(text, give);
        }
        let length = memchr2(b'"', b'\\', text.as_bytes());
        let run = &text[..length.unwrap_or(text.len())];
        if !run.is_empty() {
            self.words(run, give);
        }
        match length.map(|at| text.as_bytes()[at]) {
            Some(b'"') => {
                self.end_string(give);
                run.len() + 1
            }
            Some(_) => {
                self.escape = Escape::Backslash;
                run.len() + 1
            }
            None => run.len(),
        }
    }

    fn end_string(&mut self, give: &mut dyn FnMut(Token<'_>)) {
        give(Token::Close);
        if self.state == State::InKey {
            self.path.push('.');
            self.path.push_str(&self.key);
            self.state = State::Colon;
        } else {
            self.state = State::After;
        }
    }

    fn words(&mut self, words: &str, give: &mut dyn FnMut(Token<'_>)) {
        if self.state == State::InKey {
            let mut room = LONGEST_KEY.saturating_sub(self.key.len()).min(words.len());
            while !words.is_char_boundary(room) {
                room -= 1;
            }
            self.key.push_str(&words[..room]);
        }
        give(Token::Words(words));
    }

    fn character(&mut self, character: char, give: &mut dyn FnMut(Token<'_>)) {
        self.words(character.encode_utf8(&mut [0; 4]), give);
    }

    /// Takes one character of an escape. What turns out to be none is taken literally, and its character is left
    /// to be read again.
    fn escaped(&mut self, text: &str, give: &mut dyn FnMut(Token<'_>)) -> usize {
        let Some(next) = text.chars().next() else { return 0 };
        match (self.escape, next) {
            (Escape::Backslash, 'u') => self.escape = Escape::Hex { high: None },
            (Escape::Backslash, _) => {
                self.escape = Escape::None;
                self.simple_escape(next, give);
            }
            (Escape::Hex { high }, _) if next.is_ascii_hexdigit() => {
                self.held.push(next);
                if self.held.len() == 4 {
                    self.code_unit(high, give);
                }
            }
            (Escape::Hex { high }, _) => {
                self.escape = Escape::None;
                if high.is_some() {
                    self.character(char::REPLACEMENT_CHARACTER, give);
                }
                let literal = format!("\\u{}", std::mem::take(&mut self.held));
                self.words(&literal, give);
                return 0;
            }
            (Escape::High(high), '\\') => self.escape = Escape::HighBackslash(high),
            (Escape::High(_), _) => {
                self.escape = Escape::None;
                self.character(char::REPLACEMENT_CHARACTER, give);
                return 0;
            }
            (Escape::HighBackslash(high), 'u') => self.escape = Escape::Hex { high: Some(high) },
            (Escape::HighBackslash(_), _) => {
                self.escape = Escape::Backslash;
                self.character(char::REPLACEMENT_CHARACTER, give);
                return 0;
            }
            (Escape::None, _) => return 0,
        }
        next.len_utf8()
    }

    fn simple_escape(&mut self, letter: char, give: &mut dyn FnMut(Token<'_>)) {
        match letter {
            '"' | '\\' | '/' => self.character(letter, give),
            'b' => self.character('\u{8}', give),
            'f' => self.character('\u{c}', give),
            'n' => self.character('\n', give),
            'r' => self.character('\r', give),
            't' => self.character('\t', give),
            other => {
                self.character('\\', give);
                self.character(other, give);
            }
        }
    }

    fn code_unit(&mut self, high: Option<u32>, give: &mut dyn FnMut(Token<'_>)) {
        let unit = u32::from_str_radix(&self.held, 16).unwrap_or(0xFFFD);
        self.held.clear();
        self.escape = Escape::None;
        match (high, unit) {
            (Some(high), 0xDC00..=0xDFFF) => {
                let scalar = 0x1_0000 + ((high - 0xD800) << 10) + (unit - 0xDC00);
                return self.character(char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER), give);
            }
            (Some(_), _) => self.character(char::REPLACEMENT_CHARACTER, give),
            (None, _) => {}
        }
        match unit {
            0xD800..=0xDBFF => self.escape = Escape::High(unit),
            _ => self.character(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER), give),
        }
    }
}
