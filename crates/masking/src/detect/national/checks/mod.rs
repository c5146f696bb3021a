//! The check digits and issuance rules of national numbers. Each takes the digits of a number, of a length that its
//! entry allows, or the capital letters and digits of a code.

mod america;
mod asia;
mod europe;

pub(crate) use america::*;
pub(crate) use asia::*;
pub(crate) use europe::*;

/// The digits times the weights, added up.
fn weighted(digits: &[u8], weights: &[u8]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| u32::from(*digit) * u32::from(*weight)).sum()
}

/// The remainder of the number that these digits spell.
fn remainder(digits: &[u8], modulus: u64) -> u64 {
    digits.iter().fold(0, |rest, digit| (rest * 10 + u64::from(*digit)) % modulus)
}

fn two(digits: &[u8]) -> u32 {
    u32::from(digits[0]) * 10 + u32::from(digits[1])
}

fn is_date(year: u32, month: u32, day: u32) -> bool {
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) => 29,
        2 => 28,
        _ => 0,
    };
    (1..=days).contains(&day)
}

fn is_yymmdd(digits: &[u8]) -> bool {
    is_date(two(digits), two(&digits[2..]), two(&digits[4..]))
}

fn is_ddmmyy(digits: &[u8]) -> bool {
    is_date(two(&digits[4..]), two(&digits[2..]), two(digits))
}

fn uniform(digits: &[u8]) -> bool {
    digits.iter().all(|digit| *digit == digits[0])
}

pub(crate) fn luhn(digits: &[u8]) -> bool {
    let double = |digit: u8| u32::from(if digit > 4 { digit * 2 - 9 } else { digit * 2 });
    let value = |(place, digit): (usize, &u8)| if place % 2 == 1 { double(*digit) } else { u32::from(*digit) };
    digits.iter().rev().enumerate().map(value).sum::<u32>().is_multiple_of(10) && !uniform(digits)
}

/// ISO 7064, MOD 11,10.
fn mod_11_10(digits: &[u8]) -> bool {
    let Some((check, rest)) = digits.split_last() else { return false };
    let product = rest.iter().fold(10, |product, digit| {
        let sum = (u32::from(*digit) + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - product) % 10 == u32::from(*check)
}

/// Verhoeff's scheme over the dihedral group of order ten.
pub(crate) fn verhoeff(digits: &[u8]) -> bool {
    const PERMUTED: [u8; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let product = |a: u8, b: u8| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => (a + b - 5) % 5 + 5,
        (false, true) => (a + 5 - b) % 5 + 5,
        (false, false) => (a + 5 - b) % 5,
    };
    let permuted = |digit: u8, times: usize| (0..times % 8).fold(digit, |digit, _| PERMUTED[usize::from(digit)]);
    digits.iter().rev().enumerate().fold(0, |sum, (place, digit)| product(sum, permuted(*digit, place))) == 0
}
