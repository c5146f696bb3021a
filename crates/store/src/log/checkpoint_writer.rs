use std::io;
use std::sync::Arc;

use gatewright_ledger::{Checkpoint, Frontier, SigningKey};
use gatewright_model::Digest;

use crate::disk::{Access, Disk, DiskFile, Privacy};
use crate::folder::{LEDGER, checkpoints_path};

/// Signs checkpoints and keeps them in the list beside the present segment.
pub(super) struct CheckpointWriter {
    key: Arc<SigningKey>,
    file: Box<dyn DiskFile>,
    end: u64,
    signed: Arc<Signed>,
}

/// A checkpoint that was signed and is on disk.
#[derive(Debug)]
pub(super) struct Signed {
    pub(super) size: u64,
    pub(super) root: Digest,
    pub(super) note: String,
}

impl CheckpointWriter {
    /// A writer of a new list, for the log's first segment, which is about to be begun at this record.
    pub(super) fn begin(disk: &dyn Disk, key: Arc<SigningKey>, first: u64) -> io::Result<Self> {
        let tree = &Frontier::new();
        let signed = Arc::new(Signed { size: 0, root: tree.root(), note: String::new() });
        let mut writer = Self { file: open(disk, first)?, key, end: 0, signed };
        writer.restart(tree)?;
        disk.sync_dir(LEDGER)?;
        Ok(writer)
    }

    /// Goes on in a new list, for the segment that is about to be begun at this record.
    pub(super) fn rotate(&mut self, disk: &dyn Disk, first: u64, tree: &Frontier) -> io::Result<()> {
        self.file = open(disk, first)?;
        self.restart(tree)?;
        disk.sync_dir(LEDGER)
    }

    /// The last checkpoint.
    pub(super) const fn signed(&self) -> &Arc<Signed> {
        &self.signed
    }

    /// Signs a checkpoint of records that are on disk already, and makes it durable.
    pub(super) fn sign(&mut self, tree: &Frontier) -> io::Result<()> {
        let (size, root) = (tree.size(), tree.root());
        let note = Checkpoint::sign(size, &root, &self.key);
        let entry = format!("{note}\n");
        self.file.write_at(self.end, entry.as_bytes())?;
        self.file.sync()?;
        self.end += entry.len() as u64;
        self.signed = Arc::new(Signed { size, root, note });
        Ok(())
    }

    /// Empties the list, in which a crash may have left an entry, and begins it.
    fn restart(&mut self, tree: &Frontier) -> io::Result<()> {
        self.file.set_len(0)?;
        self.end = 0;
        self.sign(tree)
    }
}

/// Opens the list of this segment, which a crash may have left behind without its segment.
fn open(disk: &dyn Disk, first: u64) -> io::Result<Box<dyn DiskFile>> {
    let path = checkpoints_path(first);
    match disk.create(&path, Privacy::Group) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => disk.open(&path, Access::Write),
        created => created,
    }
}
