//! The copy in a bucket: whole, provable like the folder, never written over, and a bound on what is lost without it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod flaky;
#[path = "../scene/mod.rs"]
mod scene;

use std::sync::Arc;
use std::time::{Duration, Instant};

use flaky::{Flaky, Trouble};
use futures_util::TryStreamExt;
use gatewright_model::Secret;
use gatewright_store::bucket::{Bucket, BucketAddress, BucketDisk, BucketFault, Copier, CopierOptions, Lag};
use gatewright_store::disk::Disk;
use gatewright_store::log::{Log, Unrecorded};
use gatewright_store::testing::FakeDisk;
use gatewright_store::verify::{Anchors, Report, verify_at_rest};
use gatewright_testkit::BucketServer;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use scene::{forge, journey, open, opening, options, reloaded};
use tokio::runtime::Runtime;

const OFTEN: CopierOptions = CopierOptions { every: Duration::from_millis(5), spool: 1 << 30 };

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn copier(disk: &FakeDisk, log: &Log, bucket: &Bucket, options: CopierOptions, runtime: &Runtime) -> Copier {
    Copier::of(Arc::new(disk.clone()), log, bucket, options, runtime.handle().clone()).unwrap()
}

fn verified(bucket: &Bucket, runtime: &Runtime, anchors: &Anchors) -> Report {
    let disk: Arc<dyn Disk> = Arc::new(BucketDisk::new(bucket, runtime.handle().clone()));
    verify_at_rest(&disk, anchors).unwrap()
}

/// Waits until the copier says so.
fn wait_for(copier: &Copier, is: impl Fn(&Lag) -> bool) -> Lag {
    let lag = copier.lag();
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let now = lag.borrow().clone();
        if is(&now) {
            return now;
        }
        assert!(Instant::now() < deadline, "{now:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What every store must do: two runs with a copier each, and one more without; all of it is in the bucket then.
fn suite(bucket: &Bucket) {
    let (runtime, disk) = (runtime(), FakeDisk::new());
    for run in 0..3_u64 {
        let (log, _) = open(&disk, options()).unwrap();
        let copier = (run != 1).then(|| copier(&disk, &log, bucket, OFTEN, &runtime));
        runtime.block_on(async {
            for number in run * 40..run * 40 + 40 {
                journey(&log, number, number % 4).await;
            }
            log.note(None, reloaded()).await.unwrap();
        });
        runtime.block_on(log.close()).unwrap();
        // Its end copies what is left.
        drop(copier);
    }
    let anchors = Anchors {
        trust: Some(forge::key(&disk).trusted().clone()),
        checkpoints: vec![forge::register_note(&disk)],
        ..Anchors::default()
    };
    let report = verified(bucket, &runtime, &anchors);
    assert!(report.holds(), "{:?}", report.finding);
    let here = scene::check_against(&disk, &anchors);
    assert!(here.holds() && here.records > 240, "{here:?}");
    assert_eq!((report.records, report.bodies, report.root), (here.records, here.bodies, here.root));
    assert_eq!((report.logs, report.register), (3, here.register));
}

#[test]
fn a_store_in_memory_keeps_the_copy() {
    suite(&Bucket::of(Arc::new(Flaky::default()), "gateways/one"));
    let wavering = Flaky::default();
    wavering.set(Trouble::Wavering);
    let wavering = Arc::new(wavering);
    let (runtime, disk) = (runtime(), FakeDisk::new());
    let bucket = Bucket::of(wavering.clone(), "");
    let (log, _) = open(&disk, options()).unwrap();
    let copier = copier(&disk, &log, &bucket, OFTEN, &runtime);
    runtime.block_on(async {
        for number in 0..40 {
            journey(&log, number, number % 4).await;
        }
    });
    // A round ends with the first request that is lost, and the next one goes on from there.
    wait_for(&copier, |lag| lag.bytes == 0 && lag.fault.is_none() && wavering.lost() > 1);
    wavering.set(Trouble::LostAnswers);
    runtime.block_on(journey(&log, 77, 2));
    wait_for(&copier, |lag| matches!(&lag.fault, Some(BucketFault::OutOfReach(why)) if why.contains("timed out")));
    wavering.set(Trouble::Nothing);
    runtime.block_on(log.close()).unwrap();
    wait_for(&copier, |lag| lag.bytes == 0 && lag.fault.is_none());
    drop(copier);
    let report = verified(&bucket, &runtime, &Anchors::default());
    assert!(report.holds(), "{:?}", report.finding);
    assert_eq!(report.records, scene::check(&disk).records);
}

#[test]
fn moto_and_seaweedfs_keep_the_copy() {
    for server in [BucketServer::moto(), BucketServer::seaweedfs()] {
        assert!(server.make_bucket("audit"));
        let bucket = Bucket::at(&address(&server.url()), tls()).unwrap();
        suite(&bucket);
    }
}

fn address(url: &str) -> BucketAddress {
    BucketAddress {
        endpoint: Some(url.to_owned()),
        region: "eu-central-1".to_owned(),
        name: "audit".to_owned(),
        prefix: "gateways/one".to_owned(),
        key: Arc::new(Secret::new("id".to_owned())),
        secret: Arc::new(Secret::new("secret".to_owned())),
    }
}

fn tls() -> Arc<rustls::ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth())
}

