use std::sync::Arc;

use gatewright_model::{
    Identity, Refusal, RoleName, RuleName, RuleRef, Setting, Terms, Timestamp, Treatment, Trust, Verdict,
};

use crate::{Charge, DatasetTerms, ModelFacts, Roles};

/// Everything that a decision may depend on.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Who asks.
    pub identity: &'a Identity,
    /// The caller's roles, from [`Catalogue::roles_of`](crate::Catalogue::roles_of) of the same catalogue.
    pub roles: &'a Roles,
    /// The present moment; time windows are judged by it.
    pub now: Timestamp,
    /// What the call would do.
    pub terms: &'a Terms,
    /// The resolved model. `None` with a name in the terms: no such model, which is denied exactly like a forbidden one.
    pub model: Option<&'a ModelFacts>,
    /// How far the connection that would be used is trusted.
    pub trust: Trust,
    /// The catalogue's content rules whose `prompt` patterns matched the call's texts.
    pub matched: &'a [RuleName],
    /// The info types that were found in the call's texts, as indices into the landscape's.
    pub found: &'a [u16],
    /// The rules whose holds a person has lifted for this very call.
    pub approvals: &'a [RuleName],
}

/// What was decided of a call, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Allowed, held for a person, or denied.
    pub verdict: Verdict,
    /// The rules that made the verdict; the built-in `default-deny` where none spoke.
    pub rules: Vec<RuleRef>,
    /// What the caller is told; `Some` for a hold and a denial.
    pub refusal: Option<Refusal>,
    /// What policy sets in the request, by parameter.
    pub settings: Vec<Setting>,
    /// What happens to a value of each info type on its way to the model, by the landscape's index.
    pub request: Arc<[Treatment]>,
    /// What happens to a value of each info type on its way back to the caller, by the landscape's index.
    pub reply: Arc<[Treatment]>,
    /// What happens in the arguments of a tool call to a token that stands for a value of each info type, by the
    /// landscape's index: it becomes the value where that passes.
    pub tools: Arc<[Treatment]>,
    /// The content rules with `answer` patterns that this call's answer must be held against.
    pub answer_rules: Vec<RuleName>,
    /// The content rules with `answer` patterns that only want to be told where this call's answer matches.
    pub answer_alerts: Vec<RuleName>,
    /// The content rules that only want to be told, and that this call's texts match.
    pub prompt_alerts: Vec<RuleName>,
    /// What the call may take out of each dataset of its terms, in their order; empty unless allowed or held.
    pub datasets: Vec<DatasetTerms>,
    /// The budgets that the call is charged to: those of every role whose grant it needs, and the common ones. Empty
    /// unless allowed or held.
    pub budgets: Vec<Charge>,
    /// The roles that the caller had.
    pub roles: Arc<[RoleName]>,
}

/// Whether a caller may use an admin endpoint, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// Allowed, held or denied. Nothing holds an admin permission of the YAML catalogue; a Cedar file may.
    pub verdict: Verdict,
    /// The rules that made the verdict; the built-in `default-deny` where none spoke.
    pub rules: Vec<RuleRef>,
    /// What the caller is told; `Some` unless allowed.
    pub refusal: Option<Refusal>,
}
