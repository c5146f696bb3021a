//! The operator's own `.cedar` files: validated against the same schema, seated in the same index, and refused with file
//! and line where they cannot be.

use std::fmt::Display;
use std::str::FromStr;

use cedar_policy::{Effect, Policy, PolicyId, PolicySet, ValidationMode};
use gatewright_model::{RuleName, RuleRef};
use miette::Diagnostic;

use super::generate::Draft;
use super::place::{self, Placement};
use super::{Origin, Trigger, Work, effect_of};
use crate::text::quoted;
use crate::{DEFAULT_DENY, Fault, Source};

/// The annotations that mean something; a misspelt one must not be taken for decoration.
const ANNOTATIONS: [&str; 3] = ["id", "approval", "description"];

/// Reads one file.
pub(super) fn read(source: &Source, work: &mut Work<'_>) {
    let set = match PolicySet::from_str(&source.text) {
        Ok(set) => set,
        Err(errors) => {
            let faults = errors.iter().map(|error| fault_of(source, error, error));
            return work.faults.extend(faults);
        }
    };
    let result = work.validator.validate(&set, ValidationMode::Strict);
    let mut refused: Vec<PolicyId> = Vec::new();
    for error in result.validation_errors() {
        refused.push(error.policy_id().clone());
        work.faults.push(fault_of(source, error, error));
    }
    // A warning tells of a policy that never applies or whose text deceives the eye: neither may decide.
    for warning in result.validation_warnings() {
        refused.push(warning.policy_id().clone());
        work.faults.push(fault_of(source, warning, warning));
    }
    for template in set.templates() {
        let line = source.text.find(&template.to_cedar()).map_or(0, |at| line_of(source, at));
        work.faults.push(at_line(source, line, "templates have no place in a catalogue: write the policy out"));
    }
    let mut from = 0;
    for number in 0..set.policies().count() {
        let Some(policy) = set.policy(&PolicyId::new(format!("policy{number}"))) else { continue };
        // Policies are numbered in the order of the file, and each prints as its own source text.
        let written = policy.to_cedar().unwrap_or_default();
        let at = source.text.get(from..).and_then(|rest| rest.find(&written)).map_or(from, |found| from + found);
        from = at + written.len();
        if !refused.contains(policy.id()) {
            one(source, line_of(source, at), number, policy, work);
        }
    }
}

/// Seats one policy of the file.
fn one(source: &Source, line: u32, number: usize, policy: &Policy, work: &mut Work<'_>) {
    let mut faults = Vec::new();
    for (key, _) in policy.annotations() {
        if !ANNOTATIONS.contains(&key) {
            faults.push(format!("unknown annotation @{key}; known: @{}", ANNOTATIONS.join(", @")));
        }
    }
    let stem = source.name.rsplit('/').next().unwrap_or(&source.name);
    let name = policy.annotation("id").map_or_else(|| format!("{stem}#{}", number + 1), str::to_owned);
    if name == DEFAULT_DENY || name.is_empty() || name.len() > 128 || name.chars().any(char::is_control) {
        faults.push(format!("{} cannot be a rule's name", quoted(&name)));
    }
    if !work.rule_names.insert(name.clone()) {
        faults.push(format!("a rule called {} stands elsewhere already", quoted(&name)));
    }
    let approval = policy.annotation("approval").map(str::to_owned);
    if let Some(approval) = &approval {
        if policy.effect() == Effect::Permit {
            faults.push("@approval belongs on a forbid: it says who may lift it".to_owned());
        }
        if !work.approvals.contains(approval) {
            faults.push(format!("no approval is called {}", quoted(approval)));
        }
    }
    let placement = place::place(policy, work.resources);
    if let Ok(Placement { trigger: Some(Trigger::Matched(rule)), .. }) = &placement
        && !work.content_rules.contains(rule.as_str())
    {
        faults.push(format!("no rule with a `prompt` is called {}", quoted(rule.as_str())));
    }
    if let Ok(Placement { role: Some(role), .. }) = &placement
        && work.role_number(role).is_none()
    {
        faults.push(format!("there is no role {} in the catalogue", quoted(role)));
    }
    match placement {
        Err(message) => faults.push(message),
        Ok(placement) if faults.is_empty() => {
            if placement.hides_its_list {
                let message = "written as alternatives, these resources are compared on every question; \
                               `[A, B].contains(resource)` first in `when` is found by the index";
                work.warnings.push(at_line(source, line, message));
            }
            let reference = RuleRef { name: RuleName::new(name), file: source.name.as_str().into(), line };
            let draft = Draft { text: String::new(), shape: None, reference, origin: Origin::Plain, approval };
            return work.seat(Some(policy), effect_of(policy), placement, draft);
        }
        Ok(_) => {}
    }
    work.faults.extend(faults.iter().map(|message| at_line(source, line, message)));
}

fn at_line(source: &Source, line: u32, message: &str) -> Fault {
    Fault { file: source.name.clone(), line, column: 0, message: message.to_owned() }
}

/// Cedar's words with the place that its diagnostic labels.
fn fault_of(source: &Source, words: &dyn Display, diagnostic: &dyn Diagnostic) -> Fault {
    let label = diagnostic.labels().and_then(|mut labels| labels.next());
    let offset = label.as_ref().map(|label| label.offset());
    let (line, column) = offset.map_or((0, 0), |offset| (line_of(source, offset), column_of(source, offset)));
    let more = label.and_then(|label| label.label().map(|text| format!(": {text}"))).unwrap_or_default();
    let help = diagnostic.help().map(|help| format!(" ({help})")).unwrap_or_default();
    Fault { file: source.name.clone(), line, column, message: format!("{words}{more}{help}") }
}

fn line_of(source: &Source, offset: usize) -> u32 {
    let before = source.text.as_bytes().iter().take(offset);
    u32::try_from(before.filter(|byte| **byte == b'\n').count() + 1).unwrap_or(u32::MAX)
}

fn column_of(source: &Source, offset: usize) -> u32 {
    let before = source.text.get(..offset).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    u32::try_from(line.chars().count() + 1).unwrap_or(u32::MAX)
}
