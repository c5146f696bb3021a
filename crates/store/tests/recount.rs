//! Counts outlive the process: a start counts anew what the log says.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod scene;

use std::path::Path;
use std::sync::Arc;

use gatewright_model::{ChargedTo, Event, Moment, Timestamp};
use gatewright_store::disk::RealDisk;
use gatewright_store::log::{Closing, Log, Opening};
use gatewright_store::quotas::{
    AHEAD_OF_RECORD, Account, Amounts, Ceilings, Exhausted, Measure, Memory, Quotas, Reserved, Reserving,
};
use gatewright_store::sessions::Indexer;
use gatewright_store::testing::CountedEntropy;
use scene::{at, clock, ending, opening, options, piece};

const DAY: Timestamp = Timestamp::from_seconds(1_795_040_000);

fn open(folder: &Path) -> Log {
    Log::open(Arc::new(RealDisk::new(folder)), options(), clock(), Arc::new(CountedEntropy::new(5))).unwrap().0
}

fn amounts(tokens: u64) -> Amounts {
    Amounts { requests: 1, tokens, cost_micros: tokens * 3, answer_bytes: 0 }
}

/// Opens a call that is charged to these accounts.
async fn charged(log: &Log, number: u64, accounts: &[&str], reserved: Amounts, until: Timestamp) -> Closing {
    let to = accounts.iter().map(|account| ChargedTo { account: (*account).into(), until }).collect();
    let mut opening: Opening = opening(number);
    opening.moments.push(Moment { at: at(number), event: Event::Charged { to, reserved } });
    let (ticket, closing) = log.intent(opening).await.unwrap();
    ticket.durable().await.unwrap();
    closing
}

fn settled(closing: Closing, number: u64, used: Amounts) {
    let mut ending = ending(number);
    ending.moments.push(Moment { at: at(number + 1), event: Event::Spent { used } });
    closing.close(ending);
}

/// How much is left of an account whose ceiling is a million.
fn left(quotas: &Memory, key: &str, until: Timestamp, measure: Measure) -> u64 {
    const MOST: u64 = 1_000_000;
    let ceilings = match measure {
        Measure::Tokens => Ceilings { tokens: Some(MOST), ..Ceilings::default() },
        Measure::Cost => Ceilings { cost_micros: Some(MOST), ..Ceilings::default() },
        Measure::Requests => Ceilings { requests: Some(MOST), ..Ceilings::default() },
        Measure::AnswerBytes => Ceilings { answer_bytes: Some(MOST), ..Ceilings::default() },
    };
    let account = [Account { key: key.into(), ceilings, until }];
    let all = Amounts { requests: MOST + 1, tokens: MOST + 1, cost_micros: MOST + 1, answer_bytes: MOST + 1 };
    match quotas.reserve(&account, &all, at(0)) {
        Reserving::Now(Some(Reserved::Exhausted(Exhausted { left, .. }))) => left,
        _ => panic!("more than there is was given"),
    }
}

/// A copy of a data folder as a killed process leaves it.
fn killed(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for part in ["ledger", "bodies", "keys"] {
        std::fs::create_dir(copy.path().join(part)).unwrap();
        for entry in std::fs::read_dir(folder.join(part)).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                // Tiles, which nothing is counted from.
                continue;
            }
            std::fs::copy(entry.path(), copy.path().join(part).join(entry.file_name())).unwrap();
        }
    }
    if let Ok(index) = std::fs::read(folder.join("index.db")) {
        std::fs::write(copy.path().join("index.db"), index).unwrap();
    }
    copy
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_settled_counts_as_used_and_what_was_cut_off_as_reserved() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    for number in 0..4 {
        let closing = charged(&log, number, &["hers", "all"], amounts(500), DAY).await;
        settled(closing, number, amounts(100));
    }
    let mut cut = charged(&log, 10, &["hers"], amounts(500), DAY).await;
    cut.chunk(at(11), piece(10, 0));
    cut.chunks_durable().await.unwrap();
    let copy = killed(folder.path());
    let again = open(copy.path());
    let quotas = Memory::recount(copy.path(), &again).unwrap();
    assert_eq!(left(&quotas, "all", DAY, Measure::Tokens), 1_000_000 - 400);
    assert_eq!(left(&quotas, "hers", DAY, Measure::Tokens), 1_000_000 - 400 - 500);
    assert_eq!(left(&quotas, "hers", DAY, Measure::Cost), 1_000_000 - 1_200 - 1_500);
    assert_eq!(left(&quotas, "hers", DAY, Measure::Requests), 1_000_000 - 5);
    let given = piece(10, 0).len() as u64 + AHEAD_OF_RECORD;
    assert_eq!(left(&quotas, "hers", DAY, Measure::AnswerBytes), 1_000_000 - given);
    drop(cut);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_counts_are_the_same_however_often_it_starts_and_whatever_became_of_the_index() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    // An outcome in another batch than its intent: the index must remember what was reserved.
    let across = charged(&log, 0, &["hers"], amounts(500), DAY).await;
    assert_eq!(left(&Memory::recount(folder.path(), &log).unwrap(), "hers", DAY, Measure::Tokens), 1_000_000 - 500);
    settled(across, 0, amounts(20));
    let closing = charged(&log, 1, &["hers"], amounts(500), DAY).await;
    settled(closing, 1, amounts(30));
    log.note(None, scene::reloaded()).await.unwrap();
    let check = |log: &Log| {
        let quotas = Memory::recount(folder.path(), log).unwrap();
        assert_eq!(left(&quotas, "hers", DAY, Measure::Tokens), 1_000_000 - 50);
    };
    check(&log);
    check(&log);
    drop(Indexer::start(folder.path(), &log).unwrap());
    check(&log);
    log.close().await.unwrap();
    let log = open(folder.path());
    check(&log);
    std::fs::write(folder.path().join("index.db"), "not an index").unwrap();
    check(&log);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_is_over_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let (early, late) = (at(5), at(50));
    let closing = charged(&log, 1, &["hers"], amounts(500), early).await;
    let next = charged(&log, 10, &["hers"], amounts(70), late).await;
    // Late, and of a window that is over: it must not count in the present one.
    settled(closing, 11, amounts(500));
    settled(next, 12, amounts(60));
    log.note(None, scene::reloaded()).await.unwrap();
    let quotas = Memory::recount(folder.path(), &log).unwrap();
    assert_eq!(left(&quotas, "hers", late, Measure::Tokens), 1_000_000 - 60);
    let closing = charged(&log, 60, &["other"], amounts(1), at(100)).await;
    settled(closing, 60, amounts(1));
    log.note(None, scene::reloaded()).await.unwrap();
    let quotas = Memory::recount(folder.path(), &log).unwrap();
    assert_eq!(left(&quotas, "hers", at(100), Measure::Tokens), 1_000_000);
    assert_eq!(left(&quotas, "other", at(100), Measure::Tokens), 1_000_000 - 1);
}
