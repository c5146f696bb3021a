//! `rules:`: what is refused or held, over prompts, answers, models and roles.

use gatewright_model::{Operation, RoleName, RuleName};

use super::conditions::{self, Hours, Over};
use super::grant::{Selector, selectors};
use super::node::{Node, Value};
use super::operations::{Reach, is_about_dataset, operations};
use super::reader::{Placed, Reader, quoted};
use super::{Applies, Consequence, ContentPattern, Place};

/// The longest regular expression, in bytes.
const LONGEST_REGEX: usize = 4_096;

/// A rule as it is written.
#[derive(Clone, Debug)]
pub(crate) struct RuleText {
    pub(crate) name: RuleName,
    pub(crate) place: Place,
    pub(crate) roles: Vec<Placed<String>>,
    pub(crate) models: Vec<Placed<Selector>>,
    pub(crate) operations: Vec<Operation>,
    pub(crate) datasets: Vec<Placed<Selector>>,
    pub(crate) found: Vec<Placed<gatewright_model::InfoType>>,
    /// At these hours alone, and outside of these alone.
    pub(crate) hours: Option<Hours>,
    pub(crate) outside_hours: Option<Hours>,
    pub(crate) parameters: Vec<Over>,
    pub(crate) prompt: Option<ContentPattern>,
    pub(crate) answer: Option<ContentPattern>,
    pub(crate) consequence: Consequence,
    pub(crate) hold_place: Place,
}

impl RuleText {
    /// Which calls it is about, without its places.
    pub(crate) fn applies(&self) -> Applies {
        let mut applies = Applies {
            roles: self.roles.iter().map(|role| RoleName::new(role.value.as_str())).collect(),
            operations: self.operations.clone(),
            found: self.found.iter().map(|found| found.value.clone()).collect(),
            ..Applies::default()
        };
        for selector in &self.models {
            match &selector.value {
                Selector::Name(name) => applies.models.push(name.clone()),
                Selector::Tag(tag) => applies.tags.push(tag.clone()),
                Selector::Connection(connection) => applies.connections.push(connection.clone()),
            }
        }
        applies
    }
}

/// Reads one entry of `rules:`.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Option<RuleText> {
    let fields = reader.fields(node, &["name", "when", "then"]);
    let place = reader.place(node);
    for name in ["name", "when", "then"] {
        if fields.get(name).is_none() {
            reader.fault(&place, format!("a rule needs `{name}`"));
        }
    }
    let name = fields.get("name").and_then(|node| reader.text(node));
    let consequence = fields.get("then").and_then(|node| consequence(reader, node));
    let when = fields.get("when")?;
    let known = [
        "roles",
        "models",
        "operations",
        "datasets",
        "found",
        "hours",
        "outside_hours",
        "parameters",
        "prompt",
        "answer",
    ];
    let conditions = reader.fields(when, &known);
    let roles = conditions.get("roles").map_or(Vec::new(), |node| reader.texts(node));
    let models = conditions.get("models").map_or(Vec::new(), |node| selectors(reader, node));
    let operations = conditions.get("operations").map_or(Vec::new(), |n| operations(reader, n, Reach::Anything));
    let found = conditions
        .get("found")
        .map_or(Vec::new(), |node| reader.list(node).iter().filter_map(|item| reader.info_type(item)).collect());
    let datasets = conditions.get("datasets").map_or(Vec::new(), |node| selectors(reader, node));
    let hours = conditions.get("hours").map(|node| conditions::hours(reader, node));
    let outside_hours = conditions.get("outside_hours").map(|node| conditions::hours(reader, node));
    let parameters = conditions.get("parameters").map_or(Vec::new(), |node| conditions::parameters(reader, node));
    let prompt = conditions.get("prompt").and_then(|node| pattern(reader, node));
    let answer = conditions.get("answer").and_then(|node| pattern(reader, node));
    check_conditions(reader, when, &place);
    if operations.iter().any(|operation| is_about_dataset(*operation)) && !models.is_empty() {
        reader.fault(&place, "operations on datasets have no model, so this rule's `models` would never fit them");
    }
    if !datasets.is_empty() && !models.is_empty() {
        reader.fault(&place, "a rule is about `models` or about `datasets`: the one is not asked of the other");
    }
    if !datasets.is_empty() && operations.iter().any(|operation| !is_about_dataset(*operation)) {
        reader.fault(
            &place,
            "a rule about `datasets` takes operations on datasets only; without any it is about all of them",
        );
    }
    let beside_names = !datasets.is_empty() || hours.is_some() || outside_hours.is_some() || !parameters.is_empty();
    if answer.is_some() && beside_names {
        reader.fault(&place, "a rule over answers takes no `datasets`, `hours`, `outside_hours` or `parameters`");
    }
    let (consequence, hold_place) = consequence?;
    if consequence == Consequence::Alert && answer.is_none() && beside_names {
        reader.fault(&place, "a rule that alerts takes no `datasets`, `hours`, `outside_hours` or `parameters`");
    }
    if answer.is_some() && matches!(consequence, Consequence::Hold(_)) {
        let words =
            "an answer that is on its way cannot wait for a person: `then: { refuse: true }` or `{ alert: true }`";
        reader.fault(&hold_place, words);
    }
    if prompt.is_none() && answer.is_none() && consequence == Consequence::Alert {
        reader.fault(&hold_place, "an alert tells that a text matched: `when` needs a `prompt` or an `answer`");
    }
    let name = name?;
    if name.value == crate::DEFAULT_DENY || !reader.name(&name.value, &name.place, "rule") {
        reader.fault(&name.place, format!("{} cannot be a rule's name", quoted(&name.value)));
    }
    let name = RuleName::new(name.value);
    Some(RuleText {
        name,
        place,
        roles,
        models,
        operations,
        datasets,
        found,
        hours,
        outside_hours,
        parameters,
        prompt,
        answer,
        consequence,
        hold_place,
    })
}

