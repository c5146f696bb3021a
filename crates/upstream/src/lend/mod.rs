//! Credentials: where they lie and how they are lent. A value is held in a [`Secret`] and never printed.

mod file;
mod reference;

pub use file::FileCredential;
pub use reference::{BadReference, Reference};

use std::sync::Arc;

use gatewright_model::Secret;

/// Why no credential can be lent; names the place, never the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the credential at {place} cannot be used: {reason}")]
pub struct Unlent {
    /// Where the credential should lie, as the configuration writes it.
    pub place: String,
    /// What is wrong there.
    pub reason: String,
}

/// Lends a connection's credential. Asked once for every request, so that a changed value is picked up.
pub trait Lend: Send + Sync {
    /// The present value.
    fn lend(&self) -> Result<Arc<Secret<String>>, Unlent>;
}

/// A value that was read once and stays: an environment variable's.
pub struct Fixed(Arc<Secret<String>>);

impl Fixed {
    /// Lends this value for ever.
    pub fn new(value: String) -> Self {
        Self(Arc::new(Secret::new(value)))
    }
}

impl Lend for Fixed {
    fn lend(&self) -> Result<Arc<Secret<String>>, Unlent> {
        Ok(Arc::clone(&self.0))
    }
}

/// The longest credential, in bytes.
const LONGEST: usize = 64 * 1024;

/// A credential's text as it is sent: one trailing line end belongs to the editor, not to the credential; anything
/// that could not stand in a header is refused, so that no value can add a header of its own.
fn cleaned(place: &str, mut text: String) -> Result<String, Unlent> {
    let unlent = |reason: &str| Unlent { place: place.to_owned(), reason: reason.to_owned() };
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    if text.is_empty() {
        return Err(unlent("it is empty"));
    }
    if text.len() > LONGEST {
        return Err(unlent("it is longer than 64 KiB"));
    }
    if !text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Err(unlent("it has characters that cannot stand in a header"));
    }
    Ok(text)
}
