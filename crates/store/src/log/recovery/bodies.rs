use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use gatewright_ledger::{BODY_SEGMENT_HEAD, BodyAt, OpenJourney};
use gatewright_model::{BodyRef, RequestId};

use super::ledger::VouchedBodies;
use super::{OpenError, cut_and_settle};
use crate::disk::{Access, Disk, DiskFile};
use crate::folder::{Bodies, body_segment_path, body_segments, read_frame, read_nonce, used_until};
use crate::log::body_writer::BodyState;

/// Reads the last segment of bodies and cuts its tail; gives where to go on, and how many bytes were cut.
pub(super) fn restore(disk: &dyn Disk, vouched: &VouchedBodies) -> Result<(BodyState, u64), OpenError> {
    let numbers = body_segments(disk).map_err(OpenError::disk("reading the bodies"))?;
    let Some(number) = numbers.last().copied() else {
        return match vouched.last {
            BodyAt::NOWHERE => Ok((BodyState { number: 0, begun: None }, 0)),
            gone => Err(OpenError::DamagedBodies { segment: gone.segment(), offset: gone.offset() }),
        };
    };
    let file = disk.open(&body_segment_path(number), Access::Write).map_err(OpenError::disk("opening the bodies"))?;
    restore_segment(file.as_ref(), number, vouched)
}

fn restore_segment(file: &dyn DiskFile, number: u64, vouched: &VouchedBodies) -> Result<(BodyState, u64), OpenError> {
    let used = used_until(file, 0).map_err(OpenError::disk("reading the bodies"))?;
    let Some(nonce) = read_nonce(file).map_err(OpenError::disk("reading the bodies"))? else {
        // The head is on disk before the segment's first frame, so one without a head never had a frame.
        let never_used = vouched.last <= first_of(number) && used <= BODY_SEGMENT_HEAD as u64;
        return if never_used {
            Ok((BodyState { number, begun: None }, 0))
        } else {
            Err(OpenError::DamagedBodies { segment: number, offset: 0 })
        };
    };
    let mut end = BODY_SEGMENT_HEAD as u64;
    walk(file, &nonce, &mut end, |_, _| {}).map_err(OpenError::disk("reading the bodies"))?;
    // A record is written only after the body it vouches for is on disk, so no crash can have torn that.
    if vouched.last.segment() > number || (vouched.last.segment() == number && vouched.last.offset() >= end) {
        return Err(OpenError::DamagedBodies { segment: number, offset: end });
    }
    let unsure = match vouched.first_unsure {
        Some(first) if first.segment() == number => first.offset(),
        Some(_) => BODY_SEGMENT_HEAD as u64,
        None => end,
    };
    cut_and_settle(file, unsure.min(end), end).map_err(OpenError::disk("settling the bodies' tail"))?;
    Ok((BodyState { number, begun: Some((nonce, end)) }, used.saturating_sub(end)))
}

/// Finds the last frame of each open journey, whose place no record tells yet.
pub(super) fn follow_journeys(
    disk: &dyn Disk,
    journeys: &mut HashMap<RequestId, OpenJourney>,
) -> Result<(), OpenError> {
    let Some(from) = journeys.values().map(|journey| journey.body).min() else { return Ok(()) };
    let numbers = body_segments(disk).map_err(OpenError::disk("reading the bodies"))?;
    for number in numbers.into_iter().filter(|number| *number >= from.segment()) {
        let file =
            disk.open(&body_segment_path(number), Access::Read).map_err(OpenError::disk("opening the bodies"))?;
        let Some(nonce) = read_nonce(file.as_ref()).map_err(OpenError::disk("reading the bodies"))? else {
            continue;
        };
        let mut end = if number == from.segment() { from.offset() } else { BODY_SEGMENT_HEAD as u64 };
        walk(file.as_ref(), &nonce, &mut end, |offset, (request, previous)| {
            if let Some(journey) = journeys.get_mut(&request)
                && previous == journey.body
                && let Some(at) = BodyAt::new(number, offset)
            {
                journey.body = at;
            }
        })
        .map_err(OpenError::disk("reading the bodies"))?;
        // The last segment's tail is cut by now; the others were on disk before the next was begun.
        if used_until(file.as_ref(), end).map_err(OpenError::disk("reading the bodies"))? > end {
            return Err(OpenError::DamagedBodies { segment: number, offset: end });
        }
    }
    Ok(())
}

/// What an interrupted journey's answer came to: its reference and the number of its pieces.
pub(in crate::log) fn answer_so_far(disk: &Arc<dyn Disk>, journey: &OpenJourney) -> Result<(BodyRef, u64), OpenError> {
    let mut bodies = Bodies::new(disk.clone());
    let lost = || OpenError::DamagedBodies { segment: journey.body.segment(), offset: journey.body.offset() };
    let read = OpenError::disk("reading the bodies");
    let chain = bodies.chain(journey.request, journey.body).map_err(read)?.ok_or_else(lost)?;
    let read = OpenError::disk("reading the bodies");
    let answer = bodies.answer_reference(&chain).map_err(read)?.ok_or_else(lost)?;
    Ok((answer, chain.pieces.len() as u64))
}

/// Shows every frame from `end` on, its offset, request and predecessor, and moves `end` behind the last good one.
fn walk(
    file: &dyn DiskFile,
    nonce: &[u8; 16],
    end: &mut u64,
    mut show: impl FnMut(u64, (RequestId, BodyAt)),
) -> io::Result<()> {
    let mut buffer = Vec::new();
    while let Some((frame, length)) = read_frame(file, nonce, *end, &mut buffer)? {
        show(*end, (frame.request, frame.previous));
        *end += length as u64;
    }
    Ok(())
}

/// A place before every frame of this segment and behind every frame of those before.
fn first_of(number: u64) -> BodyAt {
    BodyAt::new(number, 0).unwrap_or(BodyAt::NOWHERE)
}
