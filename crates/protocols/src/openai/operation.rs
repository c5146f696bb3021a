use gatewright_json::{Object, Value};
use gatewright_model::{Code, Delivery, ModelName, Parameter, Parameters, Quantity, Refusal, RequestId, Terms};

use super::fields::{self, Field};
use super::routes::{CHAT, DESCRIBE_MODEL, EMBEDDINGS, MODERATIONS, RESPONSES, UPLOAD_FILE};
use super::{kept, messages, shape, tables, tools};
pub(super) use crate::faults::{invalid, unknown};
use crate::{Asked, BodyKind, Dialect, Reach, Route, UsageReport};

/// Longer names are no model's.
const LONGEST_NAME: usize = 256;
/// OpenAI's own limit; more texts than that are several requests.
const MOST_INPUTS: usize = 2048;

pub(super) fn model(route: &Route, ids: &[&str], body: &Value) -> Result<Option<ModelName>, Refusal> {
    let name = match route.id {
        CHAT | EMBEDDINGS | MODERATIONS | RESPONSES => match object(body)?.get("model") {
            Some(Value::String(name)) => name.as_str(),
            Some(_) => return Err(invalid("The field `model` must be a string.", "model")),
            None => return Err(invalid("The field `model` is required.", "model")),
        },
        DESCRIBE_MODEL => ids.first().copied().unwrap_or_default(),
        _ => return Ok(None),
    };
    if name.is_empty() || name.len() > LONGEST_NAME {
        return Err(invalid("The field `model` must be the name of a model.", "model"));
    }
    Ok(Some(ModelName::new(name)))
}

pub(super) fn read(route: &Route, ids: &[&str], body: &Value, dialect: &Dialect) -> Result<Terms, Refusal> {
    let mut terms = Terms {
        operation: route.operation,
        model: model(route, ids, body)?,
        datasets: Vec::new(),
        parameters: Parameters::new(),
        delivery: Delivery::Whole,
    };
    match route.id {
        CHAT => read_chat(object(body)?, *dialect, &mut terms)?,
        EMBEDDINGS => read_embeddings(object(body)?, &mut terms)?,
        // Read when its form was.
        UPLOAD_FILE => {}
        _ => read_other(route, body, &mut terms)?,
    }
    Ok(terms)
}

pub(super) fn asked(route: &Route, body: &Value, public_model: &str, request: RequestId) -> Asked {
    let usage = body.pointer("/stream_options/include_usage").and_then(Value::as_bool);
    let inputs = match (route.id, body.get("input")) {
        (EMBEDDINGS, Some(Value::Array(items))) => items.len(),
        (EMBEDDINGS, Some(_)) => 1,
        _ => 0,
    };
    Asked {
        request,
        model: public_model.to_owned(),
        usage: if usage == Some(true) { UsageReport::Told } else { UsageReport::Kept },
        tools: tools::names(body),
        inputs,
        reach: Reach::default(),
    }
}

fn object(body: &Value) -> Result<&Object, Refusal> {
    body.as_object().ok_or_else(|| Refusal::new(Code::InvalidRequest, "The body must be a JSON object.").about("body"))
}

fn read_chat(body: &Object, dialect: Dialect, terms: &mut Terms) -> Result<(), Refusal> {
    read_fields(body, || fields::chat(dialect), terms)?;
    messages::check(body.get("messages"))?;
    tools::check(body)?;
    check_options(body)?;
    if let Some(count) = tools::count(body) {
        state_count(Parameter::Tools, count, terms);
    }
    if body.get("stream").and_then(Value::as_bool) == Some(true) {
        terms.delivery = Delivery::Stream;
    }
    Ok(())
}

fn read_other(route: &Route, body: &Value, terms: &mut Terms) -> Result<(), Refusal> {
    match route.body {
        BodyKind::None | BodyKind::Form => return Ok(()),
        BodyKind::Query(_) => return kept::check_query(route, body),
        BodyKind::Json => shape::read(tables::of(route.id), object(body)?, terms)?,
    }
    let length = |name: &str| body.get(name).and_then(Value::as_array).map(<[Value]>::len);
    match route.id {
        MODERATIONS => state_count(Parameter::Inputs, length("input").unwrap_or(1), terms),
        RESPONSES => {
            if let Some(count) = length("tools") {
                state_count(Parameter::Tools, count, terms);
            }
            if body.get("stream").and_then(Value::as_bool) == Some(true) {
                terms.delivery = Delivery::Stream;
            }
            if body.get("background").and_then(Value::as_bool) == Some(true) && terms.delivery == Delivery::Stream {
                return Err(invalid("A response in the background is fetched, not streamed.", "background"));
            }
        }
        _ => {}
    }
    Ok(())
}