/// An empty list says nothing, and a rule without conditions would stop every call: neither is what its writer meant.
fn check_conditions(reader: &mut Reader, when: &Node, place: &Place) {
    let entries = match &when.value {
        Value::Map(entries) => entries.as_slice(),
        _ => &[],
    };
    if entries.iter().all(|(_, node)| matches!(node.value, Value::Null)) {
        reader.fault(place, "`when` is empty, so this rule would stop every call; say which calls it is about");
    }
    for (key, node) in entries {
        if matches!(&node.value, Value::List(items) if items.is_empty()) {
            let place = reader.key_place(key);
            reader.fault(&place, format!("{} is empty; leave it out where it should not narrow", quoted(&key.name)));
        }
    }
}

fn consequence(reader: &mut Reader, node: &Node) -> Option<(Consequence, Place)> {
    let fields = reader.fields(node, &["refuse", "hold", "alert"]);
    let place = reader.place(node);
    match (fields.get("refuse"), fields.get("hold"), fields.get("alert")) {
        (Some(refuse), None, None) if reader.truth(refuse)? => Some((Consequence::Refuse, place)),
        (None, None, Some(alert)) if reader.truth(alert)? => Some((Consequence::Alert, place)),
        (None, Some(hold), None) => {
            let hold = reader.text(hold)?;
            Some((Consequence::Hold(hold.value), hold.place))
        }
        _ => {
            reader.fault(&place, "`then` is { refuse: true }, { alert: true } or { hold: APPROVAL }");
            None
        }
    }
}

/// `{ words: […], regex: … }`; `regex` is one expression or a list of them.
fn pattern(reader: &mut Reader, node: &Node) -> Option<ContentPattern> {
    let fields = reader.fields(node, &["words", "regex"]);
    let place = reader.place(node);
    let words = fields.get("words").map_or(Vec::new(), |node| reader.texts(node));
    let regexes = match fields.get("regex") {
        Some(node) if matches!(node.value, Value::List(_)) => reader.texts(node),
        Some(node) => reader.text(node).into_iter().collect(),
        None => Vec::new(),
    };
    for regex in &regexes {
        if regex.value.len() > LONGEST_REGEX {
            reader.fault(&regex.place, format!("a regular expression may have at most {LONGEST_REGEX} bytes"));
        }
    }
    if words.is_empty() && regexes.is_empty() {
        reader.fault(&place, "needs `words`, `regex` or both, not empty");
    }
    let texts = |placed: Vec<Placed<String>>| placed.into_iter().map(|text| text.value).collect();
    Some(ContentPattern { words: texts(words), regexes: texts(regexes) })
}
