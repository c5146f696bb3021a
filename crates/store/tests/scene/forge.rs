//! What somebody can do to a data folder who can write to it, knows its format, and perhaps has the root key.

use gatewright_ledger::{
    BodyAt, Certificate, Checkpoint, Frame, Frontier, Leaf, LeafKind, Occasion, OpenJourney, Origin, Parsed,
    Registration, SegmentHead, SigningKey, leaf_hash,
};
use gatewright_model::{Digest, Event, Predecessor, Secret};
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

/// The logs of a folder, taken apart.
#[derive(Clone)]
pub struct Log {
    pub segments: Vec<u64>,
    pub records: Vec<Record>,
    pub heads: Vec<SegmentHead>,
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

/// The register's checkpoint.
pub fn register_note(disk: &FakeDisk) -> String {
    String::from_utf8(disk.contents("ledger/register.checkpoint").unwrap()).unwrap()
}

impl Log {
    pub fn read(disk: &FakeDisk) -> Self {
        let mut log = Self { segments: Vec::new(), records: Vec::new(), heads: Vec::new() };
        for path in disk.paths().into_iter().filter(|path| path.ends_with(".log")) {
            let bytes = disk.contents(&path).unwrap();
            let Ok((head, mut at)) = SegmentHead::parse(&bytes) else { continue };
            let segment = log.segments.len();
            log.segments.push(head.first);
            while let Parsed::Frame(frame, length) = Frame::parse(&head.nonce, &bytes[at..]) {
                let (synced, body, leaf) = (frame.synced, frame.body, frame.leaf.to_vec());
                log.records.push(Record { segment, start: at, end: at + length, synced, body, leaf });
                at += length;
            }
            log.heads.push(head);
        }
        log
    }

    /// Writes the logs anew with consistent numbers, links, heads, beginnings and checksums: everything but the
    /// signatures; and, where a root key is given, those too, under new keys of the logs. The segments keep the records
    /// that they had, numbered anew.
    pub fn write(&self, disk: &FakeDisk, root: Option<&SigningKey>) {
        for path in disk.paths() {
            if path.ends_with(".log") || (root.is_some() && path.starts_with("ledger/") && path != "ledger/lock") {
                disk.remove(&path);
            }
        }
        let (mut first, mut link) = (0, [0; 32]);
        let mut open: Vec<OpenJourney> = Vec::new();
        let (mut tree, mut origin, mut previous) = (Frontier::new(), String::new(), None);
        let mut register = Vec::new();
        for (segment, old) in self.heads.iter().enumerate() {
            if old.origin() != origin {
                if !origin.is_empty() {
                    let (size, root) = (tree.size(), tree.root());
                    register.push((Occasion::Closed, origin.clone(), size, root));
                    previous = Some(Predecessor { origin: origin.as_str().into(), size, root });
                }
                (tree, origin) = (Frontier::new(), old.origin().to_owned());
                register.push((Occasion::Opened, origin.clone(), 0, tree.root()));
            }
            let key = SigningKey::from_seed(&origin, Secret::new([99; 32])).unwrap();
            let certificate = match root {
                Some(root) => Certificate::issue(root, key.trusted()),
                None => old.certificate.clone(),
            };
            let nonce = old.nonce;
            let head = SegmentHead { nonce, certificate, first, link, tree: tree.clone(), open: open.clone() };
            let path = segment_path(first);
            let mut list = format!("{}\n", Checkpoint::sign(tree.size(), &tree.root(), &key));
            let list_at = list_path(first);
            let mut bytes = head.to_bytes();
            for record in self.records.iter().filter(|record| record.segment == segment) {
                let mut leaf = Leaf::decode(&record.leaf).unwrap();
                for moment in &mut leaf.moments {
                    if let Event::Started { previous: said, .. } = &mut moment.event {
                        said.clone_from(&previous);
                    }
                }
                let encoded = leaf.encode().unwrap();
                let synced = record.synced.min(first);
                let frame = Frame { number: first, synced, body: record.body, previous: link, leaf: &encoded };
                frame.append_to(&nonce, &mut bytes);
                link = frame.link();
                tree.push(leaf_hash(&encoded));
                match (leaf.kind, leaf.request) {
                    (LeafKind::Intent, Some(request)) => {
                        open.push(OpenJourney { request, intent: first, body: BodyAt::from_word(record.body) });
                    }
                    (LeafKind::Outcome, Some(request)) => open.retain(|journey| journey.request != request),
                    _ => {}
                }
                first += 1;
            }
            disk.put(&path, bytes);
            if root.is_some() {
                list.push_str(&format!("{}\n", Checkpoint::sign(tree.size(), &tree.root(), &key)));
                disk.put(&list_at, list.into_bytes());
            }
        }
        if let Some(root) = root {
            write_register(disk, root, &origin, register);
        }
    }
}

/// Writes a register of these entries that the root key signs.
pub fn write_register(disk: &FakeDisk, root: &SigningKey, origin: &str, entries: Vec<(Occasion, String, u64, Digest)>) {
    let (mut bytes, mut tree) = (Vec::new(), Frontier::new());
    for (occasion, origin, size, root) in entries {
        let entry = Registration { occasion, at: super::at(0), origin: origin.into(), size, root }.encode();
        bytes.extend_from_slice(&(entry.len() as u16).to_be_bytes());
        bytes.extend_from_slice(&entry);
        tree.push(leaf_hash(&entry));
    }
    let key = root.named(&Origin::parse(origin).unwrap().register()).unwrap();
    disk.put("ledger/register", bytes);
    let note = Checkpoint::sign(tree.size(), &tree.root(), &key);
    disk.put("ledger/register.checkpoint", note.into_bytes());
}
