use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use gatewright_model::Digest;

use crate::sessions::Gist;

/// How many records wait for the index at most; beyond that it reads them back from the segments.
const MOST: usize = 65_536;

/// A record that is on disk, as the committer knows it.
pub(crate) struct Told {
    /// Its number.
    pub(crate) record: u64,
    /// The segment that it is in, and where it begins and ends there.
    pub(crate) segment: u64,
    pub(crate) offset: u64,
    pub(crate) end: u64,
    /// Where the journey's last body frame lies, packed.
    pub(crate) body: u64,
    /// What the next record holds of it and all before.
    pub(crate) link: Digest,
    /// What it says, as far as the index keeps it.
    pub(crate) gist: Box<Gist>,
}

/// What the committer tells the index of sessions, so that this need not read back and decode what was just written: a
/// quarter of a call's instructions. Nothing depends on it: what is not told here is read from the segments.
#[derive(Default)]
pub(crate) struct Feed(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    told: VecDeque<Told>,
    heard: Heard,
}

/// Whether anybody takes what is told.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Heard {
    #[default]
    ByNobody,
    ByTheIndex,
}

impl Feed {
    /// Tells of records that are on disk. Where nobody takes them for long, all of them are forgotten: the index goes on
    /// from the segments, and hears what comes after.
    pub(super) fn tell(&self, told: impl Iterator<Item = Told>) {
        let mut queue = self.locked();
        if queue.heard == Heard::ByNobody {
            return;
        }
        queue.told.extend(told);
        if queue.told.len() > MOST {
            queue.told.clear();
        }
    }

    /// Takes what was told since the last time, in order; from the first time on somebody is taken to listen.
    pub(crate) fn take(&self) -> VecDeque<Told> {
        let mut queue = self.locked();
        queue.heard = Heard::ByTheIndex;
        std::mem::take(&mut queue.told)
    }

    fn locked(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use gatewright_ledger::{Leaf, LeafKind};

    use super::*;

    fn told(record: u64) -> Told {
        let leaf = Leaf { kind: LeafKind::Note, request: None, moments: Vec::new() };
        Told { record, segment: 0, offset: 0, end: 0, body: 0, link: [0; 32], gist: Box::new(Gist::of(&leaf)) }
    }

    #[test]
    fn nothing_is_kept_for_nobody_and_not_without_bound_for_somebody() {
        let feed = Feed::default();
        feed.tell((0..10).map(told));
        assert!(feed.take().is_empty(), "nobody had asked yet");
        feed.tell((10..20).map(told));
        assert_eq!(feed.take().iter().map(|told| told.record).collect::<Vec<_>>(), (10..20).collect::<Vec<_>>());
        feed.tell((0..=MOST as u64).map(told));
        feed.tell(std::iter::once(told(99_999)));
        assert_eq!(feed.take().len(), 1, "what nobody takes is read back from the segments");
    }
}
