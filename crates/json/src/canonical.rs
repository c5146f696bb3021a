use std::cmp::Ordering;

use crate::write::quote_into;
use crate::{Number, Value};

/// The canonical form of RFC 8785 with one difference: numbers are exact decimals, not doubles, so that values which
/// differ never share a form. `1`, `1.0` and `10e-1` have one form; so have `0` and `-0`.
pub fn canonical(value: &Value) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    write_canonical(value, &mut out);
    out
}

fn write_canonical(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => crate::write(value, out),
        Value::Number(number) => write_decimal(number, out),
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_canonical(item, out);
            }
            out.push(b']');
        }
        Value::Object(object) => {
            let mut members: Vec<(&str, &Value)> = object.iter().collect();
            members.sort_unstable_by(|(a, _), (b, _)| by_code_units(a, b));
            out.push(b'{');
            for (index, (key, member)) in members.into_iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                quote_into(key, out);
                out.push(b':');
                write_canonical(member, out);
            }
            out.push(b'}');
        }
    }
}

/// RFC 8785, section 3.2.3: keys are ordered by their UTF-16 code units.
fn by_code_units(a: &str, b: &str) -> Ordering {
    a.encode_utf16().cmp(b.encode_utf16())
}

/// The shape of ECMAScript's Number::toString, which RFC 8785 prescribes, over all the digits that there are.
fn write_decimal(number: &Number, out: &mut Vec<u8>) {
    let text = number.as_str();
    let (negative, unsigned) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], unsigned[at + 1..].parse::<i64>().unwrap_or(0)),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    let leading = all.iter().take_while(|digit| **digit == b'0').count();
    let trailing = all[leading..].iter().rev().take_while(|digit| **digit == b'0').count();
    let digits = &all[leading..all.len() - trailing];
    if digits.is_empty() {
        return out.push(b'0');
    }
    if negative {
        out.push(b'-');
    }
    // The value is 0.DIGITS times ten to the power of `point`.
    let signed = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
    let point = signed(whole.len()) - signed(leading) + exponent;
    let count = signed(digits.len());
    let zeros = |count: i64| std::iter::repeat_n(b'0', usize::try_from(count).unwrap_or(0));
    let split = usize::try_from(point).unwrap_or(0).min(digits.len());
    if count <= point && point <= 21 {
        out.extend_from_slice(digits);
        out.extend(zeros(point - count));
    } else if 0 < point && point <= 21 {
        out.extend_from_slice(&digits[..split]);
        out.push(b'.');
        out.extend_from_slice(&digits[split..]);
    } else if -6 < point && point <= 0 {
        out.extend_from_slice(b"0.");
        out.extend(zeros(-point));
        out.extend_from_slice(digits);
    } else {
        out.push(digits[0]);
        if digits.len() > 1 {
            out.push(b'.');
            out.extend_from_slice(&digits[1..]);
        }
        out.extend_from_slice(if point > 0 { b"e+" } else { b"e-" });
        out.extend_from_slice((point - 1).unsigned_abs().to_string().as_bytes());
    }
}
