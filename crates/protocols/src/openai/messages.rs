use gatewright_json::{Object, Value};
use gatewright_model::{ChannelKind, Code, Refusal};

use super::operation::{invalid, unknown};

/// The fields of a message, by its role.
const ROLES: &[(&str, ChannelKind, &[&str])] = &[
    ("system", ChannelKind::System, &["role", "content", "name"]),
    ("developer", ChannelKind::System, &["role", "content", "name"]),
    ("user", ChannelKind::User, &["role", "content", "name"]),
    (
        "assistant",
        ChannelKind::Assistant,
        &[
            "role",
            "content",
            "name",
            "refusal",
            "reasoning",
            "reasoning_content",
            "tool_calls",
            "function_call",
            "annotations",
            "audio",
        ],
    ),
    ("tool", ChannelKind::ToolResult, &["role", "content", "name", "tool_call_id"]),
    ("function", ChannelKind::ToolResult, &["role", "content", "name"]),
];

/// What kind of text the messages of a role carry.
pub(super) fn kind_of(role: Option<&str>) -> ChannelKind {
    ROLES.iter().find(|(name, ..)| Some(*name) == role).map_or(ChannelKind::Other, |(_, kind, _)| *kind)
}

/// Checks the conversation: everything in it is text, in a place that is searched.
pub(super) fn check(messages: Option<&Value>) -> Result<(), Refusal> {
    let Some(messages) = messages.and_then(Value::as_array).filter(|messages| !messages.is_empty()) else {
        return Err(invalid("The field `messages` must be a list with at least one message.", "messages"));
    };
    messages.iter().enumerate().try_for_each(|(index, message)| check_message(message, &format!("messages[{index}]")))
}

fn check_message(message: &Value, at: &str) -> Result<(), Refusal> {
    let Some(message) = message.as_object() else {
        return Err(invalid(format!("`{at}` must be an object."), at));
    };
    let role = message.get("role").and_then(Value::as_str);
    let Some((role, _, known)) = ROLES.iter().find(|(name, ..)| Some(*name) == role) else {
        return Err(invalid(format!("`{at}.role` must be one that chat completions know."), &format!("{at}.role")));
    };
    for (name, value) in message.iter() {
        if !known.contains(&name) {
            return Err(unknown(name, known.iter().copied()));
        }
        check_member(name, value, role, at)?;
    }
    let optional = *role == "assistant" || *role == "function";
    if !optional && message.get("content").is_none_or(Value::is_null) {
        return Err(invalid(format!("`{at}.content` is required."), &format!("{at}.content")));
    }
    Ok(())
}

fn check_member(name: &str, value: &Value, role: &str, at: &str) -> Result<(), Refusal> {
    let at = format!("{at}.{name}");
    match (name, value) {
        ("role", _) | (_, Value::Null) => Ok(()),
        ("content", _) => check_content(value, role, &at),
        ("tool_calls", Value::Array(calls)) => {
            calls.iter().enumerate().try_for_each(|(index, call)| check_call(call, &format!("{at}[{index}]")))
        }
        ("function_call", Value::Object(call)) => check_function(call, &at),
        // What SDKs send back of an answer that had none.
        ("annotations", Value::Array(all)) if all.is_empty() => Ok(()),
        ("annotations", _) => {
            Err(Refusal::new(Code::UnsupportedField, format!("`{at}` must be empty or left out.")).about(at))
        }
        ("audio", _) => Err(uninspectable(&at)),
        ("tool_calls" | "function_call", _) => Err(invalid(format!("`{at}` is of another shape."), &at)),
        (_, Value::String(_)) => Ok(()),
        _ => Err(invalid(format!("`{at}` must be a string."), &at)),
    }
}

fn uninspectable(at: &str) -> Refusal {
    Refusal::new(Code::UnsupportedMedia, format!("`{at}` must be text: anything else cannot be inspected.")).about(at)
}

/// Checks a text, or a list of parts that are text.
pub(super) fn check_content(content: &Value, role: &str, at: &str) -> Result<(), Refusal> {
    let parts = match content {
        Value::String(_) => return Ok(()),
        Value::Array(parts) => parts,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            return Err(invalid(format!("`{at}` must be a string or a list of parts."), at));
        }
    };
    for (index, part) in parts.iter().enumerate() {
        let at = format!("{at}[{index}]");
        let Some(part) = part.as_object() else {
            return Err(invalid(format!("`{at}` must be an object."), &at));
        };
        let field = match part.get("type").and_then(Value::as_str) {
            Some("text") => "text",
            Some("refusal") if role == "assistant" => "refusal",
            _ => return Err(uninspectable(&at)),
        };
        if let Some((name, _)) = part.iter().find(|(name, _)| *name != "type" && *name != field) {
            return Err(unknown(name, ["type", field].into_iter()));
        }
        if part.get(field).and_then(Value::as_str).is_none() {
            return Err(invalid(format!("`{at}.{field}` must be a string."), &at));
        }
    }
    Ok(())
}

fn check_call(call: &Value, at: &str) -> Result<(), Refusal> {
    let Some(call) = call.as_object() else {
        return Err(invalid(format!("`{at}` must be an object."), at));
    };
    for (name, value) in call.iter() {
        match (name, value) {
            ("id", Value::String(_)) => {}
            // A longer number could be somebody's.
            ("index", Value::Number(index)) if index.as_u64().is_some_and(|index| index < 1000) => {}
            ("type", Value::String(kind)) if kind == "function" => {}
            ("function", Value::Object(function)) => check_function(function, &format!("{at}.function"))?,
            ("id" | "index" | "type" | "function", _) => {
                return Err(invalid(format!("`{at}.{name}` is of another shape."), at));
            }
            _ => return Err(unknown(name, ["id", "index", "type", "function"].into_iter())),
        }
    }
    Ok(())
}

fn check_function(function: &Object, at: &str) -> Result<(), Refusal> {
    for (name, value) in function.iter() {
        match (name, value) {
            ("name" | "arguments", Value::String(_)) => {}
            ("name" | "arguments", _) => return Err(invalid(format!("`{at}.{name}` must be a string."), at)),
            _ => return Err(unknown(name, ["name", "arguments"].into_iter())),
        }
    }
    Ok(())
}
