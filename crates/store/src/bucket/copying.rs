use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use gatewright_ledger::TrustedKey;
use gatewright_model::to_hex;
use object_store::UpdateVersion;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use super::objects::{BucketFault, Created, Objects, Swapped};
use super::pieces::{piece_name, state_name};
use super::spans::{LogSpan, Seen, Span, Spool, listed};
use crate::disk::{Access, Disk, read_up_to, read_whole};
use crate::folder::{
    REGISTER_CHECKPOINT, REGISTER_COSIGNED, REGISTER_FILE, Register, SegmentReader, Step, TRUSTED_FILE,
    checkpoints_path, log_segment_path, open_head, read_register, register_name,
};

/// The object that says how far the copy came. Nothing is proved by it: it is for whoever goes on.
const POINTER: &str = "latest";

/// The most bytes of one piece.
const PIECE: u64 = 8 << 20;

/// The most bytes that are copied before the spool is measured again.
const STRETCH: u64 = 64 << 20;

/// How many states of the pointer are remembered whose answers were lost.
const MOST_TRIED: usize = 64;

/// The most bytes of a list of checkpoints.
const LIST_LIMIT: usize = 256 << 20;

/// How far the copy came, as the pointer says it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Standing {
    format: u32,
    deployment: String,
    records: u64,
    /// The segment, where the copy of it ends, and where its last record begins.
    segment: u64,
    offset: u64,
    last: u64,
    /// What the record behind the last one holds of it.
    link: String,
    body_segment: u64,
    body_offset: u64,
    /// The list of checkpoints, the number of its log's first record, and where the copy of it ends.
    list: u64,
    list_base: u64,
    list_offset: u64,
    /// The bytes of the register.
    register: u64,
}

/// What came of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Round {
    /// The bucket has everything that was on disk when the round began.
    Whole,
    /// There is more.
    Part,
}

/// A copy that is being made. It blocks on files and, by the runtime, on the bucket.
pub(super) struct Copying {
    disk: Arc<dyn Disk>,
    objects: Objects,
    runtime: Handle,
    root: TrustedKey,
    spool: Spool,
    standing: Standing,
    /// The pointer's version, once the bucket was asked; `None` within where there is none yet.
    greeted: Option<Option<UpdateVersion>>,
    pointed: Standing,
    /// What the pointer may have become without our knowing.
    tried: VecDeque<Bytes>,
    /// The register's sizes whose checkpoint and whose cosigned checkpoint are in the bucket.
    noted: (Option<u64>, Option<u64>),
}

impl Copying {
    /// A copy of a folder whose last segment begins with this record: until the bucket has been asked how far it is, what
    /// was recorded since counts as the spool.
    pub(super) fn new(disk: Arc<dyn Disk>, objects: Objects, runtime: Handle, root: TrustedKey, segment: u64) -> Self {
        let spool = Spool::behind(Seen { records: segment, segment, ..Seen::default() });
        let (standing, pointed) = (Standing::default(), Standing::default());
        let (tried, noted) = (VecDeque::new(), (None, None));
        Self { disk, objects, runtime, root, spool, standing, greeted: None, pointed, tried, noted }
    }

    /// How many bytes wait.
    pub(super) fn waiting(&self) -> u64 {
        self.spool.bytes()
    }

    /// Copies what was recorded since, up to so many records, which are on disk; `durable` is asked after the register was
    /// read, whose word must not go beyond the records that are copied.
    pub(super) fn round(&mut self, durable: impl Fn() -> u64) -> Result<Round, BucketFault> {
        let register = self.register()?;
        let durable = durable();
        self.spool.look(&self.disk, durable).map_err(failed)?;
        if self.greeted.is_none() {
            self.greet(durable)?;
            self.spool.look(&self.disk, durable).map_err(failed)?;
        }
        let mut left = STRETCH;
        let round = self.copy(&mut left)?;
        if round == Round::Whole {
            self.copy_register(&register)?;
        }
        self.point()?;
        Ok(round)
    }

