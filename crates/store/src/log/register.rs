use std::io;
use std::sync::Arc;

use gatewright_ledger::{Checkpoint, Registration, SigningKey};

use crate::disk::{Access, Disk, DiskFile, Privacy, Settle, put_whole};
use crate::folder::{self, LEDGER, REGISTER_CHECKPOINT, REGISTER_COSIGNED, REGISTER_FILE};

/// Writes the register of a data folder's logs. Each entry is on disk before the checkpoint that counts it.
pub(super) struct Register {
    disk: Arc<dyn Disk>,
    key: SigningKey,
    file: Box<dyn DiskFile>,
    kept: folder::Register,
}

impl Register {
    /// Goes on behind what the last run left; what it wrote and did not sign is cut off.
    pub(super) fn resume(disk: Arc<dyn Disk>, key: SigningKey, kept: folder::Register) -> io::Result<Self> {
        let file = match disk.create(REGISTER_FILE, Privacy::Group) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => disk.open(REGISTER_FILE, Access::Write)?,
            created => created?,
        };
        file.set_len(kept.bytes.len() as u64)?;
        file.sync()?;
        disk.sync_dir(LEDGER)?;
        Ok(Self { disk, key, file, kept })
    }

    /// Adds entries, durably, and signs.
    pub(super) fn append(&mut self, entries: impl IntoIterator<Item = Registration>) -> io::Result<()> {
        let from = self.kept.bytes.len();
        entries.into_iter().for_each(|entry| self.kept.push(entry));
        self.file.write_at(from as u64, &self.kept.bytes[from..])?;
        self.file.sync()?;
        let note = Checkpoint::sign(self.kept.tree.size(), &self.kept.tree.root(), &self.key);
        put_whole(self.disk.as_ref(), REGISTER_CHECKPOINT, Privacy::Group, note.as_bytes(), Settle::Now)?;
        self.kept.note = note;
        Ok(())
    }

    /// Keeps a checkpoint with the lines by which witnesses have cosigned it.
    pub(super) fn keep_cosigned(&mut self, note: &str) -> io::Result<()> {
        put_whole(self.disk.as_ref(), REGISTER_COSIGNED, Privacy::Group, note.as_bytes(), Settle::Now)
    }

    /// The entries so far.
    pub(super) const fn kept(&self) -> &folder::Register {
        &self.kept
    }

    /// The register's name.
    pub(super) fn origin(&self) -> &str {
        self.key.trusted().name()
    }
}