fn read_embeddings(body: &Object, terms: &mut Terms) -> Result<(), Refusal> {
    read_fields(body, fields::embeddings, terms)?;
    let count = match body.get("input") {
        Some(Value::String(_)) => 1,
        Some(Value::Array(items)) if items.is_empty() || items.len() > MOST_INPUTS => {
            return Err(invalid(format!("The field `input` must have 1 to {MOST_INPUTS} texts."), "input"));
        }
        Some(Value::Array(items)) if items.iter().all(|item| item.as_str().is_some()) => items.len(),
        // Token ids are text that nobody here can search.
        Some(Value::Array(items)) if items.iter().all(is_token_ids) => {
            let message = "The field `input` must be text: token ids cannot be inspected.";
            return Err(Refusal::new(Code::UnsupportedMedia, message).about("input"));
        }
        _ => return Err(invalid("The field `input` must be a string or a list of strings.", "input")),
    };
    state_count(Parameter::Inputs, count, terms);
    Ok(())
}

fn is_token_ids(item: &Value) -> bool {
    match item {
        Value::Number(_) => true,
        Value::Array(ids) => ids.iter().all(|id| id.as_number().is_some()),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Object(_) => false,
    }
}

fn state_count(parameter: Parameter, count: usize, terms: &mut Terms) {
    if let Some(quantity) = i64::try_from(count).ok().and_then(Quantity::whole) {
        terms.parameters.set(parameter, quantity);
    }
}

/// Reads every top-level field by the table. A field that is `null` is one that was left out.
fn read_fields<I>(body: &Object, known: impl Fn() -> I, terms: &mut Terms) -> Result<(), Refusal>
where
    I: Iterator<Item = &'static Field>,
{
    let mut stated: Vec<(Parameter, &'static str)> = Vec::new();
    for (name, value) in body.iter() {
        let Some(field) = known().find(|field| field.name == name) else {
            return Err(unknown(name, known().map(|field| field.name)));
        };
        if value.is_null() {
            continue;
        }
        let quantity = field.check(value)?;
        if let (Some(parameter), Some(quantity)) = (field.parameter, quantity) {
            if let Some((_, other)) = stated.iter().find(|(earlier, _)| *earlier == parameter) {
                let message = format!("The fields `{other}` and `{name}` mean the same thing; say it once.");
                return Err(Refusal::new(Code::AmbiguousRequest, message).about(field.name));
            }
            stated.push((parameter, field.name));
            terms.parameters.set(parameter, quantity);
        }
    }
    Ok(())
}

fn check_options(body: &Object) -> Result<(), Refusal> {
    if let Some(options) = body.get("stream_options").filter(|options| !options.is_null()) {
        let Some(options) = options.as_object() else {
            return Err(invalid("The field `stream_options` must be an object.", "stream_options"));
        };
        for (name, value) in options.iter() {
            if !matches!(name, "include_usage" | "include_obfuscation") {
                return Err(unknown(name, ["include_usage", "include_obfuscation"].into_iter()));
            }
            if !value.is_null() && value.as_bool().is_none() {
                return Err(invalid("The fields of `stream_options` must be true or false.", "stream_options"));
            }
        }
    }
    // Sound is an answer that cannot be searched.
    if let Some(modalities) = body.get("modalities").filter(|modalities| !modalities.is_null()) {
        let text_alone = modalities.as_array().is_some_and(|all| all.iter().all(|one| one.as_str() == Some("text")));
        if !text_alone {
            let message = "The field `modalities` must be [\"text\"]: other answers cannot be inspected.";
            return Err(Refusal::new(Code::UnsupportedMedia, message).about("modalities"));
        }
    }
    Ok(())
}