    /// Asks the bucket how far the copy came, and whether it is one of this folder.
    fn greet(&mut self, durable: u64) -> Result<(), BucketFault> {
        let found = self.runtime.block_on(self.objects.get(POINTER))?;
        let (standing, version) = match found {
            None => (Standing { format: 1, deployment: self.root.name().to_owned(), ..Standing::default() }, None),
            Some((bytes, version)) => {
                let standing: Standing = serde_json::from_slice(&bytes)
                    .map_err(|_| BucketFault::Forked(format!("`{POINTER}` cannot be read")))?;
                if standing.format != 1 || standing.deployment != self.root.name() {
                    return Err(BucketFault::Forked(format!("it is of `{}`", standing.deployment)));
                }
                if standing.records > durable {
                    return Err(BucketFault::RolledBack { bucket: standing.records, folder: durable });
                }
                self.check_last(&standing)?;
                (standing, Some(version))
            }
        };
        let key = Bytes::from(format!("{}\n", self.root));
        self.put_state(TRUSTED_FILE, 0, &key)?;
        let (records, segment, offset) = (standing.records, standing.segment, standing.offset);
        let (body_segment, body_offset) = (standing.body_segment, standing.body_offset);
        self.spool = Spool::behind(Seen { records, segment, offset, body_segment, body_offset });
        self.pointed = standing.clone();
        self.standing = standing;
        self.greeted = Some(version);
        Ok(())
    }

