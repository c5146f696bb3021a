//! Exposure: which info types the model may see and the caller may be shown. What is not permitted is masked.

use std::collections::HashSet;
use std::sync::Arc;

use gatewright_model::{Operation, Setting, Treatment, Trust};

use crate::action::Action;
use crate::ask::{Asking, By, Side};
use crate::compile::{Compiled, RolePart};
use crate::index::{Effect, Shelf};
use crate::masking::Masking;
use crate::text::Way;
use crate::{Question, Roles};

/// The treatments of a call, by info type: on the way in, on the way out.
pub(crate) struct Treatments {
    pub(crate) request: Arc<[Treatment]>,
    pub(crate) reply: Arc<[Treatment]>,
    /// Of tokens in the arguments of tool calls.
    pub(crate) tools: Arc<[Treatment]>,
}

/// Which rules of everybody and of those that name a role are exposure rules with conditions, so that the answer depends on
/// the call. A role's own rules have none: the catalogue cannot write such.
#[derive(Debug)]
pub(crate) struct Conditional {
    global: bool,
    named: HashSet<u32>,
}

impl Conditional {
    pub(crate) fn of(compiled: &Compiled) -> Self {
        let named = compiled.named().filter(|(_, shelf)| depends(*shelf)).map(|(role, _)| role);
        Self { global: depends(compiled.common()), named: named.collect() }
    }

    fn concerns(&self, roles: &[u32]) -> bool {
        self.global || (!self.named.is_empty() && roles.iter().any(|role| self.named.contains(role)))
    }
}

/// Whether an exposure rule on this shelf has a condition.
pub(crate) fn depends(shelf: Shelf<'_>) -> bool {
    let exposures = [Action::Disclose, Action::Reveal, Action::RevealToTools];
    let mut rules = exposures.into_iter().flat_map(|action| shelf.rules_of(action.index()));
    rules.any(|number| shelf.rule(number).is_none_or(|rule| !rule.is_unconditional()))
}

/// The treatments of every info type. Where nothing but the roles decides, they are worked out once for each set of roles.
pub(crate) fn treatments(
    asking: &Asking<'_>,
    question: &Question<'_>,
    roles: &Roles,
    conditional: &Conditional,
    masking: &Masking,
    settings: &[Setting],
) -> Treatments {
    let trust = match question.trust {
        Trust::Internal => 0,
        Trust::External => 1,
    };
    // What is stored as a vector, and what is compared with it, must be masked alike.
    let embeds = matches!(
        question.terms.operation,
        Operation::Embed | Operation::ReadDataset | Operation::WriteDataset | Operation::ExportDataset
    );
    let inward = if embeds { Way::Embedded } else { Way::In(question.trust) };
    let parts: Vec<&RolePart> = asking.parts().collect();
    let masked = |way: Way| {
        let parts = &parts;
        move |info_type| masking.treatment(parts, info_type, way)
    };
    let rules = match asking.by {
        By::Index if !conditional.concerns(asking.roles) => Rules::Plain,
        By::Index | By::Authorizer(_) => Rules::Conditional(settings),
    };
    let request = || all(asking, Action::Disclose, masked(inward), rules);
    let reply = || all(asking, Action::Reveal, masked(Way::Out(question.trust)), rules);
    let tools = |reply: &[Treatment]| {
        // Whoever may not see a value does not get it by way of a tool either.
        let permitted = all(asking, Action::RevealToTools, |_| Treatment::Redact, rules);
        permitted.iter().zip(reply).map(|(tools, reply)| *tools.max(reply)).collect::<Arc<[_]>>()
    };
    if matches!(rules, Rules::Conditional(_)) || !roles.is_steady() {
        let reply = reply();
        return Treatments { request: request(), tools: tools(&reply), reply };
    }
    let kept = &roles.0.exposures;
    let reply = kept.reply[trust].get_or_init(reply).clone();
    Treatments {
        request: kept.request[trust * 2 + usize::from(embeds)].get_or_init(request).clone(),
        tools: kept.tools[trust].get_or_init(|| tools(&reply)).clone(),
        reply,
    }
}

/// How the exposure rules of a call's roles are asked.
#[derive(Clone, Copy)]
enum Rules<'a> {
    /// None of them has a condition: where they stand is what they say.
    Plain,
    /// They are evaluated, forbids against what these settings send.
    Conditional(&'a [Setting]),
}

fn all(asking: &Asking<'_>, action: Action, masked: impl Fn(u32) -> Treatment, rules: Rules<'_>) -> Arc<[Treatment]> {
    let kept = match rules {
        Rules::Plain => seated(asking, action),
        Rules::Conditional(settings) => evaluated(asking, action, settings),
    };
    (0..).zip(kept).map(|(index, kept)| if kept { Treatment::Keep } else { masked(index) }).collect()
}

/// Which info types a permit stands beside, and no forbid.
fn seated(asking: &Asking<'_>, action: Action) -> Vec<bool> {
    let resources = &asking.compiled.resources;
    let mut kept = vec![false; resources.info_types() as usize];
    // Forbids come second, since they beat every permit.
    for (effect, keeps) in [(Effect::Permit, true), (Effect::Forbid, false)] {
        for shelf in asking.shelves() {
            let (beside, all) = shelf.seated(action.index(), effect);
            if !all.is_empty() {
                kept.fill(keeps);
            }
            for (resource, _) in beside {
                if let Some(index) = resources.index_of_info_type(*resource)
                    && let Some(kept) = kept.get_mut(index as usize)
                {
                    *kept = keeps;
                }
            }
        }
    }
    kept
}

fn evaluated(asking: &Asking<'_>, action: Action, settings: &[Setting]) -> Vec<bool> {
    let (stated, effective) = (Side::with(&[]), Side::with(settings));
    let resources = &asking.compiled.resources;
    let exposed = |index: u32| {
        let Some(resource) = resources.info_type(index) else { return false };
        if asking.permits(action, resource, &stated).granted.is_empty() {
            return false;
        }
        let forbids = asking.forbids(action, resource, &effective);
        forbids.fired.is_empty() && forbids.broken.is_none()
    };
    (0..resources.info_types()).map(exposed).collect()
}
