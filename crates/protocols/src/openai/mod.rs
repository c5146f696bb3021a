//! The OpenAI protocol: chat completions, responses, embeddings, moderations, the list of models; and what a server keeps
//! for its callers: responses, conversations, files, batches, vector stores. [`routes`] is the whole list.
//!
//! Ids of what is kept are the server's own. They are in the path, in bodies and in queries; [`kept`] names them all, so
//! that the gateway can hold them against whose they are. Items by reference, containers by id, stored prompts and
//! uploads in parts, whose owners nobody would know, are refused.
//!
//! Dialects: the vendor's own by default, `vllm` and `llama.cpp` with further sampling fields. What would reach files,
//! the network or another model, what makes a model server keep or repeat text, and what nobody can search (pictures,
//! audio, files, token ids) is refused in every dialect; [`fields`] is the whole list of what is not.
//!
//! Of an answer the caller gets: role, content, reasoning, refusal, tool calls, the legacy function call, citations of
//! pages, log-probabilities, why each choice ended, token counts, and when the answer was made. Ids are ours and the
//! model has its public name. Everything else (`system_fingerprint`, `service_tier`, `obfuscation`, `audio`, `timings`,
//! `prompt_logprobs`, whatever comes next) is left out.

mod call;
mod choice;
mod embeddings;
mod events;
mod fields;
mod kept;
mod logprobs;
mod messages;
mod models;
mod objects;
mod operation;
mod prepare;
mod reader;
mod refusal;
mod routes;
mod run;
mod shape;
mod tables;
mod texts;
mod told;
mod tools;
mod upload;
mod usage;
mod whole;

use gatewright_json::Value;
use gatewright_model::{Code, Delivery, ModelName, Refusal, RequestId, Setting, StoredKind, Terms};

use self::embeddings::EmbeddingsEditor;
use self::events::EventsEditor;
use self::objects::ObjectEditor;
use self::reader::StreamEditor;
use self::routes::*;
use self::whole::WholeEditor;
use crate::faults;
use crate::stored::no_such_thing;
use crate::{
    Asked, Bounds, Clause, Dialect, Encoded, Fault, Protocol, Reaching, ReplyEditor, ReplyHead, Route, Row, Serves,
    Stored, Text, Wording, Words,
};

/// The OpenAI protocol.
#[derive(Clone, Copy, Debug)]
pub struct OpenAi;

