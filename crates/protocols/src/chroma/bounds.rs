//! How much of a dataset an answer may have, put into the request.

use gatewright_json::{Object, Value};
use gatewright_model::{Code, Refusal};

use super::filter::restrict;
use super::operation::{MOST_RECORDS, USUAL_RESULTS, vectors};
use super::{ADD, COUNT, DELETE, DESCRIBE, GET, MODIFY, QUERY, UPDATE, UPSERT};
use crate::faults::invalid;
use crate::{Bounds, Clause, Route, Vectors};

/// Moves a request into its bounds; gives what was moved, for the caller to know.
pub(super) fn bound(route: &Route, body: &mut Value, bounds: &Bounds) -> Result<Vec<String>, Refusal> {
    let mut moved = Vec::new();
    let Some(body) = body.as_object_mut() else { return Ok(moved) };
    // Where a role says how near neighbours may be asked for and not how many rows there may be, it means the same.
    let rows = bounds.rows.or(bounds.top_k).unwrap_or(MOST_RECORDS as u64).min(MOST_RECORDS as u64);
    match route.id {
        QUERY => {
            let each = rows / vectors(body).max(1);
            if each == 0 {
                let message = format!("You may be answered {rows} rows at most; the query has more vectors than that.");
                return Err(invalid(message, "query_embeddings"));
            }
            let most = bounds.top_k.unwrap_or(each).min(each);
            settle(body, "n_results", USUAL_RESULTS, most, &mut moved);
        }
        GET => settle(body, "limit", MOST_RECORDS as u64, rows, &mut moved),
        _ => {}
    }
    if bounds.vectors == Vectors::Withheld
        && let Some(include) = body.get_mut("include").and_then(Value::as_array_mut)
    {
        let before = include.len();
        include.retain(|word| word.as_str() != Some("embeddings"));
        if include.len() < before {
            moved.push("embeddings=0".to_owned());
        }
    }
    Ok(moved)
}

/// Sets a count that is left out or too large. A count that was left out is not told of unless it would have been larger.
fn settle(body: &mut Object, name: &str, usual: u64, most: u64, moved: &mut Vec<String>) {
    let stated = body.get(name).and_then(Value::as_number).and_then(|number| number.as_u64());
    if stated.unwrap_or(usual) > most {
        body.set(name, most);
        moved.push(format!("{name}={most}"));
    }
}

/// Puts the rows that a caller may reach into the request.
pub(super) fn keep_to(route: &Route, body: &mut Value, clauses: &[Clause]) -> Result<(), Refusal> {
    let Some(condition) = condition(clauses) else { return Ok(()) };
    match route.id {
        GET | QUERY | DELETE => {
            restrict(body, &condition);
            Ok(())
        }
        // What it is, not what is in it.
        DESCRIBE => Ok(()),
        ADD | UPSERT | UPDATE | COUNT | MODIFY => Err(not_by_rows()),
        // What asks for no dataset's rows, and what makes or ends a whole collection: the latter no filter can narrow.
        _ if route.operation == gatewright_model::Operation::ReadDataset => Ok(()),
        _ => Err(not_by_rows()),
    }
}

fn not_by_rows() -> Refusal {
    let message = "Your role reaches some rows of this dataset, and this call cannot be kept to them.";
    Refusal::new(Code::PermissionDenied, message)
}

