//! `gatewright policy explain`

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use gatewright_model::{Refusal, Verdict};
use gatewright_policy::{Asked as Question, Case, Declared, Explanation};
use serde_json::{Value, json};

use super::{Described, load, recorded, request, told};
use crate::commands::{Format, Outcome, answer, visible};

/// Which call is explained.
#[derive(Clone, Debug)]
pub enum Asked {
    /// One that the command line describes.
    Described(Box<Described>),
    /// A recorded one, by its id, of this data folder.
    Recorded(String, PathBuf),
    /// A request in a file.
    Request(PathBuf),
}

/// Says every question of a call, and the rules that decided. Exit code 0 where it is allowed, else 1.
pub fn explain(config: &Path, asked: &Asked, format: Format) -> Outcome {
    run(config, asked, format).unwrap_or_else(|outcome| outcome)
}

fn run(config: &Path, asked: &Asked, format: Format) -> Result<Outcome, Outcome> {
    let loaded = load(config)?;
    let case = match asked {
        Asked::Recorded(request, data) => recorded::one(data, request, &loaded.catalogue)?.case,
        Asked::Described(described) => described.case()?,
        Asked::Request(file) => {
            let request::Described { route, case } = request::read(file, &loaded)?;
            match case {
                Ok(case) => {
                    if format == Format::Text {
                        answer(&format!("request  {}\n", visible(&route)));
                    }
                    case
                }
                Err(refusal) => return Ok(unasked(&route, &refusal, format)),
            }
        }
    };
    let explanation = loaded.catalogue.explain(&case);
    match format {
        Format::Json => answer(&format!("{}\n", in_json(&case, &explanation))),
        Format::Text => answer(&in_words(&case, &explanation)),
    }
    Ok(match explanation.decision.verdict {
        Verdict::Allow => Outcome::Holds,
        Verdict::Hold | Verdict::Deny => Outcome::Finding,
    })
}

/// A request that is refused before policy is asked.
fn unasked(route: &str, refusal: &Refusal, format: Format) -> Outcome {
    match format {
        Format::Json => {
            let refused = json!({ "code": refusal.code.name(), "message": refusal.message, "param": refusal.param });
            answer(&format!("{}\n", json!({ "request": route, "refused_unasked": refused })));
        }
        Format::Text => answer(&format!(
            "request  {}\nrefused  {}: {} (no rule is asked)\n",
            visible(route),
            refusal.code,
            visible(&refusal.message)
        )),
    }
    Outcome::Finding
}

/// An explanation for people.
pub(super) fn in_words(case: &Case, explanation: &Explanation) -> String {
    let decision = &explanation.decision;
    let mut text = String::new();
    let _ = writeln!(text, "asked    {}", told::question(case));
    let roles: Vec<&str> = decision.roles.iter().map(|role| role.as_str()).collect();
    let caller = format!("{}@{}", visible(&case.identity.subject), case.identity.issuer);
    let _ = match roles.is_empty() {
        true => writeln!(text, "caller   {caller} without a role"),
        false => writeln!(text, "caller   {caller} as {}", roles.join(", ")),
    };
    let _ = writeln!(text, "verdict  {} by {}", decision.verdict.name(), told::rules(&decision.rules));
    if let Some(refusal) = &decision.refusal {
        let _ = writeln!(text, "told     {}: {}", refusal.code, refusal.message);
    }
    for bound in told::bounds(decision) {
        let _ = writeln!(text, "{bound}");
    }
    for question in &explanation.questions {
        let _ = writeln!(text, "\nmay they {} the {} {}?", question.action, question.kind, visible(&question.name));
        one_question(question, &mut text);
    }
    let shown = explanation.exposures.iter().filter(|exposed| {
        case.found.contains(&exposed.info_type) || !exposed.disclosed_by.is_empty() || !exposed.revealed_by.is_empty()
    });
    let mut lines = String::new();
    for exposed in shown {
        let by = |rules: &[gatewright_model::RuleRef]| match rules {
            [] => String::new(),
            _ => format!(" by {}", told::rules(rules)),
        };
        let _ = writeln!(
            lines,
            "  {}: sent as {}{}, returned as {}{}",
            exposed.info_type,
            exposed.request.name(),
            by(&exposed.disclosed_by),
            exposed.reply.name(),
            by(&exposed.revealed_by)
        );
    }
    if !lines.is_empty() {
        let _ = write!(text, "\nwhat happens to sensitive values?\n{lines}");
    }
    text
}

fn one_question(question: &Question, text: &mut String) {
    let before = text.len();
    if question.declared == Declared::No {
        let _ = writeln!(text, "  the configuration declares no such {}", question.kind);
    }
    for rule in &question.permitted_by {
        let _ = writeln!(text, "  permitted by {}", told::rule(rule));
    }
    for missed in &question.missed {
        let _ = writeln!(text, "  not by       {}: {}", told::rule(&missed.rule), missed.why);
    }
    for (rule, approval) in &question.forbidden_by {
        let lifted = approval.as_ref().map(|name| format!(", until somebody approves: {name}")).unwrap_or_default();
        let _ = writeln!(text, "  forbidden by {}{lifted}", told::rule(rule));
    }
    if let Some(rule) = &question.broken {
        let _ = writeln!(text, "  refused, since {} could not be evaluated", told::rule(rule));
    }
    if text.len() == before {
        text.push_str("  no rule of theirs permits it\n");
    }
}

/// An explanation for programs.
pub(super) fn in_json(case: &Case, explanation: &Explanation) -> Value {
    let rules = |rules: &[gatewright_model::RuleRef]| rules.iter().map(told::rule_json).collect::<Vec<_>>();
    let questions = explanation.questions.iter().map(|question| {
        json!({
            "action": question.action, "kind": question.kind, "name": question.name,
            "declared": question.declared == Declared::Yes,
            "permitted": question.is_permitted(),
            "permitted_by": rules(&question.permitted_by),
            "missed": question.missed.iter().map(|missed| json!({ "rule": told::rule_json(&missed.rule), "why": missed.why })).collect::<Vec<_>>(),
            "forbidden_by": question.forbidden_by.iter().map(|(rule, approval)| json!({ "rule": told::rule_json(rule), "approval": approval })).collect::<Vec<_>>(),
            "broken": question.broken.as_ref().map(told::rule_json),
        })
    });
    let exposures = explanation.exposures.iter().map(|exposed| {
        json!({
            "info_type": exposed.info_type.as_str(), "sent": exposed.request.name(), "returned": exposed.reply.name(),
            "disclosed_by": rules(&exposed.disclosed_by), "revealed_by": rules(&exposed.revealed_by),
        })
    });
    json!({
        "question": told::question_json(case),
        "decision": told::decision_json(&explanation.decision),
        "questions": questions.collect::<Vec<_>>(),
        "exposures": exposures.collect::<Vec<_>>(),
    })
}
