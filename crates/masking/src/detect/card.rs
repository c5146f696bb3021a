//! Payment cards (ISO/IEC 7812): an issuer's range and length, and the Luhn digit.

use super::View;
use super::context::Topic;
use super::digits::{Number, Separator};

/// The fewest digits of a card.
pub(super) const SHORTEST: usize = 13;

/// The most.
pub(super) const LONGEST: usize = 19;

/// First six digits from, to (inclusive), and the lengths that the scheme issues.
const ISSUERS: &[(u32, u32, &[usize])] = &[
    // Visa
    (400_000, 499_999, &[13, 16, 18, 19]),
    // Mastercard
    (510_000, 559_999, &[16]),
    (222_100, 272_099, &[16]),
    // American Express
    (340_000, 349_999, &[15]),
    (370_000, 379_999, &[15]),
    // Diners Club
    (300_000, 305_999, &[14, 16, 17, 18, 19]),
    (309_500, 309_599, &[14, 16, 17, 18, 19]),
    (360_000, 369_999, &[14, 15, 16, 17, 18, 19]),
    (380_000, 399_999, &[14, 16, 17, 18, 19]),
    // JCB
    (352_800, 358_999, &[16, 17, 18, 19]),
    // Mir
    (220_000, 220_499, &[16, 17, 18, 19]),
    // UnionPay, with the ranges that Discover shares
    (620_000, 629_999, &[16, 17, 18, 19]),
    (810_000, 817_199, &[16, 17, 18, 19]),
    // Discover, RuPay
    (601_100, 601_199, &[16, 17, 18, 19]),
    (644_000, 659_999, &[16, 17, 18, 19]),
    (606_900, 608_999, &[16]),
    (817_200, 820_199, &[16]),
    (508_500, 508_999, &[16]),
    // Maestro
    (500_000, 508_499, &[13, 14, 15, 16, 17, 18, 19]),
    (560_000, 589_999, &[13, 14, 15, 16, 17, 18, 19]),
    (630_400, 630_499, &[16, 17, 18, 19]),
    (639_000, 639_099, &[16, 17, 18, 19]),
    (670_000, 679_999, &[13, 14, 15, 16, 17, 18, 19]),
    // InstaPayment, Elo, Hipercard, Troy, Verve
    (637_000, 639_999, &[16]),
    (636_200, 636_399, &[16]),
    (606_282, 606_282, &[16]),
    (979_200, 979_299, &[16]),
    (506_099, 506_198, &[16, 18, 19]),
];

/// The end of the longest card number that begins where the number does.
pub(super) fn find(view: View<'_>, number: &Number<'_>) -> Option<usize> {
    let groups = number.groups();
    for (place, last) in groups.iter().enumerate().rev() {
        let count = number.digits(place + 1).len();
        if count < SHORTEST {
            break;
        }
        let card = count <= LONGEST
            && number.passes_luhn(place + 1)
            && is_issued(number.digits(place + 1))
            && is_grouped_like_a_card(number, place + 1)
            && number.may_end(view, place + 1)
            && !is_part_of_another(view, number)
            && (is_of_usual_length(number, place + 1) || !number.topic(view).speak_of(Topic::Thing));
        if card {
            return Some(last.end());
        }
    }
    None
}

/// Whether the digits go on from before, in groups that no card has: `119-5838955-6104071`.
fn is_part_of_another(view: View<'_>, number: &Number<'_>) -> bool {
    let follows =
        matches!(view.before(number.start), b'-' | b'/' | b'.') && view.before(number.start - 1).is_ascii_digit();
    follows && !may_begin_with(number.groups()[0].length())
}

/// Articles and devices have numbers of other lengths as well, which are cards' only where the text does not speak of a
/// thing.
fn is_of_usual_length(number: &Number<'_>, groups: usize) -> bool {
    let digits = number.digits(groups);
    digits.len() == 16 || digits.len() == 15 && digits[0] == 3 || digits.len() > 13 && groups > 1
}

/// In one piece, in groups of three digits or more (the last may be shorter), or digit by digit or in pairs that do not
/// go on.
fn is_grouped_like_a_card(number: &Number<'_>, count: usize) -> bool {
    let groups = &number.groups()[..count];
    // Numbers of messages; decimals; orders.
    let is_other = match groups {
        [one] => matches!(one.length(), 17 | 18),
        [whole, fraction] => {
            let dotted = fraction.separator == Separator::One(b'.');
            dotted && whole.length() != 6 && whole.length() + fraction.length() != 16
        }
        _ => number.has_shape(&[3, 7, 7]),
    };
    let goes_on = || match groups {
        [_, second, ..] => number.groups().get(count).is_some_and(|next| next.separator == second.separator),
        [_] | [] => false,
    };
    let separated = groups[1..].iter().all(|group| group.separator != Separator::Several { parenthesis: true });
    let (last, rest) = match groups.split_last() {
        Some(split) => split,
        None => return false,
    };
    let even =
        |length: usize| rest.iter().all(|group| group.length() == length) && last.length() <= length && !goes_on();
    !is_other && separated && (rest.iter().all(|group| group.length() >= 3) || even(1) || even(2))
}

/// Whether a card's number that stands tied to digits before it may begin with a group of this length.
pub(super) const fn may_begin_with(length: usize) -> bool {
    matches!(length, 4 | 6 | 13..)
}

/// Whether a number that begins with these two digits may be a card's; units that are none say nothing.
pub(super) fn may_be_issued(units: &[u8]) -> bool {
    let [first @ b'0'..=b'9', second @ b'0'..=b'9', ..] = units else { return true };
    FIRST_TWO[usize::from(first - b'0') * 10 + usize::from(second - b'0')]
}

/// Which first two digits some issuer has.
const FIRST_TWO: [bool; 100] = {
    let (mut two, mut place) = ([false; 100], 0);
    while place < ISSUERS.len() {
        let mut begins = ISSUERS[place].0 / 10_000;
        while begins <= ISSUERS[place].1 / 10_000 {
            two[begins as usize] = true;
            begins += 1;
        }
        place += 1;
    }
    two
};

fn is_issued(digits: &[u8]) -> bool {
    let issuer = super::digits::number_of(&digits[..6]);
    ISSUERS.iter().any(|(from, to, lengths)| (*from..=*to).contains(&issuer) && lengths.contains(&digits.len()))
}

/// What a doubled digit adds to the sum of the Luhn algorithm.
pub(super) const fn doubled(digit: u8) -> u8 {
    2 * digit - if digit > 4 { 9 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luhn_digits() {
        let passes = |text: &str| {
            let memory = crate::detect::Memory::default();
            let view = View::new(text.as_bytes(), crate::text::More::No, &memory);
            Number::read(view, 0, 22).is_ok_and(|number| number.passes_luhn(number.groups().len()))
        };
        assert!(passes("4111 1111 1111 1111") && passes("18") && passes("6011000990139424"));
        assert!(!passes("4111 1111 1111 1112") && !passes("4111111111111"));
    }
}
