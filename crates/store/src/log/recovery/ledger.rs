use std::collections::HashMap;

use gatewright_ledger::{
    BodyAt, Finding, Flaw, Frontier, Keeper, Malformed, OpenJourney, SegmentHead, TrustedKey, Verifier, WhichBody,
};
use gatewright_model::{Digest, RequestId};

use super::{Before, OpenError, cut_and_settle};
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
    pub(super) before: Option<Before>,
    tree: Frontier,
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
pub(super) fn restore(disk: &dyn Disk, root: &TrustedKey) -> Result<Found, OpenError> {
    let (mut segments, lists) = log_segments(disk).map_err(OpenError::disk("reading the ledger"))?;
    let Some(last) = segments.pop() else { return Ok(nothing()) };
    let file = open(disk, last)?;
    match open_head(file.as_ref()).map_err(OpenError::disk("reading the ledger"))? {
        Ok((head, start)) if !never_began(file.as_ref(), &head, start)? => {
            return restore_segment(disk, file.as_ref(), (&head, start), &lists, root);
        }
        Err(Malformed::Version) => return Err(OpenError::OlderFormat),
        Ok(_) | Err(_) => {}
    }
    // The head is on disk before its segment's first record is written. So this is a segment that a crash left
    // before it had any, or one whose head somebody damaged; then it holds more than a head.
    let before = match segments.pop() {
        None => nothing(),
        Some(previous) => {
            let file = open(disk, previous)?;
            let (head, start) = open_head(file.as_ref())
                .map_err(OpenError::disk("reading the ledger"))?
                .map_err(|_| damaged(previous, Flaw::Head))?;
            restore_segment(disk, file.as_ref(), (&head, start), &lists, root)?
        }
    };
    let whole = open_head(file.as_ref()).map_err(OpenError::disk("reading the ledger"))?.is_ok();
    let used = used_until(file.as_ref(), 0).map_err(OpenError::disk("reading the ledger"))?;
    let longest = longest_head(root.name(), &before.tree, before.state.journeys.keys().copied());
    if before.state.first != last || before.torn_bytes > 0 || (!whole && used > longest) {
        return Err(damaged(last, Flaw::Head));
    }
    Ok(before)
}

/// Whether a log's first segment has no record: a start that was cut off before it recorded that it started.
fn never_began(file: &dyn DiskFile, head: &SegmentHead, start: u64) -> Result<bool, OpenError> {
    if head.tree.size() > 0 {
        return Ok(false);
    }
    let mut reader = SegmentReader::new(file, head.nonce, start);
    let step = reader.next().map_err(OpenError::disk("reading the ledger"))?;
    match step {
        Step::Frame(..) => Ok(false),
        Step::End => Ok(true),
        // A torn first commit: nobody was told of anything. A record that says of an earlier one that it was on disk
        // proves otherwise.
        Step::Bad => {
            let survivors = reader.survivors(head.first).map_err(OpenError::disk("reading the ledger"))?;
            Ok(survivors.iter().all(|(_, synced)| *synced <= head.first))
        }
    }
}

fn open(disk: &dyn Disk, first: u64) -> Result<Box<dyn DiskFile>, OpenError> {
    disk.open(&log_segment_path(first), Access::Write).map_err(OpenError::disk("opening the ledger"))
}

/// A folder without a log: new, or one whose first start was cut off.
fn nothing() -> Found {
    let state = LedgerState { first: 0, link: Digest::default(), journeys: HashMap::new() };
    let vouched = VouchedBodies { last: BodyAt::NOWHERE, first_unsure: None };
    Found { state, torn_bytes: 0, vouched, before: None, tree: Frontier::new() }
}

fn restore_segment(
    disk: &dyn Disk,
    file: &dyn DiskFile,
    (head, start): (&SegmentHead, u64),
    lists: &[u64],
    root: &TrustedKey,
) -> Result<Found, OpenError> {
    let first = head.first;
    let trusted = head.certificate.open(root).map_err(|_| damaged(first, Flaw::Certificate))?;
    let mut verifier = Verifier::resume(head);
    let last_signed = add_checkpoints(disk, first, lists, trusted, &mut verifier)?;

    let mut reading = Reading::new(head, head.base() + last_signed.size);
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
    verifier.finish_log().map_err(OpenError::Damaged)?;
    let end = reader.offset();
    cut_and_settle(file, reading.unsure.unwrap_or(end), end).map_err(OpenError::disk("settling the ledger's tail"))?;
    let before = Before {
        certificate: head.certificate.clone(),
        base: head.base(),
        size: verifier.tree().size(),
        root: verifier.root(),
        is_used: verifier.is_used(),
        note: last_signed.note,
        signed: last_signed.size,
    };
    let state = LedgerState { first: verifier.size(), link: verifier.link(), journeys: reading.journeys };
    Ok(Found { state, torn_bytes, vouched: reading.vouched, before: Some(before), tree: verifier.tree().clone() })
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

/// The last checkpoint that a log's key has signed.
struct LastSigned {
    size: u64,
    note: String,
}

/// Feeds the checkpoints of the last segment's list to the verifier, and of a list without a segment where the same log
/// was about to begin one.
fn add_checkpoints(
    disk: &dyn Disk,
    first: u64,
    lists: &[u64],
    trusted: &TrustedKey,
    verifier: &mut Verifier,
) -> Result<LastSigned, OpenError> {
    let mut last = None;
    for number in lists.iter().copied().filter(|list| *list >= first) {
        let list = CheckpointList::read(disk, number, trusted).map_err(OpenError::disk("reading the checkpoints"))?;
        let Some(list) = list else { continue };
        // A list behind the last segment may be of the next log, whose key nobody knows any more.
        if let Some(bad) = list.bad
            && number == first
        {
            return Err(damaged(first, Flaw::Checkpoint { number: bad }));
        }
        for listed in &list.listed {
            verifier.anchor(listed, Keeper::Log).map_err(OpenError::Damaged)?;
        }
        if number == first {
            last = list.listed.last().map(|listed| LastSigned { size: listed.size, note: list.last });
        }
    }
    last.ok_or_else(|| damaged(first, Flaw::Checkpoint { number: 0 }))
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
