//! Budgets of cost, and models that nobody has given a price: their calls are refused, which is better known before.

use std::collections::BTreeSet;

use gatewright_model::ModelName;

use crate::action::Action;
use crate::budget::BudgetRule;
use crate::index::Effect;
use crate::{Catalogue, Fault};

/// How many models one warning names.
const MOST_NAMED: usize = 5;

impl Catalogue {
    /// Warns of each budget of cost that counts calls of a model for which `is_priced` says no: those calls are refused.
    pub fn unpriced(&self, is_priced: impl Fn(&ModelName) -> bool) -> Vec<Fault> {
        let unpriced: Vec<(u32, &ModelName)> = self
            .models
            .iter()
            .filter(|listed| !is_priced(&listed.facts.name))
            .filter_map(|listed| Some((self.compiled.resources.model(listed.facts.name.as_str())?, &listed.facts.name)))
            .collect();
        let warned = |rule: &BudgetRule, reaches: &dyn Fn(u32) -> bool| {
            rule.budget.cost_micros?;
            let counts = |model: &u32| rule.models.as_ref().is_none_or(|models| models.contains(model));
            let named = unpriced.iter().filter(|(model, _)| counts(model) && reaches(*model));
            let named: BTreeSet<&str> = named.map(|(_, name)| name.as_str()).collect();
            let more = named.len().saturating_sub(MOST_NAMED);
            let listed: Vec<&str> = named.iter().take(MOST_NAMED).copied().collect();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let reference = &rule.budget.rule;
            let message = format!(
                "the budget {} counts cost, and has no price for {}{more}: calls of them are refused",
                reference.name,
                listed.join(", ")
            );
            let fault = Fault { file: reference.file.to_string(), line: reference.line, column: 0, message };
            (!listed.is_empty()).then_some(fault)
        };
        let mut warnings: Vec<Fault> =
            self.compiled.common_budgets().iter().filter_map(|rule| warned(rule, &|_| true)).collect();
        for (at, role) in (0_u32..).zip(&self.compiled.roles) {
            let reaches = |model: u32| self.reaches(at, model);
            warnings.extend(role.budgets.iter().filter_map(|rule| warned(rule, &reaches)));
        }
        warnings
    }

    /// Whether a role's grants could let it run a model.
    fn reaches(&self, role: u32, model: u32) -> bool {
        let Some(groups) = usize::try_from(model).ok().and_then(|at| self.compiled.resources.groups.get(at)) else {
            return false;
        };
        let mut inference = Action::all().filter(|action| action.is_inference());
        inference.any(|action| {
            let mut shelves = self.compiled.shelves(role);
            shelves.any(|shelf| shelf.candidates(action.index(), Effect::Permit, model, groups).next().is_some())
        })
    }
}
