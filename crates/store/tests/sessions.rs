//! Sessions are listed, shown and replayed from the log, with an index and without one.
#![allow(clippy::unwrap_used, reason = "tests")]

mod scene;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gatewright_model::{Code, Event, Fate, Kind, Moment};
use gatewright_store::disk::RealDisk;
use gatewright_store::log::{Log, Options};
use gatewright_store::sessions::{
    CallState, FolderSessions, Indexer, Query, Sessions, SessionsError, Summary, ThreadId, rebuild,
};
use gatewright_store::testing::CountedEntropy;
use scene::{at, body, clock, ending, journey, opening, options, piece, request, session};

fn open(folder: &Path, options: Options) -> Log {
    let entropy = Arc::new(CountedEntropy::new(5));
    Log::open(Arc::new(RealDisk::new(folder)), options, clock(), entropy).unwrap().0
}

fn refusal(number: u64) -> Vec<Moment> {
    let known = Event::Authenticated { issuer: "corp".into(), subject: "bob".into(), kind: Kind::Workload };
    let refused = Event::Refused { code: Code::PermissionDenied, param: None, rule: Some("no".into()), count: 1 };
    vec![Moment { at: at(number), event: known }, Moment { at: at(number), event: refused }]
}

/// Nine calls in three sessions, a refused call, an open one, and one that was dropped.
async fn scene(log: &Log) -> impl Sized {
    for number in 0..9 {
        journey(log, number, 4).await;
    }
    log.note(Some(request(50)), refusal(50)).await.unwrap();
    let (ticket, left) = log.intent(opening(60)).await.unwrap();
    ticket.durable().await.unwrap();
    drop(left);
    let (ticket, open) = log.intent(opening(70)).await.unwrap();
    ticket.durable().await.unwrap();
    open
}

