//! What model servers keep: booked for its maker before it is shown, and opened for nobody else.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use gatewright_demo::issuer::Person;
use gatewright_model::Trust;
use gatewright_testkit::kept::Keeper;
use gatewright_testkit::{Answer, FakeModel, RawClient, Reply};
use serde_json::{Value, json};

use crate::desk::Desk;

async fn desk(keeper: &Arc<Keeper>) -> Desk {
    let answering = Arc::clone(keeper);
    Desk::new(FakeModel::start(move |received| answering.answer(received)).await.unwrap(), Trust::External).await
}

async fn send(desk: &Desk, person: Person, method: &str, target: &str, media: &str, body: &str) -> Answer {
    let media = if body.is_empty() { String::new() } else { format!("content-type: {media}\r\n") };
    let request = format!(
        "{method} {target} HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {}\r\n{media}content-length: {}\r\n\r\n{body}",
        desk.token(person),
        body.len()
    );
    RawClient::exchange(desk.address, request).await.expect("an answer")
}

async fn ask(desk: &Desk, person: Person, method: &str, target: &str, body: &str) -> Answer {
    send(desk, person, method, target, "application/json", body).await
}

fn said(answer: &Answer) -> Value {
    serde_json::from_str(&answer.text()).unwrap_or_else(|_| panic!("no JSON: {}", answer.text()))
}

async fn upload(desk: &Desk, person: Person, content: &str) -> Answer {
    let form = format!(
        "--x\r\ncontent-disposition: form-data; name=\"purpose\"\r\n\r\nuser_data\r\n--x\r\ncontent-disposition: \
         form-data; name=\"file\"; filename=\"n.txt\"\r\n\r\n{content}\r\n--x--\r\n"
    );
    send(desk, person, "POST", "/v1/files", "multipart/form-data; boundary=x", &form).await
}

async fn uploaded(desk: &Desk, person: Person) -> String {
    let answer = upload(desk, person, "hello").await;
    said(&answer)["id"].as_str().unwrap_or_else(|| panic!("{}", answer.text())).to_owned()
}

/// An answer without what differs from request to request.
fn without_request(answer: &Answer) -> (u16, Value, Vec<String>) {
    let mut body = said(answer);
    body["error"]["gatewright"]["request"] = Value::Null;
    let headers = ["content-type", "content-length", "x-gatewright-decision", "x-should-retry", "cache-control"];
    let headers = headers.iter().map(|name| format!("{:?}", answer.headers.get(name))).collect();
    (answer.status, body, headers)
}

#[tokio::test]
async fn somebody_elses_id_is_told_from_nobodys_by_nothing() {
    let keeper = Arc::new(Keeper::default());
    let desk = desk(&keeper).await;
    let bobs = uploaded(&desk, Person::Bob).await;
    desk.model.forget();
    let (mut looked, mut told) = (Vec::new(), Vec::new());
    for id in [bobs.as_str(), "file-nobody", "FILE-1"] {
        let before = desk.books.looked.load(Ordering::SeqCst);
        let answer = ask(&desk, Person::Alice, "GET", &format!("/v1/files/{id}"), "").await;
        looked.push(desk.books.looked.load(Ordering::SeqCst) - before);
        told.push(without_request(&answer));
    }
    assert_eq!(told[0].0, 404);
    assert!(told.iter().all(|one| one == &told[0]), "{told:?}");
    assert_eq!(looked, [1, 1, 1], "each costs one look");
    assert_eq!(desk.model.count(), 0, "nothing was sent");
    let own = ask(&desk, Person::Bob, "GET", &format!("/v1/files/{bobs}"), "").await;
    assert_eq!((own.status, &said(&own)["id"]), (200, &json!(bobs)));
}

