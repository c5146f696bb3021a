//! Texts in JSON of any shape.

use gatewright_json::lexer::{Lexer, Token};
use gatewright_json::{Value, escape_into};
use gatewright_model::Channel;

use crate::{Place, Text};

/// Shows every text of free-form JSON: strings, keys, and numbers, which may be a card's as well.
pub(crate) fn visit_free(value: &mut Value, path: &mut String, channel: Channel, visit: &mut dyn FnMut(Text<'_>)) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::String(text) => visit(Text { channel, place: Place::Field(path), text }),
        Value::Number(number) => {
            let mut text = number.as_str().to_owned();
            visit(Text { channel, place: Place::Field(path), text: &mut text });
            if text != number.as_str() {
                *value = Value::String(text);
            }
        }
        Value::Array(items) => {
            let length = path.len();
            for (index, item) in items.iter_mut().enumerate() {
                path.push_str(&format!("[{index}]"));
                visit_free(item, path, channel, visit);
                path.truncate(length);
            }
        }
        Value::Object(object) => {
            let length = path.len();
            object.edit(|key, member| {
                path.push('.');
                path.push_str(key);
                visit(Text { channel, place: Place::Plain, text: key });
                visit_free(member, path, channel, visit);
                path.truncate(length);
            });
        }
    }
}

/// Shows every text of JSON that stands in a string, decoded. What is not JSON is shown as it stands. The string is
/// written anew only where something in it changed.
pub(crate) fn visit_embedded(json: &mut String, channel: Channel, visit: &mut dyn FnMut(Text<'_>)) {
    let mut rewriting = Rewriting { channel, visit, out: Vec::with_capacity(json.len()), open: None, changed: false };
    let mut lexer = Lexer::new();
    lexer.push(json, &mut |token| rewriting.take(token));
    lexer.finish(&mut |token| rewriting.take(token));
    rewriting.end_plain();
    // INVARIANT: tokens are text, and escaping keeps it so.
    if rewriting.changed
        && let Ok(written) = String::from_utf8(rewriting.out)
    {
        *json = written;
    }
}

struct Rewriting<'v> {
    channel: Channel,
    visit: &'v mut dyn FnMut(Text<'_>),
    out: Vec<u8>,
    open: Option<Open>,
    changed: bool,
}

struct Open {
    words: String,
    path: Option<String>,
}

impl Rewriting<'_> {
    fn take(&mut self, token: Token<'_>) {
        match token {
            Token::Structure(text) => self.out.extend_from_slice(text.as_bytes()),
            Token::Key => self.open = Some(Open { words: String::new(), path: None }),
            Token::Text(path) => self.open = Some(Open { words: String::new(), path: Some(path.to_owned()) }),
            Token::Words(text) | Token::Plain(text) => {
                self.open.get_or_insert_with(|| Open { words: String::new(), path: None }).words.push_str(text);
            }
            Token::Close => self.close(b"\""),
            Token::Cut => self.close(b""),
            Token::Number { path, text } => {
                let mut words = text.to_owned();
                (self.visit)(Text { channel: self.channel, place: Place::Field(path), text: &mut words });
                if words == text {
                    self.out.extend_from_slice(text.as_bytes());
                } else {
                    self.changed = true;
                    self.out.push(b'"');
                    escape_into(&words, &mut self.out);
                    self.out.push(b'"');
                }
            }
        }
    }

    fn close(&mut self, end: &[u8]) {
        let Some(Open { words, path }) = self.open.take() else { return };
        let mut shown = words.clone();
        let place = path.as_deref().map_or(Place::Plain, Place::Field);
        (self.visit)(Text { channel: self.channel, place, text: &mut shown });
        self.changed |= shown != words;
        self.out.push(b'"');
        escape_into(&shown, &mut self.out);
        self.out.extend_from_slice(end);
    }

    fn end_plain(&mut self) {
        let Some(Open { words, .. }) = self.open.take() else { return };
        let mut shown = words.clone();
        (self.visit)(Text { channel: self.channel, place: Place::Plain, text: &mut shown });
        self.changed |= shown != words;
        self.out.extend_from_slice(shown.as_bytes());
    }
}
