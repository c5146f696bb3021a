use gatewright_json::{Limits, Object, Value, parse, write};
use gatewright_model::{Channel, ChannelKind, Usage};

use super::place::{THE_DATABASE, THE_TENANT, is_id};
use super::{ADD, COUNT, CREATE, DELETE, DESCRIBE, DROP, GET, HEARTBEAT, LIST, MODIFY, QUERY, UPDATE, UPSERT};
use crate::free::visit_free;
use crate::{Asked, Fault, Place, ReplyEditor, RouteId, Shown, Words, whole};

/// The largest answer.
const MOST_ANSWER: usize = 64 << 20;
/// The most values in it: a thousand vectors of the largest models, and what stands beside them.
const MOST_VALUES: usize = 8 << 20;

/// Edits an answer, which always comes in one piece: what is not known of it is left out, what is text goes through the
/// masker, and what was not asked for is a fault.
pub(super) struct Editor {
    route: RouteId,
    asked: Asked,
    bytes: Vec<u8>,
    complete: bool,
}

impl Editor {
    pub(super) const fn new(route: RouteId, asked: Asked) -> Self {
        Self { route, asked, bytes: Vec::new(), complete: false }
    }

    fn shown(&self, answer: &Value, words: &mut dyn Words) -> Result<Value, Fault> {
        match self.route {
            HEARTBEAT => {
                let beat = answer.get("nanosecond heartbeat").filter(|beat| beat.as_number().is_some());
                Ok(Object::from_iter([("nanosecond heartbeat", beat.cloned().ok_or(Fault::Malformed)?)]).into())
            }
            ADD | UPSERT | UPDATE | MODIFY | DROP => Ok(Object::new().into()),
            COUNT => match answer.as_number().and_then(|count| count.as_u64()) {
                Some(count) => Ok(count.into()),
                None => Err(Fault::Malformed),
            },
            DELETE => {
                let deleted = answer.get("deleted").and_then(Value::as_number).and_then(|count| count.as_u64());
                Ok(deleted.map_or_else(Object::new, |count| Object::from_iter([("deleted", count)])).into())
            }
            CREATE | DESCRIBE => {
                let dataset = self.asked.reach.datasets.first().ok_or(Fault::Malformed)?;
                self.collection(answer, dataset, words)
            }
            LIST => self.list(answer, words),
            GET => self.records(answer, Rows::Flat, words),
            QUERY => self.records(answer, Rows::ByVector, words),
            _ => Err(Fault::Malformed),
        }
    }

    /// Of the server's collections those that the caller may read; then the page that was asked for.
    fn list(&self, answer: &Value, words: &mut dyn Words) -> Result<Value, Fault> {
        let mut shown = Vec::new();
        for collection in answer.as_array().ok_or(Fault::Malformed)? {
            let name = collection.get("name").and_then(Value::as_str).ok_or(Fault::Malformed)?;
            for dataset in self.asked.reach.datasets.iter().filter(|dataset| dataset.there == name) {
                shown.push(self.collection(collection, dataset, words)?);
            }
        }
        let most = self.asked.reach.limit.unwrap_or(usize::MAX);
        Ok(shown.into_iter().skip(self.asked.reach.offset).take(most).collect::<Vec<Value>>().into())
    }

    /// A collection under the names that callers know.
    fn collection(&self, answer: &Value, dataset: &Shown, words: &mut dyn Words) -> Result<Value, Fault> {
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        if text("name") != Some(dataset.there.as_str()) || !text("id").is_some_and(is_id) {
            return Err(Fault::Malformed);
        }
        let number = |name: &str| answer.get(name).filter(|value| value.as_number().is_some()).cloned();
        Ok(Object::from_iter([
            ("id", Value::from(dataset.id.as_str())),
            ("name", dataset.name.as_str().into()),
            ("configuration_json", configuration(answer.get("configuration_json"))),
            ("schema", Value::Null),
            ("metadata", masked(answer.get("metadata"), 0, words)?),
            ("dimension", number("dimension").unwrap_or(Value::Null)),
            ("tenant", THE_TENANT.into()),
            ("database", THE_DATABASE.into()),
            ("log_position", number("log_position").unwrap_or_else(|| 0_u64.into())),
            ("version", number("version").unwrap_or_else(|| 0_u64.into())),
        ])
        .into())
    }

    fn records(&self, answer: &Value, rows: Rows, words: &mut dyn Words) -> Result<Value, Fault> {
        let ids = answer.get("ids").ok_or(Fault::Malformed)?;
        let groups = rows.groups(ids)?;
        let count: usize = groups.iter().map(|group| group.len()).sum();
        if count as u64 > self.asked.reach.rows {
            return Err(Fault::TooLarge);
        }
        let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
        let mut shown = Object::new();
        shown.set("ids", rows.edit(Some(ids), &lengths, &mut |at, id| text(id, ChannelKind::Other, at, words))?);
        shown.set("embeddings", rows.edit(answer.get("embeddings"), &lengths, &mut |_, vector| vector_of(vector))?);
        for name in ["documents", "uris"] {
            let edited = rows.edit(answer.get(name), &lengths, &mut |at, it| text(it, ChannelKind::Content, at, words));
            shown.set(name, edited?);
        }
        let edited = rows.edit(answer.get("metadatas"), &lengths, &mut |at, it| masked(Some(it), at, words));
        shown.set("metadatas", edited?);
        if let Rows::ByVector = rows {
            shown.set("distances", rows.edit(answer.get("distances"), &lengths, &mut |_, it| number(it))?);
        }
        let include = answer.get("include").and_then(Value::as_array).unwrap_or_default();
        let known = |word: &&Value| {
            ["documents", "metadatas", "uris", "distances", "embeddings"].iter().any(|one| word.as_str() == Some(one))
        };
        shown.set("include", include.iter().filter(known).cloned().collect::<Vec<Value>>());
        Ok(shown.into())
    }
}

