//! International bank account numbers (ISO 13616).

use super::registry::Builtin;
use super::{Answer, View, is_alnum};

/// A country's account numbers: how long they are, and how many letters and digits stand behind the check digits at least,
/// before letters and digits in any order.
#[derive(Clone, Copy)]
struct Country {
    code: &'static [u8; 2],
    length: u8,
    letters: u8,
    digits: u8,
}

const fn country(code: &'static [u8; 2], length: u8, letters: u8, digits: u8) -> Country {
    Country { code, length, letters, digits }
}

/// After the SWIFT IBAN registry, release 99.
const COUNTRIES: &[Country] = &[
    country(b"AD", 24, 0, 8),
    country(b"AE", 23, 0, 19),
    country(b"AL", 28, 0, 8),
    country(b"AT", 20, 0, 16),
    country(b"AZ", 28, 4, 0),
    country(b"BA", 20, 0, 16),
    country(b"BE", 16, 0, 12),
    country(b"BG", 22, 4, 6),
    country(b"BH", 22, 4, 0),
    country(b"BI", 27, 0, 23),
    country(b"BR", 29, 0, 23),
    country(b"BY", 28, 0, 0),
    country(b"CH", 21, 0, 5),
    country(b"CR", 22, 0, 18),
    country(b"CY", 28, 0, 8),
    country(b"CZ", 24, 0, 20),
    country(b"DE", 22, 0, 18),
    country(b"DJ", 27, 0, 23),
    country(b"DK", 18, 0, 14),
    country(b"DO", 28, 0, 0),
    country(b"EE", 20, 0, 16),
    country(b"EG", 29, 0, 25),
    country(b"ES", 24, 0, 20),
    country(b"FI", 18, 0, 14),
    country(b"FK", 18, 2, 12),
    country(b"FO", 18, 0, 14),
    country(b"FR", 27, 0, 10),
    country(b"GB", 22, 4, 14),
    country(b"GE", 22, 2, 16),
    country(b"GI", 23, 4, 0),
    country(b"GL", 18, 0, 14),
    country(b"GR", 27, 0, 7),
    country(b"GT", 28, 0, 0),
    country(b"HN", 28, 4, 20),
    country(b"HR", 21, 0, 17),
    country(b"HU", 28, 0, 24),
    country(b"IE", 22, 4, 14),
    country(b"IL", 23, 0, 19),
    country(b"IQ", 23, 4, 15),
    country(b"IS", 26, 0, 22),
    country(b"IT", 27, 1, 10),
    country(b"JO", 30, 4, 4),
    country(b"KW", 30, 4, 0),
    country(b"KZ", 20, 0, 3),
    country(b"LB", 28, 0, 4),
    country(b"LC", 32, 4, 0),
    country(b"LI", 21, 0, 5),
    country(b"LT", 20, 0, 16),
    country(b"LU", 20, 0, 3),
    country(b"LV", 21, 4, 0),
    country(b"LY", 25, 0, 21),
    country(b"MC", 27, 0, 10),
    country(b"MD", 24, 0, 0),
    country(b"ME", 22, 0, 18),
    country(b"MK", 19, 0, 3),
    country(b"MN", 20, 0, 16),
    country(b"MR", 27, 0, 23),
    country(b"MT", 31, 4, 5),
    country(b"MU", 30, 4, 19),
    country(b"NI", 28, 4, 20),
    country(b"NL", 18, 4, 10),
    country(b"NO", 15, 0, 11),
    country(b"OM", 23, 0, 3),
    country(b"PK", 24, 4, 0),
    country(b"PL", 28, 0, 24),
    country(b"PS", 29, 4, 0),
    country(b"PT", 25, 0, 21),
    country(b"QA", 29, 4, 0),
    country(b"RO", 24, 4, 0),
    country(b"RS", 22, 0, 18),
    country(b"RU", 33, 0, 14),
    country(b"SA", 24, 0, 2),
    country(b"SC", 31, 4, 20),
    country(b"SD", 18, 0, 14),
    country(b"SE", 24, 0, 20),
    country(b"SI", 19, 0, 15),
    country(b"SK", 24, 0, 20),
    country(b"SM", 27, 1, 10),
    country(b"SO", 23, 0, 19),
    country(b"ST", 25, 0, 21),
    country(b"SV", 28, 4, 20),
    country(b"TL", 23, 0, 19),
    country(b"TN", 24, 0, 20),
    country(b"TR", 26, 0, 6),
    country(b"UA", 29, 0, 6),
    country(b"VA", 22, 0, 18),
    country(b"VG", 24, 4, 16),
    country(b"XK", 20, 0, 16),
    country(b"YE", 30, 4, 4),
];

