//! The development corpus: model answers with labelled sensitive values and traps.
#![allow(dead_code, reason = "each test binary uses its own part")]

use gatewright_masking::{CustomPattern, CustomRule, Detectors};
use gatewright_model::InfoType;
use serde_json::Value;

pub(crate) struct Document {
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) spans: Vec<Label>,
    pub(crate) traps: Vec<Label>,
    pub(crate) ignored: Vec<Label>,
}

pub(crate) struct Label {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) kind: String,
    pub(crate) attack: String,
}

/// The corpus's types beside ours; PERSON and ADDRESS are no patterns.
pub(crate) const TYPES: &[(&str, &str)] = &[
    ("EMAIL", "EMAIL_ADDRESS"),
    ("CREDIT_CARD", "CREDIT_CARD"),
    ("US_SSN", "US_SSN"),
    ("PHONE", "PHONE_NUMBER"),
    ("IBAN", "IBAN_CODE"),
    ("IP_ADDRESS", "IP_ADDRESS"),
    ("MAC_ADDRESS", "MAC_ADDRESS"),
    ("CRYPTO", "CRYPTO"),
    ("UK_NINO", "UK_NINO"),
    ("SECRET", "SECRET"),
    ("CUSTOM", "CUSTOM"),
];

pub(crate) fn corpus() -> Vec<Document> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/corpora/masking/masking-dev.jsonl");
    let rows = std::fs::read_to_string(path).expect("the corpus is part of the repository");
    rows.lines().map(|row| document(&serde_json::from_str(row).expect("a JSON row"))).collect()
}

fn document(row: &Value) -> Document {
    let text = row["text"].as_str().expect("text").to_owned();
    let mut bytes: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    bytes.push(text.len());
    let labels = |key: &str, kind: &str| {
        let label = |entry: &Value| Label {
            start: bytes[entry["start"].as_u64().expect("start") as usize],
            end: bytes[entry["end"].as_u64().expect("end") as usize],
            kind: entry[kind].as_str().unwrap_or_default().to_owned(),
            attack: entry["adv"].as_str().unwrap_or("none").to_owned(),
        };
        row[key].as_array().expect("a list").iter().map(label).collect()
    };
    let id = row["id"].as_str().expect("id").to_owned();
    Document {
        id,
        spans: labels("spans", "type"),
        traps: labels("traps", "kind"),
        ignored: labels("ignore", "kind"),
        text,
    }
}

/// The built-in detectors and the corpus's custom pattern.
pub(crate) fn detectors() -> Detectors {
    let rule = CustomRule {
        name: InfoType::new("CUSTOM").expect("a name"),
        pattern: CustomPattern::Regex(r"ACME-EMP-\d{6}".to_owned()),
    };
    Detectors::with(&[rule]).expect("the rule compiles")
}
