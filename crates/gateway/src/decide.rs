use gatewright_model::{
    DatasetBound, Event, Grounds, Operation, RoleName, RuleName, Side, Standing, Timestamp, Verdict,
};
use gatewright_policy::{Case, DatasetTerms, Decision, Question, Resolved, Vectors};
use gatewright_store::state::approvals::Grant;

use crate::journal::Noteworthy;
use crate::leash::Leash;
use crate::lend::narrowed;
use crate::rows;
use crate::world::Known;
use crate::{Examined, World};

/// A call on which policy has spoken.
pub struct Decided {
    examined: Examined,
    decision: Decision,
    standing: Standing,
    /// The rules whose holds a person had lifted.
    approvals: Vec<RuleName>,
    /// What was lent to the caller and made a difference.
    grants: Vec<Grant>,
    /// The caller's roles where some of them are lent, so that they cannot be found from the identity alone.
    roles: Option<Vec<RoleName>>,
    now: Timestamp,
}

/// Asks policy. Total: there is a decision for every call.
pub(crate) fn decide(mut examined: Examined, approvals: Vec<RuleName>, now: Timestamp) -> Decided {
    let call = examined.call();
    let world = call.world();
    let Known { roles, standing, lent } = world.roles.known(world, call.caller(), now);
    #[cfg(feature = "bench-layers")]
    if !world.stages.policy() {
        let decision = allow_all(world);
        return Decided { examined, decision, standing, approvals, grants: Vec::new(), roles: None, now };
    }
    let _ = world.stages.policy();
    let question = Question {
        identity: &call.caller().identity,
        roles: &roles,
        now,
        terms: call.terms(),
        model: call.model().map(|model| &model.facts),
        trust: call.trust(),
        matched: examined.matched(),
        found: examined.found(),
        approvals: &approvals,
    };
    let decision = world.policy.decide(&question);
    let roles_with_lent = (!lent.is_empty()).then(|| decision.roles.to_vec());
    // Rare, so that it may take its time.
    let grants = if lent.is_empty() { Vec::new() } else { needed(world, &question, &decision, lent, call) };
    let decision = match call.warrant() {
        Some(warrant) => narrowed(&examined, decision, warrant, now),
        None => decision,
    };
    let decision = rows::decide(&mut examined, decision, &roles, now);
    Decided { examined, decision, standing, approvals, grants, roles: roles_with_lent, now }
}

/// Those of what was lent to the caller without which the call would have been decided otherwise. Where one of two would
/// do, one of them is named: the call goes on depending on that.
fn needed(
    world: &World,
    question: &Question<'_>,
    decision: &Decision,
    lent: Vec<Grant>,
    call: &crate::Call,
) -> Vec<Grant> {
    if !call.rows().is_empty() || call.kept().is_some() || call.terms().operation == Operation::ListModels {
        // Decided in parts, or answered by all that the caller may: what stands on what is not known, so all of it counts.
        return lent;
    }
    let mut needed = lent;
    let mut at = 0;
    while at < needed.len() {
        let mut without = needed.clone();
        without.remove(at);
        let roles = world.roles_with(question.identity, &without, question.now);
        match is_same(&world.policy.decide(&Question { roles: &roles, ..*question }), decision) {
            true => needed = without,
            false => at += 1,
        }
    }
    needed
}

/// Whether the same is done, whoever's rules say so.
fn is_same(one: &Decision, other: &Decision) -> bool {
    let Decision {
        verdict,
        rules: _,
        refusal: _,
        settings,
        request,
        reply,
        tools,
        answer_rules,
        answer_alerts,
        prompt_alerts,
        datasets,
        budgets,
        roles: _,
    } = one;
    *verdict == other.verdict
        && *settings == other.settings
        && *request == other.request
        && *reply == other.reply
        && *tools == other.tools
        && *answer_rules == other.answer_rules
        && *answer_alerts == other.answer_alerts
        && *prompt_alerts == other.prompt_alerts
        && *datasets == other.datasets
        && *budgets == other.budgets
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
        answer_alerts: Vec::new(),
        prompt_alerts: Vec::new(),
        datasets: Vec::new(),
        budgets: Vec::new(),
        roles: [].into(),
    }
}

impl Decided {
    pub(crate) const fn verdict(&self) -> Verdict {
        self.decision.verdict
    }

    pub(crate) const fn examined(&self) -> &Examined {
        &self.examined
    }

    pub(crate) const fn decision(&self) -> &Decision {
        &self.decision
    }

    /// The rules that only want to be told that the call's texts match.
    pub(crate) fn noticed(&self) -> Option<Event> {
        let rules = self.decision.prompt_alerts.clone();
        (!rules.is_empty()).then_some(Event::Noticed { side: Side::Request, rules })
    }

    /// The question that was decided, so that it can be asked again beside the call.
    pub(crate) fn case(&self) -> Case {
        let call = self.examined.call();
        let types = call.world().detectors.info_types();
        let found = self.examined.found().iter().filter_map(|at| types.get(usize::from(*at)).cloned());
        Case {
            identity: call.caller().identity.clone(),
            roles: self.roles.clone(),
            terms: call.terms().clone(),
            matched: self.examined.matched().to_vec(),
            found: found.collect(),
            approvals: self.approvals.clone(),
            resolved: Some(Resolved { model: call.model().map(|model| model.facts.name.clone()), trust: call.trust() }),
            now: self.now,
        }
    }

    pub(crate) const fn parts_mut(&mut self) -> (&mut Examined, &mut Decision) {
        (&mut self.examined, &mut self.decision)
    }

    /// What the call goes on depending on while it runs.
    pub(crate) fn leash(&self) -> Option<Box<Leash>> {
        let call = self.examined.call();
        Leash::of(call.world(), &call.caller().identity, &self.grants)
    }

    /// The same call, decided as if nobody had lifted anything.
    pub(crate) fn held_again(self, now: Timestamp) -> Self {
        decide(self.examined, Vec::new(), now)
    }

    pub(crate) fn into_parts(self) -> (Examined, Decision) {
        (self.examined, self.decision)
    }
}

/// How many rules and datasets a record names; those of a call beyond that are in its terms all the same.
const MOST_NAMED: usize = 32;

impl Decided {
    fn grounds(&self) -> Grounds {
        Grounds {
            standing: self.standing.clone(),
            matched: self.examined.matched().iter().take(MOST_NAMED).cloned().collect(),
            approvals: self.approvals.clone(),
            datasets: self.decision.datasets.iter().take(MOST_NAMED).map(bound).collect(),
            grants: self.grants.iter().take(MOST_NAMED).map(|grant| grant.id).collect(),
        }
    }
}

fn bound(terms: &DatasetTerms) -> DatasetBound {
    DatasetBound {
        dataset: terms.dataset.clone(),
        rule: terms.rule.clone(),
        top_k: terms.top_k,
        rows: terms.rows,
        vectors: terms.vectors == Vectors::Returned,
        filter: terms.filter.iter().map(|clause| clause.field.as_str().into()).collect(),
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
            grounds: Some(self.grounds()),
        }
    }
}
