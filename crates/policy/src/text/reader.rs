//! Strict reading of a tree into typed values: every fault is collected with its place, and reading goes on.

use std::sync::Arc;
use std::time::Duration;

use gatewright_model::{InfoType, Quantity};

use super::Place;
use super::node::{Key, Node, Value};
use crate::Fault;

/// A typed value and where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placed<T> {
    pub(crate) value: T,
    pub(crate) place: Place,
}

/// Reads one file's tree and keeps what is wrong with it.
pub(crate) struct Reader {
    pub(crate) file: Arc<str>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) warnings: Vec<Fault>,
}

/// A mapping whose keys were checked: each is known and stands once.
pub(crate) struct Fields<'a> {
    entries: Vec<(&'a Key, &'a Node)>,
}

impl<'a> Fields<'a> {
    /// The value of this key, unless it is absent or null.
    pub(crate) fn get(&self, name: &str) -> Option<&'a Node> {
        let (_, node) = self.entries.iter().find(|(key, _)| key.name == name)?;
        (!matches!(node.value, Value::Null)).then_some(*node)
    }

    /// The key as written.
    pub(crate) fn key(&self, name: &str) -> Option<&'a Key> {
        self.entries.iter().find(|(key, _)| key.name == name).map(|(key, _)| *key)
    }
}

impl Reader {
    pub(crate) fn new(file: &str) -> Self {
        Self { file: file.into(), faults: Vec::new(), warnings: Vec::new() }
    }

    pub(crate) fn place(&self, node: &Node) -> Place {
        Place { file: self.file.clone(), line: node.line, column: node.column }
    }

    pub(crate) fn key_place(&self, key: &Key) -> Place {
        Place { file: self.file.clone(), line: key.line, column: key.column }
    }

    pub(crate) fn fault(&mut self, at: &Place, message: impl Into<String>) {
        self.faults.push(at.fault(message));
    }

    pub(crate) fn warn(&mut self, at: &Place, message: impl Into<String>) {
        self.warnings.push(at.fault(message));
    }

