//! `gatewright mask`: the gateway's own masking over standard input, to see what it finds before it stands in the path.

mod cut;
mod input;

use std::io::{self, BufReader, BufWriter, Write};
use std::path::PathBuf;

use gatewright_masking::{Detectors, Masker, Minter, PseudonymKey, Scanner, Span, Treatments, Vault};
use gatewright_model::{Tally, Treatment};
use gatewright_policy::Source;
use serde_json::{Map, Value, json};

pub use self::cut::Cut;
use self::cut::Cutter;
pub use self::input::Form;
use self::input::{Sink, Trouble};
use super::{Format, Outcome, complain};
use crate::config::custom_rules;

/// The longest text that is kept to its end; what is printed as it is decided may be endless.
const LONGEST_KEPT: usize = 1 << 30;

/// What was asked for.
pub struct Wanted {
    /// What standard input holds.
    pub form: Form,
    /// What is printed.
    pub shown: Shown,
    /// Whose names of types are printed.
    pub types: Types,
    /// How the text is fed.
    pub cut: Cut,
    /// A catalogue whose detectors are added.
    pub rules: Option<PathBuf>,
    /// Whom the answer is for.
    pub format: Format,
}

/// What is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The text, masked.
    Masked,
    /// Where values are.
    Spans,
}

/// Names of types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Types {
    /// As policies name them.
    Presidio,
    /// As the masking corpus names them.
    Corpus,
}

/// Masks standard input.
pub fn run(wanted: &Wanted) -> Outcome {
    let detectors = match detectors(wanted.rules.as_ref()) {
        Ok(detectors) => detectors,
        Err((outcome, words)) => return complain(outcome, &words),
    };
    let mut input = BufReader::with_capacity(64 << 10, io::stdin().lock());
    let mut desk =
        Desk { detectors: &detectors, wanted, out: BufWriter::new(io::stdout().lock()), text: None, read: 0 };
    let read = input::read(&mut input, wanted.form, &mut desk);
    match read.and_then(|()| Ok(desk.out.flush()?)) {
        // A reader that closed the pipe has read enough.
        Ok(()) | Err(Trouble::Unread) => Outcome::Holds,
        Err(Trouble::Unreadable(words)) => complain(Outcome::Usage, &words),
        Err(Trouble::Failed(error)) => complain(Outcome::Internal, &error),
    }
}

