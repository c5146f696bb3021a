//! From a catalogue's text to an index: names are checked, YAML becomes Cedar, everything is validated strictly, and each
//! policy is taken apart and seated. All faults are found before any is returned.

mod budgets;
mod check;
mod generate;
mod mentions;
mod operator;
mod place;

use std::collections::{HashMap, HashSet};
use std::str::FromStr;
use std::sync::Arc;

use cedar_policy::{Effect as CedarEffect, Expression, Policy, PolicySet, ValidationMode, Validator};

use self::budgets::Budgets;
use self::generate::Draft;
use self::place::Placement;
use crate::action::{Action, Target};
use crate::cedar::PARSED_SCHEMA;
use crate::context::Attributes;
use crate::index::{Bucket, Effect, Origin, Rule, Trigger};
use crate::resources::{Resources, number};
use crate::text::{CatalogueText, Placed, Selector};
use crate::{Fault, Landscape};

/// What compilation gives: every rule, and where to find it.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) resources: Resources,
    pub(crate) rules: Vec<Rule>,
    pub(crate) global: Bucket,
    /// By role, in the order of the catalogue.
    pub(crate) roles: Vec<Bucket>,
    /// The budgets of each role, and those of whoever calls.
    pub(crate) budgets: Budgets,
    /// The context attributes that some condition speaks of.
    pub(crate) attributes: Attributes,
    pub(crate) warnings: Vec<Fault>,
    /// Everything as one Cedar policy set, for the oracle of the tests.
    #[cfg(test)]
    pub(crate) policies: Vec<(u32, Policy)>,
}

/// Compiles a catalogue against a landscape.
pub(crate) fn compile(mut text: CatalogueText, landscape: &Landscape) -> Result<(Compiled, CatalogueText), Vec<Fault>> {
    let resources = Resources::of(landscape, &PARSED_SCHEMA)?;
    let findings = check::names(&text, landscape, &resources);
    let mut work = Work::new(&text, &resources);
    work.faults = findings.faults;
    work.warnings = std::mem::take(&mut text.warnings);
    work.warnings.extend(findings.warnings);
    forget_unknown_tags(&mut text, &resources);
    // With a name unknown, what is generated would only be faulted a second time.
    if work.faults.is_empty() {
        for role in &text.roles {
            work.generated(generate::role(role));
        }
        for rule in &text.rules {
            work.generated(generate::rule(rule));
        }
    }
    for source in &text.cedar {
        operator::read(source, &mut work);
    }
    let Work { rules, mut global, mut roles, attributes, mut warnings, mut faults, .. } = work;
    if !faults.is_empty() {
        faults.sort();
        faults.dedup();
        return Err(faults);
    }
    global.sort();
    warnings.extend(crowded(&global, &rules));
    roles.iter_mut().for_each(Bucket::sort);
    warnings.sort();
    #[cfg(test)]
    let policies = work.policies;
    let budgets = Budgets::of(&text, &resources);
    let compiled = Compiled {
        resources,
        budgets,
        rules,
        global,
        roles,
        attributes,
        warnings,
        #[cfg(test)]
        policies,
    };
    Ok((compiled, text))
}

/// How many conditions that concern everybody an action can bear before every call feels them: each costs about as much
/// as a lookup.
const MOST_CONDITIONS: usize = 30;

/// Warns of actions whose every question evaluates many conditions, whoever asks.
fn crowded(global: &Bucket, rules: &[Rule]) -> Vec<Fault> {
    let evaluated = |number: &u32| {
        let rule = rules.get(*number as usize);
        rule.is_some_and(|rule| rule.condition.is_some() && rule.trigger.is_none())
    };
    let counted = Action::all().map(|action| {
        let mut numbers: Vec<u32> = global.rules_of(action.index()).filter(evaluated).collect();
        numbers.dedup();
        (action, numbers)
    });
    let crowded = counted.filter(|(_, numbers)| numbers.len() > MOST_CONDITIONS);
    let warnings = crowded.filter_map(|(action, numbers)| {
        let first = &rules.get(*numbers.first()? as usize)?.reference;
        let message = format!(
            "{} rules with conditions about {} concern everybody, and each call pays for all of them; more than \
             {MOST_CONDITIONS} are felt. Name roles or resources in their scopes",
            numbers.len(),
            action.name()
        );
        Some(Fault { file: first.file.to_string(), line: first.line, column: 0, message })
    });
    warnings.collect()
}

