use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use gatewright_ledger::BodyAt;
use gatewright_model::Digest;

use crate::disk::{Access, Disk};
use crate::folder::{
    Bodies, SegmentReader, Step, body_segment_path, body_segments, log_segment_path, log_segments, open_head,
};

/// A stretch of a file that is on disk for certain and not in the bucket yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) path: String,
    pub(super) from: u64,
    pub(super) to: u64,
}

/// A stretch of a segment of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LogSpan {
    pub(super) span: Span,
    /// The segment.
    pub(super) segment: u64,
    /// The number of its log's first record.
    pub(super) base: u64,
    /// How many records there are up to the stretch's end, where the last begins, and its link.
    pub(super) records: u64,
    pub(super) last: u64,
    pub(super) link: Digest,
}

/// How far into the folder somebody has looked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) records: u64,
    /// The segment that the next record is expected in, and the offset there; 0 stands for the segment's beginning.
    pub(super) segment: u64,
    pub(super) offset: u64,
    pub(super) body_segment: u64,
    pub(super) body_offset: u64,
}

/// What is on disk and not in the bucket.
#[derive(Default)]
pub(super) struct Spool {
    pub(super) seen: Seen,
    pub(super) bodies: VecDeque<Span>,
    pub(super) log: VecDeque<LogSpan>,
}

impl Spool {
    /// A spool that begins behind what was seen.
    pub(super) fn behind(seen: Seen) -> Self {
        Self { seen, ..Self::default() }
    }

    /// How many bytes it holds.
    pub(super) fn bytes(&self) -> u64 {
        let length = |span: &Span| span.to.saturating_sub(span.from);
        self.bodies.iter().map(length).sum::<u64>() + self.log.iter().map(|log| length(&log.span)).sum::<u64>()
    }

    /// Adds what was recorded since, up to so many records, which are on disk with all that they vouch for.
    pub(super) fn look(&mut self, disk: &Arc<dyn Disk>, durable: u64) -> io::Result<()> {
        let mut body = BodyAt::NOWHERE;
        while self.seen.records < durable {
            let span = self.look_at_segment(disk.as_ref(), durable, &mut body)?;
            self.log.push_back(span);
        }
        if body == BodyAt::NOWHERE { Ok(()) } else { self.look_at_bodies(disk, body) }
    }

    fn look_at_segment(&mut self, disk: &dyn Disk, durable: u64, body: &mut BodyAt) -> io::Result<LogSpan> {
        let (segments, _) = log_segments(disk)?;
        let segment = segments.iter().rev().copied().find(|segment| *segment <= self.seen.records);
        let segment = segment.ok_or(io::ErrorKind::UnexpectedEof)?;
        let path = log_segment_path(segment);
        let file = disk.open(&path, Access::Read)?;
        let (head, start) = open_head(file.as_ref())?.map_err(|bad| io::Error::other(bad.to_string()))?;
        let from = if segment == self.seen.segment { self.seen.offset } else { 0 };
        let mut reader = SegmentReader::new(file.as_ref(), head.nonce, from.max(start));
        let (mut last, mut link, before) = (0, head.link, self.seen.records);
        while self.seen.records < durable
            && let Step::Frame(frame, offset) = reader.next()?
        {
            // A segment is entered at its first record also where a later one comes next.
            if frame.number == self.seen.records {
                self.seen.records += 1;
            }
            (last, link) = (offset, frame.link());
            *body = (*body).max(BodyAt::from_word(frame.body));
        }
        if self.seen.records == before {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("record {before} is not there")));
        }
        let to = reader.offset();
        (self.seen.segment, self.seen.offset) = (segment, to);
        let span = Span { path, from, to };
        Ok(LogSpan { span, segment, base: head.base(), records: self.seen.records, last, link })
    }

    /// Adds the bodies up to this one, which is on disk with all before it.
    fn look_at_bodies(&mut self, disk: &Arc<dyn Disk>, last: BodyAt) -> io::Result<()> {
        let mut bodies = Bodies::new(disk.clone());
        for segment in body_segments(disk.as_ref())? {
            if segment < self.seen.body_segment || segment > last.segment() {
                continue;
            }
            let from = if segment == self.seen.body_segment { self.seen.body_offset } else { 0 };
            let mut to = from.max(gatewright_ledger::BODY_SEGMENT_HEAD as u64);
            // Frame by frame: zeros at the end may belong to the last one.
            while let Some(at) = BodyAt::new(segment, to)
                && at <= last
                && let Some((_, length)) = bodies.frame(at)?
            {
                to += length as u64;
            }
            if to > from {
                self.bodies.push_back(Span { path: body_segment_path(segment), from, to });
            }
            (self.seen.body_segment, self.seen.body_offset) = (segment, to);
        }
        Ok(())
    }
}

/// How many bytes of a list of checkpoints are entries that count no more than so many records; `base` is the number of
/// their log's first one.
pub(super) fn listed(bytes: &[u8], base: u64, records: u64) -> usize {
    let empty_line = |from: usize| bytes[from..].windows(2).position(|pair| pair == b"\n\n").map(|at| from + at + 2);
    let mut end = 0;
    while let Some(next) = empty_line(end).and_then(empty_line) {
        let size =
            std::str::from_utf8(&bytes[end..next]).ok().and_then(|note| note.lines().nth(1)?.parse::<u64>().ok());
        if size.is_none_or(|size| base.saturating_add(size) > records) {
            break;
        }
        end = next;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_of_more_records_than_were_copied_wait() {
        let note = |size: u64| format!("log\n{size}\nroot=\n\n— log abc=\n\n");
        let list = [note(0), note(3), note(9)].concat();
        let two = note(0).len() + note(3).len();
        assert_eq!(listed(list.as_bytes(), 10, 13), two);
        assert_eq!(listed(list.as_bytes(), 10, 12), note(0).len());
        assert_eq!(listed(list.as_bytes(), 10, 9), 0);
        assert_eq!(listed(list.as_bytes(), 10, 99), list.len());
        assert_eq!(listed(&list.as_bytes()[..list.len() - 1], 10, 99), two, "a torn entry waits");
        assert_eq!(listed(b"", 0, 0), 0);
    }
}
