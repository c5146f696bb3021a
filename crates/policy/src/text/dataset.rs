//! `datasets:` of a role: what may be done with which dataset, and how much of it.

use gatewright_model::Operation;

use super::Place;
use super::grant::{Selector, selectors};
use super::node::{Key, Node, Value};
use super::reader::{Fields, Placed, Reader};
use super::window::window;
use crate::limits::{Clause, FilterValue, Limits, Vectors, Wanted};
use crate::roles::Window;

/// Operations on datasets that a role allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DatasetGrant {
    /// Its name after the role's.
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) datasets: Vec<Placed<Selector>>,
    pub(crate) operations: Vec<Operation>,
    pub(crate) limits: Limits,
    pub(crate) window: Window,
}

const KEYS: [&str; 8] = ["allow", "top_k", "rows", "vectors", "calls_per_hour", "token_ttl", "filter", "valid"];

/// Reads `datasets:`: a mapping by name, or a list of grants that say `datasets:` themselves.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Vec<DatasetGrant> {
    if let Value::List(items) = &node.value {
        let numbered = items.iter().enumerate();
        return numbered.map(|(at, node)| listed(reader, at, node)).collect();
    }
    let entries = reader.entries(node).into_iter();
    entries.map(|(key, node)| named(reader, key, node)).collect()
}

fn named(reader: &mut Reader, key: &Key, node: &Node) -> DatasetGrant {
    let fields = reader.fields(node, &KEYS);
    let place = reader.key_place(key);
    let datasets = vec![Placed { value: Selector::Name(key.name.clone()), place: place.clone() }];
    grant(reader, &fields, place, format!("dataset-{}", key.name), datasets)
}

fn listed(reader: &mut Reader, at: usize, node: &Node) -> DatasetGrant {
    let mut known = KEYS.to_vec();
    known.push("datasets");
    let fields = reader.fields(node, &known);
    let place = reader.place(node);
    let datasets = fields.get("datasets").map_or(Vec::new(), |node| selectors(reader, node));
    if datasets.is_empty() {
        reader.fault(&place, "a grant on datasets needs `datasets` that are not empty");
    }
    grant(reader, &fields, place, format!("datasets-{}", at + 1), datasets)
}

fn grant(
    reader: &mut Reader,
    fields: &Fields<'_>,
    place: Place,
    name: String,
    datasets: Vec<Placed<Selector>>,
) -> DatasetGrant {
    let rights = [
        ("read", Operation::ReadDataset),
        ("write", Operation::WriteDataset),
        ("administer", Operation::AdministerDataset),
        ("export", Operation::ExportDataset),
    ];
    let allowed = fields.get("allow").map(|node| reader.list(node)).unwrap_or_default();
    let mut operations: Vec<Operation> =
        allowed.iter().filter_map(|node| reader.one_of(node, "right", &rights)).collect();
    operations.sort_unstable();
    operations.dedup();
    if fields.get("allow").is_none() {
        reader.fault(&place, "a dataset needs `allow`: read, write, administer, export");
    }
    let mut count = |name: &str| {
        let node = fields.get(name)?;
        let number = reader.whole(node)?;
        let narrowed = u32::try_from(number).ok().filter(|number| *number > 0);
        if narrowed.is_none() {
            let place = reader.place(node);
            reader.fault(&place, format!("`{name}` is a number from 1 to {}", u32::MAX));
        }
        narrowed
    };
    let (top_k, rows, calls_per_hour) = (count("top_k"), count("rows"), count("calls_per_hour"));
    let ways = [("returned", Vectors::Returned), ("withheld", Vectors::Withheld)];
    let vectors = fields.get("vectors").and_then(|node| reader.one_of(node, "choice", &ways)).unwrap_or_default();
    let token_ttl = fields.get("token_ttl").and_then(|node| reader.duration(node));
    let filter = fields.get("filter").map_or(Vec::new(), |node| filter(reader, node));
    let window = window(reader, fields.get("valid"));
    let limits = Limits { top_k, rows, vectors, calls_per_hour, token_ttl, filter };
    DatasetGrant { name, place, datasets, operations, limits, window }
}

/// `{ FIELD: VALUE, FIELD: [VALUES], FIELD: { claim: /pointer } }`: all must hold.
fn filter(reader: &mut Reader, node: &Node) -> Vec<Clause> {
    let mut clauses = Vec::new();
    for (key, node) in reader.entries(node) {
        let place = reader.key_place(key);
        if key.name.is_empty() || key.name.starts_with('$') || key.name.chars().any(char::is_control) {
            reader.fault(&place, "a filter's field is the name of a row's field; operators have no place here");
        }
        if let Some(wanted) = wanted(reader, node) {
            clauses.push(Clause { field: key.name.clone(), wanted });
        }
    }
    if clauses.is_empty() {
        let place = reader.place(node);
        reader.fault(&place, "this filter is empty, so it would filter nothing; leave it out");
    }
    clauses
}

fn wanted(reader: &mut Reader, node: &Node) -> Option<Wanted> {
    let place = reader.place(node);
    match &node.value {
        Value::Map(_) => {
            let fields = reader.fields(node, &["claim"]);
            let claim = fields.get("claim").and_then(|node| reader.text(node))?;
            if !claim.value.starts_with('/') {
                reader.fault(&claim.place, "a claim is a JSON pointer; a top-level claim is written /name");
            }
            Some(Wanted::Claim(claim.value))
        }
        Value::List(items) if items.is_empty() => {
            reader.fault(&place, "an empty list admits no row");
            None
        }
        Value::List(items) => {
            let values: Option<Vec<FilterValue>> = items.iter().map(|item| value(reader, item)).collect();
            values.map(Wanted::Values)
        }
        _ => value(reader, node).map(|value| Wanted::Values(vec![value])),
    }
}

fn value(reader: &mut Reader, node: &Node) -> Option<FilterValue> {
    let read = match &node.value {
        Value::Text(text) => Some(FilterValue::Text(text.clone())),
        Value::Bool(truth) => Some(FilterValue::Truth(*truth)),
        Value::Number(number) => number.parse().ok().map(FilterValue::Whole),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    };
    if read.is_none() {
        let place = reader.place(node);
        reader.fault(&place, "a filter's value is text, a whole number, true or false");
    }
    read
}
