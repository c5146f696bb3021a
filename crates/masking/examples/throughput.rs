//! How fast texts are read, beside a plain scan of the same memory for three rare bytes in the same run.
//!
//! `cargo run --release -p gatewright-masking --example throughput [FILE | hostile]`

#![allow(clippy::print_stdout, reason = "it is a program that prints")]

#[path = "../tests/support/heap.rs"]
mod heap;
#[path = "../tests/support/hostile.rs"]
mod hostile;

use std::hint::black_box;
use std::time::{Duration, Instant};

use gatewright_masking::{
    CustomPattern, CustomRule, Detectors, Masker, Minter, PseudonymKey, Scanner, Treatments, Vault,
};
use gatewright_model::{InfoType, Treatment};

const PROSE: &str = "The function first validates its input, then walks the list once and returns a new dictionary. \
    As of the 2023 report, throughput rose by 12% (see section 4.2), while `cargo build --release` took 31.5 s.\n\n\
    ```rust\nlet total: u64 = rows.iter().map(|row| row.len() as u64).sum();\nprintln!(\"{total}\");\n```\n\n\
    Some readers find the second chapter slow, but the ending rewards their patience. Let me know if you would like \
    me to expand any of these steps: https://docs.example.com/api/v2/guide.html#install has more. ";

const JSON: &str = concat!(
    r#"{"id":"chatcmpl-8f2k","object":"chat.completion","created":1767225600,"model":"llama-3","choices":[{"index":0,"#,
    r#""message":{"role":"assistant","content":"Paris, at 48.8566 north.","tool_calls":[{"id":"call_1","type":"function","#,
    r#""function":{"name":"look_up","arguments":"{\"city\":\"Paris\",\"limit\":10}"}}]},"finish_reason":"stop"}],"#,
    r#""usage":{"prompt_tokens":1204,"completion_tokens":87,"total_tokens":1291}}"#
);

const VALUES: &[&str] = &[
    "Write to alice.smith@example.com. ",
    "The card is 4111 1111 1111 1111. ",
    "Call +44 121 443 5362 now. ",
    "Her SSN is 225-38-1921. ",
    "IBAN DE89 3704 0044 0532 0130 00. ",
    "from 203.0.113.7. ",
];

fn text(size: usize, share: f64) -> String {
    let (mut text, mut values, mut next) = (String::with_capacity(size + 1_000), 0, 0);
    while text.len() < size {
        text.push_str(PROSE);
        while (values as f64) < share * text.len() as f64 {
            text.push_str(VALUES[next % VALUES.len()]);
            values += VALUES[next % VALUES.len()].len();
            next += 1;
        }
    }
    text
}

/// The best of several runs, in bytes per second.
fn rate(bytes: usize, run: impl FnMut()) -> f64 {
    rate_within(Duration::from_millis(600), bytes, run)
}

fn rate_within(time: Duration, bytes: usize, mut run: impl FnMut()) -> f64 {
    let mut best = Duration::MAX;
    let begun = Instant::now();
    while begun.elapsed() < time {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed());
    }
    bytes as f64 / best.as_secs_f64()
}

fn report(name: &str, rate: f64, memory: f64) {
    println!(
        "{name:34} {:8.1} MB/s  {:6.2} us/KiB  {:5.1} % of a memory scan",
        rate / 1e6,
        1_024e6 / rate,
        100.0 * rate / memory
    );
}

/// How fast what an attacker would send is read, slowest first.
fn hostile(detectors: &Detectors) -> Vec<(f64, &'static str)> {
    let measure = |unit: &&'static str| {
        let text = unit.repeat((48 << 10) / unit.len());
        let rate = rate_within(Duration::from_millis(100), text.len(), || {
            black_box(detectors.find(black_box(&text)));
        });
        (rate, *unit)
    };
    let mut rates: Vec<_> = hostile::HOSTILE.iter().map(measure).collect();
    rates.sort_by(|one, other| one.0.total_cmp(&other.0));
    rates
}

/// One hostile text for a while, so that a profiler can look.
fn one(detectors: &Detectors, unit: &str) {
    let text = unit.repeat((48 << 10) / unit.len());
    let rate = rate_within(Duration::from_secs(1), text.len(), || _ = black_box(detectors.find(black_box(&text))));
    println!("{unit:>24?} {:8.1} MB/s", rate / 1e6);
}

