//! `gatewright ledger verify`

use std::path::Path;

use gatewright_model::to_hex;
use gatewright_store::verify::{Anchors, KeySource, Report, Tail, VerifyError, verify_folder};
use serde_json::json;

use super::{Format, Outcome, answer, complain};

/// Checks every record of a data folder, offline. Holds only when everything does.
pub fn verify(data: &Path, trust: Option<&str>, format: Format) -> Outcome {
    let trust = match trust.map(trusted).transpose() {
        Ok(trust) => trust,
        Err(words) => return complain(Outcome::Usage, &words),
    };
    let anchors = Anchors { trust, checkpoints: Vec::new() };
    let report = match verify_folder(data, &anchors, &mut |_| {}) {
        Ok(report) => report,
        Err(error) => {
            let outcome = match error {
                VerifyError::Disk(_) => Outcome::Internal,
                VerifyError::NoLog | VerifyError::NoKey | VerifyError::Key(_) | VerifyError::Checkpoint(_) => {
                    Outcome::Finding
                }
            };
            return complain(outcome, &format!("{}: {error}", data.display()));
        }
    };
    match format {
        Format::Json => answer(&format!("{}\n", in_json(&report))),
        Format::Text => answer(&in_words(&report)),
    }
    if report.holds() { Outcome::Holds } else { Outcome::Finding }
}

/// A key as it is written in `keys/log.pub`, or the path of a file that holds it.
fn trusted(text: &str) -> Result<gatewright_ledger::TrustedKey, String> {
    let written = match std::fs::read_to_string(text) {
        Ok(written) => written,
        Err(_) => text.to_owned(),
    };
    written.trim().parse().map_err(|bad| format!("--trust: {bad}"))
}

fn in_json(report: &Report) -> serde_json::Value {
    let unfinished = match report.tail {
        Tail::Clean => 0,
        Tail::Unfinished { bytes } => bytes,
    };
    json!({
        "holds": report.holds(),
        "origin": report.origin,
        "records": report.records,
        "root": to_hex(&report.root),
        "vouched": report.vouched,
        "checkpoints": report.checkpoints,
        "bodies": report.bodies,
        "open": report.open,
        "unfinished_bytes": unfinished,
        "key": report.key,
        "key_given": report.key_source == KeySource::Given,
        "anchored": report.anchored,
        "finding": report.finding.as_ref().map(ToString::to_string),
    })
}

fn in_words(report: &Report) -> String {
    let mut text = format!(
        "{}: {} records, {} bodies, {} checkpoints (signed up to record {})\nroot {}\n",
        report.origin,
        report.records,
        report.bodies,
        report.checkpoints,
        report.vouched,
        to_hex(&report.root)
    );
    if report.open > 0 {
        text.push_str(&format!("{} calls are open: under way, or cut off by a crash\n", report.open));
    }
    if let Tail::Unfinished { bytes } = report.tail {
        text.push_str(&format!(
            "{bytes} bytes behind the last record are unfinished: a write under way, or torn by a crash\n"
        ));
    }
    match report.key_source {
        KeySource::Given => text.push_str("checked with the key that you gave\n"),
        KeySource::BesideTheLog => text.push_str(
            "checked with the key beside the log: whoever could change the log could have replaced it too; give --trust KEY to exclude that\n",
        ),
    }
    if report.anchored.is_none() {
        text.push_str(
            "without a checkpoint kept elsewhere, going back to an older state of the whole folder cannot be seen\n",
        );
    }
    match &report.finding {
        None => text.push_str("everything holds\n"),
        Some(finding) => text.push_str(&format!("DOES NOT HOLD: {finding}\n")),
    }
    text
}