/// How rows stand in an answer: one list, or one list for each vector of the query.
#[derive(Clone, Copy)]
enum Rows {
    Flat,
    ByVector,
}

impl Rows {
    fn groups(self, value: &Value) -> Result<Vec<&[Value]>, Fault> {
        let all = value.as_array().ok_or(Fault::Malformed)?;
        match self {
            Self::Flat => Ok(vec![all]),
            Self::ByVector => all.iter().map(|group| group.as_array().ok_or(Fault::Malformed)).collect(),
        }
    }

    /// Edits one field of every row. The field may be left out; where it is there, it is there for every row.
    fn edit(
        self,
        value: Option<&Value>,
        lengths: &[usize],
        each: &mut dyn FnMut(usize, &Value) -> Result<Value, Fault>,
    ) -> Result<Value, Fault> {
        let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(Value::Null) };
        let groups = self.groups(value)?;
        if groups.iter().map(|group| group.len()).ne(lengths.iter().copied()) {
            return Err(Fault::Malformed);
        }
        let mut at = 0;
        let mut edited: Vec<Value> = Vec::with_capacity(groups.len());
        for group in groups {
            let mut rows = Vec::with_capacity(group.len());
            for row in group {
                rows.push(each(at, row)?);
                at += 1;
            }
            edited.push(rows.into());
        }
        match self {
            Self::Flat => edited.pop().ok_or(Fault::Malformed),
            Self::ByVector => Ok(edited.into()),
        }
    }
}

fn channel(kind: ChannelKind, row: usize) -> Channel {
    Channel { kind, choice: 0, index: u32::try_from(row).unwrap_or(u32::MAX) }
}

fn text(value: &Value, kind: ChannelKind, row: usize, words: &mut dyn Words) -> Result<Value, Fault> {
    match value {
        Value::String(text) => Ok(whole(words, channel(kind, row), Place::Plain, text)?.into()),
        Value::Null => Ok(Value::Null),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Err(Fault::Malformed),
    }
}

fn number(value: &Value) -> Result<Value, Fault> {
    match value {
        Value::Number(_) | Value::Null => Ok(value.clone()),
        Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => Err(Fault::Malformed),
    }
}

fn vector_of(value: &Value) -> Result<Value, Fault> {
    let numbers = |all: &[Value]| all.iter().all(|number| number.as_number().is_some());
    match value {
        Value::Null => Ok(Value::Null),
        Value::Array(all) if numbers(all) => Ok(value.clone()),
        _ => Err(Fault::Malformed),
    }
}

/// Metadata with every key, text and number through the masker.
fn masked(value: Option<&Value>, row: usize, words: &mut dyn Words) -> Result<Value, Fault> {
    let mut value = match value {
        None | Some(Value::Null) => return Ok(Value::Null),
        Some(object @ Value::Object(_)) => object.clone(),
        Some(_) => return Err(Fault::Malformed),
    };
    let mut outcome = Ok(());
    visit_free(&mut value, &mut "$".to_owned(), channel(ChannelKind::Content, row), &mut |text| {
        if outcome.is_ok() {
            match whole(words, text.channel, text.place, text.text) {
                Ok(shown) => *text.text = shown,
                Err(blocked) => outcome = Err(Fault::from(blocked)),
            }
        }
    });
    outcome.map(|()| value)
}

/// The numbers of a collection's index. What embeds its texts is between its writers; a client that reads has its own.
fn configuration(value: Option<&Value>) -> Value {
    let index = |name: &str| -> Value {
        let Some(index) = value.and_then(|value| value.get(name)).and_then(Value::as_object) else {
            return Value::Null;
        };
        let plain = |key: &str, value: &Value| match value {
            Value::Number(_) => key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
            Value::String(text) => key == "space" && matches!(text.as_str(), "l2" | "cosine" | "ip"),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
        };
        let kept = index.iter().filter(|(key, value)| plain(key, value));
        kept.map(|(key, value)| (key, value.clone())).collect::<Object>().into()
    };
    Object::from_iter([("hnsw", index("hnsw")), ("spann", index("spann")), ("embedding_function", Value::Null)]).into()
}

impl ReplyEditor for Editor {
    fn push(&mut self, bytes: &[u8], _words: &mut dyn Words, _out: &mut Vec<u8>) -> Result<(), Fault> {
        if self.bytes.len() + bytes.len() > MOST_ANSWER {
            return Err(Fault::TooLarge);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(&mut self, words: &mut dyn Words, out: &mut Vec<u8>) -> Result<(), Fault> {
        let bytes = std::mem::take(&mut self.bytes);
        let limits = Limits { bytes: MOST_ANSWER, values: MOST_VALUES, ..Limits::default() };
        let answer = parse(&bytes, &limits).map_err(|_| Fault::Malformed)?;
        if answer.get("error").is_some_and(|error| !error.is_null()) {
            return Err(Fault::Reported);
        }
        let shown = self.shown(&answer, words)?;
        write(&shown, out);
        self.complete = true;
        Ok(())
    }

    fn usage(&self) -> Option<Usage> {
        None
    }

    fn complete(&self) -> bool {
        self.complete
    }
}
