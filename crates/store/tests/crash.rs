//! The power goes at any moment: what was acknowledged is there afterwards, and what is there verifies.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod scene;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gatewright_ledger::TrustedKey;
use gatewright_model::RequestId;
use gatewright_store::log::{Log, OpenError, Options};
use gatewright_store::testing::FakeDisk;
use gatewright_store::verify::{Anchors, Tail};
use scene::{at, check, check_against, ending, open, opening, options, piece, reloaded, request};

/// What was acknowledged before the power went.
#[derive(Default)]
struct Acknowledged {
    intents: Vec<u64>,
    /// How many pieces of each answer.
    pieces: BTreeMap<u64, u64>,
    notes: u64,
}

/// Many journeys at once, until the disk refuses.
async fn work(log: Log, acknowledged: Arc<Mutex<Acknowledged>>) {
    let mut tasks = Vec::new();
    for number in 0..24 {
        let (log, acknowledged) = (log.clone(), acknowledged.clone());
        tasks.push(tokio::spawn(async move {
            let Ok((ticket, mut closing)) = log.intent(opening(number)).await else { return };
            if ticket.durable().await.is_err() {
                return;
            }
            acknowledged.lock().unwrap().intents.push(number);
            for each in 0..number % 5 {
                closing.chunk(at(number + each), piece(number, each));
                if closing.chunks_durable().await.is_err() {
                    return;
                }
                acknowledged.lock().unwrap().pieces.insert(number, each + 1);
            }
            if number % 4 != 3 {
                closing.close(ending(number));
            }
            if number % 6 == 0 && log.note(None, scene::reloaded()).await.is_ok() {
                acknowledged.lock().unwrap().notes += 1;
            }
        }));
    }
    for task in tasks {
        let _ = task.await;
    }
}

/// Runs until the power goes after this many operations; gives the disk and what had been acknowledged.
fn run_until(power: u64, options: Options) -> (FakeDisk, Acknowledged) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let disk = FakeDisk::new();
    disk.cut_power_after(power);
    let acknowledged = Arc::new(Mutex::new(Acknowledged::default()));
    if let Ok((log, _)) = open(&disk, options) {
        runtime.block_on(work(log.clone(), acknowledged.clone()));
        drop(log);
    }
    let acknowledged = std::mem::take(&mut *acknowledged.lock().unwrap());
    (disk, acknowledged)
}

