use std::time::Duration;

use gatewright_model::Quantity;

use super::fault::{Faults, Mark};
use super::tree::{Entry, Node, Value};

/// A value with the place where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At<T> {
    /// Where.
    pub mark: Mark,
    /// What.
    pub value: T,
}

/// How many bytes something may have: written as `64KiB`, `8MiB`, or a plain number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes(pub u64);

/// A price: a number of at most six decimals, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Micros(pub u64);

/// Something that can be written in a configuration. `None` after a fault was added: reading goes on elsewhere.
pub(super) trait Read: Sized {
    fn read(node: &Node, faults: &mut Faults) -> Option<Self>;
}

/// A fault that says what was expected and what was found, never the value: it may be a secret in the wrong place.
pub(super) fn unexpected(node: &Node, wanted: &str, faults: &mut Faults) {
    faults.add(node.mark, format!("expected {wanted}, found {}", node.value.kind()));
}

impl Read for At<String> {
    fn read(node: &Node, faults: &mut Faults) -> Option<Self> {
        match &node.value {
            Value::Text(text) => Some(Self { mark: node.mark, value: text.clone() }),
            _ => {
                unexpected(node, "text", faults);
                None
            }
        }
    }
}

impl Read for At<bool> {
    fn read(node: &Node, faults: &mut Faults) -> Option<Self> {
        match node.value {
            Value::Boolean(value) => Some(Self { mark: node.mark, value }),
            _ => {
                unexpected(node, "true or false", faults);
                None
            }
        }
    }
}

impl Read for At<u64> {
    fn read(node: &Node, faults: &mut Faults) -> Option<Self> {
        match node.value {
            Value::Integer(number) if let Ok(value) = u64::try_from(number) => Some(Self { mark: node.mark, value }),
            _ => {
                unexpected(node, "a whole number", faults);
                None
            }
        }
    }
}

impl Read for At<Bytes> {
    fn read(node: &Node, faults: &mut Faults) -> Option<Self> {
        let read = match &node.value {
            Value::Integer(number) => u64::try_from(*number).ok(),
            Value::Text(text) => scaled(text, &[("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1)]),
            _ => None,
        };
        if read.is_none() {
            unexpected(node, "a size such as 64KiB or 8MiB", faults);
        }
        read.map(|bytes| Self { mark: node.mark, value: Bytes(bytes) })
    }
}

impl Read for At<Micros> {
    fn read(node: &Node, faults: &mut Faults) -> Option<Self> {
        let quantity = match &node.value {
            Value::Integer(number) => Quantity::parse(&number.to_string()),
            Value::Fraction(text) => Quantity::parse(text),
            _ => None,
        };
        let exact = quantity.filter(|quantity| quantity.floor_e6() == quantity.ceil_e6());
        let read = exact.and_then(|quantity| u64::try_from(quantity.floor_e6()).ok());
        if read.is_none() {
            unexpected(node, "a price such as 2.50, of at most six decimals and not below nothing", faults);
        }
        read.map(|micros| Self { mark: node.mark, value: Micros(micros) })
    }
}

impl Read for At<Duration> {
    fn read(node: &Node, faults: &mut Faults) -> Option<Self> {
        let read = match &node.value {
            Value::Text(text) => scaled(text, &[("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)]),
            _ => None,
        };
        if read.is_none() {
            unexpected(node, "a duration such as 500ms, 30s, 5m or 1h", faults);
        }
        read.map(|millis| Self { mark: node.mark, value: Duration::from_millis(millis) })
    }
}

/// `30s` by its unit's factor. Units are tried in order, so that `ms` is not taken for `s`.
fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (digits, factor) = units.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)))?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

impl<T: Read> Read for Vec<T> {
    fn read(node: &Node, faults: &mut Faults) -> Option<Self> {
        match &node.value {
            Value::List(items) => Some(items.iter().filter_map(|item| T::read(item, faults)).collect()),
            _ => {
                unexpected(node, "a list", faults);
                None
            }
        }
    }
}

/// A mapping whose keys are names of the operator's own, in the order in which they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named<T>(pub Vec<(At<String>, T)>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Read> Read for Named<T> {
    fn read(node: &Node, faults: &mut Faults) -> Option<Self> {
        let mut named = Vec::new();
        for entry in entries(node, faults)? {
            if let Some(value) = T::read(&entry.node, faults) {
                named.push((At { mark: entry.mark, value: entry.key.clone() }, value));
            }
        }
        Some(Self(named))
    }
}

/// The pairs of a mapping; a key that is written twice is a fault at its second place, and its first value holds for
/// the rest of the reading.
pub(super) fn entries<'n>(node: &'n Node, faults: &mut Faults) -> Option<Vec<&'n Entry>> {
    let Value::Mapping(pairs) = &node.value else {
        unexpected(node, "a mapping", faults);
        return None;
    };
    let mut kept: Vec<&Entry> = Vec::with_capacity(pairs.len());
    let mut seen = std::collections::HashMap::with_capacity(pairs.len());
    for entry in pairs {
        if let Some(first) = seen.insert(entry.key.as_str(), entry.mark.line) {
            faults.add(entry.mark, format!("`{}` is written twice, first in line {first}", shown(&entry.key)));
            seen.insert(entry.key.as_str(), first);
        } else {
            kept.push(entry);
        }
    }
    Some(kept)
}

/// A key or name as a message may repeat it: short and printable.
pub(super) fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(64).flat_map(char::escape_default).collect();
    if text.chars().nth(64).is_some() {
        short.push('…');
    }
    short
}

/// Declares what a section may hold, from one list: the struct, the keys that messages name, and the reading.
macro_rules! section {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct $name {
            /// Where the section is written.
            pub mark: $crate::config::Mark,
            $($(#[$field_doc])* pub $field: Option<$type>,)*
        }

        impl $name {
            /// Every key that this section knows.
            pub const KEYS: &'static [&'static str] = &[$(stringify!($field),)*];
        }

        impl $crate::config::read::Read for $name {
            fn read(node: &$crate::config::tree::Node, faults: &mut $crate::config::fault::Faults) -> Option<Self> {
                let mut section = Self { mark: node.mark, ..Self::default() };
                for entry in $crate::config::read::entries(node, faults)? {
                    match entry.key.as_str() {
                        $(stringify!($field) => {
                            section.$field = $crate::config::read::Read::read(&entry.node, faults);
                        })*
                        unknown => $crate::config::read::unknown(entry.mark, unknown, Self::KEYS, faults),
                    }
                }
                Some(section)
            }
        }
    };
}
pub(super) use section;

/// The fault of a key that its section does not know.
pub(super) fn unknown(mark: Mark, key: &str, known: &[&str], faults: &mut Faults) {
    faults.add(mark, format!("unknown key `{}`; known here: {}", shown(key), known.join(", ")));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_exact() {
        let duration = |text: &str| scaled(text, &[("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)]);
        assert_eq!(duration("500ms"), Some(500));
        assert_eq!(duration("30s"), Some(30_000));
        assert_eq!(duration("5m"), Some(300_000));
        for bad in ["", "s", "30", "-1s", "1.5s", "1 s", "+1s", "99999999999999999999s", "18446744073709551615h"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }
}
