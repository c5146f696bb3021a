//! A leaf of the log: what happened, in canonical bytes that are hashed and never change.

mod event;
mod field;

use gatewright_model::{Event, Moment, RequestId};

use crate::cbor::{Malformed, Reader, Writer};
use field::Field;

/// The most bytes that a leaf may have: an entry of the C2SP tlog-tiles layout is prefixed by a 16-bit length.
pub const LEAF_LIMIT: usize = 65_535;

/// The version of the encoding that this release writes.
pub const LEAF_VERSION: u64 = 1;

/// What a leaf says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LeafKind {
    /// A journey's record is opened: what is about to be done.
    Intent,
    /// A journey's record is closed: what came of it.
    Outcome,
    /// Anything that belongs to no open record: refusals, starts, reloads.
    Note,
}

impl LeafKind {
    const fn number(self) -> u64 {
        match self {
            Self::Intent => 1,
            Self::Outcome => 2,
            Self::Note => 3,
        }
    }

    const fn from_number(number: u64) -> Option<Self> {
        match number {
            1 => Some(Self::Intent),
            2 => Some(Self::Outcome),
            3 => Some(Self::Note),
            _ => None,
        }
    }
}

/// One entry of the log: CBOR `[version, kind, request or null, [[microseconds, event, fields…]…]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// What it says.
    pub kind: LeafKind,
    /// Whose journey, where it belongs to one.
    pub request: Option<RequestId>,
    /// What happened, in order.
    pub moments: Vec<Moment>,
}

/// A leaf that would be longer than [`LEAF_LIMIT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the leaf would be {length} bytes long, more than {LEAF_LIMIT}")]
pub struct TooLong {
    /// Its length in bytes.
    pub length: usize,
}

impl Leaf {
    /// The leaf's canonical bytes.
    pub fn encode(&self) -> Result<Vec<u8>, TooLong> {
        let bytes = self.to_bytes();
        if bytes.len() > LEAF_LIMIT { Err(TooLong { length: bytes.len() }) } else { Ok(bytes) }
    }

    /// The leaf's canonical bytes, where it must not fail for its length: moments before the last are left out until
    /// it fits, then the last one's tallies. For outcomes, which a journey cannot do without.
    pub fn encode_shortened(mut self) -> Vec<u8> {
        loop {
            let bytes = self.to_bytes();
            if bytes.len() <= LEAF_LIMIT {
                return bytes;
            }
            let last = self.moments.len().saturating_sub(1);
            if last > 0 {
                self.moments.drain(..last.div_ceil(2));
            } else if let Some(Moment { event: Event::Closed { masked, .. }, .. }) = self.moments.first_mut()
                && !masked.is_empty()
            {
                masked.truncate(masked.len() / 2);
            } else {
                self.moments.clear();
            }
        }
    }

    /// Reads a leaf from bytes that anybody may have written. Only the canonical encoding is accepted.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > LEAF_LIMIT {
            return Err(Malformed::Value);
        }
        let mut reader = Reader::new(bytes);
        reader.array_of(4)?;
        if reader.unsigned()? != LEAF_VERSION {
            return Err(Malformed::Version);
        }
        let kind = LeafKind::from_number(reader.unsigned()?).ok_or(Malformed::Value)?;
        let request = Field::read(&mut reader)?;
        let moments = Field::read(&mut reader)?;
        reader.end()?;
        let leaf = Self { kind, request, moments };
        // What has two encodings could be changed without a trace in its meaning, so there is one.
        if leaf.to_bytes() == bytes { Ok(leaf) } else { Err(Malformed::NotCanonical) }
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(1_024);
        writer.array(4);
        writer.unsigned(LEAF_VERSION);
        writer.unsigned(self.kind.number());
        self.request.write(&mut writer);
        self.moments.write(&mut writer);
        writer.into_bytes()
    }
}
