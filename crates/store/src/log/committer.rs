use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gatewright_ledger::{
    Batch, BodyAt, BodyFrame, BodyPart, Certificate, Leaf, LeafKind, OpenJourney, Promised, SigningKey,
};
use gatewright_model::{Clock, Event, Moment, RequestId};
use tokio::sync::watch;

use super::Broken;
use super::body_writer::BodyWriter;
use super::checkpoint_writer::Signed;
use super::feed::Told;
use super::ledger_writer::{Appended, LedgerWriter};
use super::publisher;
use super::queue::{Entry, Shared, Turn};

/// The one thread that writes the log.
pub(super) struct Committer {
    pub(super) shared: Arc<Shared>,
    pub(super) ledger: LedgerWriter,
    pub(super) bodies: BodyWriter,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) checkpointed: Instant,
    pub(super) signer: (Arc<SigningKey>, Arc<Certificate>),
    pub(super) signed: watch::Sender<Arc<Signed>>,
    pub(super) publisher: publisher::Running,
}

/// Marks the log as broken when the committer's thread ends in any way but in order: a panic must leave nobody waiting.
struct Guard(Arc<Shared>);

impl Drop for Guard {
    fn drop(&mut self) {
        // Does nothing to a log that has ended in order or is broken already.
        self.0.break_with(&Broken::new(UNEXPECTED));
    }
}

/// From how long on the operator is told what a commit took; calls waited for it.
const SLOW: Duration = Duration::from_secs(1);

const UNEXPECTED: &str = "the committer's thread stopped unexpectedly";

/// Marks the log as broken when a write panics. A batch is dropped by the same unwinding, which tells everybody who
/// waits for it; declared after the batch, this is dropped before it, so that nobody learns of the failure and still
/// finds the log healthy.
struct WhileWriting<'s>(&'s Shared);

impl Drop for WhileWriting<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.break_with(&Broken::new(UNEXPECTED));
        }
    }
}

impl Committer {
    /// Commits until the log is closed, abandoned or broken.
    pub(super) fn run(mut self) {
        let guard = Guard(self.shared.clone());
        loop {
            let outcome = match self.shared.next_turn(self.patience()) {
                Turn::Commit(entries) => self.commit(entries).and_then(|()| self.checkpoint_if_due()),
                Turn::Idle => self.checkpoint(),
                Turn::Finish(entries) => return self.finish(entries, Parting::Noted),
                Turn::Abandon(entries) => return self.finish(entries, Parting::Silent),
                Turn::Over => return,
            };
            if let Err(why) = outcome {
                tracing::error!(reason = why.reason(), "the log is broken");
                self.shared.break_with(&why);
                drop(guard);
                return;
            }
        }
    }

    /// Writes a batch: bodies, their sync, records, their sync; only then are those told who wait.
    fn commit(&mut self, mut entries: Vec<Entry>) -> Result<(), Broken> {
        let shared = Arc::clone(&self.shared);
        let writing = WhileWriting(&shared);
        shared.writes(Some(Instant::now()));
        let written = self.write(&entries);
        let took = shared.writes(None);
        drop(writing);
        if took >= SLOW {
            tracing::warn!(
                took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
                "the disk of the records is slow"
            );
        }
        let pending: usize = entries.iter().map(Entry::pending_bytes).sum();
        match written {
            Ok((promised, appended)) => {
                self.shared.feed.tell(told(&mut entries, appended));
                self.shared.advance(self.ledger.size());
                let tree = self.ledger.tree();
                let state = (tree.size(), tree.root());
                let batch = Arc::new(Batch::new(self.signer.clone(), state, self.clock.now(), promised));
                let mut position = 0;
                for entry in entries {
                    let promises = entry.wants_receipt();
                    entry.keep(&batch, position);
                    position += usize::from(promises);
                }
                self.shared.written(pending);
                Ok(())
            }
            Err(why) => {
                // The state turns first: nobody may learn of a failure and still find the log healthy.
                self.shared.break_with(&why);
                entries.into_iter().for_each(|entry| entry.fail(&why));
                Err(why)
            }
        }
    }

    /// Writes and syncs; gives what those are promised who wait, in their order, and where all records stand.
    fn write(&mut self, entries: &[Entry]) -> Result<(Vec<Promised>, Vec<Appended>), Broken> {
        let bodies = self.write_bodies(entries).map_err(|error| Broken::from_io("writing bodies", &error))?;
        // INVARIANT: bodies are on disk before a record that vouches for them is written, not only before it is
        // synced: a disk may write the record first and lose the body.
        self.bodies.commit().map_err(|error| Broken::from_io("writing bodies", &error))?;
        let written =
            self.write_records(entries, &bodies).map_err(|error| Broken::from_io("writing the ledger", &error))?;
        self.ledger.commit().map_err(|error| Broken::from_io("writing the ledger", &error))?;
        Ok(written)
    }

