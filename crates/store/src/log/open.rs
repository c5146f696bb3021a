use std::sync::Arc;
use std::thread;
use std::time::Instant;

use gatewright_ledger::{BodyAt, Leaf, LeafKind, SigningKey};
use gatewright_model::{Clock, Entropy, Event, Fate, Moment};

use super::body_writer::BodyWriter;
use super::committer::Committer;
use super::ledger_writer::LedgerWriter;
use super::queue::Shared;
use super::recovery::{self, OpenError, Recovered, Restored};
use super::{Handle, Log, Options, keys};
use crate::disk::Disk;
use crate::folder::{BODIES, KEYS, LEDGER, LOCK_FILE, log_segments};

/// The most journeys that may be open at once, so that one record can name them all.
const MOST_PLACES: usize = 3_000;

impl Log {
    /// Opens the log of a data folder, or begins one. Recovers from a crash: cuts off a torn tail that nobody was told
    /// of, and books journeys that never ended as interrupted. Refuses a log that no crash can have left like this.
    ///
    /// Blocks while it reads the last segments. The server then notes `Started` with what was recovered.
    pub fn open(
        disk: Arc<dyn Disk>,
        options: Options,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<(Self, Recovered), OpenError> {
        let options = Options { places: options.places.clamp(1, MOST_PLACES), ..options };
        let lock = prepare_folder(disk.as_ref())?;
        let key = load_or_create_key(disk.as_ref(), entropy.as_ref())?;
        let restored = recovery::restore(&disk, key.trusted())?;
        let torn_bytes = restored.torn_bytes;
        let (mut ledger, bodies) = begin_writing(&disk, &options, &entropy, key, restored)?;
        let interrupted = book_interrupted(&disk, &mut ledger, clock.as_ref())?;
        ledger.checkpoint().map_err(OpenError::disk("writing a checkpoint"))?;
        let records = ledger.size();

        let shared = Arc::new(Shared::new(options, records));
        let committer =
            Committer { shared: shared.clone(), ledger, bodies, clock: clock.clone(), checkpointed: Instant::now() };
        let thread = thread::Builder::new()
            .name("committer".to_owned())
            .spawn(move || {
                committer.run();
                // Another gateway may have the folder once nothing writes to it any more.
                drop(lock);
            })
            .map_err(OpenError::disk("starting the committer"))?;
        let handle = Handle { shared, clock, entropy, committer: Some(thread) };
        Ok((Self { handle: Arc::new(handle) }, Recovered { torn_bytes, interrupted, records }))
    }
}

type Lock = Box<dyn std::any::Any + Send + Sync>;

fn prepare_folder(disk: &dyn Disk) -> Result<Lock, OpenError> {
    for folder in ["", LEDGER, BODIES, KEYS] {
        disk.create_dir(folder).map_err(OpenError::disk("creating the data folder"))?;
    }
    let lock = disk.lock(LOCK_FILE).map_err(|error| match error.kind() {
        std::io::ErrorKind::WouldBlock => OpenError::InUse,
        _ => OpenError::Disk { doing: "locking the data folder", error },
    })?;
    disk.sync_dir("").map_err(OpenError::disk("creating the data folder"))?;
    Ok(lock)
}

fn load_or_create_key(disk: &dyn Disk, entropy: &dyn Entropy) -> Result<SigningKey, OpenError> {
    let reading = OpenError::disk("reading the log's key");
    let key = match keys::load(disk).map_err(reading)? {
        Some(key) => key?,
        None => {
            // A log must not get a second key: its checkpoints would not speak of the same log.
            let (segments, lists) = log_segments(disk).map_err(OpenError::disk("reading the ledger"))?;
            if !segments.is_empty() || !lists.is_empty() {
                return Err(OpenError::Key);
            }
            keys::create(disk, entropy).map_err(OpenError::disk("writing the log's key"))??
        }
    };
    keys::publish(disk, &key).map_err(OpenError::disk("writing the log's public key"))?;
    Ok(key)
}

fn begin_writing(
    disk: &Arc<dyn Disk>,
    options: &Options,
    entropy: &Arc<dyn Entropy>,
    key: SigningKey,
    restored: Restored,
) -> Result<(LedgerWriter, BodyWriter), OpenError> {
    let bodies = BodyWriter::resume(disk.clone(), entropy.clone(), options.clone(), &restored.bodies)
        .map_err(OpenError::disk("beginning the bodies"))?;
    let ledger = LedgerWriter::resume(disk.clone(), entropy.clone(), options.clone(), key, restored.ledger)
        .map_err(OpenError::disk("beginning the ledger"))?;
    Ok((ledger, bodies))
}

/// Gives every journey that the last run left open its outcome, with as much of its answer as is on disk.
fn book_interrupted(
    disk: &Arc<dyn Disk>,
    ledger: &mut LedgerWriter,
    clock: &dyn Clock,
) -> Result<Vec<gatewright_model::RequestId>, OpenError> {
    let mut open: Vec<_> = ledger.journeys.values().copied().collect();
    open.sort_unstable_by_key(|journey| journey.intent);
    for journey in &open {
        let (answer, chunks) = recovery::answer_so_far(disk, journey)?;
        let closed =
            Event::Closed { fate: Fate::Interrupted, status: 0, answer, chunks, masked: Vec::new(), usage: None };
        let moments = vec![Moment { at: clock.now(), event: closed }];
        let leaf = Leaf { kind: LeafKind::Outcome, request: Some(journey.request), moments }.encode_shortened();
        let body: BodyAt = journey.body;
        ledger.append(&leaf, body).map_err(OpenError::disk("writing the ledger"))?;
        ledger.journeys.remove(&journey.request);
    }
    ledger.commit().map_err(OpenError::disk("writing the ledger"))?;
    Ok(open.into_iter().map(|journey| journey.request).collect())
}
