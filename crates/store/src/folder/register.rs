use std::io;

use gatewright_ledger::{Checkpoint, Frontier, Registration, TrustedKey, leaf_hash};
use gatewright_model::Digest;

use super::names::{REGISTER_CHECKPOINT, REGISTER_COSIGNED, REGISTER_FILE};
use crate::disk::{Disk, read_whole};

/// The most bytes that the register may have: at one entry a minute, several years.
const REGISTER_LIMIT: usize = 1 << 30;

/// The most bytes of its checkpoint, cosignatures included.
const NOTE_LIMIT: usize = 64 << 10;

/// The register of a data folder's logs: `length u16 | entry` one after the other, as in the bundles of tlog-tiles, as
/// many as its signed checkpoint counts. What stands behind them was written by somebody who was cut off before the
/// checkpoint, and counts for nothing.
#[derive(Debug, Default)]
pub(crate) struct Register {
    pub(crate) entries: Vec<Registration>,
    pub(crate) hashes: Vec<Digest>,
    pub(crate) tree: Frontier,
    /// The bytes that count.
    pub(crate) bytes: Vec<u8>,
    /// The checkpoint as the note that it is; empty where there is none yet.
    pub(crate) note: String,
    /// The last one that witnesses have cosigned, with their lines; empty where there is none.
    pub(crate) cosigned: String,
}

impl Register {
    /// The last entry of a log.
    pub(crate) fn last_of(&self, origin: &str) -> Option<&Registration> {
        self.entries.iter().rev().find(|entry| &*entry.origin == origin)
    }

    /// The root when the register had this many entries.
    pub(crate) fn root_at(&self, size: u64) -> Option<Digest> {
        let mut tree = Frontier::new();
        self.hashes.get(..usize::try_from(size).ok()?)?.iter().for_each(|hash| tree.push(*hash));
        Some(tree.root())
    }

    pub(crate) fn push(&mut self, entry: Registration) {
        let bytes = entry.encode();
        self.bytes.extend_from_slice(&u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes());
        self.bytes.extend_from_slice(&bytes);
        let hash = leaf_hash(&bytes);
        self.tree.push(hash);
        self.hashes.push(hash);
        self.entries.push(entry);
    }
}

/// Reads the register, which this key must have signed; `Err` within says in words what is wrong with it.
pub(crate) fn read_register(disk: &dyn Disk, trusted: &TrustedKey) -> io::Result<Result<Register, &'static str>> {
    let mut register = Register::default();
    let Some(note) = read(disk, REGISTER_CHECKPOINT, NOTE_LIMIT)? else { return Ok(Ok(register)) };
    let bytes = read(disk, REGISTER_FILE, REGISTER_LIMIT)?.unwrap_or_default();
    let checkpoint = String::from_utf8(note).ok().and_then(|note| {
        let checkpoint = Checkpoint::open(&note, trusted).ok()?;
        Some((checkpoint, note))
    });
    let Some((checkpoint, note)) = checkpoint else { return Ok(Err("its checkpoint is not signed by the root key")) };
    let mut rest = bytes.as_slice();
    while (register.entries.len() as u64) < checkpoint.size {
        let Some(entry) = split_entry(&mut rest) else { return Ok(Err("an entry is missing or cannot be read")) };
        register.push(entry);
    }
    if register.tree.root() != checkpoint.root {
        return Ok(Err("its entries are not those that its checkpoint was signed for"));
    }
    register.note = note;
    let cosigned = read(disk, REGISTER_COSIGNED, NOTE_LIMIT)?.and_then(|note| String::from_utf8(note).ok());
    if let Some(note) = cosigned {
        let checkpoint = Checkpoint::open(&note, trusted).ok();
        if checkpoint.is_none_or(|checkpoint| register.root_at(checkpoint.size) != Some(checkpoint.root)) {
            return Ok(Err("witnesses have cosigned another history of it"));
        }
        register.cosigned = note;
    }
    Ok(Ok(register))
}

/// The name that the register's checkpoint bears, where it is one that the root key may give.
pub(crate) fn register_name(disk: &dyn Disk, root: &str) -> io::Result<Option<String>> {
    let note = read(disk, REGISTER_CHECKPOINT, NOTE_LIMIT)?.unwrap_or_default();
    let name = std::str::from_utf8(&note).ok().and_then(|note| note.lines().next());
    let name = name.filter(|name| name.strip_prefix(root).is_some_and(|rest| rest.starts_with('/')));
    Ok(name.map(str::to_owned))
}

fn split_entry(rest: &mut &[u8]) -> Option<Registration> {
    let (length, after) = rest.split_first_chunk::<2>()?;
    let (entry, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    *rest = after;
    Registration::decode(entry).ok()
}

fn read(disk: &dyn Disk, path: &str, limit: usize) -> io::Result<Option<Vec<u8>>> {
    match read_whole(disk, path, limit) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