#[test]
fn a_bucket_that_answers_nothing_is_waited_for_no_longer_than_said() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let bucket = Bucket::with_patience(&address(&url), tls(), Duration::from_millis(100)).unwrap();
    let (runtime, disk) = (runtime(), FakeDisk::new());
    let (log, _) = open(&disk, options()).unwrap();
    let copier = copier(&disk, &log, &bucket, OFTEN, &runtime);
    let lag = wait_for(&copier, |lag| lag.fault.is_some());
    assert!(matches!(lag.fault, Some(BucketFault::OutOfReach(_))), "{lag:?}");
    assert_eq!(lag.refused, None);
    runtime.block_on(journey(&log, 1, 1));
    assert!(Bucket::at(&address("http://store.example"), tls()).is_err(), "plain HTTP stays on this machine");
}

#[test]
fn an_outage_fills_the_spool_and_then_nothing_more_is_recorded_until_it_ends() {
    let flaky = Arc::new(Flaky::default());
    let (runtime, disk) = (runtime(), FakeDisk::new());
    let bucket = Bucket::of(flaky.clone(), "");
    let (log, _) = open(&disk, options()).unwrap();
    let small = CopierOptions { spool: 20_000, ..OFTEN };
    let copier = copier(&disk, &log, &bucket, small, &runtime);
    runtime.block_on(journey(&log, 0, 1));
    flaky.set(Trouble::Outage);
    let mut recorded = 1;
    let refused = loop {
        match runtime.block_on(log.intent(opening(recorded))) {
            Ok((ticket, closing)) => {
                runtime.block_on(ticket.durable()).unwrap();
                closing.close(scene::ending(recorded));
                recorded += 1;
            }
            Err(refused) => break refused,
        }
        assert!(recorded < 5_000, "an outage is not unbounded");
        std::thread::sleep(Duration::from_millis(1));
    };
    assert!(matches!(&refused, Unrecorded::HeldOff(why) if why.contains("out of reach")), "{refused}");
    assert!(recorded > 10, "what the spool holds is recorded: {recorded}");
    assert!(log.refusing().is_some());
    assert!(matches!(log.note_lazily(None, reloaded()), Err(Unrecorded::HeldOff(_))));
    assert!(runtime.block_on(log.note(None, reloaded())).is_err());
    flaky.set(Trouble::Nothing);
    wait_for(&copier, |lag| lag.refused.is_none() && lag.bytes == 0);
    runtime.block_on(journey(&log, recorded, 1));
    runtime.block_on(log.close()).unwrap();
    drop(copier);
    let report = verified(&bucket, &runtime, &Anchors::default());
    assert!(report.holds(), "{:?}", report.finding);
    assert_eq!(report.records, scene::check(&disk).records);
}

/// A folder with a run in it, and the bucket that has it.
fn copied(runtime: &Runtime) -> (FakeDisk, Arc<Flaky>, Bucket) {
    let (disk, store) = (FakeDisk::new(), Arc::new(Flaky::default()));
    let bucket = Bucket::of(store.clone(), "one");
    let (log, _) = open(&disk, options()).unwrap();
    let copier = copier(&disk, &log, &bucket, OFTEN, runtime);
    runtime.block_on(async {
        for number in 0..40 {
            journey(&log, number, 1).await;
        }
    });
    runtime.block_on(log.close()).unwrap();
    drop(copier);
    (disk, store, bucket)
}

