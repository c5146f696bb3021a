//! What somebody takes out of a data folder to show it elsewhere: the register's checkpoint, the proof of a record, a
//! tree of tiles for standard tools. Nothing in the folder is written; whoever wants to know whether the folder itself
//! holds [verifies](crate::verify) it.

use std::cell::RefCell;
use std::io;
use std::path::Path;

use gatewright_ledger::{BadNote, Certificate, Checkpoint, Frame, Receipt, TrustedKey, inclusion_proof, leaf_hash};
use gatewright_model::{Digest, RequestId};

use crate::disk::{Access, Disk, RealDisk};
use crate::folder::{
    CheckpointList, SegmentReader, Step, log_segment_path, log_segments, open_head, read_register, register_name,
};
use crate::log::PublishedLog;

/// Why something cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum Unproven {
    /// There is no log.
    #[error("there is no log here")]
    NoLog,
    /// The folder is not what was written.
    #[error("{0}; see `gatewright ledger verify`")]
    Damaged(&'static str),
    /// The root key does not vouch for a log.
    #[error("the root key does not vouch for the log: {0}")]
    Key(#[from] BadNote),
    /// There is no such record.
    #[error("there is no such record")]
    NoRecord,
    /// No signed checkpoint counts it.
    #[error(
        "no checkpoint of its log counts the record: its run was cut off, and the next log's first record vouches for it"
    )]
    Unsigned,
    /// The operating system refused.
    #[error("reading the data folder: {0}")]
    Disk(#[from] io::Error),
}

/// A record to prove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// By its number in the folder.
    Number(u64),
    /// By its place in a log.
    Place {
        /// The log.
        origin: String,
        /// The record's index in it.
        index: u64,
    },
    /// The intent, or the refusal, of a call.
    Request(RequestId),
}

impl Wanted {
    /// The record that a receipt promises.
    pub fn of_receipt(receipt: &Receipt) -> Self {
        Self::Place { origin: receipt.origin().to_owned(), index: receipt.promised().index }
    }
}

/// A record with the proof that it is in its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Which log.
    pub origin: String,
    /// Its index there.
    pub index: u64,
    /// Its number in the folder.
    pub number: u64,
    /// Its bytes.
    pub leaf: Vec<u8>,
    /// The hashes from the leaf up.
    pub path: Vec<Digest>,
    /// The log's checkpoint, as the signed note that it is.
    pub checkpoint: String,
    /// The root key's certificate for the log's key, a signed note too.
    pub certificate: String,
}

/// One log of a folder.
struct Held {
    certificate: Certificate,
    base: u64,
    leaves: Vec<Digest>,
    note: String,
    signed: u64,
}

/// Proves a record of the folder at this path.
pub fn prove(path: &Path, root: &TrustedKey, wanted: &Wanted) -> Result<Proof, Unproven> {
    let found = RefCell::new(None);
    let mut proof = None;
    let mut look = |origin: &str, base: u64, frame: &Frame<'_>| {
        let mut found = found.borrow_mut();
        if found.is_none() && is_wanted(wanted, origin, base, frame) {
            *found = Some((frame.number, frame.leaf.to_vec()));
        }
    };
    let prove = |log: &Held| {
        if let Some((number, leaf)) = found.take() {
            proof = Some(of_log(log, root, number, leaf));
        }
        Ok(())
    };
    logs(&RealDisk::new(path), root, &mut look, prove)?;
    proof.ok_or(Unproven::NoRecord)?
}

fn is_wanted(wanted: &Wanted, origin: &str, base: u64, frame: &Frame<'_>) -> bool {
    match wanted {
        Wanted::Number(number) => frame.number == *number,
        Wanted::Place { origin: its, index } => origin == its && frame.number == base + index,
        Wanted::Request(request) => {
            gatewright_ledger::Leaf::decode(frame.leaf).is_ok_and(|leaf| leaf.request == Some(*request))
        }
    }
}

