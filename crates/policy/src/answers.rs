//! Rules over answers, and rules that only tell: which of them are about a call is decided with the call.

use gatewright_model::{RoleName, RuleName};

use crate::Question;
use crate::resources::Resources;
use crate::text::{Applies, CatalogueText, Consequence};

/// The rules over texts that are not Cedar's to decide: those with an `answer` pattern, and those that only tell.
#[derive(Debug, Default)]
pub(crate) struct TextRules(Vec<TextRule>);

#[derive(Debug)]
struct TextRule {
    name: RuleName,
    applies: Applies,
    found: Vec<u16>,
    looks_at_answers: bool,
    looks_at_prompts: bool,
    tells: bool,
}

/// Those that are about a call.
#[derive(Debug, Default)]
pub(crate) struct ForCall {
    /// Over its answer: what matches is stopped.
    pub(crate) answer_rules: Vec<RuleName>,
    /// Over its answer: what matches is told.
    pub(crate) answer_alerts: Vec<RuleName>,
    /// Over its texts, which matched.
    pub(crate) prompt_alerts: Vec<RuleName>,
}

impl TextRules {
    pub(crate) fn of(text: &CatalogueText, resources: &Resources) -> Self {
        let rules = text.content_rules().iter().map(|rule| {
            let found = rule.applies.found.iter().filter_map(|found| resources.info_type_index(found.as_str()));
            let tells = rule.consequence == Consequence::Alert;
            TextRule {
                name: rule.name.clone(),
                applies: rule.applies.clone(),
                found: found.collect(),
                looks_at_answers: rule.answer.is_some(),
                looks_at_prompts: rule.prompt.is_some() && tells,
                tells,
            }
        });
        Self(rules.filter(|rule| rule.looks_at_answers || rule.looks_at_prompts).collect())
    }

    /// The rules that are about this call.
    pub(crate) fn for_call(&self, question: &Question<'_>, roles: &[RoleName]) -> ForCall {
        let mut call = ForCall::default();
        for rule in self.0.iter().filter(|rule| rule.is_about(question, roles)) {
            if rule.looks_at_answers {
                let rules = if rule.tells { &mut call.answer_alerts } else { &mut call.answer_rules };
                rules.push(rule.name.clone());
            }
            if rule.looks_at_prompts && question.matched.contains(&rule.name) {
                call.prompt_alerts.push(rule.name.clone());
            }
        }
        call
    }
}

impl TextRule {
    fn is_about(&self, question: &Question<'_>, roles: &[RoleName]) -> bool {
        let Self { applies, found, .. } = self;
        (applies.roles.is_empty() || applies.roles.iter().any(|role| roles.contains(role)))
            && (applies.operations.is_empty() || applies.operations.contains(&question.terms.operation))
            && (found.is_empty() || found.iter().any(|found| question.found.contains(found)))
            && fits_model(applies, question)
    }
}

fn fits_model(applies: &Applies, question: &Question<'_>) -> bool {
    let anything = applies.models.is_empty() && applies.tags.is_empty() && applies.connections.is_empty();
    anything
        || question.model.is_some_and(|model| {
            applies.models.iter().any(|name| name == model.name.as_str())
                || applies.tags.iter().any(|tag| model.tags.contains(tag))
                || applies.connections.iter().any(|connection| connection == model.connection.as_str())
        })
}
