use gatewright_json::{Object, Value};
use gatewright_model::{Code, Delivery, ModelName, Parameters, Refusal, RequestId, Terms};

use super::fields;
use super::filter::is_empty;
use super::place::{THE_DATABASE, THE_TENANT};
use super::{COUNT, CREATE, DELETE, DESCRIBE, DROP, GET, LIST, QUERY};
use crate::faults::invalid;
use crate::{Asked, BodyKind, DatasetKey, Reach, Route, UsageReport};

/// The most records of one call, in either direction where nobody says less.
pub(super) const MOST_RECORDS: usize = 1000;
/// How many rows a server answers where the caller does not say.
pub(super) const USUAL_RESULTS: u64 = 10;
/// The longest name of a collection, as servers have it.
const LONGEST_NAME: usize = 512;

/// Callers see one tenant and one database; every other name is one that nobody knows.
pub(super) fn check_namespace(ids: &[&str]) -> Result<(), Refusal> {
    let known = |place: usize, name: &str| ids.get(place).is_none_or(|id| *id == name);
    if known(0, THE_TENANT) && known(1, THE_DATABASE) {
        return Ok(());
    }
    Err(Refusal::new(Code::PermissionDenied, "There is no such tenant or database here for you."))
}

pub(super) fn dataset<'a>(route: &Route, ids: &[&'a str], body: &'a Value) -> Result<Option<DatasetKey<'a>>, Refusal> {
    check_namespace(ids)?;
    let named = |name: Option<&'a str>| match name {
        Some(name) if !name.is_empty() && name.len() <= LONGEST_NAME => Ok(Some(DatasetKey::Name(name))),
        Some(_) | None => Err(invalid("The field `name` must be the name of a collection.", "name")),
    };
    match (route.id, ids.get(2)) {
        (CREATE, _) => named(body.get("name").and_then(Value::as_str)),
        (DESCRIBE | DROP, Some(name)) => named(Some(name)),
        (_, Some(id)) => Ok(Some(DatasetKey::Id(id))),
        (_, None) => Ok(None),
    }
}

pub(super) fn read(route: &Route, ids: &[&str], body: &Value) -> Result<Terms, Refusal> {
    dataset(route, ids, body)?;
    match route.body {
        BodyKind::None | BodyKind::Form => {}
        BodyKind::Query(_) => check_query(route, body)?,
        BodyKind::Json => check_body(route, body)?,
    }
    Ok(Terms {
        operation: route.operation,
        model: None::<ModelName>,
        // Which of the configuration's datasets is meant is for the gateway to say.
        datasets: Vec::new(),
        parameters: Parameters::new(),
        delivery: Delivery::Whole,
    })
}

fn check_query(route: &Route, query: &Value) -> Result<(), Refusal> {
    if route.id == COUNT {
        return match query.get("read_level").map(Value::as_str) {
            // What servers do anyway, so it need not be sent.
            None | Some(Some("index_and_wal")) => Ok(()),
            Some(_) => Err(invalid("The parameter `read_level` must be index_and_wal.", "read_level")),
        };
    }
    for name in ["limit", "offset"] {
        if query.get(name).is_some() && count_of(query, name).is_none() {
            return Err(invalid(format!("The parameter `{name}` must be a whole number."), name));
        }
    }
    Ok(())
}

fn count_of(query: &Value, name: &str) -> Option<usize> {
    let text = query.get(name)?.as_str()?;
    let digits = (1..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

fn check_body(route: &Route, body: &Value) -> Result<(), Refusal> {
    let body: &Object = body
        .as_object()
        .ok_or_else(|| Refusal::new(Code::InvalidRequest, "The body must be a JSON object.").about("body"))?;
    fields::check(route, body)?;
    if route.id == DELETE {
        // Some server reads a deletion without a condition as one of everything.
        let unsaid = |name: &str| body.get(name).is_none_or(|value| is_empty(value) || value.as_array() == Some(&[]));
        if ["ids", "where", "where_document"].iter().all(|name| unsaid(name)) {
            return Err(invalid("A deletion needs `ids`, `where` or `where_document`.", "ids"));
        }
    }
    if route.id == QUERY && rows(route, body.get("n_results"), vectors(body)) > MOST_RECORDS as u64 {
        let message = format!("A query may ask for at most {MOST_RECORDS} rows, over all of its vectors.");
        return Err(invalid(message, "n_results"));
    }
    if route.id == GET && rows(route, body.get("limit"), 1) > MOST_RECORDS as u64 {
        return Err(invalid(format!("The field `limit` must be at most {MOST_RECORDS}."), "limit"));
    }
    Ok(())
}

/// How many vectors a query has.
pub(super) fn vectors(body: &Object) -> u64 {
    body.get("query_embeddings").and_then(Value::as_array).map_or(1, |all| all.len() as u64)
}

/// How many rows the answer would have.
fn rows(route: &Route, stated: Option<&Value>, vectors: u64) -> u64 {
    let stated = stated.and_then(Value::as_number).and_then(|number| number.as_u64());
    match route.id {
        QUERY => stated.unwrap_or(USUAL_RESULTS).saturating_mul(vectors),
        _ => stated.unwrap_or(MOST_RECORDS as u64),
    }
}

pub(super) fn asked(route: &Route, body: &Value, public: &str, request: RequestId) -> Asked {
    let rows = match (route.id, body.as_object()) {
        (QUERY, Some(body)) => rows(route, body.get("n_results"), vectors(body)),
        (GET, Some(body)) => rows(route, body.get("limit"), 1),
        _ => 0,
    };
    let page = |name| if route.id == LIST { count_of(body, name) } else { None };
    Asked {
        request,
        model: public.to_owned(),
        usage: UsageReport::Kept,
        tools: Vec::new(),
        inputs: 0,
        reach: Reach { datasets: Vec::new(), rows, offset: page("offset").unwrap_or(0), limit: page("limit") },
    }
}
