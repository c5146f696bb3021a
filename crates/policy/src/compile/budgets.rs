//! Budgets, with their models resolved.

use std::collections::HashSet;
use std::sync::Arc;

use gatewright_model::{Identity, RuleName, RuleRef};

use crate::action::Target;
use crate::budget::{Budget, BudgetRule, Charge};
use crate::resources::{Named, Resources};
use crate::text::{BudgetText, CatalogueText, Selector};

/// Every budget of a catalogue.
#[derive(Debug, Default)]
pub(crate) struct Budgets {
    common: Vec<BudgetRule>,
    /// By role, in the order of the catalogue.
    roles: Vec<Vec<BudgetRule>>,
}

impl Budgets {
    pub(super) fn of(text: &CatalogueText, resources: &Resources) -> Self {
        let named = |prefix: &str, budget: &BudgetText| rule(format!("{prefix}{}", budget.name), budget, resources);
        let of_role = |role: &Arc<crate::text::RoleText>| {
            role.budgets.iter().map(|budget| named(&format!("{}/", role.name), budget)).collect()
        };
        Self {
            common: text.budgets.iter().map(|budget| named("budgets/", budget)).collect(),
            roles: text.roles.iter().map(of_role).collect(),
        }
    }

    /// What a call is charged to that these roles' grants allow.
    pub(crate) fn charges(&self, identity: &Identity, roles: &[u32], model: Option<u32>, name: &str) -> Vec<Charge> {
        let own = roles.iter().filter_map(|role| self.roles.get(usize::try_from(*role).ok()?)).flatten();
        self.common.iter().chain(own).filter_map(|rule| rule.charge(identity, model, name)).collect()
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
