//! `gatewright config check`

use std::path::Path;

use serde_json::json;

use super::{Format, Outcome, answer};
use crate::config::{Fault, check as checked};

/// Says everything that is wrong with a configuration and its catalogue.
pub fn check(file: &Path, format: Format) -> Outcome {
    let (faults, warnings) = match checked(file) {
        Ok(loaded) => (Vec::new(), loaded.warnings),
        Err(faults) => (faults, Vec::new()),
    };
    match format {
        Format::Json => answer(&format!("{}\n", json!({ "faults": rows(&faults), "warnings": rows(&warnings) }))),
        Format::Text => {
            let mut text = String::new();
            for fault in &faults {
                text.push_str(&format!("{fault}\n"));
            }
            for warning in &warnings {
                text.push_str(&format!("warning: {warning}\n"));
            }
            match faults.len() {
                0 => text.push_str(&format!("{}: holds\n", file.display())),
                1 => text.push_str("1 fault\n"),
                many => text.push_str(&format!("{many} faults\n")),
            }
            answer(&text);
        }
    }
    if faults.is_empty() { Outcome::Holds } else { Outcome::BadConfiguration }
}

pub(super) fn rows(faults: &[Fault]) -> Vec<serde_json::Value> {
    faults
        .iter()
        .map(
            |fault| json!({ "file": fault.file, "line": fault.line, "column": fault.column, "message": fault.message }),
        )
        .collect()
}
