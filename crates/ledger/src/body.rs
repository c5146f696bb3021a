use gatewright_model::{RequestId, Timestamp};

use crate::frame::{Fields, checksum};

/// What every segment of bodies begins with: this, a random nonce, and a checksum over both.
pub const BODY_MAGIC: &[u8; 16] = b"gatewright bod1\n";

/// The length of a body segment's head.
pub const BODY_SEGMENT_HEAD: usize = 36;

/// How many bytes of a body frame come before its payload.
pub const BODY_FRAME_HEAD: usize = 37;

/// How many bytes a body frame has besides its payload.
pub const BODY_FRAME_OVERHEAD: usize = BODY_FRAME_HEAD + 4;

/// The most bytes of a body that one frame holds.
pub const BODY_LIMIT: usize = 256 << 20;

const REQUEST_FRAME: u8 = 1;
const ANSWER_FRAME: u8 = 2;

/// Where a body frame lies: its segment's number and the offset therein, packed into a word. 0 leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BodyAt(u64);

impl BodyAt {
    /// Nowhere.
    pub const NOWHERE: Self = Self(0);

    /// The place at this offset of this segment; `None` beyond 2^24 segments or 2^40 bytes.
    pub const fn new(segment: u64, offset: u64) -> Option<Self> {
        if segment < 1 << 24 && offset < 1 << 40 { Some(Self(segment << 40 | offset)) } else { None }
    }

    /// The place that this word packs.
    pub const fn from_word(word: u64) -> Self {
        Self(word)
    }

    /// The word that packs it.
    pub const fn word(self) -> u64 {
        self.0
    }

    /// The segment's number.
    pub const fn segment(self) -> u64 {
        self.0 >> 40
    }

    /// The offset in the segment.
    pub const fn offset(self) -> u64 {
        self.0 & ((1 << 40) - 1)
    }
}

/// What a body frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyPart<'a> {
    /// The masked request, with the salts of both bodies: they lie beside the bodies and die with them.
    Request {
        /// The salt of the request's commitment.
        request_salt: [u8; 32],
        /// The salt of the answer's commitment.
        answer_salt: [u8; 32],
        /// The request's bytes.
        bytes: &'a [u8],
    },
    /// A piece of the masked answer.
    Answer(
        /// The piece's bytes.
        &'a [u8],
    ),
}

/// A body, or a piece of one: `length u32 | type u8 | request 16 | previous u64 | moment u64 | payload |
/// CRC-32C`, numbers big-endian, the checksum starting from the segment's nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyFrame<'a> {
    /// Whose.
    pub request: RequestId,
    /// Where the journey's frame before this one lies; nowhere for its request.
    pub previous: BodyAt,
    /// When it was handed over.
    pub at: Timestamp,
    /// What it holds.
    pub part: BodyPart<'a>,
}

/// What stands at a place in a segment of bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParsedBody<'a> {
    /// A frame, and its length in bytes.
    Frame(BodyFrame<'a>, usize),
    /// A frame's head whose frame is this long in all; more bytes are needed to know whether it is one.
    Needs(usize),
    /// A head of zeros: preallocated space, or nothing at all.
    Blank,
    /// Anything else.
    Bad,
}

impl<'a> BodyFrame<'a> {
    /// How long the frame is in all.
    pub fn length(&self) -> usize {
        BODY_FRAME_OVERHEAD
            + match &self.part {
                BodyPart::Request { bytes, .. } => 64 + bytes.len(),
                BodyPart::Answer(bytes) => bytes.len(),
            }
    }

    /// Appends the frame to a buffer. Its bytes are at most [`BODY_LIMIT`] long.
    pub fn append_to(&self, nonce: &[u8; 16], out: &mut Vec<u8>) {
        let start = out.len();
        let payload = u32::try_from(self.length() - BODY_FRAME_OVERHEAD).unwrap_or(u32::MAX);
        out.extend_from_slice(&payload.to_be_bytes());
        out.push(match self.part {
            BodyPart::Request { .. } => REQUEST_FRAME,
            BodyPart::Answer(_) => ANSWER_FRAME,
        });
        out.extend_from_slice(self.request.as_bytes());
        out.extend_from_slice(&self.previous.word().to_be_bytes());
        out.extend_from_slice(&self.at.micros().to_be_bytes());
        match &self.part {
            BodyPart::Request { request_salt, answer_salt, bytes } => {
                out.extend_from_slice(request_salt);
                out.extend_from_slice(answer_salt);
                out.extend_from_slice(bytes);
            }
            BodyPart::Answer(bytes) => out.extend_from_slice(bytes),
        }
        let checksum = checksum(nonce, &out[start..]);
        out.extend_from_slice(&checksum.to_be_bytes());
    }

