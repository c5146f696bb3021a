//! A log of two thousand entries against everything that somebody can do to it: each single change is caught and named,
//! given the register's last checkpoint or a caller's receipt as the anchor outside. A part of them in every run, by a
//! seed; all of them with `cargo test -p gatewright-store --test exhaustive -- --ignored`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]

mod scene;

use std::time::Duration;

use gatewright_ledger::{Frame, Parsed, SegmentHead};
use gatewright_store::log::Options;
use gatewright_store::testing::FakeDisk;
use gatewright_store::verify::Anchors;
use scene::forge::{self, segment_path};
use scene::{check, check_against, journey, open, options};

const ENTRIES: u64 = 2_000;

/// The folder, what is kept elsewhere of it, and copies of the folder as it was on the way.
struct Scene {
    disk: FakeDisk,
    anchors: Vec<Anchors>,
    older: Vec<FakeDisk>,
}

fn recorded() -> Scene {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let disk = FakeDisk::new();
    let options = Options { segment_bytes: 64 << 10, publish_every: Duration::from_secs(60), ..options() };
    let (mut receipt, mut older) = (None, Vec::new());
    for run in 0..4_u64 {
        let (log, _) = open(&disk, options.clone()).unwrap();
        runtime.block_on(async {
            for number in run * 249..run * 249 + 249 {
                journey(&log, number, number % 3).await;
            }
            receipt = Some(log.note(None, scene::reloaded()).await.unwrap().receipt().unwrap().to_text());
            log.close().await.unwrap();
        });
        older.push(disk.copy());
    }
    older.pop();
    let trust = Some(forge::key(&disk).trusted().clone());
    let of_register =
        Anchors { trust: trust.clone(), checkpoints: vec![forge::register_note(&disk)], ..Anchors::default() };
    let of_receipt = Anchors { trust, receipts: receipt.into_iter().collect(), ..Anchors::default() };
    let anchors = vec![of_register, of_receipt];
    for anchor in &anchors {
        let report = check_against(&disk, anchor);
        assert!(report.holds(), "{:?}", report.finding);
        assert!(report.records >= ENTRIES, "{}", report.records);
    }
    Scene { disk, anchors, older }
}

/// Numbers that follow from the seed of this run.
struct Dice(u64);

