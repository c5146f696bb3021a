use std::collections::BTreeMap;

use gatewright_masking::{Detectors, Finding};
use gatewright_model::{Event, RuleName, Tally};
use gatewright_protocols::Place;

use crate::Call;
use crate::journal::Noteworthy;
use crate::words::field;
use crate::world::ContentRules;

/// A call whose texts were searched. What was found is decided on, masked and recorded from here: nobody searches again.
pub struct Examined {
    call: Call,
    /// What was found in each text, in the order in which the protocol visits them.
    findings: Vec<Vec<Finding>>,
    found: Vec<u16>,
    tallies: Vec<Tally>,
    matched: Vec<RuleName>,
}

/// Searches every text of a call, once.
pub(crate) fn examine(mut call: Call) -> Examined {
    let world = call.world().clone();
    let (protocol, route) = (call.protocol(), call.route());
    let mut findings = Vec::new();
    let mut matched = Vec::new();
    if world.stages.masking() {
        protocol.request_texts(route, call.body_mut(), &mut |text| {
            findings.push(match text.place {
                Place::Field(path) => world.detectors.find_in_field(&field(path), text.text),
                Place::Plain => world.detectors.find(text.text),
            });
            if let Some(rules) = &world.prompt_rules {
                rules.note_matches(text.text, &mut matched);
            }
        });
    }
    let counts = count(&findings);
    let tallies = tallies(&world.detectors, &counts);
    Examined { call, findings, found: counts.into_keys().collect(), tallies, matched }
}

fn count(findings: &[Vec<Finding>]) -> BTreeMap<u16, u32> {
    let mut counts = BTreeMap::new();
    for finding in findings.iter().flatten() {
        *counts.entry(u16::try_from(finding.info_type.place()).unwrap_or(u16::MAX)).or_insert(0) += 1;
    }
    counts
}

fn tallies(detectors: &Detectors, counts: &BTreeMap<u16, u32>) -> Vec<Tally> {
    counts
        .iter()
        .filter_map(|(index, count)| {
            let info_type = detectors.info_types().get(usize::from(*index))?.clone();
            Some(Tally { info_type, count: *count })
        })
        .collect()
}

impl ContentRules {
    /// Adds the rules whose patterns stand in this text.
    fn note_matches(&self, text: &str, matched: &mut Vec<RuleName>) {
        for finding in self.detectors.find(text) {
            if let Some(rule) = self.rules.get(finding.info_type.place())
                && !matched.contains(rule)
            {
                matched.push(rule.clone());
            }
        }
    }
}

impl Examined {
    pub(crate) const fn call(&self) -> &Call {
        &self.call
    }

    pub(crate) fn call_mut(&mut self) -> &mut Call {
        &mut self.call
    }

    pub(crate) fn found(&self) -> &[u16] {
        &self.found
    }

    pub(crate) fn matched(&self) -> &[RuleName] {
        &self.matched
    }

    pub(crate) fn into_call(self) -> (Call, Vec<Vec<Finding>>) {
        (self.call, self.findings)
    }
}

impl Noteworthy for Examined {
    fn event(&self) -> Event {
        Event::Examined { found: self.tallies.clone() }
    }
}
