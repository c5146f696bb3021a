use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use gatewright_ledger::{
    Checkpoint, Finding, Flaw, Keeper, Malformed, Origin, SegmentHead, TrustedKey, Verifier, Vouched, WhichBody,
};

use super::outside::Outside;
use super::published::{self, Published};
use super::{KeySource, Progress, Report, Tail, VerifyError};
use crate::disk::{Access, Disk, DiskFile};
use crate::folder::{
    Bodies, CheckpointList, Register, SegmentReader, Step, log_segment_path, log_segments, longest_head, open_head,
    read_register, register_name, used_until,
};

/// How many records behind a misplaced one are looked at to see whether the missing one was moved there.
const LOOK_AHEAD: usize = 4_096;

/// Whether a list of checkpoints has the segment that it belongs to.
#[derive(Clone, Copy)]
enum HasSegment {
    Yes,
    No,
}

/// Whether another log follows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Some,
    None,
}

/// What ends a verification early.
pub(super) enum Stop {
    Finding(Finding),
    Disk(io::Error),
}

impl From<Finding> for Stop {
    fn from(finding: Finding) -> Self {
        Self::Finding(finding)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

/// Reads the whole log, from its first segment to its last.
pub(super) fn read(
    disk: &Arc<dyn Disk>,
    trusted: &TrustedKey,
    key_source: KeySource,
    outside: &Outside,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, VerifyError> {
    let mut reading = Reading::new(disk, trusted, progress);
    let finding = match reading.run(outside) {
        Ok(Read::Whole) => None,
        Ok(Read::NoLog) => return Err(VerifyError::NoLog),
        Ok(Read::OlderFormat) => return Err(VerifyError::OlderFormat),
        Err(Stop::Finding(finding)) => Some(finding),
        Err(Stop::Disk(error)) => return Err(VerifyError::Disk(error)),
    };
    let verifier = &reading.verifier;
    Ok(Report {
        origin: trusted.name().to_owned(),
        key: trusted.to_string(),
        key_source,
        records: verifier.size(),
        log: verifier.origin().to_owned(),
        size: verifier.tree().size(),
        root: verifier.root(),
        logs: reading.counts.logs,
        register: reading.register.entries.len() as u64,
        cosigned: outside.cosigned(&reading.register.cosigned),
        published: reading.counts.published,
        vouched: verifier.vouched(),
        checkpoints: reading.counts.checkpoints,
        anchored: outside.count(),
        bodies: reading.counts.bodies,
        open: verifier.open().len() as u64,
        tail: reading.tail,
        finding,
    })
}

pub(super) enum Read {
    Whole,
    NoLog,
    OlderFormat,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Counts {
    checkpoints: u64,
    bodies: u64,
    logs: u64,
    published: u64,
}

pub(super) struct Reading<'a> {
    disk: &'a Arc<dyn Disk>,
    trusted: &'a TrustedKey,
    pub(super) verifier: Verifier,
    bodies: Bodies,
    progress: &'a mut dyn FnMut(Progress),
    /// Bytes read in whole segments, and bytes in all.
    bytes: (u64, u64),
    pub(super) counts: Counts,
    tail: Tail,
    pub(super) register: Arc<Register>,
    /// The key of the log that is being read.
    pub(super) key: Option<TrustedKey>,
    /// What was published of it.
    pub(super) published: Option<Published>,
    /// How the reading stood before each record, where a test wants to go on from there.
    #[cfg(feature = "testing")]
    pub(super) marks: Option<Vec<super::marks::Mark>>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(disk: &'a Arc<dyn Disk>, trusted: &'a TrustedKey, progress: &'a mut dyn FnMut(Progress)) -> Self {
        Self {
            disk,
            trusted,
            verifier: Verifier::new(),
            bodies: Bodies::new(disk.clone()),
            progress,
            bytes: (0, 0),
            counts: Counts::default(),
            tail: Tail::Clean,
            register: Arc::default(),
            key: None,
            published: None,
            #[cfg(feature = "testing")]
            marks: None,
        }
    }

    pub(super) fn run(&mut self, outside: &Outside) -> Result<Read, Stop> {
        let (segments, lists) = log_segments(self.disk.as_ref())?;
        if segments.is_empty() && lists.is_empty() && outside.count() == 0 {
            return Ok(Read::NoLog);
        }
        if let Some(first) = segments.first()
            && let Err(Malformed::Version) =
                open_head(self.disk.open(&log_segment_path(*first), Access::Read)?.as_ref())?
        {
            return Ok(Read::OlderFormat);
        }
        // Before the records: what is registered meanwhile is looked at the next time.
        self.read_register(&segments, outside)?;
        outside.add_to(&mut self.verifier)?;
        self.go_on(None, outside)
    }

    /// Reads everything behind this offset of this segment, or everything.
    pub(super) fn go_on(&mut self, mut last: Option<(u64, u64)>, outside: &Outside) -> Result<Read, Stop> {
        loop {
            let (segments, lists) = log_segments(self.disk.as_ref())?;
            let done = last.map(|(number, _)| number);
            let numbers: BTreeSet<u64> = segments
                .iter()
                .chain(&lists)
                .copied()
                .filter(|number| done.is_none_or(|done| *number > done))
                .collect();
            if numbers.is_empty() {
                break;
            }
            self.bytes.1 = self.bytes.0 + self.total(&segments, done)?;
            let next_to = |number: u64| segments.iter().copied().find(|segment| *segment > number);
            if let Some((number, offset)) = last
                && let Some(next) = next_to(number)
            {
                // The gateway has begun another segment since, behind records that were not there before.
                self.tail = Tail::Clean;
                self.read_list(number, HasSegment::Yes)?;
                self.read_rest(number, offset, next)?;
            }
            for number in numbers {
                if segments.contains(&number) {
                    last = Some((number, self.read_segment(number, next_to(number))?));
                } else {
                    self.read_list(number, HasSegment::No)?;
                }
            }
            if done == last.map(|(number, _)| number) {
                break;
            }
        }
        self.end_log(Next::None)?;
        self.verifier.finish()?;
        self.counts.published += published::check_register(self.disk.as_ref(), self.trusted, &self.register)
            .map_err(|path| path.map_or_else(Stop::Disk, |path| self.verifier.here(Flaw::Published { path }).into()))?;
        outside.check_witnesses(&self.register.cosigned).map_err(|flaw| self.verifier.here(flaw))?;
        Ok(Read::Whole)
    }

    /// Reads the register of logs, and takes what it says of each for a checkpoint of that log.
    fn read_register(&mut self, segments: &[u64], outside: &Outside) -> Result<(), Stop> {
        let Some(name) = self.register_name(segments, outside)? else { return Ok(()) };
        let key = self.trusted.named(&name).map_err(|_| self.verifier.here(Flaw::Certificate))?;
        let register =
            read_register(self.disk.as_ref(), &key)?.map_err(|why| self.verifier.here(Flaw::Register(why)))?;
        let seen = outside.check_register(&register, &key).map_err(|flaw| self.verifier.here(flaw))?;
        for (number, entry) in (0_u64..).zip(&register.entries) {
            let checkpoint = Checkpoint { origin: (*entry.origin).to_owned(), size: entry.size, root: entry.root };
            self.verifier.anchor(&checkpoint, if number < seen { Keeper::Outside } else { Keeper::Log })?;
        }
        self.register = Arc::new(register);
        Ok(())
    }

    /// The register's name, as its checkpoint says it, or a log, or somebody else where there is neither.
    fn register_name(&self, segments: &[u64], outside: &Outside) -> io::Result<Option<String>> {
        if let Some(name) = register_name(self.disk.as_ref(), self.trusted.name())? {
            return Ok(Some(name));
        }
        for segment in segments {
            let file = self.disk.open(&log_segment_path(*segment), Access::Read)?;
            if let Ok((head, _)) = open_head(file.as_ref())? {
                return Ok(Origin::parse(head.origin()).map(|origin| origin.register()));
            }
        }
        Ok(outside.register_name())
    }

    /// Checks what is left to check of the log that was read.
    fn end_log(&mut self, next: Next) -> Result<(), Stop> {
        if let Some(published) = self.published.take() {
            self.counts.published += published.count();
        }
        let (origin, base) = (self.verifier.origin().to_owned(), self.verifier.base());
        let is_registered = self.register.last_of(&origin).is_some();
        // The last log may have been cut off before it was registered; then nothing else is in it.
        let excused = next == Next::None && !self.verifier.is_used();
        if !origin.is_empty() && !is_registered && !excused {
            return Err(Finding { first: base, last: base, flaw: Flaw::Unregistered }.into());
        }
        Ok(())
    }

    fn total(&self, segments: &[u64], done: Option<u64>) -> io::Result<u64> {
        let mut total = 0;
        for number in segments.iter().filter(|number| done.is_none_or(|done| **number > done)) {
            total += self.disk.open(&log_segment_path(*number), Access::Read)?.length()?;
        }
        Ok(total)
    }

    /// Reads the checkpoints that were signed while a segment was written.
    fn read_list(&mut self, number: u64, segment: HasSegment) -> Result<(), Stop> {
        let Some(key) = &self.key else { return Ok(()) };
        let list = CheckpointList::read(self.disk.as_ref(), number, key)?;
        let missing = Flaw::Checkpoint { number: 0 };
        match (list, segment) {
            (Some(list), HasSegment::Yes) => {
                if let Some(bad) = list.bad {
                    return Err(self.verifier.here(Flaw::Checkpoint { number: bad }).into());
                }
                // A list's first entry is on disk before its segment is there.
                if list.listed.is_empty() {
                    return Err(self.verifier.here(missing).into());
                }
                self.counts.checkpoints += list.listed.len() as u64;
                self.anchor(&list)
            }
            // Of this log, which was about to begin another segment; or of the next one, whose key nobody knows then.
            (Some(list), HasSegment::No) => self.anchor(&list),
            (None, HasSegment::Yes) => Err(self.verifier.here(missing).into()),
            (None, HasSegment::No) => Ok(()),
        }
    }

    fn anchor(&mut self, list: &CheckpointList) -> Result<(), Stop> {
        for listed in &list.listed {
            self.verifier.anchor(listed, Keeper::Log)?;
        }
        Ok(())
    }

    /// Reads a segment from its head on, and says how far it went.
    fn read_segment(&mut self, first: u64, next: Option<u64>) -> Result<u64, Stop> {
        let size = self.verifier.size();
        if first > size {
            return Err(Finding { first: size, last: first - 1, flaw: Flaw::Dropped }.into());
        }
        if first < size {
            return Err(self.verifier.here(Flaw::Inserted).into());
        }
        let file = self.disk.open(&log_segment_path(first), Access::Read)?;
        match self.read_head(file.as_ref(), first, next)? {
            Some((nonce, start)) => self.read_records(file.as_ref(), nonce, start, next),
            None => Ok(0),
        }
    }

    /// Reads what was added to a segment before the next one was begun.
    fn read_rest(&mut self, first: u64, offset: u64, next: u64) -> Result<(), Stop> {
        let file = self.disk.open(&log_segment_path(first), Access::Read)?;
        let Ok((head, start)) = open_head(file.as_ref())? else {
            return Err(self.verifier.here(Flaw::Head).into());
        };
        self.read_records(file.as_ref(), head.nonce, offset.max(start), Some(next)).map(|_| ())
    }

    pub(super) fn read_records(
        &mut self,
        file: &dyn DiskFile,
        nonce: [u8; 16],
        start: u64,
        next: Option<u64>,
    ) -> Result<u64, Stop> {
        let mut reader = SegmentReader::new(file, nonce, start);
        let mut doubted = None;
        loop {
            #[cfg(feature = "testing")]
            super::marks::Mark::note(self, nonce, reader.offset());
            match reader.next()? {
                Step::Frame(frame, _) => {
                    if frame.number != self.verifier.size() {
                        let found = frame.number;
                        return Err(self.misplaced(found, &mut reader)?.into());
                    }
                    let verified = self.verifier.frame(&frame)?;
                    if let Some(published) = &mut self.published {
                        published.take(self.disk.as_ref(), frame.leaf, verified.hash).map_err(|path| {
                            path.map_or_else(Stop::Disk, |path| self.verifier.here(Flaw::Published { path }).into())
                        })?;
                    }
                    if let Some(vouched) = verified.vouched {
                        self.check_body(&vouched, self.verifier.size() - 1)?;
                    }
                    self.tell(reader.offset());
                }
                Step::End => break,
                Step::Bad => match self.judge_bad(file, &reader, next) {
                    // What proves that the record was on disk may have been written only after its place was read,
                    // beside a running gateway: the place is read once more behind the proof.
                    Err(Stop::Finding(_)) if doubted != Some(reader.offset()) => {
                        doubted = Some(reader.offset());
                        reader.look_again();
                    }
                    judged => {
                        judged?;
                        break;
                    }
                },
            }
        }
        self.bytes.0 += reader.offset() - start;
        match next {
            Some(next) if next != self.verifier.size() => {
                let last = next.saturating_sub(1).max(self.verifier.size());
                Err(Finding { first: self.verifier.size(), last, flaw: Flaw::Dropped }.into())
            }
            Some(_) | None => Ok(reader.offset()),
        }
    }

    /// Reads and checks a segment's head; `None` for one that was begun and got none, which has no records.
    fn read_head(
        &mut self,
        file: &dyn DiskFile,
        first: u64,
        next: Option<u64>,
    ) -> Result<Option<([u8; 16], u64)>, Stop> {
        if let Ok((head, start)) = open_head(file)? {
            if next.is_none() && head.origin() != self.verifier.origin() && self.never_began(file, &head, start)? {
                self.tail = Tail::Unfinished { bytes: used_until(file, 0)? };
                return Ok(None);
            }
            if head.origin() != self.verifier.origin() {
                self.begin_log(&head)?;
            }
            self.read_list(first, HasSegment::Yes)?;
            self.verifier.head(&head)?;
            if self.key.as_ref().is_none_or(|key| head.certificate.open(self.trusted) != Ok(key)) {
                return Err(self.verifier.here(Flaw::Certificate).into());
            }
            return Ok(Some((head.nonce, start)));
        }
        let used = used_until(file, 0)?;
        let open = self.verifier.open().map(|(request, _)| request);
        if next.is_some() || used > longest_head(self.trusted.name(), self.verifier.tree(), open) {
            return Err(self.verifier.here(Flaw::Head).into());
        }
        self.tail = Tail::Unfinished { bytes: used };
        Ok(None)
    }

    /// Ends the log that was read, and begins the one that this is the first segment of.
    fn begin_log(&mut self, head: &SegmentHead) -> Result<(), Stop> {
        let key = head.certificate.open(self.trusted).map_err(|_| self.verifier.here(Flaw::Certificate))?;
        if head.tree.size() > 0 {
            return Err(self.verifier.here(Flaw::Head).into());
        }
        self.end_log(Next::Some)?;
        self.verifier.begin(head)?;
        self.key = Some(key.clone());
        self.counts.logs += 1;
        let published = Published::open(self.disk.as_ref(), self.trusted.name(), key)?;
        if let Some(checkpoint) = published.as_ref().and_then(Published::checkpoint) {
            self.verifier.anchor(checkpoint, Keeper::Log)?;
        }
        self.published = published;
        Ok(())
    }

    /// Whether a start was cut off before it recorded that it started, so that there is no log yet.
    fn never_began(&self, file: &dyn DiskFile, head: &SegmentHead, start: u64) -> io::Result<bool> {
        let mut reader = SegmentReader::new(file, head.nonce, start);
        let begun = matches!(reader.next()?, Step::Frame(..)) || !reader.survivors(head.first)?.is_empty();
        Ok(!begun && head.tree.size() == 0 && self.register.last_of(head.origin()).is_none())
    }

    /// Says what a record with the wrong number means.
    fn misplaced(&self, found: u64, reader: &mut SegmentReader<'_>) -> io::Result<Finding> {
        let expected = self.verifier.size();
        let mut following = Vec::new();
        while following.len() < LOOK_AHEAD
            && let Step::Frame(frame, _) = reader.next()?
        {
            following.push(frame.number);
        }
        let finding = self.verifier.here(Flaw::of_order(expected, found, following));
        // Two records of one number: the first of them may be the one that was put in.
        Ok(if found + 1 == expected { Finding { first: found, ..finding } } else { finding })
    }

    /// Says what bytes mean that are no record, where one could stand.
    fn judge_bad(&mut self, file: &dyn DiskFile, reader: &SegmentReader<'_>, next: Option<u64>) -> Result<(), Stop> {
        let number = self.verifier.size();
        if next.is_some_and(|next| next != number) {
            // Whole segments hold nothing but records and zeros, and this one lacks some.
            return Err(self.verifier.here(Flaw::Changed).into());
        }
        let survivors = reader.survivors(number)?;
        if next.is_some() {
            let flaw = if survivors.is_empty() { Flaw::Trailing } else { Flaw::Changed };
            return Err(self.verifier.here(flaw).into());
        }
        // A later record that says this one was on disk, or a checkpoint that counts it, proves that it was whole once.
        if survivors.iter().any(|(_, synced)| *synced > number) || self.verifier.finish().is_err() {
            return Err(self.verifier.here(Flaw::Changed).into());
        }
        self.tail = Tail::Unfinished { bytes: used_until(file, reader.offset())? - reader.offset() };
        Ok(())
    }

    fn check_body(&mut self, vouched: &Vouched, number: u64) -> Result<(), Stop> {
        self.counts.bodies += 1;
        let found = match vouched.which {
            WhichBody::Request => self
                .bodies
                .request_reference(vouched.at)?
                .map(|(request, body)| request == vouched.request && body == vouched.body),
            WhichBody::Answer => match self.bodies.chain(vouched.request, vouched.at)? {
                Some(chain) => self
                    .bodies
                    .answer_reference(&chain)?
                    .map(|body| body == vouched.body && chain.pieces.len() as u64 == vouched.pieces),
                None => None,
            },
        };
        let flaw = match found {
            Some(true) => return Ok(()),
            Some(false) => Flaw::BodyChanged(vouched.which),
            None if self.bodies.is_blank(vouched.at)? => Flaw::BodyMissing(vouched.which),
            None => Flaw::BodyChanged(vouched.which),
        };
        Err(Finding { first: number, last: number, flaw }.into())
    }

    fn tell(&mut self, offset: u64) {
        if self.verifier.size().is_multiple_of(4_096) {
            let (read, of_bytes) = self.bytes;
            (self.progress)(Progress { records: self.verifier.size(), bytes: read + offset, of_bytes });
        }
    }
}
