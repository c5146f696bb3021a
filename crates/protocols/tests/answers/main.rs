//! Answers of OpenAI-style model servers, edited: what the caller gets, wherever the bytes are cut.

#![allow(clippy::unwrap_used, clippy::panic, clippy::result_large_err, reason = "tests")]

mod channels;
mod embeddings;
mod ends;
mod log_probabilities;
mod responses;
#[path = "../support/mod.rs"]
mod support;

use gatewright_json::Value;
use gatewright_model::Delivery;
use gatewright_protocols::{Asked, Claim, Fault, ReplyEditor, ReplyHead, UsageReport, claim};
use support::{FakeWords, asked, json, masked};

fn editor(path: &str, delivery: Delivery, asked: Asked) -> Box<dyn ReplyEditor> {
    let Claim { protocol, route, .. } = claim("POST", path).unwrap();
    let content_type = match delivery {
        Delivery::Whole => "application/json",
        Delivery::Stream => "text/event-stream; charset=utf-8",
    };
    let head = ReplyHead { status: 200, content_type: Some(content_type), content_encoding: None };
    protocol.reply(route, delivery, head, asked).unwrap_or_else(|refusal| panic!("{refusal}"))
}

struct Edited {
    text: String,
    result: Result<(), Fault>,
    complete: bool,
}

fn edit<'a>(mut editor: Box<dyn ReplyEditor>, pieces: impl IntoIterator<Item = &'a [u8]>) -> Edited {
    let mut words = FakeWords::default();
    let mut out = Vec::new();
    let mut result = Ok(());
    for piece in pieces {
        result = editor.push(piece, &mut words, &mut out);
        if result.is_err() {
            break;
        }
    }
    if result.is_ok() {
        result = editor.finish(&mut words, &mut out);
    }
    Edited { text: String::from_utf8(out).unwrap(), result, complete: editor.complete() }
}

fn stream(bytes: &[u8]) -> Edited {
    edit(editor("/v1/chat/completions", Delivery::Stream, asked(UsageReport::Told)), [bytes])
}

/// The same result for every two cuts and byte by byte; gives it.
fn stream_cut_everywhere(bytes: &[u8]) -> Edited {
    let open = || editor("/v1/chat/completions", Delivery::Stream, asked(UsageReport::Told));
    let whole = stream(bytes);
    let step = (bytes.len() / 8).max(1);
    for first in 0..=bytes.len() {
        for second in (first..=bytes.len()).step_by(step) {
            let cut = edit(open(), [&bytes[..first], &bytes[first..second], &bytes[second..]]);
            assert_eq!(cut.text, whole.text, "cut at {first} and {second}");
            assert_eq!((cut.result, cut.complete), (whole.result, whole.complete));
        }
    }
    assert_eq!(edit(open(), bytes.chunks(1)).text, whole.text);
    whole
}

fn whole(body: &str) -> Edited {
    edit(editor("/v1/chat/completions", Delivery::Whole, asked(UsageReport::Told)), [body.as_bytes()])
}

fn chunks(text: &str) -> Vec<Value> {
    let events = text.split("\n\n").filter(|event| !event.is_empty());
    events
        .map(|event| event.strip_prefix("data: ").unwrap_or_else(|| panic!("{event}")))
        .filter(|data| *data != "[DONE]")
        .map(json)
        .collect()
}

/// A text of one choice, put together as SDKs do.
fn joined(text: &str, choice: u64, pointer: &str) -> String {
    let mut joined = String::new();
    for chunk in chunks(text) {
        for part in chunk.get("choices").and_then(Value::as_array).unwrap_or_default() {
            if part.get("index") == Some(&Value::from(choice)) {
                joined.push_str(part.pointer(pointer).and_then(Value::as_str).unwrap_or_default());
            }
        }
    }
    joined
}

fn sse(deltas: &[(u64, &str, Option<&str>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (index, delta, reason) in deltas {
        let reason = reason.map_or("null".to_owned(), |reason| format!("\"{reason}\""));
        let event = format!(
            "data: {{\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"llama-3\",\"choices\":[{{\"index\":{index},\"delta\":{delta},\"finish_reason\":{reason}}}]}}\n\n"
        );
        bytes.extend_from_slice(event.as_bytes());
    }
    bytes.extend_from_slice(b"data: [DONE]\n\n");
    bytes
}

fn content(text: &str) -> String {
    format!("{{\"content\":{}}}", String::from_utf8(gatewright_json::to_bytes(&Value::from(text))).unwrap())
}
