//! A model server that keeps things for its callers, and cannot tell one caller from another: files, batches, responses,
//! conversations and vector stores, as OpenAI's API has them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::{Received, Reply};

/// What every answer of such a server says.
pub const SAID: &str = "Write to erika.mustermann@example.com.";

/// Everything that is kept, by id, and how many things were made.
#[derive(Default)]
pub struct Keeper(Mutex<State>);

#[derive(Default)]
struct State {
    made: usize,
    things: BTreeMap<String, Value>,
    contents: BTreeMap<String, String>,
}

impl Keeper {
    /// What the server answers.
    pub fn answer(&self, received: &Received) -> Reply {
        let path = received.target.split('?').next().unwrap_or_default();
        let parts: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
        let mut state = self.state();
        match (received.method.as_str(), &parts[..]) {
            ("POST", ["files"]) => state.upload(&received.text()),
            ("POST", ["batches"]) => state.run(&received.text()),
            ("POST", ["responses"]) => state.respond(&received.text()),
            ("POST", ["conversations"]) => state.make("conv_", json!({"object": "conversation", "metadata": {}})),
            ("POST", ["vector_stores"]) => {
                let counts = json!({"in_progress": 0, "completed": 0, "failed": 0, "cancelled": 0, "total": 0});
                let store = json!({"object": "vector_store", "status": "completed", "name": null, "usage_bytes": 0,
                    "metadata": {}, "last_active_at": 1, "file_counts": counts});
                state.make("vs_", store)
            }
            ("POST", ["vector_stores", _, "search"]) => Reply::json(200, results().to_string()),
            ("POST", ["vector_stores", store, "files"]) => {
                let asked: Value = serde_json::from_str(&received.text()).unwrap_or_default();
                let file = json!({"id": asked["file_id"], "object": "vector_store.file", "vector_store_id": store,
                    "status": "completed", "created_at": 1, "usage_bytes": 0, "last_error": null});
                Reply::json(200, file.to_string())
            }
            ("GET", [_]) => state.everything(),
            ("GET", ["files", id, "content"]) => match state.contents.get(*id) {
                Some(content) => Reply::json(200, content.clone()).content_type("application/octet-stream"),
                None => missing(),
            },
            ("GET", [_, _, _]) => {
                Reply::json(200, json!({"object": "list", "data": [], "has_more": false}).to_string())
            }
            ("GET" | "POST", [_, id, ..]) => state.show(id),
            ("DELETE", [_, id]) => match state.things.remove(*id) {
                Some(thing) => {
                    Reply::json(200, json!({"id": id, "object": thing["object"], "deleted": true}).to_string())
                }
                None => missing(),
            },
            _ => missing(),
        }
    }

    /// How many things there are.
    pub fn count(&self) -> usize {
        self.state().things.len()
    }

    /// What a file holds.
    pub fn content(&self, id: &str) -> Option<String> {
        self.state().contents.get(id).cloned()
    }

