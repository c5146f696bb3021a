use gatewright_model::{Event, Timestamp, Trust, Verdict};
use gatewright_policy::{Decision, Question};

use crate::Examined;
use crate::journal::Noteworthy;

/// A call on which policy has spoken.
pub struct Decided {
    examined: Examined,
    decision: Decision,
}

/// Asks policy. Total: there is a decision for every call.
pub(crate) fn decide(examined: Examined, now: Timestamp) -> Decided {
    let call = examined.call();
    let world = call.world();
    let roles = world.roles.roles(&world.policy, call.caller(), now);
    #[cfg(feature = "bench-layers")]
    if !world.stages.policy() {
        let decision = allow_all(world);
        return Decided { examined, decision };
    }
    let _ = world.stages.policy();
    let decision = world.policy.decide(&Question {
        identity: &call.caller().identity,
        roles: &roles,
        now,
        terms: call.terms(),
        model: call.model().map(|model| &model.facts),
        trust: call.connection().map_or(Trust::External, |connection| connection.trust),
        matched: examined.matched(),
        found: examined.found(),
        approvals: &[],
    });
    Decided { examined, decision }
}

#[cfg(feature = "bench-layers")]
fn allow_all(world: &crate::World) -> Decision {
    use gatewright_model::Treatment;
    let treatments = |treatment| vec![treatment; world.detectors.info_types().len()].into();
    Decision {
        verdict: Verdict::Allow,
        rules: Vec::new(),
        refusal: None,
        settings: Vec::new(),
        request: treatments(Treatment::Keep),
        reply: treatments(if world.stages.masking() { Treatment::Redact } else { Treatment::Keep }),
        tools: treatments(Treatment::Redact),
        answer_rules: Vec::new(),
        datasets: Vec::new(),
        budgets: Vec::new(),
        roles: [].into(),
    }
}

impl Decided {
    pub(crate) const fn verdict(&self) -> Verdict {
        self.decision.verdict
    }

    pub(crate) fn into_parts(self) -> (Examined, Decision) {
        (self.examined, self.decision)
    }
}

impl Noteworthy for Decided {
    fn event(&self) -> Event {
        let world = self.examined.call().world();
        Event::Decided {
            verdict: self.decision.verdict,
            roles: self.decision.roles.to_vec(),
            rules: self.decision.rules.clone(),
            settings: self.decision.settings.clone(),
            epoch: world.epoch,
            catalogue: world.policy.digest(),
        }
    }
}