/// The clauses as a condition on metadata: all of them must hold.
fn condition(clauses: &[Clause]) -> Option<Value> {
    let one = |clause: &Clause| -> Value {
        let value = match &clause.values[..] {
            [value] => value.clone(),
            values => Object::from_iter([("$in", Value::from(values.to_vec()))]).into(),
        };
        Object::from_iter([(clause.field.as_str(), value)]).into()
    };
    match clauses {
        [] => None,
        [clause] => Some(one(clause)),
        clauses => {
            let all: Vec<Value> = clauses.iter().map(one).collect();
            Some(Object::from_iter([("$and", Value::from(all))]).into())
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use gatewright_json::{Limits, parse, to_bytes};

    use super::super::ROUTES;
    use super::*;
    use crate::RouteId;

    fn route(id: RouteId) -> &'static Route {
        ROUTES.iter().find(|route| route.id == id).unwrap()
    }

    fn check(id: RouteId, bounds: &Bounds, body: &str, expected: Result<(&str, &str), Code>) {
        let mut body = parse(body.as_bytes(), &Limits::default()).unwrap();
        let outcome = bound(route(id), &mut body, bounds)
            .and_then(|moved| keep_to(route(id), &mut body, &bounds.filter).map(|()| moved.join(", ")))
            .map(|moved| (String::from_utf8(to_bytes(&body)).unwrap(), moved))
            .map_err(|refusal| refusal.code);
        assert_eq!(outcome, expected.map(|(body, moved)| (body.to_owned(), moved.to_owned())));
    }

    #[test]
    fn a_query_is_answered_what_the_role_may_have() {
        let five = Bounds { top_k: Some(5), ..Bounds::default() };
        check(QUERY, &five, r#"{"n_results":3}"#, Ok((r#"{"n_results":3}"#, "")));
        check(QUERY, &five, r#"{"n_results":50}"#, Ok((r#"{"n_results":5}"#, "n_results=5")));
        check(QUERY, &five, "{}", Ok((r#"{"n_results":5}"#, "n_results=5")));
        check(
            QUERY,
            &five,
            r#"{"query_embeddings":[[1],[2]]}"#,
            Ok((r#"{"query_embeddings":[[1],[2]],"n_results":2}"#, "n_results=2")),
        );
        let many = format!(r#"{{"query_embeddings":[{}[1]]}}"#, "[1],".repeat(5));
        check(QUERY, &five, &many, Err(Code::InvalidRequest));
        check(GET, &five, "{}", Ok((r#"{"limit":5}"#, "limit=5")));
        let rows = Bounds { top_k: Some(5), rows: Some(50), ..Bounds::default() };
        check(GET, &rows, r#"{"limit":99}"#, Ok((r#"{"limit":50}"#, "limit=50")));
        check(QUERY, &rows, r#"{"n_results":50}"#, Ok((r#"{"n_results":5}"#, "n_results=5")));
    }

    #[test]
    fn vectors_are_withheld() {
        let written = r#"{"limit":1,"include":["embeddings","documents"]}"#;
        let without = r#"{"limit":1,"include":["documents"]}"#;
        check(GET, &Bounds::default(), written, Ok((without, "embeddings=0")));
        let returned = Bounds { vectors: Vectors::Returned, ..Bounds::default() };
        check(GET, &returned, written, Ok((written, "")));
    }

    #[test]
    fn a_call_is_kept_to_rows_or_refused() {
        let clause = |field: &str, values: &[&str]| Clause {
            field: field.to_owned(),
            values: values.iter().map(|value| Value::from(*value)).collect(),
        };
        let sales = Bounds { filter: vec![clause("team", &["sales"])], ..Bounds::default() };
        check(DELETE, &sales, r#"{"ids":["a"]}"#, Ok((r#"{"ids":["a"],"where":{"team":"sales"}}"#, "")));
        for id in [ADD, UPSERT, UPDATE, COUNT, MODIFY, super::super::DROP, super::super::CREATE] {
            check(id, &sales, "{}", Err(Code::PermissionDenied));
        }
        check(DESCRIBE, &sales, "{}", Ok(("{}", "")));
        let two = Bounds { filter: vec![clause("team", &["a", "b"]), clause("year", &["x"])], ..Bounds::default() };
        let expected = r#"{"ids":["a"],"where":{"$and":[{"team":{"$in":["a","b"]}},{"year":"x"}]}}"#;
        check(DELETE, &two, r#"{"ids":["a"]}"#, Ok((expected, "")));
    }
}
