use std::sync::Arc;

use gatewright_ledger::{Finding, TrustedKey, Verifier};

use super::outside::Outside;
use super::published::Published;
use super::reading::{Counts, Read, Reading, Stop};
use super::{Anchors, VerifyError};
use crate::disk::{Access, Disk};
use crate::folder::{Register, log_segment_path, log_segments};

/// How a verification stood before one record.
pub(super) struct Mark {
    verifier: Verifier,
    counts: Counts,
    key: Option<TrustedKey>,
    published: Option<Published>,
    nonce: [u8; 16],
    offset: u64,
}

impl Mark {
    /// Remembers how the reading stands, where marks are kept.
    pub(super) fn note(reading: &mut Reading<'_>, nonce: [u8; 16], offset: u64) {
        let number = reading.verifier.size();
        let Some(marks) = &mut reading.marks else { return };
        // The end of a segment has the number of the next one's first record.
        marks.truncate(usize::try_from(number).unwrap_or(usize::MAX));
        marks.push(Self {
            verifier: reading.verifier.clone(),
            counts: reading.counts,
            key: reading.key.clone(),
            published: reading.published.clone(),
            nonce,
            offset,
        });
    }
}

/// A verification of a folder that can be gone on with from any record, so that a test can change a record in every way
/// that there is: what comes before it is as it was, and verifying it is a fold.
pub struct Marks {
    trusted: TrustedKey,
    outside: Outside,
    register: Arc<Register>,
    marks: Vec<Mark>,
}

impl Marks {
    /// Verifies a folder, and remembers how that stood before each record; `Err` within where it does not hold.
    pub fn new(disk: &Arc<dyn Disk>, anchors: &Anchors) -> Result<Result<Self, Finding>, VerifyError> {
        let trusted = match &anchors.trust {
            Some(given) => given.clone(),
            None => super::key_beside(disk.as_ref())?,
        };
        let outside = Outside::open(disk.as_ref(), &trusted, anchors)?;
        let progress = &mut |_| {};
        let mut reading = Reading::new(disk, &trusted, progress);
        reading.marks = Some(Vec::new());
        match reading.run(&outside) {
            Ok(Read::Whole) => {}
            Ok(Read::NoLog | Read::OlderFormat) => return Err(VerifyError::NoLog),
            Err(Stop::Finding(finding)) => return Ok(Err(finding)),
            Err(Stop::Disk(error)) => return Err(VerifyError::Disk(error)),
        }
        let (register, marks) = (reading.register.clone(), reading.marks.take().unwrap_or_default());
        Ok(Ok(Self { trusted, outside, register, marks }))
    }

    /// Verifies a folder from this record on that is the same up to it.
    pub fn finding(&self, disk: &Arc<dyn Disk>, record: u64) -> Result<Option<Finding>, VerifyError> {
        let mark = usize::try_from(record).ok().and_then(|record| self.marks.get(record)).ok_or(VerifyError::NoLog)?;
        let progress = &mut |_| {};
        let mut reading = Reading::new(disk, &self.trusted, progress);
        reading.verifier = mark.verifier.clone();
        reading.counts = mark.counts;
        reading.key.clone_from(&mark.key);
        reading.published.clone_from(&mark.published);
        reading.register = self.register.clone();
        match self.go_on(&mut reading, disk, mark, record) {
            Ok(_) => Ok(None),
            Err(Stop::Finding(finding)) => Ok(Some(finding)),
            Err(Stop::Disk(error)) => Err(VerifyError::Disk(error)),
        }
    }

    fn go_on(&self, reading: &mut Reading<'_>, disk: &Arc<dyn Disk>, mark: &Mark, record: u64) -> Result<Read, Stop> {
        let (segments, _) = log_segments(disk.as_ref())?;
        let Some(segment) = segments.iter().rev().copied().find(|segment| *segment <= record) else {
            return reading.go_on(None, &self.outside);
        };
        let next = segments.iter().copied().find(|other| *other > segment);
        let file = disk.open(&log_segment_path(segment), Access::Read)?;
        let offset = reading.read_records(file.as_ref(), mark.nonce, mark.offset, next)?;
        reading.go_on(Some((segment, offset)), &self.outside)
    }
}
