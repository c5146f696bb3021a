//! Asking by plain HTTP, and reading what comes back.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use gatewright_testkit::{Answer, RawClient};
use serde_json::Value;

/// Asks with GET, from outside any runtime.
pub fn get(address: SocketAddr, target: &str, headers: &[&str]) -> Answer {
    ask(address, "GET", target, headers, "")
}

/// Asks once on a connection of its own, from outside any runtime.
pub fn ask(address: SocketAddr, method: &str, target: &str, headers: &[&str], body: &str) -> Answer {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    runtime.block_on(asking(address, method, target, headers, body))
}

/// Asks once on a connection of its own.
pub async fn asking(address: SocketAddr, method: &str, target: &str, headers: &[&str], body: &str) -> Answer {
    let mut client = RawClient::connect(address).await.expect("it listens");
    client.request(method, target, headers, body.as_bytes()).await.expect("it takes the request");
    client.answer().await.unwrap_or_else(|error| panic!("{method} {target} was not answered: {error}"))
}

/// The data of each event of a stream; every event must be whole.
pub fn events(body: &[u8]) -> Vec<String> {
    let text = String::from_utf8(body.to_vec()).expect("a stream is UTF-8");
    text.split("\n\n")
        .filter(|event| !event.is_empty())
        .map(|event| event.strip_prefix("data: ").unwrap_or_else(|| panic!("not an event: {event}")).to_owned())
        .collect()
}

/// The texts of a streamed chat answer by choice and channel (`content`, `refusal`, `arguments:0`…), put together.
pub fn streamed_texts(body: &[u8]) -> BTreeMap<(u64, String), String> {
    let mut texts = BTreeMap::<(u64, String), String>::new();
    for data in events(body).iter().filter(|data| *data != "[DONE]") {
        let event: Value = serde_json::from_str(data).unwrap_or_else(|error| panic!("not JSON: {error}: {data}"));
        for choice in event["choices"].as_array().into_iter().flatten() {
            let index = choice["index"].as_u64().expect("a choice has an index");
            let mut add = |channel: String, text: &Value| {
                if let Some(text) = text.as_str() {
                    texts.entry((index, channel)).or_default().push_str(text);
                }
            };
            for channel in ["content", "refusal", "reasoning_content"] {
                add(channel.into(), &choice["delta"][channel]);
            }
            for call in choice["delta"]["tool_calls"].as_array().into_iter().flatten() {
                add(format!("arguments:{}", call["index"]), &call["function"]["arguments"]);
            }
        }
    }
    texts
}

/// The content of a streamed chat answer's first choice.
pub fn streamed_content(body: &[u8]) -> String {
    streamed_texts(body).remove(&(0, "content".into())).unwrap_or_default()
}

/// The code of a refusal.
pub fn code(answer: &Answer) -> String {
    let body: Value = serde_json::from_str(&answer.text()).unwrap_or_default();
    // In the words of most protocols the code stands inside the error, in Chroma's beside it.
    let code = body["error"]["code"].as_str().or(body["gatewright"]["code"].as_str());
    code.unwrap_or("no code").to_owned()
}
