use gatewright_json::{Number, Object, Value};
use gatewright_model::Usage;

/// Token counts of an answer.
#[derive(Clone, Debug)]
pub(super) struct Counts {
    /// As the gateway reckons with them.
    pub(super) usage: Usage,
    /// As the caller is told: known names and whole numbers alone.
    pub(super) told: Value,
}

const COUNTS: &[&str] = &["prompt_tokens", "completion_tokens", "total_tokens"];
const DETAILS: &[(&str, &[&str])] = &[
    ("prompt_tokens_details", &["cached_tokens", "audio_tokens"]),
    (
        "completion_tokens_details",
        &["reasoning_tokens", "audio_tokens", "accepted_prediction_tokens", "rejected_prediction_tokens"],
    ),
];

/// The counts in an answer's `usage`, where there are any.
pub(super) fn counts(usage: Option<&Value>) -> Option<Counts> {
    let usage = usage?.as_object()?;
    let mut told = numbers(usage, COUNTS);
    for (name, known) in DETAILS {
        if let Some(details) = usage.get(name).and_then(Value::as_object) {
            told.set(name, numbers(details, known));
        }
    }
    let count = |name: &str| told.get(name)?.as_number()?.as_u64();
    let input = count("prompt_tokens");
    let output = count("completion_tokens");
    if input.is_none() && output.is_none() {
        return None;
    }
    let cached =
        told.get("prompt_tokens_details").and_then(|details| details.get("cached_tokens")?.as_number()?.as_u64());
    let input = input.unwrap_or(0);
    // No more of a request can come from a cache than there is of it.
    let usage = Usage { input, output: output.unwrap_or(0), cached: cached.unwrap_or(0).min(input) };
    Some(Counts { usage, told: told.into() })
}

fn numbers(from: &Object, known: &[&str]) -> Object {
    // No answer has more tokens; longer numbers could be somebody's.
    let count = |name: &str| from.get(name)?.as_number().and_then(Number::as_u64).filter(|count| *count < 1 << 32);
    known.iter().filter_map(|name| Some((*name, count(name)?))).collect()
}
