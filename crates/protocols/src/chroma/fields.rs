//! The fields of every request with a body, and what each must be.

use gatewright_json::{Object, Value};
use gatewright_model::Refusal;

use super::filter;
use super::operation::MOST_RECORDS;
use super::{ADD, CREATE, DELETE, GET, MODIFY, QUERY, UPDATE, UPSERT};
use crate::faults::{invalid, unknown};
use crate::{Route, RouteId};

/// What a field's value must be. Where it stands for text, [`texts`](super::texts) shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// The name of a collection, which was read before.
    Name,
    /// A list of ids, which callers choose.
    Ids,
    /// A list of texts, each of which may be left out.
    Texts,
    /// A list of metadata, each of which may be left out.
    Metadatas,
    /// The metadata of a collection.
    Metadata,
    /// A list of vectors: numbers.
    Vectors,
    /// A condition on metadata.
    Where,
    /// A condition on documents.
    WhereDocument,
    /// What of each record is answered.
    Include,
    /// A whole number that is not negative.
    Whole,
    /// `true` or `false`.
    Flag,
    /// How a collection's index is built.
    Configuration,
    /// Nothing: the field is known, and means what no caller may say.
    Nothing,
}

/// A field that is known, and whether it must be there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    presence: Presence,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Required,
    Optional,
}

const fn required(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, presence: Presence::Required }
}

const fn optional(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, presence: Presence::Optional }
}

const CREATE_FIELDS: &[Field] = &[
    required("name", Shape::Name),
    optional("metadata", Shape::Metadata),
    optional("configuration", Shape::Configuration),
    optional("schema", Shape::Nothing),
    optional("get_or_create", Shape::Flag),
];

const MODIFY_FIELDS: &[Field] = &[
    optional("new_metadata", Shape::Metadata),
    // A collection's name is the configuration's: renamed, it would be out of every role's reach, or in another's.
    optional("new_name", Shape::Nothing),
    optional("new_configuration", Shape::Configuration),
];

const ADD_FIELDS: &[Field] = &[
    required("ids", Shape::Ids),
    required("embeddings", Shape::Vectors),
    optional("documents", Shape::Texts),
    optional("metadatas", Shape::Metadatas),
    optional("uris", Shape::Texts),
];

const UPDATE_FIELDS: &[Field] = &[
    required("ids", Shape::Ids),
    optional("embeddings", Shape::Vectors),
    optional("documents", Shape::Texts),
    optional("metadatas", Shape::Metadatas),
    optional("uris", Shape::Texts),
];

const GET_FIELDS: &[Field] = &[
    optional("ids", Shape::Ids),
    optional("where", Shape::Where),
    optional("where_document", Shape::WhereDocument),
    optional("limit", Shape::Whole),
    optional("offset", Shape::Whole),
    optional("include", Shape::Include),
];

const QUERY_FIELDS: &[Field] = &[
    optional("ids", Shape::Ids),
    required("query_embeddings", Shape::Vectors),
    optional("n_results", Shape::Whole),
    optional("where", Shape::Where),
    optional("where_document", Shape::WhereDocument),
    optional("include", Shape::Include),
];

const DELETE_FIELDS: &[Field] = &[
    optional("ids", Shape::Ids),
    optional("where", Shape::Where),
    optional("where_document", Shape::WhereDocument),
    optional("limit", Shape::Nothing),
];

/// The fields of a route's requests.
pub(super) fn of(route: RouteId) -> &'static [Field] {
    match route {
        CREATE => CREATE_FIELDS,
        MODIFY => MODIFY_FIELDS,
        ADD | UPSERT => ADD_FIELDS,
        UPDATE => UPDATE_FIELDS,
        GET => GET_FIELDS,
        QUERY => QUERY_FIELDS,
        DELETE => DELETE_FIELDS,
        _ => &[],
    }
}

/// Checks every field of a body by the table. A field that is `null` is one that was left out.
pub(super) fn check(route: &Route, body: &Object) -> Result<(), Refusal> {
    let known = of(route.id);
    for (name, value) in body.iter() {
        let Some(field) = known.iter().find(|field| field.name == name) else {
            return Err(unknown(name, known.iter().map(|field| field.name)));
        };
        if !value.is_null() {
            field.check(value)?;
        }
    }
    let missing = known
        .iter()
        .find(|field| field.presence == Presence::Required && body.get(field.name).is_none_or(Value::is_null));
    match missing {
        Some(field) => Err(invalid(format!("The field `{}` is required.", field.name), field.name)),
        None => check_lengths(known, body),
    }
}

/// One entry of each list for each record: a list of another length would be read in another way by somebody.
fn check_lengths(known: &[Field], body: &Object) -> Result<(), Refusal> {
    let per_record = |field: &&Field| {
        let shape = matches!(field.shape, Shape::Ids | Shape::Texts | Shape::Metadatas | Shape::Vectors);
        shape && field.name != "query_embeddings"
    };
    let is_write = known.iter().any(|field| field.name == "ids" && field.presence == Presence::Required);
    let length = |name: &str| body.get(name).and_then(Value::as_array).map(<[Value]>::len);
    let (true, Some(records)) = (is_write, length("ids")) else { return Ok(()) };
    match known.iter().filter(per_record).find(|field| length(field.name).is_some_and(|other| other != records)) {
        Some(field) => {
            let message = format!("The fields `ids` and `{}` must be lists of one length.", field.name);
            Err(invalid(message, field.name))
        }
        None => Ok(()),
    }
}

