use std::fmt::Display;
use std::io::Write as _;

use crate::config::ready::LogFormat;

/// A log line that is being written: one JSON object, or `key="value"` pairs. It is made by hand, since there is one for
/// every call: the general way through `tracing` costs ten times as much.
pub(super) struct Line {
    format: LogFormat,
    out: Vec<u8>,
}

impl Line {
    pub(super) fn new(format: LogFormat) -> Self {
        let mut out = Vec::with_capacity(768);
        if format == LogFormat::Json {
            out.push(b'{');
        }
        Self { format, out }
    }

    fn key(&mut self, key: &'static str) {
        match self.format {
            LogFormat::Json => {
                if self.out.len() > 1 {
                    self.out.push(b',');
                }
                self.out.push(b'"');
                self.out.extend_from_slice(key.as_bytes());
                self.out.extend_from_slice(b"\":");
            }
            LogFormat::Text => {
                if !self.out.is_empty() {
                    self.out.push(b' ');
                }
                self.out.extend_from_slice(key.as_bytes());
                self.out.push(b'=');
            }
        }
    }

    /// A word of ours, which needs no escaping.
    pub(super) fn word(&mut self, key: &'static str, word: &str) {
        self.key(key);
        self.out.push(b'"');
        self.out.extend_from_slice(word.as_bytes());
        self.out.push(b'"');
    }

    /// Something of ours whose text needs no escaping: an id, a moment.
    pub(super) fn display(&mut self, key: &'static str, value: impl Display) {
        self.key(key);
        // Writing into memory cannot fail.
        let _ = write!(self.out, "\"{value}\"");
    }

    pub(super) fn number(&mut self, key: &'static str, number: u64) {
        self.key(key);
        let _ = write!(self.out, "{number}");
    }

    pub(super) fn flag(&mut self, key: &'static str, flag: bool) {
        self.key(key);
        self.out.extend_from_slice(if flag { b"true" } else { b"false" });
    }

    /// Text that somebody else chose, where there is any.
    pub(super) fn text(&mut self, key: &'static str, text: Option<&str>) {
        if let Some(text) = text {
            self.key(key);
            self.out.push(b'"');
            escape(text, &mut self.out);
            self.out.push(b'"');
        }
    }

    pub(super) fn end(mut self) -> Vec<u8> {
        self.out.extend_from_slice(if self.format == LogFormat::Json { b"}\n" } else { b"\n" });
        self.out
    }
}

/// Escapes as JSON does (RFC 8259, section 7), and beyond that whatever could begin another line, move a terminal's cursor,
/// or make a line read as something that it does not say.
fn escape(text: &str, out: &mut Vec<u8>) {
    for character in text.chars() {
        let bends = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}');
        match character {
            '"' | '\\' => out.extend_from_slice(&[b'\\', character as u8]),
            // All of these are in the basic plane: four digits are enough.
            _ if character.is_control() || bends => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(format: LogFormat, text: &str) -> String {
        let mut line = Line::new(format);
        line.text("a", Some(text));
        line.text("none", None);
        line.number("b", 7);
        line.flag("c", true);
        String::from_utf8(line.end()).expect("text")
    }

    #[test]
    fn one_line_whatever_the_text() {
        assert_eq!(line(LogFormat::Json, "x"), "{\"a\":\"x\",\"b\":7,\"c\":true}\n");
        assert_eq!(line(LogFormat::Text, "x y"), "a=\"x y\" b=7 c=true\n");
        let hostile = "\" b=8 \\ \n\r\u{1b}[31m\u{202e}\u{2028}\u{85}é";
        assert_eq!(
            line(LogFormat::Text, hostile),
            "a=\"\\\" b=8 \\\\ \\u000a\\u000d\\u001b[31m\\u202e\\u2028\\u0085é\" b=7 c=true\n"
        );
    }
}
