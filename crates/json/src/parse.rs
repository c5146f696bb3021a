use std::borrow::Cow;

use memchr::memchr2;

use crate::blocks::any;
use crate::number::{self, Number};
use crate::text::Text;
use crate::value::first_duplicate;
use crate::{Fault, FaultKind, Limits, Object, Value};

/// The one value of a JSON text.
///
/// # Errors
/// A [`Fault`] for anything but exactly one value within the limits; see the crate's page for what is refused.
pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Value, Fault> {
    if bytes.len() > limits.bytes {
        return Err(Fault::new(FaultKind::TooLarge, limits.bytes));
    }
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(Fault::new(FaultKind::ByteOrderMark, 0));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| Fault::new(FaultKind::NotUtf8, error.valid_up_to()))?;
    let mut parser =
        Parser { text, at: 0, room: limits.depth.min(Limits::DEEPEST), values: limits.values, key_offsets: Vec::new() };
    let value = parser.value()?;
    parser.skip_space();
    if parser.at < bytes.len() {
        return Err(parser.fault(FaultKind::Trailing));
    }
    Ok(value)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// How many more arrays and objects may open inside this one.
    room: usize,
    /// How many more values may follow.
    values: usize,
    /// Where the keys of the open objects begin, so that a duplicate can be pointed at once the object is whole.
    key_offsets: Vec<usize>,
}

impl<'a> Parser<'a> {
    fn fault(&self, kind: FaultKind) -> Fault {
        Fault::new(kind, self.at)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn value(&mut self) -> Result<Value, Fault> {
        self.skip_space();
        self.values = self.values.checked_sub(1).ok_or_else(|| self.fault(FaultKind::TooMany))?;
        match self.peek() {
            Some(b'"') => Ok(Value::String(self.string()?.into_owned())),
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(_) => Err(self.fault(FaultKind::Unexpected)),
            None => Err(self.fault(FaultKind::UnexpectedEnd)),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, Fault>) -> Result<Value, Fault> {
        self.room = self.room.checked_sub(1).ok_or_else(|| self.fault(FaultKind::TooDeep))?;
        self.at += 1;
        let value = read(self)?;
        self.room += 1;
        Ok(value)
    }

    fn array(&mut self) -> Result<Value, Fault> {
        let mut items = Vec::new();
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value().map_err(|fault| fault.within_index(items.len()))?);
            if self.comma_or(b']')? == After::End {
                return Ok(Value::Array(items));
            }
        }
    }

