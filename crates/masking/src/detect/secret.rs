//! Keys that are known by their first characters, and how far a secret goes on that is too long to be held.

use super::keys::Prefixed;
use super::registry::Builtin;
use super::{Answer, Hit, Tail, View, armour, is_alnum};

/// A secret longer than this is not held to its end: what follows is swallowed.
pub(super) const MAX_HELD: usize = 256;

/// Looks for a key of this kind at `start`, where it could begin.
pub(crate) fn prefixed(view: View<'_>, start: usize, kind: &Prefixed) -> Answer {
    if kind.prefix == "-----BEGIN" {
        return armour::header(view, start);
    }
    let body = start + kind.prefix.len();
    let end = view.run(body, MAX_HELD, |unit| kind.alphabet.has(unit));
    let text = &view.units[body..end];
    if end - body == MAX_HELD {
        return match is_plausible(kind, text) {
            true => found_with(end, Tail::Key),
            false => Answer::Nothing,
        };
    }
    if view.is_open(end) {
        return Answer::Undecided;
    }
    // A sentence may end right after a token.
    let dots = text.iter().rev().take_while(|unit| **unit == b'.').count();
    let text = &text[..text.len() - dots];
    match text.len() >= kind.fewest && is_plausible(kind, text) {
        true => found_with(end - dots, Tail::None),
        false => Answer::Nothing,
    }
}

pub(super) const fn found_with(end: usize, tail: Tail) -> Answer {
    Answer::Found(Hit { end, info_type: Builtin::Secret.index(), tail })
}

/// What tells a key from a name that begins alike.
fn is_plausible(kind: &Prefixed, text: &[u8]) -> bool {
    let mixed = text.iter().any(u8::is_ascii_digit) && text.iter().any(u8::is_ascii_alphabetic);
    match kind.prefix {
        // Sixteen of base32 exactly: a key even where chance gave it no digit.
        "AKIA" | "ASIA" | "ABIA" | "ACCA" => mixed || text.len() == 16,
        "MD" | "MT" | "Mj" | "Mz" | "ND" | "NT" | "Nj" | "Nz" | "OD" | "OT" => {
            let mut lengths = [0; 3];
            let parts = text.split(|unit| *unit == b'.').map(<[u8]>::len);
            let count = parts.zip(&mut lengths).map(|(part, length)| *length = part).count();
            let dots = text.iter().filter(|unit| **unit == b'.').count();
            count == 3 && dots == 2 && matches!(lengths, [16..=26, 6..=7, 25..=40])
        }
        "eyJ" => {
            let mut parts = text.split(|unit| *unit == b'.');
            let lengths = (parts.next().map_or(0, <[u8]>::len), parts.next().map_or(0, <[u8]>::len));
            lengths.0 >= 8 && lengths.1 >= 8 || lengths.0 == MAX_HELD
        }
        // Eight characters, then the key.
        "re_" => {
            let (first, second) = text.split_at(text.len().min(8));
            mixed && first.iter().all(|unit| is_alnum(*unit)) && second.first() == Some(&b'_')
        }
        // Fourteen characters, a point, then 64 hexadecimal digits.
        "pat" => text.get(14) == Some(&b'.') && text[15..].iter().all(u8::is_ascii_hexdigit) && mixed,
        "sk-" | "pypi-" | "tskey-" | "pul-" => {
            let longest = text.split(|unit| matches!(unit, b'-' | b'_')).map(<[u8]>::len).max().unwrap_or(0);
            mixed && longest >= 12
        }
        _ => mixed || text.iter().any(u8::is_ascii_uppercase) && text.iter().any(u8::is_ascii_lowercase),
    }
}

/// How far a value goes on that was found with a tail, and whether it ends there.
pub(crate) fn swallow(view: View<'_>, at: usize, tail: Tail) -> (usize, bool) {
    let while_ = |belongs: fn(u8) -> bool| {
        let end = view.run(at, usize::MAX - at, belongs);
        (end, !view.is_open(end))
    };
    match tail {
        Tail::None => (at, true),
        Tail::Key => while_(|unit| is_alnum(unit) || matches!(unit, b'_' | b'-' | b'.' | b'=' | b'+' | b'/')),
        Tail::Visible => while_(|unit| unit > b' ' && !matches!(unit, b'"' | b'\'' | b'`')),
        Tail::Everything => while_(|_| true),
        Tail::Armour => armour::body(view, at),
    }
}
