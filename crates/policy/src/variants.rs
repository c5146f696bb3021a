//! Calls that two catalogues could judge differently although they name the same operation and thing: those with something
//! in their texts that a changed rule looks for, and those of another kind of caller or delivery where a Cedar condition asks.

use gatewright_model::{Delivery, Kind, RoleName, RuleRef};

use crate::text::{Consequence, Hours, Over, RuleText};
use crate::{Case, Catalogue};

impl Catalogue {
    /// The plain case and its variants.
    pub(crate) fn variants(&self, new: &Self, case: &Case) -> Vec<Case> {
        let mut cases = vec![case.clone()];
        for rule in self.rules_unlike(new) {
            let mut with = case.clone();
            with.matched.extend(rule.prompt.is_some().then(|| rule.name.clone()));
            with.found.extend(rule.found.first().map(|found| found.value.clone()));
            if with != *case {
                cases.push(with);
            }
        }
        let asks = |name: &str| self.compiled.attributes.has(name) || new.compiled.attributes.has(name);
        if asks("caller") {
            let mut workload = case.clone();
            workload.identity.kind = Kind::Workload;
            cases.push(workload);
        }
        if asks("delivery") {
            let mut streamed = case.clone();
            streamed.terms.delivery = Delivery::Stream;
            cases.push(streamed);
        }
        cases
    }

    /// The rules over texts that only one of both has, or that do something else in the other; each name once.
    fn rules_unlike<'a>(&'a self, new: &'a Self) -> Vec<&'a RuleText> {
        let of = |rules: &'a [RuleText], others: &'a [RuleText]| {
            rules.iter().filter(|rule| {
                let looks = rule.prompt.is_some() || !rule.found.is_empty();
                looks && !others.iter().any(|other| other.name == rule.name && says(other) == says(rule))
            })
        };
        let mut unlike: Vec<&RuleText> = of(&self.text.rules, &new.text.rules).collect();
        unlike.extend(of(&new.text.rules, &self.text.rules));
        unlike.sort_by(|left, right| left.name.cmp(&right.name));
        unlike.dedup_by(|left, right| left.name == right.name && left.found.first() == right.found.first());
        unlike
    }

    /// A case as this catalogue can take it: what it has no rule or detector for is neither matched nor found under it.
    pub fn understood(&self, case: &Case) -> Case {
        let mut case = case.clone();
        case.matched.retain(|rule| self.looks_at_prompts(rule));
        case.found.retain(|found| self.info_types.contains(found));
        case
    }

    /// The roles that some rule forbids something, so that it may take away what another role gives.
    pub(crate) fn forbidding_roles(&self) -> impl Iterator<Item = &RoleName> {
        let forbids = self.compiled.named().filter(|(_, shelf)| shelf.forbids());
        forbids.filter_map(|(role, _)| self.role_names.get(role as usize))
    }

    /// The rules whose conditions Cedar evaluates: of what they ask, only part is tried where callers are made up.
    pub fn conditional_rules(&self) -> impl Iterator<Item = &RuleRef> {
        self.compiled.all_rules().filter(|rule| rule.condition.is_some()).map(|rule| &rule.reference)
    }
}

/// Whom and what a rule is about, what it does, whether it looks at prompts and answers, and at which hours and sizes.
type Says<'r> = (crate::Applies, &'r Consequence, [bool; 2], [&'r Option<Hours>; 2], &'r [Over]);

/// What a rule says, without the place where it is written and without its patterns: whether a text matches is given.
fn says(rule: &RuleText) -> Says<'_> {
    let looks = [rule.prompt.is_some(), rule.answer.is_some()];
    (rule.applies(), &rule.consequence, looks, [&rule.hours, &rule.outside_hours], &rule.parameters)
}
