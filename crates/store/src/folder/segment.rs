use std::io;

use gatewright_ledger::{
    BodyAt, Certificate, FRAME_OVERHEAD, Frame, Frontier, LEAF_LIMIT, Malformed, OpenJourney, Parsed,
    SEGMENT_HEAD_LIMIT, SegmentHead,
};
use gatewright_model::RequestId;

use crate::disk::{DiskFile, read_up_to};

/// How much is read at once.
const WINDOW: usize = 1 << 20;

/// The longest frame there can be.
const LONGEST: usize = FRAME_OVERHEAD + LEAF_LIMIT;

/// Reads the head of a log segment, and where its records begin; `Err` within where it is none.
pub(crate) fn open_head(file: &dyn DiskFile) -> io::Result<Result<(SegmentHead, u64), Malformed>> {
    // Most heads are small: the whole of the largest is read only where the first try was too short.
    for size in [16 << 10, SEGMENT_HEAD_LIMIT + 64] {
        let mut bytes = vec![0; size];
        let read = read_up_to(file, 0, &mut bytes)?;
        match SegmentHead::parse(&bytes[..read]) {
            Err(Malformed::Short) if read == size => {}
            parsed => return Ok(parsed.map(|(head, length)| (head, length as u64))),
        }
    }
    Ok(Err(Malformed::Short))
}

/// How long the head of a segment can be that begins after these records, of the same log or of the next one. More bytes
/// than that in a segment whose head is bad are records, so that the head was damaged and not torn.
pub(crate) fn longest_head(root: &str, tree: &Frontier, open: impl Iterator<Item = RequestId>) -> u64 {
    /// A replica's name and the longest epoch, with their slashes.
    const LONGEST_REST: usize = 16 + 20 + 2;
    // A number takes nine bytes at most.
    let open =
        open.map(|request| OpenJourney { request, intent: u64::MAX, body: BodyAt::from_word(u64::MAX) }).collect();
    let origin = format!("{root}{}", "/".repeat(LONGEST_REST));
    let Ok(certificate) = Certificate::from_parts(&origin, [0; 32], [0; 64]) else { return 0 };
    let head = SegmentHead { nonce: [0; 16], certificate, first: u64::MAX, link: [0; 32], tree: tree.clone(), open };
    head.to_bytes().len() as u64
}

/// What stands next in a segment.
#[derive(Debug)]
pub(crate) enum Step<'a> {
    /// A record, and the offset where it begins.
    Frame(Frame<'a>, u64),
    /// Only zeros follow, or nothing.
    End,
    /// Something that is no record.
    Bad,
}

/// The offset behind the last byte of a file that is not zero, at least `from`.
pub(crate) fn used_until(file: &dyn DiskFile, from: u64) -> io::Result<u64> {
    let mut used = from;
    walk(file, from, |offset, bytes| {
        if let Some(last) = bytes.iter().rposition(|byte| *byte != 0) {
            used = used.max(offset + last as u64 + 1);
        }
    })?;
    Ok(used)
}

/// Reads a segment's records one after the other, in pieces of a megabyte.
pub(crate) struct SegmentReader<'a> {
    file: &'a dyn DiskFile,
    nonce: [u8; 16],
    size: usize,
    window: Vec<u8>,
    /// Where the window begins in the file, and how much of it counts.
    start: u64,
    filled: usize,
    position: usize,
}

impl<'a> SegmentReader<'a> {
    /// A reader from this offset on.
    pub(crate) fn new(file: &'a dyn DiskFile, nonce: [u8; 16], offset: u64) -> Self {
        Self { file, nonce, size: WINDOW, window: Vec::new(), start: offset, filled: 0, position: 0 }
    }

    /// A reader of the one record at this offset.
    pub(crate) fn of_one(file: &'a dyn DiskFile, nonce: [u8; 16], offset: u64) -> Self {
        Self { size: 2 * LONGEST, ..Self::new(file, nonce, offset) }
    }

    /// The offset at which the next step is read.
    pub(crate) fn offset(&self) -> u64 {
        self.start + self.position as u64
    }