fn main() {
    if let (Some("hostile"), Some(unit)) = (std::env::args().nth(1).as_deref(), std::env::args().nth(2)) {
        return one(&Detectors::builtin(), &unit);
    }
    let (before, start) = (heap::Counted::in_use(), Instant::now());
    let detectors = Detectors::builtin();
    detectors.find("é");
    println!("start-up: {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
    println!("shared tables: {} KiB", (heap::Counted::in_use() - before) >> 10);
    let mut resting = Scanner::new();
    let before = heap::Counted::in_use();
    PROSE.split_inclusive(' ').for_each(|word| resting.push(&detectors, word, &mut |_| {}));
    let kept = heap::Counted::in_use() - before + size_of::<Scanner>();
    println!("a stream's state after a page of prose: {kept} bytes");
    let prose = text(4 << 20, 0.01);
    let memory = rate(prose.len(), || {
        black_box(memchr::memchr3_iter(0, 1, 2, black_box(prose.as_bytes())).count());
    });
    println!("memchr3: {:.1} GB/s", memory / 1e9);
    if std::env::args().nth(1).as_deref() == Some("hostile") {
        for (rate, unit) in hostile(&detectors) {
            println!("{unit:>24?} {:8.1} MB/s", rate / 1e6);
        }
        return;
    }
    let mut inputs = vec![
        ("prose and code, 1 % values", prose.clone()),
        ("the same without values", text(4 << 20, 0.0)),
        ("the same, 5 % values", text(4 << 20, 0.05)),
        ("\"1 1 1 ...\"", "1 ".repeat(1 << 20)),
        ("\"4444 4444 ...\"", "4444 ".repeat(1 << 19)),
        ("\"a-a-a-...\"", "a-".repeat(1 << 20)),
        ("\"eyJa-a-...\"", format!("eyJ{}", "a-".repeat(1 << 20))),
        ("\"eyJa-a- eyJa-a- ...\"", "eyJa-a- ".repeat(1 << 18)),
        ("\"pwd=a1!pwd=...\"", "pwd=a1!".repeat(1 << 18)),
        ("\"123456789 ...\"", "123456789 ".repeat(1 << 18)),
        ("\"a at a dot ...\"", "a at a dot ".repeat(1 << 17)),
        ("\"1b-1b-...\"", "1b-".repeat(1 << 19)),
        ("code", include_str!("../src/scanner.rs").repeat(100)),
        ("JSON", JSON.repeat(1 << 13)),
        ("only values", VALUES.concat().repeat(1 << 13)),
        ("Chinese", "请联系我们以获取更多信息，谢谢。".repeat(1 << 15)),
        ("Russian", "Номер карты, срок действия до конца года. ".repeat(1 << 15)),
    ];
    if let Some(file) = std::env::args().nth(1) {
        inputs.push(("the file", std::fs::read_to_string(file).expect("a readable file of UTF-8")));
    }
    let only = std::env::args().nth(2).unwrap_or_default();
    for (name, input) in inputs.iter().filter(|(name, _)| name.contains(&only)) {
        let rate = rate(input.len(), || {
            black_box(detectors.find(black_box(input)));
        });
        report(name, rate, memory);
    }
    if !only.is_empty() {
        return;
    }
    let rates = hostile(&detectors);
    println!("hostile texts: {}, the slowest:", rates.len());
    let fast = rates.iter().filter(|(rate, _)| *rate >= 1e8).count();
    println!("{fast} of them at 100 MB/s or more");
    for (rate, unit) in rates.iter().take(5) {
        println!("{unit:>24?} {:8.1} MB/s", rate / 1e6);
    }
    let message = &prose[..prose.floor_char_boundary(2_048)];
    let whole = rate(1_000 * message.len(), || {
        for _ in 0..1_000 {
            black_box(detectors.find(black_box(message)));
        }
    });
    println!("a message of 2 KiB: {:.2} us", 1e6 * message.len() as f64 / whole);
    for size in [4, 16, 64] {
        let sample = &prose[..prose.floor_char_boundary(200_000)];
        let pieces: Vec<&str> =
            sample.as_bytes().chunks(size).filter_map(|piece| std::str::from_utf8(piece).ok()).collect();
        let streamed = rate(sample.len(), || {
            let mut scanner = Scanner::new();
            pieces.iter().for_each(|piece| scanner.push(&detectors, piece, &mut |span| _ = black_box(span)));
            scanner.finish(&detectors, &mut |span| _ = black_box(span));
        });
        println!("a piece of {size:2} bytes: {:.0} ns", 1e9 * size as f64 / streamed);
    }
    own_rules(&prose, memory);
    let (mut vault, key) = (Vault::new(), PseudonymKey::new(&[1; 32]));
    let mut minter = Minter { vault: &mut vault, key: &key };
    let treatments = Treatments::uniform(&detectors, Treatment::Redact);
    let sample = &prose[..prose.floor_char_boundary(200_000)];
    let (mut held, mut pieces) = (0, 0);
    let mut masker = Masker::new(treatments);
    for piece in sample.split_inclusive(' ') {
        masker.push(&detectors, &mut minter, piece, &mut |piece| _ = black_box(piece)).expect("nothing is blocked");
        held += masker.held();
        pieces += 1;
    }
    println!("mean hold after each word: {:.1} bytes", f64::from(held as u32) / f64::from(pieces));
}

/// What an operator's own rules take and cost.
fn own_rules(prose: &str, memory: f64) {
    let name = |name: &str| InfoType::new(name).expect("a name");
    let words = (0..1_000_000_u64).map(|number| format!("Term {:x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    let rule = CustomRule { name: name("PROJECT"), pattern: CustomPattern::Words(words.collect()) };
    let (before, start) = (heap::Counted::in_use(), Instant::now());
    let own = Detectors::with(std::slice::from_ref(&rule)).expect("the rule compiles");
    let (took, kept) = (start.elapsed().as_secs_f64() * 1e3, (heap::Counted::in_use() - before) >> 20);
    println!("a list of a million terms: {took:.0} ms to load, {kept} MiB");
    report("prose with that list", rate(prose.len(), || _ = black_box(own.find(black_box(prose)))), memory);
    for count in [1, 100, 256] {
        let expressions =
            (0..count).map(|place| format!(r"\bCASE-{:03}-\d{{4,9}}|\bticket {place}[a-z]{{3}}\d\b", 7 * place));
        let rules: Vec<_> = expressions
            .map(|written| CustomRule { name: name("CASE"), pattern: CustomPattern::Regex(written) })
            .collect();
        let (before, start) = (heap::Counted::in_use(), Instant::now());
        let own = Detectors::with(&rules).expect("the rules compile");
        let (took, kept) = (start.elapsed().as_secs_f64() * 1e3, (heap::Counted::in_use() - before) >> 10);
        println!("{count} expressions: {took:.0} ms to load, {kept} KiB");
        report("prose with them", rate(prose.len(), || _ = black_box(own.find(black_box(prose)))), memory);
    }
}
