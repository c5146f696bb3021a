//! `gatewright policy who-can`

use std::path::Path;

use gatewright_policy::{Certainty, Reach, Thing};
use serde_json::{Value, json};

use super::{Described, described, load, moment, told};
use crate::commands::{Format, Outcome, answer, complain, visible};

/// Which way is asked: who reaches a thing, or what a caller reaches.
#[derive(Clone, Debug)]
pub enum Whom {
    /// Who reaches this model.
    Model(String),
    /// Who reaches this dataset.
    Dataset(String),
    /// What this caller reaches.
    Caller(Box<Described>),
}

/// Says who can, or what she can. Exit code 1 where the answer is nobody or nothing.
pub fn who_can(config: &Path, whom: &Whom, operation: Option<&str>, at: Option<&str>, format: Format) -> Outcome {
    run(config, whom, operation, at, format).unwrap_or_else(|outcome| outcome)
}

fn run(
    config: &Path,
    whom: &Whom,
    operation: Option<&str>,
    at: Option<&str>,
    format: Format,
) -> Result<Outcome, Outcome> {
    let loaded = load(config)?;
    let (catalogue, now) = (&loaded.catalogue, moment(at)?);
    let operation = operation.map(described::operation).transpose()?;
    let thing = match whom {
        Whom::Model(name) => Some(Thing::Model(name)),
        Whom::Dataset(name) => Some(Thing::Dataset(name)),
        Whom::Caller(_) => None,
    };
    if let Some(thing) = thing
        && !catalogue.things().any(|known| known == thing)
    {
        return Err(complain(Outcome::Usage, &"the configuration declares no such model or dataset"));
    }
    let reached: Vec<Reach> = match (thing, whom) {
        (Some(thing), _) => catalogue.who_can(thing, operation, now),
        (None, Whom::Caller(caller)) => {
            let reached = catalogue.reach_of(&caller.identity()?, now).into_iter();
            reached.filter(|reach| operation.is_none_or(|operation| reach.operation == operation)).collect()
        }
        (None, Whom::Model(_) | Whom::Dataset(_)) => Vec::new(),
    };
    match format {
        Format::Json => answer(&format!("{}\n", Value::from(reached.iter().map(row).collect::<Vec<_>>()))),
        Format::Text if reached.is_empty() => answer("nobody, nothing\n"),
        Format::Text => match thing {
            Some(_) => answer(&by_role(&reached)),
            None => answer(&by_thing(&reached)),
        },
    }
    Ok(if reached.is_empty() { Outcome::Finding } else { Outcome::Holds })
}

/// A role a paragraph: who has it, and what they may do by which rule.
fn by_role(reached: &[Reach]) -> String {
    let mut text = String::new();
    for same in reached.chunk_by(|left, right| left.role == right.role) {
        match &same[0].role {
            None => text.push_str("everybody\n"),
            Some(role) if same[0].members.is_empty() => text.push_str(&format!("{role}: nobody has it\n")),
            Some(role) => text.push_str(&format!("{role}: {}\n", visible(&same[0].members.join("; ")))),
        }
        text.push_str(&ways(same));
    }
    text
}

/// A model or dataset a paragraph.
fn by_thing(reached: &[Reach]) -> String {
    let same = reached.chunk_by(|left, right| left.resource == right.resource);
    same.map(|same| format!("{}\n{}", visible(&same[0].resource), ways(same))).collect()
}

/// Operations that the same rules allow, in one line.
fn ways(reached: &[Reach]) -> String {
    let key = |reach: &Reach| (reach.verdict, reach.certainty, reach.rules.clone(), reach.unless.clone());
    let same = reached.chunk_by(|left, right| key(left) == key(right));
    let lines = same.map(|same| {
        let operations: Vec<&str> = same.iter().map(|reach| reach.operation.name()).collect();
        let rules = told::rules(&same[0].rules);
        let (word, condition) = match same[0].certainty {
            Certainty::Plain => (same[0].verdict.name(), ""),
            Certainty::Conditional => ("maybe", ", where its condition holds"),
        };
        let unless = match &same[0].unless[..] {
            [] => String::new(),
            rules => format!("        unless {} speaks\n", told::rules(rules)),
        };
        format!("  {word:<5} {} by {rules}{condition}\n{unless}", operations.join(", "))
    });
    lines.collect()
}

fn row(reach: &Reach) -> Value {
    json!({
        "role": reach.role.as_ref().map(|role| role.as_str()), "members": reach.members,
        "operation": reach.operation.name(), "resource": reach.resource, "verdict": reach.verdict.name(),
        "conditional": reach.certainty == Certainty::Conditional,
        "unless": reach.unless.iter().map(told::rule_json).collect::<Vec<_>>(),
        "rules": reach.rules.iter().map(told::rule_json).collect::<Vec<_>>(),
    })
}
