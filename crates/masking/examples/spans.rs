//! The findings in each row `{"id","text"}` of the standard input, in the rows that the corpus's evaluator reads.
//!
//! `cargo run --release -p gatewright-masking --example spans < masking-dev.jsonl > gatewright.jsonl`

#![allow(clippy::print_stdout, reason = "it is a program that prints")]

#[path = "../tests/support/mod.rs"]
mod support;

use serde_json::{Value, json};

fn main() {
    let detectors = support::detectors();
    for line in std::io::stdin().lines().map_while(Result::ok) {
        let row: Value = serde_json::from_str(&line).expect("a JSON row");
        let spans = detectors.find(row["text"].as_str().expect("text")).into_iter().map(|finding| {
            let name = detectors.info_types()[finding.info_type.place()].as_str();
            let theirs = support::TYPES.iter().find(|(_, ours)| *ours == name).map_or(name, |(theirs, _)| theirs);
            json!({ "start": finding.start, "end": finding.end, "type": theirs })
        });
        println!("{}", json!({ "id": row["id"], "spans": spans.collect::<Vec<_>>(), "unit": "byte" }));
    }
}
