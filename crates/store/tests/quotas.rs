//! What every store of quotas does.
#![allow(clippy::panic, clippy::print_stdout, reason = "tests")]

use std::sync::Arc;

use gatewright_model::Timestamp;
use gatewright_store::quotas::{Account, Amounts, Ceilings, Exhausted, Measure, Memory, Quotas, Reserved, Reserving};

fn every_store() -> Vec<Arc<dyn Quotas>> {
    vec![Arc::new(Memory::default())]
}

fn account(key: &str, tokens: u64, until: u64) -> Account {
    let ceilings = Ceilings { tokens: Some(tokens), ..Ceilings::default() };
    Account { key: key.into(), ceilings, until: Timestamp::from_seconds(until) }
}

fn tokens(tokens: u64) -> Amounts {
    Amounts { requests: 1, tokens, ..Amounts::default() }
}

fn exhausted(account: usize, left: u64) -> Reserved {
    Reserved::Exhausted(Exhausted { account, measure: Measure::Tokens, left })
}

/// What a store says that has it in memory.
fn reserve(quotas: &Arc<dyn Quotas>, accounts: &[Account], amounts: &Amounts, now: Timestamp) -> Reserved {
    match quotas.reserve(accounts, amounts, now) {
        Reserving::Now(Some(reserved)) => reserved,
        Reserving::Now(None) | Reserving::Later(_) => panic!("it is not there"),
    }
}

const NOW: Timestamp = Timestamp::from_seconds(50);

#[test]
fn what_is_reserved_is_gone_until_it_is_settled() {
    for quotas in every_store() {
        let one = [account("one", 100, 60)];
        assert_eq!(reserve(&quotas, &one, &tokens(80), NOW), Reserved::Held(vec![tokens(80)]));
        assert_eq!(reserve(&quotas, &one, &tokens(30), NOW), exhausted(0, 20));
        quotas.settle(&one, &tokens(80), &tokens(10));
        assert!(matches!(reserve(&quotas, &one, &tokens(90), NOW), Reserved::Held(_)));
        assert_eq!(reserve(&quotas, &one, &tokens(0), NOW), exhausted(0, 0), "nothing is left");
    }
}

#[test]
fn all_accounts_are_charged_or_none() {
    for quotas in every_store() {
        let (wide, narrow) = (account("wide", 1000, 60), account("narrow", 10, 60));
        let both = [wide.clone(), narrow];
        assert_eq!(reserve(&quotas, &both, &tokens(50), NOW), exhausted(1, 10));
        assert_eq!(reserve(&quotas, &[wide], &tokens(1000), NOW), Reserved::Held(vec![tokens(1000)]));
    }
}

#[test]
fn a_window_begins_anew_and_is_not_settled_by_an_earlier_one() {
    for quotas in every_store() {
        let (early, late) = ([account("one", 100, 60)], [account("one", 100, 120)]);
        assert!(matches!(reserve(&quotas, &early, &tokens(100), NOW), Reserved::Held(_)));
        assert!(matches!(reserve(&quotas, &late, &tokens(100), Timestamp::from_seconds(70)), Reserved::Held(_)));
        quotas.settle(&early, &tokens(100), &tokens(0));
        assert_eq!(reserve(&quotas, &late, &tokens(1), Timestamp::from_seconds(71)), exhausted(0, 0));
    }
}

#[test]
fn an_account_that_is_late_has_no_window_of_its_own() {
    for quotas in every_store() {
        let (early, late) = ([account("one", 100, 60)], [account("one", 100, 120)]);
        assert!(matches!(reserve(&quotas, &late, &tokens(90), NOW), Reserved::Held(_)));
        assert_eq!(reserve(&quotas, &early, &tokens(20), NOW), exhausted(0, 10), "the clock went back");
        assert!(matches!(reserve(&quotas, &early, &tokens(10), NOW), Reserved::Held(_)));
        assert_eq!(reserve(&quotas, &late, &tokens(1), NOW), exhausted(0, 0), "the later window was begun anew");
    }
}

#[test]
fn what_is_drawn_is_within_the_budget_and_settled_with_the_rest() {
    for quotas in every_store() {
        let (one, other) = (account("one", 100, 60), account("other", 50, 60));
        let both = [one.clone(), other];
        assert!(matches!(reserve(&quotas, &both, &tokens(40), NOW), Reserved::Held(_)));
        let more = Amounts { tokens: 10, ..Amounts::NOTHING };
        assert_eq!(quotas.draw(&both, &more), Ok(()));
        assert_eq!(quotas.draw(&both, &more), Err(Exhausted { account: 1, measure: Measure::Tokens, left: 0 }));
        quotas.settle(&both, &tokens(50), &tokens(30));
        assert_eq!(reserve(&quotas, &[one], &tokens(71), NOW), exhausted(0, 70), "nothing was drawn in part");
    }
}

#[test]
fn of_a_race_for_the_last_one_wins() {
    for quotas in every_store() {
        let won: usize = std::thread::scope(|scope| {
            let race = || matches!(reserve(&quotas, &[account("one", 100, 60)], &tokens(10), NOW), Reserved::Held(_));
            let racers: Vec<_> = (0..50).map(|_| scope.spawn(race)).collect();
            racers.into_iter().map(|racer| usize::from(racer.join().unwrap_or_default())).sum()
        });
        assert_eq!(won, 10);
    }
}

#[test]
fn accounts_of_the_past_are_forgotten() {
    let quotas: Arc<dyn Quotas> = Arc::new(Memory::default());
    for at in 0..5_000_u64 {
        let one = account(&format!("{at}"), 1, at + 1);
        assert!(matches!(reserve(&quotas, &[one], &tokens(1), Timestamp::from_seconds(at)), Reserved::Held(_)), "{at}");
    }
}

/// What counting costs a call, on one thread: `cargo nextest run --release -p gatewright-store --run-ignored only cost`.
#[test]
#[ignore = "a measurement, not a check"]
fn the_cost_of_counting() {
    const CALLS: u32 = 200_000;
    let quotas: Arc<dyn Quotas> = Arc::new(Memory::default());
    let accounts: Vec<[Account; 2]> = (0..10_000)
        .map(|person| {
            [account(&format!("analyst/budget-1 person {person}"), u64::MAX, 60), account("all", u64::MAX, 60)]
        })
        .collect();
    let began = std::time::Instant::now();
    for (call, two) in (0..CALLS).zip(accounts.iter().cycle()) {
        assert!(matches!(reserve(&quotas, two, &tokens(call.into()), NOW), Reserved::Held(_)));
        quotas.settle(two, &tokens(call.into()), &tokens(1));
    }
    println!("{} ns a call to reserve in two of 10,001 accounts and settle", (began.elapsed() / CALLS).as_nanos());
    let one = &accounts[0];
    let began = std::time::Instant::now();
    for _ in 0..CALLS {
        quotas
            .draw(one, &Amounts { answer_bytes: 1, ..Amounts::NOTHING })
            .unwrap_or_else(|_| panic!("there is enough"));
    }
    println!("{} ns a piece to draw from two", (began.elapsed() / CALLS).as_nanos());
}
