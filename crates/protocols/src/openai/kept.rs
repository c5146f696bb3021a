//! What requests do with things that the server keeps, and what of it may be a dataset.

use gatewright_json::{Limits, Object, Value, parse};
use gatewright_model::{Code, Refusal, StoredKind};

use super::routes::*;
use super::{shape, tables};
use crate::faults::invalid;
use crate::sse::{Events, Found};
use crate::stored::{Naming, Stored, StoredEffect, is_id, no_such_thing};
use crate::{BodyKind, Fault, Reaching, Route};

/// The place of searching the web.
const WEB_SEARCH: &str = "web_search";
/// The place of running code.
const CODE_INTERPRETER: &str = "code_interpreter";

/// The place of what a server reaches by itself, as a header declares it.
const DECLARED: &str = "declared";

/// The longest description of a thing, and the longest first event of a stream.
const LONGEST_DESCRIPTION: usize = 8 << 20;

/// What the first id of a route's path is, where it is one of the caller's own.
fn path_kind(route: &Route) -> Option<StoredKind> {
    match route.id {
        RESPONSE | DELETE_RESPONSE | CANCEL_RESPONSE | RESPONSE_ITEMS => Some(StoredKind::Response),
        CONVERSATION
        | CHANGE_CONVERSATION
        | DELETE_CONVERSATION
        | ADD_CONVERSATION_ITEMS
        | CONVERSATION_ITEMS
        | CONVERSATION_ITEM
        | DELETE_CONVERSATION_ITEM => Some(StoredKind::Conversation),
        FILE | DELETE_FILE | FILE_CONTENT => Some(StoredKind::File),
        BATCH | CANCEL_BATCH => Some(StoredKind::Batch),
        _ => None,
    }
}

/// Whether the first id of a route's path is a vector store, which may be declared as a dataset.
pub(super) fn is_about_store(route: &Route) -> bool {
    route.path.starts_with("/v1/vector_stores/{id}")
}

fn effect(route: &Route, body: &Value) -> StoredEffect {
    match route.id {
        // What is not to be stored is nobody's, and its id opens nothing.
        RESPONSES if body.get("store").and_then(Value::as_bool) == Some(false) => StoredEffect::Uses,
        RESPONSES | CREATE_CONVERSATION | UPLOAD_FILE | CREATE_BATCH | CREATE_STORE => StoredEffect::Makes,
        // A batch's results are made long after the batch.
        BATCH | CANCEL_BATCH => StoredEffect::Makes,
        DELETE_RESPONSE | DELETE_CONVERSATION | DELETE_FILE | DELETE_STORE => StoredEffect::Ends,
        LIST_FILES => StoredEffect::Lists(StoredKind::File),
        LIST_BATCHES => StoredEffect::Lists(StoredKind::Batch),
        LIST_STORES => StoredEffect::Lists(StoredKind::VectorStore),
        _ => StoredEffect::Uses,
    }
}

pub(super) fn stored<'a>(route: &Route, ids: &[&'a str], body: &'a Value) -> Result<Stored<'a>, Refusal> {
    // What could not be a server's id is nobody's.
    let models = matches!(route.id, LIST_MODELS | DESCRIBE_MODEL);
    if !models && !ids.iter().all(|id| is_id(id)) {
        return Err(no_such_thing());
    }
    let mut named = Vec::new();
    if let (Some(kind), Some(id)) = (path_kind(route), ids.first()) {
        named.push(Naming { kind, id, param: "id" });
    }
    if let Some(object) = body.as_object() {
        shape::named(tables::of(route.id), object, &mut named);
    }
    let effect = effect(route, body);
    if let (StoredEffect::Lists(kind), Some(after)) = (effect, body.get("after").and_then(Value::as_str)) {
        named.push(Naming { kind, id: after, param: "after" });
    }
    if named.iter().any(|naming| !is_id(naming.id)) {
        return Err(no_such_thing());
    }
    Ok(Stored { named, effect })
}

pub(super) fn reaching<'a>(route: &Route, ids: &[&'a str], body: &'a Value) -> Result<Vec<Reaching<'a>>, Refusal> {
    if is_about_store(route) {
        let own = Some(StoredKind::VectorStore);
        return Ok(ids.iter().take(1).map(|place| Reaching { place, own, param: "vector_store_id".into() }).collect());
    }
    let mut found = Vec::new();
    if route.id == RESPONSES {
        let tools = body.get("tools").and_then(Value::as_array).unwrap_or_default();
        for (index, tool) in tools.iter().enumerate() {
            tool_reaching(tool, &format!("tools[{index}]"), &mut found)?;
        }
    }
    Ok(found)
}