#[test]
fn another_gateway_with_the_same_folder_is_fenced_off() {
    let runtime = runtime();
    let (disk, _, bucket) = copied(&runtime);
    let nothing = Anchors::default();
    let before = verified(&bucket, &runtime, &nothing).records;
    let twin = disk.copy();
    let (log, _) = open(&disk, options()).unwrap();
    let first = copier(&disk, &log, &bucket, OFTEN, &runtime);
    runtime.block_on(journey(&log, 100, 1));
    // Whoever comes first has the place: the other one comes when the first has written there.
    wait_for(&first, |_| verified(&bucket, &runtime, &nothing).records > before);
    let (other, _) = open(&twin, options()).unwrap();
    let second = copier(&twin, &other, &bucket, OFTEN, &runtime);
    let lag = wait_for(&second, |lag| lag.refused.is_some());
    assert!(
        matches!(lag.fault, Some(BucketFault::Forked(_) | BucketFault::Fenced | BucketFault::RolledBack { .. })),
        "{lag:?}"
    );
    assert!(matches!(runtime.block_on(other.intent(opening(7))).err(), Some(Unrecorded::HeldOff(_))));
    runtime.block_on(journey(&log, 101, 1));
    drop(second);
    runtime.block_on(log.close()).unwrap();
    drop(first);
    let report = verified(&bucket, &runtime, &Anchors::default());
    assert!(report.holds(), "the first one's history is whole: {:?}", report.finding);
    assert_eq!(report.records, scene::check(&disk).records);
}

#[test]
fn a_folder_that_was_put_back_is_refused() {
    let runtime = runtime();
    let disk = FakeDisk::new();
    let store = Arc::new(Flaky::default());
    let bucket = Bucket::of(store, "one");
    let (log, _) = open(&disk, options()).unwrap();
    runtime.block_on(log.close()).unwrap();
    let older = disk.copy();
    let (log, _) = open(&disk, options()).unwrap();
    let first = copier(&disk, &log, &bucket, OFTEN, &runtime);
    runtime.block_on(async {
        for number in 0..20 {
            journey(&log, number, 1).await;
        }
    });
    runtime.block_on(log.close()).unwrap();
    drop(first);
    let (log, _) = open(&older, options()).unwrap();
    let second = copier(&older, &log, &bucket, OFTEN, &runtime);
    let lag = wait_for(&second, |lag| lag.refused.is_some());
    assert!(matches!(lag.fault, Some(BucketFault::RolledBack { .. })), "{lag:?}");
    // And where it has grown past the bucket with another history.
    drop(second);
    drop(log);
    let (log, _) = open(&older, options()).unwrap();
    runtime.block_on(async {
        for number in 500..560 {
            journey(&log, number, 1).await;
        }
    });
    let third = copier(&older, &log, &bucket, OFTEN, &runtime);
    let lag = wait_for(&third, |lag| lag.refused.is_some());
    assert!(matches!(lag.fault, Some(BucketFault::Forked(_))), "{lag:?}");
}

#[test]
fn every_object_that_is_missing_or_changed_is_missed() {
    let runtime = runtime();
    let (disk, store, bucket) = copied(&runtime);
    let anchors = Anchors {
        trust: Some(forge::key(&disk).trusted().clone()),
        checkpoints: vec![forge::register_note(&disk)],
        ..Anchors::default()
    };
    let objects: Vec<_> = runtime.block_on(store.store.list(None).try_collect()).unwrap();
    let paths: Vec<Path> = objects.into_iter().map(|object| object.location).collect();
    assert!(paths.len() > 10, "{paths:?}");
    // A pointer is for whoever goes on copying, the public key for convenience; an older state of the register's
    // checkpoint says less than the newest one, and so does a list of checkpoints that ends early.
    let newest = paths.iter().rfind(|path| path.as_ref().contains("register.checkpoint/")).unwrap().clone();
    let counts = |path: &&Path| {
        let name = path.as_ref();
        let later = name.contains(".checkpoints/") && !name.ends_with("/00000000000000000000");
        let older = name.contains("register.checkpoint/") && **path != newest;
        !later && !older && !name.ends_with("latest") && !name.contains("log.pub")
    };
    for path in paths.iter().filter(counts) {
        let bytes = runtime.block_on(async { store.store.get(path).await.unwrap().bytes().await.unwrap() });
        runtime.block_on(store.store.delete(path)).unwrap();
        let report = verified(&bucket, &runtime, &anchors);
        assert!(!report.holds(), "without {path}");
        // An entry that ends early is what a crash leaves of a list; its last byte may be anything.
        let places = if path.as_ref().contains(".checkpoints/") { 2 } else { 3 };
        for at in [0, bytes.len() / 2, bytes.len() - 1].into_iter().take(places) {
            let mut changed = bytes.to_vec();
            changed[at] ^= 1;
            runtime.block_on(store.store.put(path, changed.into())).unwrap();
            let report = verified(&bucket, &runtime, &anchors);
            assert!(!report.holds(), "byte {at} of {path}");
        }
        runtime.block_on(store.store.put(path, bytes.into())).unwrap();
    }
    assert!(verified(&bucket, &runtime, &anchors).holds());
}
