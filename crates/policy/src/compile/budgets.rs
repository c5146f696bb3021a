//! Budgets, with their models resolved.

use std::collections::HashSet;
use std::sync::Arc;

use gatewright_model::{Identity, RuleName, RuleRef};

use super::Compiled;
use crate::action::Target;
use crate::budget::{Budget, BudgetRule, Charge};
use crate::resources::{Named, Resources};
use crate::text::{BudgetText, CatalogueText, RoleText, Selector};

/// The budgets of whoever calls.
pub(super) fn common(text: &CatalogueText, resources: &Resources) -> Vec<BudgetRule> {
    text.budgets.iter().map(|budget| rule(format!("budgets/{}", budget.name), budget, resources)).collect()
}

/// The budgets of a role.
pub(super) fn of_role(role: &RoleText, resources: &Resources) -> Vec<BudgetRule> {
    role.budgets.iter().map(|budget| rule(format!("{}/{}", role.name, budget.name), budget, resources)).collect()
}

impl Compiled {
    /// What a call is charged to that these roles' grants allow.
    pub(crate) fn charges(&self, identity: &Identity, roles: &[u32], model: Option<u32>, name: &str) -> Vec<Charge> {
        let own = roles.iter().filter_map(|role| self.roles.get(usize::try_from(*role).ok()?));
        let own = own.flat_map(|part| &part.budgets);
        self.budgets.iter().chain(own).filter_map(|rule| rule.charge(identity, model, name)).collect()
    }
}

fn rule(name: String, written: &BudgetText, resources: &Resources) -> BudgetRule {
    let reference = RuleRef { name: RuleName::new(name), file: written.place.file.clone(), line: written.place.line };
    let budget = Budget {
        rule: reference,
        requests: written.requests,
        tokens: written.tokens,
        cost_micros: written.cost_micros,
        answer_bytes: written.answer_bytes,
        window: written.window,
    };
    let members = |kind: &str, id: &str| match resources.named(kind, id) {
        Named::Group(group) => resources.members(Target::Model, group).collect(),
        Named::Resource(_) | Named::Nothing => Vec::new(),
    };
    let selected = written.models.iter().flat_map(|selector| match &selector.value {
        Selector::Name(name) => resources.model(name).into_iter().collect(),
        Selector::Tag(tag) => members("Tag", tag),
        Selector::Connection(name) => members("Connection", name),
    });
    let models: HashSet<u32> = selected.collect();
    let models = (!written.models.is_empty()).then_some(models);
    BudgetRule { budget: Arc::new(budget), each: written.each, models }
}
