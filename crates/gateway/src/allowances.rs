//! What is left of budgets, as programs read it: the `ratelimit` fields of the IETF's draft (draft-ietf-httpapi-ratelimit-
//! headers-10) and the `x-ratelimit` fields that SDKs know.

use std::fmt::Write as _;

use gatewright_model::{Allowance, Measure};
use http::{HeaderMap, HeaderValue};

/// Tells these allowances, the tightest of each measure.
pub(crate) fn tell(allowances: &[Allowance], headers: &mut HeaderMap) {
    let (mut policy, mut state) = (String::new(), String::new());
    for allowance in allowances {
        let Allowance { measure, most, left, window, resets_in } = *allowance;
        let (name, seconds) = (measure.name(), resets_in.as_secs().max(1));
        let comma = if state.is_empty() { "" } else { ", " };
        // The unit is left out where it is the draft's default.
        let unit = match measure {
            Measure::Requests => "",
            Measure::Tokens => ";qu=\"tokens\"",
            Measure::Cost => ";qu=\"cost-micros\"",
            Measure::AnswerBytes => ";qu=\"content-bytes\"",
        };
        let _ = write!(policy, "{comma}\"{name}\";q={most}{unit};w={}", window.as_secs());
        let _ = write!(state, "{comma}\"{name}\";r={left};t={seconds}");
        let names = match measure {
            Measure::Requests => {
                ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"]
            }
            Measure::Tokens => ["x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"],
            Measure::Cost | Measure::AnswerBytes => continue,
        };
        let texts = [most.to_string(), left.to_string(), format!("{seconds}s")];
        for (name, text) in names.into_iter().zip(texts) {
            put(headers, name, &text);
        }
    }
    if !state.is_empty() {
        put(headers, "ratelimit-policy", &policy);
        put(headers, "ratelimit", &state);
    }
}

fn put(headers: &mut HeaderMap, name: &'static str, text: &str) {
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn programs_read_it() {
        let allowance = |measure, most, left| Allowance {
            measure,
            most,
            left,
            window: Duration::from_secs(86_400),
            resets_in: Duration::from_millis(90_500),
        };
        let mut headers = HeaderMap::new();
        tell(&[allowance(Measure::Requests, 4, 3), allowance(Measure::AnswerBytes, 1_000, 0)], &mut headers);
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        assert_eq!(
            header("ratelimit-policy"),
            Some("\"requests\";q=4;w=86400, \"answer_bytes\";q=1000;qu=\"content-bytes\";w=86400")
        );
        assert_eq!(header("ratelimit"), Some("\"requests\";r=3;t=90, \"answer_bytes\";r=0;t=90"));
        assert_eq!(header("x-ratelimit-limit-requests"), Some("4"));
        assert_eq!(header("x-ratelimit-remaining-requests"), Some("3"));
        assert_eq!(header("x-ratelimit-reset-requests"), Some("90s"));
        assert_eq!(headers.len(), 5);
    }
}
