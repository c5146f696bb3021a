use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use gatewright_ledger::{BodyAt, FRAME_OVERHEAD, Frame, Frontier, OpenJourney, SegmentHead, SigningKey, leaf_hash};
use gatewright_model::{Digest, Entropy, RequestId};

use super::Options;
use super::ahead::AheadFile;
use super::checkpoint_writer::CheckpointWriter;
use crate::disk::{Access, Disk, Privacy};
use crate::folder::{LEDGER, log_segment_path};

/// Appends records to the log's segments.
pub(super) struct LedgerWriter {
    disk: Arc<dyn Disk>,
    entropy: Arc<dyn Entropy>,
    options: Options,
    origin: String,
    file: AheadFile,
    nonce: [u8; 16],
    /// The number of the present segment's first record.
    first: u64,
    tree: Frontier,
    link: Digest,
    /// How many records are on disk for certain.
    synced: u64,
    buffer: Vec<u8>,
    checkpoints: CheckpointWriter,
    /// The journeys that are open, and where their last body frames lie.
    pub(super) journeys: HashMap<RequestId, OpenJourney>,
}

/// Where a writer goes on.
pub(super) struct LedgerState {
    /// The segment that is written, and where its records end; `None` where it must be begun first.
    pub(super) segment: Option<(u64, [u8; 16], u64)>,
    pub(super) tree: Frontier,
    pub(super) link: Digest,
    pub(super) journeys: HashMap<RequestId, OpenJourney>,
    /// How many bytes of the segment's checkpoint list are good, and how many records the last one counts.
    pub(super) checkpoints: (u64, u64),
}

impl LedgerWriter {
    pub(super) fn resume(
        disk: Arc<dyn Disk>,
        entropy: Arc<dyn Entropy>,
        options: Options,
        key: SigningKey,
        state: LedgerState,
    ) -> io::Result<Self> {
        let LedgerState { segment, tree, link, journeys, checkpoints } = state;
        let origin = key.trusted().name().to_owned();
        let (checkpoints, file, nonce, first) = match segment {
            Some((first, nonce, end)) => {
                let file = disk.open(&log_segment_path(first), Access::Write)?;
                let (good_bytes, size) = checkpoints;
                let checkpoints = CheckpointWriter::resume(disk.as_ref(), key, first, good_bytes, size)?;
                (checkpoints, AheadFile::new(file, end, options.ahead_bytes), nonce, first)
            }
            None => {
                let checkpoints = CheckpointWriter::begin(disk.as_ref(), key, &tree)?;
                let head = head(entropy.as_ref(), &origin, link, &tree, &journeys);
                (checkpoints, begin_segment(disk.as_ref(), &options, &head)?, head.nonce, tree.size())
            }
        };
        let synced = tree.size();
        let buffer = Vec::new();
        Ok(Self {
            disk,
            entropy,
            options,
            origin,
            file,
            nonce,
            first,
            tree,
            link,
            synced,
            buffer,
            checkpoints,
            journeys,
        })
    }

    /// How many records there are, those that wait to be committed included.
    pub(super) const fn size(&self) -> u64 {
        self.tree.size()
    }

    /// How many records the last checkpoint counts.
    pub(super) const fn checkpointed(&self) -> u64 {
        self.checkpoints.size()
    }

    /// Adds a record, to be written with the next commit, and gives its number.
    pub(super) fn append(&mut self, leaf: &[u8], body: BodyAt) -> io::Result<u64> {
        let frame_length = (FRAME_OVERHEAD + leaf.len()) as u64;
        let begun = self.file.end() + self.buffer.len() as u64;
        if begun + frame_length > self.options.segment_bytes && self.tree.size() > self.first {
            self.rotate()?;
        }
        let number = self.tree.size();
        let frame = Frame { number, synced: self.synced, body: body.word(), previous: self.link, leaf };
        frame.append_to(&self.nonce, &mut self.buffer);
        self.link = frame.link();
        self.tree.push(leaf_hash(leaf));
        Ok(number)
    }

    /// Writes and syncs what was added.
    pub(super) fn commit(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.file.append(&self.buffer)?;
        self.buffer.clear();
        self.file.sync()?;
        self.synced = self.tree.size();
        Ok(())
    }

    /// Signs a checkpoint where the last one does not count every record that is on disk.
    pub(super) fn checkpoint(&mut self) -> io::Result<()> {
        if self.checkpoints.size() < self.synced && self.synced == self.tree.size() {
            self.checkpoints.sign(&self.tree)?;
        }
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        // Everything before the new segment is on disk before the segment is there, so a segment that ends too early
        // while another follows was damaged and not torn.
        self.commit()?;
        self.checkpoints.rotate(self.disk.as_ref(), &self.tree)?;
        let head = head(self.entropy.as_ref(), &self.origin, self.link, &self.tree, &self.journeys);
        self.file = begin_segment(self.disk.as_ref(), &self.options, &head)?;
        self.nonce = head.nonce;
        self.first = self.tree.size();
        Ok(())
    }
}

fn head(
    entropy: &dyn Entropy,
    origin: &str,
    link: Digest,
    tree: &Frontier,
    journeys: &HashMap<RequestId, OpenJourney>,
) -> SegmentHead {
    let mut nonce = [0; 16];
    entropy.fill(&mut nonce);
    // A journey whose intent comes later in the same batch has its body on disk already, and no number yet.
    let mut open: Vec<_> = journeys.values().copied().filter(|journey| journey.intent < tree.size()).collect();
    open.sort_unstable_by_key(|journey| journey.intent);
    SegmentHead { nonce, origin: origin.to_owned(), link, tree: tree.clone(), open }
}

/// Begins a segment: its head is on disk, under its name, before the first record is written, so that a segment
/// without a good head never held a record.
fn begin_segment(disk: &dyn Disk, options: &Options, head: &SegmentHead) -> io::Result<AheadFile> {
    let path = log_segment_path(head.tree.size());
    let file = match disk.create(&path, Privacy::Group) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => disk.open(&path, Access::Write)?,
        created => created?,
    };
    file.set_len(0)?;
    let mut file = AheadFile::new(file, 0, options.ahead_bytes);
    file.append(&head.to_bytes())?;
    file.sync()?;
    disk.sync_dir(LEDGER)?;
    Ok(file)
}
