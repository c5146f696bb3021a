//! `valid: { from, until }`: when a role, a membership or a grant counts.

use gatewright_model::Timestamp;

use super::node::{Node, Value};
use super::reader::Reader;
use crate::roles::Window;

/// Reads `{ from: DATE, until: DATE }`; an absent end is open.
pub(super) fn window(reader: &mut Reader, node: Option<&Node>) -> Window {
    let Some(node) = node else { return Window::default() };
    let fields = reader.fields(node, &["from", "until"]);
    let from = fields.get("from").and_then(|node| moment(reader, node));
    let until = fields.get("until").and_then(|node| moment(reader, node));
    let place = reader.place(node);
    if fields.get("from").is_none() && fields.get("until").is_none() {
        reader.fault(&place, "a window needs `from`, `until` or both");
    }
    if let (Some(from), Some(until)) = (from, until)
        && from >= until
    {
        reader.fault(&place, "this window is never open: `until` is not after `from`");
    }
    Window { from, until }
}

pub(super) fn moment(reader: &mut Reader, node: &Node) -> Option<Timestamp> {
    let parsed = match &node.value {
        Value::Text(text) => parse_moment(text),
        _ => None,
    };
    if parsed.is_none() {
        let place = reader.place(node);
        reader
            .fault(&place, "expected a moment in UTC: \"2026-12-31\" (its first instant) or \"2026-12-31T18:00:00Z\"");
    }
    parsed
}

/// `YYYY-MM-DD`, or RFC 3339 in UTC to the second.
pub fn parse_moment(text: &str) -> Option<Timestamp> {
    let (date, time) = match text.strip_suffix('Z') {
        Some(rest) => rest.split_once('T')?,
        None => (text, "00:00:00"),
    };
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    let fits = (1970..=9999).contains(&year) && (1..=longest).contains(&day) && hour < 24 && minute < 60 && second < 60;
    if !fits {
        return None;
    }
    // Days since 1970-01-01 in the proleptic Gregorian calendar, counted in years that begin in March.
    let (shifted, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    Some(Timestamp::from_seconds(((days * 24 + hour) * 60 + minute) * 60 + second))
}

fn numbers(text: &str, between: char, lengths: [usize; 3]) -> Option<[u64; 3]> {
    let mut parts = text.split(between);
    let mut read = [0; 3];
    for (number, length) in read.iter_mut().zip(lengths) {
        let part = parts.next()?;
        if part.len() != length || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_print_as_they_were_written() {
        for text in ["1970-01-01T00:00:00Z", "2000-02-29T12:30:59Z", "2026-11-22T01:02:03Z", "9999-12-31T23:59:59Z"] {
            let printed = parse_moment(text).map(|moment| moment.to_string());
            assert_eq!(printed.as_deref(), Some(text.replace('Z', ".000Z").as_str()));
        }
        assert_eq!(parse_moment("2026-12-31"), parse_moment("2026-12-31T00:00:00Z"));
    }

    #[test]
    fn moments_that_do_not_exist_are_refused() {
        for bad in
            ["2025-02-29", "2026-13-01", "2026-1-1", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00+01:00", "x", ""]
        {
            assert_eq!(parse_moment(bad), None, "{bad}");
        }
    }
}