fn check(sessions: &dyn Sessions) -> Vec<Summary> {
    let listed = sessions.list(&Query::default()).unwrap();
    let threads: Vec<_> = listed.iter().map(|summary| (summary.thread, summary.calls, summary.state)).collect();
    let of = |number| ThreadId::Session(session(number));
    assert_eq!(
        threads,
        [
            (of(23), 1, CallState::Open),
            (of(20), 1, CallState::Closed(Fate::ClientLeft)),
            (ThreadId::Call(request(50)), 1, CallState::Refused(Code::PermissionDenied)),
            (of(2), 3, CallState::Closed(Fate::Ended)),
            (of(1), 3, CallState::Closed(Fate::Ended)),
            (of(0), 3, CallState::Closed(Fate::Ended)),
        ]
    );
    assert_eq!(listed[2].caller.as_ref().unwrap().subject.as_ref(), "bob");

    let bobs = Query { caller: Some(("corp".into(), "bob".into())), ..Query::default() };
    assert_eq!(sessions.list(&bobs).unwrap().len(), 1);
    let first_two = sessions.list(&Query { limit: 2, ..Query::default() }).unwrap();
    let rest = sessions.list(&Query { before: Some(first_two[1].cursor), ..Query::default() }).unwrap();
    assert_eq!([first_two, rest].concat(), listed);

    let calls = sessions.show(of(1)).unwrap().unwrap();
    assert_eq!(calls.iter().map(|call| call.request).collect::<Vec<_>>(), [request(3), request(4), request(5)]);
    let events: Vec<_> = calls[0].moments.iter().map(|moment| moment.event.name()).collect();
    assert_eq!(events, ["authenticated", "opened", "forwarded", "closed"]);
    let refused = sessions.show(ThreadId::Call(request(50))).unwrap().unwrap();
    assert!(matches!(refused[0].moments[1].event, Event::Refused { code: Code::PermissionDenied, .. }));
    assert_eq!(sessions.show(of(99)).unwrap(), None);

    let replays = sessions.replay(ThreadId::Call(request(4))).unwrap().unwrap();
    let bodies = replays[0].bodies.as_ref().unwrap();
    assert_eq!(bodies.request, body(4));
    let pieces: Vec<_> = bodies.pieces.iter().map(|piece| (piece.after.as_secs(), piece.bytes.clone())).collect();
    assert_eq!(pieces, (0..4).map(|each| (each, piece(4, each).to_vec())).collect::<Vec<_>>());
    listed
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_a_running_gateway_and_on_a_copy_and_without_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path(), options());
    let indexer = Indexer::start(folder.path(), &log).unwrap();
    let open_journey = scene(&log).await;
    let running = FolderSessions::open(folder.path()).unwrap();
    let listed = check(&running);
    drop(indexer);
    assert_eq!(check(&running), listed, "from the index alone");

    let copy = tempfile::tempdir().unwrap();
    for part in ["ledger", "bodies"] {
        std::fs::create_dir(copy.path().join(part)).unwrap();
        for entry in std::fs::read_dir(folder.path().join(part)).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                // Tiles, which no session is read from.
                continue;
            }
            std::fs::copy(entry.path(), copy.path().join(part).join(entry.file_name())).unwrap();
        }
    }
    assert_eq!(check(&FolderSessions::open(copy.path()).unwrap()), listed, "from the log alone");
    rebuild(copy.path()).unwrap();
    assert_eq!(check(&FolderSessions::open(copy.path()).unwrap()), listed, "from an index that was built again");
    drop(open_journey);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lagging_index_a_foreign_one_and_a_broken_one_give_the_same_answers() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path(), options());
    for number in 0..5 {
        journey(&log, number, 4).await;
    }
    rebuild(folder.path()).unwrap();
    let early = std::fs::read(folder.path().join("index.db")).unwrap();
    let sessions = FolderSessions::open(folder.path()).unwrap();
    assert_eq!(sessions.list(&Query::default()).unwrap().len(), 2);
    for number in 5..9 {
        journey(&log, number, 4).await;
    }
    log.note(Some(request(50)), refusal(50)).await.unwrap();
    let (_, left) = log.intent(opening(60)).await.unwrap();
    drop(left);
    let (ticket, open_journey) = log.intent(opening(70)).await.unwrap();
    ticket.durable().await.unwrap();
    let listed = check(&sessions);

    let other = tempfile::tempdir().unwrap();
    let other_log = open(other.path(), options());
    journey(&other_log, 1_000, 1).await;
    other_log.close().await.unwrap();
    rebuild(other.path()).unwrap();
    for index in [std::fs::read(other.path().join("index.db")).unwrap(), early, b"no database at all".to_vec()] {
        for ending in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(folder.path().join(format!("index.db{ending}")));
        }
        std::fs::write(folder.path().join("index.db"), index).unwrap();
        assert_eq!(check(&FolderSessions::open(folder.path()).unwrap()), listed);
        drop(Indexer::start(folder.path(), &log).unwrap());
        assert_eq!(check(&FolderSessions::open(folder.path()).unwrap()), listed, "the indexer has put it right");
    }
    open_journey.close(ending(70));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_and_a_moving_index_never_count_twice() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path(), options());
    let indexer = Indexer::start(folder.path(), &log).unwrap();
    let sessions = Arc::new(FolderSessions::open(folder.path()).unwrap());
    let writer = tokio::spawn({
        let log = log.clone();
        async move {
            for number in 0..300 {
                journey(&log, number, 1).await;
            }
        }
    });
    while !writer.is_finished() {
        let sessions = sessions.clone();
        let listed =
            tokio::task::spawn_blocking(move || sessions.list(&Query { limit: 1_000, ..Query::default() }).unwrap());
        assert!(listed.await.unwrap().iter().all(|thread| thread.calls <= 3));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    writer.await.unwrap();
    log.close().await.unwrap();
    drop(indexer);
    let listed = sessions.list(&Query { limit: 1_000, ..Query::default() }).unwrap();
    assert_eq!(listed.len(), 100);
    assert!(listed.iter().all(|thread| thread.calls == 3 && thread.state == CallState::Closed(Fate::Ended)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_committer_tells_and_what_is_read_back_give_the_same_index() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path(), options());
    journey(&log, 100, 1).await;
    let indexer = Indexer::start(folder.path(), &log).unwrap();
    // The indexer's first look is at the segments; what comes after, it is told.
    while !folder.path().join("index.db").exists() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for number in 0..60 {
        journey(&log, number, 2).await;
        log.note(Some(request(500 + number)), refusal(500 + number)).await.unwrap();
    }
    log.close().await.unwrap();
    drop(indexer);
    let sessions = FolderSessions::open(folder.path()).unwrap();
    let everything = Query { limit: 1_000, ..Query::default() };
    let told = sessions.list(&everything).unwrap();
    let shown: Vec<_> = told.iter().map(|summary| sessions.show(summary.thread).unwrap()).collect();
    drop(sessions);
    rebuild(folder.path()).unwrap();
    let sessions = FolderSessions::open(folder.path()).unwrap();
    assert_eq!(sessions.list(&everything).unwrap(), told);
    assert_eq!(told.iter().map(|summary| sessions.show(summary.thread).unwrap()).collect::<Vec<_>>(), shown);
    assert_eq!(told.len(), 60 + 20 + 1);
}

#[test]
fn a_folder_without_a_log_says_so() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(FolderSessions::open(folder.path()), Err(SessionsError::NoLog)));
}

#[test]
fn records_are_taken_in_order_from_a_number_on_once_a_checkpoint_counts_them() {
    use gatewright_store::records::Records;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    let disk = gatewright_store::testing::FakeDisk::new();
    let read = |from: u64| {
        let mut records = Records::of(std::sync::Arc::new(disk.clone()), from).unwrap();
        let mut numbers = Vec::new();
        while records.take(7, |record| numbers.push(record.number)).unwrap() > 0 {}
        assert_eq!(records.next(), records.counted().unwrap().max(from));
        numbers
    };
    assert!(Records::of(std::sync::Arc::new(disk.clone()), 0).is_err());
    for run in 0..2 {
        let (log, _) = scene::open(&disk, scene::options()).unwrap();
        runtime.block_on(async {
            for number in run * 30..run * 30 + 30 {
                scene::journey(&log, number, 1).await;
            }
        });
        runtime.block_on(log.close()).unwrap();
    }
    let all = scene::check(&disk).records;
    assert_eq!(read(0), (0..all).collect::<Vec<_>>());
    assert_eq!(read(50), (50..all).collect::<Vec<_>>());
    assert_eq!(read(all), Vec::<u64>::new());
    // Records that no checkpoint counts may be cut off by a crash, and their numbers given to others.
    let slow =
        gatewright_store::log::Options { checkpoint_every: std::time::Duration::from_secs(3_600), ..scene::options() };
    let (log, _) = scene::open(&disk, slow).unwrap();
    runtime.block_on(scene::journey(&log, 77, 1));
    assert_eq!(read(all).len(), 1, "the start is counted, what came after it is not yet");
    runtime.block_on(log.close()).unwrap();
    assert_eq!(read(all), (all..all + 4).collect::<Vec<_>>());
}
