//! Answers about what a server keeps, and whole responses: known members alone, every text through the masker.

use gatewright_json::{Limits, Object, Value, parse, write};
use gatewright_model::{Channel, ChannelKind, Usage};

use super::routes::FILE_CONTENT;
use super::upload::visit_content;
use super::whole::Collected;
use crate::free::{visit_embedded, visit_free};
use crate::stored::is_id;
use crate::{Asked, Fault, Place, ReplyEditor, Route, Text, Words, whole};

/// What a member's value may be, by its name, which means the same in every object of this protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// An id of the server's.
    Id,
    /// A word of the protocol.
    Word,
    /// A number.
    Number,
    /// Words that somebody wrote.
    Text(ChannelKind),
    /// JSON in a text.
    Embedded,
    /// Free-form JSON.
    Free,
    /// An object or a list of more members.
    More,
}

const TEXT: Known = Known::Text(ChannelKind::Content);
const TOLD: Known = Known::Text(ChannelKind::Annotation);

/// Members that may be told. Where a name stands for a text in one object and for an object in another, both are known.
fn known(name: &str) -> &'static [Known] {
    match name {
        "id"
        | "file_id"
        | "vector_store_id"
        | "input_file_id"
        | "output_file_id"
        | "error_file_id"
        | "item_id"
        | "previous_response_id"
        | "call_id"
        | "batch_id"
        | "first_id"
        | "last_id"
        | "approval_request_id" => &[Known::Id],
        "object" | "type" | "status" | "purpose" | "role" | "phase" | "completion_window" | "endpoint" | "reason"
        | "finish_reason" | "service_tier" | "truncation" | "effort" | "verbosity" | "anchor" | "ranker" => {
            &[Known::Word]
        }
        "code" => &[Known::Word, TEXT],
        "tool_choice" => &[Known::Word, Known::More],
        "created_at"
        | "created"
        | "bytes"
        | "usage_bytes"
        | "expires_at"
        | "in_progress_at"
        | "finalizing_at"
        | "completed_at"
        | "failed_at"
        | "expired_at"
        | "cancelling_at"
        | "cancelled_at"
        | "last_active_at"
        | "score"
        | "total"
        | "completed"
        | "failed"
        | "in_progress"
        | "cancelled"
        | "input_tokens"
        | "output_tokens"
        | "total_tokens"
        | "cached_tokens"
        | "reasoning_tokens"
        | "prompt_tokens"
        | "completion_tokens"
        | "index"
        | "start_index"
        | "end_index"
        | "days"
        | "seconds"
        | "max_chunk_size_tokens"
        | "chunk_overlap_tokens"
        | "temperature"
        | "top_p"
        | "max_output_tokens"
        | "max_tool_calls"
        | "status_code"
        | "output_index"
        | "content_index"
        | "summary_index"
        | "annotation_index"
        | "max_num_results"
        | "score_threshold"
        | "line" => &[Known::Number],
        // Said of these alone; the value is one of two.
        "deleted" | "has_more" | "parallel_tool_calls" | "store" | "background" | "flagged" | "strict" => &[],
        "filename" | "title" | "url" | "quote" | "server_label" | "custom_id" | "request_id" => &[TOLD],
        "name" => &[Known::Text(ChannelKind::ToolName)],
        "refusal" => &[Known::Text(ChannelKind::Refusal)],
        "message" => &[TEXT, Known::More],
        "description" | "query" | "queries" | "search_query" | "instructions" | "logs" | "user" | "delta"
        | "safety_identifier" | "prompt_cache_key" => &[TEXT],
        "text" | "content" | "output" | "input" | "error" | "summary" => &[TEXT, Known::More],
        "arguments" => &[Known::Embedded],
        "metadata" | "attributes" | "parameters" | "schema" | "categories" | "category_scores" => &[Known::Free],
        "data"
        | "items"
        | "results"
        | "annotations"
        | "annotation"
        | "tools"
        | "format"
        | "reasoning"
        | "usage"
        | "input_tokens_details"
        | "output_tokens_details"
        | "prompt_tokens_details"
        | "completion_tokens_details"
        | "file_counts"
        | "request_counts"
        | "last_error"
        | "errors"
        | "expires_after"
        | "chunking_strategy"
        | "static"
        | "incomplete_details"
        | "conversation"
        | "response"
        | "body"
        | "choices"
        | "tool_calls"
        | "function"
        | "action"
        | "outputs"
        | "ranking_options"
        | "embedding"
        | "item"
        | "part" => &[Known::More],
        _ => &[],
    }
}

