use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use gatewright_ledger::{
    BODY_FRAME_HEAD, BODY_SEGMENT_HEAD, BodyAt, BodyFrame, BodyPart, Commitment, ParsedBody, body_segment_nonce,
};
use gatewright_model::{BodyRef, RequestId, Timestamp};

use super::names::body_segment_path;
use crate::disk::{Access, Disk, DiskFile, read_up_to};

/// How much is read before a frame's length is known.
const FIRST_READ: usize = 4 << 10;

/// How many segments are kept open.
const OPEN_SEGMENTS: usize = 16;

/// The bodies of a data folder, to be read.
pub(crate) struct Bodies {
    disk: Arc<dyn Disk>,
    open: BTreeMap<u64, Segment>,
    buffer: Vec<u8>,
}

struct Segment {
    file: Box<dyn DiskFile>,
    nonce: [u8; 16],
}

/// Where the frames of one journey lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    /// The request's frame.
    pub(crate) request: BodyAt,
    /// The answer's pieces, in order.
    pub(crate) pieces: Vec<BodyAt>,
}

/// A piece of an answer with the moment at which it was handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) at: Timestamp,
    pub(crate) bytes: Vec<u8>,
}

impl Bodies {
    pub(crate) fn new(disk: Arc<dyn Disk>) -> Self {
        Self { disk, open: BTreeMap::new(), buffer: Vec::new() }
    }

    /// The frame at this place; `None` where there is no such segment or no frame.
    pub(crate) fn frame(&mut self, at: BodyAt) -> io::Result<Option<(BodyFrame<'_>, usize)>> {
        let Some(segment) = segment(&mut self.open, self.disk.as_ref(), at.segment())? else { return Ok(None) };
        read_frame(segment.file.as_ref(), &segment.nonce, at.offset(), &mut self.buffer)
    }

    /// Whether nothing stands at this place: no segment, no byte, or a frame's length of zeros.
    pub(crate) fn is_blank(&mut self, at: BodyAt) -> io::Result<bool> {
        let file = match self.disk.open(&body_segment_path(at.segment()), Access::Read) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
            Err(error) => return Err(error),
        };
        let mut head = [0; BODY_FRAME_HEAD];
        let read = read_up_to(file.as_ref(), at.offset(), &mut head)?;
        Ok(head[..read].iter().all(|byte| *byte == 0))
    }

    /// Follows a journey's frames back from its last one; `None` where the chain is broken.
    pub(crate) fn chain(&mut self, request: RequestId, last: BodyAt) -> io::Result<Option<Chain>> {
        let mut pieces = Vec::new();
        let mut at = last;
        loop {
            let Some((frame, _)) = self.frame(at)? else { return Ok(None) };
            if frame.request != request {
                return Ok(None);
            }
            match frame.part {
                BodyPart::Request { .. } => {
                    pieces.reverse();
                    return Ok(Some(Chain { request: at, pieces }));
                }
                BodyPart::Answer(_) => pieces.push(at),
            }
            // Each frame was written after the one before, so a chain that does not lead back is none.
            if frame.previous >= at {
                return Ok(None);
            }
            at = frame.previous;
        }
    }

    /// What the request at this place is committed to.
    pub(crate) fn request_reference(&mut self, at: BodyAt) -> io::Result<Option<(RequestId, BodyRef)>> {
        Ok(self.frame(at)?.and_then(|(frame, _)| match frame.part {
            BodyPart::Request { request_salt, bytes, .. } => {
                Some((frame.request, Commitment::of(&request_salt, bytes)))
            }
            BodyPart::Answer(_) => None,
        }))
    }

    /// What the pieces of this chain are committed to.
    pub(crate) fn answer_reference(&mut self, chain: &Chain) -> io::Result<Option<BodyRef>> {
        let salt = match self.frame(chain.request)? {
            Some((BodyFrame { part: BodyPart::Request { answer_salt, .. }, .. }, _)) => answer_salt,
            Some(_) | None => return Ok(None),
        };
        let mut commitment = Commitment::new(&salt);
        for at in &chain.pieces {
            match self.frame(*at)? {
                Some((BodyFrame { part: BodyPart::Answer(bytes), .. }, _)) => commitment.update(bytes),
                Some(_) | None => return Ok(None),
            }
        }
        Ok(Some(commitment.finish()))
    }

    /// The request's bytes and when it was recorded.
    pub(crate) fn request(&mut self, at: BodyAt) -> io::Result<Option<Piece>> {
        Ok(self.frame(at)?.and_then(|(frame, _)| match frame.part {
            BodyPart::Request { bytes, .. } => Some(Piece { at: frame.at, bytes: bytes.to_vec() }),
            BodyPart::Answer(_) => None,
        }))
    }

    /// The pieces of an answer with their moments.
    pub(crate) fn pieces(&mut self, chain: &Chain) -> io::Result<Option<Vec<Piece>>> {
        let mut pieces = Vec::new();
        for at in &chain.pieces {
            match self.frame(*at)? {
                Some((BodyFrame { part: BodyPart::Answer(bytes), at, .. }, _)) => {
                    pieces.push(Piece { at, bytes: bytes.to_vec() });
                }
                Some(_) | None => return Ok(None),
            }
        }
        Ok(Some(pieces))
    }
}

/// Opens a segment, or finds it open; `None` where there is none with a good head.
fn segment<'a>(open: &'a mut BTreeMap<u64, Segment>, disk: &dyn Disk, number: u64) -> io::Result<Option<&'a Segment>> {
    if !open.contains_key(&number) {
        let file = match disk.open(&body_segment_path(number), Access::Read) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(nonce) = read_nonce(file.as_ref())? else { return Ok(None) };
        if open.len() >= OPEN_SEGMENTS {
            // The oldest: readers move from old to new.
            open.pop_first();
        }
        open.insert(number, Segment { file, nonce });
    }
    Ok(open.get(&number))
}

/// The nonce in a body segment's head; `None` where that is no head.
pub(crate) fn read_nonce(file: &dyn DiskFile) -> io::Result<Option<[u8; 16]>> {
    let mut head = [0; BODY_SEGMENT_HEAD];
    let read = read_up_to(file, 0, &mut head)?;
    Ok(body_segment_nonce(&head[..read]))
}

/// The frame at this offset and its length; `None` where there is none.
pub(crate) fn read_frame<'a>(
    file: &dyn DiskFile,
    nonce: &[u8; 16],
    offset: u64,
    buffer: &'a mut Vec<u8>,
) -> io::Result<Option<(BodyFrame<'a>, usize)>> {
    buffer.resize(FIRST_READ, 0);
    let read = read_up_to(file, offset, buffer)?;
    buffer.truncate(read);
    if let ParsedBody::Needs(length) = BodyFrame::parse(nonce, buffer) {
        // The file bounds what is allocated: a claimed length beyond its end is refused before.
        if offset + length as u64 > file.length()? {
            return Ok(None);
        }
        buffer.resize(length, 0);
        let more = read_up_to(file, offset + read as u64, &mut buffer[read..])?;
        buffer.truncate(read + more);
    }
    match BodyFrame::parse(nonce, buffer) {
        ParsedBody::Frame(frame, length) => Ok(Some((frame, length))),
        ParsedBody::Needs(_) | ParsedBody::Blank | ParsedBody::Bad => Ok(None),
    }
}
