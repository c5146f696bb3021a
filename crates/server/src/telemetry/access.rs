use std::fmt;

use gatewright_model::{Delivery, RequestId, Tally};

use super::summary::Summary;

/// Writes one line for a journey. Absent fields are left out.
///
/// The caller's key is written, since that is what an access log is for; the words of a request or an answer, the names
/// of unknown models and the names of unknown fields are not.
pub(super) fn write(request: RequestId, summary: &Summary<'_>) {
    let micros = |duration: std::time::Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    let (issuer, subject, kind) = match summary.caller {
        Some((issuer, subject, kind)) => (Some(issuer.as_str()), Some(Plain(subject)), Some(kind.name())),
        None => (None, None, None),
    };
    tracing::info!(
        target: "gatewright::access",
        request = %request,
        outcome = summary.outcome(),
        status = summary.http_status(),
        took_us = micros(summary.took()),
        client = summary.client,
        method = %Plain(summary.method),
        path = %Plain(summary.path),
        issuer,
        subject = subject.map(tracing::field::display),
        kind,
        protocol = summary.protocol,
        operation = summary.operation.map(|operation| operation.name()),
        model = summary.model.map(|model| &**model),
        connection = summary.connection.map(|connection| connection.as_str()),
        stream = summary.delivery.map(|delivery| delivery == Delivery::Stream),
        verdict = summary.verdict.map(|verdict| verdict.name()),
        rule = summary.rule.map(|rule| rule.as_str()),
        approval = summary.approval.map(tracing::field::display),
        session = summary.session.map(tracing::field::display),
        epoch = summary.epoch,
        disk_us = summary.waited_for_disk.map(micros),
        attempts = (summary.attempts > 0).then_some(summary.attempts),
        first_byte_us = summary.first_byte.map(micros),
        bytes = summary.fate.map(|_| summary.bytes),
        chunks = summary.fate.map(|_| summary.chunks),
        masked_request = (!summary.masked_request.is_empty()).then(|| tracing::field::display(Tallies(summary.masked_request))),
        masked_answer = (!summary.masked_answer.is_empty()).then(|| tracing::field::display(Tallies(summary.masked_answer))),
        tokens_in = summary.usage.map(|usage| usage.input),
        tokens_out = summary.usage.map(|usage| usage.output),
    );
}

/// Text in one line: whatever could begin another line, or move a terminal's cursor, is escaped.
struct Plain<'t>(&'t str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            // Bidirectional overrides make a line read as something that it does not say.
            let bends =
                matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}');
            if character.is_control() || bends {
                write!(f, "{}", character.escape_default())?;
            } else {
                fmt::Write::write_char(f, character)?;
            }
        }
        Ok(())
    }
}

/// `EMAIL_ADDRESS=2,US_SSN=1`.
struct Tallies<'t>(&'t [Tally]);

impl fmt::Display for Tallies<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, tally) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(",")?;
            }
            write!(f, "{}={}", tally.info_type, tally.count)?;
        }
        Ok(())
    }
}