/// The next start after a crash: everything acknowledged is there, the log verifies, and it goes on.
fn survives(crashed: &FakeDisk, acknowledged: &Acknowledged, what: &str) {
    let before = check_if_any(crashed);
    let (log, recovered) = open(crashed, options()).unwrap_or_else(|error| panic!("{what}: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(log.note(None, reloaded())).unwrap();
    drop(log);
    let report = check(crashed);
    assert!(report.holds(), "{what}: {:?}", report.finding);
    assert_eq!((report.open, report.tail), (0, Tail::Clean), "{what}");
    let found = Found::read(crashed);
    for number in &acknowledged.intents {
        let answer = found.answers.get(&request(*number)).unwrap_or_else(|| panic!("{what}: intent {number} is lost"));
        let told = acknowledged.pieces.get(number).copied().unwrap_or(0);
        assert!(*answer >= told, "{what}: {told} pieces of {number} were acknowledged, {answer} are there");
    }
    assert!(found.notes > acknowledged.notes, "{what}: a note is lost");
    if let Some((records, finding)) = before {
        assert_eq!(finding, None, "{what}: a crash alone is no finding");
        assert!(recovered.records >= records, "{what}");
    }
}

/// A verification before the recovery, where there is enough of a folder for one.
fn check_if_any(disk: &FakeDisk) -> Option<(u64, Option<gatewright_ledger::Finding>)> {
    let disk: Arc<dyn gatewright_store::disk::Disk> = Arc::new(disk.clone());
    let report = gatewright_store::verify::verify(&disk, &Anchors::default(), &mut |_| {}).ok()?;
    Some((report.records, report.finding))
}

/// What a log holds.
#[derive(Default)]
struct Found {
    /// The number of pieces by journey.
    answers: BTreeMap<RequestId, u64>,
    notes: u64,
}

impl Found {
    fn read(disk: &FakeDisk) -> Self {
        use gatewright_ledger::{Frame, Leaf, LeafKind, Parsed, SegmentHead};
        use gatewright_model::Event;
        let mut found = Self::default();
        for path in disk.paths().into_iter().filter(|path| path.ends_with(".log")) {
            let bytes = disk.contents(&path).unwrap();
            let (head, mut at) = SegmentHead::parse(&bytes).unwrap();
            while let Parsed::Frame(frame, length) = Frame::parse(&head.nonce, &bytes[at..]) {
                let leaf = Leaf::decode(frame.leaf).unwrap();
                found.notes += u64::from(leaf.kind == LeafKind::Note);
                for moment in leaf.moments {
                    if let Event::Closed { chunks, .. } = moment.event {
                        found.answers.insert(leaf.request.unwrap(), chunks);
                    }
                }
                at += length;
            }
        }
        found
    }
}

#[test]
fn nothing_acknowledged_is_lost_wherever_the_power_goes() {
    // Every operation of the first start and of the first commits, then samples far into the work.
    let points = (0..60).chain((60..400).step_by(7));
    for power in points {
        let (disk, acknowledged) = run_until(power, options());
        for seed in 0..6 {
            let crashed = disk.crash(power * 1_000 + seed);
            survives(&crashed, &acknowledged, &format!("power {power}, seed {seed}"));
        }
    }
}

#[test]
fn a_crash_during_the_recovery_from_a_crash_is_survived_too() {
    let (disk, acknowledged) = run_until(170, options());
    for power in 0..40 {
        let crashed = disk.crash(power);
        crashed.cut_power_after(power);
        drop(open(&crashed, options()));
        let again = crashed.crash(power + 1);
        survives(&again, &acknowledged, &format!("second power cut after {power}"));
    }
}

#[test]
fn a_kill_without_a_power_cut_loses_nothing_that_was_written() {
    let (disk, acknowledged) = run_until(200, options());
    survives(&disk.copy(), &acknowledged, "kill");
}

#[test]
fn a_start_refuses_damage_that_no_crash_explains() {
    let (disk, _) = run_until(u64::MAX / 2, Options { segment_bytes: 1 << 20, ..options() });
    let path = "ledger/00000000000000000000.log";
    let bytes = disk.contents(path).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    // Any byte of any record: each of them was on disk when a later record or a checkpoint was written.
    for at in (0..used).step_by(41) {
        let damaged = disk.copy();
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        damaged.put(path, changed);
        assert!(open(&damaged, options()).is_err(), "byte {at} of {used}");
    }
    for folder_file in ["bodies/0000000000.bodies", "ledger/00000000000000000000.checkpoints", "keys/log.key"] {
        let damaged = disk.copy();
        damaged.remove(folder_file);
        assert!(open(&damaged, options()).is_err(), "without {folder_file}");
    }
}

#[test]
fn a_start_refuses_damage_that_a_later_record_proves_without_any_checkpoint() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let disk = FakeDisk::new();
    let seldom = Options { segment_bytes: 1 << 20, checkpoint_every: Duration::from_secs(3_600), ..options() };
    let (log, _) = open(&disk, seldom).unwrap();
    runtime.block_on(async {
        for number in 0..12 {
            scene::journey(&log, number, 1).await;
        }
        log.note(None, scene::reloaded()).await.unwrap();
    });
    let running = disk.copy();
    drop(log);
    let records = scene::forge::Log::read(&running).records;
    let path = scene::forge::segment_path(0);
    let bytes = running.contents(&path).unwrap();
    // The last record has nobody to speak for it: damage there looks like a torn tail.
    for (number, record) in records.iter().enumerate().take(records.len() - 2) {
        let damaged = running.copy();
        let mut changed = bytes.clone();
        changed[record.start + 70] ^= 1;
        damaged.put(&path, changed);
        assert!(matches!(open(&damaged, options()), Err(OpenError::Damaged(_))), "record {number}");
        let report = check(&damaged);
        assert_eq!(report.finding.map(|found| found.first), Some(number as u64));
    }
}

#[test]
fn a_checkpoint_that_was_kept_elsewhere_still_fits_after_a_crash() {
    let (disk, _) = run_until(260, options());
    let trusted: TrustedKey = String::from_utf8(disk.contents("keys/log.pub").unwrap()).unwrap().parse().unwrap();
    let note = scene::forge::notes(&disk, 0).remove(1);
    assert!(scene::forge::Log::read(&disk).heads[0].certificate.open(&trusted).is_ok());
    for seed in 0..10 {
        let crashed = disk.crash(seed);
        drop(open(&crashed, options()).unwrap());
        let anchors = Anchors { trust: Some(trusted.clone()), checkpoints: vec![note.clone()], ..Anchors::default() };
        let report = check_against(&crashed, &anchors);
        assert!(report.holds(), "{:?}", report.finding);
    }
}
