//! The pages, one for each place, and what they share.

pub(crate) mod access;
pub(crate) mod approval;
pub(crate) mod approvals;
mod decision;
pub(crate) mod fault;
pub(crate) mod home;
pub(crate) mod notifications;
pub(crate) mod sign_in;
mod texts;

use gatewright_api::{Approval, ApprovalState, Person, Wish};
use maud::{Markup, html};

use crate::{times, visible};

/// Somebody by the issuer's key for them; whose key it is stands beside it, since another issuer's `alice` is another one.
fn person(person: &Person) -> Markup {
    html! { bdi { (visible::line(&person.subject)) } span.faint { "@" (visible::line(&person.issuer)) } }
}

/// How an approval stands, in a word with a sign, so that colour is not all that tells.
fn state(state: ApprovalState) -> Markup {
    let (sign, class) = match state {
        ApprovalState::Pending => ("●", "pending"),
        ApprovalState::Approved => ("✓", "yes"),
        ApprovalState::Used => ("✓", "yes"),
        ApprovalState::Denied => ("✕", "no"),
        ApprovalState::Expired => ("–", "over"),
        ApprovalState::Revoked => ("✕", "over"),
    };
    html! { span.state.(class) { span aria-hidden="true" { (sign) } " " (word(state)) } }
}

/// A state's word.
const fn word(state: ApprovalState) -> &'static str {
    match state {
        ApprovalState::Pending => "waiting",
        ApprovalState::Approved => "approved",
        ApprovalState::Used => "approved, used",
        ApprovalState::Denied => "denied",
        ApprovalState::Expired => "expired",
        ApprovalState::Revoked => "taken back",
    }
}

/// Who wants what, in one sentence.
fn wish(approval: &Approval) -> Markup {
    let what = match approval.wish {
        Wish::Call => {
            let operation = approval.operation.as_deref().unwrap_or("call");
            let model = approval.model.as_deref();
            html! {
                span.faint { " wants to " }
                (visible::line(operation))
                @if let Some(model) = model { span.faint { " with " } (visible::line(model)) }
                @else if !approval.datasets.is_empty() { span.faint { " on " } (visible::line(&approval.datasets.join(", "))) }
            }
        }
        Wish::Access => match &approval.access {
            Some(asked) => html! {
                span.faint { " asks for the role " } (visible::line(&asked.role))
                span.faint { " for " } (times::exact(asked.for_s))
            },
            None => html! { span.faint { " asks for a role" } },
        },
    };
    html! { (person(&approval.caller)) (what) }
}

/// The same for a window's title.
fn wish_in_words(approval: &Approval) -> String {
    let subject = &approval.caller.subject;
    let words = match (&approval.access, &approval.model) {
        (Some(asked), _) => format!("{subject}: role {}", asked.role),
        (None, Some(model)) => format!("{subject}: {} {model}", approval.operation.as_deref().unwrap_or("call")),
        (None, None) => format!("{subject}: {}", approval.operation.as_deref().unwrap_or("call")),
    };
    visible::plain(&words)
}