impl Dice {
    fn of_run() -> Self {
        let seed = std::env::var("GATEWRIGHT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_124);
        println!("GATEWRIGHT_SEED={seed}");
        Self(seed)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

impl Scene {
    /// Checks that a changed folder is seen through, whichever anchor is at hand, and that the record is named.
    fn is_named(&self, tampered: &FakeDisk, record: u64, what: &str) {
        for anchor in &self.anchors {
            let found = check_against(tampered, anchor).finding.unwrap_or_else(|| panic!("{what} of {record}"));
            assert!((found.first..=found.last).contains(&record), "{what} of {record}: {found}");
        }
    }

    fn tamper(&self, every: usize, dice: &mut Dice) {
        let log = forge::Log::read(&self.disk);
        let mut at = dice.below(every);
        while at < log.records.len() {
            let record = &log.records[at];
            let number = at as u64;
            let path = segment_path(log.segments[record.segment]);
            let bytes = self.disk.contents(&path).unwrap();
            let (before, this, after) =
                (&bytes[..record.start], &bytes[record.start..record.end], &bytes[record.end..]);
            let tampered = self.disk.copy();
            let mut flipped = bytes.clone();
            let bit = dice.below(this.len() * 8);
            flipped[record.start + bit / 8] ^= 1 << (bit % 8);
            tampered.put(&path, flipped);
            self.is_named(&tampered, number, "a flipped bit");
            tampered.put(&path, [before, after].concat());
            self.is_named(&tampered, number, "the deletion");
            tampered.put(&path, [before, this, this, after].concat());
            self.is_named(&tampered, number + 1, "the duplication");
            tampered.put(&path, bytes[..record.start + dice.below(this.len())].to_vec());
            self.is_named(&tampered, number, "the truncation");
            tampered.put(&path, [before, &self.invented(number, record, &bytes), this, after].concat());
            self.is_named(&tampered, number, "an insertion before that");
            if let Some(next) = log.records.get(at + 1).filter(|next| next.segment == record.segment) {
                let swapped = [before, &bytes[next.start..next.end], this, &bytes[next.end..]].concat();
                tampered.put(&path, swapped);
                self.is_named(&tampered, number, "the swap");
            }
            at += 1 + dice.below(2 * every - 1);
        }
    }

    /// A record of somebody's own making, right in itself.
    fn invented(&self, number: u64, record: &forge::Record, bytes: &[u8]) -> Vec<u8> {
        let (head, _) = SegmentHead::parse(bytes).unwrap();
        let Parsed::Frame(frame, _) = Frame::parse(&head.nonce, &bytes[record.start..]) else { panic!("a record") };
        let leaf = gatewright_ledger::Leaf {
            kind: gatewright_ledger::LeafKind::Note,
            request: None,
            moments: scene::reloaded(),
        };
        let (leaf, mut forged) = (leaf.encode().unwrap(), Vec::new());
        Frame { number, body: 0, leaf: &leaf, ..frame }.append_to(&head.nonce, &mut forged);
        forged
    }

    /// Every history that forks off at a record, written by somebody who has the root key.
    fn fork(&self, every: usize, dice: &mut Dice) {
        let log = forge::Log::read(&self.disk);
        let root = forge::key(&self.disk);
        let mut at = 1 + dice.below(every);
        while at < log.records.len() {
            let mut other = log.clone();
            let mut leaf = gatewright_ledger::Leaf::decode(&other.records[at].leaf).unwrap();
            leaf.moments[0].at = leaf.moments[0].at.plus(Duration::from_micros(1));
            other.records[at].leaf = leaf.encode().unwrap();
            let tampered = self.disk.copy();
            other.write(&tampered, Some(&root));
            assert!(check(&tampered).holds(), "without an anchor the root key's holder is believed");
            for anchor in &self.anchors {
                assert!(check_against(&tampered, anchor).finding.is_some(), "a fork at {at}");
            }
            at += 1 + dice.below(2 * every - 1);
        }
    }
}

#[test]
fn no_flipped_bit_of_any_record_leaves_one_that_can_be_read() {
    let scene = recorded();
    let log = forge::Log::read(&scene.disk);
    let mut flips = 0_u64;
    for (segment, first) in log.segments.iter().enumerate() {
        let mut bytes = scene.disk.contents(&segment_path(*first)).unwrap();
        let (head, _) = SegmentHead::parse(&bytes).unwrap();
        for record in log.records.iter().filter(|record| record.segment == segment) {
            for bit in 0..(record.end - record.start) * 8 {
                let at = record.start + bit / 8;
                bytes[at] ^= 1 << (bit % 8);
                let parsed = Frame::parse(&head.nonce, &bytes[record.start..record.end]);
                assert!(
                    !matches!(parsed, Parsed::Frame(..)),
                    "bit {bit} of {record_start}",
                    record_start = record.start
                );
                bytes[at] ^= 1 << (bit % 8);
                flips += 1;
            }
        }
    }
    println!("{flips} flips");
}

#[test]
fn changes_of_records_are_caught_and_named() {
    recorded().tamper(160, &mut Dice::of_run());
}

#[test]
fn rollbacks_and_forks_are_caught_with_an_anchor_outside() {
    let scene = recorded();
    for (number, older) in scene.older.iter().enumerate() {
        assert!(check(older).holds(), "an older state holds by itself");
        for anchor in &scene.anchors {
            let found = check_against(older, anchor).finding.unwrap_or_else(|| panic!("rolled back to run {number}"));
            assert!(["register", "missing_log"].contains(&found.flaw.name()), "{found}");
        }
    }
    scene.fork(100, &mut Dice::of_run());
}

#[test]
#[ignore = "some minutes: for a night"]
fn every_change_of_every_record_is_caught_and_named() {
    let scene = recorded();
    scene.tamper(1, &mut Dice(1));
    scene.fork(1, &mut Dice(1));
}
