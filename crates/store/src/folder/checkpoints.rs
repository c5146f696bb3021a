use std::io;

use gatewright_ledger::{Checkpoint, TrustedKey};

use super::names::checkpoints_path;
use crate::disk::{Disk, read_whole};

/// The most bytes that a list of checkpoints may have; a segment gets nowhere near as many.
const LIST_LIMIT: usize = 256 << 20;

/// The checkpoints that were signed while one segment was written: notes, each followed by an empty line.
#[derive(Debug)]
pub(crate) struct CheckpointList {
    /// The checkpoints that the log's key has signed.
    pub(crate) listed: Vec<Checkpoint>,
    /// The last of them as the note that it is.
    pub(crate) last: String,
    /// The number of the first entry that is no checkpoint signed by the log's key, though more than a torn tail.
    pub(crate) bad: Option<u64>,
}

impl CheckpointList {
    /// Reads the list of this segment; `None` where there is none.
    pub(crate) fn read(disk: &dyn Disk, first: u64, trusted: &TrustedKey) -> io::Result<Option<Self>> {
        match read_whole(disk, &checkpoints_path(first), LIST_LIMIT) {
            Ok(bytes) => Ok(Some(Self::parse(&bytes, trusted))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn parse(bytes: &[u8], trusted: &TrustedKey) -> Self {
        let mut list = Self { listed: Vec::new(), last: String::new(), bad: None };
        let mut rest = bytes;
        while !rest.is_empty() {
            let Some((note, after)) = split_entry(rest) else {
                // An entry that a crash tore ends too early, or holds the zeros of a block that was never written.
                // Each entry is synced before the next one is begun, so only the last can be torn.
                if !rest.contains(&0) && rest.ends_with(b"\n\n") {
                    list.bad = Some(list.listed.len() as u64);
                }
                return list;
            };
            let opened = std::str::from_utf8(note)
                .ok()
                .and_then(|note| Checkpoint::open(note, trusted).ok().map(|checkpoint| (checkpoint, note)));
            let Some((checkpoint, note)) = opened else {
                if !after.is_empty() || !note.contains(&0) {
                    list.bad = Some(list.listed.len() as u64);
                }
                return list;
            };
            list.listed.push(checkpoint);
            list.last.clear();
            list.last.push_str(note);
            rest = after;
        }
        list
    }
}

/// How many records the last whole entry of a list counts, its signature unseen; `None` where there is none.
pub(crate) fn last_counted(list: &[u8]) -> Option<u64> {
    let (mut rest, mut last) = (list, None);
    while let Some((note, after)) = split_entry(rest) {
        let size = std::str::from_utf8(note).ok().and_then(|note| note.lines().nth(1)?.parse().ok());
        let Some(size) = size else { break };
        last = Some(size);
        rest = after;
    }
    last
}

/// Splits off the first entry: the text up to an empty line, the signatures up to the next one.
fn split_entry(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = find_empty_line(bytes)?;
    let signatures = find_empty_line(&bytes[text..])?;
    let end = text + signatures;
    // The note ends with its last line; the empty line behind it belongs to the list.
    Some((&bytes[..end - 1], &bytes[end..]))
}

/// The offset behind the first empty line.
fn find_empty_line(bytes: &[u8]) -> Option<usize> {
    bytes.windows(2).position(|pair| pair == b"\n\n").map(|at| at + 2)
}
