use std::fmt;

/// Why a text is not JSON that this crate accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// More bytes than allowed.
    TooLarge,
    /// Deeper than allowed.
    TooDeep,
    /// More values than allowed.
    TooMany,
    /// One object has the same key twice, once escapes are decoded.
    DuplicateKey,
    /// Bytes follow the value.
    Trailing,
    /// The text starts with a byte order mark.
    ByteOrderMark,
    /// The text is not UTF-8.
    NotUtf8,
    /// An escaped surrogate without its other half.
    LoneSurrogate,
    /// A control character inside a string, unescaped.
    ControlCharacter,
    /// An escape that JSON does not have.
    BadEscape,
    /// A number that JSON does not have.
    BadNumber,
    /// A number that a double cannot hold, or with more than 1024 characters.
    NumberRange,
    /// The text ends in the middle of a value.
    UnexpectedEnd,
    /// A character that cannot stand here.
    Unexpected,
}

impl FaultKind {
    /// The fault in words, without its place.
    pub const fn words(self) -> &'static str {
        match self {
            Self::TooLarge => "the JSON text is larger than allowed",
            Self::TooDeep => "arrays and objects are nested deeper than allowed",
            Self::TooMany => "the JSON text has more values than allowed",
            Self::DuplicateKey => "an object has the same key twice",
            Self::Trailing => "something follows the JSON value",
            Self::ByteOrderMark => "the JSON text starts with a byte order mark",
            Self::NotUtf8 => "the JSON text is not UTF-8",
            Self::LoneSurrogate => "a string has a surrogate without its other half",
            Self::ControlCharacter => "a string has a control character that is not escaped",
            Self::BadEscape => "a string has an escape that JSON does not have",
            Self::BadNumber => "this is not a JSON number",
            Self::NumberRange => "a number is beyond the range of a double",
            Self::UnexpectedEnd => "the JSON text ends too early",
            Self::Unexpected => "this character cannot stand here in JSON",
        }
    }
}

/// A refused text: what is wrong and where.
///
/// It repeats no text of the input but keys that are plain identifiers, so that it can be shown and recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    kind: FaultKind,
    offset: usize,
    path: Vec<String>,
    key: Option<String>,
}

impl Fault {
    pub(crate) fn new(kind: FaultKind, offset: usize) -> Self {
        Self { kind, offset, path: Vec::new(), key: None }
    }

    pub(crate) fn with_key(mut self, key: &str) -> Self {
        self.key = Some(shown(key).to_owned());
        self
    }

    /// Adds the surroundings while the parser returns, innermost first; beyond 16 steps they tell nobody anything.
    pub(crate) fn within(mut self, step: &str) -> Self {
        if self.path.len() < 16 {
            self.path.push(shown(step).to_owned());
        }
        self
    }

    pub(crate) fn within_index(mut self, index: usize) -> Self {
        if self.path.len() < 16 {
            self.path.push(index.to_string());
        }
        self
    }

    /// What is wrong.
    pub const fn kind(&self) -> FaultKind {
        self.kind
    }

    /// Where, in bytes from the start of the text.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// The key that appears twice, where that is the fault; `?` for one that is not a plain identifier.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The object or array in which it happened, as keys and indices joined by dots; empty at the top.
    pub fn path(&self) -> String {
        let steps: Vec<&str> = self.path.iter().rev().map(String::as_str).collect();
        steps.join(".")
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.words())?;
        if let Some(key) = &self.key {
            write!(f, ": {key}")?;
        }
        write!(f, " (at byte {}", self.offset)?;
        if !self.path.is_empty() {
            write!(f, ", in {}", self.path())?;
        }
        f.write_str(")")
    }
}

impl std::error::Error for Fault {}

/// A key as a fault may show it. An e-mail address or a card number can be a key as well.
fn shown(key: &str) -> &str {
    let plain = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'$'));
    let digits = key.bytes().filter(u8::is_ascii_digit).count();
    if plain && !key.is_empty() && key.len() <= 64 && digits <= 4 { key } else { "?" }
}
