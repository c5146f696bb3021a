//! Somebody changes the folder: the verification names the first bad record and says why.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod scene;

use gatewright_ledger::{
    BodyAt, BodyFrame, BodyPart, Certificate, Finding, Flaw, Frame, Leaf, LeafKind, OpenJourney, Parsed, SegmentHead,
    SigningKey, WhichBody,
};
use gatewright_model::Secret;
use gatewright_store::testing::FakeDisk;
use gatewright_store::verify::{Anchors, KeySource, Tail};
use scene::forge::{self, list_path, segment_path};
use scene::{check, check_against, ending, journey, open, opening, options};

/// Two runs with journeys in several segments; everything ended in order.
fn recorded() -> FakeDisk {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let disk = FakeDisk::new();
    for run in 0..2 {
        let (log, _) = open(&disk, options()).unwrap();
        runtime.block_on(async {
            for number in run * 20..run * 20 + 20 {
                journey(&log, number, number % 4).await;
            }
            if run == 0 {
                // Left open, so that the next start books it as interrupted.
                let (ticket, closing) = log.intent(opening(1_000)).await.unwrap();
                ticket.durable().await.unwrap();
                std::mem::forget(closing);
            }
        });
        match run {
            0 => drop(log),
            _ => runtime.block_on(log.close()).unwrap(),
        }
    }
    let report = check(&disk);
    assert!(report.holds(), "{:?}", report.finding);
    assert!(forge::Log::read(&disk).segments.len() > 2, "the log has several segments");
    disk
}

/// The key and the last checkpoint, kept elsewhere.
fn anchors(disk: &FakeDisk) -> Anchors {
    let last = *forge::Log::read(disk).segments.last().unwrap();
    Anchors {
        trust: Some(forge::key(disk).trusted().clone()),
        checkpoints: vec![forge::notes(disk, last).pop().unwrap()],
        ..Anchors::default()
    }
}

fn finding(disk: &FakeDisk, anchors: &Anchors) -> Finding {
    check_against(disk, anchors).finding.expect("the tampering is found")
}

/// Whether the finding is of this kind and blames this record.
fn blames(finding: &Finding, name: &str, record: u64) -> bool {
    finding.flaw.name() == name && (finding.first..=finding.last).contains(&record)
}

#[test]
fn every_flipped_bit_of_a_record_is_named() {
    let disk = recorded();
    let log = forge::Log::read(&disk);
    for without_anchor in [false, true] {
        let anchors = if without_anchor { Anchors::default() } else { anchors(&disk) };
        for (number, record) in log.records.iter().enumerate() {
            let path = segment_path(log.segments[record.segment]);
            let bytes = disk.contents(&path).unwrap();
            for at in (record.start..record.end).step_by(53) {
                let tampered = disk.copy();
                let mut changed = bytes.clone();
                changed[at] ^= 1 << (at % 8);
                tampered.put(&path, changed);
                let found = finding(&tampered, &anchors);
                assert!(blames(&found, "changed", number as u64), "byte {at} of record {number}: {found}");
                assert_eq!(found.first, found.last, "{found}");
            }
        }
    }
}

#[test]
fn every_flipped_bit_of_a_head_or_a_checkpoint_is_found() {
    let disk = recorded();
    let log = forge::Log::read(&disk);
    for (segment, first) in log.segments.iter().enumerate() {
        let start = log.records.iter().find(|record| record.segment == segment).unwrap().start;
        let head = disk.contents(&segment_path(*first)).unwrap();
        for at in (0..start).step_by(7) {
            let tampered = disk.copy();
            let mut changed = head.clone();
            changed[at] ^= 1 << (at % 8);
            tampered.put(&segment_path(*first), changed);
            assert!(blames(&finding(&tampered, &Anchors::default()), "segment_head", *first), "byte {at}");
        }
        let list = disk.contents(&list_path(*first)).unwrap();
        for at in (0..list.len()).step_by(173) {
            let tampered = disk.copy();
            let mut changed = list.clone();
            changed[at] ^= 1 << (at % 8);
            tampered.put(&list_path(*first), changed);
            let report = check_against(&tampered, &anchors(&disk));
            // The last byte of the list is not part of a note: without it the last entry counts as torn.
            assert!(
                report.finding.is_some_and(|found| found.flaw.name() == "checkpoint") || at + 2 >= list.len(),
                "{at}"
            );
        }
    }
}

