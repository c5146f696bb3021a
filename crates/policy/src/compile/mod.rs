//! From a catalogue's text to an index: names are checked, YAML becomes Cedar, everything is validated strictly, and each
//! policy is taken apart and seated. All faults are found before any is returned.

mod again;
mod budgets;
mod check;
#[cfg(feature = "danger-wrong-index")]
mod danger;
mod generate;
mod mentions;
mod operator;
mod part;
mod place;
mod recognise;

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::str::FromStr;
use std::sync::Arc;

use cedar_policy::{Effect as CedarEffect, Expression, Policy, PolicySet, ValidationMode, Validator};

pub(crate) use self::again::{Policies, Spoken};
use self::generate::Draft;
pub(crate) use self::part::RolePart;
pub(crate) use self::place::Placement;
use crate::action::{Action, Target};
use crate::budget::BudgetRule;
use crate::cedar::{PARSED_SCHEMA, VALIDATOR};
use crate::context::Attributes;
use crate::earlier::Reusable;
use crate::index::{Bucket, Effect, Origin, Rule, Shelf, Trigger};
use crate::masking::Layer;
use crate::resources::{Resources, number};
use crate::text::{CatalogueText, Placed, RoleText, Selector};
use crate::{Fault, Landscape};

/// What compilation gives: every rule, and where to find it.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) resources: Arc<Resources>,
    /// What the resources were made from.
    landscape: Landscape,
    /// By role, in the order of the catalogue.
    pub(crate) roles: Vec<Arc<RolePart>>,
    /// The number of each role's first rule, and last that of `rules`.
    bases: Vec<u32>,
    /// The rules of `rules:` and of Cedar files.
    rules: Vec<Rule>,
    global: Bucket,
    /// Those of `rules` that name a role.
    named: HashMap<u32, Bucket>,
    /// The budgets of whoever calls.
    budgets: Vec<BudgetRule>,
    /// The context attributes that some condition speaks of.
    pub(crate) attributes: Attributes,
    pub(crate) warnings: Vec<Fault>,
    conditions: HashMap<String, Arc<Expression>>,
    shapes: HashMap<String, Placement>,
    /// Everything as one Cedar policy set, for the oracle of the tests.
    #[cfg(test)]
    pub(crate) policies: Vec<(u32, Policy)>,
}

/// Compiles a catalogue against a landscape. What an earlier compilation against the same landscape made of a role whose
/// text did not change is used again.
pub(crate) fn compile(
    text: &CatalogueText,
    landscape: &Landscape,
    earlier: Option<&Reusable>,
) -> Result<Compiled, Vec<Fault>> {
    let earlier = earlier.filter(|earlier| earlier.landscape == *landscape);
    let resources = match earlier {
        Some(earlier) => earlier.resources.clone(),
        None => Arc::new(Resources::of(landscape, &PARSED_SCHEMA)?),
    };
    let mut work = Work::new(text, &resources);
    if let Some(earlier) = earlier {
        work.conditions = earlier.conditions.clone();
        work.shapes = earlier.shapes.clone();
    }
    let known = Parts::of(earlier);
    let findings = check::names(text, landscape, &resources);
    work.faults = findings.faults;
    work.warnings = text.warnings.clone();
    work.warnings.extend(findings.warnings);
    let mut roles: Vec<Arc<RolePart>> = Vec::with_capacity(text.roles.len());
    let mut bases = Vec::with_capacity(text.roles.len() + 1);
    for (at, role) in text.roles.iter().enumerate() {
        bases.push(work.base);
        let same = known.find(at, role.name.as_str()).filter(|part| part.text == *role);
        let part = match same {
            Some(part) => part.clone(),
            None => Arc::new(work.role(role, landscape)),
        };
        work.base += number(part.rules.len());
        work.attributes.join(part.attributes);
        work.warnings.extend(part.warnings.iter().cloned());
        roles.push(part);
    }
    bases.push(work.base);
    // With a name unknown, what is generated would only be faulted a second time.
    if work.faults.is_empty() {
        text.rules.iter().for_each(|rule| work.generated(generate::rule(rule)));
    }
    for source in &text.cedar {
        operator::read(source, &mut work);
    }
    let Work { rules, mut global, mut named, attributes, mut warnings, mut faults, conditions, shapes, .. } = work;
    if !faults.is_empty() {
        faults.sort();
        faults.dedup();
        return Err(faults);
    }
    global.sort();
    named.values_mut().for_each(Bucket::sort);
    warnings.extend(crowded(&global, &rules));
    warnings.sort();
    #[cfg(test)]
    let policies = work.policies;
    let budgets = budgets::common(text, &resources);
    Ok(Compiled {
        resources,
        landscape: landscape.clone(),
        roles,
        bases,
        rules,
        global,
        named,
        budgets,
        attributes,
        warnings,
        conditions,
        shapes,
        #[cfg(test)]
        policies,
    })
}

/// The roles of an earlier compilation.
struct Parts<'a> {
    parts: &'a [Arc<RolePart>],
    by_name: OnceCell<HashMap<&'a str, &'a Arc<RolePart>>>,
}

impl<'a> Parts<'a> {
    fn of(earlier: Option<&'a Reusable>) -> Self {
        Self { parts: earlier.map_or(&[], |earlier| &earlier.roles), by_name: OnceCell::new() }
    }