impl Protocol for OpenAi {
    fn name(&self) -> &'static str {
        "openai"
    }

    fn serves(&self) -> Serves {
        Serves::Both
    }

    fn is_place(&self, place: &str) -> bool {
        kept::is_place(place)
    }

    fn places(&self) -> &'static str {
        kept::PLACES
    }

    fn routes(&self) -> &'static [Route] {
        ROUTES
    }

    fn dialect(&self, name: &str) -> Option<Dialect> {
        fields::dialect(name)
    }

    fn model(&self, route: &Route, ids: &[&str], body: &Value) -> Result<Option<ModelName>, Refusal> {
        operation::model(route, ids, body)
    }

    fn read(&self, route: &Route, ids: &[&str], body: &Value, dialect: &Dialect) -> Result<Terms, Refusal> {
        operation::read(route, ids, body, dialect)
    }

    fn turns<'v>(&self, route: &Route, body: &'v Value) -> &'v [Value] {
        let messages = if route.id == CHAT { body.get("messages") } else { None };
        messages.and_then(Value::as_array).unwrap_or_default()
    }

    fn request_texts(&self, route: &Route, body: &mut Value, visit: &mut dyn FnMut(Text<'_>)) {
        texts::visit(route, body, visit);
    }

    fn bound(&self, route: &Route, body: &mut Value, bounds: &Bounds) -> Result<Vec<String>, Refusal> {
        Ok(kept::bound(route, body, bounds))
    }

    fn keep_to(&self, route: &Route, body: &mut Value, rows: &[Clause]) -> Result<(), Refusal> {
        kept::keep_to(route, body, rows)
    }

    fn asked(&self, route: &Route, body: &Value, public_model: &str, request: RequestId) -> Asked {
        operation::asked(route, body, public_model, request)
    }

    fn prepare(
        &self,
        route: &Route,
        body: &mut Value,
        upstream_model: &str,
        settings: &[Setting],
        dialect: &Dialect,
    ) -> Result<(), Refusal> {
        prepare::prepare(route, body, upstream_model, settings, dialect)
    }

    fn salt(&self, route: &Route, body: &mut Value, dialect: &Dialect, salt: &dyn Fn() -> String) {
        prepare::salt(route, body, dialect, salt);
    }

    fn upstream_path(&self, route: &Route, ids: &[&str], _upstream_model: &str) -> String {
        kept::path(route, ids)
    }

    fn upstream_query(&self, route: &Route, body: &Value) -> String {
        kept::query(route, body)
    }

    fn form(&self, route: &Route, content_type: &str, body: &[u8]) -> Result<Value, Refusal> {
        match route.id {
            UPLOAD_FILE => upload::form(content_type, body),
            _ => Err(Refusal::new(Code::UnsupportedMedia, "This operation takes no form.")),
        }
    }

    fn encode(&self, route: &Route, body: &Value, boundary: &str) -> Result<Encoded, Refusal> {
        match route.id {
            UPLOAD_FILE => upload::encode(body, boundary),
            _ => Ok(Encoded::json(body)),
        }
    }

    fn rows<'v>(&self, route: &Route, body: &'v Value) -> Option<Vec<Row<'v>>> {
        if route.id == UPLOAD_FILE { upload::rows(body) } else { None }
    }

    fn row_bodies<'v>(&self, route: &Route, body: &'v mut Value) -> Vec<&'v mut Value> {
        if route.id == UPLOAD_FILE { upload::row_bodies(body) } else { Vec::new() }
    }

    fn stored<'a>(&self, route: &Route, ids: &[&'a str], body: &'a Value) -> Result<Stored<'a>, Refusal> {
        kept::stored(route, ids, body)
    }

    fn reaching<'a>(&self, route: &Route, ids: &[&'a str], body: &'a Value) -> Result<Vec<Reaching<'a>>, Refusal> {
        kept::reaching(route, ids, body)
    }

    fn made(&self, route: &Route, answer: &[u8]) -> Result<Vec<(StoredKind, String)>, Fault> {
        kept::made(route, answer)
    }

    fn made_in_stream(&self, _route: &Route, answer: &[u8]) -> Result<Option<Vec<(StoredKind, String)>>, Fault> {
        kept::made_in_stream(answer)
    }

    fn stored_path(&self, kind: StoredKind, id: &str) -> Option<String> {
        kept::stored_path(kind, id)
    }

    fn answer_type(&self, route: &Route) -> &'static str {
        if route.id == FILE_CONTENT { "application/octet-stream" } else { "application/json" }
    }

    fn reply(
        &self,
        route: &Route,
        delivery: Delivery,
        head: ReplyHead<'_>,
        asked: Asked,
    ) -> Result<Box<dyn ReplyEditor>, Refusal> {
        check_head(route, delivery, head)?;
        Ok(match (route.id, delivery) {
            (CHAT, Delivery::Stream) => Box::new(StreamEditor::new(asked)),
            (CHAT, Delivery::Whole) => Box::new(WholeEditor::new(asked)),
            (EMBEDDINGS, Delivery::Whole) => Box::new(EmbeddingsEditor::new(asked)),
            (RESPONSES, Delivery::Stream) => Box::new(EventsEditor::new(asked)),
            (LIST_MODELS | DESCRIBE_MODEL, _) | (_, Delivery::Stream) => {
                return Err(Refusal::new(Code::UpstreamFailed, "This operation has no model server's answer."));
            }
            (_, Delivery::Whole) => Box::new(ObjectEditor::new(route, asked)),
        })
    }

    fn upstream_error(&self, route: &Route, head: ReplyHead<'_>, body: &[u8], words: &mut dyn Words) -> Refusal {
        // What is gone at the server looks like what has never been.
        if head.status == 404 && route.path.contains("{id}") {
            return no_such_thing();
        }
        faults::upstream(head.status, body, words)
    }

    fn models(&self, route: &Route, ids: &[&str], names: &[&str]) -> Result<Vec<u8>, Refusal> {
        models::answer(route, ids, names)
    }

    fn discovered(&self, body: &[u8]) -> Result<Vec<String>, Fault> {
        models::discovered(body)
    }

    fn refusal(&self, refusal: &Refusal, request: &RequestId) -> Wording {
        Wording { content_type: "application/json", body: refusal::body(refusal, request) }
    }

    fn refusal_in_stream(&self, refusal: &Refusal, request: &RequestId) -> Vec<u8> {
        refusal::event(refusal, request)
    }
}

/// An answer whose type or encoding is another than was asked for is one that would not be read as what it is.
fn check_head(route: &Route, delivery: Delivery, head: ReplyHead<'_>) -> Result<(), Refusal> {
    let unreadable = |message: &str| Err(Refusal::new(Code::UpstreamFailed, message));
    if !matches!(head.status, 200 | 201) {
        return unreadable("The model server's answer has a status that means no answer.");
    }
    if head.content_encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        return unreadable("The model server's answer is compressed, which it was asked not to be.");
    }
    // A file's content has the type that its server thinks it has; it is read as the text that it must be.
    if route.id == FILE_CONTENT {
        return Ok(());
    }
    let expected = match delivery {
        Delivery::Whole => "application/json",
        Delivery::Stream => "text/event-stream",
    };
    let essence = head.content_type.and_then(|text| text.split(';').next()).unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case(expected) {
        return unreadable("The model server's answer is of another type than was asked for.");
    }
    Ok(())
}
