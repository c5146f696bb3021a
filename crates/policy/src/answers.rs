//! Rules over answers: which of them a call's answer must be held against is decided with the call.

use gatewright_model::{RoleName, RuleName};

use crate::Question;
use crate::resources::Resources;
use crate::text::{Applies, CatalogueText};

/// The rules with an `answer` pattern.
#[derive(Debug, Default)]
pub(crate) struct AnswerRules(Vec<(RuleName, Applies, Vec<u16>)>);

impl AnswerRules {
    pub(crate) fn of(text: &CatalogueText, resources: &Resources) -> Self {
        let with_answer = text.content_rules().iter().filter(|rule| rule.answer.is_some());
        let rules = with_answer.map(|rule| {
            let found = rule.applies.found.iter().filter_map(|found| resources.info_type_index(found.as_str()));
            (rule.name.clone(), rule.applies.clone(), found.collect())
        });
        Self(rules.collect())
    }

    /// The rules that are about this call.
    pub(crate) fn for_call(&self, question: &Question<'_>, roles: &[RoleName]) -> Vec<RuleName> {
        let about = self.0.iter().filter(|(_, applies, found)| {
            (applies.roles.is_empty() || applies.roles.iter().any(|role| roles.contains(role)))
                && (applies.operations.is_empty() || applies.operations.contains(&question.terms.operation))
                && (found.is_empty() || found.iter().any(|found| question.found.contains(found)))
                && fits_model(applies, question)
        });
        about.map(|(name, ..)| name.clone()).collect()
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