#[test]
fn every_flipped_bit_of_a_body_is_named() {
    let disk = recorded();
    let (requests, answers): (Vec<_>, Vec<_>) = vouching(&disk);
    for path in disk.paths().into_iter().filter(|path| path.ends_with(".bodies")) {
        let bytes = disk.contents(&path).unwrap();
        let used = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
        for at in (0..used).step_by(71) {
            let tampered = disk.copy();
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            tampered.put(&path, changed);
            let found = finding(&tampered, &Anchors::default());
            let vouches = match found.flaw {
                Flaw::BodyChanged(WhichBody::Request) => &requests,
                Flaw::BodyChanged(WhichBody::Answer) => &answers,
                _ => panic!("byte {at} of {path}: {found}"),
            };
            assert!(vouches.contains(&found.first), "byte {at} of {path}: {found}");
        }
    }
}

/// The numbers of the records that vouch for a request, and for an answer.
fn vouching(disk: &FakeDisk) -> (Vec<u64>, Vec<u64>) {
    let log = forge::Log::read(disk);
    let of_kind = |kind| {
        let numbered = log.records.iter().enumerate();
        let found = numbered.filter(move |(_, record)| Leaf::decode(&record.leaf).unwrap().kind == kind);
        found.map(|(number, _)| number as u64).collect()
    };
    (of_kind(LeafKind::Intent), of_kind(LeafKind::Outcome))
}

#[test]
fn deleted_duplicated_and_swapped_records_are_named() {
    let disk = recorded();
    let log = forge::Log::read(&disk);
    for (number, record) in log.records.iter().enumerate() {
        let path = segment_path(log.segments[record.segment]);
        let bytes = disk.contents(&path).unwrap();
        let (before, this, after) = (&bytes[..record.start], &bytes[record.start..record.end], &bytes[record.end..]);
        let next = log.records.get(number + 1).filter(|next| next.segment == record.segment);

        let tampered = disk.copy();
        tampered.put(&path, [before, after].concat());
        let found = finding(&tampered, &Anchors::default());
        let expected = if number + 1 == log.records.len() { "truncated" } else { "dropped" };
        assert!(blames(&found, expected, number as u64), "deleted {number}: {found}");

        tampered.put(&path, [before, this, this, after].concat());
        let found = finding(&tampered, &Anchors::default());
        assert!(blames(&found, "inserted", number as u64 + 1), "duplicated {number}: {found}");

        if let Some(next) = next {
            let (following, rest) = (&bytes[next.start..next.end], &bytes[next.end..]);
            tampered.put(&path, [before, following, this, rest].concat());
            let found = finding(&tampered, &Anchors::default());
            assert!(blames(&found, "swapped", number as u64), "swapped {number}: {found}");
        }
        let mut blank = bytes.clone();
        blank[record.start..record.end].fill(0);
        tampered.put(&path, blank);
        let found = finding(&tampered, &Anchors::default());
        assert!(["changed", "truncated", "dropped"].contains(&found.flaw.name()), "{found}");
        assert_eq!(found.first, number as u64, "blanked {number}: {found}");
    }
}

#[test]
fn deleted_bytes_and_cut_files_are_found() {
    let disk = recorded();
    let log = forge::Log::read(&disk);
    for (number, record) in log.records.iter().enumerate().step_by(3) {
        let path = segment_path(log.segments[record.segment]);
        let bytes = disk.contents(&path).unwrap();
        for at in (record.start..record.end).step_by(67) {
            let tampered = disk.copy();
            let mut changed = bytes.clone();
            changed.remove(at);
            tampered.put(&path, changed);
            let found = finding(&tampered, &Anchors::default());
            assert_eq!(found.first, number as u64, "without byte {at}: {found}");
            tampered.put(&path, bytes[..at].to_vec());
            let found = finding(&tampered, &Anchors::default());
            assert_eq!(found.first, number as u64, "cut at byte {at}: {found}");
        }
    }
}

