//! What is durable is said to be durable, in the right order, and nothing else is.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod scene;

use std::sync::Arc;
use std::time::Duration;

use gatewright_model::{Fate, RequestId};
use gatewright_store::disk::RealDisk;
use gatewright_store::log::{Log, LogState, Options, Unrecorded};
use gatewright_store::testing::{CountedEntropy, Failure, FakeDisk, Operation};
use gatewright_store::verify::{Anchors, Tail, verify_folder};
use scene::{at, check, clock, ending, journey, open, opening, options, piece, reloaded};

/// How long a test waits for what must come, and for what must not come while a sync is held.
const SOON: Duration = Duration::from_secs(10);
const A_WHILE: Duration = Duration::from_millis(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_real_folder_holds_and_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        let entropy = Arc::new(CountedEntropy::new(3));
        Log::open(Arc::new(RealDisk::new(folder.path())), Options::default(), clock(), entropy).unwrap()
    };
    let (log, recovered) = open();
    assert_eq!(recovered.records, 1, "the record of the start");
    for number in 0..40 {
        journey(&log, number, 3).await;
    }
    log.close().await.unwrap();
    let report = verify_folder(folder.path(), &Anchors::default(), &mut |_| {}).unwrap();
    assert!(report.holds(), "{:?}", report.finding);
    assert_eq!((report.records, report.vouched, report.open, report.bodies), (82, 82, 0, 80));
    assert_eq!(report.tail, Tail::Clean);

    let (log, recovered) = open();
    assert_eq!((recovered.records, recovered.torn_bytes), (83, 0));
    assert!(recovered.interrupted.is_empty());
    journey(&log, 90, 1).await;
    drop(log);
    let report = verify_folder(folder.path(), &Anchors::default(), &mut |_| {}).unwrap();
    assert!(report.holds(), "{:?}", report.finding);
    assert_eq!((report.records, report.logs), (85, 2));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(folder.path().join("keys/log.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_before_bodies_and_ledger_are_synced() {
    for held_folder in ["bodies/", "ledger/"] {
        let disk = FakeDisk::new();
        let (log, _) = open(&disk, options()).unwrap();
        let held = disk.hold_syncs(held_folder);
        let (ticket, closing) = log.intent(opening(1)).await.unwrap();
        tokio::task::block_in_place(|| held.wait_for_sync());
        assert!(tokio::time::timeout(A_WHILE, ticket.durable()).await.is_err(), "{held_folder}");
        held.release();
        tokio::time::timeout(SOON, ticket.durable()).await.unwrap().unwrap();
        drop(closing);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_not_even_written_before_its_body_is_synced() {
    let disk = FakeDisk::new();
    let (log, _) = open(&disk, options()).unwrap();
    let before = disk.contents("ledger/00000000000000000000.log").unwrap();
    let held = disk.hold_syncs("bodies/");
    let (ticket, closing) = log.intent(opening(1)).await.unwrap();
    tokio::task::block_in_place(|| held.wait_for_sync());
    assert_eq!(disk.contents("ledger/00000000000000000000.log").unwrap(), before);
    held.release();
    ticket.durable().await.unwrap();
    assert_ne!(disk.contents("ledger/00000000000000000000.log").unwrap(), before);
    drop(closing);
}

#[tokio::test(flavor = "multi_thread")]
async fn strict_answers_wait_for_their_pieces() {
    let disk = FakeDisk::new();
    let (log, _) = open(&disk, options()).unwrap();
    let (ticket, mut closing) = log.intent(opening(1)).await.unwrap();
    ticket.durable().await.unwrap();
    closing.chunks_durable().await.unwrap();
    let held = disk.hold_syncs("bodies/");
    closing.chunk(at(2), piece(1, 0));
    tokio::task::block_in_place(|| held.wait_for_sync());
    assert!(tokio::time::timeout(A_WHILE, closing.chunks_durable()).await.is_err());
    held.release();
    tokio::time::timeout(SOON, closing.chunks_durable()).await.unwrap().unwrap();
    closing.close(ending(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_sync_or_write_breaks_the_log_for_ever() {
    let failures = [
        (Operation::Sync, "ledger/", Failure::InputOutput, "error"),
        (Operation::Sync, "bodies/", Failure::InputOutput, "error"),
        (Operation::Write, "ledger/", Failure::Full, "no space left on device"),
        (Operation::Write, "bodies/", Failure::Full, "no space left on device"),
        (Operation::Sync, "ledger/", Failure::Panic, "stopped"),
        (Operation::Write, "bodies/", Failure::Panic, "stopped"),
    ];
    for (operation, path, failure, word) in failures {
        let disk = FakeDisk::new();
        let (log, _) = open(&disk, options()).unwrap();
        journey(&log, 1, 1).await;
        let (ticket, mut open_journey) = log.intent(opening(2)).await.unwrap();
        ticket.durable().await.unwrap();
        disk.fail(operation, path, 0, failure);

        // A checkpoint that was due may meet the failure first; then the intent is refused at once.
        let why = match log.intent(opening(3)).await {
            Ok((ticket, _closing)) => {
                let refused = tokio::time::timeout(SOON, ticket.durable()).await.expect("nobody waits for ever");
                refused.expect_err("it is not on disk")
            }
            Err(Unrecorded::Broken(why)) => why,
            Err(other) => panic!("{operation:?} {failure:?}: {other}"),
        };
        assert!(why.reason().contains(word), "{operation:?} {failure:?}: {why}");

        // The disk is well again; the log is not.
        disk.heal();
        let mut state = log.watch();
        let broken = tokio::time::timeout(SOON, state.wait_for(|state| *state != LogState::Healthy)).await;
        assert!(matches!(*broken.unwrap().unwrap(), LogState::Broken(_)));
        assert!(matches!(log.intent(opening(4)).await.err(), Some(Unrecorded::Broken(_))));
        assert!(matches!(log.note(None, reloaded()).await, Err(Unrecorded::Broken(_))));
        assert!(matches!(log.note_lazily(None, reloaded()), Err(Unrecorded::Broken(_))));
        open_journey.chunk(at(9), piece(2, 0));
        assert!(open_journey.chunks_durable().await.is_err());
        assert!(open_journey.room().await.is_err());
        open_journey.close(ending(2));
        assert!(log.close().await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_wait_for_a_place_learn_that_the_log_broke() {
    let disk = FakeDisk::new();
    let (log, _) = open(&disk, Options { places: 1, ..options() }).unwrap();
    let (ticket, _open_journey) = log.intent(opening(1)).await.unwrap();
    ticket.durable().await.unwrap();
    let waiting = tokio::spawn({
        let log = log.clone();
        async move { log.intent(opening(2)).await.map(|_| ()) }
    });
    disk.fail(Operation::Sync, "ledger/", 0, Failure::InputOutput);
    assert!(log.note(None, reloaded()).await.is_err());
    let refused = tokio::time::timeout(SOON, waiting).await.unwrap().unwrap();
    assert!(matches!(refused, Err(Unrecorded::Broken(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_sync_is_survived_by_the_next_start_without_a_hole() {
    // After EIO the kernel shows pages that it never wrote and takes for clean. The next start must write them again.
    let disk = FakeDisk::new();
    let (log, _) = open(&disk, options()).unwrap();
    journey(&log, 1, 1).await;
    log.note(None, reloaded()).await.unwrap();
    disk.fail(Operation::Sync, "ledger/", 0, Failure::InputOutput);
    let (ticket, closing) = log.intent(opening(2)).await.unwrap();
    assert!(ticket.durable().await.is_err());
    drop((closing, log));
    disk.heal();

    let (log, recovered) = open(&disk, options()).unwrap();
    log.note(None, reloaded()).await.unwrap();
    for seed in 0..60 {
        let crashed = disk.crash(seed);
        let (_, again) = open(&crashed, options()).unwrap();
        assert!(again.records > recovered.records, "the acknowledged note is there");
        assert!(check(&crashed).holds());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_frees_its_place_only_when_it_is_on_disk() {
    let disk = FakeDisk::new();
    let (log, _) = open(&disk, Options { places: 1, ..options() }).unwrap();
    let (ticket, closing) = log.intent(opening(1)).await.unwrap();
    ticket.durable().await.unwrap();
    let held = disk.hold_syncs("ledger/");
    closing.close(ending(1));
    tokio::task::block_in_place(|| held.wait_for_sync());
    let next = log.intent(opening(2));
    tokio::pin!(next);
    assert!(tokio::time::timeout(A_WHILE, &mut next).await.is_err());
    held.release();
    assert!(tokio::time::timeout(SOON, next).await.unwrap().is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_do_not_dawdle_while_journeys_wait_for_places() {
    let disk = FakeDisk::new();
    let slow = Options { places: 10, outcome_delay: Duration::from_secs(3_600), ..options() };
    let (log, _) = open(&disk, slow).unwrap();
    let mut tasks = Vec::new();
    for number in 0..40 {
        let log = log.clone();
        // Without pieces, whose commits outcomes could ride with.
        tasks.push(tokio::spawn(async move { journey(&log, number, 0).await }));
    }
    for task in tasks {
        tokio::time::timeout(SOON, task).await.expect("no journey waits for an outcome's delay").unwrap();
    }
    log.close().await.unwrap();
    let report = check(&disk);
    assert!(report.holds(), "{:?}", report.finding);
    assert_eq!((report.records, report.open), (82, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_hangs_discloses_nothing_and_is_told_of() {
    let disk = FakeDisk::new();
    let (log, _) = open(&disk, options()).unwrap();
    for (number, held_folder) in (1..).zip(["bodies/", "ledger/"]) {
        let held = disk.hold_syncs(held_folder);
        let (ticket, closing) = log.intent(opening(number)).await.unwrap();
        tokio::task::block_in_place(|| held.wait_for_sync());
        assert!(tokio::time::timeout(A_WHILE, ticket.durable()).await.is_err(), "{held_folder}");
        assert!(log.writing_for().is_some_and(|waited| waited >= A_WHILE), "{held_folder}");
        assert_eq!(log.state(), LogState::Healthy, "slow is not broken");
        held.release();
        tokio::time::timeout(SOON, ticket.durable()).await.unwrap().unwrap();
        closing.close(ending(number));
    }
    log.clone().close().await.unwrap();
    assert_eq!(log.writing_for(), None);
    assert!(check(&disk).holds());
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_wait_for_room_while_the_disk_is_slow() {
    let disk = FakeDisk::new();
    let (log, _) = open(&disk, Options { pending_bytes: 100, ..options() }).unwrap();
    let (ticket, mut closing) = log.intent(opening(1)).await.unwrap();
    ticket.durable().await.unwrap();
    let held = disk.hold_syncs("bodies/");
    closing.room().await.unwrap();
    closing.chunk(at(1), vec![b'z'; 100].into());
    assert!(tokio::time::timeout(A_WHILE, closing.room()).await.is_err());
    held.release();
    tokio::time::timeout(SOON, closing.room()).await.unwrap().unwrap();
    closing.close(ending(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_journey_is_booked_as_left_and_an_unended_one_as_interrupted() {
    let disk = FakeDisk::new();
    let (log, _) = open(&disk, options()).unwrap();
    let (_, dropped) = log.intent(opening(1)).await.unwrap();
    drop(dropped);
    let (ticket, mut unended) = log.intent(opening(2)).await.unwrap();
    ticket.durable().await.unwrap();
    unended.chunk(at(3), piece(2, 0));
    unended.chunk(at(4), piece(2, 1));
    unended.chunks_durable().await.unwrap();
    let killed = disk.copy();

    let (log, recovered) = open(&killed, options()).unwrap();
    assert_eq!(recovered.interrupted, [scene::request(2)]);
    drop(log);
    let report = check(&killed);
    assert!(report.holds(), "{:?}", report.finding);
    assert_eq!((report.records, report.open), (6, 0));
    assert_eq!(fates(&killed), [(scene::request(1), Fate::ClientLeft, 0), (scene::request(2), Fate::Interrupted, 2)]);
    unended.close(ending(2));
}

/// The outcomes of all logs.
fn fates(disk: &FakeDisk) -> Vec<(RequestId, Fate, u64)> {
    let mut fates = Vec::new();
    for record in scene::forge::Log::read(disk).records {
        let leaf = gatewright_ledger::Leaf::decode(&record.leaf).unwrap();
        for moment in leaf.moments {
            if let gatewright_model::Event::Closed { fate, chunks, .. } = moment.event {
                fates.push((leaf.request.unwrap(), fate, chunks));
            }
        }
    }
    fates
}

#[tokio::test(flavor = "multi_thread")]
async fn one_folder_has_one_gateway() {
    let disk = FakeDisk::new();
    let (log, _) = open(&disk, options()).unwrap();
    assert!(matches!(open(&disk, options()), Err(gatewright_store::log::OpenError::InUse)));
    log.close().await.unwrap();
    // The lock goes with the committer's thread, which the last handle's drop waits for.
    assert!(open(&disk, options()).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leaf_that_is_too_long_is_refused_and_the_log_goes_on() {
    let disk = FakeDisk::new();
    let (log, _) = open(&disk, options()).unwrap();
    let mut long = opening(1);
    long.moments[0].event = gatewright_model::Event::Authenticated {
        issuer: "corp".into(),
        subject: "a".repeat(70_000).into(),
        kind: gatewright_model::Kind::Person,
    };
    assert!(matches!(log.intent(long).await.err(), Some(Unrecorded::TooLong { .. })));
    journey(&log, 2, 1).await;
    log.close().await.unwrap();
    assert!(check(&disk).holds());
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_shows_in_the_register() {
    let disk = FakeDisk::new();
    let (log, _) = open(&disk, Options { alive_every: Duration::from_millis(5), ..options() }).unwrap();
    let begun = std::time::Instant::now();
    while check(&disk).register < 6 {
        assert!(begun.elapsed() < SOON, "an idle log is registered again and again");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    log.close().await.unwrap();
    let report = check(&disk);
    assert!(report.holds(), "{:?}", report.finding);
    assert_eq!(report.records, 2, "the start and the stop");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_register_that_cannot_be_kept_breaks_the_log() {
    for (operation, failure) in [(Operation::Sync, Failure::InputOutput), (Operation::Write, Failure::Full)] {
        let disk = FakeDisk::new();
        let (log, _) = open(&disk, Options { alive_every: Duration::from_millis(20), ..options() }).unwrap();
        disk.fail(operation, "ledger/register", 0, failure);
        let mut state = log.watch();
        let broken = tokio::time::timeout(SOON, state.wait_for(|state| *state != LogState::Healthy)).await;
        assert!(matches!(*broken.unwrap().unwrap(), LogState::Broken(_)));
        assert!(log.note(None, reloaded()).await.is_err());
        disk.heal();
        drop(log);
        open(&disk, options()).unwrap().0.close().await.unwrap();
        assert!(check(&disk).holds());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tiles_that_cannot_be_published_hold_up_nothing_and_are_made_again() {
    let disk = FakeDisk::new();
    let (log, _) = open(&disk, options()).unwrap();
    disk.fail(Operation::Write, "ledger/tlog", 0, Failure::Full);
    journey(&log, 1, 1).await;
    log.close().await.unwrap();
    disk.heal();
    let (log, _) = open(&disk, options()).unwrap();
    log.close().await.unwrap();
    let report = check(&disk);
    assert!(report.holds(), "{:?}", report.finding);
    // Two logs and the register, each with a bundle and a tile.
    assert_eq!((report.logs, report.published), (2, 6));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_durable_record_has_a_receipt_that_the_folder_keeps() {
    let disk = FakeDisk::new();
    let (log, _) = open(&disk, options()).unwrap();
    let mut receipts = Vec::new();
    for number in 0..20 {
        let (ticket, closing) = log.intent(opening(number)).await.unwrap();
        receipts.push(ticket.durable().await.unwrap().receipt().unwrap().to_text());
        closing.close(ending(number));
    }
    receipts.push(log.note(None, reloaded()).await.unwrap().receipt().unwrap().to_text());
    log.close().await.unwrap();
    let trust = Some(scene::forge::key(&disk).trusted().clone());
    // Those of the call that will be left out, and of all after it.
    let kept = receipts[3..].to_vec();
    let report = scene::check_against(&disk, &Anchors { trust: trust.clone(), receipts, ..Anchors::default() });
    assert!(report.holds(), "{:?}", report.finding);
    assert_eq!(report.anchored, 21);

    // Somebody with the root key leaves one record out and writes everything anew.
    let mut forged = scene::forge::Log::read(&disk);
    let left_out = |leaf: &[u8]| gatewright_ledger::Leaf::decode(leaf).unwrap().request == Some(scene::request(3));
    forged.records.retain(|record| !left_out(&record.leaf));
    for record in &mut forged.records {
        let mut leaf = gatewright_ledger::Leaf::decode(&record.leaf).unwrap();
        for moment in &mut leaf.moments {
            if let gatewright_model::Event::Stopped { leaves } = &mut moment.event {
                *leaves -= 2;
            }
        }
        record.leaf = leaf.encode().unwrap();
    }
    forged.write(&disk, Some(&scene::forge::key(&disk)));
    assert!(check(&disk).holds(), "without an anchor the root key's holder is believed");
    for receipt in kept {
        let anchors = Anchors { trust: trust.clone(), receipts: vec![receipt], ..Anchors::default() };
        let found = scene::check_against(&disk, &anchors).finding.expect("the receipt convicts");
        assert!(["omitted", "rewritten", "forked", "rolled_back"].contains(&found.flaw.name()), "{found}");
    }
}
