//! The OpenAI protocol: chat completions, embeddings and the list of models, as `POST /v1/chat/completions`,
//! `POST /v1/embeddings`, `GET /v1/models` and `GET /v1/models/{id}`.
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
mod fields;
mod logprobs;
mod messages;
mod models;
mod operation;
mod prepare;
mod reader;
mod refusal;
mod run;
mod texts;
mod told;
mod tools;
mod usage;
mod whole;

use gatewright_json::Value;
use gatewright_model::{Code, Delivery, ModelName, Operation, Refusal, RequestId, Setting, Terms};

use self::embeddings::EmbeddingsEditor;
use self::reader::StreamEditor;
use self::whole::WholeEditor;
use crate::faults;
use crate::{Asked, BodyKind, Dialect, Fault, Protocol, ReplyEditor, ReplyHead, Route, RouteId, Text, Wording, Words};

const CHAT: RouteId = RouteId("openai.chat");
const EMBEDDINGS: RouteId = RouteId("openai.embeddings");
const LIST_MODELS: RouteId = RouteId("openai.models");
const DESCRIBE_MODEL: RouteId = RouteId("openai.model");

const ROUTES: &[Route] = &[
    Route { id: CHAT, method: "POST", path: "/v1/chat/completions", operation: Operation::Chat, body: BodyKind::Json },
    Route { id: EMBEDDINGS, method: "POST", path: "/v1/embeddings", operation: Operation::Embed, body: BodyKind::Json },
    Route {
        id: LIST_MODELS,
        method: "GET",
        path: "/v1/models",
        operation: Operation::ListModels,
        body: BodyKind::None,
    },
    Route {
        id: DESCRIBE_MODEL,
        method: "GET",
        path: "/v1/models/{id}",
        operation: Operation::DescribeModel,
        body: BodyKind::None,
    },
];

/// The OpenAI protocol.
#[derive(Clone, Copy, Debug)]
pub struct OpenAi;

impl Protocol for OpenAi {
    fn name(&self) -> &'static str {
        "openai"
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

    fn upstream_path(&self, route: &Route, _upstream_model: &str) -> String {
        // The model's name stands in the body; the two routes whose paths have one are answered by the gateway.
        route.path.to_owned()
    }

    fn reply(
        &self,
        route: &Route,
        delivery: Delivery,
        head: ReplyHead<'_>,
        asked: Asked,
    ) -> Result<Box<dyn ReplyEditor>, Refusal> {
        check_head(delivery, head)?;
        Ok(match (route.id, delivery) {
            (CHAT, Delivery::Stream) => Box::new(StreamEditor::new(asked)),
            (CHAT, Delivery::Whole) => Box::new(WholeEditor::new(asked)),
            (EMBEDDINGS, Delivery::Whole) => Box::new(EmbeddingsEditor::new(asked)),
            _ => return Err(Refusal::new(Code::UpstreamFailed, "This operation has no model server's answer.")),
        })
    }

    fn upstream_error(&self, _route: &Route, head: ReplyHead<'_>, body: &[u8], words: &mut dyn Words) -> Refusal {
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
fn check_head(delivery: Delivery, head: ReplyHead<'_>) -> Result<(), Refusal> {
    let unreadable = |message: &str| Err(Refusal::new(Code::UpstreamFailed, message));
    if head.status != 200 {
        return unreadable("The model server's answer has a status that means no answer.");
    }
    if head.content_encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        return unreadable("The model server's answer is compressed, which it was asked not to be.");
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
