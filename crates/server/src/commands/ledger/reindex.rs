//! `gatewright ledger reindex`

use std::path::Path;
use std::time::Instant;

use gatewright_store::sessions::{SessionsError, rebuild};
use serde_json::json;

use crate::commands::{Format, Outcome, answer, complain};

/// Builds the index of sessions anew from the log alone. Beside a running gateway it does no harm: both go on from where
/// the index is.
pub fn reindex(data: &Path, format: Format) -> Outcome {
    if !data.join("ledger").is_dir() {
        return complain(Outcome::Finding, &format!("{}: there is no ledger in this folder", data.display()));
    }
    let begun = Instant::now();
    match rebuild(data) {
        Ok(()) => {
            let seconds = begun.elapsed().as_secs_f64();
            match format {
                Format::Json => answer(&format!("{}\n", json!({ "seconds": seconds }))),
                Format::Text => answer(&format!("the index of sessions was built anew in {seconds:.1} s\n")),
            }
            Outcome::Holds
        }
        Err(error) => {
            let outcome = match error {
                SessionsError::NoLog | SessionsError::Damaged { .. } => Outcome::Finding,
                SessionsError::Disk(_) | SessionsError::Index(_) => Outcome::Internal,
            };
            complain(outcome, &format!("{}: {error}", data.display()))
        }
    }
}