fn detectors(rules: Option<&PathBuf>) -> Result<Detectors, (Outcome, String)> {
    let Some(path) = rules else { return Ok(Detectors::builtin()) };
    let bad = |words: String| (Outcome::BadConfiguration, words);
    let text = std::fs::read_to_string(path).map_err(|error| bad(format!("{}: {error}", path.display())))?;
    let lines =
        |faults: Vec<crate::config::Fault>| bad(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    let source = Source { name: path.display().to_string(), text };
    let parsed = gatewright_policy::parse(&[source]).map_err(lines)?;
    let rules = custom_rules(parsed.detectors()).map_err(lines)?;
    Detectors::with(&rules).map_err(|faults| bad(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")))
}

/// Reads texts and prints what became of them.
struct Desk<'d, W: Write> {
    detectors: &'d Detectors,
    wanted: &'d Wanted,
    out: W,
    /// The one text that is not over yet, where standard input is one.
    text: Option<(Cutter, Reading)>,
    /// How much of it was read.
    read: usize,
}

impl<W: Write> Desk<'_, W> {
    /// What is kept of a text until it is over; a text for people is printed as it is decided.
    fn print_row(&mut self, id: Option<Value>, reading: Reading) -> Result<(), Trouble> {
        let told = match reading {
            Reading::Masking { text, masker, .. } => {
                let counts: Vec<Value> = masker.tally(self.detectors).iter().map(|tally| self.counted(tally)).collect();
                match self.wanted.format {
                    Format::Text => json!({ "text": text }),
                    Format::Json => json!({ "text": text, "masked": counts }),
                }
            }
            Reading::Finding { spans, .. } => json!({ "spans": spans, "unit": "byte" }),
        };
        let mut row = Map::from_iter(id.map(|id| ("id".to_owned(), id)));
        if let Value::Object(mut told) = told {
            row.append(&mut told);
        }
        Ok(writeln!(self.out, "{}", Value::Object(row))?)
    }

    fn counted(&self, tally: &Tally) -> Value {
        json!({ "type": named(tally.info_type.as_str(), self.wanted.types), "count": tally.count })
    }

    fn begun(&self) -> (Cutter, Reading) {
        (Cutter::new(self.wanted.cut), Reading::new(self.detectors, self.wanted))
    }
}

impl<W: Write> Sink for Desk<'_, W> {
    fn row(&mut self, id: Value, text: &str) -> Result<(), Trouble> {
        let (mut cutter, mut reading) = self.begun();
        cutter.push(text, &mut |piece| reading.push(self.detectors, piece));
        cutter.finish(&mut |piece| reading.push(self.detectors, piece));
        reading.finish(self.detectors);
        self.print_row(Some(id), reading)
    }

    fn part(&mut self, text: &str) -> Result<(), Trouble> {
        let (mut cutter, mut reading) = self.text.take().unwrap_or_else(|| self.begun());
        cutter.push(text, &mut |piece| reading.push(self.detectors, piece));
        self.read = self.read.saturating_add(text.len());
        if (self.wanted.shown, self.wanted.format) == (Shown::Masked, Format::Text) {
            self.out.write_all(reading.take_text().as_bytes())?;
        } else if self.read > LONGEST_KEPT {
            return Err(Trouble::Unreadable(format!("the text is longer than {} MiB", LONGEST_KEPT >> 20)));
        }
        self.text = Some((cutter, reading));
        Ok(())
    }

    fn end(&mut self) -> Result<(), Trouble> {
        let (cutter, mut reading) = self.text.take().unwrap_or_else(|| self.begun());
        cutter.finish(&mut |piece| reading.push(self.detectors, piece));
        reading.finish(self.detectors);
        match (self.wanted.shown, self.wanted.format) {
            (Shown::Masked, Format::Text) => Ok(self.out.write_all(reading.take_text().as_bytes())?),
            (Shown::Spans, _) => self.print_row(Some(Value::Null), reading),
            (Shown::Masked, Format::Json) => self.print_row(None, reading),
        }
    }
}

/// One text on its way.
enum Reading {
    Masking { masker: Box<Masker>, substitutes: Box<(Vault, PseudonymKey)>, text: String },
    Finding { scanner: Box<Scanner>, types: Types, at: usize, spans: Vec<Value> },
}

impl Reading {
    fn new(detectors: &Detectors, wanted: &Wanted) -> Self {
        match wanted.shown {
            Shown::Masked => Self::Masking {
                masker: Box::new(Masker::new(Treatments::uniform(detectors, Treatment::Redact))),
                substitutes: Box::new((Vault::new(), PseudonymKey::new(&[0; 32]))),
                text: String::new(),
            },
            Shown::Spans => {
                Self::Finding { scanner: Box::new(Scanner::new()), types: wanted.types, at: 0, spans: Vec::new() }
            }
        }
    }

    fn push(&mut self, detectors: &Detectors, piece: &str) {
        match self {
            Self::Masking { masker, substitutes, text } => {
                let (vault, key) = &mut **substitutes;
                // Redacting blocks nothing.
                let _ =
                    masker.push(detectors, &mut Minter { vault, key }, piece, &mut |piece| text.push_str(piece.text()));
            }
            Self::Finding { scanner, types, at, spans } => {
                scanner.push(detectors, piece, &mut |span| note(detectors, span, *types, at, spans));
            }
        }
    }

    fn finish(&mut self, detectors: &Detectors) {
        match self {
            Self::Masking { masker, substitutes, text } => {
                let (vault, key) = &mut **substitutes;
                let _ = masker.finish(detectors, &mut Minter { vault, key }, &mut |piece| text.push_str(piece.text()));
            }
            Self::Finding { scanner, types, at, spans } => {
                scanner.finish(detectors, &mut |span| note(detectors, span, *types, at, spans));
            }
        }
    }

