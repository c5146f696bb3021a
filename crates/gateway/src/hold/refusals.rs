use std::time::Duration;

use gatewright_model::{Code, Refusal, RuleName};
use gatewright_store::state::StateError;
use gatewright_store::state::approvals::{Approval, ApprovalState, Choice};

use super::Holds;

/// When asking again may find a decision.
const AGAIN: Duration = Duration::from_secs(30);

impl Holds {
    /// Nobody has decided yet, or what was decided says no.
    pub(super) fn refusal(&self, approval: &Approval) -> Refusal {
        let (rule, url) = (&approval.rule, self.url(approval.id));
        let refusal = match approval.state {
            ApprovalState::Pending | ApprovalState::Approved | ApprovalState::Used => {
                let words = format!("Held by rule {rule}. Approve at {url}, then send the same request again.");
                Refusal::new(Code::ApprovalPending, words).about("messages").retry_after(AGAIN)
            }
            ApprovalState::Denied => {
                let said = approval.votes.iter().rev().find(|vote| vote.choice == Choice::Deny);
                let reason = said.and_then(|vote| vote.reason.as_deref());
                let words = match reason {
                    Some(reason) => format!("Held by rule {rule}, and denied: {reason}"),
                    None => format!("Held by rule {rule}, and denied."),
                };
                Refusal::new(Code::ApprovalDenied, words)
            }
            ApprovalState::Expired | ApprovalState::Revoked => {
                let words =
                    format!("Held by rule {rule}; the approval ran out or was taken back. Send it again to ask anew.");
                Refusal::new(Code::ApprovalExpired, words)
            }
        };
        Refusal { approval: Some((approval.id, url)), ..refusal.by(rule.clone()) }
    }

    /// It was approved by fewer people than have to agree now.
    pub(super) fn too_few(&self, approval: &Approval) -> Refusal {
        let (rule, url) = (&approval.rule, self.url(approval.id));
        let words =
            format!("Held by rule {rule}; more people have to agree now than did, once this decision has run out.");
        Refusal { approval: Some((approval.id, url)), ..Refusal::new(Code::ApprovalExpired, words).by(rule.clone()) }
    }
}

/// The rule asks for a reason and none was given.
pub(super) fn reason_required(rule: &RuleName) -> Refusal {
    let words = format!("Rule {rule} asks why. Say it in the header x-gatewright-reason and send the request again.");
    Refusal::new(Code::ReasonRequired, words).by(rule.clone()).about("x-gatewright-reason")
}

/// More waits already than people could look at.
pub(super) fn too_many(rule: &RuleName) -> Refusal {
    let words =
        format!("Held by rule {rule}, and too many calls wait for people already. Wait until some are decided.");
    Refusal::new(Code::PermissionDenied, words).by(rule.clone())
}

/// What cannot be shown whole cannot be agreed to.
pub(super) fn too_long(rule: &RuleName, most: usize) -> Refusal {
    let words = format!("Held by rule {rule}, and longer than the {most} bytes that an approver can be shown whole.");
    Refusal::new(Code::TooLarge, words).by(rule.clone())
}

/// Where approvals are kept cannot be reached.
pub(super) fn unreachable(rule: &RuleName, why: &StateError) -> Refusal {
    tracing::error!(%why, "a held call cannot be kept");
    Refusal::new(Code::NotReady, format!("Held by rule {rule}, and approvals cannot be reached now.")).by(rule.clone())
}
