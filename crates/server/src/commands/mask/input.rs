use std::io::{self, BufRead};

use serde_json::Value;

/// The longest row, and the longest first line of what may turn out to be rows.
const LONGEST_ROW: usize = 64 << 20;

/// How much of a text is read at a time.
const PART: usize = 64 << 10;

/// What standard input holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Rows where the first line is one, else one text.
    Guessed,
    /// One text.
    Text,
    /// Rows `{"id","text"}`, one a line.
    Rows,
}

/// Why reading ends early.
#[derive(Debug)]
pub(super) enum Trouble {
    /// What is there is not what was said.
    Unreadable(String),
    /// Standard input or output failed.
    Failed(io::Error),
    /// Nobody reads the answer any more.
    Unread,
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Unread,
            _ => Self::Failed(error),
        }
    }
}

/// Where what is read goes.
pub(super) trait Sink {
    /// Takes a row.
    fn row(&mut self, id: Value, text: &str) -> Result<(), Trouble>;

    /// Takes the next part of the one text.
    fn part(&mut self, text: &str) -> Result<(), Trouble>;

    /// The one text is over.
    fn end(&mut self) -> Result<(), Trouble>;
}

/// Reads everything there is, a row or a part at a time.
pub(super) fn read(input: &mut impl BufRead, form: Form, sink: &mut impl Sink) -> Result<(), Trouble> {
    match form {
        Form::Rows => read_rows(input, 0, sink),
        Form::Text => read_text(input, Vec::new(), sink),
        Form::Guessed => {
            let mut first = Vec::new();
            read_line(input, &mut first)?;
            match row(&first) {
                Some((id, text)) => {
                    sink.row(id, &text)?;
                    read_rows(input, 1, sink)
                }
                None => read_text(input, first, sink),
            }
        }
    }
}

fn read_rows(input: &mut impl BufRead, read: usize, sink: &mut impl Sink) -> Result<(), Trouble> {
    let (mut line, mut number) = (Vec::new(), read);
    while read_line(input, &mut line)? {
        number += 1;
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        if line.len() > LONGEST_ROW {
            return Err(Trouble::Unreadable(format!("line {number} is longer than {} MiB", LONGEST_ROW >> 20)));
        }
        let Some((id, text)) = row(&line) else {
            return Err(Trouble::Unreadable(format!("line {number}: expected {{\"id\",\"text\"}}")));
        };
        sink.row(id, &text)?;
    }
    Ok(())
}

/// Reads the next line into `line`, or as much of it as a row may have and a byte more; whether there was one.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> Result<bool, Trouble> {
    line.clear();
    let most = u64::try_from(LONGEST_ROW).unwrap_or(u64::MAX) + 1;
    Ok(io::Read::take(&mut *input, most).read_until(b'\n', line)? > 0)
}

fn row(line: &[u8]) -> Option<(Value, String)> {
    let mut row: Value = serde_json::from_slice(line).ok()?;
    let id = row.get("id")?.clone();
    match row.get_mut("text")?.take() {
        Value::String(text) => Some((id, text)),
        _ => None,
    }
}

/// Reads one text, of which `waiting` is read already.
fn read_text(input: &mut impl BufRead, mut waiting: Vec<u8>, sink: &mut impl Sink) -> Result<(), Trouble> {
    loop {
        let whole = match std::str::from_utf8(&waiting) {
            Ok(text) => {
                sink.part(text)?;
                text.len()
            }
            // A character may come in two reads.
            Err(error) if error.error_len().is_none() => {
                let (whole, _) = waiting.split_at(error.valid_up_to());
                sink.part(&String::from_utf8_lossy(whole))?;
                whole.len()
            }
            Err(_) => return Err(Trouble::Unreadable("the input is not UTF-8".to_owned())),
        };
        waiting.drain(..whole);
        let most = u64::try_from(PART).unwrap_or(u64::MAX);
        if io::Read::read_to_end(&mut io::Read::take(&mut *input, most), &mut waiting)? == 0 {
            break;
        }
    }
    match waiting.is_empty() {
        true => sink.end(),
        false => Err(Trouble::Unreadable("the input is not UTF-8".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Seen(Vec<String>);

    impl Sink for Seen {
        fn row(&mut self, id: Value, text: &str) -> Result<(), Trouble> {
            self.0.push(format!("{id}:{text}"));
            Ok(())
        }

        fn part(&mut self, text: &str) -> Result<(), Trouble> {
            if !text.is_empty() {
                self.0.push(text.to_owned());
            }
            Ok(())
        }

        fn end(&mut self) -> Result<(), Trouble> {
            self.0.push("end".to_owned());
            Ok(())
        }
    }

    fn seen(input: &[u8], form: Form) -> Result<Vec<String>, String> {
        let mut seen = Seen::default();
        // Two bytes at a time, so that characters are cut.
        let mut input = io::BufReader::with_capacity(2, input);
        match read(&mut input, form, &mut seen) {
            Ok(()) => Ok(seen.0),
            Err(trouble) => Err(format!("{trouble:?}")),
        }
    }

    #[test]
    fn rows_are_told_from_text_by_the_first_line() {
        let rows = "{\"id\":1,\"text\":\"a\"}\n\n{\"id\":\"x\",\"text\":\"é\",\"more\":0}";
        let both = vec!["1:a".to_owned(), "\"x\":é".to_owned()];
        assert_eq!(seen(rows.as_bytes(), Form::Guessed), Ok(both.clone()));
        assert_eq!(seen(rows.as_bytes(), Form::Rows), Ok(both));
        assert_eq!(seen(rows.as_bytes(), Form::Text).map(|seen| seen.len()), Ok(2));
        assert_eq!(seen("{}\né".as_bytes(), Form::Guessed), Ok(vec!["{}\n".into(), "é".into(), "end".into()]));
        assert_eq!(seen(b"", Form::Guessed), Ok(vec!["end".into()]));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let late = seen(b"{\"id\":1,\"text\":\"a\"}\n{\"id\":1}", Form::Guessed);
        assert!(late.as_ref().is_err_and(|words| words.contains("line 2")), "{late:?}");
        assert!(seen(b"text", Form::Rows).is_err());
        for bad in [&b"a\xffb"[..], b"a\xc3"] {
            assert!(seen(bad, Form::Text).is_err_and(|words| words.contains("UTF-8")));
        }
    }
}
