//! Check digits, computed here and not by the code under test.

/// A number with the digit of Luhn's algorithm after it.
pub(crate) fn luhn(number: &str) -> String {
    let doubled = |(place, byte): (usize, u8)| match (place % 2, u32::from(byte - b'0')) {
        (0, digit) => digit * 2 / 10 + digit * 2 % 10,
        (_, digit) => digit,
    };
    let sum: u32 = number.bytes().rev().enumerate().map(doubled).sum();
    format!("{number}{}", (10 - sum % 10) % 10)
}

/// An account's number with its country and its two check digits before it (ISO 7064, MOD 97-10).
pub(crate) fn iban(country: &str, account: &str) -> String {
    let remainder = format!("{account}{country}00").bytes().fold(0_u32, |rest, byte| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        _ => (rest * 100 + u32::from(byte - b'A') + 10) % 97,
    });
    format!("{country}{:02}{account}", 98 - remainder)
}
