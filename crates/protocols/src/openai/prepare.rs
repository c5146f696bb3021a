use std::collections::HashMap;

use gatewright_json::{Number, Object, Value};
use gatewright_model::{Code, Quantity, Refusal, Setting, WhySet};

use super::fields::{self, Field, Shape};
use super::routes::{CHAT, EMBEDDINGS, MODERATIONS, RESPONSES};
use super::tables;
use crate::{BodyKind, Dialect, Route};

/// Makes an accepted body what goes upstream.
pub(super) fn prepare(
    route: &Route,
    body: &mut Value,
    upstream_model: &str,
    settings: &[Setting],
    dialect: &Dialect,
) -> Result<(), Refusal> {
    if let BodyKind::Query(_) = route.body {
        // It is part of the path.
        *body = Value::Null;
    }
    let Some(body) = body.as_object_mut() else { return Ok(()) };
    // `null` and left out mean the same, and what was decided was the one.
    body.retain(|_, value| !value.is_null());
    if !matches!(route.id, CHAT | EMBEDDINGS) {
        return prepare_other(route, body, upstream_model, settings);
    }
    body.set("model", upstream_model);
    let known: Vec<&'static Field> = match route.id {
        CHAT => fields::chat(*dialect).collect(),
        EMBEDDINGS => fields::embeddings().collect(),
        _ => Vec::new(),
    };
    for setting in settings {
        apply(body, setting, &known)?;
    }
    if route.id == CHAT {
        ask_for_usage(body);
        if let Some(messages) = body.get_mut("messages") {
            rename_calls(messages);
        }
    }
    Ok(())
}

/// A response, a moderation, or something about what is kept.
fn prepare_other(route: &Route, body: &mut Object, upstream: &str, settings: &[Setting]) -> Result<(), Refusal> {
    if !matches!(route.id, RESPONSES | MODERATIONS) {
        return Ok(());
    }
    body.set("model", upstream);
    for setting in settings {
        match tables::of(route.id).iter().find(|member| member.parameter() == Some(setting.parameter)) {
            Some(member) => body.set(member.name, Value::Number(number(setting.value)?)),
            None => cannot_set(setting)?,
        }
    }
    if body.get("stream").and_then(Value::as_bool) != Some(true) {
        body.remove("stream_options");
    }
    // An item's own id would be a way to what a server has kept of somebody else's.
    for item in body.get_mut("input").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(item) = item.as_object_mut() {
            item.remove("id");
        }
    }
    Ok(())
}

fn cannot_set(setting: &Setting) -> Result<(), Refusal> {
    match setting.why {
        // A default for a parameter that this operation does not have.
        WhySet::Default => Ok(()),
        WhySet::Clamped => {
            let message = format!("The parameter {} is beyond your role's range.", setting.parameter.name());
            Err(Refusal::new(Code::InvalidRequest, message).about(setting.parameter.name()))
        }
    }
}

/// vLLM's own field. A caller's is refused like any field that is not known, since it would be a way into another's cache.
pub(super) fn salt(route: &Route, body: &mut Value, dialect: &Dialect, salt: &dyn Fn() -> String) {
    if route.id == CHAT
        && *dialect == Dialect::Named(fields::VLLM)
        && let Some(body) = body.as_object_mut()
    {
        body.set("cache_salt", salt());
    }
}

fn apply(body: &mut Object, setting: &Setting, known: &[&'static Field]) -> Result<(), Refusal> {
    let mut candidates = known.iter().filter(|field| field.parameter == Some(setting.parameter));
    let stated = candidates.clone().find(|field| body.get(field.name).is_some());
    // Of the two names for the most tokens the older is set: every server obeys it or refuses, while the newer one is
    // quietly ignored by some, which would lift the limit.
    let Some(field) = stated.or_else(|| candidates.next()) else {
        return cannot_set(setting);
    };
    let value = match field.shape {
        Shape::Flag => Value::Bool(setting.value.floor_e6() > 0),
        _ => Value::Number(number(setting.value)?),
    };
    body.set(field.name, value);
    Ok(())
}

fn number(value: Quantity) -> Result<Number, Refusal> {
    Number::parse(&value.to_string())
        .map_err(|_| Refusal::new(Code::NotReady, "A parameter of your role is not a number."))
}

/// Streams end with token counts, so that budgets and records know them; the caller's own wish is kept in `Asked`.
fn ask_for_usage(body: &mut Object) {
    if body.get("stream").and_then(Value::as_bool) != Some(true) {
        body.remove("stream_options");
        return;
    }
    if body.get("stream_options").is_none() {
        body.set("stream_options", Object::new());
    }
    if let Some(options) = body.get_mut("stream_options").and_then(Value::as_object_mut) {
        options.retain(|_, value| !value.is_null());
        options.set("include_usage", true);
    }
}

/// Replaces the ids of tool calls by numbers in the order of their appearance. An id links a call to its result and
/// says nothing, so it need not carry text that would have to be searched; nine letters and digits suit every server.
fn rename_calls(messages: &mut Value) {
    let mut names: HashMap<String, usize> = HashMap::new();
    let mut rename = |id: Option<&mut Value>| {
        if let Some(Value::String(id)) = id {
            let next = names.len() + 1;
            let number = *names.entry(std::mem::take(id)).or_insert(next);
            *id = format!("call{number:05}");
        }
    };
    for message in messages.as_array_mut().into_iter().flatten() {
        for call in message.pointer_mut("/tool_calls").and_then(Value::as_array_mut).into_iter().flatten() {
            rename(call.pointer_mut("/id"));
        }
        rename(message.pointer_mut("/tool_call_id"));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use gatewright_model::Parameter;

    use super::*;

    #[test]
    fn a_salt_is_for_servers_that_have_one() {
        let of = |route: crate::RouteId, dialect: Dialect| {
            let route = super::super::ROUTES.iter().find(|one| one.id == route).unwrap();
            let mut body = Value::from(Object::new());
            salt(route, &mut body, &dialect, &|| "s".to_owned());
            body.get("cache_salt").and_then(Value::as_str).map(str::to_owned)
        };
        assert_eq!(of(CHAT, Dialect::Named(fields::VLLM)).as_deref(), Some("s"));
        assert_eq!(of(CHAT, Dialect::Vendor), None);
        assert_eq!(of(EMBEDDINGS, Dialect::Named(fields::VLLM)), None);
    }

    #[test]
    fn every_stated_parameter_can_be_set() {
        for field in fields::chat_in_any_dialect().chain(fields::embeddings()) {
            if field.parameter.is_some() {
                assert!(matches!(field.shape, Shape::Flag | Shape::Whole(..) | Shape::Number(..)), "{}", field.name);
            }
        }
        assert!(fields::embeddings().all(|field| field.parameter != Some(Parameter::MaxTokens)));
    }
}
