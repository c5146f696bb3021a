//! Every name that a catalogue uses has to be one that the configuration or the catalogue declares.

use std::collections::HashSet;

use crate::action::Target;
use crate::resources::Resources;
use crate::text::{CatalogueText, Placed, RoleText, Selector, quoted};
use crate::{Fault, Landscape};

/// Faults and warnings about names.
#[derive(Default)]
pub(crate) struct Findings {
    pub(crate) faults: Vec<Fault>,
    pub(crate) warnings: Vec<Fault>,
}

/// Holds the names outside of roles against the landscape.
pub(crate) fn names(text: &CatalogueText, landscape: &Landscape, resources: &Resources) -> Findings {
    let mut found = Findings::default();
    let issuers: Vec<&str> = landscape.issuers.iter().map(|issuer| issuer.as_str()).collect();
    let roles: HashSet<&str> = text.roles.iter().map(|role| role.name.as_str()).collect();
    for placed in text.masking.info_types() {
        info_type(placed, landscape, resources, &mut found);
    }
    for model in text.budgets.iter().flat_map(|budget| &budget.models) {
        selector(model, Target::Model, resources, Tags::Refuse, &mut found);
    }
    for rule in &text.rules {
        for role in &rule.roles {
            if !roles.contains(role.value.as_str()) {
                found.faults.push(role.place.fault(unknown("role", &role.value, roles.iter().copied())));
            }
        }
        rule.models.iter().for_each(|model| selector(model, Target::Model, resources, Tags::Refuse, &mut found));
        for selected in &rule.datasets {
            match &selected.value {
                Selector::Name(name) if resources.dataset(name).is_none() => {
                    let known = landscape.datasets.iter().map(|dataset| dataset.name.as_str());
                    found.faults.push(selected.place.fault(unknown("dataset", name, known)));
                }
                _ => selector(selected, Target::Dataset, resources, Tags::Refuse, &mut found),
            }
        }
        rule.found.iter().for_each(|placed| info_type(placed, landscape, resources, &mut found));
    }
    for approver in text.approvals().iter().flat_map(|approval| &approval.approvers) {
        let placed = Placed { value: approver.issuer.as_str().to_owned(), place: approver.place.clone() };
        issuer(&placed, &issuers, &mut found);
    }
    for detector in text.detectors() {
        if resources.info_type_index(detector.name.as_str()).is_none() {
            let message = format!("no detector was made of {}", detector.name);
            found.faults.push(detector.place.fault(message));
        }
    }
    found
}

/// Holds the names of one role against the landscape.
pub(crate) fn role(role: &RoleText, landscape: &Landscape, resources: &Resources) -> Findings {
    let mut found = Findings::default();
    let issuers: Vec<&str> = landscape.issuers.iter().map(|issuer| issuer.as_str()).collect();
    for member in &role.members {
        issuer(&member.issuer, &issuers, &mut found);
    }
    for by in role.request.iter().flat_map(|request| &request.by) {
        let placed = Placed { value: by.issuer.as_str().to_owned(), place: by.place.clone() };
        issuer(&placed, &issuers, &mut found);
    }
    for grant in &role.grants {
        grant.models.iter().for_each(|model| selector(model, Target::Model, resources, Tags::Warn, &mut found));
        for operation in &grant.operations {
            if *operation == gatewright_model::Operation::Files {
                let message =
                    "`files` is granted, but no protocol of this version names a model for it, so it stays denied";
                found.warnings.push(grant.place.fault(message));
            }
        }
    }
    for dataset in &role.datasets {
        for selected in &dataset.datasets {
            match &selected.value {
                Selector::Name(name) if resources.dataset(name).is_none() => {
                    let known = landscape.datasets.iter().map(|dataset| dataset.name.as_str());
                    found.faults.push(selected.place.fault(unknown("dataset", name, known)));
                }
                _ => selector(selected, Target::Dataset, resources, Tags::Warn, &mut found),
            }
        }
    }
    for model in role.budgets.iter().flat_map(|budget| &budget.models) {
        selector(model, Target::Model, resources, Tags::Refuse, &mut found);
    }
    for placed in role.reveal.iter().chain(&role.reveal_to_tools).chain(&role.disclose).chain(role.masking.info_types())
    {
        info_type(placed, landscape, resources, &mut found);
    }
    found
}

/// What a tag that no model has means: a grant may wait for its models, a prohibition may not miss them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tags {
    Warn,
    Refuse,
}

fn selector(selector: &Placed<Selector>, target: Target, resources: &Resources, tags: Tags, found: &mut Findings) {
    let what = match target {
        Target::Dataset => "dataset",
        Target::Model | Target::InfoType | Target::Gateway => "model",
    };
    match &selector.value {
        Selector::Name(name) => {
            let is_known = match target {
                Target::Dataset => resources.dataset(name).is_some(),
                Target::Model | Target::InfoType | Target::Gateway => resources.model(name).is_some(),
            };
            if !is_known {
                found.faults.push(selector.place.fault(format!("no {what} is called {}", quoted(name))));
            }
        }
        Selector::Connection(name) => {
            if !resources.has_member(target, "Connection", name) {
                let message = format!("no connection with a {what} is called {}", quoted(name));
                found.faults.push(selector.place.fault(message));
            }
        }
        Selector::Tag(tag) => {
            if !resources.has_member(target, "Tag", tag) {
                let fault = selector.place.fault(format!("no {what} has the tag {}", quoted(tag)));
                match tags {
                    Tags::Warn => found.warnings.push(fault),
                    Tags::Refuse => found.faults.push(fault),
                }
            }
        }
    }
}

fn issuer(named: &Placed<String>, known: &[&str], found: &mut Findings) {
    if !known.contains(&named.value.as_str()) {
        found.faults.push(named.place.fault(unknown("issuer", &named.value, known.iter().copied())));
    }
}

fn info_type(
    named: &Placed<gatewright_model::InfoType>,
    landscape: &Landscape,
    resources: &Resources,
    found: &mut Findings,
) {
    if resources.info_type_index(named.value.as_str()).is_none() {
        let known = landscape.info_types.iter().map(|info_type| info_type.as_str());
        found.faults.push(named.place.fault(unknown("info type", named.value.as_str(), known)));
    }
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let mut known: Vec<&str> = known.collect();
    known.sort_unstable();
    let more = known.len().saturating_sub(40);
    known.truncate(40);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    match known.is_empty() {
        true => format!("unknown {what} {}; none is configured", quoted(name)),
        false => format!("unknown {what} {}; known: {}{rest}", quoted(name), known.join(", ")),
    }
}