#[test]
fn every_deleted_file_is_missed() {
    let disk = recorded();
    let last = *forge::Log::read(&disk).segments.last().unwrap();
    for path in disk.paths() {
        if path.starts_with("keys/") {
            continue;
        }
        if path.starts_with("ledger/tlog/") {
            // Tiles are made from the segments, and made again by the next start.
            let tampered = disk.copy();
            tampered.remove(&path);
            assert!(check(&tampered).holds(), "{path}");
            continue;
        }
        let tampered = disk.copy();
        tampered.remove(&path);
        let found = finding(&tampered, &anchors(&disk));
        let expected: &[&str] = if path.starts_with("ledger/register") {
            &["register", "unregistered"]
        } else if path.ends_with(".checkpoints") {
            &["checkpoint"]
        } else if path.ends_with(".bodies") {
            &["body_missing"]
        } else if path == segment_path(last) {
            &["rolled_back", "truncated", "missing_log"]
        } else {
            &["dropped"]
        };
        assert!(expected.contains(&found.flaw.name()), "{path}: {found}");
    }
}

#[test]
fn bytes_behind_a_whole_segment_are_found_and_behind_the_last_reported() {
    let disk = recorded();
    let log = forge::Log::read(&disk);
    for (segment, first) in log.segments.iter().enumerate() {
        let end = log.records.iter().rfind(|record| record.segment == segment).unwrap().end;
        let mut bytes = disk.contents(&segment_path(*first)).unwrap();
        bytes.resize(bytes.len().max(end + 40), 0);
        bytes[end + 30] = 1;
        let tampered = disk.copy();
        tampered.put(&segment_path(*first), bytes);
        let report = check(&tampered);
        if segment + 1 == log.segments.len() {
            assert!(report.holds());
            assert_eq!(report.tail, Tail::Unfinished { bytes: 31 });
        } else {
            assert_eq!(report.finding.unwrap().flaw, Flaw::Trailing);
        }
    }
}

#[test]
fn a_record_changed_with_everything_computed_anew_but_the_signatures_is_found() {
    let disk = recorded();
    let count = forge::Log::read(&disk).records.len();
    for number in 0..count {
        let tampered = disk.copy();
        let mut log = forge::Log::read(&tampered);
        let mut leaf = Leaf::decode(&log.records[number].leaf).unwrap();
        leaf.moments[0].at = leaf.moments[0].at.plus(std::time::Duration::from_micros(1));
        log.records[number].leaf = leaf.encode().unwrap();
        log.write(&tampered, None);
        let found = finding(&tampered, &Anchors::default());
        assert!(blames(&found, "rewritten", number as u64), "{number}: {found}");
        assert!(found.last - found.first < 20, "the range is that of one checkpoint: {found}");
    }
}

#[test]
fn a_record_changed_with_its_checksum_is_named_by_the_next_one_s_link() {
    let disk = recorded();
    let log = forge::Log::read(&disk);
    for (number, record) in log.records.iter().enumerate() {
        let path = segment_path(log.segments[record.segment]);
        let mut bytes = disk.contents(&path).unwrap();
        let (head, _) = SegmentHead::parse(&bytes).unwrap();
        let Parsed::Frame(frame, _) = Frame::parse(&head.nonce, &bytes[record.start..]) else { panic!("a record") };
        let mut leaf = Leaf::decode(&record.leaf).unwrap();
        leaf.moments[0].at = leaf.moments[0].at.plus(std::time::Duration::from_micros(1));
        let (leaf, mut forged) = (leaf.encode().unwrap(), Vec::new());
        Frame { leaf: &leaf, ..frame }.append_to(&head.nonce, &mut forged);
        bytes[record.start..record.end].copy_from_slice(&forged);
        let tampered = disk.copy();
        tampered.put(&path, bytes);
        // Without checkpoints in between, so that it is the link that tells.
        for path in tampered.paths().into_iter().filter(|path| path.ends_with(".checkpoints")) {
            let first = path[7..27].parse().unwrap();
            let note = forge::notes(&disk, first).remove(0);
            tampered.put(&path, format!("{note}\n").into_bytes());
        }
        if number + 1 < log.records.len() {
            let found = finding(&tampered, &Anchors::default());
            let of_link = blames(&found, "changed", number as u64) && found.last == number as u64 + 1;
            let at_border =
                blames(&found, "segment_head", number as u64 + 1) || blames(&found, "rewritten", number as u64);
            assert!(of_link || at_border, "{number}: {found}");
        } else {
            assert!(blames(&finding(&tampered, &anchors(&disk)), "rewritten", number as u64));
        }
    }
}

