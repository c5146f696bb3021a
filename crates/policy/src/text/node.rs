//! A YAML document as a tree in which every value and every key knows its place.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy};
use serde_saphyr::{Budget, Spanned};

use crate::{Fault, Source};

/// The largest catalogue file that is read, in bytes.
const LARGEST_FILE: usize = 32 << 20;

/// A value and where it is written.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) value: Value,
}

/// A mapping's key and where it is written.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) name: String,
}

/// What a node holds. Numbers keep their exact text where YAML has one.
#[derive(Debug)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Node>),
    /// In the order of writing, duplicates included: the reader reports them with both places.
    Map(Vec<(Key, Node)>),
}

/// Reads one document. A syntax fault ends the reading, since nothing after it has a certain meaning.
pub(crate) fn read(source: &Source) -> Result<Node, Fault> {
    let fault = |line, column, message| Fault { file: source.name.clone(), line, column, message };
    if source.text.len() > LARGEST_FILE {
        return Err(fault(0, 0, format!("the file is larger than {} MiB", LARGEST_FILE >> 20)));
    }
    let mut budget = Budget::default();
    budget.max_depth = 24;
    budget.max_events = 8_000_000;
    budget.max_nodes = 4_000_000;
    budget.max_aliases = 1_000;
    budget.max_documents = 1;
    let options = serde_saphyr::options! {
        budget: Some(budget),
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::Error,
        strict_booleans: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options::<Node>(&source.text, options).map_err(|error| {
        let (line, column) = error.location().map_or((0, 0), |at| (narrow(at.line()), narrow(at.column())));
        fault(line, column, format!("not the YAML that a catalogue is written in: {}", first_line(&error.to_string())))
    })
}

/// The error's own words without the place, which the fault carries already.
fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    line.split_once(" at line ").map_or(line, |(words, _)| words).to_owned()
}

fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        let at = spanned.referenced;
        Ok(Self { line: narrow(at.line()), column: narrow(at.column()), value: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<String>::deserialize(deserializer)?;
        let at = spanned.referenced;
        Ok(Self { line: narrow(at.line()), column: narrow(at.column()), name: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Value, E> {
        Ok(Value::Number(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Value, E> {
        Ok(Value::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        // The shortest text that reads back as the same number is what was written, within six decimals.
        Ok(Value::Number(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Vec::new();
        while let Some(key) = entries.next_key::<Key>()? {
            map.push((key, entries.next_value::<Node>()?));
        }
        Ok(Value::Map(map))
    }
}
