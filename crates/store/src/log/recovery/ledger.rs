use std::collections::HashMap;

use gatewright_ledger::{
    BodyAt, Finding, Flaw, Frontier, Keeper, OpenJourney, SegmentHead, TrustedKey, Verifier, WhichBody,
};
use gatewright_model::{Digest, RequestId};

use super::{OpenError, cut_and_settle};
use crate::disk::{Access, Disk, DiskFile};
use crate::folder::{
    CheckpointList, SegmentReader, Step, log_segment_path, log_segments, longest_head, open_head, used_until,
};
use crate::log::ledger_writer::LedgerState;

/// What the ledger's last segment says.
pub(super) struct Found {
    pub(super) state: LedgerState,
    pub(super) torn_bytes: u64,
    pub(super) vouched: VouchedBodies,
}

/// The bodies that records of the last segment vouch for.
#[derive(Clone, Copy)]
pub(super) struct VouchedBodies {
    /// The last of them.
    pub(super) last: BodyAt,
    /// The first that a record behind the last checkpoint vouches for.
    pub(super) first_unsure: Option<BodyAt>,
}

/// Reads the ledger's last segment. The segments before it are left to `ledger verify`: what they came to stands in
/// the head of the last one.
pub(super) fn restore(disk: &dyn Disk, trusted: &TrustedKey) -> Result<Found, OpenError> {
    let (mut segments, lists) = log_segments(disk).map_err(OpenError::disk("reading the ledger"))?;
    let Some(last) = segments.pop() else {
        return restore_nothing(disk, &lists, trusted);
    };
    let file = open(disk, last)?;
    let head = open_head(file.as_ref()).map_err(OpenError::disk("reading the ledger"))?;
    if let Ok((head, start)) = head {
        return restore_segment(disk, file.as_ref(), (&head, start), &lists, trusted);
    }
    // The head is on disk before its segment's first record is written. So this is a segment that a crash left
    // before it had any, or one whose head somebody damaged; then it holds more than a head.
    let before = match segments.pop() {
        None => restore_nothing(disk, &lists, trusted)?,
        Some(previous) => {
            let file = open(disk, previous)?;
            let (head, start) = open_head(file.as_ref())
                .map_err(OpenError::disk("reading the ledger"))?
                .map_err(|_| damaged(previous, Flaw::Head))?;
            restore_segment(disk, file.as_ref(), (&head, start), &lists, trusted)?
        }
    };
    let used = used_until(file.as_ref(), 0).map_err(OpenError::disk("reading the ledger"))?;
    let longest = longest_head(trusted.name(), &before.state.tree, before.state.journeys.keys().copied());
    if before.state.tree.size() != last || before.torn_bytes > 0 || used > longest {
        return Err(damaged(last, Flaw::Head));
    }
    Ok(Found { state: LedgerState { segment: None, ..before.state }, torn_bytes: 0, ..before })
}

fn open(disk: &dyn Disk, first: u64) -> Result<Box<dyn DiskFile>, OpenError> {
    disk.open(&log_segment_path(first), Access::Write).map_err(OpenError::disk("opening the ledger"))
}

/// A folder without a segment: new, or one whose first start was cut off.
fn restore_nothing(disk: &dyn Disk, lists: &[u64], trusted: &TrustedKey) -> Result<Found, OpenError> {
    let mut verifier = Verifier::new();
    add_checkpoints(disk, lists, trusted, &mut verifier)?;
    verifier.finish().map_err(OpenError::Damaged)?;
    let state = LedgerState {
        segment: None,
        tree: Frontier::new(),
        link: Digest::default(),
        journeys: HashMap::new(),
        checkpoints: (0, 0),
    };
    let vouched = VouchedBodies { last: BodyAt::NOWHERE, first_unsure: None };
    Ok(Found { state, torn_bytes: 0, vouched })
}