#[test]
fn a_segment_head_that_lies_is_found() {
    let disk = recorded();
    for first in forge::Log::read(&disk).segments {
        let bytes = disk.contents(&segment_path(first)).unwrap();
        let (head, length) = SegmentHead::parse(&bytes).unwrap();
        let mut lies = vec![SegmentHead { link: [1; 32], ..head.clone() }];
        let mut other_tree = gatewright_ledger::Frontier::new();
        (0..first).for_each(|_| other_tree.push([1; 32]));
        if first > 0 {
            lies.push(SegmentHead { tree: other_tree, ..head.clone() });
        }
        let invented = OpenJourney { request: scene::request(7_777), intent: 0, body: BodyAt::NOWHERE };
        lies.push(SegmentHead { open: [head.open.clone(), vec![invented]].concat(), ..head.clone() });
        let other = Certificate::from_parts("another.log/0a/7", [1; 32], [2; 64]).unwrap();
        lies.push(SegmentHead { certificate: other, ..head });
        for lie in lies {
            let tampered = disk.copy();
            tampered.put(&segment_path(first), [lie.to_bytes().as_slice(), &bytes[length..]].concat());
            let found = finding(&tampered, &Anchors::default());
            let named = blames(&found, "segment_head", first) || blames(&found, "certificate", first);
            assert!(named, "{first}: {found}");
        }
    }
}

#[test]
fn a_chain_of_pieces_that_bites_its_tail_ends_the_verification() {
    let disk = recorded();
    let mut log = forge::Log::read(&disk);
    let path = "bodies/0000000000.bodies";
    let mut bytes = disk.contents(path).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let nonce = gatewright_ledger::body_segment_nonce(&bytes).unwrap();
    let outcome = log.records.iter().position(|record| Leaf::decode(&record.leaf).unwrap().kind == LeafKind::Outcome);
    let outcome = outcome.unwrap();
    let request = Leaf::decode(&log.records[outcome].leaf).unwrap().request.unwrap();
    let itself = BodyAt::new(0, end as u64).unwrap();
    let part = BodyPart::Answer(b"round and round");
    let mut forged = Vec::new();
    BodyFrame { request, previous: itself, at: scene::at(0), part }.append_to(&nonce, &mut forged);
    bytes.truncate(end);
    bytes.extend_from_slice(&forged);
    disk.put(path, bytes);
    log.records[outcome].body = itself.word();
    log.write(&disk, Some(&forge::key(&disk)));
    let found = finding(&disk, &Anchors::default());
    assert!(blames(&found, "body_changed", outcome as u64), "{found}");
}

#[test]
fn the_key_s_holder_cannot_rewrite_what_a_checkpoint_elsewhere_covers() {
    let disk = recorded();
    let anchors = anchors(&disk);
    let tampered = disk.copy();
    let mut log = forge::Log::read(&tampered);
    let mut leaf = Leaf::decode(&log.records[5].leaf).unwrap();
    leaf.moments[0].at = leaf.moments[0].at.plus(std::time::Duration::from_micros(1));
    log.records[5].leaf = leaf.encode().unwrap();
    log.write(&tampered, Some(&forge::key(&disk)));
    assert!(check(&tampered).holds(), "without an anchor the key's holder is believed");
    assert_eq!(finding(&tampered, &anchors).flaw, Flaw::Forked);

    // The same, shortened: the own checkpoints end before the one kept elsewhere.
    let tampered = disk.copy();
    let mut log = forge::Log::read(&tampered);
    log.records.truncate(30);
    log.write(&tampered, Some(&forge::key(&disk)));
    let found = finding(&tampered, &anchors);
    assert!(found.first >= 29, "{found}");
    assert!(["rolled_back", "missing_log"].contains(&found.flaw.name()), "{found}");
}

