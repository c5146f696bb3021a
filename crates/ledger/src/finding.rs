use std::fmt;

use gatewright_model::RequestId;

use crate::cbor::Malformed;

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
    /// The checkpoint of this number in the log's own list is no checkpoint that the log's key has signed.
    Checkpoint {
        /// Its number, from 0.
        number: u64,
    },
    /// The root key does not vouch for the key of the log that begins here.
    Certificate,
    /// The log that begins here does not say what came before it: a log was taken out, put in or put elsewhere.
    Beginning,
    /// A record stands behind the one that closed its log.
    BehindClose,
    /// A whole log is gone, of which the register or somebody else knows.
    MissingLog {
        /// Its name.
        origin: String,
    },
    /// The record is not the one that somebody holds a receipt for.
    Omitted,
    /// The register of logs is not what was written.
    Register(&'static str),
    /// A log stands here that is not in the register.
    Unregistered,
    /// A file that was published for others does not say what the records say.
    Published {
        /// Its path in the data folder.
        path: String,
    },
    /// Too few witnesses have cosigned the register, or too long ago.
    Witnesses {
        /// How many have.
        have: usize,
        /// How many must.
        need: usize,
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
            Self::Certificate => "certificate",
            Self::Beginning => "beginning",
            Self::BehindClose => "behind_close",
            Self::MissingLog { .. } => "missing_log",
            Self::Omitted => "omitted",
            Self::Register(_) => "register",
            Self::Unregistered => "unregistered",
            Self::Published { .. } => "published",
            Self::Witnesses { .. } => "witnesses",
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
        if matches!(self.flaw, Flaw::Register(_) | Flaw::Witnesses { .. }) {
            // It is about no record.
        } else if self.first == self.last {
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
            Flaw::Checkpoint { number } => write!(f, "checkpoint {number} is not signed by the log's key"),
            Flaw::Certificate => f.write_str("the root key does not vouch for the key of the log that begins here"),
            Flaw::Beginning => {
                f.write_str("the log that begins here does not follow on the one before: a log is missing or misplaced")
            }
            Flaw::BehindClose => f.write_str("it stands behind the record that closed its log"),
            Flaw::MissingLog { origin } => write!(f, "the log {origin} is missing as a whole"),
            Flaw::Omitted => f.write_str("omitted: the receipt that you hold promises another record here"),
            Flaw::Register(why) => write!(f, "the register of logs: {why}"),
            Flaw::Unregistered => f.write_str("the log that begins here is not in the register"),
            Flaw::Published { path } => write!(f, "{path} does not say what the records say"),
            Flaw::Witnesses { have, need } => {
                write!(f, "{have} of {need} witnesses have cosigned the register in time")
            }
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
