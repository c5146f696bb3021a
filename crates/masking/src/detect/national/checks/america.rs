//! The Americas.

use super::{is_yymmdd, luhn, two, uniform, weighted};

pub(crate) fn itin(digits: &[u8]) -> bool {
    digits[0] == 9 && matches!(two(&digits[3..]), 50..=65 | 70..=88 | 90..=92 | 94..=99)
}

pub(crate) fn aba(digits: &[u8]) -> bool {
    matches!(two(digits), 1..=12 | 21..=32 | 61..=72 | 80)
        && weighted(digits, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
}

/// The Luhn digit over the prefix 80840 and the number.
pub(crate) fn npi(digits: &[u8]) -> bool {
    matches!(digits[0], 1 | 2) && luhn(&[&[8, 0, 8, 4, 0], digits].concat())
}

pub(crate) fn sin(digits: &[u8]) -> bool {
    !matches!(digits[0], 0 | 8) && luhn(digits)
}

fn mod_11_digit(digits: &[u8], weights: &[u8]) -> u8 {
    match weighted(digits, weights) % 11 {
        0 | 1 => 0,
        rest => (11 - rest) as u8,
    }
}

pub(crate) fn cpf(digits: &[u8]) -> bool {
    !uniform(digits)
        && digits[9] == mod_11_digit(&digits[..9], &[10, 9, 8, 7, 6, 5, 4, 3, 2])
        && digits[10] == mod_11_digit(&digits[..10], &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2])
}

pub(crate) fn cnpj(digits: &[u8]) -> bool {
    let weights = [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2];
    !uniform(digits)
        && digits[12] == mod_11_digit(&digits[..12], &weights[1..])
        && digits[13] == mod_11_digit(&digits[..13], &weights)
}

pub(crate) fn cuit(digits: &[u8]) -> bool {
    matches!(two(digits), 20 | 23 | 24 | 27 | 30 | 33 | 34)
        && (11 - weighted(digits, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11 == u32::from(digits[10])
}

pub(crate) fn cedula(digits: &[u8]) -> bool {
    matches!(two(digits), 1..=24 | 30) && digits[2] < 6 && luhn(digits)
}

pub(crate) fn rut(code: &[u8]) -> bool {
    let Some((check, digits)) = code.split_last() else { return false };
    let sum: u32 =
        digits.iter().rev().zip((2..=7).cycle()).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    let expected = match 11 - sum % 11 {
        11 => b'0',
        10 => b'K',
        digit => b'0' + digit as u8,
    };
    *check == expected
}

pub(crate) fn curp(code: &[u8]) -> bool {
    const ALPHABET: &[u8] = "0123456789ABCDEFGHIJKLMN\u{1}OPQRSTUVWXYZ".as_bytes();
    let value = |unit: &u8| ALPHABET.iter().position(|letter| letter == unit).unwrap_or(0) as u32;
    let sum: u32 = code[..17].iter().zip((2..=18).rev()).map(|(unit, weight)| value(unit) * weight).sum();
    let digits: Vec<u8> = code[4..10].iter().map(|unit| unit - b'0').collect();
    matches!(code[10], b'H' | b'M' | b'X') && is_yymmdd(&digits) && (10 - sum % 10) % 10 == u32::from(code[17] - b'0')
}

/// Letters that could be taken for digits are not used.
pub(crate) fn mbi(code: &[u8]) -> bool {
    code[0] != b'0' && !code.iter().any(|unit| matches!(unit, b'S' | b'L' | b'O' | b'I' | b'B' | b'Z'))
}

pub(crate) fn dea(code: &[u8]) -> bool {
    let digits: Vec<u32> = code[2..].iter().map(|unit| u32::from(unit - b'0')).collect();
    let sum = digits[0] + digits[2] + digits[4] + 2 * (digits[1] + digits[3] + digits[5]);
    b"ABCDEFGHJKLMPRSTUX".contains(&code[0]) && sum % 10 == digits[6]
}