    fn expected(&mut self, node: &Node, what: &str) {
        let found = match &node.value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        };
        let place = self.place(node);
        self.fault(&place, format!("expected {what}, found {found}"));
    }

    /// The entries of a mapping with names of the writer's choice; a name that stands twice is a fault.
    pub(crate) fn entries<'a>(&mut self, node: &'a Node) -> Vec<(&'a Key, &'a Node)> {
        let entries = match &node.value {
            Value::Map(entries) => entries,
            Value::Null => return Vec::new(),
            _ => {
                self.expected(node, "a mapping");
                return Vec::new();
            }
        };
        let mut seen = std::collections::HashMap::new();
        let mut kept = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            if let Some(line) = seen.get(key.name.as_str()) {
                let place = self.key_place(key);
                self.fault(&place, format!("{} stands twice; it is first on line {line}", quoted(&key.name)));
            } else {
                seen.insert(key.name.as_str(), key.line);
                kept.push((key, value));
            }
        }
        kept
    }

    /// A mapping of which these keys are known; any other is a fault that names them.
    pub(crate) fn fields<'a>(&mut self, node: &'a Node, known: &[&str]) -> Fields<'a> {
        let mut entries = self.entries(node);
        entries.retain(|(key, _)| {
            let is_known = known.contains(&key.name.as_str());
            if !is_known {
                let place = self.key_place(key);
                self.fault(&place, format!("unknown key {}; known here: {}", quoted(&key.name), known.join(", ")));
            }
            is_known
        });
        Fields { entries }
    }

    pub(crate) fn list<'a>(&mut self, node: &'a Node) -> &'a [Node] {
        match &node.value {
            Value::List(items) => items,
            Value::Null => &[],
            _ => {
                self.expected(node, "a list");
                &[]
            }
        }
    }

    /// Text that is not empty and holds no control character.
    pub(crate) fn text(&mut self, node: &Node) -> Option<Placed<String>> {
        let Value::Text(text) = &node.value else {
            self.expected(node, "text");
            return None;
        };
        let place = self.place(node);
        if text.is_empty() || text.chars().any(char::is_control) {
            self.fault(&place, "expected text without control characters, and not empty");
            return None;
        }
        Some(Placed { value: text.clone(), place })
    }

    pub(crate) fn texts(&mut self, node: &Node) -> Vec<Placed<String>> {
        self.list(node).iter().filter_map(|item| self.text(item)).collect()
    }

    /// A scalar claim's text. A number with a fraction has no one text, so it must be quoted.
    pub(crate) fn scalar(&mut self, node: &Node) -> Option<String> {
        match &node.value {
            Value::Text(text) => Some(text.clone()),
            Value::Bool(value) => Some(value.to_string()),
            Value::Number(number) if number.bytes().all(|b| b.is_ascii_digit() || b == b'-') => Some(number.clone()),
            _ => {
                self.expected(node, "text (numbers with a fraction in quotes)");
                None
            }
        }
    }

    pub(crate) fn truth(&mut self, node: &Node) -> Option<bool> {
        match node.value {
            Value::Bool(value) => Some(value),
            _ => {
                self.expected(node, "true or false");
                None
            }
        }
    }

    pub(crate) fn whole(&mut self, node: &Node) -> Option<u64> {
        let number = match &node.value {
            Value::Number(number) => number.parse().ok(),
            _ => None,
        };
        if number.is_none() {
            self.expected(node, "a whole number that is not negative");
        }
        number
    }

    /// A number with at most six decimals, so that it is exact on the grid that comparisons use.
    pub(crate) fn quantity(&mut self, node: &Node) -> Option<Quantity> {
        let Value::Number(number) = &node.value else {
            self.expected(node, "a number");
            return None;
        };
        let quantity = Quantity::parse(number).filter(|exact| exact.floor_e6() == exact.ceil_e6());
        if quantity.is_none() {
            let place = self.place(node);
            self.fault(&place, "expected a number with at most six decimals, between -9.2e12 and 9.2e12");
        }
        quantity
    }

    /// A whole number with a unit: `500ms`, `60s`, `15m`, `8h`, `30d`.
    pub(crate) fn duration(&mut self, node: &Node) -> Option<Duration> {
        let parsed = match &node.value {
            Value::Text(text) => duration(text),
            _ => None,
        };
        if parsed.is_none() {
            let place = self.place(node);
            self.fault(&place, "expected a duration such as 500ms, 60s, 15m, 8h or 30d");
        }
        parsed
    }

    pub(crate) fn info_type(&mut self, node: &Node) -> Option<Placed<InfoType>> {
        let text = self.text(node)?;
        let info_type = InfoType::new(&text.value);
        if info_type.is_none() {
            self.fault(
                &text.place,
                format!("{} is not an info type: A-Z, 0-9 and _, a letter first", quoted(&text.value)),
            );
        }
        info_type.map(|value| Placed { value, place: text.place })
    }

    /// One word out of a table, as what it stands for.
    pub(crate) fn one_of<T: Copy>(&mut self, node: &Node, what: &str, known: &[(&str, T)]) -> Option<T> {
        let text = self.text(node)?;
        let found = known.iter().find(|(name, _)| *name == text.value).map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            self.fault(&text.place, format!("unknown {what} {}; known: {}", quoted(&text.value), names.join(", ")));
        }
        found
    }

    /// A name that people and rules refer to: letters, digits, `-`, `_` and `.`, at most 64 of them.
    pub(crate) fn name(&mut self, key: &str, place: &Place, what: &str) -> bool {
        let shaped = key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        let fits = shaped && (1..=64).contains(&key.len());
        if !fits {
            self.fault(
                place,
                format!("{} does not name a {what}: letters, digits, -, _ and ., at most 64", quoted(key)),
            );
        }
        fits
    }
}

/// A name in quotes, with characters that could deceive the reader escaped, and bounded.
pub(crate) fn quoted(name: &str) -> String {
    let short: String = name.chars().take(80).collect();
    format!("{short:?}")
}

fn duration(text: &str) -> Option<Duration> {
    let at = text.find(|c: char| !c.is_ascii_digit())?;
    let count: u64 = text[..at].parse().ok()?;
    let unit = match &text[at..] {
        "ms" => return (count <= 366 * 86_400_000).then(|| Duration::from_millis(count)),
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let seconds = count.checked_mul(unit)?;
    (seconds <= 3_660 * 86_400).then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(duration("60s"), Some(Duration::from_secs(60)));
        assert_eq!(duration("15m"), Some(Duration::from_secs(900)));
        for bad in ["", "60", "s", "1.5h", "-1s", "60 s", "99999999999999999999s", "999999999d"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }
}
