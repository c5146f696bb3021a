//! The digest by which records name the catalogue that decided.

use aws_lc_rs::digest::{Context, SHA256};
use gatewright_model::Digest;

use crate::Source;

/// SHA-256 over each file's name and text, both preceded by their lengths so that no two catalogues run together.
pub(crate) fn of<'a>(sources: impl Iterator<Item = &'a Source>) -> Digest {
    let mut hash = Context::new(&SHA256);
    hash.update(b"gatewright catalogue v1\n");
    for source in sources {
        for part in [&source.name, &source.text] {
            hash.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part.as_bytes());
        }
    }
    let mut digest = Digest::default();
    digest.copy_from_slice(hash.finish().as_ref());
    digest
}
