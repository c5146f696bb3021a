//! Who may decide: people in a group that the live catalogue names, by what their token says at this moment, and never
//! for themselves.

use gatewright_model::{Identity, Kind, RoleName};
use gatewright_policy::{ApprovalText, BREAK_GLASS, Through};
use gatewright_store::state::approvals::{Approval, Party};

use crate::Bench;

pub(crate) fn is_party(identity: &Identity, party: &Party) -> bool {
    identity.issuer == party.issuer && identity.subject == party.subject
}

/// Why somebody may not decide an approval; `None`: they may.
pub(crate) fn why_not(bench: &dyn Bench, identity: &Identity, approval: &Approval) -> Option<String> {
    if &*approval.policy == BREAK_GLASS {
        return Some("It was taken without anybody's approval: break glass.".to_owned());
    }
    let Some(policy) = bench.policy(&approval.policy) else {
        return Some("The catalogue has no such approval policy any more.".to_owned());
    };
    if let Some(wish) = &approval.access
        && decider_of(bench, &wish.role).is_none_or(|now| now.name != policy.name)
    {
        return Some("The catalogue has others decide on this role now; it has to be asked for again.".to_owned());
    }
    if is_party(identity, &approval.caller) {
        return Some("Nobody approves their own request.".to_owned());
    }
    if identity.kind != Kind::Person {
        return Some("A person has to decide, and this is a program's identity.".to_owned());
    }
    (!is_named(identity, &policy)).then(|| format!("The approval policy {} names others.", approval.policy))
}

/// Whether somebody is of those who decide on a role now.
pub(crate) fn decides_on(bench: &dyn Bench, identity: &Identity, role: &RoleName) -> bool {
    identity.kind == Kind::Person && decider_of(bench, role).is_some_and(|policy| is_named(identity, &policy))
}

/// The approval policy that decides on a role now; `None` where there is none, or nobody decides.
fn decider_of(bench: &dyn Bench, role: &RoleName) -> Option<ApprovalText> {
    match bench.requestable(role)?.through {
        Through::Approval(name) => bench.policy(&name),
        Through::BrokenGlass => None,
    }
}

fn is_named(identity: &Identity, policy: &ApprovalText) -> bool {
    policy.approvers.iter().any(|approver| {
        approver.issuer == identity.issuer && identity.groups.iter().any(|group| **group == *approver.group)
    })
}
