//! One role, compiled: what stays valid for as long as the role's text and the landscape do.

use std::sync::Arc;

use super::Compiled;
use crate::Fault;
use crate::budget::BudgetRule;
use crate::context::Attributes;
use crate::earlier::Reusable;
use crate::index::{Bucket, Rule, Shelf};
use crate::masking::Layer;
use crate::text::{FileText, RoleText};

/// A role's own rules and where to find them.
#[derive(Debug)]
pub(crate) struct RolePart {
    /// What it was compiled from.
    pub(crate) text: Arc<RoleText>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) bucket: Bucket,
    /// The context attributes that its conditions speak of.
    pub(crate) attributes: Attributes,
    pub(crate) warnings: Vec<Fault>,
    pub(crate) masking: Layer,
    pub(crate) budgets: Vec<BudgetRule>,
}

impl Compiled {
    /// What the next compilation can use again.
    pub(crate) fn reusable(&self, files: Vec<Arc<FileText>>) -> Reusable {
        Reusable {
            landscape: self.landscape.clone(),
            resources: self.resources.clone(),
            roles: self.roles.clone(),
            conditions: self.conditions.clone(),
            shapes: self.shapes.clone(),
            files,
        }
    }

    /// The rule of this number: roles' rules first, in the order of the catalogue, then everybody's.
    pub(crate) fn rule(&self, number: u32) -> Option<&Rule> {
        let part = self.part(number)?;
        let at = usize::try_from(number - self.bases.get(part)?).ok()?;
        match self.roles.get(part) {
            Some(role) => role.rules.get(at),
            None => self.rules.get(at),
        }
    }

    /// The role whose rule this is.
    pub(crate) fn role_of(&self, number: u32) -> Option<u32> {
        let part = self.part(number)?;
        match self.roles.get(part) {
            Some(_) => u32::try_from(part).ok(),
            None => self.rule(number)?.role,
        }
    }

    fn part(&self, number: u32) -> Option<usize> {
        // Parts without rules share their base with the next one, which is the one that is meant.
        self.bases.partition_point(|base| *base <= number).checked_sub(1)
    }

    /// Every rule.
    pub(crate) fn all_rules(&self) -> impl Iterator<Item = &Rule> {
        self.roles.iter().flat_map(|role| &role.rules).chain(&self.rules)
    }

    /// The budgets of whoever calls.
    pub(crate) fn common_budgets(&self) -> &[BudgetRule] {
        &self.budgets
    }

    /// Everybody's rules.
    pub(crate) fn common(&self) -> Shelf<'_> {
        Shelf { base: self.bases.last().copied().unwrap_or_default(), bucket: &self.global, rules: &self.rules }
    }

    /// The rules that name a role, by role.
    pub(crate) fn named(&self) -> impl Iterator<Item = (u32, Shelf<'_>)> {
        self.named.iter().map(|(role, bucket)| (*role, Shelf { bucket, ..self.common() }))
    }

    /// Everybody's rules, and those that name a role.
    pub(crate) fn common_shelves(&self) -> impl Iterator<Item = Shelf<'_>> {
        std::iter::once(self.common()).chain(self.named().map(|(_, shelf)| shelf))
    }

    /// A role's own rules.
    pub(crate) fn own(&self, role: u32) -> Option<Shelf<'_>> {
        let at = usize::try_from(role).ok()?;
        let part = self.roles.get(at)?;
        Some(Shelf { base: *self.bases.get(at)?, bucket: &part.bucket, rules: &part.rules })
    }

    /// What one role is bound and allowed by: its own rules, and those that name it.
    pub(crate) fn shelves(&self, role: u32) -> impl Iterator<Item = Shelf<'_>> {
        let own = self.own(role);
        let named = self.named.get(&role).map(|bucket| Shelf { bucket, ..self.common() });
        own.into_iter().chain(named)
    }
}