/// A grant on a tag that no model has yet was warned of, and allows nothing.
fn forget_unknown_tags(text: &mut CatalogueText, resources: &Resources) {
    let is_known = |target, selector: &Placed<Selector>| match &selector.value {
        Selector::Tag(tag) => resources.has_member(target, "Tag", tag),
        Selector::Name(_) | Selector::Connection(_) => true,
    };
    for role in &mut text.roles {
        role.grants.iter_mut().for_each(|grant| grant.models.retain(|model| is_known(Target::Model, model)));
        role.datasets.iter_mut().for_each(|grant| grant.datasets.retain(|set| is_known(Target::Dataset, set)));
    }
}

/// What is under construction.
pub(crate) struct Work<'a> {
    resources: &'a Resources,
    validator: Validator,
    role_numbers: HashMap<String, u32>,
    content_rules: HashSet<String>,
    approvals: HashSet<String>,
    rule_names: HashSet<String>,
    conditions: HashMap<String, Arc<Expression>>,
    /// The first policy of each shape, taken apart.
    shapes: HashMap<String, Placement>,
    rules: Vec<Rule>,
    global: Bucket,
    roles: Vec<Bucket>,
    attributes: Attributes,
    warnings: Vec<Fault>,
    faults: Vec<Fault>,
    #[cfg(test)]
    policies: Vec<(u32, Policy)>,
}

impl<'a> Work<'a> {
    fn new(text: &CatalogueText, resources: &'a Resources) -> Self {
        let named = text.roles.iter().enumerate().map(|(at, role)| (role.name.as_str().to_owned(), number(at)));
        Self {
            resources,
            validator: Validator::new(PARSED_SCHEMA.clone()),
            role_numbers: named.collect(),
            content_rules: text.content_rules().iter().map(|rule| rule.name.as_str().to_owned()).collect(),
            approvals: text.approvals().iter().map(|approval| approval.name.clone()).collect(),
            rule_names: text.rules.iter().map(|rule| rule.name.as_str().to_owned()).collect(),
            conditions: HashMap::new(),
            shapes: HashMap::new(),
            rules: Vec::new(),
            global: Bucket::default(),
            roles: text.roles.iter().map(|_| Bucket::default()).collect(),
            attributes: Attributes::default(),
            warnings: Vec::new(),
            faults: Vec::new(),
            #[cfg(test)]
            policies: Vec::new(),
        }
    }

    /// Takes in what was generated from YAML, in its order: of several grants the first decides. A fault here is one of
    /// this program; it is told at the line that led to it.
    fn generated(&mut self, drafts: Vec<Draft>) {
        for draft in drafts {
            if let Err(error) = self.place(&draft).map(|placed| self.seat_draft(placed, draft)) {
                self.faults.push(error);
            }
        }
    }

    /// Where a generated policy goes: like an earlier one of its shape, else where Cedar's reading of it says.
    fn place(&self, draft: &Draft) -> Result<Seated, Fault> {
        let fault = |error: String| internal(draft, &error);
        let like = draft.shape.as_ref().and_then(|shape| {
            let mut placement = self.shapes.get(&shape.key)?.clone();
            placement.role = Some(shape.role.clone());
            placement.seat = shape.scope.seat(self.resources)?;
            Some(placement)
        });
        // The oracle of the tests needs every policy, and they hold each against the first of its shape.
        if let (Some(placement), false) = (&like, cfg!(test)) {
            return Ok(Seated { placement: placement.clone(), policy: None, effect: Effect::Permit });
        }
        let policy = validated(&self.validator, &draft.text).map_err(fault)?;
        let placement = place::place(&policy, self.resources).map_err(fault)?;
        let seat = draft.shape.as_ref().map(|shape| shape.scope.seat(self.resources));
        if seat.is_some_and(|seat| seat.as_ref() != Some(&placement.seat)) {
            return Err(fault("its resources are not where its policy says".to_owned()));
        }
        debug_assert!(like.is_none_or(|like| like == placement), "one shape, two places: {}", draft.text);
        let effect = effect_of(&policy);
        Ok(Seated { placement, policy: Some(policy), effect })
    }