    /// The role of this name; as a rule it stands where it stood.
    fn find(&self, at: usize, name: &str) -> Option<&'a Arc<RolePart>> {
        let is_it = |part: &&Arc<RolePart>| part.text.name.as_str() == name;
        self.parts.get(at).filter(is_it).or_else(|| {
            let by_name = || self.parts.iter().map(|part| (part.text.name.as_str(), part)).collect();
            self.by_name.get_or_init(by_name).get(name).copied()
        })
    }
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
fn without_unknown_tags(role: &RoleText, resources: &Resources) -> RoleText {
    let is_known = |target, selector: &Placed<Selector>| match &selector.value {
        Selector::Tag(tag) => resources.has_member(target, "Tag", tag),
        Selector::Name(_) | Selector::Connection(_) => true,
    };
    let mut role = role.clone();
    role.grants.iter_mut().for_each(|grant| grant.models.retain(|model| is_known(Target::Model, model)));
    role.datasets.iter_mut().for_each(|grant| grant.datasets.retain(|set| is_known(Target::Dataset, set)));
    role
}

/// What is under construction.
pub(crate) struct Work<'a> {
    resources: &'a Resources,
    validator: &'static Validator,
    roles: &'a [Arc<RoleText>],
    /// By name, once somebody asks.
    role_numbers: OnceCell<HashMap<&'a str, u32>>,
    content_rules: HashSet<String>,
    approvals: HashSet<String>,
    rule_names: HashSet<String>,
    conditions: HashMap<String, Arc<Expression>>,
    /// The first policy of each shape, taken apart.
    shapes: HashMap<String, Placement>,
    rules: Vec<Rule>,
    global: Bucket,
    named: HashMap<u32, Bucket>,
    /// The role that is being compiled.
    own: Option<Own>,
    /// The number of the next role's first rule, and in the end of the first of `rules`.
    base: u32,
    attributes: Attributes,
    warnings: Vec<Fault>,
    faults: Vec<Fault>,
    #[cfg(test)]
    policies: Vec<(u32, Policy)>,
}

impl<'a> Work<'a> {
    fn new(text: &'a CatalogueText, resources: &'a Resources) -> Self {
        Self {
            resources,
            validator: &VALIDATOR,
            roles: &text.roles,
            role_numbers: OnceCell::new(),
            content_rules: text.content_rules().iter().map(|rule| rule.name.as_str().to_owned()).collect(),
            approvals: text.approvals().iter().map(|approval| approval.name.clone()).collect(),
            rule_names: text.rules.iter().map(|rule| rule.name.as_str().to_owned()).collect(),
            conditions: HashMap::new(),
            shapes: HashMap::new(),
            rules: Vec::new(),
            global: Bucket::default(),
            named: HashMap::new(),
            own: None,
            base: 0,
            attributes: Attributes::default(),
            warnings: Vec::new(),
            faults: Vec::new(),
            #[cfg(test)]
            policies: Vec::new(),
        }
    }

    /// The number of the role with this name. Most compilations name no role outside of roles.
    fn role_number(&self, name: &str) -> Option<u32> {
        let numbers = || self.roles.iter().zip(0..).map(|(role, at)| (role.name.as_str(), at)).collect();
        self.role_numbers.get_or_init(numbers).get(name).copied()
    }

    /// Compiles one role by itself.
    fn role(&mut self, role: &Arc<RoleText>, landscape: &Landscape) -> RolePart {
        let findings = check::role(role, landscape, self.resources);
        let is_sound = findings.faults.is_empty();
        self.faults.extend(findings.faults);
        self.own = Some(Own::default());
        if is_sound {
            self.generated(generate::role(&without_unknown_tags(role, self.resources)));
        }
        let Own { rules, mut bucket, attributes } = self.own.take().unwrap_or_default();
        bucket.sort();
        debug_assert!(!crate::exposure::depends(Shelf { base: 0, bucket: &bucket, rules: &rules }));
        RolePart {
            text: role.clone(),
            rules,
            bucket,
            attributes,
            warnings: findings.warnings,
            masking: Layer::of(&role.masking, self.resources),
            budgets: budgets::of_role(role, self.resources),
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
        let policy = validated(self.validator, &draft.text).map_err(fault)?;
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
        let role = match self.own {
            // A role's own rules are known by where they stand.
            Some(_) => None,
            None => place.role.as_ref().map(|role| self.role_number(role)),
        };
        if let Some(None) = role {
            let role = place.role.unwrap_or_default();
            return self.internal(&draft, &format!("there is no role {role:?} in the catalogue"));
        }
        let (rules, bucket, attributes) = match (&mut self.own, role.flatten()) {
            (Some(own), _) => (&mut own.rules, &mut own.bucket, &mut own.attributes),
            (None, Some(role)) => (&mut self.rules, self.named.entry(role).or_default(), &mut self.attributes),
            (None, None) => (&mut self.rules, &mut self.global, &mut self.attributes),
        };
        let rule = number(rules.len());
        place.actions.iter().for_each(|action| bucket.seat(action.index(), effect, &place.seat, rule));
        attributes.join(place.mentions.attributes);
        #[cfg(test)]
        self.policies.extend(policy.map(|policy| {
            let number = self.base + rule;
            (number, policy.new_id(cedar_policy::PolicyId::new(number.to_string())))
        }));
        #[cfg(not(test))]
        let _ = policy;
        let Draft { reference, origin, approval, .. } = draft;
        rules.push(Rule {
            reference,
            role: role.flatten(),
            origin,
            approval,
            trigger: place.trigger,
            tests: place.tests,
            condition,
        });
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

/// What a role's compilation gathers.
#[derive(Default)]
struct Own {
    rules: Vec<Rule>,
    bucket: Bucket,
    attributes: Attributes,
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
