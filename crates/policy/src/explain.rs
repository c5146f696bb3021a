//! Why a call was decided as it was: every question, and every rule that spoke to it.

use gatewright_model::{InfoType, RuleRef, Setting, Treatment};

use crate::action::Action;
use crate::ask::{Asking, Side};
use crate::index::{Origin, Rule};
use crate::{Decision, Question};

/// A decision with everything that led to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What was decided.
    pub decision: Decision,
    /// The access questions, in the order in which they are asked; all must be permitted.
    pub questions: Vec<Asked>,
    /// What would happen to a value of each info type.
    pub exposures: Vec<Exposed>,
}

/// One access question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The operation.
    pub action: &'static str,
    /// `model` or `dataset`.
    pub kind: &'static str,
    /// Its name, as the call has it.
    pub name: String,
    /// Whether the configuration declares it; if not, no rule can speak of it.
    pub declared: Declared,
    /// The rules that permit it.
    pub permitted_by: Vec<RuleRef>,
    /// The rules that would permit it if their conditions held.
    pub missed: Vec<Missed>,
    /// The rules that forbid it, each with the approval that lifts it, if one does.
    pub forbidden_by: Vec<(RuleRef, Option<String>)>,
    /// The first rule that could not be evaluated, which denies.
    pub broken: Option<RuleRef>,
}

/// Whether the configuration declares a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declared {
    /// It does.
    Yes,
    /// It does not.
    No,
}

/// A permit whose scope fits and whose condition does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    /// The rule.
    pub rule: RuleRef,
    /// What kept it from permitting.
    pub why: String,
}

/// What happens to a value of an info type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposed {
    /// Which.
    pub info_type: InfoType,
    /// On its way to the model.
    pub request: Treatment,
    /// On its way back.
    pub reply: Treatment,
    /// The rules that let the model see it.
    pub disclosed_by: Vec<RuleRef>,
    /// The rules that let the caller see it.
    pub revealed_by: Vec<RuleRef>,
}

impl Asked {
    /// Whether this question alone would let the call through.
    pub fn is_permitted(&self) -> bool {
        !self.permitted_by.is_empty() && self.forbidden_by.is_empty() && self.broken.is_none()
    }
}

/// Asks one question again, for its rules. `settings` are those that the call would be sent with.
pub(crate) fn asked(
    asking: &Asking<'_>,
    question: &Question<'_>,
    action: Action,
    (kind, name, resource): (&'static str, &str, Option<u32>),
    settings: &[Setting],
) -> Asked {
    let mut asked = Asked {
        action: action.name(),
        kind,
        name: name.to_owned(),
        declared: if resource.is_some() { Declared::Yes } else { Declared::No },
        permitted_by: Vec::new(),
        missed: Vec::new(),
        forbidden_by: Vec::new(),
        broken: None,
    };
    let Some(resource) = resource else { return asked };
    let rule = |number: &u32| asking.compiled.rule(*number);
    let mut permits = asking.permits(action, resource, &Side::with(&[]));
    permits.granted.sort_unstable();
    permits.missed.sort_unstable();
    let granted = permits.granted.iter().filter_map(rule);
    let (given, withheld): (Vec<&Rule>, Vec<&Rule>) = granted.partition(|rule| match &rule.origin {
        Origin::Dataset(limits) => limits.resolve(name, &rule.reference, question.identity).is_some(),
        Origin::Grant(..) | Origin::Content | Origin::Plain => true,
    });
    asked.permitted_by = given.iter().map(|rule| rule.reference.clone()).collect();
    asked.permitted_by.dedup();
    let lacking = withheld.into_iter().map(|rule| Missed {
        rule: rule.reference.clone(),
        why: "its filter asks for a claim that the caller lacks".to_owned(),
    });
    let missed = permits.missed.iter().filter_map(rule);
    asked.missed =
        lacking.chain(missed.map(|rule| Missed { rule: rule.reference.clone(), why: why(rule, question) })).collect();
    asked.missed.dedup();
    let mut forbids = asking.forbids(action, resource, &Side::with(settings));
    forbids.fired.sort_unstable();
    let fired = forbids.fired.iter().filter_map(rule);
    asked.forbidden_by = fired.map(|rule| (rule.reference.clone(), rule.approval.clone())).collect();
    asked.forbidden_by.dedup();
    asked.broken = forbids.broken.as_ref().and_then(rule).map(|rule| rule.reference.clone());
    asked
}

/// What kept a permit from permitting, as far as it is known.
fn why(rule: &Rule, question: &Question<'_>) -> String {
    let Origin::Grant(ranges, window) = &rule.origin else { return "its condition does not hold".to_owned() };
    if !window.contains(question.now) {
        return "it is not valid at this moment".to_owned();
    }
    let (operation, stated) = (question.terms.operation, &question.terms.parameters);
    let outside = ranges.iter().find(|range| !range.lets_past(operation, stated.get(range.parameter)));
    match outside {
        None => "its condition does not hold".to_owned(),
        Some(range) => {
            let name = range.parameter.name();
            let said = stated.get(range.parameter).map_or_else(|| "nothing".to_owned(), |value| value.to_string());
            format!("{name} must be {}, and the request says {said}", range.in_words())
        }
    }
}