    /// Reads what stands at the beginning of `bytes`.
    pub fn parse(nonce: &[u8; 16], bytes: &'a [u8]) -> ParsedBody<'a> {
        let head = &bytes[..bytes.len().min(BODY_FRAME_HEAD)];
        if head.iter().all(|byte| *byte == 0) {
            return ParsedBody::Blank;
        }
        let Some(length) = Self::claimed_length(bytes) else { return ParsedBody::Bad };
        let Some(whole) = bytes.get(..length) else { return ParsedBody::Needs(length) };
        let (covered, trailer) = whole.split_at(length - 4);
        if checksum(nonce, covered).to_be_bytes() != *trailer {
            return ParsedBody::Bad;
        }
        Self::parse_covered(covered).map_or(ParsedBody::Bad, |frame| ParsedBody::Frame(frame, length))
    }

    /// The length in all that a head claims, where it could be a frame's head.
    fn claimed_length(bytes: &[u8]) -> Option<usize> {
        let mut fields = Fields(bytes);
        let length = u32::from_be_bytes(fields.next()?) as usize;
        let least = match fields.next::<1>()? {
            [REQUEST_FRAME] => 64,
            [ANSWER_FRAME] => 0,
            _ => return None,
        };
        (bytes.len() >= BODY_FRAME_HEAD && (least..=BODY_LIMIT + 64).contains(&length))
            .then_some(BODY_FRAME_OVERHEAD + length)
    }

    fn parse_covered(covered: &'a [u8]) -> Option<Self> {
        let mut fields = Fields(covered);
        let _length: [u8; 4] = fields.next()?;
        let [kind] = fields.next()?;
        let request = RequestId::from_bytes(fields.next()?);
        let previous = BodyAt(u64::from_be_bytes(fields.next()?));
        let at = Timestamp::from_micros(u64::from_be_bytes(fields.next()?));
        let payload = covered.get(BODY_FRAME_HEAD..)?;
        let part = match kind {
            REQUEST_FRAME => {
                let (request_salt, rest) = payload.split_first_chunk::<32>()?;
                let (answer_salt, bytes) = rest.split_first_chunk::<32>()?;
                BodyPart::Request { request_salt: *request_salt, answer_salt: *answer_salt, bytes }
            }
            _ => BodyPart::Answer(payload),
        };
        Some(Self { request, previous, at, part })
    }
}

/// The head of a body segment with this nonce.
pub fn body_segment_head(nonce: &[u8; 16]) -> [u8; BODY_SEGMENT_HEAD] {
    let mut head = [0; BODY_SEGMENT_HEAD];
    head[..16].copy_from_slice(BODY_MAGIC);
    head[16..32].copy_from_slice(nonce);
    let checksum = checksum(nonce, &head[..32]);
    head[32..].copy_from_slice(&checksum.to_be_bytes());
    head
}

/// The nonce of a body segment that begins with these bytes; `None` where that is no head.
pub fn body_segment_nonce(head: &[u8]) -> Option<[u8; 16]> {
    let nonce = head.get(16..32)?.try_into().ok()?;
    (head.get(..BODY_SEGMENT_HEAD)? == body_segment_head(&nonce)).then_some(nonce)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_is_seen() {
        let parts = [
            BodyPart::Request { request_salt: [1; 32], answer_salt: [2; 32], bytes: b"{}" },
            BodyPart::Answer(b"data: x\n\n"),
            BodyPart::Answer(b""),
        ];
        for part in parts {
            let frame = BodyFrame {
                request: RequestId::from_bytes([4; 16]),
                previous: BodyAt::NOWHERE,
                at: Timestamp::from_seconds(9),
                part,
            };
            let mut bytes = Vec::new();
            frame.append_to(&[1; 16], &mut bytes);
            assert_eq!(bytes.len(), frame.length());
            assert_eq!(BodyFrame::parse(&[1; 16], &bytes), ParsedBody::Frame(frame, bytes.len()));
            for bit in 0..bytes.len() * 8 {
                let mut flipped = bytes.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert!(!matches!(BodyFrame::parse(&[1; 16], &flipped), ParsedBody::Frame(..)), "bit {bit}");
            }
        }
    }

    #[test]
    fn a_segment_head_gives_its_nonce() {
        let head = body_segment_head(&[5; 16]);
        assert_eq!(body_segment_nonce(&head), Some([5; 16]));
        for bit in 0..head.len() * 8 {
            let mut flipped = head;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(body_segment_nonce(&flipped), None);
        }
    }
}
