use std::io;
use std::sync::{Arc, Mutex};

use gatewright_ledger::AddCheckpoint;

use super::publisher::locked;
use super::register::Register;

/// The register of a log, to be shown to witnesses. It names the log and its state once a minute, so that whoever
/// cosigns it vouches for both.
#[derive(Clone)]
pub struct Witnessed(Arc<Mutex<Register>>);

/// What a witness is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToCosign {
    /// The register's name.
    pub origin: String,
    /// The checkpoint, without cosignatures.
    pub note: String,
    /// How many entries it counts.
    pub size: u64,
}

impl Witnessed {
    pub(super) const fn new(register: Arc<Mutex<Register>>) -> Self {
        Self(register)
    }

    /// The present checkpoint; `None` where nothing was signed yet.
    pub fn present(&self) -> Option<ToCosign> {
        let register = locked(&self.0);
        let note = register.kept().note.clone();
        if note.is_empty() {
            return None;
        }
        let size = register.kept().tree.size();
        Some(ToCosign { origin: register.origin().to_owned(), note, size })
    }

    /// The request to a witness that has seen `old` entries; `None` where it has seen more than there are.
    pub fn request(&self, asked: &ToCosign, old: u64) -> Option<AddCheckpoint> {
        let register = locked(&self.0);
        let hashes = register.kept().hashes.get(..usize::try_from(asked.size).ok()?)?;
        let proof = gatewright_ledger::consistency_proof(hashes, old)?;
        Some(AddCheckpoint { old, proof, note: asked.note.clone() })
    }

    /// Keeps the lines by which witnesses have cosigned it. Syncs: not for a thread that answers callers.
    pub fn keep(&self, asked: &ToCosign, lines: &str) -> io::Result<()> {
        locked(&self.0).keep_cosigned(&format!("{}{lines}", asked.note))
    }
}
