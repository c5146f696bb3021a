//! What a witness does with a checkpoint (C2SP tlog-witness, `add-checkpoint`), sans-I/O: the request's form on both
//! sides, and the decision. Whoever calls [`cosign`] keeps what was seen on disk before it hands out the line.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gatewright_model::{Digest, Timestamp};

use crate::checkpoint::Checkpoint;
use crate::cosignature::Cosigner;
use crate::note::{BadNote, TrustedKey};
use crate::proof::verify_consistency;
use crate::tree::Frontier;

/// The most hashes of a proof.
const PROOF_LIMIT: usize = 63;

/// A request to cosign a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size that the log believes the witness has seen last.
    pub old: u64,
    /// The proof that the tree has only grown since.
    pub proof: Vec<Digest>,
    /// The checkpoint, as the signed note that it is.
    pub note: String,
}

impl AddCheckpoint {
    /// The request's body.
    pub fn to_text(&self) -> String {
        let mut text = format!("old {}\n", self.old);
        for hash in &self.proof {
            text.push_str(&STANDARD.encode(hash));
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.note);
        text
    }

    /// Reads a body that anybody may have sent; `None` where it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (head, note) = text.split_once("\n\n")?;
        let mut lines = head.lines();
        let old = lines.next()?.strip_prefix("old ")?;
        let canonical =
            !old.is_empty() && old.bytes().all(|byte| byte.is_ascii_digit()) && (old == "0" || !old.starts_with('0'));
        let old = old.parse().ok().filter(|_| canonical)?;
        let hash = |line: &str| STANDARD.decode(line).ok()?.try_into().ok();
        let proof = lines.map(hash).collect::<Option<Vec<Digest>>>()?;
        (proof.len() <= PROOF_LIMIT).then(|| Self { old, proof, note: note.to_owned() })
    }
}

/// The last state of a log that a witness has cosigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its size.
    pub size: u64,
    /// Its root.
    pub root: Digest,
}

impl Seen {
    /// Nothing yet.
    pub fn nothing() -> Self {
        Self { size: 0, root: Frontier::new().root() }
    }
}

/// Why a checkpoint is not cosigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotCosigned {
    /// The request means nothing.
    Malformed,
    /// The log's key has not signed it.
    Unsigned,
    /// The witness has seen another size than the request says: this one.
    Conflict(u64),
    /// The proof does not hold: the log has not only grown.
    Inconsistent,
}

/// Decides on a request about the log of this key, of which the witness has seen this much: what it has seen from now
/// on, which must be on disk before the line is given to anybody.
pub fn cosign(
    request: &AddCheckpoint,
    log: &TrustedKey,
    seen: Seen,
    witness: &Cosigner,
    at: Timestamp,
) -> Result<(Seen, String), NotCosigned> {
    let checkpoint = Checkpoint::open(&request.note, log).map_err(|bad| match bad {
        BadNote::Unsigned | BadNote::Signature => NotCosigned::Unsigned,
        BadNote::Shape | BadNote::Key => NotCosigned::Malformed,
    })?;
    if request.old > checkpoint.size {
        return Err(NotCosigned::Malformed);
    }
    if request.old != seen.size {
        return Err(NotCosigned::Conflict(seen.size));
    }
    if checkpoint.size == seen.size && checkpoint.root != seen.root {
        return Err(NotCosigned::Conflict(seen.size));
    }
    verify_consistency(&request.proof, (seen.size, &seen.root), (checkpoint.size, &checkpoint.root))
        .map_err(|_| NotCosigned::Inconsistent)?;
    let text = log.open(&request.note).map_err(|_| NotCosigned::Unsigned)?;
    Ok((Seen { size: checkpoint.size, root: checkpoint.root }, witness.line(text, at)))
}

#[cfg(test)]
mod tests {
    use gatewright_model::Secret;

    use super::*;
    use crate::note::SigningKey;
    use crate::proof::consistency_proof;
    use crate::tree::leaf_hash;

    fn tree(leaves: &[Digest]) -> Digest {
        let mut tree = Frontier::new();
        leaves.iter().for_each(|leaf| tree.push(*leaf));
        tree.root()
    }

    #[test]
    fn a_witness_follows_a_log_that_grows_and_no_other() {
        let log = SigningKey::from_seed("log.example/d/0a", Secret::new([1; 32])).expect("a good name");
        let witness = Cosigner::from_seed("witness.example", Secret::new([2; 32])).expect("a good name");
        let at = Timestamp::from_seconds(1_795_000_000);
        let leaves: Vec<Digest> = (0..40_u8).map(|number| leaf_hash(&[number])).collect();
        let ask = |old: u64, size: usize| AddCheckpoint {
            old,
            proof: consistency_proof(&leaves[..size], old).expect("it has grown"),
            note: Checkpoint::sign(size as u64, &tree(&leaves[..size]), &log),
        };
        let mut seen = Seen::nothing();
        for (old, size) in [(0, 3), (3, 3), (3, 17), (17, 40)] {
            let request = ask(old, size);
            assert_eq!(AddCheckpoint::parse(&request.to_text()), Some(request.clone()));
            let (next, line) = cosign(&request, log.trusted(), seen, &witness, at).expect("it has only grown");
            let note = format!("{}{line}", request.note);
            assert_eq!(witness.public().cosigned(&note), Ok(Some(at)));
            let spoilt = note.replacen(&size.to_string(), "9", 1);
            assert!(witness.public().cosigned(&spoilt).is_err());
            seen = next;
        }
        assert_eq!(cosign(&ask(17, 40), log.trusted(), seen, &witness, at), Err(NotCosigned::Conflict(40)));
        let mut other = leaves.clone();
        other[5] = leaf_hash(b"another history");
        let forked = AddCheckpoint { old: 40, proof: Vec::new(), note: Checkpoint::sign(40, &tree(&other), &log) };
        assert_eq!(cosign(&forked, log.trusted(), seen, &witness, at), Err(NotCosigned::Conflict(40)));
        let earlier = Seen { size: 17, root: tree(&leaves[..17]) };
        let proof = consistency_proof(&other, 17).expect("it has grown");
        let forked = AddCheckpoint { old: 17, proof, ..forked };
        assert_eq!(cosign(&forked, log.trusted(), earlier, &witness, at), Err(NotCosigned::Inconsistent));
        let stranger = SigningKey::from_seed("log.example/d/0a", Secret::new([9; 32])).expect("a good name");
        assert_eq!(cosign(&ask(17, 40), stranger.trusted(), earlier, &witness, at), Err(NotCosigned::Unsigned));
    }
}
