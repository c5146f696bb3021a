//! A log of a million entries, to be run by hand: how long its verification takes, how long its index, and how long
//! ordinary questions of the index. `cargo test --release -p gatewright-store --test million -- --ignored --nocapture`.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement that is run by hand")]

mod scene;

use std::sync::Arc;
use std::time::{Duration, Instant};

use gatewright_model::{Event, Kind, Moment};
use gatewright_store::disk::RealDisk;
use gatewright_store::log::{Log, Opening, Options, Urgency};
use gatewright_store::sessions::{FolderSessions, Query, Sessions, rebuild};
use gatewright_store::testing::CountedEntropy;
use gatewright_store::verify::{Anchors, verify_folder};
use scene::{at, ending, opening, piece};

/// How many callers there are.
const CALLERS: u64 = 500;

fn of(number: u64) -> Opening {
    let subject = format!("user-{}", number % CALLERS);
    let event = Event::Authenticated { issuer: "corp".into(), subject: subject.into(), kind: Kind::Person };
    let moments = vec![Moment { at: at(number / 100), event }];
    Opening { body: vec![b'x'; 512].into(), urgency: Urgency::Linger, moments, ..opening(number) }
}

#[test]
#[ignore = "a measurement"]
fn a_million_entries() {
    let setting = |name: &str| std::env::var(name).ok();
    let calls: u64 = setting("GATEWRIGHT_CALLS").map_or(500_000, |calls| calls.parse().unwrap());
    let folder = tempfile::tempdir_in(setting("GATEWRIGHT_BENCH_DIR").unwrap_or_else(|| ".".into())).unwrap();
    let path = setting("GATEWRIGHT_INTO").map_or_else(|| folder.path().to_owned(), Into::into);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let disk = Arc::new(RealDisk::new(&path));
    let (log, _) = Log::open(disk, Options::default(), scene::clock(), Arc::new(CountedEntropy::new(1))).unwrap();
    let begun = Instant::now();
    runtime.block_on(async {
        let writers = (0..512_u64).map(|writer| {
            let log = log.clone();
            tokio::spawn(async move {
                for number in (writer..calls).step_by(512) {
                    let (ticket, mut closing) = log.intent(of(number)).await.unwrap();
                    ticket.durable().await.unwrap();
                    closing.chunk(at(number / 100), piece(number, 1));
                    closing.close(ending(number));
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        log.close().await.unwrap();
    });
    println!("written in {:?}", begun.elapsed());
    let begun = Instant::now();
    let report = verify_folder(&path, &Anchors::default(), &mut |_| {}).unwrap();
    assert!(report.holds(), "{:?}", report.finding);
    println!("{} records and {} bodies verified in {:?}", report.records, report.bodies, begun.elapsed());
    let begun = Instant::now();
    rebuild(&path).unwrap();
    println!("index built in {:?}", begun.elapsed());
    let sessions = FolderSessions::open(&path).unwrap();
    let one = sessions.list(&Query { limit: 1, ..Query::default() }).unwrap();
    let ask = |what: &str, question: &dyn Fn() -> usize| {
        let begun = Instant::now();
        let found = question();
        let took = begun.elapsed();
        println!("{what}: {found} in {took:?}");
        assert!(took < Duration::from_millis(100), "{what}: {took:?}");
    };
    let caller = Some(("corp".into(), "user-7".into()));
    ask("the newest", &|| sessions.list(&Query::default()).unwrap().len());
    ask("a caller's", &|| sessions.list(&Query { caller: caller.clone(), ..Query::default() }).unwrap().len());
    ask("far back", &|| sessions.list(&Query { before: Some(1_000), ..Query::default() }).unwrap().len());
    ask("one with its calls", &|| sessions.show(one[0].thread).unwrap().unwrap().len());
    ask("one with its bodies", &|| sessions.replay(one[0].thread).unwrap().unwrap().len());
}
