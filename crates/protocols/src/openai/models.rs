use gatewright_json::{Limits, Object, Value, parse, to_bytes};
use gatewright_model::{Code, Refusal};

use super::routes::DESCRIBE_MODEL;
use crate::{Fault, Route};

fn described(name: &str) -> Value {
    Object::from_iter([
        ("id", Value::from(name)),
        ("object", "model".into()),
        ("created", 0_u64.into()),
        ("owned_by", "gatewright".into()),
    ])
    .into()
}

/// The list of models, or the description of one.
pub(super) fn answer(route: &Route, ids: &[&str], names: &[&str]) -> Result<Vec<u8>, Refusal> {
    if route.id == DESCRIBE_MODEL {
        return match ids.first() {
            Some(asked) if names.contains(asked) => Ok(to_bytes(&described(asked))),
            // An unknown and a forbidden model look exactly alike.
            Some(_) | None => Err(Refusal::new(Code::PermissionDenied, "You may not use this model.").about("model")),
        };
    }
    let data: Vec<Value> = names.iter().map(|name| described(name)).collect();
    Ok(to_bytes(&Object::from_iter([("object", Value::from("list")), ("data", data.into())]).into()))
}

/// The names in a model server's own list, without repetition, at most a thousand.
pub(super) fn discovered(body: &[u8]) -> Result<Vec<String>, Fault> {
    let limits = Limits { bytes: 4 << 20, ..Limits::default() };
    let value = parse(body, &limits).map_err(|_| Fault::Malformed)?;
    let data = value.get("data").and_then(Value::as_array).ok_or(Fault::Malformed)?;
    let mut names: Vec<String> = Vec::new();
    for id in data.iter().filter_map(|model| model.get("id")?.as_str()).take(1000) {
        if !id.is_empty() && id.len() <= 256 && !names.iter().any(|name| name == id) {
            names.push(id.to_owned());
        }
    }
    Ok(names)
}
