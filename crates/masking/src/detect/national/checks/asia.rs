//! Asia, Africa, Oceania.

use super::{is_date, is_yymmdd, luhn, two, uniform, verhoeff, weighted};

pub(crate) fn abn(digits: &[u8]) -> bool {
    let mut digits: Vec<u8> = digits.to_vec();
    digits[0] != 0 && {
        digits[0] -= 1;
        weighted(&digits, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]).is_multiple_of(89)
    }
}

pub(crate) fn acn(digits: &[u8]) -> bool {
    let rest = weighted(digits, &[8, 7, 6, 5, 4, 3, 2, 1]) % 10;
    !uniform(digits) && (10 - rest) % 10 == u32::from(digits[8])
}

pub(crate) fn tfn(digits: &[u8]) -> bool {
    let weights: &[u8] = if digits.len() == 9 { &[1, 4, 3, 7, 5, 8, 6, 9, 10] } else { &[10, 7, 8, 4, 6, 3, 5, 1] };
    !uniform(digits) && weighted(digits, weights).is_multiple_of(11)
}

pub(crate) fn medicare(digits: &[u8]) -> bool {
    (2..=6).contains(&digits[0]) && weighted(digits, &[1, 3, 7, 9, 1, 3, 7, 9]) % 10 == u32::from(digits[8])
}

pub(crate) fn ird(digits: &[u8]) -> bool {
    let padded = if digits.len() == 8 { [&[0], digits].concat() } else { digits.to_vec() };
    let check = |weights: &[u8]| (11 - weighted(&padded[..8], weights) % 11) % 11;
    let first = check(&[3, 2, 7, 6, 5, 4, 3, 2]);
    let expected = if first == 10 { check(&[7, 4, 3, 2, 5, 2, 7, 6]) } else { first };
    expected == u32::from(padded[8])
}

pub(crate) fn aadhaar(digits: &[u8]) -> bool {
    digits[0] > 1 && !digits.iter().eq(digits.iter().rev()) && verhoeff(digits)
}

/// Five letters, of which the fourth says what the holder is and is none of the others, four digits, a letter.
pub(crate) fn pan(code: &[u8]) -> bool {
    b"ABCFGHJLPT".contains(&code[3])
}

pub(crate) fn resident_id(code: &[u8]) -> bool {
    let digits: Vec<u8> = code[..17].iter().map(|unit| unit - b'0').collect();
    let sum = weighted(&digits, &[7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]);
    let born = &digits[6..14];
    matches!(digits[0], 1..=8)
        && matches!(two(born), 18..=20)
        && is_yymmdd(&born[2..])
        && code[17] == b"10X98765432"[(sum % 11) as usize]
}

/// As [`resident_id`], of digits alone.
pub(crate) fn resident_number(digits: &[u8]) -> bool {
    resident_id(&digits.iter().map(|digit| digit + b'0').collect::<Vec<u8>>())
}

pub(crate) fn my_number(digits: &[u8]) -> bool {
    let rest = weighted(digits, &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    !uniform(digits) && u32::from(digits[11]) == if rest < 2 { 0 } else { 11 - rest }
}

/// Numbers given since October 2020 have no check digit: where the text does not speak of one, the older rule holds.
pub(crate) fn rrn(digits: &[u8]) -> bool {
    is_rrn_date(digits)
        && (11 - weighted(digits, &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11) % 10 == u32::from(digits[12])
}

pub(crate) fn is_rrn_date(digits: &[u8]) -> bool {
    is_yymmdd(digits) && (1..=8).contains(&digits[6])
}

pub(crate) fn south_african(digits: &[u8]) -> bool {
    is_yymmdd(digits) && digits[10] < 3 && luhn(digits)
}

pub(crate) fn thai(digits: &[u8]) -> bool {
    let sum = weighted(digits, &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
    (1..=8).contains(&digits[0]) && (11 - sum % 11) % 10 == u32::from(digits[12])
}

pub(crate) fn nric(digits: &[u8]) -> bool {
    is_yymmdd(digits) && !matches!(two(&digits[6..]), 0 | 17..=20 | 69 | 70 | 73 | 80 | 81 | 94..=97)
}

/// Women's days are counted from 41.
pub(crate) fn nik(digits: &[u8]) -> bool {
    let day = two(&digits[6..]);
    matches!(two(digits), 11..=94)
        && is_date(two(&digits[10..]), two(&digits[8..]), if day > 40 { day - 40 } else { day })
        && digits[12..] != [0, 0, 0, 0]
}

pub(crate) fn kazakh(digits: &[u8]) -> bool {
    let first = weighted(digits, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]) % 11;
    let second = weighted(digits, &[3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2]) % 11;
    is_yymmdd(digits) && u32::from(digits[11]) == if first == 10 { second } else { first }
}

pub(crate) fn nric_fin(code: &[u8]) -> bool {
    let weights = [2, 7, 6, 5, 4, 3, 2];
    let sum: u32 = code[1..8].iter().zip(weights).map(|(unit, weight)| u32::from(unit - b'0') * weight).sum();
    let (offset, letters) = match code[0] {
        b'S' => (0, b"JZIHGFEDCBA"),
        b'T' => (4, b"JZIHGFEDCBA"),
        b'F' => (0, b"XWUTRQPNMLK"),
        b'G' => (4, b"XWUTRQPNMLK"),
        b'M' => (3, b"XWUTRQPNJLK"),
        _ => return false,
    };
    let place = ((sum + offset) % 11) as usize;
    code[8] == letters[place]
}

pub(crate) fn hong_kong(code: &[u8]) -> bool {
    let Some((check, rest)) = code.split_last() else { return false };
    let value = |unit: u8| if unit.is_ascii_digit() { u32::from(unit - b'0') } else { u32::from(unit - b'A') + 10 };
    let blank = if rest.len() == 7 { 36 * 9 } else { 0 };
    let sum: u32 = rest.iter().rev().zip(2..).map(|(unit, weight)| value(*unit) * weight).sum::<u32>() + blank;
    (sum + value(*check)).is_multiple_of(11) && (check.is_ascii_digit() || *check == b'A')
}

pub(crate) fn taiwan(code: &[u8]) -> bool {
    const VALUES: [u32; 26] =
        [10, 11, 12, 13, 14, 15, 16, 17, 34, 18, 19, 20, 21, 22, 35, 23, 24, 25, 26, 27, 28, 29, 32, 30, 31, 33];
    let letter = VALUES[usize::from(code[0] - b'A')];
    let digits =
        code[1..].iter().zip([8, 7, 6, 5, 4, 3, 2, 1, 1]).map(|(unit, weight)| u32::from(unit - b'0') * weight);
    matches!(code[1], b'1' | b'2' | b'8' | b'9')
        && (letter / 10 + letter % 10 * 9 + digits.sum::<u32>()).is_multiple_of(10)
}