#[test]
fn another_key_is_not_this_log_s() {
    let disk = recorded();
    let trusted = anchors(&disk);
    let tampered = disk.copy();
    let log = forge::Log::read(&tampered);
    let name = forge::key(&disk).trusted().name().to_owned();
    let other = SigningKey::from_seed(&name, Secret::new([66; 32])).unwrap();
    log.write(&tampered, Some(&other));
    tampered.put("keys/log.pub", format!("{}\n", other.trusted()).into_bytes());
    let report = check(&tampered);
    assert!(report.holds(), "whoever brings no key trusts the one beside the log");
    assert_eq!(report.key_source, KeySource::BesideTheLog);
    let found = finding(&tampered, &Anchors { checkpoints: Vec::new(), ..trusted });
    assert_eq!(found.flaw, Flaw::Register("its checkpoint is not signed by the root key"));
}

#[test]
fn an_older_state_of_the_whole_folder_is_seen_with_a_checkpoint_kept_elsewhere_only() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    let disk = FakeDisk::new();
    let (log, _) = open(&disk, options()).unwrap();
    runtime.block_on(journey(&log, 1, 1));
    runtime.block_on(log.close()).unwrap();
    let snapshot = disk.copy();
    let (log, _) = open(&disk, options()).unwrap();
    runtime.block_on(journey(&log, 2, 1));
    runtime.block_on(log.close()).unwrap();
    let anchors = anchors(&disk);
    assert!(check_against(&disk, &anchors).holds());
    let old = check(&snapshot);
    assert!(old.holds() && old.anchored == 0);
    let found = finding(&snapshot, &anchors);
    assert!(blames(&found, "missing_log", 4), "{found}");
    // With the newer register left in place, no anchor is needed.
    for path in ["ledger/register", "ledger/register.checkpoint"] {
        snapshot.put(path, disk.contents(path).unwrap());
    }
    assert!(blames(&finding(&snapshot, &Anchors::default()), "missing_log", 4));
    assert!(open(&snapshot, options()).is_err(), "nor does such a log start");
}

#[test]
fn an_outcome_that_the_key_s_holder_left_out_is_missed_at_the_next_start() {
    let disk = recorded();
    let mut log = forge::Log::read(&disk);
    let outcome = log.records.iter().position(|record| Leaf::decode(&record.leaf).unwrap().kind == LeafKind::Outcome);
    let intent = outcome.unwrap() as u64 - 1;
    log.records.remove(outcome.unwrap());
    log.write(&disk, Some(&forge::key(&disk)));
    let found = finding(&disk, &Anchors::default());
    assert!(blames(&found, "no_outcome", intent), "{found}");

    let disk = recorded();
    let mut log = forge::Log::read(&disk);
    let intent = log.records.iter().position(|record| Leaf::decode(&record.leaf).unwrap().kind == LeafKind::Intent);
    log.records.remove(intent.unwrap());
    log.write(&disk, Some(&forge::key(&disk)));
    assert!(blames(&finding(&disk, &Anchors::default()), "unpaired", intent.unwrap() as u64));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_holds_beside_a_gateway_that_writes() {
    let folder = tempfile::tempdir().unwrap();
    let disk = std::sync::Arc::new(gatewright_store::disk::RealDisk::new(folder.path()));
    let entropy = std::sync::Arc::new(gatewright_store::testing::CountedEntropy::new(1));
    let (log, _) = gatewright_store::log::Log::open(disk, options(), scene::clock(), entropy).unwrap();
    let mut writers = Vec::new();
    for writer in 0..8_u64 {
        let log = log.clone();
        writers.push(tokio::spawn(async move {
            for number in 0..60 {
                let (ticket, mut closing) = log.intent(opening(writer * 1_000 + number)).await.unwrap();
                closing.chunk(scene::at(number), scene::piece(writer, number));
                ticket.durable().await.unwrap();
                closing.close(ending(number));
            }
        }));
    }
    let mut last = 0;
    while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
        let path = folder.path().to_owned();
        let report = tokio::task::spawn_blocking(move || {
            gatewright_store::verify::verify_folder(&path, &Anchors::default(), &mut |_| {}).unwrap()
        });
        let report = report.await.unwrap();
        assert!(report.holds(), "{:?}", report.finding);
        assert!(report.records >= last);
        last = report.records;
    }
    log.close().await.unwrap();
}