#[tokio::test]
async fn what_cannot_be_booked_is_not_shown() {
    let keeper = Arc::new(Keeper::default());
    let desk = desk(&keeper).await;
    desk.books.broken.store(true, Ordering::SeqCst);
    for (target, body) in [
        ("/v1/responses", r#"{"model":"open","input":"hello"}"#),
        ("/v1/responses", r#"{"model":"open","input":"hello","stream":true}"#),
        ("/v1/conversations", "{}"),
        ("/v1/vector_stores", "{}"),
    ] {
        let answer = ask(&desk, Person::Alice, "POST", target, body).await;
        assert_eq!(said(&answer)["error"]["code"], "not_ready", "{target}");
        assert!(!answer.text().contains("resp_") && !answer.text().contains("conv_"), "{}", answer.text());
    }
    assert_eq!(said(&upload(&desk, Person::Alice, "hello").await)["error"]["code"], "not_ready");
    desk.model.forget();
    for (method, target) in [("GET", "/v1/files/file-1"), ("DELETE", "/v1/files/file-1"), ("GET", "/v1/files")] {
        let answer = ask(&desk, Person::Alice, method, target, "").await;
        assert_eq!((answer.status, &said(&answer)["error"]["code"]), (503, &json!("not_ready")), "{method} {target}");
    }
    assert_eq!(desk.model.count(), 0, "what is not known was not sent");
    // What names nothing and keeps nothing needs no books.
    let before = desk.books.looked.load(Ordering::SeqCst);
    let plain = r#"{"model":"open","input":"hello","store":false}"#;
    assert_eq!(ask(&desk, Person::Alice, "POST", "/v1/responses", plain).await.status, 200);
    assert_eq!(desk.books.looked.load(Ordering::SeqCst), before);
}

#[tokio::test]
async fn lists_are_of_the_callers_own_page_by_page() {
    let keeper = Arc::new(Keeper::default());
    let desk = desk(&keeper).await;
    let mut hers = Vec::new();
    for _ in 0..5 {
        hers.push(uploaded(&desk, Person::Alice).await);
        uploaded(&desk, Person::Bob).await;
    }
    keeper.lose(&hers[2]);
    desk.model.forget();
    let (mut listed, mut after) = (Vec::new(), String::new());
    loop {
        let page = ask(&desk, Person::Alice, "GET", &format!("/v1/files?order=asc&limit=2{after}"), "").await;
        let page = said(&page);
        let ids: Vec<String> =
            page["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
        assert_eq!(page["first_id"], json!(ids.first()), "{page}");
        assert_eq!(page["last_id"], json!(ids.last()), "{page}");
        listed.extend(ids);
        after = format!("&after={}", page["last_id"].as_str().unwrap_or_default());
        if page["has_more"] == json!(false) {
            break;
        }
        assert!(listed.len() < 20, "it never ends");
    }
    hers.remove(2);
    assert_eq!(listed, hers, "in order, without gap or repetition, and without what is gone");
    let targets: Vec<String> = desk.model.received().iter().map(|request| request.target.clone()).collect();
    assert!(targets.iter().all(|target| target.starts_with("/v1/files/file-")), "{targets:?}");
    let newest = said(&ask(&desk, Person::Alice, "GET", "/v1/files?limit=1", "").await);
    assert_eq!((&newest["data"][0]["id"], &newest["has_more"]), (&json!(hers[3]), &json!(true)));
}

#[tokio::test]
async fn a_streamed_response_is_masked_and_booked() {
    let keeper = Arc::new(Keeper::default());
    let desk = desk(&keeper).await;
    let streamed =
        ask(&desk, Person::Alice, "POST", "/v1/responses", r#"{"model":"open","input":"hi","stream":true}"#).await;
    let text = streamed.text();
    assert!(!text.contains("erika") && !text.contains("open-there"), "{text}");
    let events: Vec<Value> =
        text.split("\n\n").filter_map(|event| serde_json::from_str(event.split_once("data: ")?.1).ok()).collect();
    let deltas: String = events.iter().filter_map(|event| event["delta"].as_str()).collect();
    assert_eq!(deltas, "Write to [EMAIL_ADDRESS].");
    let last = events.last().unwrap();
    assert_eq!(last["type"], "response.completed");
    assert_eq!(last["response"]["output"][0]["content"][0]["text"], deltas);
    assert_eq!(last["response"]["model"], "open");
    let id = last["response"]["id"].as_str().unwrap();
    let whole = said(&ask(&desk, Person::Alice, "GET", &format!("/v1/responses/{id}"), "").await);
    assert_eq!(whole["output"][0]["content"][0]["text"], deltas, "a stream equals the whole");
    assert_eq!(ask(&desk, Person::Bob, "GET", &format!("/v1/responses/{id}"), "").await.status, 404);
    // What goes on from it is the same session.
    let on = format!(r#"{{"model":"open","input":"and?","previous_response_id":"{id}"}}"#);
    let on = ask(&desk, Person::Alice, "POST", "/v1/responses", &on).await;
    let session = |answer: &Answer| answer.headers.get("x-gatewright-session").map(str::to_owned);
    assert!(session(&on).is_some() && session(&on) == session(&streamed), "{:?}", on.headers);
    assert_eq!(ask(&desk, Person::Alice, "DELETE", &format!("/v1/responses/{id}"), "").await.status, 200);
    assert_eq!(ask(&desk, Person::Alice, "GET", &format!("/v1/responses/{id}"), "").await.status, 404);
}

#[tokio::test]
async fn an_answer_with_somebody_elses_id_is_not_shown() {
    let model = FakeModel::start(|_| Reply::json(200, r#"{"id":"file-1","object":"file","filename":"secret"}"#));
    let desk = Desk::new(model.await.unwrap(), Trust::External).await;
    assert_eq!(upload(&desk, Person::Bob, "hello").await.status, 200);
    let answer = upload(&desk, Person::Alice, "hello").await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert!(!answer.text().contains("file-1") && !answer.text().contains("secret"), "{}", answer.text());
}

#[tokio::test]
async fn a_batchs_results_are_its_makers_alone() {
    let keeper = Arc::new(Keeper::default());
    let desk = desk(&keeper).await;
    let row = r#"{"custom_id":"c","method":"POST","url":"/v1/chat/completions","body":{"model":"open","max_tokens":5000,"messages":[{"role":"user","content":"I am erika@mustermann.example"}]}}"#;
    let form = |row: &str| {
        format!(
            "--x\r\ncontent-disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n--x\r\ncontent-disposition: form-data; \
             name=\"file\"; filename=\"n\"\r\n\r\n{row}\r\n--x--"
        )
    };
    let multipart = "multipart/form-data; boundary=x";
    // One row that may not run keeps the whole file from being sent, and is named.
    let closed = row.replace("\"open\"", "\"closed\"");
    let refused = send(&desk, Person::Alice, "POST", "/v1/files", multipart, &form(&format!("{row}\n{closed}"))).await;
    assert_eq!(refused.status, 403, "{}", refused.text());
    assert!(refused.text().contains("Row 2"), "{}", refused.text());
    assert_eq!(desk.model.count(), 0);
    let file = said(&send(&desk, Person::Alice, "POST", "/v1/files", multipart, &form(row)).await)["id"].clone();
    let sent = keeper.content(file.as_str().unwrap()).unwrap();
    let sent: Value = serde_json::from_str(sent.trim()).unwrap();
    assert_eq!((&sent["body"]["model"], &sent["body"]["max_tokens"]), (&json!("open-there"), &json!(100)));
    assert_eq!(sent["body"]["messages"][0]["content"], "I am [EMAIL_ADDRESS]");
    let batch = json!({"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h"});
    assert_eq!(ask(&desk, Person::Bob, "POST", "/v1/batches", &batch.to_string()).await.status, 404);
    let batch = said(&ask(&desk, Person::Alice, "POST", "/v1/batches", &batch.to_string()).await);
    let results = format!("/v1/files/{}/content", batch["output_file_id"].as_str().unwrap());
    let content = ask(&desk, Person::Alice, "GET", &results, "").await;
    assert!(content.text().contains("[EMAIL_ADDRESS]") && !content.text().contains("erika"), "{}", content.text());
    assert_eq!(ask(&desk, Person::Bob, "GET", &results, "").await.status, 404);
    let hers = said(&ask(&desk, Person::Alice, "GET", "/v1/batches", "").await);
    assert_eq!(hers["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(said(&ask(&desk, Person::Bob, "GET", "/v1/batches", "").await)["data"], json!([]));
    // Carol has no role that lets her keep anything.
    assert_eq!(ask(&desk, Person::Carol, "GET", "/v1/files/file-1", "").await.status, 403);
}
