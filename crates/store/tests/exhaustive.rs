//! A log of two thousand entries against everything that somebody can do to it: each single change is caught and named,
//! given the register's last checkpoint or a caller's receipt as the anchor outside. A part of them in every run, by a
//! seed; all of them with `cargo test -p gatewright-store --test exhaustive -- --ignored`.
//!
//! What comes before a changed record is as it was, and a verification is a fold over the records: it is gone on with
//! from there ([`Marks`]), and now and then done whole to see that it says the same.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]

mod scene;

use std::sync::Arc;
use std::time::Duration;

use gatewright_ledger::{BodyAt, BodyFrame, BodyPart, Frame, Leaf, LeafKind, Parsed, ParsedBody, SegmentHead};
use gatewright_store::disk::Disk;
use gatewright_store::log::Options;
use gatewright_store::testing::FakeDisk;
use gatewright_store::verify::{Anchors, Marks, verify_at_rest};
use scene::forge::{self, list_path, segment_path};
use scene::{journey, open, options};

const ENTRIES: u64 = 2_000;

/// The folder, what is kept elsewhere of it with verifications to go on with, and copies of the folder on the way.
struct Scene {
    disk: FakeDisk,
    log: forge::Log,
    anchors: Vec<(Anchors, Marks)>,
    /// The folder behind the beginning of each run, and behind its end.
    begun: Vec<FakeDisk>,
    ended: Vec<FakeDisk>,
}

fn shared(disk: &FakeDisk) -> Arc<dyn Disk> {
    Arc::new(disk.clone())
}

fn recorded() -> Scene {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let disk = FakeDisk::new();
    let options = Options {
        segment_bytes: 8 << 10,
        checkpoint_every: Duration::from_secs(3_600),
        publish_every: Duration::from_secs(3_600),
        ..options()
    };
    let (mut receipt, mut begun, mut ended) = (None, Vec::new(), Vec::new());
    for run in 0..4_u64 {
        let (log, _) = open(&disk, options.clone()).unwrap();
        begun.push(disk.copy());
        runtime.block_on(async {
            for number in run * 249..run * 249 + 249 {
                journey(&log, number, number % 3).await;
            }
            receipt = Some(log.note(None, scene::reloaded()).await.unwrap().receipt().unwrap().to_text());
            log.close().await.unwrap();
        });
        ended.push(disk.copy());
    }
    // Tiles are made of the segments, and have tests of their own.
    for path in disk.paths().iter().filter(|path| path.starts_with("ledger/tlog/")) {
        disk.remove(path);
    }
    let trust = Some(forge::key(&disk).trusted().clone());
    let of_register =
        Anchors { trust: trust.clone(), checkpoints: vec![forge::register_note(&disk)], ..Anchors::default() };
    let of_receipt = Anchors { trust, receipts: receipt.into_iter().collect(), ..Anchors::default() };
    let with_marks = |anchors: Anchors| {
        let report = verify_at_rest(&shared(&disk), &anchors).unwrap();
        assert!(report.holds(), "{:?}", report.finding);
        assert!(report.records >= ENTRIES, "{}", report.records);
        let marks = Marks::new(&shared(&disk), &anchors).unwrap().unwrap_or_else(|found| panic!("{found}"));
        (anchors, marks)
    };
    let anchors = [of_register, of_receipt].map(with_marks).into();
    let log = forge::Log::read(&disk);
    Scene { disk, log, anchors, begun, ended }
}

/// Which of many changes are tried: all of them, or one in so many by the seed of this run.
struct Sample {
    every: usize,
    state: u64,
    wait: usize,
}

impl Sample {
    fn all() -> Self {
        Self { every: 1, state: 1, wait: 0 }
    }

