//! Europe.

use super::{is_date, is_ddmmyy, is_yymmdd, luhn, mod_11_10, remainder, two, uniform, weighted};

pub(crate) fn nhs(digits: &[u8]) -> bool {
    let check = (11 - weighted(digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11;
    !uniform(digits) && check == u32::from(digits[9])
}

/// One of the first ten digits occurs twice or three times, and ISO 7064.
pub(crate) fn german_tax(digits: &[u8]) -> bool {
    let mut counts = [0; 10];
    digits[..10].iter().for_each(|digit| counts[usize::from(*digit)] += 1);
    let repeated = counts.iter().filter(|count| **count > 1).count();
    digits[0] != 0 && repeated == 1 && counts.iter().all(|count| *count <= 3) && mod_11_10(digits)
}

pub(crate) fn oib(digits: &[u8]) -> bool {
    mod_11_10(digits)
}

pub(crate) fn nir(digits: &[u8]) -> bool {
    let month = two(&digits[3..]);
    matches!(digits[0], 1 | 2)
        && matches!(month, 1..=12 | 20 | 30..=42 | 50..=99)
        && 97 - remainder(&digits[..13], 97) == u64::from(two(&digits[13..]))
}

pub(crate) fn bsn(digits: &[u8]) -> bool {
    let sum = weighted(digits, &[9, 8, 7, 6, 5, 4, 3, 2]);
    !uniform(digits) && sum % 11 == u32::from(digits[8])
}

pub(crate) fn pesel(digits: &[u8]) -> bool {
    let month = two(&digits[2..]) % 20;
    is_date(two(digits), month, two(&digits[4..]))
        && weighted(digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)
}

pub(crate) fn nip(digits: &[u8]) -> bool {
    !uniform(digits) && weighted(digits, &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == u32::from(digits[9])
}

/// With or without the century; for people of over sixty coordination numbers the day is counted from 61.
pub(crate) fn personnummer(digits: &[u8]) -> bool {
    let short = &digits[digits.len() - 10..];
    let day = two(&short[4..]);
    let century = digits.len() == 10 || matches!(two(digits), 18..=20);
    century && is_date(two(short), two(&short[2..]), if day > 60 { day - 60 } else { day }) && luhn(short)
}

pub(crate) fn fodselsnummer(digits: &[u8]) -> bool {
    let day = two(digits);
    let first = weighted(digits, &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]);
    let second = weighted(digits, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]);
    is_date(two(&digits[4..]), two(&digits[2..]), if day > 40 { day - 40 } else { day })
        && first.is_multiple_of(11)
        && second.is_multiple_of(11)
}

pub(crate) fn cpr(digits: &[u8]) -> bool {
    is_ddmmyy(digits)
}

pub(crate) fn kennitala(digits: &[u8]) -> bool {
    is_ddmmyy(digits) && weighted(digits, &[3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
}

pub(crate) fn ahv(digits: &[u8]) -> bool {
    digits[..3] == [7, 5, 6] && weighted(digits, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]).is_multiple_of(10)
}

pub(crate) fn belgian(digits: &[u8]) -> bool {
    let check = u64::from(two(&digits[9..]));
    let born = |century: u8| 97 - remainder(&[&[century], &digits[..9]].concat(), 97);
    is_yymmdd(digits) && (born(0) == check || born(2) == check)
}

pub(crate) fn svnr(digits: &[u8]) -> bool {
    digits[0] != 0
        && is_ddmmyy(&digits[4..])
        && weighted(digits, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11 == u32::from(digits[3])
}

pub(crate) fn partita_iva(digits: &[u8]) -> bool {
    luhn(digits)
}

pub(crate) fn portuguese(digits: &[u8]) -> bool {
    let rest = weighted(digits, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    matches!(digits[0], 1..=3 | 5 | 6 | 8 | 9) && u32::from(digits[8]) == if rest < 2 { 0 } else { 11 - rest }
}

/// Women's months are counted from 51; where the numbers of a day ran out, from 21 or 71.
pub(crate) fn birth_number(digits: &[u8]) -> bool {
    let month = two(&digits[2..]) % 50;
    let month = if month > 20 { month - 20 } else { month };
    is_date(two(digits), month, two(&digits[4..]))
        && (digits.len() == 9 || remainder(digits, 11) == 0 || remainder(&digits[..9], 11) == 10 && digits[9] == 0)
}

pub(crate) fn cnp(digits: &[u8]) -> bool {
    let rest = weighted(digits, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
    digits[0] != 0 && is_yymmdd(&digits[1..]) && u32::from(digits[12]) == if rest == 10 { 1 } else { rest }
}

pub(crate) fn egn(digits: &[u8]) -> bool {
    let month = two(&digits[2..]) % 20;
    let check = weighted(digits, &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10;
    is_date(two(digits), month, two(&digits[4..])) && check == u32::from(digits[9])
}

pub(crate) fn amka(digits: &[u8]) -> bool {
    is_ddmmyy(digits) && luhn(digits)
}

/// Estonia and Lithuania.
pub(crate) fn isikukood(digits: &[u8]) -> bool {
    let first = weighted(digits, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11;
    let second = weighted(digits, &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11 % 10;
    (1..=6).contains(&digits[0])
        && is_yymmdd(&digits[1..])
        && u32::from(digits[10]) == if first == 10 { second } else { first }
}

/// The states of the former Yugoslavia.
pub(crate) fn jmbg(digits: &[u8]) -> bool {
    let rest = weighted(digits, &[7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    is_date(0, two(&digits[2..]), two(digits))
        && matches!(digits[4], 0 | 9)
        && u32::from(digits[12]) == (11 - rest) % 11
}

pub(crate) fn snils(digits: &[u8]) -> bool {
    let sum = weighted(digits, &[9, 8, 7, 6, 5, 4, 3, 2, 1]);
    !uniform(digits) && sum % 101 % 100 == two(&digits[9..])
}

pub(crate) fn inn(digits: &[u8]) -> bool {
    let check = |weights: &[u8], place: usize| weighted(digits, weights) % 11 % 10 == u32::from(digits[place]);
    match digits.len() {
        10 => !uniform(digits) && check(&[2, 4, 10, 3, 5, 9, 4, 6, 8], 9),
        _ => check(&[7, 2, 4, 10, 3, 5, 9, 4, 6, 8], 10) && check(&[3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8], 11),
    }
}

/// The last sum is signed: the first weight is minus one.
pub(crate) fn rnokpp(digits: &[u8]) -> bool {
    let sum = weighted(&digits[1..], &[5, 7, 9, 4, 6, 10, 5, 7]) + 10 * u32::from(digits[0]);
    !uniform(digits) && sum % 11 % 10 == u32::from(digits[9])
}

const NIF: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";

fn nif_letter(digits: impl Iterator<Item = u8>) -> u8 {
    let number = digits.fold(0_usize, |number, digit| number * 10 + usize::from(digit));
    NIF[number % 23]
}

pub(crate) fn nif(code: &[u8]) -> bool {
    code[8] == nif_letter(code[..8].iter().map(|unit| unit - b'0'))
}

pub(crate) fn nie(code: &[u8]) -> bool {
    let digits = code[1..8].iter().map(|unit| unit - b'0');
    matches!(code[0], b'X'..=b'Z') && code[8] == nif_letter(std::iter::once(code[0] - b'X').chain(digits))
}

/// Digits may stand as letters (omocodia) where two people would have one code.
pub(crate) fn fiscal_code(code: &[u8]) -> bool {
    const ODD: [u8; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    let place = |unit: u8| if unit.is_ascii_digit() { unit - b'0' } else { unit - b'A' };
    let sum: u32 = code[..15]
        .iter()
        .enumerate()
        .map(|(at, unit)| u32::from(if at % 2 == 0 { ODD[usize::from(place(*unit))] } else { place(*unit) }))
        .sum();
    let digits =
        [6, 7, 9, 10, 12, 13, 14].iter().all(|at| code[*at].is_ascii_digit() || b"LMNPQRSTUV".contains(&code[*at]));
    digits && b"ABCDEHLMPRST".contains(&code[8]) && u32::from(code[15] - b'A') == sum % 26
}

pub(crate) fn finnish(code: &[u8]) -> bool {
    let digits: Vec<u8> = code[..6].iter().chain(&code[7..10]).map(|unit| unit.wrapping_sub(b'0')).collect();
    let check = b"0123456789ABCDEFHJKLMNPRSTUVWXY"[remainder(&digits, 31) as usize];
    is_ddmmyy(&digits) && code[10] == check
}

pub(crate) fn pps(code: &[u8]) -> bool {
    let digits = code[..7].iter().zip([8, 7, 6, 5, 4, 3, 2]).map(|(unit, weight)| u32::from(unit - b'0') * weight);
    let extra = code.get(8).filter(|unit| **unit != b'W').map_or(0, |unit| u32::from(unit - b'A' + 1) * 9);
    code.get(8).is_none_or(|unit| matches!(unit, b'A'..=b'I' | b'W'))
        && u32::from(code[7]) == u32::from(b"WABCDEFGHIJKLMNOPQRSTUV"[((digits.sum::<u32>() + extra) % 23) as usize])
}

/// The pension insurance's number: area, date of birth, first letter of the name, serial, check digit.
pub(crate) fn versicherungsnummer(code: &[u8]) -> bool {
    let letter = code[8] - b'A' + 1;
    let mut digits: Vec<u8> = code[..8].iter().map(|unit| unit - b'0').collect();
    let born = digits.clone();
    digits.extend([letter / 10, letter % 10]);
    digits.extend(code[9..11].iter().map(|unit| unit - b'0'));
    let weights = [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1];
    let sum: u32 = digits.iter().zip(weights).map(|(digit, weight)| digit_sum(u32::from(*digit) * weight)).sum();
    is_date(two(&born[6..]), two(&born[4..]), two(&born[2..])) && sum % 10 == u32::from(code[11] - b'0')
}

fn digit_sum(number: u32) -> u32 {
    number / 10 + number % 10
}

/// The health insurance's number: a letter, eight digits, and the Luhn digit of both.
pub(crate) fn versichertennummer(code: &[u8]) -> bool {
    let letter = code[0] - b'A' + 1;
    let mut digits = vec![letter / 10, letter % 10];
    digits.extend(code[1..9].iter().map(|unit| unit - b'0'));
    let sum: u32 = digits.iter().zip([1, 2].iter().cycle()).map(|(d, w)| digit_sum(u32::from(*d) * w)).sum();
    sum % 10 == u32::from(code[9] - b'0')
}

pub(crate) fn tckn(digits: &[u8]) -> bool {
    let odd: u32 = digits[..9].iter().step_by(2).map(|digit| u32::from(*digit)).sum();
    let even: u32 = digits[1..8].iter().step_by(2).map(|digit| u32::from(*digit)).sum();
    let sum: u32 = digits[..10].iter().map(|digit| u32::from(*digit)).sum();
    digits[0] != 0 && (odd * 7 + 9 * even) % 10 == u32::from(digits[9]) && sum % 10 == u32::from(digits[10])
}
