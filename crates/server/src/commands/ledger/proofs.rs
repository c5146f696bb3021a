//! `gatewright ledger prove`, `export` and `checkpoint`

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gatewright_ledger::Receipt;
use gatewright_model::to_hex;
use gatewright_store::proofs::{self, Proof, Unproven, Wanted};
use serde_json::json;

use super::{trusted_or_beside, typed};
use crate::commands::{Format, Outcome, answer, complain};

/// Prints the proof of a record: by its number, its call or a receipt.
pub fn prove(data: &Path, trust: Option<&str>, which: &str, format: Format) -> Outcome {
    let root = match trusted_or_beside(trust, data) {
        Ok(root) => root,
        Err(words) => return complain(Outcome::Usage, &words),
    };
    let text = typed(which);
    let wanted = match (text.trim().parse(), text.trim().parse()) {
        (Ok(number), _) => Wanted::Number(number),
        (_, Ok(request)) => Wanted::Request(request),
        _ => match Receipt::open(&text, &root) {
            Ok(receipt) => Wanted::of_receipt(&receipt),
            Err(bad) => {
                let words = format!("`{which}` is neither a record's number, nor a call, nor a receipt: {bad}");
                return complain(Outcome::Usage, &words);
            }
        },
    };
    match proofs::prove(data, &root, &wanted) {
        Ok(proof) => {
            match format {
                Format::Json => answer(&format!("{}\n", in_json(&proof))),
                Format::Text => answer(&in_text(&proof)),
            }
            Outcome::Holds
        }
        Err(unproven) => refuse(data, &unproven),
    }
}

/// A proof in the form of C2SP tlog-proof; the record's own bytes are its extra data.
fn in_text(proof: &Proof) -> String {
    let mut text = format!("c2sp.org/tlog-proof@v1\nextra {}\nindex {}\n", STANDARD.encode(&proof.leaf), proof.index);
    for hash in &proof.path {
        text.push_str(&STANDARD.encode(hash));
        text.push('\n');
    }
    format!("{text}\n{}", proof.checkpoint)
}

fn in_json(proof: &Proof) -> serde_json::Value {
    json!({
        "origin": proof.origin,
        "index": proof.index,
        "record": proof.number,
        "leaf": STANDARD.encode(&proof.leaf),
        "path": proof.path.iter().map(|hash| STANDARD.encode(hash)).collect::<Vec<_>>(),
        "checkpoint": proof.checkpoint,
        "certificate": proof.certificate,
    })
}

/// Writes every log as standard tools read it.
pub fn export(data: &Path, trust: Option<&str>, into: &Path, format: Format) -> Outcome {
    let root = match trusted_or_beside(trust, data) {
        Ok(root) => root,
        Err(words) => return complain(Outcome::Usage, &words),
    };
    match proofs::export(data, &root, into) {
        Ok(logs) => {
            match format {
                Format::Json => answer(&format!("{}\n", json!({ "into": into.display().to_string(), "logs": logs }))),
                Format::Text => {
                    logs.iter().for_each(|log| answer(&format!("{log}\n")));
                    answer(&format!("{} logs, the register among them, are in {}\n", logs.len(), into.display()));
                }
            }
            Outcome::Holds
        }
        Err(unproven) => refuse(data, &unproven),
    }
}

/// Prints the checkpoint to keep elsewhere.
pub fn checkpoint(data: &Path, trust: Option<&str>, format: Format) -> Outcome {
    let root = match trusted_or_beside(trust, data) {
        Ok(root) => root,
        Err(words) => return complain(Outcome::Usage, &words),
    };
    match proofs::checkpoint(data, &root) {
        Ok((checkpoint, note)) => {
            match format {
                Format::Json => {
                    let key = root.named(&checkpoint.origin).map(|key| key.to_string()).ok();
                    let (origin, size, root) = (checkpoint.origin, checkpoint.size, to_hex(&checkpoint.root));
                    let value = json!({ "origin": origin, "key": key, "size": size, "root": root, "note": note });
                    answer(&format!("{value}\n"));
                }
                Format::Text => answer(&note),
            }
            Outcome::Holds
        }
        Err(unproven) => refuse(data, &unproven),
    }
}

fn refuse(data: &Path, unproven: &Unproven) -> Outcome {
    let outcome = match unproven {
        Unproven::Disk(_) => Outcome::Internal,
        Unproven::NoLog | Unproven::Damaged(_) | Unproven::Key(_) | Unproven::NoRecord | Unproven::Unsigned => {
            Outcome::Finding
        }
    };
    complain(outcome, &format!("{}: {unproven}", data.display()))
}