    /// Checks that the folder still has the record that the copy ended with.
    fn check_last(&self, standing: &Standing) -> Result<(), BucketFault> {
        if standing.records == 0 {
            return Ok(());
        }
        let same = (|| {
            let file = match self.disk.open(&log_segment_path(standing.segment), Access::Read) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
                opened => opened?,
            };
            let Ok((head, _)) = open_head(file.as_ref())? else { return Ok(false) };
            let mut reader = SegmentReader::of_one(file.as_ref(), head.nonce, standing.last);
            Ok(match reader.next()? {
                Step::Frame(frame, _) => frame.number + 1 == standing.records && to_hex(&frame.link()) == standing.link,
                Step::End | Step::Bad => false,
            })
        })();
        match same {
            Ok(true) => Ok(()),
            Ok(false) => Err(BucketFault::Forked(format!("record {} is another one", standing.records - 1))),
            Err(error) => Err(failed(error)),
        }
    }

    fn copy(&mut self, left: &mut u64) -> Result<Round, BucketFault> {
        // Bodies before the records that vouch for them, as on disk.
        while let Some(mut span) = self.spool.bodies.pop_front() {
            let copied = self.copy_span(&mut span, left);
            if span.from < span.to {
                self.spool.bodies.push_front(span);
                return copied.map(|()| Round::Part);
            }
            copied?;
        }
        let seen = &self.spool.seen;
        (self.standing.body_segment, self.standing.body_offset) = (seen.body_segment, seen.body_offset);
        while let Some(mut log) = self.spool.log.pop_front() {
            let copied = self.copy_log(&mut log, left);
            if log.span.from < log.span.to {
                self.spool.log.push_front(log);
                return copied.map(|()| Round::Part);
            }
            copied?;
        }
        // Those that were signed since.
        self.copy_list()?;
        Ok(Round::Whole)
    }

    fn copy_log(&mut self, log: &mut LogSpan, left: &mut u64) -> Result<(), BucketFault> {
        if log.segment != self.standing.list {
            // What the list of the segment before was given last.
            if self.standing.records > 0 {
                self.copy_list()?;
            }
            (self.standing.list, self.standing.list_offset) = (log.segment, 0);
        }
        if self.standing.list_offset == 0 {
            // This one's first entry, which is there before the segment is.
            self.standing.list_base = log.base;
            self.copy_list()?;
        }
        self.copy_span(&mut log.span, left)?;
        if log.span.from >= log.span.to {
            let standing = &mut self.standing;
            (standing.records, standing.segment, standing.offset) = (log.records, log.segment, log.span.to);
            (standing.last, standing.link) = (log.last, to_hex(&log.link));
            self.copy_list()?;
        }
        Ok(())
    }

    /// Copies a stretch piece by piece, as far as may be.
    fn copy_span(&mut self, span: &mut Span, left: &mut u64) -> Result<(), BucketFault> {
        while span.from < span.to && *left > 0 {
            let bytes = self.read(&span.path, span.from, (span.to - span.from).min(PIECE))?;
            let length = self.put_piece(&span.path, span.from, bytes)?;
            *left = left.saturating_sub(length);
            if span.from + length > span.to {
                // Pieces are made of what is on disk for certain, so that none can reach further.
                return Err(BucketFault::Forked(format!("`{}` is longer there", span.path)));
            }
            span.from += length;
        }
        Ok(())
    }

    /// Copies what may be copied of the present list of checkpoints.
    fn copy_list(&mut self) -> Result<(), BucketFault> {
        let path = checkpoints_path(self.standing.list);
        let bytes = match read_whole(self.disk.as_ref(), &path, LIST_LIMIT) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        let end = listed(&bytes, self.standing.list_base, self.standing.records) as u64;
        while self.standing.list_offset < end {
            let from = self.standing.list_offset;
            let piece = self.read(&path, from, (end - from).min(PIECE))?;
            self.standing.list_offset += self.put_piece(&path, from, piece)?;
        }
        Ok(())
    }

    fn register(&self) -> Result<Register, BucketFault> {
        let name = register_name(self.disk.as_ref(), self.root.name()).map_err(failed)?;
        let Some(name) = name else { return Ok(Register::default()) };
        let key = self.root.named(&name).map_err(|bad| BucketFault::Disk(bad.to_string()))?;
        let register = read_register(self.disk.as_ref(), &key).map_err(failed)?;
        register.map_err(|why| BucketFault::Disk(format!("the register: {why}")))
    }

    fn copy_register(&mut self, register: &Register) -> Result<(), BucketFault> {
        while self.standing.register < register.bytes.len() as u64 {
            let from = self.standing.register;
            let rest = register.bytes.get(usize::try_from(from).unwrap_or(usize::MAX)..).unwrap_or_default();
            let piece = Bytes::copy_from_slice(&rest[..rest.len().min(PIECE as usize)]);
            self.standing.register += self.put_piece(REGISTER_FILE, from, piece)?;
        }
        let size = register.entries.len() as u64;
        if !register.note.is_empty() && self.noted.0 != Some(size) {
            self.put_state(REGISTER_CHECKPOINT, size, &Bytes::from(register.note.clone()))?;
            self.noted.0 = Some(size);
        }
        let cosigned = register.cosigned.lines().nth(1).and_then(|size| size.parse().ok());
        if let Some(size) = cosigned
            && self.noted.1 != cosigned
        {
            // Another time's cosignatures of the same state say no less.
            let name = state_name(REGISTER_COSIGNED, size);
            self.runtime.block_on(self.objects.create(&name, Bytes::from(register.cosigned.clone())))?;
            self.noted.1 = cosigned;
        }
        Ok(())
    }

    /// Says in the bucket how far the copy came.
    fn point(&mut self) -> Result<(), BucketFault> {
        if self.standing == self.pointed {
            return Ok(());
        }
        let bytes = serde_json::to_vec(&self.standing).map_err(|error| BucketFault::Disk(error.to_string()))?;
        let bytes = Bytes::from(bytes);
        let mut version = self.greeted.clone().flatten();
        // What is there may be what an earlier try left, whose answer was lost; then it is gone on from.
        for _ in 0..2 {
            self.tried.retain(|tried| *tried != bytes);
            self.tried.push_back(bytes.clone());
            if self.tried.len() > MOST_TRIED {
                self.tried.pop_front();
            }
            let swapped = self.runtime.block_on(self.objects.swap(POINTER, version, bytes.clone()))?;
            let there = match swapped {
                Swapped::Now(new) => {
                    self.tried.clear();
                    self.greeted = Some(Some(new));
                    self.pointed = self.standing.clone();
                    return Ok(());
                }
                Swapped::Not(there) => there,
            };
            match there {
                Some((other, new)) if self.tried.contains(&other) => version = Some(new),
                Some(_) | None => return Err(BucketFault::Fenced),
            }
        }
        Err(BucketFault::Fenced)
    }

    /// Creates a piece; gives how far the bucket's reaches. One that is there must be what stands in the folder.
    fn put_piece(&self, path: &str, from: u64, bytes: Bytes) -> Result<u64, BucketFault> {
        let name = piece_name(path, from);
        let length = bytes.len() as u64;
        match self.runtime.block_on(self.objects.create(&name, bytes))? {
            Created::New => Ok(length),
            Created::There(there) => {
                let ours = self.read(path, from, there.len() as u64)?;
                if there.is_empty() || ours != there {
                    return Err(BucketFault::Forked(format!("`{name}` differs")));
                }
                Ok(there.len() as u64)
            }
        }
    }

    fn put_state(&self, path: &str, number: u64, bytes: &Bytes) -> Result<(), BucketFault> {
        let name = state_name(path, number);
        match self.runtime.block_on(self.objects.create(&name, bytes.clone()))? {
            Created::New => Ok(()),
            Created::There(there) if there == *bytes => Ok(()),
            Created::There(_) => Err(BucketFault::Forked(format!("`{name}` differs"))),
        }
    }

    fn read(&self, path: &str, from: u64, length: u64) -> Result<Bytes, BucketFault> {
        let file = self.disk.open(path, Access::Read).map_err(failed)?;
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        let read = read_up_to(file.as_ref(), from, &mut bytes).map_err(failed)?;
        bytes.truncate(read);
        if bytes.is_empty() {
            return Err(BucketFault::Disk(format!("{path} ends before {from}")));
        }
        Ok(Bytes::from(bytes))
    }
}

fn failed(error: io::Error) -> BucketFault {
    BucketFault::Disk(error.to_string())
}
