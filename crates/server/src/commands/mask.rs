//! `gatewright mask`: the gateway's own masking over standard input, to see what it finds before it stands in the path.

use std::io::Read as _;
use std::path::PathBuf;

use gatewright_masking::{Detectors, Masker, Minter, PseudonymKey, Scanner, Span, Treatments, Vault};
use gatewright_model::Treatment;
use gatewright_policy::Source;
use serde_json::{Value, json};

use super::{Outcome, answer, complain};
use crate::config::custom_rules;

/// The most that is read.
const LONGEST: u64 = 1 << 30;

/// How a text is cut before it is fed, to show that a stream is masked as the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Not at all.
    Whole,
    /// Into pieces of so many bytes.
    Every(usize),
    /// Into pieces of 1 to 9 bytes, by this seed.
    Random(u64),
}

impl std::str::FromStr for Cut {
    type Err = String;

    /// `N`, or `random:SEED`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "expected a number of bytes above 0, or random:SEED".to_owned();
        match text.strip_prefix("random:") {
            Some(seed) => seed.parse().map(Self::Random).map_err(|_| wrong()),
            None => text.parse().ok().filter(|bytes| *bytes > 0).map(Self::Every).ok_or_else(wrong),
        }
    }
}

/// What was asked for.
pub struct Wanted {
    /// Rows `{"id","text"}`, one a line, instead of one text.
    pub jsonl: bool,
    /// Say where values are, instead of masking them.
    pub spans: bool,
    /// Use the corpus's names of types.
    pub corpus_types: bool,
    /// How the text is fed.
    pub cut: Cut,
    /// A catalogue whose detectors are added.
    pub rules: Option<PathBuf>,
}

/// Masks standard input.
pub fn run(wanted: &Wanted) -> Outcome {
    let detectors = match detectors(wanted.rules.as_ref()) {
        Ok(detectors) => detectors,
        Err((outcome, words)) => return complain(outcome, &words),
    };
    let mut input = Vec::new();
    if let Err(error) = std::io::stdin().take(LONGEST).read_to_end(&mut input) {
        return complain(Outcome::Internal, &error);
    }
    let Ok(input) = String::from_utf8(input) else { return complain(Outcome::Usage, &"the input is not UTF-8") };
    if !wanted.jsonl && !wanted.spans {
        answer(&masked(&detectors, &input, wanted.cut));
        return Outcome::Holds;
    }
    for (number, line) in input.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let Some((id, text)) = row(line) else {
            return complain(Outcome::Usage, &format!("line {}: expected {{\"id\",\"text\"}}", number + 1));
        };
        let row = if wanted.spans {
            json!({ "id": id, "spans": spans(&detectors, &text, wanted), "unit": "byte" })
        } else {
            json!({ "id": id, "text": masked(&detectors, &text, wanted.cut) })
        };
        answer(&format!("{row}\n"));
    }
    Outcome::Holds
}

fn row(line: &str) -> Option<(Value, String)> {
    let row: Value = serde_json::from_str(line).ok()?;
    Some((row.get("id")?.clone(), row.get("text")?.as_str()?.to_owned()))
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

/// The pieces that a text is fed in.
fn pieces(text: &str, cut: Cut) -> Vec<&str> {
    let mut state = match cut {
        Cut::Whole => return vec![text],
        Cut::Every(_) => 0,
        Cut::Random(seed) => seed,
    };
    let (mut pieces, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let wanted = match cut {
            Cut::Every(bytes) => bytes,
            _ => {
                // SplitMix64's step: any seed gives another cut, and the same seed the same one.
                state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                usize::try_from((mixed >> 33) % 9).unwrap_or(0) + 1
            }
        };
        let end = (wanted.min(rest.len())..=rest.len()).find(|end| rest.is_char_boundary(*end)).unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        pieces.push(piece);
        rest = after;
    }
    pieces
}

fn masked(detectors: &Detectors, text: &str, cut: Cut) -> String {
    let (mut vault, key) = (Vault::new(), PseudonymKey::new(&[0; 32]));
    let mut minter = Minter { vault: &mut vault, key: &key };
    let mut masker = Masker::new(Treatments::uniform(detectors, Treatment::Redact));
    let mut shown = String::with_capacity(text.len());
    // Redacting blocks nothing.
    for piece in pieces(text, cut) {
        let _ = masker.push(detectors, &mut minter, piece, &mut |piece| shown.push_str(piece.text()));
    }
    let _ = masker.finish(detectors, &mut minter, &mut |piece| shown.push_str(piece.text()));
    shown
}

fn spans(detectors: &Detectors, text: &str, wanted: &Wanted) -> Vec<Value> {
    let mut found: Vec<(usize, usize, String)> = Vec::new();
    let mut at = 0;
    let mut note = |span: Span<'_>| {
        let end = at + span.original().len();
        match span {
            Span::Clean(_) => {}
            Span::Found { info_type, .. } => {
                let name = detectors.info_type(info_type).map_or("UNKNOWN", |name| name.as_str());
                found.push((at, end, if wanted.corpus_types { corpus_name(name) } else { name }.to_owned()));
            }
            Span::Swallowed { .. } => {
                if let Some(last) = found.last_mut() {
                    last.1 = end;
                }
            }
        }
        at = end;
    };
    let mut scanner = Scanner::new();
    for piece in pieces(text, wanted.cut) {
        scanner.push(detectors, piece, &mut note);
    }
    scanner.finish(detectors, &mut note);
    found.into_iter().map(|(start, end, name)| json!({ "start": start, "end": end, "type": name })).collect()
}

/// The masking corpus's name for an info type. An operator's own is `CUSTOM` there.
fn corpus_name(name: &str) -> &str {
    match name {
        "EMAIL_ADDRESS" => "EMAIL",
        "PHONE_NUMBER" => "PHONE",
        "IBAN_CODE" => "IBAN",
        "CREDIT_CARD" | "US_SSN" | "IP_ADDRESS" | "MAC_ADDRESS" | "CRYPTO" | "UK_NINO" | "SECRET" | "PERSON"
        | "ADDRESS" => name,
        _ => "CUSTOM",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_cut_is_the_whole() {
        let detectors = Detectors::builtin();
        let text = "write to dana.miller@example.com — or not";
        let whole = masked(&detectors, text, Cut::Whole);
        assert_eq!(whole, "write to [EMAIL_ADDRESS] — or not");
        for cut in [Cut::Every(1), Cut::Every(3), Cut::Random(1), Cut::Random(2)] {
            assert_eq!(masked(&detectors, text, cut), whole, "{cut:?}");
        }
    }

    #[test]
    fn pieces_are_the_text() {
        let text = "aéb漢c";
        for cut in [Cut::Whole, Cut::Every(1), Cut::Random(9)] {
            assert_eq!(pieces(text, cut).concat(), text);
        }
        assert_eq!("random:7".parse(), Ok(Cut::Random(7)));
        assert!("0".parse::<Cut>().is_err());
    }
}
