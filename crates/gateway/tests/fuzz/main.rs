//! What an attacker may send, made up without end: text for the masking engine, answers for the protocol's editor, arguments
//! of tool calls. Nothing panics; what comes out is UTF-8 and JSON; a stream is the whole, however it is cut; tokens come
//! back; and time grows with the text alone.
//!
//! `GATEWRIGHT_FUZZ_SECONDS` says for how long (2 where it is not set), `GATEWRIGHT_SEED` repeats a run. A finding is
//! printed as the shortest input that still shows it, with what it needs to be seen again.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::panic, reason = "a test says what it found by panicking")]

mod checks;
mod dice;
mod generate;
mod words;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant, SystemTime};

use checks::{Bench, Check};
use dice::Dice;
use generate::Generator;

/// Every so many inputs one is repeated to a long text and timed.
const TIMED: u64 = 16;

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// What is wrong with an input, if anything is: the check's own words, or a panic's.
fn finding(bench: &Bench, check: Check, text: &str, seed: u64) -> Option<String> {
    match catch_unwind(AssertUnwindSafe(|| check.run(bench, text, seed))) {
        Ok(Ok(())) => None,
        Ok(Err(words)) => Some(words),
        Err(panic) => {
            let words = panic.downcast_ref::<String>().map(String::as_str);
            let words = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked");
            Some(format!("a panic: {words}"))
        }
    }
}

/// The shortest text found that still shows it: parts are left out, half of it first, a character last.
fn shortest(bench: &Bench, check: Check, text: &str, seed: u64) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    let mut part = characters.len().div_ceil(2).max(1);
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let mut at = 0;
        while at < characters.len() && Instant::now() < until {
            let without: Vec<char> =
                characters.iter().take(at).chain(characters.iter().skip(at + part)).copied().collect();
            let shorter: String = without.iter().collect();
            match finding(bench, check, &shorter, seed) {
                Some(_) => characters = without,
                None => at += part,
            }
        }
        if part == 1 {
            return characters.into_iter().collect();
        }
        part /= 2;
    }
}

#[test]
fn nothing_is_found() {
    let seconds = from_environment("GATEWRIGHT_FUZZ_SECONDS").unwrap_or(2);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seed = from_environment("GATEWRIGHT_SEED").unwrap_or_else(|| u64::from(now.subsec_nanos()) ^ now.as_secs());
    println!("seed {seed}, {seconds} seconds");
    let (bench, generator) = (Bench::new(), Generator::new());
    let mut dice = Dice::new(seed);
    let until = Instant::now() + Duration::from_secs(seconds);
    let (mut inputs, mut bytes, mut runs) = (0_u64, 0_u64, 0_u64);
    while Instant::now() < until {
        let text = generator.text(&mut dice);
        inputs += 1;
        bytes += text.len() as u64;
        for check in Check::ALL {
            if check == Check::Time && inputs % TIMED != 0 {
                continue;
            }
            runs += 1;
            let cuts = dice.next();
            if let Some(words) = finding(&bench, check, &text, cuts) {
                let shortest = shortest(&bench, check, &text, cuts);
                let again = finding(&bench, check, &shortest, cuts).unwrap_or(words);
                panic!(
                    "{check:?} at input {inputs} of seed {seed}\n{again}\ninput: {shortest:?}\n\
                     again: check({check:?}, {shortest:?}, {cuts})"
                );
            }
        }
    }
    println!("{runs} executions over {inputs} inputs of {bytes} bytes, seed {seed}: nothing found");
    assert!(inputs > 0, "nothing was tried");
}

/// What was found once is looked at for ever.
#[test]
fn what_was_found_stays_away() {
    let bench = Bench::new();
    for (text, seed) in generate::FOUND {
        for check in Check::ALL {
            assert_eq!(finding(&bench, check, text, *seed), None, "{check:?} of {text:?}");
        }
    }
}
