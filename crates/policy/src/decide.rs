//! From a call to a verdict: its access questions, which must all be permitted.

use gatewright_model::{Operation, Refusal, RuleRef, Setting, Verdict, WhySet};

use crate::Question;
use crate::action::Action;
use crate::ask::{About, Asking, Forbids, Permits, Side};
use crate::index::{Origin, Rule};
use crate::text::is_about_dataset;
use crate::words::{self, Subject};

/// The most datasets that one call may reach: each is a question.
const MOST_DATASETS: usize = 64;

/// The verdict on all access questions of a call.
#[derive(Debug)]
pub(crate) struct Access {
    pub(crate) verdict: Verdict,
    pub(crate) rules: Vec<RuleRef>,
    pub(crate) refusal: Option<Refusal>,
    pub(crate) settings: Vec<Setting>,
}

impl Access {
    fn allowed() -> Self {
        Self { verdict: Verdict::Allow, rules: Vec::new(), refusal: None, settings: Vec::new() }
    }

    pub(crate) fn denied(rule: RuleRef, refusal: Refusal) -> Self {
        Self { verdict: Verdict::Deny, rules: vec![rule], refusal: Some(refusal), settings: Vec::new() }
    }

    /// Both must be permitted; the sterner verdict stands, and of two equal ones the first speaks to the caller.
    fn and(mut self, other: Self) -> Self {
        let sternness = |verdict: Verdict| match verdict {
            Verdict::Allow => 0,
            Verdict::Hold => 1,
            Verdict::Deny => 2,
        };
        match sternness(other.verdict).cmp(&sternness(self.verdict)) {
            std::cmp::Ordering::Less => {}
            std::cmp::Ordering::Equal => self.rules.extend(other.rules),
            std::cmp::Ordering::Greater => {
                // Nothing is set in a call that is not sent; one that waits keeps what it would be sent with.
                if other.verdict == Verdict::Deny {
                    self.settings.clear();
                }
                self.verdict = other.verdict;
                self.rules = other.rules;
                self.refusal = other.refusal;
            }
        }
        self
    }
}

/// Asks every access question of a call: its operation on its model, and on each dataset that it reaches.
pub(crate) fn access(asking: &Asking<'_>, question: &Question<'_>, model: Option<u32>) -> Access {
    let terms = question.terms;
    let operation = terms.operation;
    if terms.datasets.len() > MOST_DATASETS {
        return Access::denied(words::default_deny(), words::too_many_datasets(MOST_DATASETS));
    }
    let about_dataset = is_about_dataset(operation);
    // An operation on datasets is none on models: without a dataset, or with a model, nothing could permit it.
    let is_odd = about_dataset && (terms.datasets.is_empty() || terms.model.is_some() || question.model.is_some());
    let subject = match (&terms.model, question.model) {
        (Some(name), _) => Subject::Model(name.as_str()),
        (None, Some(facts)) => Subject::Model(facts.name.as_str()),
        (None, None) => Subject::Nothing,
    };
    if is_odd {
        return Access::denied(words::default_deny(), words::not_permitted(operation, subject));
    }
    let mut access = match about_dataset {
        true => Access::allowed(),
        false => one(asking, question, Action::Operation(operation), model, subject, &[]),
    };
    let action = Action::Operation(if about_dataset { operation } else { Operation::ReadDataset });
    for dataset in &terms.datasets {
        let resource = asking.compiled.resources.dataset(dataset.as_str());
        let settings = access.settings.clone();
        let subject = Subject::Dataset(dataset.as_str());
        access = access.and(one(asking, question, action, resource, subject, &settings));
    }
    access
}

/// Asks one access question. `settings` are those that an earlier question of the call has led to.
fn one(
    asking: &Asking<'_>,
    question: &Question<'_>,
    action: Action,
    resource: Option<u32>,
    subject: Subject<'_>,
    settings: &[Setting],
) -> Access {
    let operation = match action {
        Action::Operation(operation) => operation,
        Action::Disclose | Action::Reveal | Action::RevealToTools | Action::Admin(_) => question.terms.operation,
    };
    let not_permitted = || Access::denied(words::default_deny(), words::not_permitted(operation, subject));
    let Some(resource) = resource else { return not_permitted() };
    let stated = Side::with(&[]);
    let permits = asking.permits(action, resource, &stated);
    let Some((granted, mut chosen)) = choose(asking, question, &permits) else {
        // Only who could use it otherwise is told of a range: to all others it is as if it did not exist.
        return near_miss(asking, question, &permits).unwrap_or_else(not_permitted);
    };
    chosen.extend_from_slice(settings);
    let forbids = match chosen.is_empty() {
        true => asking.forbids(action, resource, &stated),
        // Forbids are held against what will be sent, not against what was asked for.
        false => asking.forbids(action, resource, &Side::with(&chosen)),
    };
    match forbidden(asking, &forbids) {
        Some(access) => {
            Access { settings: if access.verdict == Verdict::Hold { chosen } else { Vec::new() }, ..access }
        }
        None => {
            Access { verdict: Verdict::Allow, rules: vec![granted.reference.clone()], refusal: None, settings: chosen }
        }
    }
}

