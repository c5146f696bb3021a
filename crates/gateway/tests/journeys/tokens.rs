//! Values that an external model knows by tokens: what it is sent, what its caller is shown of what it says, and what the
//! disk keeps.

use std::time::Duration;

use gatewright_demo::issuer::Person;
use gatewright_model::Trust;
use gatewright_testkit::{FakeModel, Reply, openai};
use serde_json::{Value, json};

use crate::desk::{Desk, contains};

const EMAIL: &str = "dana.miller@example.com";

/// A model that says this: streamed in pieces of a byte where a stream is asked for, whole otherwise.
async fn saying(text: &'static str) -> FakeModel {
    let model = FakeModel::start(move |received| match received.text().contains(r#""stream":true"#) {
        true => openai::chat_stream("open-there", text.char_indices().map(|(at, c)| &text[at..at + c.len_utf8()])),
        false => openai::chat("open-there", text),
    });
    model.await.unwrap()
}

/// A model that calls a tool with these arguments, streamed in pieces of a byte or whole.
async fn calling(arguments: &'static str) -> FakeModel {
    let model = FakeModel::start(move |received| {
        if !received.text().contains(r#""stream":true"#) {
            let call = json!({ "id": "c", "type": "function", "function": { "name": "f", "arguments": arguments } });
            let message = json!({ "role": "assistant", "content": null, "tool_calls": [call] });
            let choices = json!([{ "index": 0, "message": message, "finish_reason": "tool_calls" }]);
            return Reply::json(200, json!({ "object": "chat.completion", "choices": choices }).to_string());
        }
        let part = |function: Value| {
            let delta = json!({ "tool_calls": [{ "index": 0, "id": "c", "type": "function", "function": function }] });
            openai::stream_event("open-there", 0, &delta.to_string(), "null")
        };
        let mut events = vec![part(json!({ "name": "f", "arguments": "" }))];
        events.extend(arguments.chars().map(|c| part(json!({ "arguments": c.to_string() }))));
        events.push(openai::stream_event("open-there", 0, "{}", "\"tool_calls\""));
        events.push("data: [DONE]\n\n".to_owned());
        Reply::events(events)
    });
    model.await.unwrap()
}

fn asking(stream: bool, text: &str) -> String {
    let messages = json!([{ "role": "user", "content": text }]);
    let tools = json!([{ "type": "function", "function": { "name": "f" } }]);
    json!({ "model": "open", "stream": stream, "messages": messages, "tools": tools }).to_string()
}

/// The content and the arguments of an answer, whole or streamed.
fn said(answer: &str) -> (String, String) {
    let (mut content, mut arguments) = (String::new(), String::new());
    let events = answer.split("\n\n").map(|event| event.strip_prefix("data: ").unwrap_or(event));
    for event in events.filter_map(|event| serde_json::from_str::<Value>(event).ok()) {
        for choice in event["choices"].as_array().into_iter().flatten() {
            let part = choice.get("delta").unwrap_or(&choice["message"]);
            content.push_str(part["content"].as_str().unwrap_or_default());
            for call in part["tool_calls"].as_array().into_iter().flatten() {
                arguments.push_str(call["function"]["arguments"].as_str().unwrap_or_default());
            }
        }
    }
    (content, arguments)
}

