//! `gatewright policy test`

use std::fs;
use std::path::{Path, PathBuf};

use gatewright_model::Timestamp;
use gatewright_policy::{Catalogue, Expected, Explanation, Source, parse_cases};
use serde_json::{Value, json};

use super::{explain, faulty, load, moment, told};
use crate::commands::{Format, Outcome, answer, complain};
use crate::config::Fault;

/// The largest file of cases, in bytes.
const LARGEST: u64 = 8 << 20;

/// Asks every case and holds the answer against what it expects. One that fails is shown with its explanation.
pub fn test(config: &Path, files: &[PathBuf], format: Format) -> Outcome {
    run(config, files, format).unwrap_or_else(|outcome| outcome)
}

fn run(config: &Path, files: &[PathBuf], format: Format) -> Result<Outcome, Outcome> {
    let loaded = load(config)?;
    let found = match files {
        [] => beside(loaded.ready.catalogue.path().unwrap_or_else(|| Path::new(".")))?,
        _ => files.to_vec(),
    };
    let cases = read(&found, moment(None)?)?;
    let failed: Vec<(&Expected, Vec<String>, Explanation)> =
        cases.iter().filter_map(|case| failure(&loaded.catalogue, case)).collect();
    match format {
        Format::Json => {
            let rows: Vec<Value> = failed.iter().map(|(case, why, told)| row(case, why, told)).collect();
            answer(&format!("{}\n", json!({ "cases": cases.len(), "failed": rows })));
        }
        Format::Text => {
            for (case, why, explanation) in &failed {
                answer(&format!("{}:{}: {}\n", case.place.file, case.place.line, case.name));
                why.iter().for_each(|why| answer(&format!("  {why}\n")));
                answer(&explain::in_words(&case.case, explanation));
            }
            answer(&format!("{} cases, {} failed\n", cases.len(), failed.len()));
        }
    }
    Ok(if failed.is_empty() { Outcome::Holds } else { Outcome::Finding })
}

/// The YAML files of `tests/` beside a catalogue's file, or in its folder.
fn beside(catalogue: &Path) -> Result<Vec<PathBuf>, Outcome> {
    let folder = if catalogue.is_dir() { catalogue } else { catalogue.parent().unwrap_or_else(|| Path::new(".")) };
    let folder = folder.join("tests");
    let unreadable = |error: &std::io::Error| {
        complain(Outcome::Usage, &format!("there are no cases to test: {}: {error}", folder.display()))
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder).map_err(|error| unreadable(&error))? {
        let path = entry.map_err(|error| unreadable(&error))?.path();
        if path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml") {
            files.push(path);
        }
    }
    files.sort();
    match files.is_empty() {
        true => Err(complain(Outcome::Usage, &format!("there are no cases to test in {}", folder.display()))),
        false => Ok(files),
    }
}

fn read(files: &[PathBuf], now: Timestamp) -> Result<Vec<Expected>, Outcome> {
    let mut cases = Vec::new();
    let mut faults: Vec<Fault> = Vec::new();
    for path in files {
        let name = path.display().to_string();
        let too_long = fs::metadata(path).is_ok_and(|metadata| metadata.len() > LARGEST);
        let text = match too_long {
            true => Err(std::io::Error::other("it is too long")),
            false => fs::read_to_string(path),
        };
        match text {
            Ok(text) => match parse_cases(&Source { name, text }, now) {
                Ok(read) => cases.extend(read),
                Err(more) => faults.extend(more),
            },
            Err(error) => {
                faults.push(Fault { file: name, line: 0, column: 0, message: format!("it cannot be read: {error}") });
            }
        }
    }
    if faults.is_empty() { Ok(cases) } else { Err(faulty(&faults)) }
}

/// Everything in which an answer differs from what a case expects.
fn failure<'a>(catalogue: &Catalogue, case: &'a Expected) -> Option<(&'a Expected, Vec<String>, Explanation)> {
    let explanation = catalogue.explain(&case.case);
    let decision = &explanation.decision;
    let mut why = Vec::new();
    if decision.verdict != case.verdict {
        why.push(format!("expected {}, got {}", case.verdict.name(), decision.verdict.name()));
    }
    if let Some(rule) = &case.rule
        && !decision.rules.iter().any(|spoke| spoke.name == *rule)
    {
        why.push(format!("expected the rule {rule}, got {}", told::rules(&decision.rules)));
    }
    if let Some(code) = case.code {
        let got = decision.refusal.as_ref().map(|refusal| refusal.code);
        if got != Some(code) {
            why.push(format!("expected the code {code}, got {}", got.map_or("none", |code| code.name())));
        }
    }
    for (parameter, value) in &case.settings {
        let set = decision.settings.iter().find(|set| set.parameter == *parameter).map(|set| set.value);
        if set != Some(*value) {
            let got = set.map_or_else(|| "nothing".to_owned(), |value| value.to_string());
            why.push(format!("expected {} to be set to {value}, got {got}", parameter.name()));
        }
    }
    (!why.is_empty()).then_some((case, why, explanation))
}

fn row(case: &Expected, why: &[String], explanation: &Explanation) -> Value {
    json!({
        "name": case.name, "file": &*case.place.file, "line": case.place.line, "why": why,
        "explanation": explain::in_json(&case.case, explanation),
    })
}
