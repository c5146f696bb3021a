//! What a caller is told. An unknown and a forbidden thing are told in the same words.

use gatewright_model::{Code, Operation, Parameters, Refusal, RuleName, RuleRef};

use crate::DEFAULT_DENY;
use crate::index::{Origin, Rule};
use crate::ranges::Range;
use crate::text::quoted;

/// What a question is about, by the name that the caller used.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subject<'a> {
    Model(&'a str),
    Dataset(&'a str),
    Nothing,
}

/// The rule that speaks where no other does.
pub(crate) fn default_deny() -> RuleRef {
    RuleRef { name: RuleName::from(DEFAULT_DENY), file: "".into(), line: 0 }
}

/// No rule permits it, or there is no such thing.
pub(crate) fn not_permitted(operation: Operation, subject: Subject<'_>) -> Refusal {
    let message = match subject {
        Subject::Model(name) => {
            format!(
                "You are not permitted to use {operation} on the model {}, or there is no such model.",
                quoted(name)
            )
        }
        Subject::Dataset(name) => {
            format!(
                "You are not permitted to use {operation} on the dataset {}, or there is no such dataset.",
                quoted(name)
            )
        }
        Subject::Nothing => format!("You are not permitted to use {operation}."),
    };
    let refusal = Refusal::new(Code::PermissionDenied, message).by(RuleName::from(DEFAULT_DENY));
    match subject {
        Subject::Model(_) => refusal.about("model"),
        Subject::Dataset(_) | Subject::Nothing => refusal,
    }
}

/// A stated parameter lies outside what the caller's grant allows.
pub(crate) fn out_of_range(range: &Range, stated: &Parameters, rule: &Rule) -> Refusal {
    let name = range.parameter.name();
    let message = match stated.get(range.parameter) {
        Some(value) => format!("{name} must be {} for you; the request says {value}.", range.in_words()),
        None => format!("{name} must be {} for you, and it is not known for this request.", range.in_words()),
    };
    Refusal::new(Code::InvalidRequest, message).about(name).by(rule.reference.name.clone())
}

/// A rule refused it.
pub(crate) fn refused(rule: &Rule) -> Refusal {
    let name = rule.reference.name.clone();
    let code = match rule.origin {
        Origin::Content => Code::BlockedContent,
        Origin::Grant(..) | Origin::Dataset(..) | Origin::Plain => Code::PermissionDenied,
    };
    Refusal::new(code, format!("Refused by rule {name}.")).by(name)
}

/// A rule holds it until a person has decided.
pub(crate) fn held(rule: &Rule) -> Refusal {
    let name = rule.reference.name.clone();
    let message = format!("Held by rule {name}. A person has to approve this call before it can run.");
    Refusal::new(Code::ApprovalPending, message).by(name)
}

/// A rule could not be evaluated, which counts as a denial.
pub(crate) fn broken(rule: &Rule) -> Refusal {
    let name = rule.reference.name.clone();
    let message = format!("Rule {name} could not be evaluated for this call, which counts as a refusal.");
    Refusal::new(Code::PermissionDenied, message).by(name)
}

/// The call was examined by other rules or detectors than those of this catalogue.
pub(crate) fn stale() -> Refusal {
    let message = "The policy was replaced while this call was examined. Send it again.";
    Refusal::new(Code::NotReady, message).by(RuleName::from(DEFAULT_DENY))
}

/// More datasets than one call may reach.
pub(crate) fn too_many_datasets(most: usize) -> Refusal {
    Refusal::new(Code::TooLarge, format!("A call may reach at most {most} datasets.")).by(RuleName::from(DEFAULT_DENY))
}

/// No rule gives an admin permission.
pub(crate) fn no_admin_permission(name: &str) -> Refusal {
    let message = format!("You do not have the permission {}.", quoted(name));
    Refusal::new(Code::PermissionDenied, message).by(RuleName::from(DEFAULT_DENY))
}
