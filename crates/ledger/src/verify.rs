use std::collections::BTreeMap;
use std::fmt;

use gatewright_model::{BodyRef, Digest, Event, RequestId};

use crate::body::BodyAt;
use crate::cbor::Malformed;
use crate::checkpoint::Checkpoint;
use crate::frame::Frame;
use crate::leaf::{Leaf, LeafKind};
use crate::segment::SegmentHead;
use crate::tree::{Frontier, leaf_hash};

/// What is wrong with a log, and the records that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The first record that may be bad, from 0.
    pub first: u64,
    /// The last record that may be bad; the same as `first` where one record is to blame for certain.
    pub last: u64,
    /// What is wrong.
    pub flaw: Flaw,
}

/// One of the two bodies of a journey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhichBody {
    /// The request as it was sent, masked.
    Request,
    /// The answer as it was delivered, masked.
    Answer,
}

/// What can be wrong with a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The record is not what was written: its checksum fails, or the next one holds another link.
    Changed,
    /// The record is gone while later ones are there.
    Dropped,
    /// The record stands behind one that was written after it.
    Swapped,
    /// A record stands where it does not belong: its number was there before.
    Inserted,
    /// Bytes that are no record stand behind a segment's last one.
    Trailing,
    /// What a segment says of the records before it is wrong.
    Head,
    /// The log ends here although it once had more records, as a checkpoint of its own says.
    Truncated {
        /// How many records that checkpoint counts.
        claimed: u64,
    },
    /// The log ends here although somebody else keeps a checkpoint that counts more records.
    RolledBack {
        /// How many records that checkpoint counts.
        claimed: u64,
    },
    /// Records, among these, were replaced and everything after them computed anew: the signed root is another.
    Rewritten,
    /// The log's key has signed two histories.
    Forked,
    /// A journey has no outcome although the gateway has started again since.
    NoOutcome(RequestId),
    /// An outcome without an intent, or a second intent.
    Unpaired(RequestId),
    /// The record cannot be read.
    Malformed(Malformed),
    /// The body that the record vouches for is gone.
    BodyMissing(WhichBody),
    /// The body is not the one that the record vouches for.
    BodyChanged(WhichBody),
    /// The checkpoint of this number in the log's own list is no checkpoint that the trusted key has signed.
    Checkpoint {
        /// Its number, from 0.
        number: u64,
    },
}

impl Flaw {
    /// The word for it in reports.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Dropped => "dropped",
            Self::Swapped => "swapped",
            Self::Inserted => "inserted",
            Self::Trailing => "trailing",
            Self::Head => "segment_head",
            Self::Truncated { .. } => "truncated",
            Self::RolledBack { .. } => "rolled_back",
            Self::Rewritten => "rewritten",
            Self::Forked => "forked",
            Self::NoOutcome(_) => "no_outcome",
            Self::Unpaired(_) => "unpaired",
            Self::Malformed(_) => "malformed",
            Self::BodyMissing(_) => "body_missing",
            Self::BodyChanged(_) => "body_changed",
            Self::Checkpoint { .. } => "checkpoint",
        }
    }

    /// What a record with the wrong number means, given the numbers of the records that follow it.
    pub fn of_order(expected: u64, found: u64, following: impl IntoIterator<Item = u64>) -> Self {
        if found < expected {
            Self::Inserted
        } else if following.into_iter().any(|number| number == expected) {
            Self::Swapped
        } else {
            Self::Dropped
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "record {}: ", self.first)?;
        } else {
            write!(f, "records {} to {}: ", self.first, self.last)?;
        }
        match &self.flaw {
            Flaw::Changed => f.write_str("changed: the bytes are not those that were written"),
            Flaw::Dropped => f.write_str("dropped: later records are there, this one is not"),
            Flaw::Swapped => f.write_str("swapped: it stands behind a record that was written after it"),
            Flaw::Inserted => f.write_str("inserted: a record stands here that does not belong here"),
            Flaw::Trailing => f.write_str("bytes that are no record stand behind the segment's last one"),
            Flaw::Head => f.write_str("the segment that begins here says something wrong of the records before it"),
            Flaw::Truncated { claimed } => {
                write!(f, "truncated: the log ends here, its own checkpoint counts {claimed} records")
            }
            Flaw::RolledBack { claimed } => {
                write!(f, "rolled back: the log ends here, the checkpoint you hold counts {claimed} records")
            }
            Flaw::Rewritten => f.write_str("rewritten: the signed checkpoint has another root"),
            Flaw::Forked => f.write_str("forked: the log's key has signed two histories"),
            Flaw::NoOutcome(request) => write!(f, "{request} has no outcome although the gateway started again"),
            Flaw::Unpaired(request) => write!(f, "{request} has an outcome without an intent, or a second intent"),
            Flaw::Malformed(why) => write!(f, "cannot be read: {why}"),
            Flaw::BodyMissing(which) => write!(f, "{} is gone", which.words()),
            Flaw::BodyChanged(which) => write!(f, "{} is not the one that the record vouches for", which.words()),
            Flaw::Checkpoint { number } => write!(f, "checkpoint {number} is not signed by the trusted key"),
        }
    }
}

impl WhichBody {
    const fn words(self) -> &'static str {
        match self {
            Self::Request => "the request's body",
            Self::Answer => "the answer's body",
        }
    }
}

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
    /// The body to check beside it.
    pub vouched: Option<Vouched>,
}

#[derive(Clone, Copy)]
struct Anchor {
    root: Digest,
    keeper: Keeper,
}

