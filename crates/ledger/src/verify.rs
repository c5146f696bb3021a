use std::collections::{BTreeMap, BTreeSet};

use gatewright_model::{BodyRef, Digest, Event, Predecessor, RequestId};

use crate::body::BodyAt;
use crate::cbor::Malformed;
use crate::checkpoint::Checkpoint;
use crate::finding::{Finding, Flaw, WhichBody};
use crate::frame::Frame;
use crate::leaf::{Leaf, LeafKind};
use crate::receipt::Receipt;
use crate::segment::SegmentHead;
use crate::tree::{Frontier, leaf_hash};

/// Who keeps a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeper {
    /// The log itself: shows what was cut off by somebody who forgot the checkpoint.
    Log,
    /// Somebody out of reach of whoever can change the log: shows a rollback of the whole as well.
    Outside,
}

/// A body that a record vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouched {
    /// Whose.
    pub request: RequestId,
    /// Which of the two.
    pub which: WhichBody,
    /// What the record says of it.
    pub body: BodyRef,
    /// In how many pieces it was handed over; 1 for a request.
    pub pieces: u64,
    /// Where the journey's last body frame is said to lie.
    pub at: BodyAt,
}

/// A record that fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// What it says.
    pub leaf: Leaf,
    /// The leaf's hash in the tree.
    pub hash: Digest,
    /// The body to check beside it.
    pub vouched: Option<Vouched>,
}

#[derive(Clone, Copy)]
struct Anchor {
    root: Digest,
    keeper: Keeper,
}

/// What is known of a log besides its records.
#[derive(Clone, Default)]
struct Claims {
    /// Checkpoints that are still to be reached, by size.
    anchors: BTreeMap<u64, Anchor>,
    /// The leaf hashes that receipts promise, by index.
    promises: BTreeMap<u64, Digest>,
}

impl Claims {
    /// The most records that any of them counts, and who keeps it.
    fn longest(&self) -> Option<(u64, Keeper)> {
        let anchor = self.anchors.last_key_value().map(|(size, anchor)| (*size, anchor.keeper));
        let promise = self.promises.last_key_value().map(|(index, _)| (index + 1, Keeper::Outside));
        anchor.into_iter().chain(promise).max_by_key(|(size, _)| *size)
    }
}

/// What is known of the log before the present one.
#[derive(Clone, Default, PartialEq, Eq)]
enum Previous {
    /// There is none.
    #[default]
    None,
    /// Nobody has looked: the present log's word is taken for it.
    Unseen,
    /// It ended like this.
    Seen(Predecessor),
}

impl Previous {
    fn fits(&self, said: Option<&Predecessor>) -> bool {
        match self {
            Self::None => said.is_none(),
            Self::Unseen => true,
            Self::Seen(seen) => said == Some(seen),
        }
    }
}

/// Checks the records of a data folder's logs in order, with nothing but what it is fed. It stops being of use at the
/// first finding. Records are numbered from the folder's first; a log's own tree counts from its own first.
#[derive(Clone, Default)]
pub struct Verifier {
    /// The name of the log that is being read.
    origin: String,
    /// The number of its first record.
    base: u64,
    tree: Frontier,
    link: Digest,
    /// Whether the log has been closed.
    closed: bool,
    /// The log before.
    previous: Previous,
    claims: Claims,
    /// The claims of logs that have not begun.
    awaited: BTreeMap<String, Claims>,
    /// Up to which record they are those that a checkpoint was signed for.
    vouched: u64,
    /// The number of each open journey's intent.
    open: BTreeMap<RequestId, u64>,
    /// The journeys that the last run left open: their outcomes come before anything else.
    interrupted: BTreeSet<RequestId>,
    /// Whether the present log has any record besides those of its beginning.
    used: bool,
}

impl Verifier {
    /// A verifier before the first record.
    pub fn new() -> Self {
        Self::default()
    }

    /// A verifier before the first record of a segment, which takes for granted what the segment's head says.
    pub fn resume(head: &SegmentHead) -> Self {
        Self {
            origin: head.origin().to_owned(),
            base: head.base(),
            tree: head.tree.clone(),
            link: head.link,
            previous: Previous::Unseen,
            vouched: head.first,
            used: head.tree.size() > 0,
            open: head.open.iter().map(|journey| (journey.request, journey.intent)).collect(),
            ..Self::default()
        }
    }

    /// How many records were good.
    pub fn size(&self) -> u64 {
        self.base + self.tree.size()
    }

    /// The number of the present log's first record.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// The name of the present log; empty before the first.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether the present log has any record besides those of its beginning, which a start writes before it registers
    /// the log.
    pub fn is_used(&self) -> bool {
        self.used
    }

    /// The root of the present log's tree.
    pub fn root(&self) -> Digest {
        self.tree.root()
    }

    /// Up to which record a checkpoint vouches for them.
    pub fn vouched(&self) -> u64 {
        self.vouched
    }

