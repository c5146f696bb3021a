//! From a call to a verdict: its access questions, which must all be permitted.

use gatewright_model::{Operation, Refusal, RuleRef, Setting, Verdict, WhySet};

use crate::action::Action;
use crate::ask::{About, Asking, Forbids, Permits, Side};
use crate::index::{Origin, Rule};
use crate::limits::Limits;
use crate::text::is_about_dataset;
use crate::words::{self, Subject};
use crate::{DatasetTerms, Question};

/// The most datasets that one call may reach: each is a question.
const MOST_DATASETS: usize = 64;

/// The verdict on all access questions of a call.
#[derive(Debug)]
pub(crate) struct Access {
    pub(crate) verdict: Verdict,
    pub(crate) rules: Vec<RuleRef>,
    pub(crate) refusal: Option<Refusal>,
    pub(crate) settings: Vec<Setting>,
    /// What may be taken out of each dataset that was asked about.
    pub(crate) datasets: Vec<DatasetTerms>,
    /// The roles whose grants it needs, each once.
    pub(crate) granting: Vec<u32>,
}

impl Access {
    /// Allowed by these rules.
    pub(crate) fn by(rules: Vec<RuleRef>) -> Self {
        let (settings, datasets, granting) = (Vec::new(), Vec::new(), Vec::new());
        Self { verdict: Verdict::Allow, rules, refusal: None, settings, datasets, granting }
    }

    pub(crate) fn denied(rule: RuleRef, refusal: Refusal) -> Self {
        Self { verdict: Verdict::Deny, refusal: Some(refusal), ..Self::by(vec![rule]) }
    }

    /// Nothing is set in, taken by or charged to a call that is not sent; one that waits keeps what it would be sent with.
    fn settle(mut self) -> Self {
        if self.verdict == Verdict::Deny {
            self.settings.clear();
            self.datasets.clear();
            self.granting.clear();
        }
        self
    }

    /// Both must be permitted; the sterner verdict stands, and of two equal ones the first speaks to the caller.
    fn and(mut self, other: Self) -> Self {
        let sternness = |verdict: Verdict| match verdict {
            Verdict::Allow => 0,
            Verdict::Hold => 1,
            Verdict::Deny => 2,
        };
        self.datasets.extend(other.datasets);
        for role in other.granting {
            if !self.granting.contains(&role) {
                self.granting.push(role);
            }
        }
        match sternness(other.verdict).cmp(&sternness(self.verdict)) {
            std::cmp::Ordering::Less => {}
            std::cmp::Ordering::Equal => self.rules.extend(other.rules),
            std::cmp::Ordering::Greater => {
                self.verdict = other.verdict;
                self.rules = other.rules;
                self.refusal = other.refusal;
            }
        }
        self.settle()
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
        true => Access::by(Vec::new()),
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
    let dataset = match subject {
        Subject::Dataset(name) => name,
        Subject::Model(_) | Subject::Nothing => "",
    };
    let Some(Choice { granted, role, settings: mut chosen, datasets }) = choose(asking, question, &permits, dataset)
    else {
        // Only who could use it otherwise is told of a range: to all others it is as if it did not exist.
        return near_miss(asking, question, &permits).unwrap_or_else(not_permitted);
    };
    chosen.extend_from_slice(settings);
    let forbids = match chosen.is_empty() {
        true => asking.forbids(action, resource, &stated),
        // Forbids are held against what will be sent, not against what was asked for.
        false => asking.forbids(action, resource, &Side::with(&chosen)),
    };
    let spoken = forbidden(asking, &forbids).unwrap_or_else(|| Access::by(vec![granted.reference.clone()]));
    let granting = role.into_iter().collect();
    Access { settings: chosen, datasets, granting, ..spoken }.settle()
}

/// The grant that allows a question, with what it sets and lets out.
struct Choice<'a> {
    granted: &'a Rule,
    role: Option<u32>,
    settings: Vec<Setting>,
    datasets: Vec<DatasetTerms>,
}

/// Of several grants that allow a call, the one that changes it least: fewest clamps, then fewest settings, then the one
/// that is written first. A call is allowed by one grant wholly; ranges of two are never mixed.
///
/// Of several grants on a dataset it is the one that withholds least.
fn choose<'a>(asking: &Asking<'a>, question: &Question<'_>, permits: &Permits, dataset: &str) -> Option<Choice<'a>> {
    let candidates = permits.granted.iter().filter_map(|number| {
        let rule = asking.compiled.rule(*number)?;
        let settings: Vec<Setting> = match &rule.origin {
            Origin::Grant(ranges, _) => ranges
                .iter()
                .filter_map(|range| {
                    range.settle(question.terms.operation, question.terms.parameters.get(range.parameter))
                })
                .collect(),
            Origin::Dataset(..) | Origin::Content | Origin::Plain => Vec::new(),
        };
        let (strictness, datasets) = match &rule.origin {
            Origin::Dataset(limits) => {
                let terms = limits.resolve(dataset, &rule.reference, question.identity)?;
                (Some(limits.strictness()), vec![terms])
            }
            // A Cedar file's permit of a dataset has no limits of its own, and bounds nothing but the vectors.
            _ if !dataset.is_empty() => {
                (None, Limits::default().resolve(dataset, &rule.reference, question.identity).into_iter().collect())
            }
            _ => (None, Vec::new()),
        };
        let clamps = settings.iter().filter(|setting| setting.why == WhySet::Clamped).count();
        let order = (clamps, settings.len(), strictness, *number);
        Some((order, Choice { granted: rule, role: asking.compiled.role_of(*number), settings, datasets }))
    });
    // Compared by hand: a key cannot be lent out of what is compared.
    let (_, choice) = candidates.reduce(|best, other| if other.0 < best.0 { other } else { best })?;
    Some(choice)
}

/// The first parameter that keeps a grant from allowing the call.
fn near_miss(asking: &Asking<'_>, question: &Question<'_>, permits: &Permits) -> Option<Access> {
    let mut missed: Vec<u32> = permits.missed.clone();
    missed.sort_unstable();
    let rules = missed.iter().filter_map(|number| asking.compiled.rule(*number));
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
    let rule = |number: &u32| asking.compiled.rule(*number);
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
    Some(Access { verdict, refusal: Some(refusal), ..Access::by(rules) })
}

/// Asks for an admin permission.
pub(crate) fn visit(asking: &Asking<'_>, action: Action) -> Access {
    debug_assert!(matches!(asking.about, About::Visit(..)));
    let side = Side::with(&[]);
    let gateway = asking.compiled.resources.gateway();
    let permits = asking.permits(action, gateway, &side);
    let granted = permits.granted.first().and_then(|number| asking.compiled.rule(*number));
    let Some(granted) = granted else {
        return Access::denied(words::default_deny(), words::no_admin_permission(action.name()));
    };
    let forbids = asking.forbids(action, gateway, &side);
    forbidden(asking, &forbids).unwrap_or_else(|| Access::by(vec![granted.reference.clone()]))
}

/// Whether an operation reads the list of models rather than one of them.
pub(crate) fn is_list(question: &Question<'_>) -> bool {
    let operation = question.terms.operation;
    operation == Operation::ListModels && question.terms.model.is_none() && question.model.is_none()
}
