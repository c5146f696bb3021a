//! One question to the index: which permits hold, which forbids fire.

use std::cell::OnceCell;

use cedar_policy::{Context, EntityUid, EvalResult, Request, eval_expression};
use gatewright_model::{Identity, Parameter, Quantity, Setting, Timestamp};

use crate::Question;
use crate::action::Action;
use crate::cedar::{PARSED_SCHEMA, uid};
use crate::compile::{Compiled, Policies, RolePart, Spoken};
use crate::context::{self, Attributes};
use crate::index::{Effect, Rule, Shelf, Trigger};

/// Who asks about what, for as many actions and resources as a call has.
pub(crate) struct Asking<'a> {
    pub(crate) compiled: &'a Compiled,
    pub(crate) actions: &'a [EntityUid],
    pub(crate) about: About<'a>,
    pub(crate) principal: &'a EntityUid,
    pub(crate) roles: &'a [u32],
    pub(crate) by: By<'a>,
}

/// Who says which rules hold.
#[derive(Clone, Copy)]
pub(crate) enum By<'a> {
    /// The index, which finds the rules that could speak and has Cedar evaluate what is left of them.
    Index,
    /// Cedar's authorizer, over all policies of the caller's roles.
    Authorizer(&'a Policies),
}

/// What the context is made from.
#[derive(Clone, Copy)]
pub(crate) enum About<'a> {
    /// A call, with its model's resource.
    Call(&'a Question<'a>, Option<u32>),
    /// A visit to the admin API.
    Visit(&'a Identity, Timestamp),
}

/// The context of one side of a question, built when the first condition asks for it.
pub(crate) struct Side<'a> {
    settings: &'a [Setting],
    context: OnceCell<Option<Context>>,
}

impl<'a> Side<'a> {
    /// With these settings in place of what the request states.
    pub(crate) fn with(settings: &'a [Setting]) -> Self {
        Self { settings, context: OnceCell::new() }
    }

    /// What this side says of a parameter.
    fn effective(&self, question: &Question<'_>, parameter: Parameter) -> Option<Quantity> {
        // Of two settings of one parameter the last stands, as in the context that Cedar is given.
        let set = self.settings.iter().rfind(|setting| setting.parameter == parameter);
        set.map(|setting| setting.value).or_else(|| question.terms.parameters.get(parameter))
    }
}

/// The permits that could speak.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Permits {
    /// Those that hold.
    pub(crate) granted: Vec<u32>,
    /// Those whose scope fits and whose condition does not hold, or could not be evaluated.
    pub(crate) missed: Vec<u32>,
}

/// The forbids that speak.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Forbids {
    /// Those that fire.
    pub(crate) fired: Vec<u32>,
    /// The first that could not be evaluated. Cedar would skip it and so permit; here it denies.
    pub(crate) broken: Option<u32>,
}

