use std::io;

use gatewright_ledger::Frame;

use super::{SegmentReader, Step, log_segment_path, log_segments, open_head};
use crate::disk::{Access, Disk};

/// Walks over the records of a data folder, from one on, and remembers how far it came. It judges nothing: whoever
/// needs to know whether the records are good verifies them.
#[derive(Clone, Debug)]
pub(crate) struct Walk {
    next: u64,
    /// The segment of the next record and the offset there; 0 stands for behind the head.
    at: Option<(u64, u64)>,
}

impl Walk {
    /// Before this record.
    pub(crate) const fn from(record: u64) -> Self {
        Self { next: record, at: None }
    }

    /// Shows every record that comes before `until`; fails where one is not there.
    pub(crate) fn on(
        &mut self,
        disk: &dyn Disk,
        until: u64,
        show: &mut impl FnMut(&Frame<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        while self.next < until {
            let before = self.next;
            let (segments, _) = log_segments(disk)?;
            let segment = segments.iter().rev().copied().find(|segment| *segment <= self.next);
            let segment = segment.ok_or(io::ErrorKind::UnexpectedEof)?;
            let file = disk.open(&log_segment_path(segment), Access::Read)?;
            let (head, start) = open_head(file.as_ref())?.map_err(|bad| io::Error::other(bad.to_string()))?;
            let offset = match self.at {
                Some((at, offset)) if at == segment => offset,
                Some(_) | None => start,
            };
            let mut reader = SegmentReader::new(file.as_ref(), head.nonce, offset);
            while self.next < until
                && let Step::Frame(frame, _) = reader.next()?
            {
                // A segment is entered at its first record also where a later one is wanted.
                if frame.number == self.next {
                    show(&frame)?;
                    self.next += 1;
                }
            }
            self.at = Some((segment, reader.offset()));
            if self.next == before {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("record {before} is not there")));
            }
        }
        Ok(())
    }
}