/// The same by the two letters; of no length where there is no such country.
static BY_COUNTRY: [[Country; 26]; 26] = {
    let (mut countries, mut place) = ([[country(b"  ", 0, 0, 0); 26]; 26], 0);
    while place < COUNTRIES.len() {
        let code = COUNTRIES[place].code;
        countries[(code[0] - b'A') as usize][(code[1] - b'A') as usize] = COUNTRIES[place];
        place += 1;
    }
    countries
};

/// Whether a country's two letters and two digits stand here.
pub(crate) fn may_begin(view: View<'_>, start: usize) -> bool {
    begins_with_digits_at(view, start, start + 2)
}

/// The same with a separator between letters and digits.
pub(crate) fn may_begin_apart(view: View<'_>, start: usize) -> bool {
    begins_with_digits_at(view, start, start + 3)
}

fn begins_with_digits_at(view: View<'_>, start: usize, digits: usize) -> bool {
    let digit = |at: usize| view.units.get(at).map_or(view.is_open(at), u8::is_ascii_digit);
    let may_be_check = match view.units.get(digits..digits + 2) {
        Some(&[first, second]) => are_check_digits(first, second),
        Some(_) | None => digit(digits) && digit(digits + 1),
    };
    may_be_check && !is_alnum(view.before(start)) && country_at(view, start).is_some()
}

/// The country whose two letters stand here.
fn country_at(view: View<'_>, start: usize) -> Option<Country> {
    let letter = |at: usize| usize::from(view.units[at].to_ascii_uppercase().wrapping_sub(b'A'));
    let country = *BY_COUNTRY.get(letter(start))?.get(letter(start + 1))?;
    (country.length > 0).then_some(country)
}

/// Looks for an account number where [`may_begin`] is true.
pub(crate) fn recognise(view: View<'_>, start: usize) -> Answer {
    let Some(country) = country_at(view, start) else { return Answer::Nothing };
    let length = usize::from(country.length);
    let letters = 4..4 + usize::from(country.letters);
    let digits = letters.end..letters.end + usize::from(country.digits);
    let mut code = [0; 34];
    code[..2].copy_from_slice(country.code);
    let mut at = start + 2;
    let mut short = None;
    for place in 2..length {
        if place == SHORT_BRITISH && country.code == b"GB" {
            short = Some(at);
        }
        let separator = |at: usize| matches!(view.units.get(at), Some(b' ' | b'-' | b'.' | b'/' | b'_'));
        if separator(at) {
            at += 1 + usize::from(separator(at + 1));
        }
        let Some(unit) = view.get(at) else {
            return if view.is_open(at) { Answer::Undecided } else { of_length(view, &code[..place], short) };
        };
        let belongs = match place {
            _ if letters.contains(&place) => unit.is_ascii_alphabetic(),
            _ if place < 4 || digits.contains(&place) => unit.is_ascii_digit(),
            _ => is_alnum(unit),
        };
        if !belongs {
            return of_length(view, &code[..place], short);
        }
        code[place] = unit.to_ascii_uppercase();
        at += 1;
    }
    if view.is_open(at) {
        return Answer::Undecided;
    }
    of_length(view, &code[..length], Some(at))
}

/// Test data often has a British number with one digit too few, and its check digits are right.
const SHORT_BRITISH: usize = 21;

/// What these characters are that end at `end`, where they may.
fn of_length(view: View<'_>, code: &[u8], end: Option<usize>) -> Answer {
    match end.filter(|end| !view.get(*end).is_some_and(is_alnum)) {
        Some(end) if are_check_digits(code[2], code[3]) && is_valid(code) => {
            Answer::found(end, Builtin::IbanCode.index())
        }
        Some(_) | None => Answer::Nothing,
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