    fn of_run(every: usize) -> Self {
        let seed = std::env::var("GATEWRIGHT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_124);
        println!("GATEWRIGHT_SEED={seed}");
        let mut sample = Self { every, state: seed, wait: 0 };
        sample.wait = sample.below(every);
        sample
    }

    fn takes(&mut self) -> bool {
        let takes = self.wait == 0;
        self.wait = if takes { self.below(2 * self.every - 1) } else { self.wait - 1 };
        takes
    }

    fn below(&mut self, bound: usize) -> usize {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) as usize % bound
    }
}

/// Counts what was tried, and does every thousandth whole.
#[derive(Default)]
struct Tried(u64);

impl Scene {
    fn path(&self, record: usize) -> String {
        segment_path(self.log.segments[self.log.records[record].segment])
    }

    /// Checks that a folder that was changed at this record is seen through, whichever anchor is at hand, and that
    /// the record is named.
    fn is_named(&self, tampered: &FakeDisk, record: usize, what: &str, tried: &mut Tried) {
        self.names(tampered, record, record, what, &self.anchors, tried);
    }

    /// The same with one anchor after the other in turn, where there are millions.
    fn is_named_in_turn(&self, tampered: &FakeDisk, record: usize, what: &str, tried: &mut Tried) {
        let one = usize::try_from(tried.0).unwrap() % self.anchors.len();
        self.names(tampered, record, record, what, &self.anchors[one..=one], tried);
    }

    /// The same where what is wrong comes behind the last record that is as it was.
    fn names(
        &self,
        tampered: &FakeDisk,
        record: usize,
        wrong: usize,
        what: &str,
        anchors: &[(Anchors, Marks)],
        tried: &mut Tried,
    ) {
        let tampered = shared(tampered);
        for (anchors, marks) in anchors {
            let found = marks.finding(&tampered, record as u64).unwrap();
            let found = found.unwrap_or_else(|| panic!("{what} of {record} is not seen"));
            assert!((found.first..=found.last).contains(&(wrong as u64)), "{what} of {record}: {found}");
            if tried.0.is_multiple_of(997) {
                assert_eq!(verify_at_rest(&tampered, anchors).unwrap().finding, Some(found), "{what} of {record}");
            }
            tried.0 += 1;
        }
    }

    /// Flips bits of records.
    fn flip(&self, mut sample: Sample) -> Tried {
        let (tampered, mut tried) = (self.disk.copy(), Tried::default());
        for (number, record) in self.log.records.iter().enumerate() {
            let path = self.path(number);
            for bit in (0..(record.end - record.start) * 8).filter(|_| sample.takes()) {
                let flip = |bytes: &mut Vec<u8>| bytes[record.start + bit / 8] ^= 1 << (bit % 8);
                tampered.alter(&path, flip);
                self.is_named_in_turn(&tampered, number, "a flipped bit", &mut tried);
                tampered.alter(&path, flip);
            }
        }
        tried
    }

    /// Flips bits of the bodies that records vouch for.
    fn flip_bodies(&self, mut sample: Sample) -> Tried {
        let (tampered, mut tried) = (self.disk.copy(), Tried::default());
        for (number, record) in self.log.records.iter().enumerate() {
            for (path, offset, length) in self.bodies(record) {
                for bit in (0..length * 8).filter(|_| sample.takes()) {
                    let flip = |bytes: &mut Vec<u8>| bytes[offset + bit / 8] ^= 1 << (bit % 8);
                    tampered.alter(&path, flip);
                    self.is_named_in_turn(&tampered, number, "a flipped bit of a body", &mut tried);
                    tampered.alter(&path, flip);
                }
            }
        }
        tried
    }

