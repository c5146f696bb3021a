//! `gatewright ledger` and `gatewright receipt`: offline, on a data folder or a copy of one.

mod proofs;
mod receipt;
mod reindex;
mod verify;

pub use proofs::{checkpoint, export, prove};
pub use receipt::verify as verify_receipt;
pub use reindex::reindex;
pub use verify::{InBucket, Wanted, verify};

use std::path::Path;

use gatewright_ledger::TrustedKey;

/// What was typed: the path of a file that holds it, or itself.
fn typed(text: &str) -> String {
    std::fs::read_to_string(text).unwrap_or_else(|_| text.to_owned())
}

/// A key as it is written in `keys/log.pub`, or the path of a file that holds it.
fn trusted(text: &str) -> Result<TrustedKey, String> {
    typed(text).trim().parse().map_err(|bad| format!("--trust: {bad}"))
}

/// The key that was given, or the one beside the log.
fn trusted_or_beside(trust: Option<&str>, data: &Path) -> Result<TrustedKey, String> {
    match trust {
        Some(text) => trusted(text),
        None => {
            let path = data.join("keys/log.pub");
            let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            text.trim().parse().map_err(|bad| format!("{}: {bad}", path.display()))
        }
    }
}