    /// What stands next. After `End` and `Bad` it stays where it is.
    pub(crate) fn next(&mut self) -> io::Result<Step<'_>> {
        if self.filled - self.position < LONGEST {
            self.refill()?;
        }
        let offset = self.offset();
        let length = match Frame::parse(&self.nonce, &self.window[self.position..self.filled]) {
            Parsed::Frame(_, length) => length,
            Parsed::Bad => return Ok(Step::Bad),
            Parsed::Blank => return Ok(if used_until(self.file, offset)? == offset { Step::End } else { Step::Bad }),
        };
        let at = self.position;
        self.position += length;
        match Frame::parse_unchecked(&self.window[at..at + length]) {
            Some(frame) => Ok(Step::Frame(frame, offset)),
            None => Ok(Step::Bad),
        }
    }

    /// Forgets what was read ahead, so that the next step sees what has been written since.
    pub(crate) fn look_again(&mut self) {
        self.start = self.offset();
        self.filled = 0;
        self.position = 0;
    }

    /// Every record that stands anywhere behind the present offset, whether or not it is aligned with the one before:
    /// its number and how many records it says were on disk for certain when it was written.
    pub(crate) fn survivors(&self, least: u64) -> io::Result<Vec<(u64, u64)>> {
        let mut found = Vec::new();
        let mut next = self.offset() + 1;
        walk(self.file, self.offset(), |start, bytes| {
            // The last bytes of a window are seen again at the head of the next one, as long as the longest frame.
            for at in 0..bytes.len() {
                let offset = start + at as u64;
                if offset < next || !could_be_frame(&bytes[at..], least) {
                    continue;
                }
                if let Parsed::Frame(frame, length) = Frame::parse(&self.nonce, &bytes[at..]) {
                    found.push((frame.number, frame.synced));
                    next = offset + length as u64;
                }
            }
        })?;
        Ok(found)
    }

    fn refill(&mut self) -> io::Result<()> {
        self.window.copy_within(self.position..self.filled, 0);
        self.filled -= self.position;
        self.start += self.position as u64;
        self.position = 0;
        if self.window.is_empty() {
            let rest = usize::try_from(self.file.length()?.saturating_sub(self.start)).unwrap_or(usize::MAX);
            // Longer than the longest frame, also where the file is short now and grows while it is read.
            self.window.resize(rest.clamp(2 * LONGEST, self.size.max(2 * LONGEST)), 0);
        }
        let read = read_up_to(self.file, self.start + self.filled as u64, &mut self.window[self.filled..])?;
        self.filled += read;
        Ok(())
    }
}

/// Shows the rest of the file from this offset in windows that overlap by the longest frame.
fn walk(file: &dyn DiskFile, from: u64, mut show: impl FnMut(u64, &[u8])) -> io::Result<()> {
    let rest = usize::try_from(file.length()?.saturating_sub(from)).unwrap_or(usize::MAX);
    // One byte more than there is, so that a file that does not grow meanwhile needs one round.
    let mut bytes = vec![0; rest.saturating_add(1).min(WINDOW + LONGEST)];
    let mut offset = from;
    loop {
        let read = read_up_to(file, offset, &mut bytes)?;
        show(offset, &bytes[..read]);
        if read < bytes.len() {
            return Ok(());
        }
        if bytes.len() < WINDOW + LONGEST {
            // It has grown: the same place is shown again with what came after it.
            bytes.resize(WINDOW + LONGEST, 0);
        } else {
            offset += WINDOW as u64;
        }
    }
}

/// Whether a frame numbered at least `least` could begin here, so that few checksums need be computed.
fn could_be_frame(bytes: &[u8], least: u64) -> bool {
    /// No group commit holds more records than this.
    const REACH: u64 = 1 << 32;
    match bytes {
        [0, 0, _, _, 1, rest @ ..] => rest
            .first_chunk::<8>()
            .is_some_and(|number| (least..least.saturating_add(REACH)).contains(&u64::from_be_bytes(*number))),
        _ => false,
    }
}