    /// Where the body frames lie that this record vouches for: path, offset, length.
    fn bodies(&self, record: &forge::Record) -> Vec<(String, usize, usize)> {
        let kind = Leaf::decode(&record.leaf).unwrap().kind;
        let (mut frames, mut at) = (Vec::new(), BodyAt::from_word(record.body));
        while at != BodyAt::NOWHERE {
            let path = format!("bodies/{:010}.bodies", at.segment());
            let bytes = self.disk.contents(&path).unwrap();
            let nonce = gatewright_ledger::body_segment_nonce(&bytes).unwrap();
            let ParsedBody::Frame(frame, length) = BodyFrame::parse(&nonce, &bytes[at.offset() as usize..]) else {
                panic!("a body")
            };
            let of_intent = matches!(frame.part, BodyPart::Request { .. });
            if of_intent == (kind == LeafKind::Intent) {
                frames.push((path, at.offset() as usize, length));
            }
            at = frame.previous;
        }
        frames
    }

    /// Deletes, doubles, invents and inserts records.
    fn shift(&self, mut sample: Sample) -> Tried {
        let (tampered, mut tried) = (self.disk.copy(), Tried::default());
        let count = self.log.records.len();
        for (at, record) in self.log.records.iter().enumerate() {
            if !sample.takes() {
                continue;
            }
            let path = self.path(at);
            let bytes = self.disk.contents(&path).unwrap();
            let (before, this, after) =
                (&bytes[..record.start], &bytes[record.start..record.end], &bytes[record.end..]);
            let invented = self.invented(at as u64, record, &bytes);
            let other = sample.below(count);
            let of_other = self.disk.contents(&self.path(other)).unwrap();
            let other = &of_other[self.log.records[other].start..self.log.records[other].end];
            let changes: [(&str, usize, Vec<u8>); 4] = [
                ("the deletion", at, [before, after].concat()),
                ("the duplication", at + 1, [before, this, this, after].concat()),
                ("an invention before that", at, [before, &invented, this, after].concat()),
                ("an insertion behind that", at + 1, [before, this, other, after].concat()),
            ];
            for (what, wrong, changed) in changes {
                tampered.alter(&path, |bytes| *bytes = changed);
                // Behind the last record of all stands what a crash may leave there; it is reported, and is no record.
                if wrong < count || what == "the duplication" {
                    self.names(&tampered, at, wrong, what, &self.anchors, &mut tried);
                }
            }
            tampered.alter(&path, |there| *there = bytes);
        }
        tried
    }

    /// A record of somebody's own making, right in itself.
    fn invented(&self, number: u64, record: &forge::Record, bytes: &[u8]) -> Vec<u8> {
        let (head, _) = SegmentHead::parse(bytes).unwrap();
        let Parsed::Frame(frame, _) = Frame::parse(&head.nonce, &bytes[record.start..]) else { panic!("a record") };
        let leaf = Leaf { kind: LeafKind::Note, request: None, moments: scene::reloaded() };
        let (leaf, mut forged) = (leaf.encode().unwrap(), Vec::new());
        Frame { number, body: 0, leaf: &leaf, ..frame }.append_to(&head.nonce, &mut forged);
        forged
    }

    /// Swaps pairs of records, wherever they stand.
    fn swap(&self, mut sample: Sample) -> Tried {
        let (tampered, mut tried) = (self.disk.copy(), Tried::default());
        let whole: Vec<Vec<u8>> =
            self.log.segments.iter().map(|first| self.disk.contents(&segment_path(*first)).unwrap()).collect();
        let count = self.log.records.len();
        for (one, first) in self.log.records.iter().enumerate() {
            let left = &whole[first.segment];
            let mine = &left[first.start..first.end];
            for other in (one + 1..count).filter(|_| sample.takes()) {
                let second = &self.log.records[other];
                let right = &whole[second.segment];
                let theirs = &right[second.start..second.end];
                if first.segment == second.segment {
                    let between = &left[first.end..second.start];
                    let parts = [&left[..first.start], theirs, between, mine, &left[second.end..]];
                    tampered.alter(&self.path(one), |bytes| *bytes = parts.concat());
                } else {
                    let parts = [&left[..first.start], theirs, &left[first.end..]];
                    tampered.alter(&self.path(one), |bytes| *bytes = parts.concat());
                    let parts = [&right[..second.start], mine, &right[second.end..]];
                    tampered.alter(&self.path(other), |bytes| *bytes = parts.concat());
                }
                self.is_named_in_turn(&tampered, one, "the swap", &mut tried);
                tampered.alter(&self.path(one), |bytes| bytes.clone_from(left));
                tampered.alter(&self.path(other), |bytes| bytes.clone_from(right));
            }
        }
        tried
    }

