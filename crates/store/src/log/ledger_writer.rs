use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use gatewright_ledger::{
    BodyAt, Certificate, FRAME_OVERHEAD, Frame, Frontier, OpenJourney, SegmentHead, SigningKey, leaf_hash,
};
use gatewright_model::{Digest, Entropy, RequestId};

use super::Options;
use super::ahead::AheadFile;
use super::checkpoint_writer::{CheckpointWriter, Signed};
use crate::disk::{Access, Disk, Privacy};
use crate::folder::{LEDGER, log_segment_path};

/// Appends the records of one log to its segments. Numbers go on from the log before; the tree is the log's own.
pub(super) struct LedgerWriter {
    disk: Arc<dyn Disk>,
    entropy: Arc<dyn Entropy>,
    options: Options,
    certificate: Arc<Certificate>,
    file: AheadFile,
    nonce: [u8; 16],
    /// The number of the log's first record.
    base: u64,
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

/// Where a record stands, or will with the next commit.
pub(super) struct Appended {
    pub(super) number: u64,
    /// Its leaf's hash.
    pub(super) hash: Digest,
    pub(super) segment: u64,
    pub(super) offset: u64,
    pub(super) end: u64,
    pub(super) body: BodyAt,
    /// What the next record holds of it.
    pub(super) link: Digest,
}

/// Behind what a log is begun.
pub(super) struct LedgerState {
    /// The number that its first record gets.
    pub(super) first: u64,
    pub(super) link: Digest,
    /// The journeys that the last run left open.
    pub(super) journeys: HashMap<RequestId, OpenJourney>,
}

impl LedgerWriter {
    /// Begins a log, in a segment of its own.
    pub(super) fn begin(
        disk: Arc<dyn Disk>,
        entropy: Arc<dyn Entropy>,
        options: Options,
        (key, certificate): (Arc<SigningKey>, Arc<Certificate>),
        state: LedgerState,
    ) -> io::Result<Self> {
        let LedgerState { first, link, journeys } = state;
        let checkpoints = CheckpointWriter::begin(disk.as_ref(), key, first)?;
        let tree = Frontier::new();
        let head = head(entropy.as_ref(), &certificate, first, link, &tree, &journeys);
        let file = begin_segment(disk.as_ref(), &options, &head)?;
        let nonce = head.nonce;
        let (synced, buffer) = (first, Vec::new());
        Ok(Self {
            disk,
            entropy,
            options,
            certificate,
            file,
            nonce,
            base: first,
            first,
            tree,
            link,
            synced,
            buffer,
            checkpoints,
            journeys,
        })
    }

    /// How many records the folder has, those that wait to be committed included.
    pub(super) const fn size(&self) -> u64 {
        self.base + self.tree.size()
    }

    /// The tree of the present log, those that wait to be committed included.
    pub(super) const fn tree(&self) -> &Frontier {
        &self.tree
    }

    /// The last checkpoint.
    pub(super) const fn signed(&self) -> &Arc<Signed> {
        self.checkpoints.signed()
    }

    /// Whether the last checkpoint counts every record.
    pub(super) fn is_signed(&self) -> bool {
        self.checkpoints.signed().size == self.tree.size()
    }

    /// Adds a record, to be written with the next commit, and says where it will stand.
    pub(super) fn append(&mut self, leaf: &[u8], body: BodyAt) -> io::Result<Appended> {
        let frame_length = (FRAME_OVERHEAD + leaf.len()) as u64;
        let begun = self.file.end() + self.buffer.len() as u64;
        if begun + frame_length > self.options.segment_bytes && self.size() > self.first {
            self.rotate()?;
        }
        let number = self.size();
        let offset = self.file.end() + self.buffer.len() as u64;
        let frame = Frame { number, synced: self.synced, body: body.word(), previous: self.link, leaf };
        frame.append_to(&self.nonce, &mut self.buffer);
        self.link = frame.link();
        let hash = leaf_hash(leaf);
        self.tree.push(hash);
        let end = self.file.end() + self.buffer.len() as u64;
        Ok(Appended { number, hash, segment: self.first, offset, end, body, link: self.link })
    }

    /// Writes and syncs what was added.
    pub(super) fn commit(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.file.append(&self.buffer)?;
        self.buffer.clear();
        self.file.sync()?;
        self.synced = self.size();
        Ok(())
    }

    /// Signs a checkpoint where the last one does not count every record that is on disk.
    pub(super) fn checkpoint(&mut self) -> io::Result<()> {
        if !self.is_signed() && self.synced == self.size() {
            self.checkpoints.sign(&self.tree)?;
        }
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        // Everything before the new segment is on disk before the segment is there, so a segment that ends too early
        // while another follows was damaged and not torn.
        self.commit()?;
        let first = self.size();
        self.checkpoints.rotate(self.disk.as_ref(), first, &self.tree)?;
        let head = head(self.entropy.as_ref(), &self.certificate, first, self.link, &self.tree, &self.journeys);
        self.file = begin_segment(self.disk.as_ref(), &self.options, &head)?;
        self.nonce = head.nonce;
        self.first = first;
        Ok(())
    }
}

fn head(
    entropy: &dyn Entropy,
    certificate: &Certificate,
    first: u64,
    link: Digest,
    tree: &Frontier,
    journeys: &HashMap<RequestId, OpenJourney>,
) -> SegmentHead {
    let mut nonce = [0; 16];
    entropy.fill(&mut nonce);
    // A journey whose intent comes later in the same batch has its body on disk already, and no number yet.
    let mut open: Vec<_> = journeys.values().copied().filter(|journey| journey.intent < first).collect();
    open.sort_unstable_by_key(|journey| journey.intent);
    SegmentHead { nonce, certificate: certificate.clone(), first, link, tree: tree.clone(), open }
}

/// Begins a segment: its head is on disk, under its name, before the first record is written, so that a segment
/// without a good head never held a record.
fn begin_segment(disk: &dyn Disk, options: &Options, head: &SegmentHead) -> io::Result<AheadFile> {
    let path = log_segment_path(head.first);
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
