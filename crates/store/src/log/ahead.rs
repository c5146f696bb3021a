use std::io;

use crate::disk::DiskFile;

static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// A file that is appended to and filled with zeros some way ahead, so that most syncs change its data only and not
/// its length. The zeros are written in small steps: a whole segment at once would hold up everybody for its while.
pub(super) struct AheadFile {
    file: Box<dyn DiskFile>,
    end: u64,
    filled: u64,
    step: u64,
}

impl AheadFile {
    /// A file whose data ends at `end`, with nothing behind it.
    pub(super) fn new(file: Box<dyn DiskFile>, end: u64, step: u64) -> Self {
        Self { file, end, filled: end, step: step.max(1) }
    }

    /// Where the data ends.
    pub(super) const fn end(&self) -> u64 {
        self.end
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(self.end, bytes)?;
        self.end += bytes.len() as u64;
        if self.end > self.filled {
            let target = self.end.next_multiple_of(self.step);
            let mut at = self.end;
            while at < target {
                let zeros = &ZEROS[..usize::try_from(target - at).unwrap_or(ZEROS.len()).min(ZEROS.len())];
                self.file.write_at(at, zeros)?;
                at += zeros.len() as u64;
            }
            self.filled = target;
        }
        Ok(())
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }
}
