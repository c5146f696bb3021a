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

use cedar_policy::{Effect as CedarEffect, Expression, Policy, PolicyId, PolicySet, ValidationMode, Validator};

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

    /// Takes in what was generated from YAML. A fault here is one of this program; it is told at the line that led to it.
    fn generated(&mut self, drafts: Vec<Draft>) {
        let text: String = drafts.iter().map(|draft| draft.text.as_str()).collect();
        let set = match PolicySet::from_str(&text) {
            Ok(set) => set,
            Err(error) => return self.internal(drafts.first(), &error.to_string()),
        };
        let result = self.validator.validate(&set, ValidationMode::Strict);
        let errors = result.validation_errors().map(ToString::to_string);
        let first = errors.chain(result.validation_warnings().map(ToString::to_string)).next();
        if let Some(error) = first {
            return self.internal(drafts.first(), &error);
        }
        for (at, draft) in drafts.into_iter().enumerate() {
            let placed = set.policy(&PolicyId::new(format!("policy{at}")));
            let placed = placed.ok_or_else(|| "the policy was lost".to_owned());
            match placed.and_then(|policy| place::place(policy, self.resources).map(|place| (policy, place))) {
                Ok((policy, place)) => self.seat(policy, place, draft),
                Err(error) => self.internal(Some(&draft), &error),
            }
        }
    }

    fn internal(&mut self, draft: Option<&Draft>, error: &str) {
        let (file, line) = draft.map_or(("catalogue", 0), |draft| (&*draft.reference.file, draft.reference.line));
        let message = format!("this cannot be expressed as a policy: {error}");
        self.faults.push(Fault { file: file.to_owned(), line, column: 0, message });
    }

    /// Gives a placed policy its seats.
    fn seat(&mut self, policy: &Policy, place: Placement, draft: Draft) {
        let effect = match policy.effect() {
            CedarEffect::Permit => Effect::Permit,
            CedarEffect::Forbid => Effect::Forbid,
        };
        let condition = match place.condition {
            None => None,
            Some(text) => match self.condition(text) {
                Ok(condition) => Some(condition),
                Err(error) => return self.internal(Some(&draft), &error),
            },
        };
        let role = place.role.as_ref().map(|role| self.role_numbers.get(role).copied());
        let bucket = match role {
            None => &mut self.global,
            Some(Some(role)) => &mut self.roles[role as usize],
            Some(None) => {
                let role = place.role.unwrap_or_default();
                return self.internal(Some(&draft), &format!("there is no role {role:?} in the catalogue"));
            }
        };
        let rule = number(self.rules.len());
        place.actions.iter().for_each(|action| bucket.seat(action.index(), effect, &place.seat, rule));
        self.attributes.join(place.mentions.attributes);
        #[cfg(test)]
        self.policies.push((rule, policy.new_id(PolicyId::new(rule.to_string()))));
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