impl Field {
    fn check(&self, value: &Value) -> Result<(), Refusal> {
        let fits = match self.shape {
            Shape::Name => value.as_str().is_some(),
            Shape::Ids => is_list(value, |item| item.as_str().is_some_and(|id| !id.is_empty())),
            Shape::Texts => is_list(value, |item| item.as_str().is_some() || item.is_null()),
            Shape::Metadatas => is_list(value, |item| item.is_null() || is_metadata(item)),
            Shape::Metadata => is_metadata(value),
            Shape::Vectors => is_list(value, is_vector) && value.as_array().is_some_and(|all| !all.is_empty()),
            Shape::Where => return filter::check_where(value, self.name),
            Shape::WhereDocument => return filter::check_where_document(value, self.name),
            Shape::Include => is_list(value, |item| {
                let known = ["documents", "metadatas", "uris", "distances", "embeddings"];
                item.as_str().is_some_and(|word| known.contains(&word))
            }),
            Shape::Whole => value.as_number().and_then(|number| number.as_u64()).is_some_and(|n| n <= MOST_COUNT),
            Shape::Flag => value.as_bool().is_some(),
            Shape::Configuration => is_configuration(value),
            Shape::Nothing => false,
        };
        if fits {
            Ok(())
        } else {
            Err(invalid(format!("The field `{}` must be {}.", self.name, self.wanted()), self.name))
        }
    }

    const fn wanted(&self) -> &'static str {
        match self.shape {
            Shape::Name => "the name of a collection",
            Shape::Ids => "a list of at most 1000 ids",
            Shape::Texts => "a list of at most 1000 texts",
            Shape::Metadatas => "a list of at most 1000 objects of texts, numbers, booleans or lists of these",
            Shape::Metadata => "an object of texts, numbers, booleans or lists of these",
            Shape::Vectors => "a list of 1 to 1000 vectors, each a list of numbers",
            Shape::Where | Shape::WhereDocument => "a condition",
            Shape::Include => "a list of documents, metadatas, uris, distances, embeddings",
            Shape::Whole => "a whole number of at most 2147483647",
            Shape::Flag => "true or false",
            Shape::Configuration => "the numbers of an index",
            Shape::Nothing => "null or left out: it cannot be said through this gateway",
        }
    }
}

/// Servers count with 32 bits.
const MOST_COUNT: u64 = 2_147_483_647;
/// More numbers than any model's vector has.
const MOST_DIMENSIONS: usize = 65_536;
/// More members than any record's metadata needs.
const MOST_MEMBERS: usize = 256;

fn is_list(value: &Value, item: impl Fn(&Value) -> bool) -> bool {
    value.as_array().is_some_and(|items| items.len() <= MOST_RECORDS && items.iter().all(item))
}

fn is_vector(value: &Value) -> bool {
    value.as_array().is_some_and(|numbers| {
        (1..=MOST_DIMENSIONS).contains(&numbers.len()) && numbers.iter().all(|number| number.as_number().is_some())
    })
}

/// A value that a record's metadata may have.
pub(super) fn is_scalar(value: &Value) -> bool {
    matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_))
}

fn is_metadata(value: &Value) -> bool {
    let member = |value: &Value| {
        value.is_null() || is_scalar(value) || value.as_array().is_some_and(|all| all.iter().all(is_scalar))
    };
    // What begins with a sign is the server's own word in conditions.
    let key = |key: &str| !key.is_empty() && !key.starts_with(['$', '#']);
    value.as_object().is_some_and(|object| {
        object.len() <= MOST_MEMBERS && object.iter().all(|(name, value)| key(name) && member(value))
    })
}

/// An index's numbers, by kind. A function that embeds texts belongs to the client; its configuration may hold a key,
/// so of it the server is told nothing but that the client has it.
fn is_configuration(value: &Value) -> bool {
    let index = |value: &Value| {
        value.is_null()
            || value.as_object().is_some_and(|object| {
                object.iter().all(|(key, value)| match (key, value) {
                    ("space", Value::String(space)) => matches!(space.as_str(), "l2" | "cosine" | "ip"),
                    (key, value) => is_plain(key) && (value.as_number().is_some() || value.is_null()),
                })
            })
    };
    value.as_object().is_some_and(|object| {
        object.iter().all(|(key, value)| match key {
            "hnsw" | "spann" => index(value),
            "embedding_function" => value.is_null() || value == &legacy(),
            _ => false,
        })
    })
}

/// What clients write where the function is one that they cannot describe.
fn legacy() -> Value {
    Object::from_iter([("type", "legacy")]).into()
}

fn is_plain(key: &str) -> bool {
    key.len() <= 64 && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}
