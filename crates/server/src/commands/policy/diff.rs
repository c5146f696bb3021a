//! `gatewright policy diff OLD NEW`

use std::path::{Path, PathBuf};

use gatewright_policy::{Answered, Change, Difference};
use serde_json::{Value, json};

use super::{load, moment, told, with_catalogue};
use crate::commands::{Format, Outcome, answer, visible};

/// Says what a new catalogue permits or refuses that the old one did not. Exit code 1 where they differ.
pub fn diff(config: &Path, old: &Path, new: &Path, at: Option<&str>, format: Format) -> Outcome {
    run(config, old, new, at, format).unwrap_or_else(|outcome| outcome)
}

fn run(config: &Path, old: &Path, new: &Path, at: Option<&str>, format: Format) -> Result<Outcome, Outcome> {
    let now = moment(at)?;
    let configured = load(config)?;
    let old = with_catalogue(&configured, PathBuf::from(old))?;
    let new = with_catalogue(&configured, PathBuf::from(new))?;
    let mut found = old.catalogue.compare(&new.catalogue, now);
    let unforeseen = old.catalogue.unforeseen(&new.catalogue);
    found.sort_by_key(Difference::change);
    match format {
        Format::Json => {
            let rows: Vec<Value> = found.iter().map(row).collect();
            answer(&format!("{}\n", json!({ "differences": rows, "not_foreseen": unforeseen })));
        }
        Format::Text => {
            answer(&in_words(&found));
            unforeseen.iter().for_each(|words| answer(&format!("not foreseen: {words}\n")));
        }
    }
    Ok(if found.is_empty() { Outcome::Holds } else { Outcome::Finding })
}

fn in_words(found: &[Difference]) -> String {
    if found.is_empty() {
        return "the two permit and refuse the same\n".to_owned();
    }
    let mut text = String::new();
    for same in found.chunk_by(|left, right| left.change() == right.change()) {
        text.push_str(match same[0].change() {
            Change::Permitted => "newly permitted\n",
            Change::Refused => "newly refused\n",
            Change::Terms => "on other terms\n",
        });
        for difference in same {
            let roles: Vec<&str> = difference.roles.iter().map(|role| role.as_str()).collect();
            let who = if roles.is_empty() { "a caller without a role".to_owned() } else { roles.join(" with ") };
            text.push_str(&format!("  {who}: {}\n", visible(&difference.about)));
            text.push_str(&format!("    was {}\n", answered(&difference.old)));
            text.push_str(&format!("    now {}\n", answered(&difference.new)));
            if let Some(case) = &difference.example {
                text.push_str(&format!("    for {}\n", told::question(case)));
            }
        }
    }
    text
}

fn answered(answered: &Answered) -> String {
    let mut text = answered.word.clone();
    if !answered.terms.is_empty() {
        text.push_str(&format!(" ({})", visible(&answered.terms)));
    }
    if !answered.rules.is_empty() {
        text.push_str(&format!(" by {}", told::rules(&answered.rules)));
    }
    text
}

fn row(difference: &Difference) -> Value {
    let side = |answered: &Answered| {
        let rules: Vec<Value> = answered.rules.iter().map(told::rule_json).collect();
        json!({ "verdict": answered.word, "terms": answered.terms, "rules": rules })
    };
    let change = match difference.change() {
        Change::Permitted => "permitted",
        Change::Refused => "refused",
        Change::Terms => "terms",
    };
    json!({
        "change": change, "roles": difference.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>(), "about": difference.about,
        "old": side(&difference.old), "new": side(&difference.new),
        "example": difference.example.as_ref().map(told::question_json),
    })
}
