//! How many journeys a second the log takes, to be run by hand: `cargo test --release -p gatewright-store --test
//! throughput -- --ignored --nocapture`.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement that is run by hand")]

mod scene;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use gatewright_store::disk::RealDisk;
use gatewright_store::log::{Log, Opening, Options, Urgency};
use gatewright_store::testing::CountedEntropy;
use gatewright_store::verify::{Anchors, verify_folder};
use scene::{ending, opening, piece};

const FOR: Duration = Duration::from_secs(3);

fn measure(producers: u64, urgency: Urgency) {
    let folder = tempfile::tempdir_in(std::env::var("GATEWRIGHT_BENCH_DIR").unwrap_or_else(|_| ".".into())).unwrap();
    let entropy = Arc::new(CountedEntropy::new(1));
    let disk = Arc::new(RealDisk::new(folder.path()));
    let (log, _) = Log::open(disk, Options::default(), scene::clock(), entropy).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let count = Arc::new(AtomicU64::new(0));
    let mut waits: Vec<Duration> = runtime.block_on(async {
        let begun = Instant::now();
        let tasks: Vec<_> = (0..producers)
            .map(|_| {
                let (log, count) = (log.clone(), count.clone());
                tokio::spawn(async move {
                    let mut waits = Vec::new();
                    while begun.elapsed() < FOR {
                        let number = count.fetch_add(1, Ordering::Relaxed);
                        let asked = Instant::now();
                        let opening = Opening { body: vec![b'x'; 512].into(), urgency, ..opening(number) };
                        let (ticket, mut closing) = log.intent(opening).await.unwrap();
                        ticket.durable().await.unwrap();
                        waits.push(asked.elapsed());
                        closing.chunk(scene::at(1), piece(1, 1));
                        closing.close(ending(number));
                    }
                    waits
                })
            })
            .collect();
        let mut all = Vec::new();
        for task in tasks {
            all.extend(task.await.unwrap());
        }
        log.close().await.unwrap();
        all
    });
    waits.sort_unstable();
    let journeys = waits.len();
    let at = |share: f64| waits[((journeys - 1) as f64 * share) as usize];
    let checked = Instant::now();
    let report = verify_folder(folder.path(), &Anchors::default(), &mut |_| {}).unwrap();
    assert!(report.holds(), "{:?}", report.finding);
    println!(
        "{producers:4} producers {urgency:?}: {:7.0} journeys/s ({} records), intent p50 {:?} p99 {:?}; verified in {:?}",
        journeys as f64 / FOR.as_secs_f64(),
        report.records,
        at(0.5),
        at(0.99),
        checked.elapsed(),
    );
}

#[test]
#[ignore = "a measurement"]
fn journeys_a_second() {
    for producers in [1, 64, 512] {
        measure(producers, Urgency::Now);
    }
    measure(64, Urgency::Linger);
}
