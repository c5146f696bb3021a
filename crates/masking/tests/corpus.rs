//! How much of the development corpus is covered, with floors that only ever rise. `SHOW=misses` or `SHOW=traps` prints
//! what is missed and what is hit, `SHOW=over` what is masked without need.
#![allow(
    clippy::print_stdout,
    clippy::panic,
    clippy::err_expect,
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop, and measurements are read by whoever runs it"
)]

mod support;

use std::collections::BTreeMap;

use gatewright_masking::Finding;
use support::{Document, Label, TYPES, corpus, detectors};

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

#[derive(Default)]
struct Score {
    by_type: BTreeMap<String, Share>,
    by_attack: BTreeMap<String, Share>,
    all: Share,
    traps: BTreeMap<String, Share>,
    trap_hits: Share,
    benign: u64,
    over_masked: u64,
}

fn overlaps(label: &Label, finding: &Finding) -> bool {
    label.start < finding.end && finding.start < label.end
}

fn covered(label: &Label, findings: &[Finding]) -> bool {
    let mut at = label.start;
    for finding in findings.iter().filter(|finding| overlaps(label, finding)) {
        if finding.start > at {
            return false;
        }
        at = at.max(finding.end);
    }
    at >= label.end
}

fn around(text: &str, start: usize, end: usize) -> String {
    let before = text.floor_char_boundary(start.saturating_sub(40));
    let after = text.ceil_char_boundary((end + 12).min(text.len()));
    format!("{:?} ‹{:?}› {:?}", &text[before..start], &text[start..end], &text[end..after])
}

fn score(documents: &[Document]) -> Score {
    let detectors = detectors();
    let show = std::env::var("SHOW").unwrap_or_default();
    let mut score = Score::default();
    for document in documents {
        let findings = detectors.find(&document.text);
        let scored = |label: &&Label| TYPES.iter().any(|(theirs, _)| *theirs == label.kind);
        for label in document.spans.iter().filter(scored) {
            let whole = covered(label, &findings);
            score.all.add(whole);
            score.by_type.entry(label.kind.clone()).or_default().add(whole);
            score.by_attack.entry(label.attack.clone()).or_default().add(whole);
            if !whole && show == "misses" {
                println!("MISS {} {} {}", label.kind, label.attack, around(&document.text, label.start, label.end));
            }
        }
        let other: Vec<&Label> =
            document.spans.iter().filter(|label| !scored(label)).chain(&document.ignored).collect();
        let counted = |finding: &&Finding| {
            document.spans.iter().any(|label| scored(&label) && overlaps(label, finding))
                || !other.iter().any(|label| overlaps(label, finding))
        };
        let findings: Vec<Finding> = findings.iter().filter(counted).copied().collect();
        for trap in &document.traps {
            let hit = findings.iter().find(|finding| overlaps(trap, finding));
            score.trap_hits.add(hit.is_some());
            score.traps.entry(trap.kind.clone()).or_default().add(hit.is_some());
            if let Some(hit) = hit.filter(|_| show == "traps") {
                let name = &detectors.info_types()[hit.info_type.place()];
                println!("TRAP {} {name} {}", trap.kind, around(&document.text, hit.start, hit.end));
            }
        }
        let mut labelled = vec![false; document.text.len()];
        for label in document.spans.iter().chain(&document.ignored) {
            labelled[label.start..label.end].fill(true);
        }
        score.benign += labelled.iter().filter(|labelled| !**labelled).count() as u64;
        for finding in &findings {
            let over = labelled[finding.start..finding.end].iter().filter(|labelled| !**labelled).count();
            score.over_masked += over as u64;
            if over > 0 && show == "over" {
                let name = &detectors.info_types()[finding.info_type.place()];
                println!("OVER {name} {}", around(&document.text, finding.start, finding.end));
            }
        }
    }
    score
}

#[test]
fn the_corpus_is_covered() {
    let score = score(&corpus());
    for (name, share) in score.by_type.iter().chain(&score.by_attack) {
        println!("{name:18} {:5} of {:5} covered: {:.4}", share.part, share.of, share.value());
    }
    for (name, share) in score.traps.iter().filter(|(_, share)| share.part > 0) {
        println!("trap {name:13} {:5} of {:5} hit", share.part, share.of);
    }
    let over = score.over_masked as f64 / score.benign as f64;
    println!("all {:.4}, traps {:.4}, over-masked {over:.6}", score.all.value(), score.trap_hits.value());
    assert_eq!(score.by_type.len(), TYPES.len(), "every type is in the corpus");
    for (name, share) in &score.by_type {
        let floor = TYPE_FLOORS.iter().find(|(kind, _)| kind == name).map_or(1.0, |(_, floor)| *floor);
        assert!(share.value() >= floor, "{name}: {:.4} is below {floor}", share.value());
    }
    for (name, share) in &score.by_attack {
        let floor = ATTACK_FLOORS.iter().find(|(kind, _)| kind == name).map_or(1.0, |(_, floor)| *floor);
        assert!(share.value() >= floor, "{name}: {:.4} is below {floor}", share.value());
    }
    assert!(score.all.value() >= 0.985, "{:.4} of all values", score.all.value());
    assert!(score.trap_hits.value() <= 0.005, "{:.4} of the traps are hit", score.trap_hits.value());
    assert!(over <= 0.0003, "{over:.6} of the other text is masked");
}

/// Where a type is not covered completely. Raise when it improves; never lower.
const TYPE_FLOORS: &[(&str, f64)] = &[];

/// The same by form of attack.
const ATTACK_FLOORS: &[(&str, f64)] = &[];
