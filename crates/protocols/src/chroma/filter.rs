//! Conditions on metadata (`where`) and on documents (`where_document`).

use gatewright_json::{Object, Value};
use gatewright_model::{Channel, Refusal};

use super::fields::is_scalar;
use crate::faults::invalid;
use crate::{Place, Text};

/// How deep conditions may nest.
const DEEPEST: usize = 16;
/// The most conditions or values in one list.
const MOST: usize = 1000;

const COMPARISONS: [&str; 10] =
    ["$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$contains", "$not_contains"];
const ON_DOCUMENTS: [&str; 4] = ["$contains", "$not_contains", "$regex", "$not_regex"];

/// Checks a condition on metadata. An empty one is none.
pub(super) fn check_where(value: &Value, at: &'static str) -> Result<(), Refusal> {
    if is_empty(value) || is_where(value, 0) { Ok(()) } else { Err(refused(at)) }
}

/// Checks a condition on documents. An empty one is none.
pub(super) fn check_where_document(value: &Value, at: &'static str) -> Result<(), Refusal> {
    if is_empty(value) || is_where_document(value, 0) { Ok(()) } else { Err(refused(at)) }
}

fn refused(at: &'static str) -> Refusal {
    invalid(format!("The field `{at}` is no condition that is known here."), at)
}

/// Whether a condition asks for nothing.
pub(super) fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(Object::is_empty)
}

fn sole(value: &Value) -> Option<(&str, &Value)> {
    let object = value.as_object()?;
    let mut members = object.iter();
    members.next().filter(|_| members.next().is_none())
}

fn is_where(value: &Value, depth: usize) -> bool {
    match sole(value) {
        Some(("$and" | "$or", all)) => is_joined(all, depth, is_where),
        Some((key, value)) if !key.is_empty() && !key.starts_with(['$', '#']) => {
            is_scalar(value)
                || sole(value).is_some_and(|(comparison, value)| {
                    let list = |value: &Value| {
                        value.as_array().is_some_and(|all| all.len() <= MOST && all.iter().all(is_scalar))
                    };
                    match comparison {
                        "$in" | "$nin" => list(value),
                        _ => COMPARISONS.contains(&comparison) && is_scalar(value),
                    }
                })
        }
        Some(_) | None => false,
    }
}

fn is_where_document(value: &Value, depth: usize) -> bool {
    match sole(value) {
        Some(("$and" | "$or", all)) => is_joined(all, depth, is_where_document),
        Some((comparison, text)) => ON_DOCUMENTS.contains(&comparison) && text.as_str().is_some(),
        None => false,
    }
}

fn is_joined(all: &Value, depth: usize, each: fn(&Value, usize) -> bool) -> bool {
    depth < DEEPEST
        && all
            .as_array()
            .is_some_and(|all| (1..=MOST).contains(&all.len()) && all.iter().all(|one| each(one, depth + 1)))
}

/// Shows every text of a condition on metadata, as it would be shown in a record's metadata, so that what was masked
/// there is found by what is masked here.
pub(super) fn visit_where(value: &mut Value, channel: Channel, visit: &mut dyn FnMut(Text<'_>)) {
    let Some(object) = value.as_object_mut() else { return };
    object.edit(|key, value| match key.as_str() {
        "$and" | "$or" => {
            for one in value.as_array_mut().into_iter().flatten() {
                visit_where(one, channel, visit);
            }
        }
        _ => {
            let path = format!("$.{key}");
            visit(Text { channel, place: Place::Plain, text: key });
            visit_compared(value, &path, channel, visit);
        }
    });
}

fn visit_compared(value: &mut Value, path: &str, channel: Channel, visit: &mut dyn FnMut(Text<'_>)) {
    match value {
        Value::Object(comparison) => {
            for (_, value) in comparison.iter_mut() {
                visit_compared(value, path, channel, visit);
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|value| visit_compared(value, path, channel, visit)),
        Value::String(text) => visit(Text { channel, place: Place::Field(path), text }),
        Value::Number(number) => {
            let mut text = number.as_str().to_owned();
            visit(Text { channel, place: Place::Field(path), text: &mut text });
            if text != number.as_str() {
                *value = Value::String(text);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

/// Shows every text of a condition on documents.
pub(super) fn visit_where_document(value: &mut Value, channel: Channel, visit: &mut dyn FnMut(Text<'_>)) {
    let Some(object) = value.as_object_mut() else { return };
    for (_, value) in object.iter_mut() {
        match value {
            Value::Array(all) => all.iter_mut().for_each(|one| visit_where_document(one, channel, visit)),
            Value::String(text) => visit(Text { channel, place: Place::Plain, text }),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {}
        }
    }
}

/// Puts a condition of the gateway's own beside the caller's: both must hold.
pub(super) fn restrict(body: &mut Value, condition: &Value) {
    let Some(body) = body.as_object_mut() else { return };
    let own = body.remove("where").filter(|own| !is_empty(own));
    let both = match own {
        Some(own) => Object::from_iter([("$and", Value::from(vec![condition.clone(), own]))]).into(),
        None => condition.clone(),
    };
    body.set("where", both);
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use gatewright_json::{Limits, parse, to_bytes};

    use super::*;

    fn json(text: &str) -> Value {
        parse(text.as_bytes(), &Limits::default()).unwrap()
    }

    #[test]
    fn conditions_are_known_or_refused() {
        for good in [
            r#"{"a":1}"#,
            r#"{"a":{"$in":["x",2]}}"#,
            r#"{"$and":[{"a":{"$gte":1}},{"$or":[{"b":"x"},{"c":true}]}]}"#,
            "{}",
        ] {
            assert!(check_where(&json(good), "where").is_ok(), "{good}");
        }
        for bad in [
            r#"{"a":1,"b":2}"#,
            r#"{"a":{"$regex":"x"}}"#,
            r#"{"a":{"$eq":1,"$ne":2}}"#,
            r#"{"$not":{"a":1}}"#,
            r#"{"$and":[]}"#,
            r#"{"$and":[{}]}"#,
            r#"{"a":null}"#,
            r##"{"#document":"x"}"##,
            "[]",
        ] {
            assert!(check_where(&json(bad), "where").is_err(), "{bad}");
        }
        assert!(check_where_document(&json(r#"{"$or":[{"$contains":"a"},{"$regex":"b"}]}"#), "w").is_ok());
        assert!(check_where_document(&json(r#"{"$like":"a"}"#), "w").is_err());
        let deep = format!("{}{}{}", r#"{"$and":["#.repeat(20), r#"{"a":1}"#, "]}".repeat(20));
        assert!(check_where(&json(&deep), "where").is_err());
    }

    #[test]
    fn a_condition_of_the_gateways_own_cannot_be_got_rid_of() {
        for (written, expected) in [
            (r#"{}"#, r#"{"where":{"team":"sales"}}"#),
            (r#"{"where":null}"#, r#"{"where":{"team":"sales"}}"#),
            (r#"{"where":{}}"#, r#"{"where":{"team":"sales"}}"#),
            (
                r#"{"where":{"$or":[{"team":"hr"},{"a":1}]}}"#,
                r#"{"where":{"$and":[{"team":"sales"},{"$or":[{"team":"hr"},{"a":1}]}]}}"#,
            ),
        ] {
            let mut body = json(written);
            restrict(&mut body, &json(r#"{"team":"sales"}"#));
            assert_eq!(String::from_utf8(to_bytes(&body)).unwrap(), expected);
        }
    }
}
