use gatewright_json::Value;
use gatewright_masking::{Detectors, Finding};
use gatewright_model::RuleName;
use gatewright_protocols::{Place, Protocol, Route};

use crate::words::field;

/// What stands in a request's texts.
#[derive(Debug, Default)]
pub struct Searched {
    /// What was found in each text, in the order in which the protocol visits them.
    pub findings: Vec<Vec<Finding>>,
    /// The content rules whose patterns stand in some text.
    pub matched: Vec<RuleName>,
}

/// What content rules look for, and the rule of each pattern.
pub type Patterns<'a> = (&'a Detectors, &'a [RuleName]);

/// Searches every text of a request, once: a call that waits and one that a file describes are searched alike.
pub fn search(
    protocol: &dyn Protocol,
    route: &Route,
    body: &mut Value,
    detectors: &Detectors,
    patterns: Option<Patterns<'_>>,
) -> Searched {
    let mut searched = Searched::default();
    protocol.request_texts(route, body, &mut |text| {
        searched.findings.push(match text.place {
            Place::Field(path) => detectors.find_in_field(&field(path), text.text),
            Place::Plain => detectors.find(text.text),
        });
        let Some((patterns, rules)) = patterns else { return };
        for finding in patterns.find(text.text) {
            if let Some(rule) = rules.get(finding.info_type.place())
                && !searched.matched.contains(rule)
            {
                searched.matched.push(rule.clone());
            }
        }
    });
    searched
}
