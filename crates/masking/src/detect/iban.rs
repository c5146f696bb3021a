//! International bank account numbers (ISO 13616).

use super::registry::Builtin;
use super::{Answer, View, is_alnum};

/// Country codes with the length that its account numbers have (SWIFT IBAN registry, release 99).
const LENGTHS: &[(&[u8; 2], usize)] = &[
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BI", 27),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DJ", 27),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FK", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HN", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MN", 20),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NI", 28),
    (b"NL", 18),
    (b"NO", 15),
    (b"OM", 23),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"RU", 33),
    (b"SA", 24),
    (b"SC", 31),
    (b"SD", 18),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"SO", 23),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
    (b"YE", 30),
];

/// The same by the two letters; zero where there is no such country.
const BY_COUNTRY: [[u8; 26]; 26] = {
    let (mut lengths, mut place) = ([[0; 26]; 26], 0);
    while place < LENGTHS.len() {
        let (country, length) = LENGTHS[place];
        lengths[(country[0] - b'A') as usize][(country[1] - b'A') as usize] = length as u8;
        place += 1;
    }
    lengths
};

/// Whether a country's two letters and two digits stand here.
pub(crate) fn may_begin(view: View<'_>, start: usize) -> bool {
    let digit = |at: usize| view.units.get(at).map_or(view.is_open(at), u8::is_ascii_digit);
    !is_alnum(view.before(start)) && length_at(view, start) > 0 && digit(start + 2) && digit(start + 3)
}

/// How long a number of this country is; zero where there is no such country.
fn length_at(view: View<'_>, start: usize) -> usize {
    let letter = |at: usize| usize::from(view.units[at].to_ascii_uppercase().wrapping_sub(b'A'));
    BY_COUNTRY
        .get(letter(start))
        .and_then(|second| second.get(letter(start + 1)))
        .map_or(0, |length| usize::from(*length))
}

/// Looks for an account number where [`may_begin`] is true.
pub(crate) fn recognise(view: View<'_>, start: usize) -> Answer {
    let length = length_at(view, start);
    let mut code = [0; 34];
    code[0] = view.units[start].to_ascii_uppercase();
    code[1] = view.units[start + 1].to_ascii_uppercase();
    let mut at = start + 2;
    for place in &mut code[2..length] {
        let separator = |at: usize| matches!(view.units.get(at), Some(b' ' | b'-' | b'.' | b'/' | b'_'));
        if separator(at) {
            at += 1 + usize::from(separator(at + 1));
        }
        match view.get(at) {
            None => return if view.is_open(at) { Answer::Undecided } else { Answer::Nothing },
            Some(unit) if is_alnum(unit) => *place = unit.to_ascii_uppercase(),
            Some(_) => return Answer::Nothing,
        }
        at += 1;
    }
    if view.is_open(at) {
        return Answer::Undecided;
    }
    let ends = !view.get(at).is_some_and(is_alnum);
    match ends && are_check_digits(code[2], code[3]) && is_valid(&code[..length]) {
        true => Answer::found(at, Builtin::IbanCode.index()),
        false => Answer::Nothing,
    }
}

/// Whether the scheme gives two such digits: 98 less a remainder.
const fn are_check_digits(first: u8, second: u8) -> bool {
    first.is_ascii_digit() && second.is_ascii_digit() && !matches!((first, second), (b'0', b'0' | b'1') | (b'9', b'9'))
}

/// The check of ISO 7064, MOD 97-10: the first four characters moved to the end, letters as 10 to 35. Many digits are
/// taken together, since a division is what costs.
fn is_valid(code: &[u8]) -> bool {
    let mut remainder = 0_u64;
    for part in [&code[4..], &code[..4]] {
        // Eight letters are sixteen digits, which with the two of a remainder are far below 2^64.
        for several in part.chunks(8) {
            for unit in several {
                remainder = match unit {
                    b'0'..=b'9' => remainder * 10 + u64::from(unit - b'0'),
                    _ => remainder * 100 + u64::from(unit - b'A') + 10,
                };
            }
            remainder %= 97;
        }
    }
    remainder == 1
}
