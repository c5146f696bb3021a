use gatewright_json::Value;

use super::filter::is_empty;
use super::operation::MOST_RECORDS;
use super::{CREATE, GET, QUERY, place};
use crate::{BodyKind, Route};

/// Makes an accepted body what goes to the server.
pub(super) fn prepare(route: &Route, body: &mut Value, upstream: &str) {
    if route.body != BodyKind::Json {
        // What stood in a query was the gateway's to read.
        *body = Value::Null;
        return;
    }
    let Some(body) = body.as_object_mut() else { return };
    body.retain(|name, value| match name {
        "where" | "where_document" => !is_empty(value),
        _ => !value.is_null(),
    });
    match route.id {
        CREATE => body.set("name", place::name(upstream)),
        // Left out, servers take the one for ten and the other for all that there is.
        GET if body.get("limit").is_none() => body.set("limit", MOST_RECORDS as u64),
        QUERY if body.get("n_results").is_none() => body.set("n_results", 10_u64),
        _ => {}
    }
}