const TRUTHS: &[&str] = &["deleted", "has_more", "parallel_tool_calls", "store", "background", "flagged", "strict"];

/// No answer nests deeper.
const DEEPEST: usize = 24;

/// Which channel the texts of objects are on: one of their own, so that a running text is not cut off.
pub(super) const APART: u32 = u32::MAX;

/// What may be told of a value that stands under no name.
pub(super) fn edited(value: &Value, words: &mut dyn Words) -> Result<Value, Fault> {
    more(value, DEEPEST, words)
}

fn more(value: &Value, depth: usize, words: &mut dyn Words) -> Result<Value, Fault> {
    let depth = depth.checked_sub(1).ok_or(Fault::Malformed)?;
    match value {
        Value::Object(object) => {
            let mut told = Object::new();
            for (name, value) in object.iter() {
                if let Some(value) = member(name, value, depth, words)? {
                    told.set(name, value);
                }
            }
            Ok(told.into())
        }
        Value::Array(items) => {
            let told: Result<Vec<Value>, Fault> = items.iter().map(|item| more(item, depth, words)).collect();
            Ok(told?.into())
        }
        // Numbers in a list are a vector's; texts in a list are seen by the name of the list.
        Value::Number(_) if is_number(value) => Ok(value.clone()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(Value::Null),
    }
}

fn member(name: &str, value: &Value, depth: usize, words: &mut dyn Words) -> Result<Option<Value>, Fault> {
    if TRUTHS.contains(&name) {
        return Ok(value.as_bool().map(Value::Bool));
    }
    let known = known(name);
    if value.is_null() {
        return Ok((!known.is_empty()).then_some(Value::Null));
    }
    for kind in known {
        let told = match (kind, value) {
            (Known::Id, Value::String(text)) if is_id(text) => value.clone(),
            (Known::Word, Value::String(text)) if is_word(text) => value.clone(),
            (Known::Number, Value::Number(_)) if is_number(value) => value.clone(),
            (Known::Text(kind), Value::String(text)) => text_of(text, *kind, words)?.into(),
            (Known::Text(kind), Value::Array(items)) if items.iter().all(|item| item.as_str().is_some()) => {
                let texts = items.iter().filter_map(Value::as_str);
                let told: Result<Vec<Value>, Fault> =
                    texts.map(|text| Ok(text_of(text, *kind, words)?.into())).collect();
                told?.into()
            }
            (Known::Embedded, Value::String(text)) => {
                let mut text = text.clone();
                through(words, |visit| visit_embedded(&mut text, channel(ChannelKind::ToolArguments), visit))?;
                text.into()
            }
            (Known::Free, Value::Object(_)) => {
                let mut value = value.clone();
                through(words, |visit| {
                    visit_free(&mut value, &mut "$".to_owned(), channel(ChannelKind::Content), visit);
                })?;
                value
            }
            (Known::More, Value::Object(_) | Value::Array(_)) => more(value, depth, words)?,
            _ => continue,
        };
        return Ok(Some(told));
    }
    Ok(None)
}

const fn channel(kind: ChannelKind) -> Channel {
    Channel { kind, choice: APART, index: APART }
}

fn text_of(text: &str, kind: ChannelKind, words: &mut dyn Words) -> Result<String, Fault> {
    Ok(whole(words, channel(kind), Place::Plain, text)?)
}

/// Rewrites every text that a visit shows by what may be told of it.
pub(super) fn through(words: &mut dyn Words, visit: impl FnOnce(&mut dyn FnMut(Text<'_>))) -> Result<(), Fault> {
    let mut outcome = Ok(());
    visit(&mut |text| {
        if outcome.is_ok() {
            match whole(words, text.channel, text.place, text.text) {
                Ok(told) => *text.text = told,
                Err(blocked) => outcome = Err(Fault::from(blocked)),
            }
        }
    });
    outcome
}

/// A word of the protocol: nobody's name, number or address has this shape.
fn is_word(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-/".contains(&byte);
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    (1..=48).contains(&text.len()) && text.bytes().all(plain) && digits <= 4
}

/// A number that no value hides in: whole ones are counts and moments, others are short.
fn is_number(value: &Value) -> bool {
    value.as_number().is_some_and(|number| match number.as_u64() {
        Some(whole) => whole < 1 << 40,
        None => number.as_str().len() <= 25,
    })
}

/// Edits an answer about what the server keeps.
pub(super) struct ObjectEditor {
    route: &'static str,
    asked: Asked,
    collected: Collected,
    usage: Option<Usage>,
    complete: bool,
}

impl ObjectEditor {
    pub(super) fn new(route: &Route, asked: Asked) -> Self {
        Self { route: route.id.0, asked, collected: Collected::default(), usage: None, complete: false }
    }

    fn object(&mut self, words: &mut dyn Words, out: &mut Vec<u8>) -> Result<(), Fault> {
        let answer = self.collected.value()?;
        if answer.as_object().is_none() {
            return Err(Fault::Malformed);
        }
        let mut told = edited(&answer, words)?;
        name_model(&mut told, &self.asked);
        self.usage = usage_of(&answer, &self.asked);
        write(&told, out);
        Ok(())
    }

    /// A file's content: rows of a batch's results, each an answer; else text.
    fn content(&mut self, words: &mut dyn Words, out: &mut Vec<u8>) -> Result<(), Fault> {
        let bytes = self.collected.bytes();
        let mut text = String::from_utf8(bytes).map_err(|_| Fault::Malformed)?;
        let parsed = |line: &str| {
            parse(line.as_bytes(), &Limits { bytes: line.len(), values: 4_000_000, ..Limits::default() }).ok()
        };
        let is_result = |row: &Value| row.get("custom_id").is_some() && row.get("body").is_none();
        let first = text.split('\n').find(|line| !line.trim().is_empty()).and_then(parsed);
        if !first.as_ref().is_some_and(is_result) {
            through(words, |visit| visit_content(&mut text, visit))?;
            out.extend_from_slice(text.as_bytes());
            return Ok(());
        }
        for line in text.split('\n').filter(|line| !line.trim().is_empty()) {
            let row = parsed(line).filter(is_result).ok_or(Fault::Malformed)?;
            write(&edited(&row, words)?, out);
            out.push(b'\n');
        }
        Ok(())
    }
}

/// The model by the name that callers know, where the request had one.
pub(super) fn name_model(told: &mut Value, asked: &Asked) {
    if !asked.model.is_empty()
        && let Some(object) = told.as_object_mut()
    {
        object.set("model", asked.model.as_str());
    }
}

/// Token counts of a response that this call has made. Those of one that was fetched were counted when it was made.
pub(super) fn usage_of(answer: &Value, asked: &Asked) -> Option<Usage> {
    let count = |name: &str| answer.pointer(&format!("/usage/{name}"))?.as_number()?.as_u64();
    let cached = count("input_tokens_details/cached_tokens").unwrap_or(0);
    let (input, output) = (count("input_tokens"), count("output_tokens"));
    if asked.model.is_empty() || input.is_none() && output.is_none() {
        return None;
    }
    Some(Usage { input: input.unwrap_or(0), output: output.unwrap_or(0), cached: cached.min(input.unwrap_or(0)) })
}

impl ReplyEditor for ObjectEditor {
    fn push(&mut self, bytes: &[u8], _words: &mut dyn Words, _out: &mut Vec<u8>) -> Result<(), Fault> {
        self.collected.push(bytes)
    }

    fn finish(&mut self, words: &mut dyn Words, out: &mut Vec<u8>) -> Result<(), Fault> {
        if self.route == FILE_CONTENT.0 {
            self.content(words, out)?;
        } else {
            self.object(words, out)?;
        }
        self.complete = true;
        Ok(())
    }

    fn usage(&self) -> Option<Usage> {
        self.usage
    }

    fn complete(&self) -> bool {
        self.complete
    }
}