    /// Adds the batch's bodies, and says where each intent's request lies.
    fn write_bodies(&mut self, entries: &[Entry]) -> io::Result<Vec<BodyAt>> {
        let mut requests = Vec::new();
        for entry in entries {
            match entry {
                Entry::Intent { request, at, salts, body, .. } => {
                    let part =
                        BodyPart::Request { request_salt: salts.request, answer_salt: salts.answer, bytes: body };
                    let frame = BodyFrame { request: *request, previous: BodyAt::NOWHERE, at: *at, part };
                    let body = self.bodies.append(&frame)?;
                    requests.push(body);
                    // Its number is set when its record is added.
                    self.ledger.journeys.insert(*request, OpenJourney { request: *request, intent: u64::MAX, body });
                }
                Entry::Piece { request, at, bytes, .. } => {
                    let part = BodyPart::Answer(bytes);
                    let frame = BodyFrame { request: *request, previous: self.last_body(*request), at: *at, part };
                    let body = self.bodies.append(&frame)?;
                    if let Some(journey) = self.ledger.journeys.get_mut(request) {
                        journey.body = body;
                    }
                }
                Entry::Outcome { .. } | Entry::Note { .. } => {}
            }
        }
        Ok(requests)
    }

    fn write_records(&mut self, entries: &[Entry], requests: &[BodyAt]) -> io::Result<(Vec<Promised>, Vec<Appended>)> {
        let mut requests = requests.iter();
        let (mut promised, mut all) = (Vec::new(), Vec::with_capacity(entries.len()));
        for entry in entries {
            let index = self.ledger.tree().size();
            let (request, appended) = match entry {
                Entry::Intent { request, leaf, .. } => {
                    let body = requests.next().copied().unwrap_or(BodyAt::NOWHERE);
                    let appended = self.ledger.append(leaf, body)?;
                    if let Some(journey) = self.ledger.journeys.get_mut(request) {
                        journey.intent = appended.number;
                    }
                    (Some(*request), appended)
                }
                Entry::Outcome { request, leaf, .. } => {
                    let body = self.last_body(*request);
                    let appended = self.ledger.append(leaf, body)?;
                    self.ledger.journeys.remove(request);
                    (Some(*request), appended)
                }
                Entry::Note { request, leaf, .. } => (*request, self.ledger.append(leaf, BodyAt::NOWHERE)?),
                Entry::Piece { .. } => continue,
            };
            if entry.wants_receipt() {
                promised.push(Promised { index, leaf: appended.hash, request });
            }
            all.push(appended);
        }
        Ok((promised, all))
    }

    fn last_body(&self, request: RequestId) -> BodyAt {
        self.ledger.journeys.get(&request).map_or(BodyAt::NOWHERE, |journey| journey.body)
    }

    /// How long to wait for work before a checkpoint is due; for ever where the last one counts everything.
    fn patience(&self) -> Option<Duration> {
        let every = self.shared.options.checkpoint_every;
        (!self.ledger.is_signed()).then(|| every.saturating_sub(self.checkpointed.elapsed()))
    }

    fn checkpoint_if_due(&mut self) -> Result<(), Broken> {
        if self.checkpointed.elapsed() >= self.shared.options.checkpoint_every { self.checkpoint() } else { Ok(()) }
    }

    fn checkpoint(&mut self) -> Result<(), Broken> {
        self.checkpointed = Instant::now();
        self.ledger.checkpoint().map_err(|error| Broken::from_io("writing a checkpoint", &error))?;
        self.signed.send_replace(self.ledger.signed().clone());
        Ok(())
    }

    /// Writes what is left and ends.
    fn finish(mut self, entries: Vec<Entry>, parting: Parting) {
        let ended = self.commit(entries).and_then(|()| match parting {
            Parting::Noted => self.note_stopped(),
            Parting::Silent => Ok(()),
        });
        match (ended.and_then(|()| self.checkpoint()), parting) {
            (Ok(()), Parting::Noted) => {
                // Breaks the log where the register cannot be told; then it has not ended in order.
                self.publisher.close();
                if !self.shared.is_broken() {
                    self.shared.end();
                }
            }
            (Ok(()), Parting::Silent) => self.shared.end(),
            (Err(why), _) => self.shared.break_with(&why),
        }
    }

    fn note_stopped(&mut self) -> Result<(), Broken> {
        let stopped = Moment { at: self.clock.now(), event: Event::Stopped { leaves: self.ledger.tree().size() } };
        let leaf = Leaf { kind: LeafKind::Note, request: None, moments: vec![stopped] }.encode_shortened();
        let appended = self.ledger.append(&leaf, BodyAt::NOWHERE).and_then(|_| self.ledger.commit());
        appended.map_err(|error| Broken::from_io("writing the ledger", &error))?;
        self.shared.advance(self.ledger.size());
        Ok(())
    }
}

/// What the index of sessions is told of a batch.
fn told(entries: &mut [Entry], appended: Vec<Appended>) -> impl Iterator<Item = Told> {
    let records = entries.iter_mut().filter(|entry| !matches!(entry, Entry::Piece { .. }));
    records.zip(appended).filter_map(|(entry, at)| {
        let Appended { number, segment, offset, end, body, link, .. } = at;
        let gist = entry.take_gist()?;
        Some(Told { record: number, segment, offset, end, body: body.word(), link, gist })
    })
}

/// Whether the log's end is itself a record.
#[derive(Clone, Copy)]
enum Parting {
    Noted,
    Silent,
}
