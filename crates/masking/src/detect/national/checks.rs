//! The check digits and issuance rules of national numbers. Each takes the digits of a number, of a length that its
//! entry allows, or the capital letters and digits of a code.

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

// America

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

// Europe

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

// Asia, Africa, Oceania

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