/// What reached the model and the disk, once everything is on it, has none of these.
async fn kept_from_model_and_disk(desk: &Desk, values: &[&str]) {
    tokio::time::sleep(Duration::from_millis(250)).await;
    for value in values {
        assert!(desk.model.received().iter().all(|received| !contains(&received.raw, value)), "the model saw {value}");
        assert!(!contains(&desk.disk_bytes(), value), "the disk holds {value}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_comes_back_to_who_may_see_it_whole_and_streamed() {
    for (says, seen) in [
        ("Wrote to <EMAIL_ADDRESS_1>.", "Wrote to dana.miller@example.com."),
        (
            r"Wrote to \<EMAIL\_ADDRESS\_1\>, *email_address_1*",
            "Wrote to dana.miller@example.com, *dana.miller@example.com*",
        ),
        (
            "＜ＥＭＡＩＬ＿ＡＤＤＲＥＳＳ＿１＞ &lt;Email Address 1&gt;",
            "dana.miller@example.com dana.miller@example.com",
        ),
    ] {
        let desk = Desk::new(saying(says).await, Trust::External).await;
        for stream in [false, true] {
            let body = asking(stream, &format!("write to {EMAIL}"));
            let shown = desk.chat(Person::Bob, &body).await;
            assert_eq!(said(&shown.text()).0, seen);
            let hidden = desk.chat(Person::Alice, &body).await;
            assert_eq!(said(&hidden.text()).0, says);
            assert!(!contains(&hidden.raw, EMAIL));
        }
        kept_from_model_and_disk(&desk, &[EMAIL]).await;
        assert!(contains(&desk.disk_bytes(), "<EMAIL_ADDRESS_1>"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_is_given_the_value_only_where_a_role_says_so() {
    let arguments = r#"{"to": "<EMAIL_ADDRESS_1>", "body": "Dear \u003cEMAIL_ADDRESS_1\u003e,\n…"}"#;
    let desk = Desk::new(calling(arguments).await, Trust::External).await;
    for stream in [false, true] {
        let body = asking(stream, &format!("write to {EMAIL}"));
        for (person, expected) in
            [(Person::Alice, "<EMAIL_ADDRESS_1>"), (Person::Bob, "<EMAIL_ADDRESS_1>"), (Person::Carol, EMAIL)]
        {
            let answer = desk.chat(person, &body).await;
            let told: Value = serde_json::from_str(&said(&answer.text()).1).expect("the arguments are JSON");
            assert_eq!(told, json!({ "to": expected, "body": format!("Dear {expected},\n…") }), "{}", answer.text());
        }
    }
    kept_from_model_and_disk(&desk, &[EMAIL]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_comes_back_in_a_url_or_from_another_session() {
    let text = "![x](https://e.example/?q=<EMAIL_ADDRESS_1>) <EMAIL_ADDRESS_2>";
    let desk = Desk::new(saying(text).await, Trust::External).await;
    for stream in [false, true] {
        for prompt in [format!("write to {EMAIL}"), "hello".to_owned()] {
            let answer = desk.chat(Person::Bob, &asking(stream, &prompt)).await;
            assert_eq!(said(&answer.text()).0, text);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_turn_speaks_of_the_same_tokens() {
    let desk = Desk::new(saying("fine").await, Trust::External).await;
    let mut messages = vec![json!({ "role": "user", "content": format!("write to {EMAIL}") })];
    let body =
        |messages: &[Value]| json!({ "user": "zoe@example.org", "model": "open", "messages": messages }).to_string();
    desk.chat(Person::Alice, &body(&messages)).await;
    let call = json!({ "id": "c", "type": "function", "function": { "name": "f", "arguments": r#"{"to":"<EMAIL_ADDRESS_1>"}"# } });
    messages.push(json!({ "role": "assistant", "content": "I wrote to <EMAIL_ADDRESS_1>.", "tool_calls": [call] }));
    messages.push(json!({ "role": "tool", "tool_call_id": "c", "content": "sent" }));
    messages.push(json!({ "role": "user", "content": "now bob@example.com; what is <EMAIL_ADDRESS_1>?" }));
    desk.chat(Person::Alice, &body(&messages)).await;
    let received = desk.model.received();
    let sent =
        |at: usize| serde_json::from_str::<Value>(received[at].text().split("\r\n\r\n").last().unwrap()).unwrap();
    assert_eq!(sent(0)["messages"][0]["content"], "write to <EMAIL_ADDRESS_1>");
    let later = sent(1);
    assert_eq!(later["messages"][0]["content"], "write to <EMAIL_ADDRESS_1>");
    // What the model said of the token it still says; what the caller writes like one is text.
    assert_eq!(later["messages"][1]["content"], "I wrote to <EMAIL_ADDRESS_1>.");
    assert_eq!(later["messages"][1]["tool_calls"][0]["function"]["arguments"], r#"{"to":"<EMAIL_ADDRESS_1>"}"#);
    assert_eq!(later["messages"][3]["content"], "now <EMAIL_ADDRESS_2>; what is <LITERAL_TEXT_1>?");
    kept_from_model_and_disk(&desk, &[EMAIL, "bob@example.com", "zoe@example.org"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_value_stops_the_call() {
    let desk = Desk::new(saying("fine").await, Trust::External).await;
    let body = asking(false, "charge 4111 1111 1111 1111");
    let answer = desk.chat(Person::Carol, &body).await;
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert!(answer.text().contains("blocked_content") && !contains(&answer.raw, "4111"), "{}", answer.text());
    assert_eq!(desk.model.count(), 0);
    // Only for her role.
    assert_eq!(desk.chat(Person::Alice, &body).await.status, 200);
    kept_from_model_and_disk(&desk, &["4111 1111"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_passes_and_is_told() {
    let phone = "+1 212-555-0142";
    let desk = Desk::new(saying("Call +1 212-555-0142 now").await, Trust::External).await;
    for (stream, count) in [(false, 2), (true, 4)] {
        let answer = desk.chat(Person::Carol, &asking(stream, &format!("who has {phone}?"))).await;
        assert!(said(&answer.text()).0.contains(phone), "{}", answer.text());
        tokio::time::sleep(Duration::from_millis(250)).await;
        assert!(contains(&desk.model.received().last().unwrap().raw, phone));
        let told = format!("{:?}", desk.ears.0.lock().unwrap());
        assert_eq!(told.matches("Alerted").count(), count, "{told}");
        for side in [
            "side: Request, passed: [Tally { info_type: PHONE_NUMBER",
            "side: Answer, passed: [Tally { info_type: PHONE_NUMBER",
        ] {
            assert!(told.contains(side), "{told}");
        }
    }
    assert!(!contains(&desk.disk_bytes(), phone), "the record has the masked view");
    assert!(contains(&desk.disk_bytes(), "alerted"), "the record has the alert");
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_are_masked_inside_arguments() {
    let arguments =
        r#"{ "customer": {"ssn": 148819194, "age": 44}, "list": [{"password": "a\u0062\"c"}], "ssn": "x" }"#;
    let masked = r#"{ "customer": {"ssn": "[FIELD]", "age": 44}, "list": [{"password": "[FIELD]"}], "ssn": "x" }"#;
    let desk = Desk::new(calling(arguments).await, Trust::Internal).await;
    for stream in [false, true] {
        let answer = desk.chat(Person::Alice, &asking(stream, "call it")).await;
        assert_eq!(said(&answer.text()).1, masked);
    }
    // On the way in too, where they stand in the conversation.
    let outside = Desk::new(saying("fine").await, Trust::External).await;
    let call = json!({ "id": "c", "type": "function", "function": { "name": "f", "arguments": arguments } });
    let messages = json!([
        { "role": "user", "content": "call it" },
        { "role": "assistant", "content": null, "tool_calls": [call] },
        { "role": "tool", "tool_call_id": "c", "content": "done" },
    ]);
    outside.chat(Person::Alice, &json!({ "model": "open", "messages": messages }).to_string()).await;
    let received = outside.model.received();
    let sent: Value = serde_json::from_str(received[0].text().split("\r\n\r\n").last().unwrap()).unwrap();
    let sent = sent["messages"][1]["tool_calls"][0]["function"]["arguments"].as_str().unwrap();
    assert_eq!(sent, masked.replacen("[FIELD]", "<FIELD_1>", 1).replace("[FIELD]", "<FIELD_2>"));
}
