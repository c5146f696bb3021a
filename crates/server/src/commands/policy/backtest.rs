//! `gatewright policy backtest NEW --data DIR`

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gatewright_model::Verdict;
use gatewright_policy::{Catalogue, Decision};
use serde_json::{Value, json};

use super::recorded::{Known, Recorded, each};
use super::{load, moment, told, with_catalogue};
use crate::commands::{Format, Outcome, answer, visible};

/// The most changed decisions that are shown one by one; all are counted.
const MOST_SHOWN: usize = 100;

/// Decides recorded calls again by a new catalogue. Exit code 1 where a verdict would change.
pub fn backtest(config: &Path, new: &Path, data: &Path, since: Option<&str>, format: Format) -> Outcome {
    run(config, new, data, since, format).unwrap_or_else(|outcome| outcome)
}

fn run(config: &Path, new: &Path, data: &Path, since: Option<&str>, format: Format) -> Result<Outcome, Outcome> {
    let since = since.map(|since| moment(Some(since))).transpose()?;
    let old = load(config)?;
    let new = with_catalogue(&old, PathBuf::from(new))?;
    let (mut asked, mut changed) = (0_u64, 0_u64);
    let mut by_roles = 0_u64;
    let mut claims: BTreeSet<Arc<str>> = BTreeSet::new();
    let mut shown: Vec<(Recorded, Decision)> = Vec::new();
    each(data, since, &new.catalogue, |recorded| {
        asked += 1;
        by_roles += u64::from(recorded.known == Known::ByRoles);
        claims.extend(recorded.case.identity.claims.iter().map(|(pointer, _)| pointer.clone()));
        let decision = new.catalogue.answer(&recorded.case);
        if decision.verdict != recorded.verdict {
            changed += 1;
            if shown.len() < MOST_SHOWN {
                shown.push((recorded, decision));
            }
        }
    })?;
    let unforeseen = unforeseen(&old.catalogue, &new.catalogue, by_roles, &claims);
    let permitted = shown.iter().filter(|(_, decision)| decision.verdict == Verdict::Allow).count();
    match format {
        Format::Json => {
            let rows: Vec<Value> = shown.iter().map(|(recorded, decision)| row(recorded, decision)).collect();
            answer(&format!(
                "{}\n",
                json!({ "decisions": asked, "changed": changed, "shown": rows, "not_foreseen": unforeseen })
            ));
        }
        Format::Text => {
            for (recorded, decision) in &shown {
                answer(&in_words(recorded, decision));
            }
            let end = format!("{asked} recorded decisions, {changed} would change");
            answer(&match shown.len() {
                0 => format!("{end}\n"),
                count => format!("{end}; of the {count} shown, {permitted} would be allowed\n"),
            });
            unforeseen.iter().for_each(|words| answer(&format!("not foreseen: {words}\n")));
        }
    }
    Ok(if changed == 0 { Outcome::Holds } else { Outcome::Finding })
}

/// What the records cannot say of the new catalogue.
fn unforeseen(old: &Catalogue, new: &Catalogue, by_roles: u64, claims: &BTreeSet<Arc<str>>) -> Vec<String> {
    let mut words = Vec::new();
    if by_roles > 0 {
        words.push(format!(
            "who has which role, for {by_roles} of them: some group or claim of theirs is not on record"
        ));
    }
    let known: BTreeSet<&str> = old.asked_claims().chain(claims.iter().map(|pointer| &**pointer)).collect();
    let mut unknown: Vec<&str> = new.asked_claims().filter(|pointer| !known.contains(pointer)).collect();
    unknown.sort_unstable();
    words.extend(unknown.iter().map(|pointer| format!("the claim {pointer}, which nothing asked for so far")));
    let untried = new.untried_content_rules(old);
    words.extend(untried.map(|rule| format!("the content rule {rule}: texts are not searched again")));
    words
}

fn in_words(recorded: &Recorded, decision: &Decision) -> String {
    let caller = format!("{}@{}", visible(&recorded.case.identity.subject), recorded.case.identity.issuer);
    format!(
        "{} {} {caller}: {}\n    was {} by {}\n    now {} by {}\n",
        recorded.request,
        recorded.case.now,
        told::question(&recorded.case),
        recorded.verdict.name(),
        told::rules(&recorded.rules),
        decision.verdict.name(),
        told::rules(&decision.rules)
    )
}

fn row(recorded: &Recorded, decision: &Decision) -> Value {
    json!({
        "request": recorded.request.to_string(), "at": recorded.case.now.to_string(),
        "issuer": recorded.case.identity.issuer.as_str(), "subject": &*recorded.case.identity.subject,
        "question": told::question_json(&recorded.case),
        "was": recorded.verdict.name(), "was_by": recorded.rules.iter().map(told::rule_json).collect::<Vec<_>>(),
        "now": told::decision_json(decision),
    })
}