    fn object(&mut self) -> Result<Value, Fault> {
        let mut members: Vec<(Text, Value)> = Vec::new();
        let offsets = self.key_offsets.len();
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(Object::new()));
        }
        loop {
            self.skip_space();
            let start = self.at;
            match self.peek() {
                Some(b'"') => {}
                Some(_) => return Err(self.fault(FaultKind::Unexpected)),
                None => return Err(self.fault(FaultKind::UnexpectedEnd)),
            }
            let key = Text::keep(&self.string()?);
            self.key_offsets.push(start);
            self.colon()?;
            match self.value() {
                Ok(value) => members.push((key, value)),
                Err(fault) => return Err(fault.within(key.as_str())),
            }
            if self.comma_or(b'}')? == After::End {
                break;
            }
        }
        if let Some(index) = first_duplicate(&members) {
            let offset = self.key_offsets.get(offsets + index).copied().unwrap_or(self.at);
            return Err(Fault::new(FaultKind::DuplicateKey, offset).with_key(members[index].0.as_str()));
        }
        self.key_offsets.truncate(offsets);
        Ok(Value::Object(Object::of_distinct(members)))
    }

    fn colon(&mut self) -> Result<(), Fault> {
        self.skip_space();
        match self.peek() {
            Some(b':') => {
                self.at += 1;
                Ok(())
            }
            Some(_) => Err(self.fault(FaultKind::Unexpected)),
            None => Err(self.fault(FaultKind::UnexpectedEnd)),
        }
    }

    fn comma_or(&mut self, end: u8) -> Result<After, Fault> {
        self.skip_space();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(After::Comma)
            }
            Some(byte) if byte == end => {
                self.at += 1;
                Ok(After::End)
            }
            Some(_) => Err(self.fault(FaultKind::Unexpected)),
            None => Err(self.fault(FaultKind::UnexpectedEnd)),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, Fault> {
        let rest = &self.text.as_bytes()[self.at..];
        let alike = rest.iter().zip(word.bytes()).take_while(|(a, b)| **a == *b).count();
        if alike == word.len() {
            self.at += word.len();
            return Ok(value);
        }
        self.at += alike;
        Err(self.fault(if alike == rest.len() { FaultKind::UnexpectedEnd } else { FaultKind::Unexpected }))
    }

    fn number(&mut self) -> Result<Value, Fault> {
        let start = self.at;
        match number::scan(&self.text.as_bytes()[start..]) {
            Ok(length) => {
                self.at += length;
                // A digit that follows a leading zero ends the number and cannot stand here: `01`.
                if matches!(self.peek(), Some(b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')) {
                    return Err(self.fault(FaultKind::BadNumber));
                }
                let number = Number::of_scanned(&self.text[start..self.at]);
                number.map(Value::Number).map_err(|kind| Fault::new(kind, start))
            }
            Err(offset) => Err(Fault::new(FaultKind::BadNumber, start + offset)),
        }
    }

    /// A string from its opening quote on. The common one, without escapes, is checked in one go and
    /// borrowed.
    fn string(&mut self) -> Result<Cow<'a, str>, Fault> {
        self.at += 1;
        let mut decoded = String::new();
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            let Some(length) = memchr2(b'"', b'\\', rest) else {
                self.at = self.text.len();
                return Err(self.fault(FaultKind::UnexpectedEnd));
            };
            if any(&rest[..length], |byte| byte < 0x20) {
                self.at += rest.iter().position(|byte| *byte < 0x20).unwrap_or(0);
                return Err(self.fault(FaultKind::ControlCharacter));
            }
            let run: &'a str = &self.text[self.at..self.at + length];
            let closing = rest[length] == b'"';
            self.at += length + 1;
            if closing && decoded.is_empty() {
                return Ok(Cow::Borrowed(run));
            }
            decoded.push_str(run);
            if closing {
                return Ok(Cow::Owned(decoded));
            }
            let character = self.escape()?;
            decoded.push(character);
        }
    }

    /// The character of an escape, from behind its backslash on.
    fn escape(&mut self) -> Result<char, Fault> {
        let Some(letter) = self.peek() else { return Err(self.fault(FaultKind::UnexpectedEnd)) };
        let character = match letter {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode_escape(),
            _ => return Err(self.fault(FaultKind::BadEscape)),
        };
        self.at += 1;
        Ok(character)
    }

    fn unicode_escape(&mut self) -> Result<char, Fault> {
        let start = self.at - 1;
        let unit = self.code_unit()?;
        let scalar = match unit {
            0xD800..=0xDBFF => {
                if !self.text.as_bytes()[self.at..].starts_with(b"\\u") {
                    return Err(Fault::new(FaultKind::LoneSurrogate, start));
                }
                self.at += 1;
                match self.code_unit()? {
                    low @ 0xDC00..=0xDFFF => 0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00),
                    _ => return Err(Fault::new(FaultKind::LoneSurrogate, start)),
                }
            }
            _ => unit,
        };
        char::from_u32(scalar).ok_or_else(|| Fault::new(FaultKind::LoneSurrogate, start))
    }

    /// The four digits behind a `u`, which is where the parser stands.
    fn code_unit(&mut self) -> Result<u32, Fault> {
        self.at += 1;
        let mut unit = 0;
        for _ in 0..4 {
            let Some(byte) = self.peek() else { return Err(self.fault(FaultKind::UnexpectedEnd)) };
            let Some(digit) = char::from(byte).to_digit(16) else { return Err(self.fault(FaultKind::BadEscape)) };
            unit = unit << 4 | digit;
            self.at += 1;
        }
        Ok(unit)
    }
}

#[derive(PartialEq, Eq)]
enum After {
    Comma,
    End,
}
