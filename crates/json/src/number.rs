use std::fmt;

use crate::FaultKind;
use crate::text::Text;

/// Longer numbers mean nothing to any model server and cost time in every parser.
const LONGEST: usize = 1024;

/// A number, kept exactly as it was written (RFC 8259, section 6). Numbers are equal when they are written alike: `1`
/// and `1.0` differ here and agree in the canonical form.
#[derive(Clone, PartialEq, Eq)]
pub struct Number(Text);

impl Number {
    /// The number of this text, which must be exactly one JSON number.
    ///
    /// # Errors
    /// [`FaultKind::BadNumber`] or [`FaultKind::NumberRange`].
    pub fn parse(text: &str) -> Result<Self, FaultKind> {
        match scan(text.as_bytes()) {
            Ok(length) if length == text.len() => Self::of_scanned(text),
            Ok(_) | Err(_) => Err(FaultKind::BadNumber),
        }
    }

    /// The number of a text that [`scan`] accepted.
    pub(crate) fn of_scanned(text: &str) -> Result<Self, FaultKind> {
        if text.len() > LONGEST {
            return Err(FaultKind::NumberRange);
        }
        // Only an exponent or hundreds of digits reach beyond a double, where one parser reads infinity, another
        // refuses, and a third keeps the digits.
        let far = text.len() > 300 || text.bytes().any(|byte| byte | 32 == b'e');
        if far && (!text.parse::<f64>().is_ok_and(f64::is_finite) || exponent_digits(text) > 6) {
            return Err(FaultKind::NumberRange);
        }
        Ok(Self(Text::keep(text)))
    }

    /// The number as it was written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Its value where it is written as a whole number that fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_str().parse().ok()
    }

    /// Its value where it is written as a whole number that fits.
    pub fn as_u64(&self) -> Option<u64> {
        self.as_str().parse().ok()
    }

    /// The nearest double.
    pub fn as_f64(&self) -> f64 {
        self.as_str().parse().unwrap_or(0.0)
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self(Text::keep(&value.to_string()))
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self(Text::keep(&value.to_string()))
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn exponent_digits(text: &str) -> usize {
    text.find(['e', 'E']).map_or(0, |at| text[at + 1..].trim_start_matches(['+', '-']).len())
}

/// The length of the number that the bytes start with; the error is the offset of what spoils it.
pub(crate) fn scan(bytes: &[u8]) -> Result<usize, usize> {
    let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    match bytes.get(at) {
        Some(b'0') => at += 1,
        Some(b'1'..=b'9') => at += digits(at),
        Some(_) | None => return Err(at),
    }
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        match digits(at) {
            0 => return Err(at),
            count => at += count,
        }
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1;
        at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
        match digits(at) {
            0 => return Err(at),
            count => at += count,
        }
    }
    Ok(at)
}