/// Checks a log's records in order, with nothing but what it is fed. It stops being of use at the first finding.
#[derive(Default)]
pub struct Verifier {
    tree: Frontier,
    link: Digest,
    /// The checkpoints that are still to be reached.
    anchors: BTreeMap<u64, Anchor>,
    /// Up to which size the records are those that a checkpoint was signed for.
    vouched: u64,
    /// The number of each open journey's intent.
    open: BTreeMap<RequestId, u64>,
}

impl Verifier {
    /// A verifier before the first record.
    pub fn new() -> Self {
        Self::default()
    }

    /// A verifier before the first record of a segment, which takes for granted what the segment's head says.
    pub fn resume(head: &SegmentHead) -> Self {
        let open = head.open.iter().map(|journey| (journey.request, journey.intent)).collect();
        Self { tree: head.tree.clone(), link: head.link, anchors: BTreeMap::new(), vouched: head.tree.size(), open }
    }

    /// How many records were good.
    pub fn size(&self) -> u64 {
        self.tree.size()
    }

    /// The root of the tree over them.
    pub fn root(&self) -> Digest {
        self.tree.root()
    }

    /// Up to which size a checkpoint vouches for them.
    pub fn vouched(&self) -> u64 {
        self.vouched
    }

    /// The journeys that are open, with the numbers of their intents.
    pub fn open(&self) -> impl ExactSizeIterator<Item = (RequestId, u64)> + '_ {
        self.open.iter().map(|(request, intent)| (*request, *intent))
    }

    /// The tree over the records that were good.
    pub fn tree(&self) -> &Frontier {
        &self.tree
    }

    /// The link that the next record must hold.
    pub fn link(&self) -> Digest {
        self.link
    }

    /// Adds a checkpoint whose signature was checked, before the record that it ends with is fed.
    pub fn anchor(&mut self, checkpoint: &Checkpoint, keeper: Keeper) -> Result<(), Finding> {
        let last = checkpoint.size.saturating_sub(1);
        let forked = Finding { first: 0, last, flaw: Flaw::Forked };
        if checkpoint.size <= self.tree.size() {
            // What is past can be compared only where it is the present.
            return if checkpoint.size < self.tree.size() || checkpoint.root == self.tree.root() {
                Ok(())
            } else if self.vouched == checkpoint.size {
                Err(forked)
            } else {
                Err(Finding { first: self.vouched, last, flaw: Flaw::Rewritten })
            };
        }
        let anchor = self.anchors.entry(checkpoint.size).or_insert(Anchor { root: checkpoint.root, keeper });
        if anchor.root != checkpoint.root {
            return Err(forked);
        }
        if keeper == Keeper::Outside {
            anchor.keeper = keeper;
        }
        Ok(())
    }

    /// Checks the head of a segment that begins here.
    pub fn head(&self, head: &SegmentHead) -> Result<(), Finding> {
        let same_open = head.open.len() == self.open.len()
            && head.open.iter().all(|journey| self.open.get(&journey.request) == Some(&journey.intent));
        if head.tree == self.tree && head.link == self.link && same_open { Ok(()) } else { Err(self.here(Flaw::Head)) }
    }

    /// Checks the next record.
    pub fn frame(&mut self, frame: &Frame<'_>) -> Result<Verified, Finding> {
        let number = self.tree.size();
        if frame.number != number {
            return Err(self.here(Flaw::of_order(number, frame.number, [])));
        }
        if frame.previous != self.link {
            // Either the record before was changed with its checksum, or this one's link was.
            return Err(Finding { first: number.saturating_sub(1), last: number, flaw: Flaw::Changed });
        }
        let leaf = Leaf::decode(frame.leaf).map_err(|why| self.here(Flaw::Malformed(why)))?;
        let vouched = self.pair(&leaf, BodyAt::from_word(frame.body))?;
        self.tree.push(leaf_hash(frame.leaf));
        self.link = frame.link();
        self.reach_anchor()?;
        Ok(Verified { leaf, vouched })
    }

    /// Checks that the log is as long as the checkpoints say. Call it after the last record.
    pub fn finish(&self) -> Result<(), Finding> {
        match self.anchors.last_key_value() {
            None => Ok(()),
            Some((&claimed, anchor)) => Err(self.here(match anchor.keeper {
                Keeper::Log => Flaw::Truncated { claimed },
                Keeper::Outside => Flaw::RolledBack { claimed },
            })),
        }
    }

    /// A finding about the record that comes next.
    pub fn here(&self, flaw: Flaw) -> Finding {
        Finding { first: self.tree.size(), last: self.tree.size(), flaw }
    }

    fn reach_anchor(&mut self) -> Result<(), Finding> {
        let size = self.tree.size();
        let Some(anchor) = self.anchors.remove(&size) else { return Ok(()) };
        if anchor.root == self.tree.root() {
            self.vouched = size;
            return Ok(());
        }
        Err(Finding { first: self.vouched, last: size - 1, flaw: Flaw::Rewritten })
    }

    /// Keeps the account of open journeys, and says which body the record vouches for.
    fn pair(&mut self, leaf: &Leaf, at: BodyAt) -> Result<Option<Vouched>, Finding> {
        let number = self.tree.size();
        if leaf.moments.iter().any(|moment| matches!(moment.event, Event::Started { .. }))
            && let Some((request, intent)) = self.open.iter().min_by_key(|(_, intent)| **intent)
        {
            return Err(Finding { first: *intent, last: *intent, flaw: Flaw::NoOutcome(*request) });
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
