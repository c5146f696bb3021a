use std::io;

use gatewright_ledger::{Checkpoint, Frontier, SigningKey};

use crate::disk::{Access, Disk, DiskFile, Privacy};
use crate::folder::{LEDGER, checkpoints_path};

/// Signs checkpoints and keeps them in the list beside the present segment.
pub(super) struct CheckpointWriter {
    key: SigningKey,
    file: Box<dyn DiskFile>,
    end: u64,
    size: u64,
}

impl CheckpointWriter {
    /// A writer behind the good entries of this segment's list.
    pub(super) fn resume(disk: &dyn Disk, key: SigningKey, first: u64, good_bytes: u64, size: u64) -> io::Result<Self> {
        let file = open(disk, first)?;
        file.set_len(good_bytes)?;
        file.sync()?;
        Ok(Self { key, file, end: good_bytes, size })
    }

    /// A writer of a new list, for the segment that is about to be begun after these records.
    pub(super) fn begin(disk: &dyn Disk, key: SigningKey, tree: &Frontier) -> io::Result<Self> {
        let mut writer = Self { file: open(disk, tree.size())?, key, end: 0, size: tree.size() };
        writer.restart(tree)?;
        disk.sync_dir(LEDGER)?;
        Ok(writer)
    }

    /// Goes on in a new list, for the segment that is about to be begun after these records.
    pub(super) fn rotate(&mut self, disk: &dyn Disk, tree: &Frontier) -> io::Result<()> {
        self.file = open(disk, tree.size())?;
        self.restart(tree)?;
        disk.sync_dir(LEDGER)
    }

    /// How many records the last checkpoint counts.
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// Signs a checkpoint of records that are on disk already, and makes it durable.
    pub(super) fn sign(&mut self, tree: &Frontier) -> io::Result<()> {
        let note = Checkpoint::sign(tree.size(), &tree.root(), &self.key);
        let entry = format!("{note}\n");
        self.file.write_at(self.end, entry.as_bytes())?;
        self.file.sync()?;
        self.end += entry.len() as u64;
        self.size = tree.size();
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