    /// The journeys that are open, with the numbers of their intents.
    pub fn open(&self) -> impl ExactSizeIterator<Item = (RequestId, u64)> + '_ {
        self.open.iter().map(|(request, intent)| (*request, *intent))
    }

    /// The tree over the present log's records that were good.
    pub fn tree(&self) -> &Frontier {
        &self.tree
    }

    /// The link that the next record must hold.
    pub fn link(&self) -> Digest {
        self.link
    }

    /// Adds a checkpoint whose signature was checked, before the record that it ends with is fed.
    pub fn anchor(&mut self, checkpoint: &Checkpoint, keeper: Keeper) -> Result<(), Finding> {
        if checkpoint.origin != self.origin {
            let claims = self.awaited.entry(checkpoint.origin.clone()).or_default();
            return insert(claims, self.base + self.tree.size(), checkpoint, keeper);
        }
        let last = self.base + checkpoint.size.saturating_sub(1);
        let forked = Finding { first: self.base, last, flaw: Flaw::Forked };
        if checkpoint.size <= self.tree.size() {
            // What is past can be compared only where it is the present.
            return if checkpoint.size < self.tree.size() || checkpoint.root == self.tree.root() {
                Ok(())
            } else if self.vouched == self.base + checkpoint.size {
                Err(forked)
            } else {
                Err(Finding { first: self.vouched, last: last.max(self.vouched), flaw: Flaw::Rewritten })
            };
        }
        insert(&mut self.claims, self.base, checkpoint, keeper)
    }

    /// Adds what a receipt promises, and the state of the log when it was given.
    pub fn promise(&mut self, receipt: &Receipt) -> Result<(), Finding> {
        let (size, root) = receipt.state_then();
        let checkpoint = Checkpoint { origin: receipt.origin().to_owned(), size, root: *root };
        self.anchor(&checkpoint, Keeper::Outside)?;
        let claims = if receipt.origin() == self.origin {
            &mut self.claims
        } else {
            self.awaited.entry(receipt.origin().to_owned()).or_default()
        };
        claims.promises.insert(receipt.promised().index, receipt.promised().leaf);
        Ok(())
    }

    /// Ends the present log and begins the next one. Its certificate has been checked, and nothing else of the head.
    pub fn begin(&mut self, head: &SegmentHead) -> Result<(), Finding> {
        self.finish_log()?;
        if !self.origin.is_empty() {
            let (origin, size, root) = (self.origin.as_str().into(), self.tree.size(), self.tree.root());
            self.previous = Previous::Seen(Predecessor { origin, size, root });
        }
        self.base = self.size();
        self.tree = Frontier::new();
        self.closed = false;
        self.used = false;
        self.origin = head.origin().to_owned();
        self.claims = self.awaited.remove(&self.origin).unwrap_or_default();
        // A registration or a list may count nothing yet.
        self.reach_anchor()
    }

    /// Checks the head of a segment that begins here.
    pub fn head(&self, head: &SegmentHead) -> Result<(), Finding> {
        let same_open = head.open.len() == self.open.len()
            && head.open.iter().all(|journey| self.open.get(&journey.request) == Some(&journey.intent));
        let same = head.origin() == self.origin
            && head.first == self.size()
            && head.tree == self.tree
            && head.link == self.link
            && same_open;
        if same { Ok(()) } else { Err(self.here(Flaw::Head)) }
    }

    /// Checks the next record.
    pub fn frame(&mut self, frame: &Frame<'_>) -> Result<Verified, Finding> {
        let number = self.size();
        if frame.number != number {
            return Err(self.here(Flaw::of_order(number, frame.number, [])));
        }
        if frame.previous != self.link {
            // Either the record before was changed with its checksum, or this one's link was.
            return Err(Finding { first: number.saturating_sub(1), last: number, flaw: Flaw::Changed });
        }
        let leaf = Leaf::decode(frame.leaf).map_err(|why| self.here(Flaw::Malformed(why)))?;
        let hash = leaf_hash(frame.leaf);
        if self.claims.promises.remove(&self.tree.size()).is_some_and(|promised| promised != hash) {
            return Err(self.here(Flaw::Omitted));
        }
        self.bounds(&leaf)?;
        let vouched = self.pair(&leaf, BodyAt::from_word(frame.body))?;
        self.tree.push(hash);
        self.link = frame.link();
        self.reach_anchor()?;
        Ok(Verified { leaf, hash, vouched })
    }

    /// Checks that the present log is as long as the checkpoints and receipts say.
    pub fn finish_log(&self) -> Result<(), Finding> {
        match self.claims.longest() {
            None => Ok(()),
            Some((claimed, Keeper::Log)) => Err(self.here(Flaw::Truncated { claimed })),
            Some((claimed, Keeper::Outside)) => Err(self.here(Flaw::RolledBack { claimed })),
        }
    }

    /// Checks that every log is there and as long as is claimed. Call it after the last record.
    pub fn finish(&self) -> Result<(), Finding> {
        self.finish_log()?;
        match self.awaited.keys().next() {
            None => Ok(()),
            Some(origin) => Err(self.here(Flaw::MissingLog { origin: origin.clone() })),
        }
    }

    /// A finding about the record that comes next.
    pub fn here(&self, flaw: Flaw) -> Finding {
        Finding { first: self.size(), last: self.size(), flaw }
    }

    fn reach_anchor(&mut self) -> Result<(), Finding> {
        let size = self.tree.size();
        let Some(anchor) = self.claims.anchors.remove(&size) else { return Ok(()) };
        if anchor.root == self.tree.root() {
            // The log's first record vouches for all before it.
            self.vouched = self.vouched.max(self.base + size);
            return Ok(());
        }
        let first = self.vouched.max(self.base);
        Err(Finding { first, last: self.size().saturating_sub(1).max(first), flaw: Flaw::Rewritten })
    }

    /// Checks that a log begins with the record of its start, and that nothing follows the one of its end.
    fn bounds(&mut self, leaf: &Leaf) -> Result<(), Finding> {
        if self.closed {
            return Err(self.here(Flaw::BehindClose));
        }
        let mut started = None;
        for moment in &leaf.moments {
            match &moment.event {
                Event::Started { log, previous, interrupted, .. } => {
                    started = Some((log.as_deref(), previous.as_ref(), interrupted))
                }
                Event::Stopped { leaves } => {
                    if *leaves != self.tree.size() {
                        return Err(self.here(Flaw::Malformed(Malformed::Value)));
                    }
                    self.closed = true;
                }
                _ => {}
            }
        }
        match (self.tree.size(), started) {
            (0, Some((log, previous, interrupted))) => {
                if log != Some(self.origin.as_str()) || !self.previous.fits(previous) {
                    return Err(self.here(Flaw::Beginning));
                }
                self.interrupted = interrupted.iter().copied().collect();
                self.settle_open()
            }
            (0, None) | (1.., Some(_)) => Err(self.here(Flaw::Beginning)),
            (1.., None) => Ok(()),
        }
    }

    /// Checks that a start names every journey that was left open.
    fn settle_open(&self) -> Result<(), Finding> {
        let unnamed = self.open.iter().filter(|(request, _)| !self.interrupted.contains(request));
        match unnamed.min_by_key(|(_, intent)| **intent) {
            Some((request, intent)) => Err(Finding { first: *intent, last: *intent, flaw: Flaw::NoOutcome(*request) }),
            None => Ok(()),
        }
    }

    /// Keeps the account of open journeys, and says which body the record vouches for.
    fn pair(&mut self, leaf: &Leaf, at: BodyAt) -> Result<Option<Vouched>, Finding> {
        let number = self.size();
        let starts = self.tree.size() == 0;
        let closes = leaf.kind == LeafKind::Outcome && leaf.request.is_some_and(|it| self.interrupted.remove(&it));
        self.used |= !starts && !closes;
        if !starts
            && !closes
            && let Some(request) = self.interrupted.first()
        {
            let intent = self.open.get(request).copied().unwrap_or(number);
            return Err(Finding { first: intent, last: intent, flaw: Flaw::NoOutcome(*request) });
        }
        let opened = leaf.moments.iter().find_map(|moment| match &moment.event {
            Event::Opened { request, .. } => Some(request),
            _ => None,
        });
        let closed = leaf.moments.iter().find_map(|moment| match &moment.event {
            Event::Closed { answer, chunks, .. } => Some((answer, *chunks)),
            _ => None,
        });
        match (leaf.kind, leaf.request, opened, closed) {
            (LeafKind::Intent, Some(request), Some(body), None) => {
                if self.open.insert(request, number).is_some() {
                    return Err(self.here(Flaw::Unpaired(request)));
                }
                Ok(Some(Vouched { request, which: WhichBody::Request, body: body.clone(), pieces: 1, at }))
            }
            (LeafKind::Outcome, Some(request), None, Some((body, pieces))) => {
                if self.open.remove(&request).is_none() {
                    return Err(self.here(Flaw::Unpaired(request)));
                }
                Ok(Some(Vouched { request, which: WhichBody::Answer, body: body.clone(), pieces, at }))
            }
            (LeafKind::Note, _, None, None) => Ok(None),
            _ => Err(self.here(Flaw::Malformed(Malformed::Value))),
        }
    }
}

/// Adds a checkpoint to what is known of a log whose first record has the number `base`, or will have.
fn insert(claims: &mut Claims, base: u64, checkpoint: &Checkpoint, keeper: Keeper) -> Result<(), Finding> {
    let anchor = claims.anchors.entry(checkpoint.size).or_insert(Anchor { root: checkpoint.root, keeper });
    if anchor.root != checkpoint.root {
        let last = base + checkpoint.size.saturating_sub(1);
        return Err(Finding { first: base, last, flaw: Flaw::Forked });
    }
    if keeper == Keeper::Outside {
        anchor.keeper = keeper;
    }
    Ok(())
}
