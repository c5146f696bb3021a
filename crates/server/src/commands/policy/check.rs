//! `gatewright policy check`

use std::collections::HashSet;
use std::path::Path;

use gatewright_model::Operation;
use gatewright_protocols::PROTOCOLS;
use serde_json::json;

use super::moment;
use crate::commands::{Format, Outcome, answer, config};
use crate::config::check as checked;

/// Says what is wrong with a catalogue, and what it says in vain. Faults are exit code 64, vain words 1; what has no
/// effect with this release is only noted.
pub fn check(path: &Path, at: Option<&str>, format: Format) -> Outcome {
    let now = match moment(at) {
        Ok(now) => now,
        Err(outcome) => return outcome,
    };
    let asked: HashSet<Operation> =
        PROTOCOLS.iter().flat_map(|protocol| protocol.routes()).map(|route| route.operation).collect();
    let (faults, warnings, notes) = match checked(path) {
        Ok(loaded) => {
            let mut warnings = loaded.catalogue.lint(now);
            warnings.extend(loaded.catalogue.warnings().iter().cloned());
            warnings.sort();
            warnings.dedup();
            (Vec::new(), warnings, loaded.catalogue.unasked(|operation| asked.contains(&operation)))
        }
        Err(faults) => (faults, Vec::new(), Vec::new()),
    };
    match format {
        Format::Json => {
            let (found, noted) = (config::rows(&warnings), config::rows(&notes));
            let rows = json!({ "faults": config::rows(&faults), "findings": found, "notes": noted });
            answer(&format!("{rows}\n"));
        }
        Format::Text => {
            let faults_told = faults.iter().map(|fault| format!("{fault}\n"));
            let told = warnings.iter().map(|warning| format!("in vain: {warning}\n"));
            let noted = notes.iter().map(|note| format!("note: {note}\n"));
            let end = match (faults.len(), warnings.len()) {
                (0, 0) if notes.is_empty() => "the catalogue holds, and every line of it has an effect\n".to_owned(),
                (0, 0) => "the catalogue holds; what no protocol asks for yet has no effect\n".to_owned(),
                (0, found) => format!("the catalogue holds; {found} of its lines may not do what was meant\n"),
                (found, _) => format!("{found} faults\n"),
            };
            answer(&faults_told.chain(told).chain(noted).chain([end]).collect::<String>());
        }
    }
    match (faults.is_empty(), warnings.is_empty()) {
        (false, _) => Outcome::BadConfiguration,
        (true, false) => Outcome::Finding,
        (true, true) => Outcome::Holds,
    }
}
