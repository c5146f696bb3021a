//! The digest by which records name the catalogue that decided.

use aws_lc_rs::digest::{Context, SHA256, digest};
use gatewright_model::Digest;

/// SHA-256 over each file's name, preceded by its length so that no two catalogues run together, and the SHA-256 of its
/// text: the digest of a large catalogue of which one file changed costs no more than that file.
pub(crate) fn of<'a>(files: impl Iterator<Item = (&'a str, Digest)>) -> Digest {
    let mut hash = Context::new(&SHA256);
    hash.update(b"gatewright catalogue v2\n");
    for (name, text) in files {
        hash.update(&u64::try_from(name.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(name.as_bytes());
        hash.update(&text);
    }
    whole(hash.finish().as_ref())
}

/// The SHA-256 of one file's text.
pub(crate) fn of_text(text: &str) -> Digest {
    whole(digest(&SHA256, text.as_bytes()).as_ref())
}

fn whole(bytes: &[u8]) -> Digest {
    let mut digest = Digest::default();
    digest.copy_from_slice(bytes);
    digest
}