    /// Loses a thing, as servers do when it is old.
    pub fn lose(&self, id: &str) {
        self.state().things.remove(id);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn missing() -> Reply {
    Reply::json(404, json!({"error": {"message": "No such thing.", "type": "invalid_request_error"}}).to_string())
}

fn results() -> Value {
    json!({"object": "vector_store.search_results.page", "search_query": ["x"], "has_more": false, "next_page": null,
        "data": [{"file_id": "file-1", "filename": "notes.txt", "score": 0.5, "attributes": {"team": "sales"},
            "content": [{"type": "text", "text": SAID}]}]})
}

impl State {
    fn id(&mut self, prefix: &str) -> String {
        self.made += 1;
        format!("{prefix}{}", self.made)
    }

    fn make(&mut self, prefix: &str, thing: Value) -> Reply {
        let id = self.id(prefix);
        let mut thing = thing;
        thing["id"] = json!(id);
        thing["created_at"] = json!(1_700_000_000);
        self.things.insert(id, thing.clone());
        Reply::json(200, thing.to_string())
    }

    fn show(&self, id: &str) -> Reply {
        self.things.get(id).map_or_else(missing, |thing| Reply::json(200, thing.to_string()))
    }

    /// What a list would tell of everybody's things.
    fn everything(&self) -> Reply {
        let all: Vec<&Value> = self.things.values().collect();
        Reply::json(200, json!({"object": "list", "data": all, "has_more": false}).to_string())
    }

    fn upload(&mut self, form: &str) -> Reply {
        let field = |name: &str| {
            let (_, rest) = form.split_once(&format!("name=\"{name}\""))?;
            let (head, rest) = rest.split_once("\r\n\r\n")?;
            Some((head.to_owned(), rest.split("\r\n--").next()?.to_owned()))
        };
        let ((_, purpose), (head, content)) = (field("purpose").unwrap_or_default(), field("file").unwrap_or_default());
        let filename = head.split("filename=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        let file = self.file(&purpose, filename, &content);
        Reply::json(200, file.to_string())
    }

    fn file(&mut self, purpose: &str, filename: &str, content: &str) -> Value {
        let id = self.id("file-");
        let file = json!({"id": id, "object": "file", "bytes": content.len(), "created_at": 1_700_000_000,
            "filename": filename, "purpose": purpose, "status": "processed"});
        self.things.insert(id.clone(), file.clone());
        self.contents.insert(id, content.to_owned());
        file
    }

    /// Runs a batch at once: every row is answered the same.
    fn run(&mut self, asked: &str) -> Reply {
        let asked: Value = serde_json::from_str(asked).unwrap_or_default();
        let rows = self.contents.get(asked["input_file_id"].as_str().unwrap_or_default()).cloned().unwrap_or_default();
        let answered = |row: &str| {
            let row: Value = serde_json::from_str(row).unwrap_or_default();
            let message = json!({"role": "assistant", "content": SAID});
            let body = json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "there",
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]});
            let response = json!({"status_code": 200, "request_id": "r", "body": body});
            json!({"id": "batch_req_1", "custom_id": row["custom_id"], "response": response, "error": null}).to_string()
        };
        let results: Vec<String> = rows.lines().filter(|row| !row.is_empty()).map(answered).collect();
        let output = self.file("batch_output", "output.jsonl", &format!("{}\n", results.join("\n")));
        let count = results.len();
        let batch = json!({"object": "batch", "endpoint": asked["endpoint"], "input_file_id": asked["input_file_id"],
            "completion_window": "24h", "status": "completed", "output_file_id": output["id"], "error_file_id": null,
            "request_counts": {"total": count, "completed": count, "failed": 0}, "metadata": asked["metadata"]});
        self.make("batch_", batch)
    }

    fn respond(&mut self, asked: &str) -> Reply {
        let asked: Value = serde_json::from_str(asked).unwrap_or_default();
        let text = json!({"type": "output_text", "text": SAID, "annotations": []});
        let item =
            json!({"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [text]});
        let usage = json!({"input_tokens": 5, "output_tokens": 7, "total_tokens": 12,
            "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}});
        let response = json!({"object": "response", "status": "completed", "model": asked["model"], "output": [item],
            "usage": usage, "previous_response_id": asked["previous_response_id"], "error": null, "tools": [],
            "incomplete_details": null, "instructions": null, "metadata": {}, "parallel_tool_calls": true,
            "tool_choice": "auto", "temperature": 1.0, "top_p": 1.0});
        let whole = self.make("resp_", response);
        if asked["stream"] != json!(true) {
            return whole;
        }
        let response: Value = serde_json::from_slice(&whole.body()).unwrap_or_default();
        let mut begun = response.clone();
        begun["status"] = json!("in_progress");
        begun["output"] = json!([]);
        let at = |kind: &str| json!({"type": kind, "item_id": "msg_1", "output_index": 0, "content_index": 0});
        let mut events = vec![json!({"type": "response.created", "response": begun})];
        let mut added = item.clone();
        added["content"] = json!([]);
        events.push(json!({"type": "response.output_item.added", "output_index": 0, "item": added}));
        // Four letters a piece, so that a value comes in several.
        let letters: Vec<char> = SAID.chars().collect();
        for piece in letters.chunks(4) {
            let mut event = at("response.output_text.delta");
            event["delta"] = json!(piece.iter().collect::<String>());
            events.push(event);
        }
        let mut done = at("response.output_text.done");
        done["text"] = json!(SAID);
        events.push(done);
        events.push(json!({"type": "response.output_item.done", "output_index": 0, "item": item}));
        events.push(json!({"type": "response.completed", "response": response}));
        Reply::events(
            events
                .into_iter()
                .map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default())),
        )
    }
}
