//! What a request's JSON may be, as tables: one place says what is known, what is searched, and which ids are named.

use gatewright_json::{Object, Value};
use gatewright_model::{Channel, ChannelKind, Code, Parameter, Quantity, Refusal, StoredKind, Terms};

use super::messages::kind_of;
use super::operation::{invalid, unknown};
use crate::free::{visit_embedded, visit_free};
use crate::stored::is_id;
use crate::{Naming, Place, Text};

/// More items than one list may have.
const MOST_ITEMS: usize = 1024;
/// How deep conditions may nest.
const DEEPEST_FILTER: usize = 8;

/// What a value must be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// `true` or `false`.
    Flag,
    /// A whole number within these bounds.
    Whole(i64, i64),
    /// A number within these bounds.
    Number(&'static str, &'static str),
    /// One of these words.
    Word(&'static [&'static str]),
    /// The model's name, which was read before.
    Model,
    /// An id that ties parts of one request, or of a request and an answer, together. It says nothing, and is plain.
    Link,
    /// A text of this kind.
    Text(ChannelKind),
    /// A text of the message that it stands in.
    Said,
    /// A text that is JSON.
    Embedded(ChannelKind),
    /// Any JSON; all of it is searched.
    Free(ChannelKind),
    /// An object of texts, whose keys the caller chooses.
    Labels,
    /// An object of texts, numbers and truths.
    Attributes,
    /// A condition on attributes.
    Filter,
    /// The id of a thing of the caller's that the server keeps.
    Stored(StoredKind),
    /// What the request reaches besides the model: asked as a dataset, and so not searched.
    Reached,
    /// Nothing: known, and not for callers to say.
    Never,
    /// A list.
    List(&'static Self),
    /// An object of these members and no others.
    Object(&'static [Member]),
    /// An object whose members are told by its `type`; without one, those of the empty name.
    Tagged(Strange, &'static [(&'static str, &'static [Member])]),
    /// The one of these whose JSON type fits.
    Either(&'static [Self]),
}

/// What is said of a `type` that no table has.
#[derive(Clone, Copy, Debug)]
pub(super) enum Strange {
    /// It cannot be inspected.
    Media,
    /// It reaches beyond the gateway.
    Tool,
    /// It is of another shape.
    Shape,
}

/// A member of an object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    pub(super) name: &'static str,
    part: Part,
    presence: Presence,
    parameter: Option<Parameter>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Required,
    Optional,
}

/// A member that may be left out.
pub(super) const fn may(name: &'static str, part: Part) -> Member {
    Member { name, part, presence: Presence::Optional, parameter: None }
}

/// A member that must be there.
pub(super) const fn must(name: &'static str, part: Part) -> Member {
    Member { name, part, presence: Presence::Required, parameter: None }
}

/// A member that states a parameter.
pub(super) const fn states(name: &'static str, part: Part, parameter: Parameter) -> Member {
    Member { name, part, presence: Presence::Optional, parameter: Some(parameter) }
}

impl Member {
    /// The parameter that it states.
    pub(super) const fn parameter(&self) -> Option<Parameter> {
        self.parameter
    }
}

/// Checks a whole body, and states its parameters.
pub(super) fn read(members: &'static [Member], body: &Object, terms: &mut Terms) -> Result<(), Refusal> {
    check_members(members, body, "")?;
    for member in members {
        let Some(parameter) = member.parameter else { continue };
        let quantity = match body.get(member.name) {
            Some(Value::Bool(truth)) => Quantity::whole(i64::from(*truth)),
            Some(Value::Number(number)) => Quantity::parse(number.as_str()),
            _ => None,
        };
        if let Some(quantity) = quantity {
            terms.parameters.set(parameter, quantity);
        }
    }
    Ok(())
}

fn check_members(members: &'static [Member], object: &Object, at: &str) -> Result<(), Refusal> {
    let path = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
    for (name, value) in object.iter() {
        let Some(member) = members.iter().find(|member| member.name == name) else {
            return Err(unknown(name, members.iter().map(|member| member.name)));
        };
        if !value.is_null() {
            check(member.part, value, &path(name))?;
        }
    }
    let missing =
        |member: &&Member| member.presence == Presence::Required && object.get(member.name).is_none_or(Value::is_null);
    match members.iter().find(missing) {
        Some(member) => Err(invalid(format!("The field `{}` is required.", path(member.name)), &path(member.name))),
        None => Ok(()),
    }
}

fn check(part: Part, value: &Value, at: &str) -> Result<(), Refusal> {
    let must = |what: &str| Err(invalid(format!("The field `{at}` must be {what}."), at));
    let fits = |fits: bool, what: &str| if fits { Ok(()) } else { must(what) };
    match part {
        Part::Flag => fits(value.as_bool().is_some(), "true or false"),
        Part::Whole(least, most) => {
            let whole = value.as_number().and_then(|number| number.as_i64());
            fits(
                whole.is_some_and(|it| (least..=most).contains(&it)),
                &format!("a whole number from {least} to {most}"),
            )
        }
        Part::Number(least, most) => {
            let quantity = value.as_number().and_then(|number| Quantity::parse(number.as_str()));
            let within = quantity.is_some_and(|it| it.within(Quantity::parse(least), Quantity::parse(most)));
            fits(within, &format!("a number from {least} to {most}"))
        }
        Part::Word(words) => {
            fits(value.as_str().is_some_and(|word| words.contains(&word)), &format!("one of {}", words.join(", ")))
        }
        Part::Link => fits(value.as_str().is_some_and(is_id), "an id"),
        // What the id says is judged where it is known whose it is; here it only must not be another type.
        Part::Stored(_) | Part::Reached | Part::Model => fits(value.as_str().is_some(), "a string"),
        Part::Text(_) | Part::Said | Part::Embedded(_) => fits(value.as_str().is_some(), "a string"),
        Part::Free(_) => fits(value.as_object().is_some(), "an object"),
        Part::Labels => fits(is_map(value, |label| label.as_str().is_some()), "an object of strings"),
        Part::Attributes => fits(is_map(value, is_scalar), "an object of strings, numbers or booleans"),
        Part::Filter => fits(is_filter(value, 0), "a condition on attributes"),
        Part::Never => {
            Err(Refusal::new(Code::UnsupportedField, format!("`{at}` must be empty or left out.")).about(at))
        }
        Part::List(item) => match value.as_array() {
            Some(items) if items.len() <= MOST_ITEMS => {
                items.iter().enumerate().try_for_each(|(index, value)| check(*item, value, &format!("{at}[{index}]")))
            }
            Some(_) | None => must(&format!("a list of at most {MOST_ITEMS}")),
        },
        Part::Object(members) => match value.as_object() {
            Some(object) => check_members(members, object, at),
            None => must("an object"),
        },
        Part::Tagged(strange, tags) => match (value.as_object(), members_of(tags, value)) {
            (Some(object), Some(members)) => check_members(members, object, at),
            (Some(_), None) => Err(strange.refusal(at)),
            (None, _) => must("an object"),
        },
        Part::Either(parts) => match parts.iter().find(|part| part.is_like(value)) {
            Some(part) => check(*part, value, at),
            None => must("of another shape"),
        },
    }
}

impl Strange {
    fn refusal(self, at: &str) -> Refusal {
        let about = format!("{at}.type");
        match self {
            Self::Media => {
                let message = format!("`{at}` must be text: anything else cannot be inspected.");
                Refusal::new(Code::UnsupportedMedia, message).about(about)
            }
            Self::Tool => {
                let message = format!("`{at}.type` is not supported here: such tools reach beyond this gateway.");
                Refusal::new(Code::UnsupportedField, message).about(about)
            }
            Self::Shape => invalid(format!("The field `{about}` is not one that is known here."), &about),
        }
    }
}

impl Part {
    fn is_like(&self, value: &Value) -> bool {
        match self {
            Self::Flag => value.as_bool().is_some(),
            Self::Whole(..) | Self::Number(..) => value.as_number().is_some(),
            Self::Word(_)
            | Self::Model
            | Self::Link
            | Self::Text(_)
            | Self::Said
            | Self::Embedded(_)
            | Self::Stored(_)
            | Self::Reached => value.as_str().is_some(),
            Self::Free(_) | Self::Labels | Self::Attributes | Self::Filter | Self::Object(_) | Self::Tagged(..) => {
                value.as_object().is_some()
            }
            Self::List(_) => value.as_array().is_some(),
            Self::Never => false,
            Self::Either(parts) => parts.iter().any(|part| part.is_like(value)),
        }
    }
}

fn members_of(tags: &'static [(&'static str, &'static [Member])], value: &Value) -> Option<&'static [Member]> {
    let tag = match value.get("type") {
        None | Some(Value::Null) => "",
        Some(tag) => tag.as_str()?,
    };
    tags.iter().find(|(name, _)| *name == tag).map(|(_, members)| *members)
}

fn is_map(value: &Value, member: impl Fn(&Value) -> bool) -> bool {
    value.as_object().is_some_and(|object| object.len() <= 64 && object.iter().all(|(_, value)| member(value)))
}

fn is_scalar(value: &Value) -> bool {
    match value {
        Value::String(_) | Value::Number(_) | Value::Bool(_) => true,
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

fn is_filter(value: &Value, depth: usize) -> bool {
    let Some(filter) = value.as_object().filter(|_| depth < DEEPEST_FILTER) else { return false };
    let only = |known: &[&str]| filter.iter().all(|(name, _)| known.contains(&name));
    match filter.get("type").and_then(Value::as_str) {
        Some("and" | "or") => {
            let inner = filter.get("filters").and_then(Value::as_array);
            let all = inner.is_some_and(|all| all.len() <= 64 && all.iter().all(|one| is_filter(one, depth + 1)));
            only(&["type", "filters"]) && all
        }
        Some("eq" | "ne" | "gt" | "gte" | "lt" | "lte" | "in" | "nin") => {
            let key = filter.get("key").is_some_and(|key| key.as_str().is_some());
            let value = filter.get("value").is_some_and(|value| match value.as_array() {
                Some(all) => all.len() <= 64 && all.iter().all(is_scalar),
                None => is_scalar(value),
            });
            only(&["type", "key", "value"]) && key && value
        }
        _ => false,
    }
}

/// Shows every text of a body that was read, in the order of its fields.
pub(super) fn visit(members: &'static [Member], body: &mut Object, visit: &mut dyn FnMut(Text<'_>)) {
    Visiting { visit, said: ChannelKind::User, next: 0 }.members(members, body);
}

struct Visiting<'v> {
    visit: &'v mut dyn FnMut(Text<'_>),
    /// Whose words stand in the message that is being visited.
    said: ChannelKind,
    next: u32,
}

impl Visiting<'_> {
    fn channel(&mut self, kind: ChannelKind) -> Channel {
        let index = self.next;
        self.next = self.next.saturating_add(1);
        Channel { kind, choice: 0, index }
    }

    fn members(&mut self, members: &'static [Member], object: &mut Object) {
        let role = object.get("role").and_then(Value::as_str).map(|role| kind_of(Some(role)));
        let outer = self.said;
        self.said = role.unwrap_or(outer);
        for (name, value) in object.iter_mut() {
            if let Some(member) = members.iter().find(|member| member.name == name) {
                self.part(member.part, value);
            }
        }
        self.said = outer;
    }

    fn part(&mut self, part: Part, value: &mut Value) {
        match part {
            Part::Text(kind) => self.text(kind, value),
            Part::Said => self.text(self.said, value),
            Part::Embedded(kind) => {
                let channel = self.channel(kind);
                if let Value::String(json) = value {
                    visit_embedded(json, channel, self.visit);
                }
            }
            Part::Free(kind) => {
                let channel = self.channel(kind);
                visit_free(value, &mut "$".to_owned(), channel, self.visit);
            }
            Part::Labels | Part::Attributes => {
                let channel = self.channel(ChannelKind::Other);
                visit_free(value, &mut "$".to_owned(), channel, self.visit);
            }
            Part::Filter => self.filter(value),
            Part::List(item) => {
                for value in value.as_array_mut().into_iter().flatten() {
                    self.part(*item, value);
                }
            }
            Part::Object(members) => {
                if let Some(object) = value.as_object_mut() {
                    self.members(members, object);
                }
            }
            Part::Tagged(_, tags) => {
                if let (Some(members), Some(object)) = (members_of(tags, value), value.as_object_mut()) {
                    self.members(members, object);
                }
            }
            Part::Either(parts) => {
                if let Some(part) = parts.iter().find(|part| part.is_like(value)) {
                    self.part(*part, value);
                }
            }
            // Numbers, words from a list, and ids, each of which is judged by itself.
            Part::Flag
            | Part::Whole(..)
            | Part::Number(..)
            | Part::Word(_)
            | Part::Model
            | Part::Link
            | Part::Stored(_)
            | Part::Reached
            | Part::Never => {}
        }
    }

    fn text(&mut self, kind: ChannelKind, value: &mut Value) {
        let channel = self.channel(kind);
        if let Value::String(text) = value {
            (self.visit)(Text { channel, place: Place::Plain, text });
        }
    }

    /// The words for comparisons are the protocol's own; keys and values are the caller's.
    fn filter(&mut self, value: &mut Value) {
        if let Some(inner) = value.pointer_mut("/filters").and_then(Value::as_array_mut) {
            inner.iter_mut().for_each(|one| self.filter(one));
        }
        let channel = self.channel(ChannelKind::Other);
        for name in ["/key", "/value"] {
            if let Some(value) = value.pointer_mut(name) {
                visit_free(value, &mut "$".to_owned(), channel, self.visit);
            }
        }
    }
}

/// Adds the things of the caller's that a body names.
pub(super) fn named<'v>(members: &'static [Member], body: &'v Object, found: &mut Vec<Naming<'v>>) {
    for (name, value) in body.iter() {
        if let Some(member) = members.iter().find(|member| member.name == name) {
            named_in(member.part, value, member.name, found);
        }
    }
}

fn named_in<'v>(part: Part, value: &'v Value, param: &'static str, found: &mut Vec<Naming<'v>>) {
    match part {
        Part::Stored(kind) => found.extend(value.as_str().map(|id| Naming { kind, id, param })),
        Part::List(item) => {
            value.as_array().into_iter().flatten().for_each(|value| named_in(*item, value, param, found));
        }
        Part::Object(members) => {
            if let Some(object) = value.as_object() {
                named(members, object, found);
            }
        }
        Part::Tagged(_, tags) => {
            if let (Some(members), Some(object)) = (members_of(tags, value), value.as_object()) {
                named(members, object, found);
            }
        }
        Part::Either(parts) => {
            if let Some(part) = parts.iter().find(|part| part.is_like(value)) {
                named_in(*part, value, param, found);
            }
        }
        Part::Flag
        | Part::Whole(..)
        | Part::Number(..)
        | Part::Word(_)
        | Part::Model
        | Part::Link
        | Part::Text(_)
        | Part::Said
        | Part::Embedded(_)
        | Part::Free(_)
        | Part::Labels
        | Part::Attributes
        | Part::Filter
        | Part::Reached
        | Part::Never => {}
    }
}
