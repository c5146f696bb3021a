use gatewright_model::Digest;

use crate::commitment::sha256;
use crate::leaf::LEAF_LIMIT;

/// How many bytes of a frame come before its payload.
pub const FRAME_HEAD: usize = 61;

/// How many bytes a frame has besides its payload.
pub const FRAME_OVERHEAD: usize = FRAME_HEAD + 4;

const LEAF_FRAME: u8 = 1;

/// One record in a segment of the log: `length u32 | type u8 | number u64 | synced u64 | body u64 | previous link 32 |
/// leaf | CRC-32C`, numbers big-endian.
///
/// The checksum starts from the segment's random nonce, so that nobody who chooses a record's text can make bytes
/// that pass for a frame of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The record's number, from 0; the leaf's index in the tree.
    pub number: u64,
    /// How many records were on disk for certain when this one was written. A frame that says so of a damaged record
    /// proves that the damage is no torn write of a crash.
    pub synced: u64,
    /// Where the journey's last body frame lies: packed by the store, 0 for none. A hint: what it leads to is checked.
    pub body: u64,
    /// The [`link`](Self::link) of the record before.
    pub previous: Digest,
    /// The leaf's bytes.
    pub leaf: &'a [u8],
}

/// What stands at a place in a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed<'a> {
    /// A frame, and its length in bytes.
    Frame(Frame<'a>, usize),
    /// A head of zeros: preallocated space, or nothing at all.
    Blank,
    /// Anything else.
    Bad,
}

impl<'a> Frame<'a> {
    /// What the next record holds of this one and all before it.
    pub fn link(&self) -> Digest {
        sha256(&[&[2], &self.previous, &self.number.to_be_bytes(), &self.body.to_be_bytes(), self.leaf])
    }

    /// Appends the frame to a buffer. The leaf is at most [`LEAF_LIMIT`] bytes long, as [`Leaf::encode`](crate::Leaf::encode) sees to.
    pub fn append_to(&self, nonce: &[u8; 16], out: &mut Vec<u8>) {
        let start = out.len();
        let length = u32::try_from(self.leaf.len()).unwrap_or(u32::MAX);
        out.extend_from_slice(&length.to_be_bytes());
        out.push(LEAF_FRAME);
        out.extend_from_slice(&self.number.to_be_bytes());
        out.extend_from_slice(&self.synced.to_be_bytes());
        out.extend_from_slice(&self.body.to_be_bytes());
        out.extend_from_slice(&self.previous);
        out.extend_from_slice(self.leaf);
        let checksum = checksum(nonce, &out[start..]);
        out.extend_from_slice(&checksum.to_be_bytes());
    }

    /// Reads what stands at the beginning of `bytes`, which reach to the segment's end or at least as far as the
    /// longest frame.
    pub fn parse(nonce: &[u8; 16], bytes: &'a [u8]) -> Parsed<'a> {
        let head = &bytes[..bytes.len().min(FRAME_HEAD)];
        if head.iter().all(|byte| *byte == 0) {
            return Parsed::Blank;
        }
        match Self::parse_head(bytes).filter(|(_, whole)| {
            let (covered, trailer) = whole.split_at(whole.len() - 4);
            checksum(nonce, covered).to_be_bytes() == *trailer
        }) {
            Some((frame, whole)) => Parsed::Frame(frame, whole.len()),
            None => Parsed::Bad,
        }
    }

    /// Reads a frame whose checksum [`parse`](Self::parse) has seen already.
    pub fn parse_unchecked(bytes: &'a [u8]) -> Option<Self> {
        Self::parse_head(bytes).map(|(frame, _)| frame)
    }

    /// The frame and its bytes, its checksum unseen.
    fn parse_head(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let mut fields = Fields(bytes);
        let length = u32::from_be_bytes(fields.next()?) as usize;
        if !(1..=LEAF_LIMIT).contains(&length) || fields.next::<1>()? != [LEAF_FRAME] {
            return None;
        }
        let number = u64::from_be_bytes(fields.next()?);
        let synced = u64::from_be_bytes(fields.next()?);
        let body = u64::from_be_bytes(fields.next()?);
        let previous = fields.next()?;
        let whole = bytes.get(..FRAME_OVERHEAD + length)?;
        let leaf = &whole[FRAME_HEAD..FRAME_HEAD + length];
        (synced <= number).then_some((Self { number, synced, body, previous, leaf }, whole))
    }
}

/// Takes fixed-size fields off the front of bytes.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl Fields<'_> {
    pub(crate) fn next<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*field)
    }
}

/// CRC-32C (RFC 3720, appendix B.4) over the nonce and then the bytes.
pub(crate) fn checksum(nonce: &[u8; 16], bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(nonce), bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_is_seen() {
        let frame = Frame { number: 7, synced: 5, body: 99, previous: [3; 32], leaf: b"a leaf" };
        let mut bytes = Vec::new();
        frame.append_to(&[1; 16], &mut bytes);
        assert_eq!(Frame::parse(&[1; 16], &bytes), Parsed::Frame(frame, bytes.len()));
        assert_eq!(Frame::parse(&[2; 16], &bytes), Parsed::Bad, "another segment's nonce");
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Frame::parse(&[1; 16], &flipped), Parsed::Bad, "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert!(!matches!(Frame::parse(&[1; 16], &bytes[..length]), Parsed::Frame(..)));
        }
        assert_eq!(Frame::parse(&[1; 16], &[0; 200]), Parsed::Blank);
    }
}
