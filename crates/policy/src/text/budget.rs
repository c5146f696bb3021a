//! `budget:` of a role and the common `budgets:`.

use super::Place;
use super::grant::{Selector, selectors};
use super::node::{Key, Node, Value};
use super::reader::{Placed, Reader};
use crate::budget::{BudgetWindow, Each};

/// A budget as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BudgetText {
    /// Its name after the role's; whole for a common one.
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) requests: Option<u64>,
    pub(crate) tokens: Option<u64>,
    pub(crate) cost_micros: Option<u64>,
    pub(crate) answer_bytes: Option<u64>,
    pub(crate) window: BudgetWindow,
    pub(crate) each: Each,
    pub(crate) models: Vec<Placed<Selector>>,
}

/// A role's `budget:`, one or a list; each person has their own unless `each` says otherwise.
pub(super) fn of_role(reader: &mut Reader, node: &Node) -> Vec<BudgetText> {
    let written = match &node.value {
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let numbered = written.iter().enumerate();
    numbered.filter_map(|(at, node)| read(reader, node, format!("budget-{}", at + 1), Each::Person)).collect()
}

/// An entry of `budgets:`: whoever calls, of whatever role; all share it unless `each` says otherwise.
pub(super) fn common(reader: &mut Reader, key: &Key, node: &Node) -> Option<BudgetText> {
    let place = reader.key_place(key);
    reader.name(&key.name, &place, "budget");
    read(reader, node, key.name.clone(), Each::All).map(|read| BudgetText { place, ..read })
}

fn read(reader: &mut Reader, node: &Node, name: String, otherwise: Each) -> Option<BudgetText> {
    let fields = reader.fields(node, &["requests", "tokens", "cost", "answer_bytes", "per", "each", "models"]);
    let place = reader.place(node);
    let mut whole = |name: &str| fields.get(name).and_then(|node| reader.whole(node));
    let (requests, tokens, answer_bytes) = (whole("requests"), whole("tokens"), whole("answer_bytes"));
    let cost = fields.get("cost").and_then(|node| reader.quantity(node)).map(|cost| u64::try_from(cost.floor_e6()));
    if matches!(cost, Some(Err(_))) {
        reader.fault(&place, "`cost` cannot be below nothing");
    }
    if ["requests", "tokens", "cost", "answer_bytes"].iter().all(|name| fields.get(name).is_none()) {
        reader.fault(&place, "a budget needs `requests`, `tokens`, `cost` or `answer_bytes`");
    }
    let windows = [
        ("minute", BudgetWindow::Minute),
        ("hour", BudgetWindow::Hour),
        ("day", BudgetWindow::Day),
        ("month", BudgetWindow::Month),
    ];
    let window = match fields.get("per") {
        Some(node) => reader.one_of(node, "window", &windows),
        None => {
            reader.fault(&place, "a budget needs `per`: minute, hour, day or month");
            None
        }
    };
    let kinds = [
        ("all", Each::All),
        ("person", Each::Person),
        ("model", Each::Model),
        ("person-and-model", Each::PersonAndModel),
    ];
    let each = fields.get("each").and_then(|node| reader.one_of(node, "account", &kinds)).unwrap_or(otherwise);
    let models = fields.get("models").map_or(Vec::new(), |node| selectors(reader, node));
    if fields.get("models").is_some() && models.is_empty() {
        reader.fault(&place, "`models` is empty, so this budget would count nothing; leave it out for all calls");
    }
    Some(BudgetText {
        name,
        place,
        requests,
        tokens,
        cost_micros: cost.and_then(Result::ok),
        answer_bytes,
        window: window?,
        each,
        models,
    })
}
