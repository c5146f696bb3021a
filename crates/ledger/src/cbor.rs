//! The part of deterministic CBOR (RFC 8949, section 4.2) that leaves use: unsigned and negative integers, byte and
//! text strings, arrays of definite length, and null. Every head has its shortest form; anything else is refused.

/// Bytes that are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// They end too early.
    #[error("it ends too early")]
    Short,
    /// Something follows the end.
    #[error("something follows its end")]
    Trailing,
    /// A value has another type than its place asks for.
    #[error("a value has the wrong type")]
    Type,
    /// A value is out of range, or its name is none that is known.
    #[error("a value is out of range or unknown")]
    Value,
    /// The same meaning has another, canonical encoding.
    #[error("it is not in canonical form")]
    NotCanonical,
    /// A version that this release cannot read.
    #[error("its version is unknown")]
    Version,
}

const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const NULL: u8 = 0xf6;

/// Writes CBOR to the end of a buffer.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    out: Vec<u8>,
}

impl Writer {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self { out: Vec::with_capacity(capacity) }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    pub(crate) fn unsigned(&mut self, value: u64) {
        self.head(UNSIGNED, value);
    }

    pub(crate) fn signed(&mut self, value: i64) {
        if value < 0 {
            // RFC 8949, section 3.1: the argument of a negative integer is -1 minus the value.
            self.head(NEGATIVE, (!value).unsigned_abs());
        } else {
            self.head(UNSIGNED, value.unsigned_abs());
        }
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.head(BYTES, bytes.len() as u64);
        self.out.extend_from_slice(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.head(TEXT, text.len() as u64);
        self.out.extend_from_slice(text.as_bytes());
    }

    pub(crate) fn array(&mut self, length: usize) {
        self.head(ARRAY, length as u64);
    }

    pub(crate) fn null(&mut self) {
        self.out.push(NULL);
    }

    fn head(&mut self, major: u8, argument: u64) {
        let major = major << 5;
        let bytes = argument.to_be_bytes();
        match argument {
            0..=23 => self.out.push(major | bytes[7]),
            24..=0xff => self.out.extend_from_slice(&[major | 24, bytes[7]]),
            0x100..=0xffff => {
                self.out.push(major | 25);
                self.out.extend_from_slice(&bytes[6..]);
            }
            0x1_0000..=0xffff_ffff => {
                self.out.push(major | 26);
                self.out.extend_from_slice(&bytes[4..]);
            }
            0x1_0000_0000.. => {
                self.out.push(major | 27);
                self.out.extend_from_slice(&bytes);
            }
        }
    }
}

/// Reads CBOR from bytes that anybody may have written. Nothing is allocated by a length that is only claimed.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn end(&self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed::Trailing) }
    }

    pub(crate) fn unsigned(&mut self) -> Result<u64, Malformed> {
        self.head(UNSIGNED)
    }

    pub(crate) fn signed(&mut self) -> Result<i64, Malformed> {
        match self.any_head()? {
            (UNSIGNED, argument) => i64::try_from(argument).map_err(|_| Malformed::Value),
            (NEGATIVE, argument) => i64::try_from(argument).map(|argument| !argument).map_err(|_| Malformed::Value),
            _ => Err(Malformed::Type),
        }
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.head(BYTES)?;
        self.take(length)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Malformed> {
        let length = self.head(TEXT)?;
        std::str::from_utf8(self.take(length)?).map_err(|_| Malformed::Value)
    }

    pub(crate) fn array(&mut self) -> Result<usize, Malformed> {
        let length = self.head(ARRAY)?;
        // Every element takes at least one byte, so a longer claim cannot come true.
        usize::try_from(length).ok().filter(|length| *length <= self.rest.len()).ok_or(Malformed::Short)
    }

    /// Reads an array's head that must claim exactly this length.
    pub(crate) fn array_of(&mut self, length: usize) -> Result<(), Malformed> {
        if self.array()? == length { Ok(()) } else { Err(Malformed::Value) }
    }

    /// Whether a null comes next; it is consumed if so.
    pub(crate) fn null(&mut self) -> bool {
        match self.rest.split_first() {
            Some((&NULL, rest)) => {
                self.rest = rest;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Whether an array comes next.
    pub(crate) fn at_array(&self) -> bool {
        self.rest.first().is_some_and(|head| head >> 5 == ARRAY)
    }

    fn head(&mut self, major: u8) -> Result<u64, Malformed> {
        match self.any_head()? {
            (found, argument) if found == major => Ok(argument),
            _ => Err(Malformed::Type),
        }
    }

    fn any_head(&mut self) -> Result<(u8, u64), Malformed> {
        let (&head, rest) = self.rest.split_first().ok_or(Malformed::Short)?;
        self.rest = rest;
        let (width, least) = match head & 31 {
            small @ 0..=23 => return Ok((head >> 5, u64::from(small))),
            24 => (1, 24),
            25 => (2, 0x100),
            26 => (4, 0x1_0000),
            27 => (8, 0x1_0000_0000),
            _ => return Err(Malformed::Type),
        };
        let argument = self.take(width)?.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        if argument < least { Err(Malformed::NotCanonical) } else { Ok((head >> 5, argument)) }
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(length).map_err(|_| Malformed::Short)?;
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed::Short)?;
        self.rest = rest;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_examples_of_rfc_8949_appendix_a() {
        let cases: &[(i64, &[u8])] = &[
            (0, &[0x00]),
            (23, &[0x17]),
            (24, &[0x18, 0x18]),
            (1_000, &[0x19, 0x03, 0xe8]),
            (1_000_000, &[0x1a, 0x00, 0x0f, 0x42, 0x40]),
            (1_000_000_000_000, &[0x1b, 0x00, 0x00, 0x00, 0xe8, 0xd4, 0xa5, 0x10, 0x00]),
            (-1, &[0x20]),
            (-1_000, &[0x39, 0x03, 0xe7]),
            (i64::MIN, &[0x3b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        ];
        for (value, expected) in cases {
            let mut writer = Writer::default();
            writer.signed(*value);
            assert_eq!(writer.into_bytes(), *expected, "{value}");
            assert_eq!(Reader::new(expected).signed(), Ok(*value));
        }
    }

    #[test]
    fn refuses_longer_forms_than_needed() {
        assert_eq!(Reader::new(&[0x18, 0x17]).unsigned(), Err(Malformed::NotCanonical));
        assert_eq!(Reader::new(&[0x19, 0x00, 0xff]).unsigned(), Err(Malformed::NotCanonical));
        assert_eq!(Reader::new(&[0x5f]).bytes(), Err(Malformed::Type), "indefinite length");
    }

    #[test]
    fn a_claimed_length_allocates_nothing() {
        assert_eq!(Reader::new(&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).array(), Err(Malformed::Short));
        assert_eq!(Reader::new(&[0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).bytes(), Err(Malformed::Short));
    }
}
