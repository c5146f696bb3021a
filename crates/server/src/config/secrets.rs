//! Secrets by reference. A file's content is picked up again when it changes, by whoever holds the lender; an
//! environment variable's is read once.

use std::sync::Arc;

use gatewright_model::Secret;
pub use gatewright_upstream::lend::{BadReference, Lend, Reference, Unlent};

/// Looks a variable up in the process's environment. Only the composition root reads it.
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Opens a lender for the reference; reads it once, so that a missing secret is a fault now.
pub fn open(reference: &Reference) -> Result<Arc<dyn Lend>, Unlent> {
    reference.open(&environment)
}

/// The present value behind a reference: at most 64 KiB, without one trailing line end.
pub fn resolve(reference: &Reference) -> Result<Arc<Secret<String>>, Unlent> {
    open(reference)?.lend()
}
