use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use gatewright_ledger::{Frame, Leaf};
use gatewright_model::Digest;

use super::fold::{Place, Rows, fold};
use super::{Gist, SessionsError};
use crate::disk::{Access, Disk, DiskFile};
use crate::folder::{SegmentReader, Step, log_segment_path, log_segments, open_head};
use crate::log::Told;

/// How far into the log a reader has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    /// The number of the record that comes next.
    pub(super) next: u64,
    /// The segment that it is expected in, and the offset there; 0 stands for behind the head.
    pub(super) segment: u64,
    pub(super) offset: u64,
    /// The link that it must hold. Where it holds another, this is not the log that was followed.
    pub(super) link: Digest,
    /// Where the record before stands, which shows whether this is still the log that was followed.
    pub(super) last: Option<Place>,
}

/// What came of following.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Followed {
    /// The end was reached.
    ToTheEnd,
    /// As many records as were asked for were folded; there may be more.
    Part,
    /// This is another log, or an older state of it: start from nothing.
    AnotherLog,
}

/// Folds records into rows, from the position on, until `until` or the end, `most` at most; moves the position.
pub(super) fn follow(
    disk: &Arc<dyn Disk>,
    position: &mut Position,
    until: Option<u64>,
    most: u64,
    rows: &mut impl Rows,
) -> Result<Followed, SessionsError> {
    if !is_same_log(disk, position)? {
        return Ok(Followed::AnotherLog);
    }
    let mut left = most;
    loop {
        let (segments, _) = log_segments(disk.as_ref())?;
        let Some(number) = segments.iter().rev().copied().find(|segment| *segment <= position.next) else {
            return Ok(if position.next == 0 { Followed::ToTheEnd } else { Followed::AnotherLog });
        };
        if number != position.segment {
            position.segment = number;
            position.offset = 0;
        }
        let file = disk.open(&log_segment_path(number), Access::Read)?;
        // A segment without a head was begun and has no record yet.
        let Ok((head, start)) = open_head(file.as_ref())? else { return Ok(Followed::ToTheEnd) };
        if position.offset == 0 {
            position.offset = start;
        }
        let before = position.next;
        let followed = follow_segment(file.as_ref(), head.nonce, position, (until, &mut left), rows)?;
        let more = segments.iter().any(|segment| *segment > number && *segment == position.next);
        match followed {
            Followed::ToTheEnd if more && position.next > before => {}
            followed => return Ok(followed),
        }
    }
}

fn follow_segment(
    file: &dyn DiskFile,
    nonce: [u8; 16],
    position: &mut Position,
    (until, left): (Option<u64>, &mut u64),
    rows: &mut impl Rows,
) -> Result<Followed, SessionsError> {
    if file.length()? < position.offset {
        return Ok(Followed::AnotherLog);
    }
    let mut reader = SegmentReader::new(file, nonce, position.offset);
    loop {
        if until.is_some_and(|until| position.next >= until) {
            return Ok(Followed::ToTheEnd);
        }
        if *left == 0 {
            return Ok(Followed::Part);
        }
        match reader.next()? {
            Step::Frame(frame, offset) => {
                if frame.number != position.next || frame.previous != position.link {
                    return Ok(Followed::AnotherLog);
                }
                let place = Place { record: frame.number, segment: position.segment, offset };
                let gist = Gist::of(&decode(&frame)?);
                fold(rows, place, frame.body, gist)?;
                position.next += 1;
                position.link = frame.link();
                position.last = Some(place);
                *left -= 1;
            }
            // A torn tail is not for a reader to judge.
            Step::End | Step::Bad => return Ok(Followed::ToTheEnd),
        }
        position.offset = reader.offset();
    }
}

/// Folds records that the committer tells of; gives up at one that does not follow on the position.
pub(super) fn hear(
    told: &mut VecDeque<Told>,
    position: &mut Position,
    most: u64,
    rows: &mut impl Rows,
) -> Result<Followed, SessionsError> {
    for _ in 0..most {
        while told.front().is_some_and(|told| told.record < position.next) {
            told.pop_front();
        }
        if told.front().is_none_or(|told| told.record != position.next) {
            return Ok(Followed::ToTheEnd);
        }
        let Some(next) = told.pop_front() else { return Ok(Followed::ToTheEnd) };
        let place = Place { record: next.record, segment: next.segment, offset: next.offset };
        fold(rows, place, next.body, *next.gist)?;
        *position = Position {
            next: next.record + 1,
            segment: next.segment,
            offset: next.end,
            link: next.link,
            last: Some(place),
        };
    }
    Ok(Followed::Part)
}

/// Whether the record before the position is the one that was followed.
fn is_same_log(disk: &Arc<dyn Disk>, position: &Position) -> Result<bool, SessionsError> {
    let Some(last) = position.last else { return Ok(position.next == 0) };
    Ok(with_frame(disk, last, |frame| frame.link() == position.link)?.unwrap_or(false))
}

/// The leaf of the record at this place.
pub(super) fn read_leaf(disk: &Arc<dyn Disk>, place: Place) -> Result<Leaf, SessionsError> {
    with_frame(disk, place, decode)?.unwrap_or(Err(SessionsError::Damaged { record: place.record }))
}

/// Shows the record at this place; `None` where it is not there.
fn with_frame<T>(disk: &Arc<dyn Disk>, place: Place, show: impl FnOnce(&Frame<'_>) -> T) -> io::Result<Option<T>> {
    let file = match disk.open(&log_segment_path(place.segment), Access::Read) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let Ok((head, _)) = open_head(file.as_ref())? else { return Ok(None) };
    match SegmentReader::of_one(file.as_ref(), head.nonce, place.offset).next()? {
        Step::Frame(frame, _) if frame.number == place.record => Ok(Some(show(&frame))),
        Step::Frame(..) | Step::End | Step::Bad => Ok(None),
    }
}

fn decode(frame: &Frame<'_>) -> Result<Leaf, SessionsError> {
    Leaf::decode(frame.leaf).map_err(|_| SessionsError::Damaged { record: frame.number })
}