    /// Cuts segments off at a byte: first with all that follows left in place, then without it.
    fn cut(&self, mut sample: Sample) -> Tried {
        let (whole_behind, nothing_behind) = (self.disk.copy(), self.disk.copy());
        let mut tried = Tried::default();
        for (number, record) in self.log.records.iter().enumerate().rev() {
            let path = self.path(number);
            let bytes = self.disk.contents(&path).unwrap();
            for at in (record.start..record.end).rev().filter(|_| sample.takes()) {
                whole_behind.alter(&path, |there| *there = bytes[..at].to_vec());
                self.is_named(&whole_behind, number, "the truncation", &mut tried);
                nothing_behind.alter(&path, |there| there.truncate(at));
                self.is_named(&nothing_behind, number, "the truncation with all behind it", &mut tried);
            }
            whole_behind.alter(&path, |there| *there = bytes);
            if number > 0 && self.log.records[number - 1].segment != record.segment {
                nothing_behind.remove(&path);
                nothing_behind.remove(&list_path(self.log.segments[record.segment]));
                let found = self.anchors[0].1.finding(&shared(&nothing_behind), number as u64 - 1).unwrap().unwrap();
                assert_eq!(found.first, number as u64, "{found}");
            }
        }
        tried
    }

    /// Puts the folder back to how it was behind a record, register and all: nothing in it says so.
    fn roll_back(&self, mut sample: Sample) -> u64 {
        let mut tried = 0;
        for (number, record) in self.log.records.iter().enumerate() {
            let older = self.begun[self.run_of(record.segment)].copy();
            // Between two runs' records there are states of a start, which `crash` looks at.
            if number < forge::Log::read(&older).records.len() || !sample.takes() {
                continue;
            }
            self.replay(&older, number);
            let report = verify_at_rest(&shared(&older), &Anchors::default()).unwrap();
            assert!(report.holds(), "an older state holds by itself: {:?}", report.finding);
            assert_eq!(report.records, number as u64);
            for anchors in self.anchors_beyond(number) {
                let found = verify_at_rest(&shared(&older), anchors).unwrap().finding;
                let found = found.unwrap_or_else(|| panic!("rolled back to {number}"));
                let names = ["register", "missing_log", "rolled_back"];
                assert!(names.contains(&found.flaw.name()), "rolled back to {number}: {found}");
                tried += 1;
            }
        }
        tried
    }

    /// The anchors that count this record: the receipt was given before the last one of all.
    fn anchors_beyond(&self, record: usize) -> impl Iterator<Item = &Anchors> {
        let is_last = record + 1 == self.log.records.len();
        self.anchors.iter().map(|(anchors, _)| anchors).filter(move |anchors| !is_last || anchors.receipts.is_empty())
    }

    /// In which run a segment was written.
    fn run_of(&self, segment: usize) -> usize {
        let origin = self.log.heads[segment].origin();
        let mut origins: Vec<&str> = self.log.heads.iter().map(SegmentHead::origin).collect();
        origins.dedup();
        origins.iter().position(|other| *other == origin).unwrap()
    }

