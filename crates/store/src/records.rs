//! The log's records one after the other, for whoever takes them elsewhere.

use std::io;
use std::path::Path;
use std::sync::Arc;

use gatewright_ledger::Leaf;

use crate::disk::{Access, Disk, RealDisk, read_whole};
use crate::folder::{Walk, checkpoints_path, last_counted, log_segment_path, log_segments, open_head};
use crate::sessions::SessionsError;

/// The most bytes of a list of checkpoints.
const LIST_LIMIT: usize = 256 << 20;

/// A record and its number in the data folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its number.
    pub number: u64,
    /// What it says.
    pub leaf: Leaf,
}

/// Reads records in their order, beside a running gateway or of one that does not run.
pub struct Records {
    disk: Arc<dyn Disk>,
    walk: Walk,
    next: u64,
}

impl Records {
    /// Records from this number on.
    pub fn open(path: &Path, next: u64) -> Result<Self, SessionsError> {
        Self::of(Arc::new(RealDisk::new(path)), next)
    }

    /// The same of any disk.
    pub fn of(disk: Arc<dyn Disk>, next: u64) -> Result<Self, SessionsError> {
        if log_segments(disk.as_ref())?.0.is_empty() {
            return Err(SessionsError::NoLog);
        }
        Ok(Self { disk, walk: Walk::from(next), next })
    }

    /// The number of the record that comes next.
    pub const fn next(&self) -> u64 {
        self.next
    }

    /// How many records a signed checkpoint counts. They are on disk for certain: no crash gives one of their numbers to
    /// another record. At most a second of records is not among them.
    pub fn counted(&self) -> Result<u64, SessionsError> {
        let (segments, _) = log_segments(self.disk.as_ref())?;
        for segment in segments.into_iter().rev() {
            let list = match read_whole(self.disk.as_ref(), &checkpoints_path(segment), LIST_LIMIT) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                read => read?,
            };
            let file = self.disk.open(&log_segment_path(segment), Access::Read)?;
            if let (Some(size), Ok((head, _))) = (last_counted(&list), open_head(file.as_ref())?) {
                return Ok(head.base() + size);
            }
        }
        Ok(0)
    }

    /// Shows the next records that are counted, so many at most; gives how many there were.
    pub fn take(&mut self, most: u64, mut show: impl FnMut(Record)) -> Result<u64, SessionsError> {
        let until = self.counted()?.min(self.next.saturating_add(most));
        let mut damaged = None;
        let mut taken = 0;
        self.walk
            .on(self.disk.as_ref(), until, &mut |frame| {
                match Leaf::decode(frame.leaf) {
                    Ok(leaf) => {
                        taken += 1;
                        show(Record { number: frame.number, leaf });
                    }
                    Err(_) => {
                        damaged = Some(frame.number);
                        return Err(io::ErrorKind::InvalidData.into());
                    }
                }
                Ok(())
            })
            .map_err(|error| damaged.map_or(SessionsError::Disk(error), |record| SessionsError::Damaged { record }))?;
        self.next = self.next.max(until);
        Ok(taken)
    }
}