fn tool_reaching<'a>(tool: &'a Value, at: &str, found: &mut Vec<Reaching<'a>>) -> Result<(), Refusal> {
    let text = |name: &str| tool.get(name).and_then(Value::as_str);
    let mut reaches = |place, own, param: String| found.push(Reaching { place, own, param: param.into() });
    match text("type") {
        Some("file_search") => {
            let ids = tool.get("vector_store_ids").and_then(Value::as_array).unwrap_or_default();
            if ids.is_empty() {
                let at = format!("{at}.vector_store_ids");
                return Err(invalid(format!("The field `{at}` must name a vector store."), &at));
            }
            for id in ids.iter().filter_map(Value::as_str) {
                reaches(id, Some(StoredKind::VectorStore), format!("{at}.vector_store_ids"));
            }
        }
        Some("web_search" | "web_search_preview") => reaches(WEB_SEARCH, None, format!("{at}.type")),
        Some("code_interpreter") => reaches(CODE_INTERPRETER, None, format!("{at}.type")),
        Some("mcp") => match (text("server_url"), text("connector_id")) {
            (Some(place), None) | (None, Some(place)) => reaches(place, None, format!("{at}.server_url")),
            _ => {
                let at = format!("{at}.server_url");
                return Err(invalid(format!("Either `{at}` or a connector must be named."), &at));
            }
        },
        _ => {}
    }
    Ok(())
}

/// Whether a dataset can lie at this place.
pub(super) fn is_place(place: &str) -> bool {
    let url = |rest: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/@%".contains(&byte);
        !rest.is_empty() && rest.len() <= 512 && rest.bytes().all(plain)
    };
    match place.split_once("://") {
        Some(("https" | "http", rest)) => url(rest),
        Some(_) => false,
        None => {
            let known = [WEB_SEARCH, CODE_INTERPRETER, DECLARED].contains(&place);
            known || (place.starts_with("vs_") || place.starts_with("connector_")) && is_id(place)
        }
    }
}

/// What a configuration may write as a place.
pub(super) const PLACES: &str = "a dataset of this protocol is a vector store's id (vs_…), web_search, code_interpreter, declared, a connector_… or the URL of a tool server";

/// Checks the query of a list.
pub(super) fn check_query(route: &Route, query: &Value) -> Result<(), Refusal> {
    let BodyKind::Query(_) = route.body else { return Ok(()) };
    let text = |name: &str| query.get(name).and_then(Value::as_str);
    let limit = |text: &str| text.len() <= 3 && text.parse().is_ok_and(|limit: u32| (1..=100).contains(&limit));
    if text("limit").is_some_and(|text| !limit(text)) {
        return Err(invalid("The parameter `limit` must be a whole number from 1 to 100.", "limit"));
    }
    if text("order").is_some_and(|order| !matches!(order, "asc" | "desc")) {
        return Err(invalid("The parameter `order` must be asc or desc.", "order"));
    }
    for name in ["after", "before"] {
        if text(name).is_some_and(|id| !is_id(id)) {
            return Err(no_such_thing());
        }
    }
    Ok(())
}

/// The query as it is sent. Lists of the caller's own things are made by the gateway, and send none.
pub(super) fn query(route: &Route, body: &Value) -> String {
    match (route.body, body.as_object()) {
        (BodyKind::Query(_), Some(query)) => {
            let pair = |(name, value): (&str, &Value)| value.as_str().map(|value| format!("{name}={value}"));
            query.iter().filter_map(pair).collect::<Vec<_>>().join("&")
        }
        _ => String::new(),
    }
}

fn parsed(answer: &[u8]) -> Result<Value, Fault> {
    let limits = Limits { bytes: LONGEST_DESCRIPTION.max(answer.len()), values: 4_000_000, ..Limits::default() };
    parse(answer, &limits).map_err(|_| Fault::Malformed)
}

/// The things that an answer says are the caller's.
pub(super) fn made(route: &Route, answer: &[u8]) -> Result<Vec<(StoredKind, String)>, Fault> {
    let value = parsed(answer)?;
    if value.get("error").is_some_and(|error| !error.is_null()) && route.id != RESPONSES {
        return Err(Fault::Reported);
    }
    match route.id {
        RESPONSES => one(StoredKind::Response, &value),
        CREATE_CONVERSATION => one(StoredKind::Conversation, &value),
        UPLOAD_FILE => one(StoredKind::File, &value),
        CREATE_STORE => one(StoredKind::VectorStore, &value),
        CREATE_BATCH | BATCH | CANCEL_BATCH => batch(&value),
        LIST_BATCHES => {
            let mut all = Vec::new();
            for value in value.get("data").and_then(Value::as_array).ok_or(Fault::Malformed)? {
                all.append(&mut batch(value)?);
            }
            Ok(all)
        }
        _ => Ok(Vec::new()),
    }
}

fn one(kind: StoredKind, value: &Value) -> Result<Vec<(StoredKind, String)>, Fault> {
    match value.get("id").and_then(Value::as_str) {
        Some(id) if is_id(id) => Ok(vec![(kind, id.to_owned())]),
        Some(_) | None => Err(Fault::Malformed),
    }
}