    /// Gives a folder as it was at a run's beginning the records up to this one, and the bodies.
    fn replay(&self, older: &FakeDisk, until: usize) {
        for path in self.disk.paths().iter().filter(|path| path.starts_with("bodies/")) {
            older.put(path, self.disk.contents(path).unwrap());
        }
        for (segment, first) in self.log.segments.iter().enumerate().filter(|(_, first)| **first < until as u64) {
            let last = self.log.records[..until].iter().rfind(|record| record.segment == segment).unwrap();
            let bytes = self.disk.contents(&segment_path(*first)).unwrap();
            older.put(&segment_path(*first), bytes[..last.end].to_vec());
            let notes = forge::notes(&self.disk, *first).into_iter().filter(|note| {
                let size: u64 = note.lines().nth(1).unwrap().parse().unwrap();
                self.log.heads[segment].base() + size <= until as u64
            });
            older.put(&list_path(*first), notes.map(|note| format!("{note}\n")).collect::<String>().into_bytes());
        }
    }

    /// Histories that fork off at a record, written by somebody who has the root key.
    fn fork(&self, mut sample: Sample) -> u64 {
        let root = forge::key(&self.disk);
        let mut tried = 0;
        for at in (1..self.log.records.len()).filter(|_| sample.takes()) {
            let mut other = self.log.clone();
            let mut leaf = Leaf::decode(&other.records[at].leaf).unwrap();
            leaf.moments[0].at = leaf.moments[0].at.plus(Duration::from_micros(1));
            other.records[at].leaf = leaf.encode().unwrap();
            let tampered = self.disk.copy();
            other.write(&tampered, Some(&root));
            let tampered = shared(&tampered);
            let report = verify_at_rest(&tampered, &Anchors::default()).unwrap();
            assert!(report.holds(), "without an anchor the root key's holder is believed: {:?}", report.finding);
            for anchors in self.anchors_beyond(at) {
                assert!(verify_at_rest(&tampered, anchors).unwrap().finding.is_some(), "a fork at {at}");
                tried += 1;
            }
        }
        tried
    }
}

#[test]
fn changes_of_records_are_caught_and_named() {
    let scene = recorded();
    scene.flip(Sample::of_run(997));
    scene.flip_bodies(Sample::of_run(997));
    scene.shift(Sample::of_run(20));
    scene.swap(Sample::of_run(997));
    scene.cut(Sample::of_run(97));
}

#[test]
fn rollbacks_and_forks_are_caught_with_an_anchor_outside() {
    let scene = recorded();
    for older in &scene.ended[..3] {
        assert!(verify_at_rest(&shared(older), &Anchors::default()).unwrap().holds(), "it holds by itself");
        for (anchors, _) in &scene.anchors {
            let found = verify_at_rest(&shared(older), anchors).unwrap().finding.unwrap();
            assert!(["register", "missing_log"].contains(&found.flaw.name()), "{found}");
        }
    }
    scene.roll_back(Sample::of_run(100));
    scene.fork(Sample::of_run(100));
}

#[test]
#[ignore = "some minutes: for a night"]
fn every_flipped_bit_of_every_record_is_caught_and_named() {
    println!("{} flips", recorded().flip(Sample::all()).0);
}

#[test]
#[ignore = "some minutes: for a night"]
fn every_flipped_bit_of_every_body_is_caught_and_named() {
    println!("{} flips of bodies", recorded().flip_bodies(Sample::all()).0);
}

#[test]
#[ignore = "some minutes: for a night"]
fn every_deletion_insertion_and_swap_is_caught_and_named() {
    let scene = recorded();
    println!("{} deletions and insertions", scene.shift(Sample::all()).0);
    println!("{} swaps", scene.swap(Sample::all()).0);
}

#[test]
#[ignore = "some minutes: for a night"]
fn every_truncation_is_caught_and_named() {
    println!("{} truncations", recorded().cut(Sample::all()).0);
}

#[test]
#[ignore = "some minutes: for a night"]
fn every_rollback_and_every_fork_is_caught() {
    let scene = recorded();
    println!("{} rollbacks", scene.roll_back(Sample::all()));
    println!("{} forks", scene.fork(Sample::all()));
}
