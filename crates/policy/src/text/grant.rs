//! What a role allows on models (`grants:`) and on datasets (`datasets:`).

use gatewright_model::{Operation, Parameter, Quantity};

use super::Place;
use super::node::{Key, Node, Value};
use super::operations::{Reach, operations};
use super::reader::{Fields, Placed, Reader, quoted};
use super::window::window;
use crate::ranges::{Over, Range, traits};
use crate::roles::Window;

/// Operations on models that a role allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) place: Place,
    pub(crate) models: Vec<Placed<Selector>>,
    pub(crate) operations: Vec<Operation>,
    pub(crate) ranges: Vec<Range>,
    pub(crate) window: Window,
}

/// Which models or datasets. There are no wildcards: a name is exact, so that a new model is never allowed by its spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Selector {
    /// The one of this name.
    Name(String),
    /// Every one with this tag.
    Tag(String),
    /// Every one of this connection.
    Connection(String),
}

/// Reads one entry of `grants:`.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Option<Grant> {
    let fields = reader.fields(node, &["models", "operations", "parameters", "valid"]);
    let place = reader.place(node);
    let models = fields.get("models").map_or(Vec::new(), |node| selectors(reader, node));
    let operations = fields.get("operations").map_or(Vec::new(), |node| operations(reader, node, Reach::Models));
    let ranges = fields.get("parameters").map_or(Vec::new(), |node| ranges(reader, node));
    let window = window(reader, fields.get("valid"));
    for name in ["models", "operations"] {
        let empty = fields.get(name).is_none_or(|node| matches!(&node.value, Value::List(items) if items.is_empty()));
        if empty {
            reader.fault(&place, format!("a grant needs `{name}` that are not empty"));
        }
    }
    Some(Grant { place, models, operations, ranges, window })
}

/// A list of names, `{tag: …}` and `{connection: …}`; one of the latter may also stand alone.
pub(super) fn selectors(reader: &mut Reader, node: &Node) -> Vec<Placed<Selector>> {
    match &node.value {
        Value::Map(_) => selector(reader, node).into_iter().collect(),
        _ => reader.list(node).iter().filter_map(|item| selector(reader, item)).collect(),
    }
}

fn selector(reader: &mut Reader, node: &Node) -> Option<Placed<Selector>> {
    if !matches!(node.value, Value::Map(_)) {
        let text = reader.text(node)?;
        if text.value.contains('*') {
            let message =
                format!("{}: models have no wildcards; name each, or select by {{tag: …}}", quoted(&text.value));
            reader.fault(&text.place, message);
            return None;
        }
        return Some(Placed { value: Selector::Name(text.value), place: text.place });
    }
    let fields = reader.fields(node, &["tag", "connection"]);
    let place = reader.place(node);
    let value = match (fields.get("tag"), fields.get("connection")) {
        (Some(tag), None) => Selector::Tag(reader.text(tag)?.value),
        (None, Some(connection)) => Selector::Connection(reader.text(connection)?.value),
        _ => {
            reader.fault(&place, "select models by a name, by {tag: …} or by {connection: …}");
            return None;
        }
    };
    Some(Placed { value, place })
}

fn ranges(reader: &mut Reader, node: &Node) -> Vec<Range> {
    let mut ranges = Vec::new();
    for (key, value) in reader.entries(node) {
        let Some(parameter) = Parameter::from_name(&key.name) else {
            let known: Vec<&str> = Parameter::ALL.iter().map(|parameter| parameter.name()).collect();
            let place = reader.key_place(key);
            reader.fault(&place, format!("unknown parameter {}; known: {}", quoted(&key.name), known.join(", ")));
            continue;
        };
        ranges.extend(range(reader, key, parameter, value));
    }
    ranges
}

fn range(reader: &mut Reader, key: &Key, parameter: Parameter, node: &Node) -> Option<Range> {
    let fields = reader.fields(node, &["min", "max", "default", "over"]);
    let place = reader.key_place(key);
    let number = |reader: &mut Reader, name: &str| {
        let node = fields.get(name)?;
        let value = reader.quantity(node)?;
        if traits(parameter).whole && value.floor_e6() % 1_000_000 != 0 {
            let place = reader.place(node);
            reader.fault(&place, format!("{} is a whole number", parameter.name()));
            return None;
        }
        Some(value)
    };
    let (min, max) = (number(reader, "min"), number(reader, "max"));
    let default = number(reader, "default");
    let overs = [("refuse", Over::Refuse), ("clamp", Over::Clamp)];
    let over = fields.get("over").and_then(|node| reader.one_of(node, "choice", &overs)).unwrap_or(Over::Refuse);
    let range = Range { parameter, min, max, default, over };
    check(reader, &place, &fields, &range);
    Some(range)
}

/// What would make a range mean something else than its writer thought.
fn check(reader: &mut Reader, place: &Place, fields: &Fields<'_>, range: &Range) {
    let name = range.parameter.name();
    let written = |key: &str| fields.get(key).is_some();
    if !written("min") && !written("max") && !written("default") {
        reader.fault(place, format!("{name} needs `min`, `max` or `default`"));
    }
    if written("over") && !written("min") && !written("max") {
        reader.fault(place, format!("{name} has `over` but nothing to be over: add `min` or `max`"));
    }
    if let (Some(min), Some(max)) = (range.min, range.max)
        && min > max
    {
        reader.fault(place, format!("{name} allows nothing: its min {min} is above its max {max}"));
    }
    let traits = traits(range.parameter);
    if let Some(lowest) = traits.lowest.and_then(Quantity::whole) {
        let below = [range.min, range.max, range.default].into_iter().flatten().any(|bound| bound < lowest);
        if below {
            reader.fault(place, format!("{name} cannot be below {lowest}"));
        }
    }
    if let Some(default) = range.default
        && !default.within(range.min, range.max)
    {
        reader.fault(place, format!("{name} has the default {default}, which its own range does not allow"));
    }
    if traits.measured && (range.default.is_some() || range.over == Over::Clamp) {
        let message = format!("{name} is counted from the request: it can be refused, not set or clamped");
        reader.fault(place, message);
    }
}