fn restore_segment(
    disk: &dyn Disk,
    file: &dyn DiskFile,
    (head, start): (&SegmentHead, u64),
    lists: &[u64],
    trusted: &TrustedKey,
) -> Result<Found, OpenError> {
    let first = head.tree.size();
    if head.origin != trusted.name() {
        return Err(damaged(first, Flaw::Head));
    }
    let mut verifier = Verifier::resume(head);
    // A list is begun before its segment, and its first entry counts the records before that.
    let own: Vec<u64> = lists.iter().copied().filter(|list| *list >= first).collect();
    let checkpoints = add_checkpoints(disk, &own, trusted, &mut verifier)?;
    if own.first() != Some(&first) || checkpoints.is_none() {
        return Err(damaged(first, Flaw::Checkpoint { number: 0 }));
    }
    let (good_bytes, checkpointed) = checkpoints.unwrap_or_default();

    let mut reading = Reading::new(head, checkpointed);
    let mut reader = SegmentReader::new(file, head.nonce, start);
    let torn_bytes = loop {
        match reader.next().map_err(OpenError::disk("reading the ledger"))? {
            Step::Frame(frame, offset) => {
                let verified = verifier.frame(&frame).map_err(OpenError::Damaged)?;
                reading.take(frame.number, offset, verified.vouched);
            }
            Step::End => break 0,
            Step::Bad => break torn_bytes(file, &reader, &verifier)?,
        }
    };
    verifier.finish().map_err(OpenError::Damaged)?;
    let end = reader.offset();
    cut_and_settle(file, reading.unsure.unwrap_or(end), end).map_err(OpenError::disk("settling the ledger's tail"))?;
    Ok(Found {
        state: LedgerState {
            segment: Some((first, head.nonce, end)),
            tree: verifier.tree().clone(),
            link: verifier.link(),
            journeys: reading.journeys,
            checkpoints: (good_bytes, checkpointed),
        },
        torn_bytes,
        vouched: reading.vouched,
    })
}

/// The length of what a crash tore; a finding where a later record proves that it had been on disk.
fn torn_bytes(file: &dyn DiskFile, reader: &SegmentReader<'_>, verifier: &Verifier) -> Result<u64, OpenError> {
    let number = verifier.size();
    let survivors = reader.survivors(number).map_err(OpenError::disk("reading the ledger"))?;
    if survivors.iter().any(|(_, synced)| *synced > number) {
        return Err(damaged(number, Flaw::Changed));
    }
    let used = used_until(file, reader.offset()).map_err(OpenError::disk("reading the ledger"))?;
    Ok(used - reader.offset())
}

/// Feeds the checkpoints of these lists to the verifier; gives how many bytes of the last list are good, and how many
/// records its last checkpoint counts.
fn add_checkpoints(
    disk: &dyn Disk,
    lists: &[u64],
    trusted: &TrustedKey,
    verifier: &mut Verifier,
) -> Result<Option<(u64, u64)>, OpenError> {
    let mut good = None;
    for first in lists {
        let list = CheckpointList::read(disk, *first, trusted).map_err(OpenError::disk("reading the checkpoints"))?;
        let Some(list) = list else { continue };
        if let Some(number) = list.bad {
            return Err(damaged(*first, Flaw::Checkpoint { number }));
        }
        for listed in &list.listed {
            verifier.anchor(listed, Keeper::Log).map_err(OpenError::Damaged)?;
        }
        if good.is_none() {
            good = list.listed.last().map(|last| (list.good_bytes, last.size));
        }
    }
    Ok(good)
}

/// What is gathered while the segment is read.
struct Reading {
    checkpointed: u64,
    journeys: HashMap<RequestId, OpenJourney>,
    /// Where the first record begins that no checkpoint counts.
    unsure: Option<u64>,
    vouched: VouchedBodies,
}

impl Reading {
    fn new(head: &SegmentHead, checkpointed: u64) -> Self {
        let last = head.open.iter().map(|journey| journey.body).max().unwrap_or(BodyAt::NOWHERE);
        Self {
            checkpointed,
            journeys: head.open.iter().map(|journey| (journey.request, *journey)).collect(),
            unsure: None,
            vouched: VouchedBodies { last, first_unsure: None },
        }
    }

    fn take(&mut self, number: u64, offset: u64, vouched: Option<gatewright_ledger::Vouched>) {
        let unsure = number >= self.checkpointed;
        if unsure {
            self.unsure.get_or_insert(offset);
        }
        let Some(vouched) = vouched else { return };
        match vouched.which {
            WhichBody::Request => {
                let journey = OpenJourney { request: vouched.request, intent: number, body: vouched.at };
                self.journeys.insert(vouched.request, journey);
            }
            WhichBody::Answer => {
                self.journeys.remove(&vouched.request);
            }
        }
        self.vouched.last = self.vouched.last.max(vouched.at);
        if unsure {
            let first = self.vouched.first_unsure.map_or(vouched.at, |first| first.min(vouched.at));
            self.vouched.first_unsure = Some(first);
        }
    }
}

fn damaged(record: u64, flaw: Flaw) -> OpenError {
    OpenError::Damaged(Finding { first: record, last: record, flaw })
}
