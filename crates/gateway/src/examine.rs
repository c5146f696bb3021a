use std::collections::BTreeMap;

use gatewright_masking::{Detectors, Finding};
use gatewright_model::{Event, RuleName, Tally};

use crate::Call;
use crate::hold::Holds;
use crate::journal::Noteworthy;
use crate::search::{Searched, search};

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
pub(crate) fn examine(mut call: Call, holds: Option<&Holds>) -> Examined {
    let world = call.world().clone();
    let (protocol, route, session) = (call.protocol(), call.route(), call.session());
    let Searched { findings, matched } = match world.stages.masking() {
        true => {
            let patterns = world.prompt_rules.as_ref().map(|rules| (&rules.detectors, rules.rules.as_slice()));
            let lifted = |rule: &RuleName, text: &str| holds.is_some_and(|holds| holds.was_lifted(session, rule, text));
            search(protocol, route, call.body_mut(), &world.detectors, patterns, &lifted)
        }
        false => Searched::default(),
    };
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

    pub(crate) fn findings(&self) -> &[Vec<Finding>] {
        &self.findings
    }

    pub(crate) fn tallies(&self) -> &[Tally] {
        &self.tallies
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
