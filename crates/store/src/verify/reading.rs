use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use gatewright_ledger::{Checkpoint, Finding, Flaw, Keeper, TrustedKey, Verifier, Vouched, WhichBody};

use super::{KeySource, Progress, Report, Tail, VerifyError};
use crate::disk::{Access, Disk, DiskFile};
use crate::folder::{
    Bodies, CheckpointList, SegmentReader, Step, log_segment_path, log_segments, longest_head, open_head, used_until,
};

/// How many records behind a misplaced one are looked at to see whether the missing one was moved there.
const LOOK_AHEAD: usize = 4_096;

/// What ends a verification early.
enum Stop {
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
    outside: &[Checkpoint],
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, VerifyError> {
    let mut reading = Reading {
        disk,
        trusted,
        verifier: Verifier::new(),
        bodies: Bodies::new(disk.clone()),
        progress,
        bytes: (0, 0),
        counts: Counts::default(),
        tail: Tail::Clean,
    };
    let finding = match reading.run(outside) {
        Ok(Read::Whole) => None,
        Ok(Read::NoLog) => return Err(VerifyError::NoLog),
        Err(Stop::Finding(finding)) => Some(finding),
        Err(Stop::Disk(error)) => return Err(VerifyError::Disk(error)),
    };
    let verifier = &reading.verifier;
    Ok(Report {
        origin: trusted.name().to_owned(),
        key: trusted.to_string(),
        key_source,
        records: verifier.size(),
        root: verifier.root(),
        vouched: verifier.vouched(),
        checkpoints: reading.counts.checkpoints,
        anchored: outside.iter().map(|checkpoint| checkpoint.size).max(),
        bodies: reading.counts.bodies,
        open: verifier.open().len() as u64,
        tail: reading.tail,
        finding,
    })
}

enum Read {
    Whole,
    NoLog,
}

#[derive(Default)]
struct Counts {
    checkpoints: u64,
    bodies: u64,
}

struct Reading<'a> {
    disk: &'a Arc<dyn Disk>,
    trusted: &'a TrustedKey,
    verifier: Verifier,
    bodies: Bodies,
    progress: &'a mut dyn FnMut(Progress),
    /// Bytes read in whole segments, and bytes in all.
    bytes: (u64, u64),
    counts: Counts,
    tail: Tail,
}

impl Reading<'_> {
    fn run(&mut self, outside: &[Checkpoint]) -> Result<Read, Stop> {
        for checkpoint in outside {
            self.verifier.anchor(checkpoint, Keeper::Outside)?;
        }
        // The last segment that was read, and how far.
        let mut last: Option<(u64, u64)> = None;
        loop {
            let (segments, lists) = log_segments(self.disk.as_ref())?;
            if segments.is_empty() && lists.is_empty() && outside.is_empty() {
                return Ok(Read::NoLog);
            }
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
                self.read_list(number, true)?;
                self.read_rest(number, offset, next)?;
            }
            for number in numbers {
                let has_segment = segments.contains(&number);
                self.read_list(number, has_segment)?;
                if has_segment {
                    last = Some((number, self.read_segment(number, next_to(number))?));
                }
            }
            if done == last.map(|(number, _)| number) {
                break;
            }
        }
        self.verifier.finish()?;
        Ok(Read::Whole)
    }

    fn total(&self, segments: &[u64], done: Option<u64>) -> io::Result<u64> {
        let mut total = 0;
        for number in segments.iter().filter(|number| done.is_none_or(|done| **number > done)) {
            total += self.disk.open(&log_segment_path(*number), Access::Read)?.length()?;
        }
        Ok(total)
    }

    /// Reads the checkpoints that were signed while a segment was written.
    fn read_list(&mut self, number: u64, has_segment: bool) -> Result<(), Stop> {
        let list = CheckpointList::read(self.disk.as_ref(), number, self.trusted)?;
        let missing = Flaw::Checkpoint { number: 0 };
        match list {
            Some(list) => {
                if let Some(bad) = list.bad {
                    return Err(self.verifier.here(Flaw::Checkpoint { number: bad }).into());
                }
                // A list's first entry is on disk before its segment is there.
                if has_segment && list.listed.is_empty() {
                    return Err(self.verifier.here(missing).into());
                }
                for listed in &list.listed {
                    self.verifier.anchor(listed, Keeper::Log)?;
                }
                self.counts.checkpoints += list.listed.len() as u64;
                Ok(())
            }
            None if has_segment => Err(self.verifier.here(missing).into()),
            None => Ok(()),
        }
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
        match self.read_head(file.as_ref(), next)? {
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

    fn read_records(
        &mut self,
        file: &dyn DiskFile,
        nonce: [u8; 16],
        start: u64,
        next: Option<u64>,
    ) -> Result<u64, Stop> {
        let mut reader = SegmentReader::new(file, nonce, start);
        let mut doubted = None;
        loop {
            match reader.next()? {
                Step::Frame(frame, _) => {
                    if frame.number != self.verifier.size() {
                        let found = frame.number;
                        return Err(self.misplaced(found, &mut reader)?.into());
                    }
                    let verified = self.verifier.frame(&frame)?;
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
    fn read_head(&mut self, file: &dyn DiskFile, next: Option<u64>) -> Result<Option<([u8; 16], u64)>, Stop> {
        if let Ok((head, start)) = open_head(file)? {
            self.verifier.head(&head)?;
            if head.origin != self.trusted.name() {
                return Err(self.verifier.here(Flaw::Head).into());
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

    /// Says what a record with the wrong number means.
    fn misplaced(&self, found: u64, reader: &mut SegmentReader<'_>) -> io::Result<Finding> {
        let expected = self.verifier.size();
        let mut following = Vec::new();
        while following.len() < LOOK_AHEAD
            && let Step::Frame(frame, _) = reader.next()?
        {
            following.push(frame.number);
        }
        Ok(self.verifier.here(Flaw::of_order(expected, found, following)))
    }

    /// Says what bytes mean that are no record, where one could stand.
    fn judge_bad(&mut self, file: &dyn DiskFile, reader: &SegmentReader<'_>, next: Option<u64>) -> Result<(), Stop> {
        let number = self.verifier.size();
        let survivors = reader.survivors(number)?;
        match next {
            // Whole segments hold nothing but records and zeros.
            Some(next) if next == number && survivors.is_empty() => {
                return Err(self.verifier.here(Flaw::Trailing).into());
            }
            Some(_) => return Err(self.verifier.here(Flaw::Changed).into()),
            None => {}
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
