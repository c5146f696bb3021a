//! How much is covered of a corpus of forty places: [`world`]. `SHOW=misses` or `SHOW=traps` prints what is missed and what is
//! hit, `GATEWRIGHT_SEED` makes another one, `ROUNDS` a longer one.
#![allow(clippy::print_stdout, reason = "measurements are read by whoever runs the test")]

mod world;

use std::collections::BTreeMap;
use std::ops::Range;

use gatewright_masking::Detectors;
use world::{Draw, LOCALES, samples, traps};

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

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|set| set.parse().ok()).unwrap_or(otherwise)
}

/// Whether findings hide all of a place, one after the other.
fn is_covered(found: &[Range<usize>], place: &Range<usize>) -> bool {
    let reach = |at: usize, next: &Range<usize>| if next.start <= at { at.max(next.end) } else { at };
    found.iter().fold(place.start, reach) >= place.end
}

fn find(detectors: &Detectors, text: &str) -> Vec<Range<usize>> {
    detectors.find(text).iter().map(|finding| finding.start..finding.end).collect()
}

#[test]
fn the_world_is_covered() {
    let detectors = Detectors::builtin();
    let show = std::env::var("SHOW").unwrap_or_default();
    let mut draw = Draw::new(setting("GATEWRIGHT_SEED", 20_261_124));
    let rounds = setting("ROUNDS", if cfg!(debug_assertions) { 6 } else { 30 }) as usize;
    let mut shares = BTreeMap::<(&str, &str), Share>::new();
    let mut all = Share::default();
    for sample in samples(rounds, &mut draw) {
        let found = find(&detectors, &sample.text);
        let covered = is_covered(&found, &sample.place);
        for by in [("kind", sample.kind), ("form", sample.form), ("place", sample.locale)] {
            shares.entry(by).or_default().add(covered);
        }
        all.add(covered);
        if !covered && show == "misses" {
            let seen: Vec<_> = found.iter().map(|range| &sample.text[range.clone()]).collect();
            println!("MISS {} {} {} {:?} {seen:?}", sample.kind, sample.form, sample.locale, sample.text);
        }
    }
    let mut hit = Share::default();
    for (kind, text) in traps(rounds, &mut draw) {
        let found = find(&detectors, &text);
        hit.add(!found.is_empty());
        shares.entry(("trap", kind)).or_default().add(!found.is_empty());
        if !found.is_empty() && show == "traps" {
            println!("TRAP {kind} {text:?} {:?}", found.iter().map(|range| &text[range.clone()]).collect::<Vec<_>>());
        }
    }
    for ((by, name), share) in shares.iter().filter(|((by, _), share)| *by != "trap" || share.part > 0) {
        println!("{by:5} {name:28} {:6} of {:6}: {:.4}", share.part, share.of, share.value());
    }
    println!("{} places, {} values, covered {:.4}, traps hit {:.4}", LOCALES.len(), all.of, all.value(), hit.value());
    assert!(LOCALES.len() >= 30 && shares.keys().filter(|(by, _)| *by == "form").count() >= 20);
    assert!(all.value() >= 0.985, "{:.4} of all values", all.value());
    for ((by, name), share) in shares.iter().filter(|((by, _), _)| *by != "trap") {
        assert!(share.value() >= 0.95, "{by} {name}: {:.4}", share.value());
    }
    assert!(hit.value() <= 0.005, "{:.4} of the traps are hit", hit.value());
}
