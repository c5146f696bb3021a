use std::io;

use gatewright_ledger::{Checkpoint, TilePath, Tiler, TrustedKey, leaf_hash};
use gatewright_model::Digest;

use crate::disk::{Disk, read_whole};
use crate::folder::{Register, published_folder};

/// The most bytes of a published file: a bundle of the longest entries.
const FILE_LIMIT: usize = 256 * (2 + 65_535);

/// Why a comparison ended: the path of a file that differs, or what the disk said.
pub(super) type Differs = Result<String, io::Error>;

/// What was published of a log, compared with its records as they are read. What is not there is made again by the
/// next start; what says something else was changed.
#[derive(Clone)]
pub(super) struct Published {
    folder: String,
    checkpoint: Option<Checkpoint>,
    tiler: Tiler,
    count: u64,
}

impl Published {
    /// What was published of the log of this key; `None` where nothing was.
    pub(super) fn open(disk: &dyn Disk, root: &str, key: &TrustedKey) -> io::Result<Option<Self>> {
        let folder = published_folder(root, key.name());
        match read_whole(disk, &format!("{folder}/checkpoint"), FILE_LIMIT) {
            Ok(note) if is_torn(&note) => Ok(None),
            Ok(note) => {
                let checkpoint = std::str::from_utf8(&note).ok().and_then(|note| Checkpoint::open(note, key).ok());
                Ok(Some(Self { folder, checkpoint, tiler: Tiler::new(), count: 0 }))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The checkpoint, where its log has signed it.
    pub(super) const fn checkpoint(&self) -> Option<&Checkpoint> {
        self.checkpoint.as_ref()
    }

    /// How many files were compared.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// Compares the tiles that end with this leaf.
    pub(super) fn take(&mut self, disk: &dyn Disk, leaf: &[u8], hash: Digest) -> Result<(), Differs> {
        let Some(checkpoint) = &self.checkpoint else { return Err(Ok(format!("{}/checkpoint", self.folder))) };
        let (folder, count) = (&self.folder, &mut self.count);
        let mut compare = |path: TilePath, bytes: &[u8]| compare(disk, folder, path, bytes, count);
        self.tiler.push(leaf, hash, &mut compare)?;
        if self.tiler.size() == checkpoint.size { self.tiler.edge(&mut compare) } else { Ok(()) }
    }
}

/// Compares what was published of the register with it; gives how many files there were.
pub(super) fn check_register(disk: &dyn Disk, root: &TrustedKey, register: &Register) -> Result<u64, Differs> {
    let Some(origin) = register.note.lines().next() else { return Ok(0) };
    let folder = published_folder(root.name(), origin);
    let note = match read_whole(disk, &format!("{folder}/checkpoint"), FILE_LIMIT) {
        Ok(note) => note,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(Err(error)),
    };
    if is_torn(&note) {
        return Ok(0);
    }
    let key = root.named(origin).ok();
    let checkpoint = std::str::from_utf8(&note).ok().zip(key).and_then(|(note, key)| Checkpoint::open(note, &key).ok());
    let Some(checkpoint) = checkpoint else { return Err(Ok(format!("{folder}/checkpoint"))) };
    if register.root_at(checkpoint.size) != Some(checkpoint.root) {
        return Err(Ok(format!("{folder}/checkpoint")));
    }
    let size = Some(checkpoint.size);
    let (mut tiler, mut count) = (Tiler::new(), 0);
    let mut compare = |path: TilePath, bytes: &[u8]| compare(disk, &folder, path, bytes, &mut count);
    for entry in &register.entries {
        let leaf = entry.encode();
        tiler.push(&leaf, leaf_hash(&leaf), &mut compare)?;
        if Some(tiler.size()) == size {
            tiler.edge(&mut compare)?;
        }
    }
    Ok(count)
}

fn compare(disk: &dyn Disk, folder: &str, path: TilePath, bytes: &[u8], count: &mut u64) -> Result<(), Differs> {
    let name = format!("{folder}/{path}");
    match read_whole(disk, &name, FILE_LIMIT) {
        Ok(there) if there == bytes => {
            *count += 1;
            Ok(())
        }
        // What a crash left half written is made again by the next start, as what is not there.
        Ok(there) if is_torn_of(&there, bytes) => Ok(()),
        Ok(_) => Err(Ok(name)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(Ok(name)),
        Err(error) => Err(Err(error)),
    }
}

/// What a disk writes as a whole.
const SECTOR: usize = 512;

/// Whether a crash can have left these bytes: a sector of them was never written.
fn is_torn(bytes: &[u8]) -> bool {
    bytes.is_empty() || bytes.chunks(SECTOR).any(|sector| sector.iter().all(|byte| *byte == 0))
}

/// Whether a crash can have left these bytes of what was to be written.
fn is_torn_of(there: &[u8], whole: &[u8]) -> bool {
    let sectors = there.chunks(SECTOR).zip(whole.chunks(SECTOR));
    let short = there.len() < whole.len() && there.len().is_multiple_of(SECTOR);
    (there.len() == whole.len() || short)
        && sectors.into_iter().all(|(there, whole)| there == whole || there.iter().all(|byte| *byte == 0))
}
