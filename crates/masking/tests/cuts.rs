//! However a text is cut, what comes out is what comes out of the whole. `CUTS=100000` asks for that many random cuts.
#![allow(
    clippy::print_stdout,
    clippy::panic,
    clippy::err_expect,
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop, and measurements are read by whoever runs it"
)]

mod support;

use gatewright_masking::{
    Author, Blocked, CustomPattern, CustomRule, Detectors, Masker, Minter, Piece, PseudonymKey, Treatments, Vault,
    mask_findings,
};
use gatewright_model::{InfoType, Treatment};
use proptest::prelude::*;
use support::{corpus, detectors};

/// Masks pieces and checks that the originals' lengths add up.
fn masked(detectors: &Detectors, treatments: &Treatments, pieces: &[&str]) -> (String, usize) {
    let (mut vault, key) = (Vault::new(), PseudonymKey::new(&[7; 32]));
    let mut minter = Minter { vault: &mut vault, key: &key };
    let mut masker = Masker::new(treatments.clone());
    let (mut out, mut consumed, mut held) = (String::new(), 0, 0);
    let mut given = 0;
    for piece in pieces {
        let mut take = |piece: Piece<'_>| {
            out.push_str(piece.text());
            consumed += piece.original_len();
        };
        masker.push(detectors, &mut minter, piece, &mut take).expect("nothing is blocked");
        given += piece.len();
        assert_eq!(consumed + masker.held(), given, "what went in came out or is held");
        held = held.max(masker.held());
    }
    let mut take = |piece: Piece<'_>| {
        out.push_str(piece.text());
        consumed += piece.original_len();
    };
    masker.finish(detectors, &mut minter, &mut take).expect("nothing is blocked");
    assert_eq!((consumed, masker.held()), (given, 0));
    (out, held)
}

fn whole(detectors: &Detectors, treatments: &Treatments, text: &str) -> String {
    let (mut vault, key) = (Vault::new(), PseudonymKey::new(&[7; 32]));
    let mut minter = Minter { vault: &mut vault, key: &key };
    mask_findings(detectors, text, &detectors.find(text), treatments, Author::Caller, &mut minter)
        .expect("nothing is blocked")
}

/// Each info type treated in another way.
fn mixed(detectors: &Detectors) -> Treatments {
    let ways = [Treatment::Redact, Treatment::Pseudonym, Treatment::Partial, Treatment::Keep];
    let mut next = 0;
    Treatments::choose(detectors, |_| {
        next += 1;
        ways[next % ways.len()]
    })
}

fn characters(text: &str) -> Vec<&str> {
    text.char_indices().map(|(at, character)| &text[at..at + character.len_utf8()]).collect()
}

#[test]
fn one_character_at_a_time() {
    let (detectors, documents) = (detectors(), corpus());
    let treatments = mixed(&detectors);
    let mut longest = 0;
    for document in documents.iter().step_by(if cfg!(debug_assertions) { 4 } else { 1 }) {
        let (out, held) = masked(&detectors, &treatments, &characters(&document.text));
        assert_eq!(out, whole(&detectors, &treatments, &document.text), "{}", document.id);
        longest = longest.max(held);
    }
    println!("longest hold {longest} bytes");
    assert!(longest <= 300, "{longest} bytes were held");
}

#[test]
fn every_single_cut() {
    let (detectors, documents) = (detectors(), corpus());
    let treatments = Treatments::uniform(&detectors, Treatment::Redact);
    for document in documents.iter().step_by(97) {
        let expected = whole(&detectors, &treatments, &document.text);
        for (cut, _) in document.text.char_indices() {
            let (left, right) = document.text.split_at(cut);
            assert_eq!(masked(&detectors, &treatments, &[left, right]).0, expected, "{} cut at {cut}", document.id);
        }
    }
}

/// A small generator, so that a failure names its seed.
fn next(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as usize
}

fn random_pieces<'a>(text: &'a str, state: &mut u64) -> Vec<&'a str> {
    let longest = [1, 2, 4, 8, 30, 300][next(state) % 6];
    let (mut pieces, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let cut = rest.ceil_char_boundary((1 + next(state) % longest).min(rest.len()));
        let (piece, after) = rest.split_at(cut);
        pieces.push(piece);
        rest = after;
    }
    pieces
}

#[test]
fn random_cuts() {
    let cuts: usize = std::env::var("CUTS").ok().and_then(|cuts| cuts.parse().ok()).unwrap_or(1_500);
    let (detectors, documents) = (detectors(), corpus());
    let treatments = mixed(&detectors);
    let expected: Vec<String> =
        documents.iter().map(|document| whole(&detectors, &treatments, &document.text)).collect();
    for round in 0..cuts {
        let place = round % documents.len();
        let mut state = round as u64;
        let pieces = random_pieces(&documents[place].text, &mut state);
        let (out, _) = masked(&detectors, &treatments, &pieces);
        assert_eq!(out, expected[place], "{} in round {round}", documents[place].id);
    }
}