fn batch(value: &Value) -> Result<Vec<(StoredKind, String)>, Fault> {
    let mut made = one(StoredKind::Batch, value)?;
    for name in ["output_file_id", "error_file_id"] {
        match value.get(name) {
            None | Some(Value::Null) => {}
            Some(Value::String(id)) if is_id(id) => made.push((StoredKind::File, id.clone())),
            Some(_) => return Err(Fault::Malformed),
        }
    }
    Ok(made)
}

/// The response that a stream begins with; `None` until its first event is whole.
pub(super) fn made_in_stream(answer: &[u8]) -> Result<Option<Vec<(StoredKind, String)>>, Fault> {
    let mut events = Events::new(LONGEST_DESCRIPTION);
    let mut rest = answer;
    while !rest.is_empty() {
        let (used, found) = events.read(rest).map_err(|_| Fault::TooLarge)?;
        rest = &rest[used..];
        if found == Found::Event && !events.data().is_empty() {
            let event = parsed(events.data())?;
            if matches!(event.get("type").and_then(Value::as_str), Some("error")) {
                return Err(Fault::Reported);
            }
            return one(StoredKind::Response, event.get("response").ok_or(Fault::Malformed)?).map(Some);
        }
    }
    Ok(None)
}

pub(super) fn stored_path(kind: StoredKind, id: &str) -> Option<String> {
    let folder = match kind {
        StoredKind::File => "files",
        StoredKind::Batch => "batches",
        StoredKind::Response => "responses",
        StoredKind::Conversation => "conversations",
        StoredKind::VectorStore => "vector_stores",
    };
    is_id(id).then(|| format!("/v1/{folder}/{id}"))
}

/// The path of a request at the server.
pub(super) fn path(route: &Route, ids: &[&str]) -> String {
    ids.iter().fold(route.path.to_owned(), |path, id| path.replacen("{id}", id, 1))
}

/// How many results are asked for where nobody says.
const USUAL_RESULTS: u64 = 10;

/// Every search that a body asks for, to be moved into bounds.
fn searches<'v>(route: &Route, body: &'v mut Value) -> Vec<&'v mut Object> {
    match route.id {
        SEARCH_STORE => body.as_object_mut().into_iter().collect(),
        RESPONSES => {
            let tools = body.pointer_mut("/tools").and_then(Value::as_array_mut).into_iter().flatten();
            let is_search = |tool: &&mut Value| tool.get("type").and_then(Value::as_str) == Some("file_search");
            tools.filter(is_search).filter_map(Value::as_object_mut).collect()
        }
        _ => Vec::new(),
    }
}

/// Moves searches into their bounds; gives what was moved.
pub(super) fn bound(route: &Route, body: &mut Value, bounds: &crate::Bounds) -> Vec<String> {
    let mut moved = Vec::new();
    let most = [bounds.top_k, bounds.rows].into_iter().flatten().min().unwrap_or(tables::MOST_RESULTS);
    for search in searches(route, body) {
        let stated = search.get("max_num_results").and_then(Value::as_number).and_then(|number| number.as_u64());
        let wanted = stated.unwrap_or(USUAL_RESULTS);
        search.set("max_num_results", wanted.min(most).max(1));
        if wanted > most {
            moved.push(format!("max_num_results={most}"));
        }
    }
    moved
}

/// Keeps searches to the rows that their caller may reach.
pub(super) fn keep_to(route: &Route, body: &mut Value, rows: &[crate::Clause]) -> Result<(), Refusal> {
    let by_rows = |tool: &Value| matches!(tool.get("type").and_then(Value::as_str), Some("file_search" | "function"));
    let tools = body.get("tools").and_then(Value::as_array).unwrap_or_default();
    let known = matches!(route.id, SEARCH_STORE | RESPONSES | STORE);
    if !rows.is_empty() && (!known || !tools.iter().all(by_rows)) {
        let message = "Your role reaches some rows of this dataset, and this call cannot be kept to them.";
        return Err(Refusal::new(Code::PermissionDenied, message));
    }
    for search in searches(route, body) {
        let own = search.get("filters").filter(|filter| !filter.is_null()).cloned();
        let filters: Vec<Value> = rows.iter().map(condition).chain(own).collect();
        search.set("filters", Object::from_iter([("type", Value::from("and")), ("filters", filters.into())]));
    }
    Ok(())
}

fn condition(clause: &crate::Clause) -> Value {
    let (kind, value) = match &clause.values[..] {
        [value] => ("eq", value.clone()),
        values => ("in", values.to_vec().into()),
    };
    Object::from_iter([("type", Value::from(kind)), ("key", clause.field.as_str().into()), ("value", value)]).into()
}
