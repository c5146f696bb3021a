//! What a workload may do in a caller's name: what both may.

use gatewright_model::{Code, Refusal, Timestamp, Treatment, Verdict};
use gatewright_policy::{DatasetTerms, Decision, Question};

use super::present::Warrant;
use crate::Examined;

/// Asks policy for the workload as well. What is not allowed to both is not allowed, and of what is set or masked the
/// sterner counts.
pub(crate) fn narrowed(examined: &Examined, mut decision: Decision, warrant: &Warrant, now: Timestamp) -> Decision {
    if decision.verdict == Verdict::Deny {
        return decision;
    }
    let call = examined.call();
    let world = call.world();
    let known = world.roles.known(world, &warrant.workload, now);
    let own = world.policy.decide(&Question {
        identity: &warrant.workload.identity,
        roles: &known.roles,
        now,
        terms: call.terms(),
        model: call.model().map(|model| &model.facts),
        trust: call.trust(),
        matched: examined.matched(),
        found: examined.found(),
        // What people lifted, they lifted for the caller.
        approvals: &[],
    });
    if own.verdict != Verdict::Allow {
        let refusal = own.refusal.or_else(|| Some(denied()));
        return Decision { verdict: Verdict::Deny, refusal, rules: own.rules, ..decision };
    }
    let sterner = |one: &[Treatment], other: &[Treatment]| {
        one.iter().zip(other).map(|(one, other)| *one.max(other)).collect::<Vec<_>>().into()
    };
    decision.request = sterner(&decision.request, &own.request);
    decision.reply = sterner(&decision.reply, &own.reply);
    decision.tools = sterner(&decision.tools, &own.tools);
    // The bounds of each hold; calls are counted once, for the caller.
    decision.datasets.extend(own.datasets.into_iter().map(|terms| DatasetTerms { calls_per_hour: None, ..terms }));
    let more = own.budgets.into_iter().filter(|charge| !decision.budgets.contains(charge)).collect::<Vec<_>>();
    decision.budgets.extend(more);
    decision.answer_rules.extend(own.answer_rules);
    decision.answer_rules.sort_unstable();
    decision.answer_rules.dedup();
    decision.rules.extend(own.rules);
    decision
}

fn denied() -> Refusal {
    Refusal::new(Code::PermissionDenied, "Policy denies this call to the workload that makes it.")
}