    fn seat_draft(&mut self, placed: Seated, draft: Draft) {
        if let (Some(shape), Some(_)) = (&draft.shape, &placed.policy) {
            self.shapes.entry(shape.key.clone()).or_insert_with(|| placed.placement.clone());
        }
        self.seat(placed.policy.as_ref(), placed.effect, placed.placement, draft);
    }

    fn internal(&mut self, draft: &Draft, error: &str) {
        self.faults.push(internal(draft, error));
    }

    /// Gives a placed policy its seats.
    fn seat(&mut self, policy: Option<&Policy>, effect: Effect, place: Placement, draft: Draft) {
        let condition = match place.condition {
            None => None,
            Some(text) => match self.condition(text) {
                Ok(condition) => Some(condition),
                Err(error) => return self.internal(&draft, &error),
            },
        };
        let role = place.role.as_ref().map(|role| self.role_numbers.get(role).copied());
        let bucket = match role {
            None => &mut self.global,
            Some(Some(role)) => &mut self.roles[role as usize],
            Some(None) => {
                let role = place.role.unwrap_or_default();
                return self.internal(&draft, &format!("there is no role {role:?} in the catalogue"));
            }
        };
        let rule = number(self.rules.len());
        place.actions.iter().for_each(|action| bucket.seat(action.index(), effect, &place.seat, rule));
        self.attributes.join(place.mentions.attributes);
        #[cfg(test)]
        self.policies.extend(policy.map(|policy| (rule, policy.new_id(cedar_policy::PolicyId::new(rule.to_string())))));
        #[cfg(not(test))]
        let _ = policy;
        let Draft { reference, origin, approval, .. } = draft;
        self.rules.push(Rule { reference, role: role.flatten(), origin, approval, trigger: place.trigger, condition });
    }

    /// The expression of a condition, shared with all rules that say the same.
    fn condition(&mut self, text: String) -> Result<Arc<Expression>, String> {
        if let Some(known) = self.conditions.get(&text) {
            return Ok(known.clone());
        }
        let expression = Expression::from_str(&text).map(Arc::new).map_err(|error| error.to_string())?;
        self.conditions.insert(text, expression.clone());
        Ok(expression)
    }
}

/// A policy with its place.
struct Seated {
    placement: Placement,
    /// Cedar's reading of it; `None` where an earlier one of its shape was read.
    policy: Option<Policy>,
    effect: Effect,
}

fn effect_of(policy: &Policy) -> Effect {
    match policy.effect() {
        CedarEffect::Permit => Effect::Permit,
        CedarEffect::Forbid => Effect::Forbid,
    }
}

/// One policy, read and strictly validated.
fn validated(validator: &Validator, text: &str) -> Result<Policy, String> {
    let set = PolicySet::from_str(text).map_err(|error| error.to_string())?;
    let result = validator.validate(&set, ValidationMode::Strict);
    let errors = result.validation_errors().map(ToString::to_string);
    if let Some(error) = errors.chain(result.validation_warnings().map(ToString::to_string)).next() {
        return Err(error);
    }
    let policy = set.policies().next().cloned();
    policy.ok_or_else(|| "the policy was lost".to_owned())
}

fn internal(draft: &Draft, error: &str) -> Fault {
    let message = format!("this cannot be expressed as a policy: {error}");
    Fault { file: draft.reference.file.to_string(), line: draft.reference.line, column: 0, message }
}