fn of_log(log: &Held, root: &TrustedKey, number: u64, leaf: Vec<u8>) -> Result<Proof, Unproven> {
    let index = number - log.base;
    let counted = log.leaves.get(..usize::try_from(log.signed).unwrap_or(usize::MAX)).unwrap_or_default();
    let path = inclusion_proof(counted, index).ok_or(Unproven::Unsigned)?;
    Ok(Proof {
        origin: log.certificate.origin().to_owned(),
        index,
        number,
        leaf,
        path,
        checkpoint: log.note.clone(),
        certificate: log.certificate.to_note(root),
    })
}

/// Writes the tiles of every log and of the register of the folder at `path` into another folder, as standard tools
/// read them; gives the names of the logs.
pub fn export(path: &Path, root: &TrustedKey, into: &Path) -> Result<Vec<String>, Unproven> {
    let (source, target) = (RealDisk::new(path), RealDisk::new(into));
    let folder = |origin: &str| origin.strip_prefix(root.name()).unwrap_or(origin).trim_start_matches('/').to_owned();
    let mut names = Vec::new();
    logs(&source, root, &mut |_, _, _| {}, |log| {
        let origin = log.certificate.origin();
        let certificate = Some(log.certificate.to_note(root));
        let mut published = PublishedLog::new(folder(origin), origin, log.base, certificate);
        published.advance(&source, &target, log.signed)?;
        published.put_checkpoint(&target, &log.note)?;
        published.advance(&source, &target, log.leaves.len() as u64)?;
        names.push(origin.to_owned());
        Ok(())
    })?;
    let register = register(&source, root)?;
    let origin = register.note.lines().next().unwrap_or_default().to_owned();
    let mut published = PublishedLog::new(folder(&origin), &origin, 0, None);
    register.entries.iter().try_for_each(|entry| published.push(&target, &entry.encode()))?;
    published.edge(&target)?;
    published.put_checkpoint(&target, &register.note)?;
    names.push(origin);
    Ok(names)
}

/// The register's checkpoint with its cosignatures: what to keep elsewhere.
pub fn checkpoint(path: &Path, root: &TrustedKey) -> Result<(Checkpoint, String), Unproven> {
    let register = register(&RealDisk::new(path), root)?;
    let origin = register.note.lines().next().unwrap_or_default().to_owned();
    Ok((Checkpoint { origin, size: register.tree.size(), root: register.tree.root() }, register.note))
}

fn register(disk: &dyn Disk, root: &TrustedKey) -> Result<crate::folder::Register, Unproven> {
    let name = register_name(disk, root.name())?.ok_or(Unproven::NoLog)?;
    let register = read_register(disk, &root.named(&name)?)?.map_err(Unproven::Damaged)?;
    if register.note.is_empty() { Err(Unproven::NoLog) } else { Ok(register) }
}

/// Shows every record, and each log when its end was reached.
fn logs(
    disk: &dyn Disk,
    root: &TrustedKey,
    show: &mut impl FnMut(&str, u64, &Frame<'_>),
    mut end: impl FnMut(&Held) -> Result<(), Unproven>,
) -> Result<(), Unproven> {
    let mut held: Option<Held> = None;
    let segments = log_segments(disk)?.0;
    if segments.is_empty() {
        return Err(Unproven::NoLog);
    }
    for first in segments {
        let file = disk.open(&log_segment_path(first), Access::Read)?;
        // A segment without a head was begun and has no record yet.
        let Ok((head, start)) = open_head(file.as_ref())? else { continue };
        let key = head.certificate.open(root)?;
        if held.as_ref().is_none_or(|log| log.certificate != head.certificate) {
            held.iter().try_for_each(&mut end)?;
            let (certificate, base) = (head.certificate.clone(), head.base());
            held = Some(Held { certificate, base, leaves: Vec::new(), note: String::new(), signed: 0 });
        }
        let Some(log) = &mut held else { continue };
        if let Some(list) = CheckpointList::read(disk, first, key)?
            && let Some(last) = list.listed.last()
        {
            (log.signed, log.note) = (last.size, list.last);
        }
        let mut reader = SegmentReader::new(file.as_ref(), head.nonce, start);
        while let Step::Frame(frame, _) = reader.next()? {
            show(head.origin(), log.base, &frame);
            log.leaves.push(leaf_hash(frame.leaf));
        }
    }
    held.iter().try_for_each(end)
}
