use std::time::Duration;

use gatewright_model::{Delivery, RequestId, RuleName, Tally};

use super::line::Line;
use super::summary::Summary;
use crate::config::ready::LogFormat;

/// The line of a journey. Absent fields are left out.
///
/// The caller's key is written, since that is what an access log is for; the words of a request or an answer, the names
/// of unknown models and the names of unknown fields are not.
pub(super) fn line(format: LogFormat, request: RequestId, summary: &Summary<'_>) -> Vec<u8> {
    let mut line = Line::new(format);
    line.display("timestamp", summary.ended);
    line.word("target", "gatewright::access");
    line.display("request", request);
    line.word("outcome", summary.outcome());
    line.number("status", u64::from(summary.http_status()));
    line.number("took_us", micros(summary.took()));
    line.text("client", summary.client);
    line.text("method", Some(summary.method));
    line.text("path", Some(summary.path));
    if let Some((issuer, subject, kind)) = summary.caller {
        line.text("issuer", Some(issuer.as_str()));
        line.text("subject", Some(subject));
        line.word("kind", kind.name());
    }
    asked(&mut line, summary);
    answered(&mut line, summary);
    line.end()
}

/// What was asked, and what was decided.
fn asked(line: &mut Line, summary: &Summary<'_>) {
    line.text("protocol", summary.protocol);
    line.text("operation", summary.operation.map(|operation| operation.name()));
    line.text("model", summary.model.map(|model| &**model));
    line.text("connection", summary.connection.map(|connection| connection.as_str()));
    if let Some(delivery) = summary.delivery {
        line.flag("stream", delivery == Delivery::Stream);
    }
    line.text("verdict", summary.verdict.map(|verdict| verdict.name()));
    line.text("rule", summary.rule.map(|rule| rule.as_str()));
    if let Some(approval) = summary.approval {
        line.display("approval", approval);
    }
    if let Some(session) = summary.session {
        line.display("session", session);
    }
    if let Some(epoch) = summary.epoch {
        line.number("epoch", epoch);
    }
}

/// What came of it.
fn answered(line: &mut Line, summary: &Summary<'_>) {
    if let Some(waited) = summary.waited_for_disk {
        line.number("disk_us", micros(waited));
    }
    if summary.attempts > 0 {
        line.number("attempts", u64::from(summary.attempts));
    }
    if let Some(first_byte) = summary.first_byte {
        line.number("first_byte_us", micros(first_byte));
    }
    if summary.fate.is_some() {
        line.number("bytes", summary.bytes);
        line.number("chunks", summary.chunks);
    }
    tallies(line, "masked_request", summary.masked_request);
    tallies(line, "masked_answer", summary.masked_answer);
    tallies(line, "alerted_request", summary.alerted_request);
    tallies(line, "alerted_answer", summary.alerted_answer);
    rules(line, "noticed_request", summary.noticed_request);
    rules(line, "noticed_answer", summary.noticed_answer);
    if let Some(usage) = summary.usage {
        line.number("tokens_in", usage.input);
        line.number("tokens_out", usage.output);
    }
    if summary.cost_micros > 0 {
        line.number("cost_micros", summary.cost_micros);
    }
}

/// `EMAIL_ADDRESS=2,US_SSN=1`.
fn tallies(line: &mut Line, key: &'static str, tallies: &[Tally]) {
    if !tallies.is_empty() {
        let words: Vec<String> = tallies.iter().map(|tally| format!("{}={}", tally.info_type, tally.count)).collect();
        line.word(key, &words.join(","));
    }
}

/// `launch-codes,tone`.
fn rules(line: &mut Line, key: &'static str, rules: &[RuleName]) {
    if !rules.is_empty() {
        line.text(key, Some(&rules.iter().map(RuleName::as_str).collect::<Vec<_>>().join(",")));
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
