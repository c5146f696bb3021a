use aws_lc_rs::digest::{Context, SHA256};
use gatewright_model::{BodyRef, Digest};

/// A body's salted commitment SHA-256(salt ‖ body), computed as its pieces come. The salt makes the digest of a small
/// body useless to somebody who guesses bodies, and dies with the body when that is erased.
#[derive(Clone)]
pub struct Commitment {
    context: Context,
    length: u64,
}

impl Commitment {
    /// The commitment to an empty body under this salt.
    pub fn new(salt: &[u8; 32]) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(salt);
        Self { context, length: 0 }
    }

    /// The commitment to a whole body.
    pub fn of(salt: &[u8; 32], body: &[u8]) -> BodyRef {
        let mut commitment = Self::new(salt);
        commitment.update(body);
        commitment.finish()
    }

    /// Adds the body's next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.context.update(piece);
        self.length += piece.len() as u64;
    }

    /// What the log keeps of the body.
    pub fn finish(self) -> BodyRef {
        BodyRef { commitment: digest_of(self.context), length: self.length }
    }
}

/// SHA-256 over these parts, one after the other.
pub(crate) fn sha256(parts: &[&[u8]]) -> Digest {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    digest_of(context)
}

fn digest_of(context: Context) -> Digest {
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    digest
}
