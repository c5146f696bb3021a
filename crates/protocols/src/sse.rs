//! Server-sent events (WHATWG HTML, section 9.2), as far as model servers use them: the data of each event. Comments,
//! ids, retry times and event names are left out, since they would be text that nobody searches.

use memchr::memchr2;

/// A line or an event is larger than allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// Finds the events in a stream that arrives in pieces.
#[derive(Debug)]
pub(crate) struct Events {
    most: usize,
    /// The part of a line that has arrived.
    line: Vec<u8>,
    /// The data lines of the event so far, joined by line feeds.
    data: Vec<u8>,
    has_data: bool,
    /// The last piece ended with a carriage return, so that a line feed at the start of the next one ends no line.
    after_return: bool,
    at_start: bool,
}

impl Events {
    /// A reader of events that have at most so many bytes.
    pub(crate) const fn new(most: usize) -> Self {
        Self { most, line: Vec::new(), data: Vec::new(), has_data: false, after_return: false, at_start: true }
    }

    /// Takes the next bytes up to the end of an event, and says how many it took. Where they complete one, its data
    /// is in [`Events::data`] until the next call.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Result<(usize, Found), TooLarge> {
        if !self.has_data {
            self.data.clear();
        }
        let mut used = 0;
        while used < bytes.len() {
            if std::mem::take(&mut self.after_return) && bytes[used] == b'\n' {
                used += 1;
                continue;
            }
            let rest = &bytes[used..];
            let Some(length) = memchr2(b'\n', b'\r', rest) else {
                self.hold(rest)?;
                return Ok((bytes.len(), Found::Nothing));
            };
            self.hold(&rest[..length])?;
            self.after_return = rest[length] == b'\r';
            used += length + 1;
            if self.end_line()? == Found::Event {
                return Ok((used, Found::Event));
            }
        }
        Ok((used, Found::Nothing))
    }

    /// The data of the event that was completed last.
    pub(crate) fn data(&self) -> &[u8] {
        &self.data
    }

    /// At the end of the stream: whether an event is left whose lines are whole but which no empty line ended. A line
    /// that is not whole is no line (the standard discards both; some servers leave out the last line's end).
    pub(crate) fn finish(&mut self) -> Result<Found, TooLarge> {
        if !self.has_data {
            self.data.clear();
        }
        if self.line == b"data: [DONE]" || self.line == b"data:[DONE]" {
            self.end_line()?;
        }
        Ok(if std::mem::take(&mut self.has_data) { Found::Event } else { Found::Nothing })
    }

    fn hold(&mut self, part: &[u8]) -> Result<(), TooLarge> {
        if self.line.len() + self.data.len() + part.len() > self.most {
            return Err(TooLarge);
        }
        self.line.extend_from_slice(part);
        Ok(())
    }

    fn end_line(&mut self) -> Result<Found, TooLarge> {
        let mut line = self.line.as_slice();
        if std::mem::take(&mut self.at_start) {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        let mut found = Found::Nothing;
        if line.is_empty() {
            if std::mem::take(&mut self.has_data) {
                found = Found::Event;
            }
        } else if let Some(value) = line.strip_prefix(b"data") {
            let value = match value {
                [b':', b' ', value @ ..] | [b':', value @ ..] => Some(value),
                [] => Some(value),
                // A field whose name only begins like `data`.
                _ => None,
            };
            if let Some(value) = value {
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
                self.has_data = true;
            }
        }
        self.line.clear();
        Ok(found)
    }
}

/// What bytes completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// An event.
    Event,
    /// Nothing yet.
    Nothing,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn events<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
        let mut reader = Events::new(64);
        let mut found = Vec::new();
        for piece in pieces {
            let mut rest = piece;
            while !rest.is_empty() {
                let (used, what) = reader.read(rest).unwrap();
                rest = &rest[used..];
                if what == Found::Event {
                    found.push(String::from_utf8_lossy(reader.data()).into_owned());
                }
            }
        }
        if reader.finish().unwrap() == Found::Event {
            found.push(format!("end:{}", String::from_utf8_lossy(reader.data())));
        }
        found
    }

    #[test]
    fn every_cut_finds_the_same_events() {
        let stream = "\u{feff}data: a\r\n\r\n: note\ndata:b\ndata:  c\n\nid: 7\nevent: x\nretry: 1\n\rdata\r\rdatax: no\n\
                      data: \u{e9}\n\n\n\ndata: [DONE]";
        let expected = ["a", "b\n c", "", "\u{e9}", "end:[DONE]"];
        let bytes = stream.as_bytes();
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(events(pieces), expected, "cut at {first} and {second}");
            }
        }
        assert_eq!(events(bytes.chunks(1)), expected);
    }

    #[test]
    fn an_event_that_never_ends_is_refused() {
        let mut reader = Events::new(64);
        assert_eq!(reader.read(&[b'x'; 65]), Err(TooLarge));
        let mut reader = Events::new(64);
        let line = b"data: 0123456789\n".repeat(8);
        assert_eq!(reader.read(&line), Err(TooLarge));
        let mut reader = Events::new(64);
        // Comments are not kept, so that they may go on forever.
        assert!(reader.read(&b": comment\n".repeat(100)).is_ok());
    }

    #[test]
    fn an_unfinished_line_is_no_event() {
        assert_eq!(events([&b"data: a\n\ndata: {\"half"[..]]), ["a"]);
        assert_eq!(events([&b"data: a\n"[..]]), ["end:a"]);
    }
}
