//! How much is covered of text that the detectors were not developed on: values, templates, disguises and traps made here
//! by a small deterministic generator. `SHOW=misses` or `SHOW=traps` prints what is missed and what is hit.
#![allow(clippy::print_stdout, reason = "measurements are read by whoever runs the test")]

mod generate;

use std::collections::BTreeMap;

use gatewright_masking::Detectors;
use generate::{Draw, disguises, sentences, traps, values};

#[derive(Default)]
struct Share {
    of: u32,
    part: u32,
}

impl Share {
    fn add(&mut self, counted: bool) {
        self.of += 1;
        self.part += u32::from(counted);
    }

    fn value(&self) -> f64 {
        f64::from(self.part) / f64::from(self.of.max(1))
    }
}

#[test]
fn other_text_is_covered() {
    let detectors = Detectors::builtin();
    let show = std::env::var("SHOW").unwrap_or_default();
    let (mut by_kind, mut by_disguise) = (BTreeMap::<&str, Share>::new(), BTreeMap::<&str, Share>::new());
    let mut all = Share::default();
    let mut draw = Draw::new(77);
    for (kind, plain) in values(&mut draw) {
        for (disguise, value) in disguises(kind, &plain, &mut draw) {
            let (before, after) = sentences(kind, &mut draw);
            let text = format!("{before}{value}{after}");
            let (start, end) = (before.len(), before.len() + value.len());
            let found = detectors.find(&text);
            let covered = found.iter().any(|finding| finding.start <= start && finding.end >= end);
            by_kind.entry(kind).or_default().add(covered);
            by_disguise.entry(disguise).or_default().add(covered);
            all.add(covered);
            if !covered && show == "misses" {
                println!(
                    "MISS {kind} {disguise} {text:?} {:?}",
                    found.iter().map(|f| &text[f.start..f.end]).collect::<Vec<_>>()
                );
            }
        }
    }
    let mut hit = Share::default();
    let mut by_trap = BTreeMap::<&str, Share>::new();
    for (kind, text) in traps(&mut draw) {
        let found = detectors.find(&text);
        hit.add(!found.is_empty());
        by_trap.entry(kind).or_default().add(!found.is_empty());
        if let (false, "traps") = (found.is_empty(), show.as_str()) {
            let what = found.iter().map(|f| (&detectors.info_types()[f.info_type.place()], &text[f.start..f.end]));
            println!("TRAP {kind} {text:?} {:?}", what.collect::<Vec<_>>());
        }
    }
    for (name, share) in by_kind.iter().chain(&by_disguise) {
        println!("{name:24} {:5} of {:5} covered: {:.4}", share.part, share.of, share.value());
    }
    for (name, share) in by_trap.iter().filter(|(_, share)| share.part > 0) {
        println!("trap {name:19} {:5} of {:5} hit", share.part, share.of);
    }
    println!("all {:.4}, traps {:.4}", all.value(), hit.value());
    assert!(all.value() >= 0.985, "{:.4} of all values", all.value());
    for (name, share) in &by_disguise {
        assert!(share.value() >= 0.95, "{name}: {:.4}", share.value());
    }
    assert!(by_kind["secret"].value() >= 0.97, "secrets: {:.4}", by_kind["secret"].value());
    assert!(hit.value() <= 0.005, "{:.4} of the traps are hit", hit.value());
}