    /// What is masked so far and not printed.
    fn take_text(&mut self) -> String {
        match self {
            Self::Masking { text, .. } => std::mem::take(text),
            Self::Finding { .. } => String::new(),
        }
    }
}

fn note(detectors: &Detectors, span: Span<'_>, types: Types, at: &mut usize, spans: &mut Vec<Value>) {
    let end = *at + span.original().len();
    match span {
        Span::Clean(_) => {}
        Span::Found { info_type, .. } => {
            let name = detectors.info_type(info_type).map_or("UNKNOWN", |name| name.as_str());
            spans.push(json!({ "start": *at, "end": end, "type": named(name, types) }));
        }
        Span::Swallowed { .. } => {
            if let Some(last) = spans.last_mut() {
                last["end"] = json!(end);
            }
        }
    }
    *at = end;
}

/// The name of an info type that is printed.
fn named(name: &str, types: Types) -> &str {
    match (types, name) {
        (Types::Presidio, _) => name,
        (Types::Corpus, "EMAIL_ADDRESS") => "EMAIL",
        (Types::Corpus, "PHONE_NUMBER") => "PHONE",
        (Types::Corpus, "IBAN_CODE") => "IBAN",
        (
            Types::Corpus,
            "CREDIT_CARD" | "US_SSN" | "IP_ADDRESS" | "MAC_ADDRESS" | "CRYPTO" | "UK_NINO" | "SECRET" | "PERSON"
            | "ADDRESS",
        ) => name,
        // An operator's own is `CUSTOM` there.
        (Types::Corpus, _) => "CUSTOM",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(input: &str, shown: Shown, cut: Cut, format: Format) -> String {
        let detectors = Detectors::builtin();
        let wanted = Wanted { form: Form::Guessed, shown, types: Types::Corpus, cut, rules: None, format };
        let mut desk = Desk { detectors: &detectors, wanted: &wanted, out: Vec::new(), text: None, read: 0 };
        input::read(&mut input.as_bytes(), wanted.form, &mut desk).expect("it is readable");
        String::from_utf8(desk.out).expect("text")
    }

    const TEXT: &str = "write to dana.miller@example.com — or not\n";

    #[test]
    fn any_cut_is_the_whole() {
        let row = format!("{}\n", json!({ "id": 7, "text": TEXT }));
        let masked = "write to [EMAIL_ADDRESS] — or not\n";
        let spans = json!([{ "start": 9, "end": 32, "type": "EMAIL" }]);
        for cut in [Cut::Whole, Cut::Every(1), Cut::Every(3), Cut::Random(1), Cut::Random(2)] {
            assert_eq!(printed(TEXT, Shown::Masked, cut, Format::Text), masked, "{cut:?}");
            let value = |text: &str| serde_json::from_str::<Value>(text).expect("one JSON value");
            let told = value(&printed(&row, Shown::Masked, cut, Format::Text));
            assert_eq!(told, json!({ "id": 7, "text": masked }), "{cut:?}");
            let told = value(&printed(&row, Shown::Spans, cut, Format::Text));
            assert_eq!(told, json!({ "id": 7, "spans": spans, "unit": "byte" }), "{cut:?}");
            let told = value(&printed(TEXT, Shown::Spans, cut, Format::Json));
            assert_eq!(told, json!({ "id": null, "spans": spans, "unit": "byte" }), "{cut:?}");
            let told = value(&printed(TEXT, Shown::Masked, cut, Format::Json));
            assert_eq!(told, json!({ "text": masked, "masked": [{ "type": "EMAIL", "count": 1 }] }), "{cut:?}");
        }
    }

    #[test]
    fn a_reader_that_left_ends_it() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let detectors = Detectors::builtin();
        let wanted = Wanted {
            form: Form::Text,
            shown: Shown::Masked,
            types: Types::Presidio,
            cut: Cut::Whole,
            rules: None,
            format: Format::Text,
        };
        let mut desk = Desk { detectors: &detectors, wanted: &wanted, out: Closed, text: None, read: 0 };
        let endless = &mut io::BufReader::new(io::repeat(b'a'));
        assert!(matches!(input::read(endless, Form::Text, &mut desk), Err(Trouble::Unread)));
    }
}
