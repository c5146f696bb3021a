use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use gatewright_ledger::{BodyAt, Certificate, Leaf, LeafKind, Occasion, OpenJourney, Origin, Registration, SigningKey};
use gatewright_model::{Clock, Entropy, Event, Fate, Moment, Predecessor, RequestId, Timestamp, to_hex};
use tokio::sync::watch;

use super::body_writer::BodyWriter;
use super::checkpoint_writer::Signed;
use super::committer::Committer;
use super::ledger_writer::LedgerWriter;
use super::publisher::{Ended, PublishedLog, Publisher, locked};
use super::queue::Shared;
use super::recovery::{self, Before, OpenError, Recovered, Restored};
use super::register::Register;
use super::{Handle, Log, Options, Start, keys};
use crate::disk::Disk;
use crate::folder::{BODIES, KEYS, LEDGER, LOCK_FILE, log_segments, published_folder, read_register};

/// The most journeys that may be open at once, so that one record can name them all.
const MOST_PLACES: usize = 3_000;

impl Log {
    /// Begins the next log of a data folder. Recovers from a crash: cuts off a torn tail that nobody was told of, and
    /// books journeys that never ended as interrupted. Refuses a folder that no crash can have left like this.
    ///
    /// The log's first record says of which gateway it is and on which log it follows. Blocks while it reads the last
    /// segments.
    pub fn open(
        disk: Arc<dyn Disk>,
        options: Options,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<(Self, Recovered), OpenError> {
        let options = Options { places: options.places.clamp(1, MOST_PLACES), ..options };
        let lock = prepare_folder(disk.as_ref())?;
        let root = load_or_create_key(disk.as_ref(), entropy.as_ref())?;
        let restored = recovery::restore(&disk, root.trusted())?;
        let origin = next_origin(root.trusted().name(), restored.before.as_ref(), clock.now(), entropy.as_ref());
        let mut register = open_register(&disk, &root, &origin, restored.before.as_ref())?;
        let key = Arc::new(keys::of_log(&origin, entropy.as_ref())?);
        let certificate = Arc::new(Certificate::issue(&root, key.trusted()));
        let signer = (key, certificate.clone());

        let Restored { ledger: state, bodies: body_state, torn_bytes, before } = restored;
        let (first, interrupted) = (state.first, in_order(&state.journeys));
        let bodies = BodyWriter::resume(disk.clone(), entropy.clone(), options.clone(), &body_state)
            .map_err(OpenError::disk("beginning the bodies"))?;
        let mut ledger = LedgerWriter::begin(disk.clone(), entropy.clone(), options.clone(), signer.clone(), state)
            .map_err(OpenError::disk("beginning the ledger"))?;
        let recovered =
            Recovered { torn_bytes, interrupted: interrupted.iter().map(|open| open.request).collect(), records: 0 };
        write_start(&mut ledger, &options.start, &origin, (before.as_ref(), &recovered), clock.as_ref())?;
        book_interrupted(&disk, &mut ledger, &interrupted, clock.as_ref())?;
        ledger.commit().map_err(OpenError::disk("writing the ledger"))?;
        ledger.checkpoint().map_err(OpenError::disk("writing a checkpoint"))?;
        let signed = ledger.signed().clone();
        enter(&mut register, before.as_ref(), &origin, &signed, clock.now())
            .map_err(OpenError::disk("writing the register"))?;
        let records = ledger.size();

        let shared = Arc::new(Shared::new(options, records));
        let register = Arc::new(Mutex::new(register));
        let signed = watch::Sender::new(signed);
        let published = |origin: &str, base, certificate| {
            PublishedLog::new(published_folder(root.trusted().name(), origin), origin, base, certificate)
        };
        let note = |certificate: &Certificate| Some(certificate.to_note(root.trusted()));
        let publisher = Publisher {
            disk: disk.clone(),
            clock: clock.clone(),
            shared: shared.clone(),
            register: register.clone(),
            signed: signed.subscribe(),
            before: before.map(|before| {
                let log = published(before.certificate.origin(), before.base, note(&before.certificate));
                (log, Ended { size: before.size, note: before.note, signed: before.signed })
            }),
            present: published(&origin, first, note(&certificate)),
            register_tree: published(locked(&register).origin(), 0, None),
        };
        let publisher = publisher.start().map_err(OpenError::disk("starting the publisher"))?;
        let checkpointed = Instant::now();
        let (shared_too, clock_too) = (shared.clone(), clock.clone());
        let committer =
            Committer { shared: shared_too, ledger, bodies, clock: clock_too, checkpointed, signer, signed, publisher };
        let thread = thread::Builder::new()
            .name("committer".to_owned())
            .spawn(move || {
                committer.run();
                // Another gateway may have the folder once nothing writes to it any more.
                drop(lock);
            })
            .map_err(OpenError::disk("starting the committer"))?;
        let handle = Handle { shared, clock, entropy, register, committer: Some(thread) };
        Ok((Self { handle: Arc::new(handle) }, Recovered { records, ..recovered }))
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

/// The name of the log that is begun: the epoch rises, and follows the time, so that a folder that was put back to an
/// older state does not name a second log like one that it had before.
fn next_origin(root: &str, before: Option<&Before>, now: Timestamp, entropy: &dyn Entropy) -> String {
    let now = now.micros() / 1_000_000;
    match before.and_then(|before| Origin::parse(before.certificate.origin())) {
        Some(before) => Origin { epoch: now.max(before.epoch + 1), ..before }.name(),
        None => {
            let mut replica = [0; 4];
            entropy.fill(&mut replica);
            Origin { root, replica: &to_hex(&replica), epoch: now.max(1) }.name()
        }
    }
}

/// Opens the register, which must know of the log that was found, and of none after it.
fn open_register(
    disk: &Arc<dyn Disk>,
    root: &SigningKey,
    origin: &str,
    before: Option<&Before>,
) -> Result<Register, OpenError> {
    let name = Origin::parse(origin).map(|origin| origin.register()).ok_or(OpenError::Key)?;
    let key = root.named(&name)?;
    let trusted = key.trusted();
    let kept = read_register(disk.as_ref(), trusted)
        .map_err(OpenError::disk("reading the register"))?
        .map_err(OpenError::Register)?;
    let last = kept.entries.last().map(|entry| &*entry.origin);
    match (before, last) {
        (None, None) => {}
        (None, Some(_)) => return Err(OpenError::Register("it names logs that are not there")),
        (Some(before), last) => {
            let name = before.certificate.origin();
            let registered = last == Some(name);
            // A start registers its log before anything else is recorded in it.
            if !registered && before.is_used {
                return Err(OpenError::Register("it does not name the last log"));
            }
            let known = kept.last_of(name).map_or(0, |entry| entry.size);
            let later = last
                .and_then(Origin::parse)
                .is_some_and(|last| Origin::parse(name).is_none_or(|name| last.epoch > name.epoch));
            if later || known > before.size {
                return Err(OpenError::Register("it counts records that are not there"));
            }
        }
    }
    Register::resume(disk.clone(), key, kept).map_err(OpenError::disk("opening the register"))
}

/// Registers the end of the log before, where that was cut off, and this log's beginning.
fn enter(
    register: &mut Register,
    before: Option<&Before>,
    origin: &str,
    signed: &Signed,
    at: Timestamp,
) -> std::io::Result<()> {
    let mut entries = Vec::new();
    if let Some(before) = before {
        let origin = before.certificate.origin();
        if register.kept().last_of(origin).is_none_or(|entry| entry.occasion != Occasion::Closed) {
            let (size, root) = (before.size, before.root);
            entries.push(Registration { occasion: Occasion::Closed, at, origin: origin.into(), size, root });
        }
    }
    let (size, root) = (signed.size, signed.root);
    entries.push(Registration { occasion: Occasion::Opened, at, origin: origin.into(), size, root });
    register.append(entries)
}

fn in_order(journeys: &HashMap<RequestId, OpenJourney>) -> Vec<OpenJourney> {
    let mut open: Vec<_> = journeys.values().copied().collect();
    open.sort_unstable_by_key(|journey| journey.intent);
    open
}

/// Adds the log's first record.
fn write_start(
    ledger: &mut LedgerWriter,
    start: &Start,
    origin: &str,
    (before, recovered): (Option<&Before>, &Recovered),
    clock: &dyn Clock,
) -> Result<(), OpenError> {
    let previous = before.map(|before| Predecessor {
        origin: before.certificate.origin().into(),
        size: before.size,
        root: before.root,
    });
    let started = Event::Started {
        build: start.build.clone(),
        configuration: start.configuration,
        catalogue: start.catalogue,
        log: Some(origin.into()),
        previous,
        recovered: recovered.torn_bytes,
        interrupted: recovered.interrupted.clone(),
    };
    let moments = vec![Moment { at: clock.now(), event: started }];
    // INVARIANT: as many journeys as may be open at once can be named in one record.
    let leaf = Leaf { kind: LeafKind::Note, request: None, moments }.encode_shortened();
    ledger.append(&leaf, BodyAt::NOWHERE).map_err(OpenError::disk("writing the ledger"))?;
    Ok(())
}

/// Gives every journey that the last run left open its outcome, with as much of its answer as is on disk.
fn book_interrupted(
    disk: &Arc<dyn Disk>,
    ledger: &mut LedgerWriter,
    open: &[OpenJourney],
    clock: &dyn Clock,
) -> Result<(), OpenError> {
    for journey in open {
        let (answer, chunks) = recovery::answer_so_far(disk, journey)?;
        let closed =
            Event::Closed { fate: Fate::Interrupted, status: 0, answer, chunks, masked: Vec::new(), usage: None };
        let moments = vec![Moment { at: clock.now(), event: closed }];
        let leaf = Leaf { kind: LeafKind::Outcome, request: Some(journey.request), moments }.encode_shortened();
        ledger.append(&leaf, journey.body).map_err(OpenError::disk("writing the ledger"))?;
        ledger.journeys.remove(&journey.request);
    }
    Ok(())
}