/// Of several grants that allow a call, the one that changes it least: fewest clamps, then fewest settings, then the one
/// that is written first. A call is allowed by one grant wholly; ranges of two are never mixed.
fn choose<'a>(asking: &Asking<'a>, question: &Question<'_>, permits: &Permits) -> Option<(&'a Rule, Vec<Setting>)> {
    let candidates = permits.granted.iter().filter_map(|number| {
        let rule = asking.compiled.rules.get(*number as usize)?;
        let settings: Vec<Setting> = match &rule.origin {
            Origin::Grant(ranges, _) => ranges
                .iter()
                .filter_map(|range| {
                    range.settle(question.terms.operation, question.terms.parameters.get(range.parameter))
                })
                .collect(),
            Origin::Content | Origin::Plain => Vec::new(),
        };
        let clamps = settings.iter().filter(|setting| setting.why == WhySet::Clamped).count();
        Some(((clamps, settings.len(), *number), rule, settings))
    });
    let (_, rule, settings) = candidates.min_by_key(|(order, ..)| *order)?;
    Some((rule, settings))
}

/// The first parameter that keeps a grant from allowing the call.
fn near_miss(asking: &Asking<'_>, question: &Question<'_>, permits: &Permits) -> Option<Access> {
    let mut missed: Vec<u32> = permits.missed.clone();
    missed.sort_unstable();
    let rules = missed.iter().filter_map(|number| asking.compiled.rules.get(*number as usize));
    rules.into_iter().find_map(|rule| {
        let Origin::Grant(ranges, window) = &rule.origin else { return None };
        // A grant that does not count now must not tell of what it would allow.
        if !window.contains(question.now) {
            return None;
        }
        let stated = &question.terms.parameters;
        let range =
            ranges.iter().find(|range| !range.lets_past(question.terms.operation, stated.get(range.parameter)))?;
        Some(Access::denied(rule.reference.clone(), words::out_of_range(range, stated, rule)))
    })
}

/// What the forbids say of a question that is permitted; `None` where none speaks.
pub(crate) fn forbidden(asking: &Asking<'_>, forbids: &Forbids) -> Option<Access> {
    let rule = |number: &u32| asking.compiled.rules.get(*number as usize);
    if let Some(broken) = forbids.broken.as_ref().and_then(rule) {
        return Some(Access::denied(broken.reference.clone(), words::broken(broken)));
    }
    let mut fired: Vec<u32> = forbids.fired.clone();
    fired.sort_unstable();
    let fired: Vec<&Rule> = fired.iter().filter_map(rule).collect();
    let stern: Vec<&Rule> = fired.iter().copied().filter(|rule| rule.approval.is_none()).collect();
    let (verdict, speaking) = match stern.is_empty() {
        true => (Verdict::Hold, fired),
        false => (Verdict::Deny, stern),
    };
    let first = speaking.first()?;
    let refusal = match verdict {
        Verdict::Hold => words::held(first),
        Verdict::Allow | Verdict::Deny => words::refused(first),
    };
    let mut rules: Vec<RuleRef> = speaking.iter().map(|rule| rule.reference.clone()).collect();
    rules.dedup();
    Some(Access { verdict, rules, refusal: Some(refusal), settings: Vec::new() })
}

/// Asks for an admin permission.
pub(crate) fn visit(asking: &Asking<'_>, action: Action) -> Access {
    debug_assert!(matches!(asking.about, About::Visit(..)));
    let side = Side::with(&[]);
    let gateway = asking.compiled.resources.gateway();
    let permits = asking.permits(action, gateway, &side);
    let granted = permits.granted.first().and_then(|number| asking.compiled.rules.get(*number as usize));
    let Some(granted) = granted else {
        return Access::denied(words::default_deny(), words::no_admin_permission(action.name()));
    };
    let forbids = asking.forbids(action, gateway, &side);
    forbidden(asking, &forbids)
        .unwrap_or_else(|| Access { rules: vec![granted.reference.clone()], ..Access::allowed() })
}

/// Whether an operation reads the list of models rather than one of them.
pub(crate) fn is_list(question: &Question<'_>) -> bool {
    let operation = question.terms.operation;
    operation == Operation::ListModels && question.terms.model.is_none() && question.model.is_none()
}