/// Fragments that values, disguises and near misses are made of, to be put together at random.
const FRAGMENTS: &[&str] = &[
    "4111",
    "1111",
    " ",
    "-",
    ".",
    "@",
    "alice",
    "example",
    "com",
    "ex.org",
    "sk-",
    "ghp_",
    "eyJ",
    "a1B2c3D4e5F6g7H8",
    ":",
    "::",
    "=",
    "password",
    "\"",
    "'",
    "[at]",
    " at ",
    " dot ",
    "[dot]",
    "(",
    ")",
    "+",
    "44",
    "00",
    "123-45-6789",
    "ssn",
    "call",
    "DE89",
    "3704",
    "0044",
    "GB",
    "AB",
    "12",
    "C",
    "7a:d6:",
    "b9:61",
    ":e4:1b",
    "fe80",
    "2001:db8",
    "0x",
    "bc1",
    "１１",
    "٤",
    "\u{200b}",
    "\u{ad}",
    "\\u0040",
    "\\",
    "u00",
    "\\n",
    "%40",
    "%",
    "&#64;",
    "&",
    "-----BEGIN",
    " RSA PRIVATE KEY-----",
    "\n",
    "-----END RSA PRIVATE KEY-----",
    "MIIEvQIBADANBgkqhkiG9w0BAQ",
    "请",
    "é",
    "ß",
    "ﬁ",
    "ж",
    "日本語",
    "://",
    "user",
    "/",
    "<",
    ">",
    "EMAIL_ADDRESS_1",
    "_",
    "ext",
    " x",
    "12",
    "version ",
    ",",
    "phone: ",
    "203.0.113.7",
    "aurora",
    "launch code",
    "\t",
    "tel:",
    "\u{1f600}",
    "\0",
    "Bearer ",
    "Authorization: ",
    "ACME-EMP-",
    "123456",
    "#",
    "$",
    "bWFpbCBhbGljZUBleGFtcGxlLmNvbSBub3c=",
    "anVzdCBhIGxpbmUgb2Ygb3JkaW5hcnkgdGV4dCwgbm8gbW9yZSB0aGFuIHRoYXQsIHJlcGVhdGVkIHRvIGJlIGxvbmc7IGp1c3QgYSBsaW5lIG9mIG9yZGluYXJ5IHRleHQsIG5vIG1vcmUgdGhhbiB0aGF0LCByZXBlYXRlZCB0byBiZSBsb25nOyA=",
    "YSBjYXJkIDQxMTExMTExMTExMTExMTEgb2s=",
    "0",
    "1",
];

fn own_rules() -> Detectors {
    let rule = |name: &str, pattern| CustomRule { name: InfoType::new(name).expect("a name"), pattern };
    Detectors::with(&[
        rule("CUSTOM", CustomPattern::Regex(r"ACME-EMP-\d{6}".to_owned())),
        rule("LONG", CustomPattern::Regex(r"(?i)\buser\b[^\n]*e".to_owned())),
        rule("PROJECT", CustomPattern::Words(vec!["aurora".into(), "launch code".into(), "日本".into(), "жé".into()])),
    ])
    .expect("the rules compile")
}

/// `PROPTEST_CASES` asks for more than the usual.
fn cases(usual: u32) -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(usual)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(3_000), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_cut_of_any_mixture(parts in prop::collection::vec(0..FRAGMENTS.len(), 1..40), seed in any::<u64>()) {
        thread_local!(static DETECTORS: Detectors = own_rules());
        DETECTORS.with(|detectors| {
            let text: String = parts.iter().map(|part| FRAGMENTS[*part]).collect();
            let treatments = mixed(detectors);
            let tokens = Treatments::uniform(detectors, Treatment::Token);
            let expected = whole(detectors, &treatments, &text);
            let expected_tokens = masked(detectors, &tokens, &[&text]).0;
            let mut state = seed;
            for pieces in [characters(&text), random_pieces(&text, &mut state)] {
                prop_assert_eq!(&masked(detectors, &treatments, &pieces).0, &expected, "{:?}", pieces);
                prop_assert_eq!(&masked(detectors, &tokens, &pieces).0, &expected_tokens, "{:?}", pieces);
            }
            Ok(())
        })?;
    }
}

#[test]
fn base_64_behind_a_short_run_is_the_same_however_it_comes() {
    let detectors = detectors();
    let treatments = mixed(&detectors);
    let card = "YSBjYXJkIDQxMTExMTExMTExMTExMTEgb2s=";
    for before in ["EMAIL_ADDRESS_1fe80)44+/", "1fe80)44/", "x)--44+", "x-44-", "a.44+44+/", "(4+", "fe80)4_/"] {
        let text = format!("{before}{card}");
        let expected = whole(&detectors, &treatments, &text);
        assert_eq!(masked(&detectors, &treatments, &characters(&text)).0, expected, "{text}");
    }
}

#[test]
fn a_blocked_value_does_not_come_out() {
    let detectors = detectors();
    let treatments = Treatments::uniform(&detectors, Treatment::Block);
    let text = "The card is 4111 1111 1111 1111, she said.";
    for (cut, _) in text.char_indices() {
        let mut vault = Vault::new();
        let key = PseudonymKey::new(&[1; 32]);
        let mut minter = Minter { vault: &mut vault, key: &key };
        let (mut masker, mut out) = (Masker::new(treatments.clone()), String::new());
        let (left, right) = text.split_at(cut);
        let result = [left, right]
            .iter()
            .try_for_each(|piece| masker.push(&detectors, &mut minter, piece, &mut |piece| out.push_str(piece.text())));
        let result =
            result.and_then(|()| masker.finish(&detectors, &mut minter, &mut |piece| out.push_str(piece.text())));
        let blocked = Blocked { info_type: InfoType::new("CREDIT_CARD").expect("a name") };
        assert_eq!(result, Err(blocked.clone()));
        assert!(text[..12].starts_with(&out), "{out}");
        assert_eq!(masker.push(&detectors, &mut minter, "more", &mut |_| panic!("after a block")), Err(blocked));
    }
}
