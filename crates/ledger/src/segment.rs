use gatewright_model::{Digest, RequestId};

use crate::body::BodyAt;
use crate::cbor::{Malformed, Reader, Writer};
use crate::certificate::Certificate;
use crate::frame::checksum;
use crate::tree::Frontier;

/// What every segment of the log begins with.
pub const SEGMENT_MAGIC: &[u8; 16] = b"gatewright log2\n";

/// What segments of the format before this one begin with: one log for all starts, under one key.
const OLDER_MAGIC: &[u8; 16] = b"gatewright log1\n";

/// The most bytes that a segment's head may have.
pub const SEGMENT_HEAD_LIMIT: usize = 1 << 20;

const FIXED: usize = 36;
const VERSION: u64 = 2;

/// A journey that is open where a segment begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenJourney {
    /// Whose.
    pub request: RequestId,
    /// The number of its intent.
    pub intent: u64,
    /// Where its last body frame lay at that time.
    pub body: BodyAt,
}

/// What a segment of the log begins with: everything about the records before it that a reader needs who starts here.
/// A start reads one segment only, however long the log is. Whoever verifies computes all of it and compares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentHead {
    /// From which the checksums of the segment's frames start.
    pub nonce: [u8; 16],
    /// Which log, and its key as the root key certifies it.
    pub certificate: Certificate,
    /// The number of the segment's first record; numbers go on from one log of the folder to the next.
    pub first: u64,
    /// The link that the segment's first record holds of the one before.
    pub link: Digest,
    /// The tree over the log's records before.
    pub tree: Frontier,
    /// The journeys that are open, by the number of their intent.
    pub open: Vec<OpenJourney>,
}

impl SegmentHead {
    /// The head as it stands in the segment: magic, nonce, length, CBOR, checksum.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(1_024);
        writer.array(9);
        writer.unsigned(VERSION);
        writer.text(self.certificate.origin());
        writer.bytes(&self.certificate.public());
        writer.bytes(self.certificate.signature());
        writer.unsigned(self.first);
        writer.bytes(&self.link);
        writer.unsigned(self.tree.size());
        writer.array(self.tree.subtrees().len());
        for subtree in self.tree.subtrees() {
            writer.bytes(subtree);
        }
        writer.array(self.open.len());
        for OpenJourney { request, intent, body } in &self.open {
            writer.array(3);
            writer.bytes(request.as_bytes());
            writer.unsigned(*intent);
            writer.unsigned(body.word());
        }
        let content = writer.into_bytes();
        let mut bytes = Vec::with_capacity(FIXED + content.len() + 4);
        bytes.extend_from_slice(SEGMENT_MAGIC);
        bytes.extend_from_slice(&self.nonce);
        bytes.extend_from_slice(&u32::try_from(content.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend_from_slice(&content);
        let checksum = checksum(&self.nonce, &bytes);
        bytes.extend_from_slice(&checksum.to_be_bytes());
        bytes
    }

    /// Reads a head from the beginning of a segment, and says how long it is.
    pub fn parse(bytes: &[u8]) -> Result<(Self, usize), Malformed> {
        let fixed = bytes.get(..FIXED).ok_or(Malformed::Short)?;
        if fixed[..16] == *OLDER_MAGIC {
            return Err(Malformed::Version);
        }
        if fixed[..16] != *SEGMENT_MAGIC {
            return Err(Malformed::Value);
        }
        let nonce = fixed[16..32].try_into().map_err(|_| Malformed::Value)?;
        let length = fixed[32..].iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
        if length > SEGMENT_HEAD_LIMIT {
            return Err(Malformed::Value);
        }
        let whole = bytes.get(..FIXED + length + 4).ok_or(Malformed::Short)?;
        let (covered, trailer) = whole.split_at(FIXED + length);
        if checksum(&nonce, covered).to_be_bytes() != *trailer {
            return Err(Malformed::Value);
        }
        let head = Self::parse_content(nonce, &covered[FIXED..])?;
        if head.to_bytes() == whole { Ok((head, whole.len())) } else { Err(Malformed::NotCanonical) }
    }

    fn parse_content(nonce: [u8; 16], content: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(content);
        reader.array_of(9)?;
        if reader.unsigned()? != VERSION {
            return Err(Malformed::Version);
        }
        let origin = reader.text()?;
        let public = digest(&mut reader)?;
        let signature = reader.bytes()?.try_into().map_err(|_| Malformed::Value)?;
        let certificate = Certificate::from_parts(origin, public, signature).map_err(|_| Malformed::Value)?;
        let first = reader.unsigned()?;
        let link = digest(&mut reader)?;
        let size = reader.unsigned()?;
        let subtrees = (0..reader.array()?).map(|_| digest(&mut reader)).collect::<Result<_, _>>()?;
        let tree = Frontier::from_parts(size, subtrees).filter(|_| size <= first).ok_or(Malformed::Value)?;
        let open = (0..reader.array()?)
            .map(|_| {
                reader.array_of(3)?;
                let request = reader.bytes()?.try_into().map(RequestId::from_bytes).map_err(|_| Malformed::Value)?;
                Ok(OpenJourney { request, intent: reader.unsigned()?, body: BodyAt::from_word(reader.unsigned()?) })
            })
            .collect::<Result<_, Malformed>>()?;
        reader.end()?;
        Ok(Self { nonce, certificate, first, link, tree, open })
    }

    /// The name of the log that the segment belongs to.
    pub fn origin(&self) -> &str {
        self.certificate.origin()
    }

    /// The number of the log's first record.
    pub const fn base(&self) -> u64 {
        self.first - self.tree.size()
    }
}

fn digest(reader: &mut Reader<'_>) -> Result<Digest, Malformed> {
    reader.bytes()?.try_into().map_err(|_| Malformed::Value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_is_seen() {
        let mut tree = Frontier::new();
        (0..5_u8).for_each(|leaf| tree.push([leaf; 32]));
        let journey = OpenJourney { request: RequestId::from_bytes([8; 16]), intent: 3, body: BodyAt::from_word(77) };
        let certificate = Certificate::from_parts("log.example/a/b/1", [5; 32], [6; 64]).expect("a good name");
        let open = vec![journey];
        let head = SegmentHead { nonce: [1; 16], certificate, first: 7, link: [2; 32], tree, open };
        let bytes = head.to_bytes();
        assert_eq!(SegmentHead::parse(&bytes), Ok((head, bytes.len())));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(SegmentHead::parse(&flipped).is_err(), "bit {bit}");
        }
    }
}
