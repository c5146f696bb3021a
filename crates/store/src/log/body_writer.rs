use std::io;
use std::sync::Arc;

use gatewright_ledger::{BODY_SEGMENT_HEAD, BodyAt, BodyFrame, body_segment_head};
use gatewright_model::Entropy;

use super::Options;
use super::ahead::AheadFile;
use crate::disk::{Access, Disk, Privacy};
use crate::folder::{BODIES, body_segment_path};

/// The bytes that are gathered before they are written, when a commit brings more than this.
const GATHER: usize = 1 << 20;

/// Appends body frames to the segments of bodies.
pub(super) struct BodyWriter {
    disk: Arc<dyn Disk>,
    entropy: Arc<dyn Entropy>,
    options: Options,
    number: u64,
    nonce: [u8; 16],
    file: AheadFile,
    buffer: Vec<u8>,
    dirty: Dirty,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Dirty {
    Yes,
    No,
}

/// Where a writer goes on: the segment's number, and its nonce and end where it has a head already.
pub(super) struct BodyState {
    pub(super) number: u64,
    pub(super) begun: Option<([u8; 16], u64)>,
}

impl BodyWriter {
    pub(super) fn resume(
        disk: Arc<dyn Disk>,
        entropy: Arc<dyn Entropy>,
        options: Options,
        state: &BodyState,
    ) -> io::Result<Self> {
        let (nonce, file) = match state.begun {
            Some((nonce, end)) => {
                let file = disk.open(&body_segment_path(state.number), Access::Write)?;
                (nonce, AheadFile::new(file, end, options.ahead_bytes))
            }
            None => begin_segment(disk.as_ref(), entropy.as_ref(), &options, state.number)?,
        };
        let number = state.number;
        Ok(Self { disk, entropy, options, number, nonce, file, buffer: Vec::new(), dirty: Dirty::No })
    }

    /// Adds a frame, to be on disk after the next commit, and says where it will lie.
    pub(super) fn append(&mut self, frame: &BodyFrame<'_>) -> io::Result<BodyAt> {
        let mut offset = self.file.end() + self.buffer.len() as u64;
        let begun = offset > BODY_SEGMENT_HEAD as u64;
        if begun && offset + frame.length() as u64 > self.options.segment_bytes {
            self.commit()?;
            self.number += 1;
            (self.nonce, self.file) =
                begin_segment(self.disk.as_ref(), self.entropy.as_ref(), &self.options, self.number)?;
            offset = self.file.end();
        }
        let at = BodyAt::new(self.number, offset).ok_or_else(|| io::Error::other("the bodies' numbers are used up"))?;
        frame.append_to(&self.nonce, &mut self.buffer);
        self.dirty = Dirty::Yes;
        if self.buffer.len() >= GATHER {
            self.write()?;
        }
        Ok(at)
    }

    /// Writes and syncs what was added.
    pub(super) fn commit(&mut self) -> io::Result<()> {
        if self.dirty == Dirty::Yes {
            self.write()?;
            self.file.sync()?;
            self.dirty = Dirty::No;
        }
        Ok(())
    }

    fn write(&mut self) -> io::Result<()> {
        self.file.append(&self.buffer)?;
        self.buffer.clear();
        // One large body must not hold its memory for ever.
        self.buffer.shrink_to(4 * GATHER);
        Ok(())
    }
}

/// Begins a segment: its head and its name are on disk before its first frame is written.
fn begin_segment(
    disk: &dyn Disk,
    entropy: &dyn Entropy,
    options: &Options,
    number: u64,
) -> io::Result<([u8; 16], AheadFile)> {
    let mut nonce = [0; 16];
    entropy.fill(&mut nonce);
    let path = body_segment_path(number);
    let file = match disk.create(&path, Privacy::Group) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => disk.open(&path, Access::Write)?,
        created => created?,
    };
    file.set_len(0)?;
    let mut file = AheadFile::new(file, 0, options.ahead_bytes);
    file.append(&body_segment_head(&nonce))?;
    file.sync()?;
    disk.sync_dir(BODIES)?;
    Ok((nonce, file))
}
