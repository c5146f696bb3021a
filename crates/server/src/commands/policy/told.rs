//! How decisions, rules and questions are written for people and for programs.

use std::fmt::Write as _;

use gatewright_model::{RuleRef, WhySet};
use gatewright_policy::{Case, Decision};
use serde_json::{Value, json};

use crate::commands::visible;

/// A rule with its place: `analyst/grant-1 (catalogue.yaml:26)`.
pub(super) fn rule(rule: &RuleRef) -> String {
    match rule.line {
        0 => rule.name.to_string(),
        line => format!("{} ({}:{line})", rule.name, rule.file),
    }
}

pub(super) fn rules(listed: &[RuleRef]) -> String {
    listed.iter().map(rule).collect::<Vec<_>>().join(", ")
}

pub(super) fn rule_json(rule: &RuleRef) -> Value {
    json!({ "name": rule.name.as_str(), "file": &*rule.file, "line": rule.line })
}

/// A question in one line: `chat, model sales-forecast, max_tokens 9999`.
pub(super) fn question(case: &Case) -> String {
    let mut text = case.terms.operation.to_string();
    if let Some(model) = &case.terms.model {
        let _ = write!(text, ", model {}", visible(model.as_str()));
    }
    for dataset in &case.terms.datasets {
        let _ = write!(text, ", dataset {}", visible(dataset.as_str()));
    }
    for (parameter, value) in case.terms.parameters.iter() {
        let _ = write!(text, ", {} {value}", parameter.name());
    }
    for rule in &case.matched {
        let _ = write!(text, ", matching {rule}");
    }
    for found in &case.found {
        let _ = write!(text, ", with a {found}");
    }
    for approval in &case.approvals {
        let _ = write!(text, ", approved for {approval}");
    }
    text
}

pub(super) fn question_json(case: &Case) -> Value {
    let parameters: serde_json::Map<String, Value> = case
        .terms
        .parameters
        .iter()
        .map(|(parameter, value)| (parameter.name().to_owned(), value.to_string().into()))
        .collect();
    json!({
        "operation": case.terms.operation.name(),
        "model": case.terms.model.as_ref().map(|model| model.as_str()),
        "datasets": case.terms.datasets.iter().map(|dataset| dataset.as_str()).collect::<Vec<_>>(),
        "parameters": parameters,
        "matched": case.matched.iter().map(|rule| rule.as_str()).collect::<Vec<_>>(),
        "found": case.found.iter().map(|found| found.as_str()).collect::<Vec<_>>(),
        "approvals": case.approvals.iter().map(|rule| rule.as_str()).collect::<Vec<_>>(),
    })
}

/// What a permitted call is sent with and bound by, a line each.
pub(super) fn bounds(decision: &Decision) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for setting in &decision.settings {
        let why = match setting.why {
            WhySet::Default => "the request leaves it out",
            WhySet::Clamped => "the request asks for more than the range",
        };
        lines.push(format!("sends    {} = {}: {why}", setting.parameter.name(), setting.value));
    }
    for terms in &decision.datasets {
        let bound = |name: &str, value: Option<u32>| value.map(|value| format!("{name} {value}"));
        let mut limits: Vec<String> =
            [bound("top_k", terms.top_k), bound("rows", terms.rows), bound("calls_per_hour", terms.calls_per_hour)]
                .into_iter()
                .flatten()
                .collect();
        limits.push(format!("vectors {:?}", terms.vectors).to_lowercase());
        limits.extend(
            terms.filter.iter().map(|clause| format!("only rows whose {} is {:?}", clause.field, clause.values)),
        );
        lines.push(format!("limits   dataset {}: {}", terms.dataset, limits.join(", ")));
    }
    for charge in &decision.budgets {
        let budget = &charge.budget;
        let amounts = [
            ("requests", budget.requests),
            ("tokens", budget.tokens),
            ("cost in millionths", budget.cost_micros),
            ("answer bytes", budget.answer_bytes),
        ];
        let amounts: Vec<String> =
            amounts.into_iter().filter_map(|(name, amount)| Some(format!("{} {name}", amount?))).collect();
        let window = format!("{:?}", budget.window).to_lowercase();
        lines.push(format!("charges  {} per {window} to {}", amounts.join(", "), visible(&charge.account)));
    }
    lines
}

pub(super) fn decision_json(decision: &Decision) -> Value {
    let settings = decision.settings.iter().map(|setting| {
        let why = match setting.why {
            WhySet::Default => "default",
            WhySet::Clamped => "clamped",
        };
        json!({ "parameter": setting.parameter.name(), "value": setting.value.to_string(), "why": why })
    });
    let budgets = decision.budgets.iter().map(|charge| {
        json!({
            "budget": rule_json(&charge.budget.rule), "account": charge.account,
            "requests": charge.budget.requests, "tokens": charge.budget.tokens,
            "cost_micros": charge.budget.cost_micros, "answer_bytes": charge.budget.answer_bytes,
            "window": format!("{:?}", charge.budget.window).to_lowercase(),
        })
    });
    let datasets = decision.datasets.iter().map(|terms| {
        json!({
            "dataset": terms.dataset.as_str(), "rule": rule_json(&terms.rule), "top_k": terms.top_k,
            "rows": terms.rows, "calls_per_hour": terms.calls_per_hour,
            "vectors": format!("{:?}", terms.vectors).to_lowercase(),
            "filter": terms.filter.iter().map(|clause| clause.field.as_str()).collect::<Vec<_>>(),
        })
    });
    json!({
        "verdict": decision.verdict.name(),
        "code": decision.refusal.as_ref().map(|refusal| refusal.code.name()),
        "message": decision.refusal.as_ref().map(|refusal| refusal.message.as_str()),
        "rules": decision.rules.iter().map(rule_json).collect::<Vec<_>>(),
        "roles": decision.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>(),
        "settings": settings.collect::<Vec<_>>(),
        "datasets": datasets.collect::<Vec<_>>(),
        "budgets": budgets.collect::<Vec<_>>(),
    })
}
