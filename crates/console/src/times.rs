use maud::{Markup, html};

use crate::visible;

/// Seconds since 1970 of an RFC 3339 time in UTC, which is how the API writes them; fractions are left out.
pub(crate) fn seconds(text: &str) -> Option<u64> {
    let number = |from: usize, to: usize| {
        let digits = text.get(from..to)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<i64>().ok()).flatten()
    };
    let separators = [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":")];
    if !text.ends_with('Z') || separators.iter().any(|(place, mark)| text.get(*place..place + 1) != Some(mark)) {
        return None;
    }
    let days = days(number(0, 4)?, number(5, 7)?, number(8, 10)?)?;
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    u64::try_from(days * 86_400 + hour * 3_600 + minute * 60 + second).ok()
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar; years begin in March, so that a leap day ends one.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    Some(365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468)
}

/// A moment as people say it, with the exact one for those who want it. The script keeps it true.
pub(crate) fn moment(text: &str, now: u64) -> Markup {
    let words = match seconds(text) {
        Some(at) if at > now => format!("in {}", span(at - now)),
        Some(at) if now - at < 5 => "just now".to_owned(),
        Some(at) => format!("{} ago", span(now - at)),
        None => visible::plain(text),
    };
    html! { time datetime=(visible::plain(text)) title=(visible::plain(text)) { (words) } }
}

/// How much time is left until a moment; the script counts it down.
pub(crate) fn left(text: &str, now: u64) -> Markup {
    let words = match seconds(text) {
        Some(at) if at > now => format!("{} left", span(at - now)),
        Some(_) => "time is over".to_owned(),
        None => visible::plain(text),
    };
    html! { time.left datetime=(visible::plain(text)) title=(visible::plain(text)) data-left { (words) } }
}

/// A length of time in its largest unit that loses little.
pub(crate) fn span(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A length of time exactly, for what is asked for and given.
pub(crate) fn exact(seconds: u64) -> String {
    let parts = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let mut rest = seconds;
    let mut words = Vec::new();
    for (unit, name) in parts {
        if rest >= unit {
            words.push(format!("{} {name}", rest / unit));
            rest %= unit;
        }
    }
    if words.is_empty() { "0 s".to_owned() } else { words.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_times_of_the_api() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2000-02-29T12:34:56Z", Some(951_827_696)),
            ("2026-11-24T19:42:51.123Z", Some(1_795_549_371)),
            ("2027-01-15T08:00:00.000Z", Some(1_800_000_000)),
            ("2026-11-24T19:42:51+01:00", None),
            ("2026-13-24T19:42:51Z", None),
            ("", None),
            ("é026-11-24T19:42:51Z", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn says_lengths_of_time() {
        assert_eq!(exact(0), "0 s");
        assert_eq!(exact(900), "15 min");
        assert_eq!(exact(90_061), "1 d 1 h 1 min 1 s");
        assert_eq!(
            (span(90), span(3_600), span(7_200), span(200_000)),
            ("90 s".into(), "60 min".into(), "2 h".into(), "2 days".into())
        );
    }
}
