//! What a rule's `when` says beside names: at which hours, and of which size.

use gatewright_model::{Parameter, Quantity};

use super::node::{Node, Value};
use super::reader::{Reader, quoted};

const DAY: i64 = 24 * 60;
const WEEK: i64 = 7 * DAY;

/// Hours of the week: minutes since Monday 00:00 UTC, each from (included) until (excluded), in order and apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hours(pub(crate) Vec<(i64, i64)>);

/// A parameter, and the value that it has to be above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Over {
    pub(crate) parameter: Parameter,
    pub(crate) value: Quantity,
}

/// Reads `{ days: […], from: "18:00", until: "08:00", utc_offset: "+01:00" }`, or a list of them.
pub(super) fn hours(reader: &mut Reader, node: &Node) -> Hours {
    let mut found = Vec::new();
    match &node.value {
        Value::List(_) => reader.list(node).iter().for_each(|node| some_hours(reader, node, &mut found)),
        _ => some_hours(reader, node, &mut found),
    }
    Hours(joined(found))
}

fn some_hours(reader: &mut Reader, node: &Node, found: &mut Vec<(i64, i64)>) {
    let fields = reader.fields(node, &["days", "from", "until", "utc_offset"]);
    let place = reader.place(node);
    let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let mut days: Vec<i64> = Vec::new();
    for text in fields.get("days").map_or(Vec::new(), |node| reader.texts(node)) {
        match names.iter().position(|name| *name == text.value).and_then(|day| i64::try_from(day).ok()) {
            Some(day) => days.push(day),
            None => {
                let message = format!("unknown day {}; known: {}", quoted(&text.value), names.join(", "));
                reader.fault(&text.place, message);
            }
        }
    }
    if fields.get("days").is_none() {
        days.extend(0..7);
    }
    let mut time = |name: &str, default: i64| {
        let Some(node) = fields.get(name) else { return default };
        let place = reader.place(node);
        let minutes = reader.text(node).and_then(|text| minutes(&text.value));
        minutes.unwrap_or_else(|| {
            reader.fault(&place, "expected a time of day such as \"08:30\", at most \"24:00\"");
            default
        })
    };
    let (from, until) = (time("from", 0), time("until", DAY));
    if from == until || from == DAY {
        reader.fault(&place, "these hours are never: `until` has to differ from `from`, which is before \"24:00\"");
    }
    let offset = fields.get("utc_offset").map_or(0, |node| {
        let place = reader.place(node);
        let minutes = reader.text(node).and_then(|text| offset(&text.value));
        minutes.unwrap_or_else(|| {
            reader.fault(&place, "expected an offset from UTC such as \"+01:00\" or \"-05:30\", at most 14 hours");
            0
        })
    });
    // An end before the beginning lies on the next day.
    let length = if until > from { until - from } else { until + DAY - from };
    for day in days {
        let begins = (day * DAY + from - offset).rem_euclid(WEEK);
        let ends = begins + length;
        found.push((begins, ends.min(WEEK)));
        if ends > WEEK {
            found.push((0, ends - WEEK));
        }
    }
}

/// The same hours, in order, with what overlaps or touches put together.
fn joined(mut found: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    found.sort_unstable();
    let mut joined: Vec<(i64, i64)> = Vec::new();
    for (from, until) in found {
        match joined.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(until),
            _ => joined.push((from, until)),
        }
    }
    joined
}

fn minutes(text: &str) -> Option<i64> {
    let (hour, minute) = text.split_once(':')?;
    let two = |part: &str| {
        let plain = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| part.parse::<i64>().ok()).flatten()
    };
    let (hour, minute) = (two(hour)?, two(minute)?);
    let total = hour * 60 + minute;
    (minute < 60 && total <= DAY).then_some(total)
}

fn offset(text: &str) -> Option<i64> {
    let (sign, rest) = text.split_at_checked(1)?;
    let minutes = minutes(rest).filter(|minutes| *minutes <= 14 * 60)?;
    match sign {
        "+" => Some(minutes),
        "-" => Some(-minutes),
        _ => None,
    }
}

/// Reads `{ max_tokens: { over: 4096 } }`.
pub(super) fn parameters(reader: &mut Reader, node: &Node) -> Vec<Over> {
    let mut found = Vec::new();
    for (key, value) in reader.entries(node) {
        let place = reader.key_place(key);
        let Some(parameter) = Parameter::from_name(&key.name) else {
            let known: Vec<&str> = Parameter::ALL.iter().map(|parameter| parameter.name()).collect();
            reader.fault(&place, format!("unknown parameter {}; known: {}", quoted(&key.name), known.join(", ")));
            continue;
        };
        let fields = reader.fields(value, &["over"]);
        match fields.get("over") {
            Some(node) => found.extend(reader.quantity(node).map(|value| Over { parameter, value })),
            None => reader.fault(&place, format!("{} needs `over`", parameter.name())),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_that_touch_are_one() {
        assert_eq!(joined(vec![(10, 20), (0, 5), (20, 30), (4, 6)]), [(0, 6), (10, 30)]);
    }

    #[test]
    fn times_and_offsets_are_read_strictly() {
        assert_eq!((minutes("00:00"), minutes("08:30"), minutes("24:00")), (Some(0), Some(510), Some(1_440)));
        for bad in ["", "8:30", "24:01", "12:60", "12", "-1:00", "12:3x", "+1:00"] {
            assert_eq!(minutes(bad), None, "{bad}");
        }
        assert_eq!((offset("+01:00"), offset("-05:30")), (Some(60), Some(-330)));
        for bad in ["", "01:00", "+15:00", "\u{2212}01:00", "Z"] {
            assert_eq!(offset(bad), None, "{bad}");
        }
    }
}
