use gatewright_json::Value;
use gatewright_model::{Channel, ChannelKind};

use super::fields::{self, Shape};
use super::messages::kind_of;
use super::routes::{CHAT, EMBEDDINGS, UPLOAD_FILE};
use super::{shape, tables, upload};
use crate::free::{visit_embedded, visit_free};
use crate::{Place, Route, Text};

/// Shows every text of a request that was read, in the order of its fields.
pub(super) fn visit(route: &Route, body: &mut Value, visit: &mut dyn FnMut(Text<'_>)) {
    if route.id == UPLOAD_FILE {
        return upload::visit(body, visit);
    }
    let Some(body) = body.as_object_mut() else { return };
    if !matches!(route.id, CHAT | EMBEDDINGS) {
        return shape::visit(tables::of(route.id), body, visit);
    }
    for (name, value) in body.iter_mut() {
        match (route.id, name) {
            (CHAT, "messages") => visit_messages(value, visit),
            (CHAT, "tools") => visit_tools(value, visit),
            (CHAT, "functions") => visit_each(value, &mut |index, function| {
                visit_definition(function, Channel { kind: ChannelKind::ToolDefinition, choice: 0, index }, visit);
            }),
            (CHAT, "tool_choice") => visit_at(value, "/function/name", ChannelKind::ToolName, visit),
            (CHAT, "function_call") => visit_at(value, "/name", ChannelKind::ToolName, visit),
            (CHAT, "response_format") => {
                if let Some(schema) = value.pointer_mut("/json_schema") {
                    visit_free(schema, &mut "$".to_owned(), Channel::sole(ChannelKind::ToolDefinition, 0), visit);
                }
            }
            (CHAT, "prediction") => {
                if let Some(content) = value.pointer_mut("/content") {
                    visit_content(content, ChannelKind::Other, 0, visit);
                }
            }
            (EMBEDDINGS, "input") => visit_inputs(value, visit),
            _ => visit_field(name, value, visit),
        }
    }
}

/// A field that has no shape of its own, by the table's.
fn visit_field(name: &str, value: &mut Value, visit: &mut dyn FnMut(Text<'_>)) {
    let mut known = fields::chat_in_any_dialect().chain(fields::embeddings());
    let Some(field) = known.find(|field| field.name == name) else { return };
    match field.shape {
        Shape::Text | Shape::Texts | Shape::Labels | Shape::Free => {
            visit_free(value, &mut format!("$.{name}"), Channel::sole(ChannelKind::Other, 0), visit);
        }
        // Numbers and words from a list: nobody can write a sentence with them. The model's name is not the caller's
        // to choose.
        Shape::Own
        | Shape::Flag
        | Shape::Off
        | Shape::Number(..)
        | Shape::Whole(..)
        | Shape::Choice(_)
        | Shape::Wholes
        | Shape::Biases => {}
    }
}

fn visit_each(value: &mut Value, each: &mut dyn FnMut(u32, &mut Value)) {
    for (index, item) in value.as_array_mut().into_iter().flatten().enumerate() {
        each(u32::try_from(index).unwrap_or(u32::MAX), item);
    }
}

fn visit_string(value: Option<&mut Value>, channel: Channel, visit: &mut dyn FnMut(Text<'_>)) {
    if let Some(Value::String(text)) = value {
        visit(Text { channel, place: Place::Plain, text });
    }
}

fn visit_at(value: &mut Value, pointer: &str, kind: ChannelKind, visit: &mut dyn FnMut(Text<'_>)) {
    visit_string(value.pointer_mut(pointer), Channel::sole(kind, 0), visit);
}

fn visit_messages(messages: &mut Value, visit: &mut dyn FnMut(Text<'_>)) {
    visit_each(messages, &mut |index, message| {
        let kind = kind_of(message.get("role").and_then(Value::as_str));
        let Some(message) = message.as_object_mut() else { return };
        for (name, value) in message.iter_mut() {
            match name {
                "content" => visit_content(value, kind, index, visit),
                "refusal" => visit_string(Some(value), Channel::sole(ChannelKind::Refusal, index), visit),
                "reasoning" | "reasoning_content" => {
                    visit_string(Some(value), Channel::sole(ChannelKind::Reasoning, index), visit);
                }
                "name" => visit_string(Some(value), Channel::sole(ChannelKind::Other, index), visit),
                "tool_calls" => visit_each(value, &mut |place, call| {
                    if let Some(function) = call.pointer_mut("/function") {
                        visit_call(function, index, place, visit);
                    }
                }),
                "function_call" => visit_call(value, index, 0, visit),
                // A role is a word from a list. Ids of calls are replaced before anything is sent: see `prepare`.
                _ => {}
            }
        }
    });
}

fn visit_content(content: &mut Value, kind: ChannelKind, message: u32, visit: &mut dyn FnMut(Text<'_>)) {
    match content {
        Value::String(_) => visit_string(Some(content), Channel::sole(kind, message), visit),
        Value::Array(_) => visit_each(content, &mut |index, part| {
            for field in ["/text", "/refusal"] {
                visit_string(part.pointer_mut(field), Channel { kind, choice: message, index }, visit);
            }
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {}
    }
}

fn visit_call(function: &mut Value, message: u32, index: u32, visit: &mut dyn FnMut(Text<'_>)) {
    let channel = |kind| Channel { kind, choice: message, index };
    visit_string(function.pointer_mut("/name"), channel(ChannelKind::ToolName), visit);
    if let Some(Value::String(arguments)) = function.pointer_mut("/arguments") {
        visit_embedded(arguments, channel(ChannelKind::ToolArguments), visit);
    }
}

fn visit_tools(tools: &mut Value, visit: &mut dyn FnMut(Text<'_>)) {
    visit_each(tools, &mut |index, tool| {
        if let Some(function) = tool.pointer_mut("/function") {
            visit_definition(function, Channel { kind: ChannelKind::ToolDefinition, choice: 0, index }, visit);
        }
    });
}

fn visit_definition(function: &mut Value, channel: Channel, visit: &mut dyn FnMut(Text<'_>)) {
    for field in ["/name", "/description"] {
        visit_string(function.pointer_mut(field), channel, visit);
    }
    if let Some(parameters) = function.pointer_mut("/parameters") {
        visit_free(parameters, &mut "$".to_owned(), channel, visit);
    }
}

fn visit_inputs(input: &mut Value, visit: &mut dyn FnMut(Text<'_>)) {
    match input {
        Value::Array(_) => visit_each(input, &mut |index, item| {
            visit_string(Some(item), Channel { kind: ChannelKind::Input, choice: 0, index }, visit);
        }),
        _ => visit_string(Some(input), Channel::sole(ChannelKind::Input, 0), visit),
    }
}