impl Asking<'_> {
    /// Which permits hold for this action on this resource.
    pub(crate) fn permits(&self, action: Action, resource: u32, side: &Side<'_>) -> Permits {
        if let By::Authorizer(policies) = self.by {
            // What it does not permit it says nothing of.
            let spoken = self.authorized(policies, Effect::Permit, action, resource, side);
            return Permits { granted: spoken.map(|spoken| spoken.held).unwrap_or_default(), missed: Vec::new() };
        }
        let mut permits = Permits::default();
        self.each(action, Effect::Permit, resource, side, |rule, holds| match holds {
            Some(true) => permits.granted.push(rule),
            Some(false) | None => permits.missed.push(rule),
        });
        permits
    }

    /// Which forbids fire for this action on this resource.
    pub(crate) fn forbids(&self, action: Action, resource: u32, side: &Side<'_>) -> Forbids {
        if let By::Authorizer(policies) = self.by {
            return match self.authorized(policies, Effect::Forbid, action, resource, side) {
                Some(Spoken { held, erred }) => Forbids { fired: held, broken: erred.first().copied() },
                // A question that Cedar cannot be asked denies.
                None => Forbids { fired: Vec::new(), broken: Some(self.compiled.common().base) },
            };
        }
        let mut forbids = Forbids::default();
        self.each(action, Effect::Forbid, resource, side, |rule, holds| match holds {
            Some(true) => forbids.fired.push(rule),
            Some(false) => {}
            None => forbids.broken = forbids.broken.or(Some(rule)),
        });
        forbids
    }

    /// The rules whose scope fits, whatever their conditions.
    pub(crate) fn candidates(&self, action: Action, effect: Effect, resource: u32) -> impl Iterator<Item = u32> + '_ {
        let groups = self.compiled.resources.groups.get(resource as usize);
        groups.into_iter().flat_map(move |groups| {
            self.shelves().flat_map(move |shelf| shelf.candidates(action.index(), effect, resource, groups))
        })
    }

    /// The roles.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &RolePart> {
        self.roles.iter().filter_map(|role| self.compiled.roles.get(*role as usize)).map(|part| &**part)
    }

    /// Everybody's rules, then those of each role.
    pub(crate) fn shelves(&self) -> impl Iterator<Item = Shelf<'_>> {
        let own = self.roles.iter().flat_map(|role| self.compiled.shelves(*role));
        std::iter::once(self.compiled.common()).chain(own)
    }

    /// Asks the authorizer, with everything in the context that the schema promises.
    fn authorized(
        &self,
        policies: &Policies,
        effect: Effect,
        action: Action,
        resource: u32,
        side: &Side<'_>,
    ) -> Option<Spoken> {
        let resources = &self.compiled.resources;
        let context = match self.about {
            About::Call(question, model) => {
                context::call(question, side.settings, model, Attributes::all(), resources)?
            }
            About::Visit(identity, now) => context::visit(identity, now)?,
        };
        let action = self.actions.get(action.index())?.clone();
        let resource = resources.uids.get(usize::try_from(resource).ok()?)?.clone();
        let request = Request::new(self.principal.clone(), action, resource, context, Some(&PARSED_SCHEMA)).ok()?;
        Some(policies.ask(effect, &request))
    }

    /// Gives every candidate with whether it holds; `None` where Cedar reports an error.
    fn each(
        &self,
        action: Action,
        effect: Effect,
        resource: u32,
        side: &Side<'_>,
        mut take: impl FnMut(u32, Option<bool>),
    ) {
        let at = resource as usize;
        let Some(groups) = self.compiled.resources.groups.get(at) else { return };
        let request = OnceCell::new();
        for shelf in self.shelves() {
            for number in shelf.candidates(action.index(), effect, resource, groups) {
                let Some(rule) = shelf.rule(number) else { continue };
                if rule.trigger.as_ref().is_some_and(|trigger| !self.triggers(trigger)) {
                    take(number, Some(false));
                    continue;
                }
                let tested = self.tested(rule, action, side);
                if tested != Some(true) {
                    take(number, tested);
                    continue;
                }
                let request = || request.get_or_init(|| self.request(action, at, side)).as_ref();
                take(number, self.holds(rule, request));
            }
        }
    }

    /// Whether all tests hold.
    fn tested(&self, rule: &Rule, action: Action, side: &Side<'_>) -> Option<bool> {
        for test in rule.tests.iter() {
            match test.holds(self.about, action, |question, parameter| side.effective(question, parameter)) {
                Some(true) => {}
                other => return other,
            }
        }
        Some(true)
    }

    fn holds<'r>(&self, rule: &Rule, request: impl FnOnce() -> Option<&'r Request>) -> Option<bool> {
        let Some(condition) = &rule.condition else { return Some(true) };
        match eval_expression(request()?, &self.compiled.resources.entities, condition) {
            Ok(EvalResult::Bool(holds)) => Some(holds),
            Ok(_) | Err(_) => None,
        }
    }

    fn triggers(&self, trigger: &Trigger) -> bool {
        match (self.about, trigger) {
            (About::Call(question, _), Trigger::Matched(rule)) => question.matched.contains(rule),
            (About::Call(question, _), Trigger::Found(info_type)) => question.found.contains(info_type),
            (About::Visit(..), _) => false,
        }
    }

    fn request(&self, action: Action, resource: usize, side: &Side<'_>) -> Option<Request> {
        let context = side.context.get_or_init(|| match self.about {
            About::Call(question, model) => {
                context::call(question, side.settings, model, self.compiled.attributes, &self.compiled.resources)
            }
            About::Visit(identity, now) => context::visit(identity, now),
        });
        let action = self.actions.get(action.index())?.clone();
        let resource = self.compiled.resources.uids.get(resource)?.clone();
        // Without the schema: the context has only what is asked for. Tests hold whole requests against the schema.
        Request::new(self.principal.clone(), action, resource, context.clone()?, None).ok()
    }
}

/// The caller as Cedar names it. The issuer's name holds no slash that could be confused: it is the configuration's.
pub(crate) fn principal(identity: &Identity) -> EntityUid {
    uid("User", &format!("{}/{}", identity.issuer, identity.subject))
}
