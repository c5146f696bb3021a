//! What somebody can do to a log who can write to its folder, knows its format, and perhaps has its key.

use gatewright_ledger::{BodyAt, LeafKind};
use gatewright_ledger::{Checkpoint, Frame, Frontier, Leaf, OpenJourney, Parsed, SegmentHead, SigningKey, leaf_hash};
use gatewright_store::testing::FakeDisk;

/// A record as it stands in a segment.
#[derive(Clone)]
pub struct Record {
    pub segment: usize,
    pub start: usize,
    pub end: usize,
    pub synced: u64,
    pub body: u64,
    pub leaf: Vec<u8>,
}

/// The log of a folder, taken apart.
pub struct Log {
    pub segments: Vec<u64>,
    pub records: Vec<Record>,
    nonces: Vec<[u8; 16]>,
    origin: String,
}

pub fn segment_path(first: u64) -> String {
    format!("ledger/{first:020}.log")
}

pub fn list_path(first: u64) -> String {
    format!("ledger/{first:020}.checkpoints")
}

pub fn key(disk: &FakeDisk) -> SigningKey {
    SigningKey::from_text(&String::from_utf8(disk.contents("keys/log.key").unwrap()).unwrap()).unwrap()
}

/// The notes in a list of checkpoints.
pub fn notes(disk: &FakeDisk, first: u64) -> Vec<String> {
    let list = String::from_utf8(disk.contents(&list_path(first)).unwrap()).unwrap();
    let parts: Vec<&str> = list.split_inclusive("\n\n").collect();
    parts.chunks(2).map(|entry| entry.concat().strip_suffix('\n').unwrap().to_owned()).collect()
}

impl Log {
    pub fn read(disk: &FakeDisk) -> Self {
        let mut log = Self { segments: Vec::new(), records: Vec::new(), nonces: Vec::new(), origin: String::new() };
        for path in disk.paths().into_iter().filter(|path| path.ends_with(".log")) {
            let bytes = disk.contents(&path).unwrap();
            let (head, mut at) = SegmentHead::parse(&bytes).unwrap();
            let segment = log.segments.len();
            log.segments.push(head.tree.size());
            log.nonces.push(head.nonce);
            log.origin = head.origin;
            while let Parsed::Frame(frame, length) = Frame::parse(&head.nonce, &bytes[at..]) {
                let (synced, body, leaf) = (frame.synced, frame.body, frame.leaf.to_vec());
                log.records.push(Record { segment, start: at, end: at + length, synced, body, leaf });
                at += length;
            }
        }
        log
    }

    /// Writes the log anew with consistent numbers, links, heads and checksums: everything but the signatures. The
    /// segments keep the records that they had, numbered anew.
    pub fn write(&self, disk: &FakeDisk) -> Frontier {
        for path in disk.paths().into_iter().filter(|path| path.ends_with(".log")) {
            disk.remove(&path);
        }
        let (mut tree, mut link) = (Frontier::new(), [0; 32]);
        let mut open: Vec<OpenJourney> = Vec::new();
        for (segment, nonce) in self.nonces.iter().enumerate() {
            let head = SegmentHead {
                nonce: *nonce,
                origin: self.origin.clone(),
                link,
                tree: tree.clone(),
                open: open.clone(),
            };
            let first = tree.size();
            let mut bytes = head.to_bytes();
            for record in self.records.iter().filter(|record| record.segment == segment) {
                let number = tree.size();
                let synced = record.synced.min(number);
                let frame = Frame { number, synced, body: record.body, previous: link, leaf: &record.leaf };
                frame.append_to(nonce, &mut bytes);
                link = frame.link();
                tree.push(leaf_hash(&record.leaf));
                let leaf = Leaf::decode(&record.leaf).unwrap();
                match (leaf.kind, leaf.request) {
                    (LeafKind::Intent, Some(request)) => {
                        open.push(OpenJourney { request, intent: number, body: BodyAt::from_word(record.body) });
                    }
                    (LeafKind::Outcome, Some(request)) => open.retain(|journey| journey.request != request),
                    _ => {}
                }
            }
            disk.put(&segment_path(first), bytes);
        }
        tree
    }

    /// Replaces every list of checkpoints by ones that this key signs for this log.
    pub fn sign(&self, disk: &FakeDisk, key: &SigningKey) {
        for path in disk.paths().into_iter().filter(|path| path.ends_with(".checkpoints")) {
            disk.remove(&path);
        }
        let mut tree = Frontier::new();
        for segment in 0..self.nonces.len() {
            let path = list_path(tree.size());
            let mut list = format!("{}\n", Checkpoint::sign(tree.size(), &tree.root(), key));
            for record in self.records.iter().filter(|record| record.segment == segment) {
                tree.push(leaf_hash(&record.leaf));
            }
            list.push_str(&format!("{}\n", Checkpoint::sign(tree.size(), &tree.root(), key)));
            disk.put(&path, list.into_bytes());
        }
    }
}
