//! Answers as an OpenAI-style server gives them, spelled out so that a test reads what the gateway was sent.

use std::fmt::Write as _;

use crate::{Received, Reply};

/// A whole chat answer with this text.
pub fn chat(model: &str, text: &str) -> Reply {
    Reply::json(
        200,
        format!(
            "{{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":{},\"choices\":[\
             {{\"index\":0,\"message\":{{\"role\":\"assistant\",\"content\":{}}},\"finish_reason\":\"stop\"}}],\
             \"usage\":{{\"prompt_tokens\":5,\"completion_tokens\":7,\"total_tokens\":12}}}}",
            quoted(model),
            quoted(text)
        ),
    )
}

/// A streamed chat answer with one event for each piece of text, then the finish reason, the usage and `[DONE]`.
pub fn chat_stream<'a>(model: &str, pieces: impl IntoIterator<Item = &'a str>) -> Reply {
    let mut events = vec![stream_event(model, 0, "{\"role\":\"assistant\",\"content\":\"\"}", "null")];
    for piece in pieces {
        events.push(stream_event(model, 0, &format!("{{\"content\":{}}}", quoted(piece)), "null"));
    }
    events.push(stream_event(model, 0, "{}", "\"stop\""));
    events.push("data: [DONE]\n\n".into());
    Reply::events(events)
}

/// One event of a streamed chat answer; `delta` and `finish` are JSON.
pub fn stream_event(model: &str, choice: usize, delta: &str, finish: &str) -> String {
    format!(
        "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":{},\
         \"choices\":[{{\"index\":{choice},\"delta\":{delta},\"finish_reason\":{finish}}}]}}\n\n",
        quoted(model)
    )
}

/// An embedding answer with one vector.
pub fn embedding(model: &str, vector: &[f32]) -> Reply {
    let numbers: Vec<String> = vector.iter().map(f32::to_string).collect();
    Reply::json(
        200,
        format!(
            "{{\"object\":\"list\",\"data\":[{{\"object\":\"embedding\",\"index\":0,\"embedding\":[{}]}}],\
             \"model\":{},\"usage\":{{\"prompt_tokens\":2,\"total_tokens\":2}}}}",
            numbers.join(","),
            quoted(model)
        ),
    )
}

/// The list of models.
pub fn models(names: &[&str]) -> Reply {
    let entries: Vec<String> = names
        .iter()
        .map(|name| {
            format!("{{\"id\":{},\"object\":\"model\",\"created\":1700000000,\"owned_by\":\"lab\"}}", quoted(name))
        })
        .collect();
    Reply::json(200, format!("{{\"object\":\"list\",\"data\":[{}]}}", entries.join(",")))
}

/// An error in the vendor's shape.
pub fn error(status: u16, message: &str) -> Reply {
    Reply::json(
        status,
        format!(
            "{{\"error\":{{\"message\":{},\"type\":\"server_error\",\"param\":null,\"code\":null}}}}",
            quoted(message)
        ),
    )
}

/// An error that repeats the credential it was given, as careless servers do.
pub fn error_with_credential(status: u16, received: &Received) -> Reply {
    let credential = received.headers.get("authorization").unwrap_or("no credential");
    error(status, &format!("Incorrect API key provided: {credential}."))
}

/// A JSON string.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            control if control < ' ' => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(control));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_json_must_escape() {
        assert_eq!(quoted("a\"b\\c\nd\u{1}é"), "\"a\\\"b\\\\c\\nd\\u0001é\"");
    }
}
