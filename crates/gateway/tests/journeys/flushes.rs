//! Text that is held back until it is decided: it is given, masked, before a stream says how it ended, when it breaks off,
//! and at no other time.

use std::time::Duration;

use gatewright_demo::issuer::Person;
use gatewright_model::Trust;
use gatewright_testkit::{FakeModel, RawClient, Reply, Step, openai};

use crate::desk::{Desk, contains};

const STREAMED: &str = r#"{"model":"open","stream":true,"messages":[{"role":"user","content":"who?"}]}"#;
const ADDRESS: &str = "dana.miller@example.com";

fn word(text: &str) -> String {
    openai::stream_event("open-there", 0, &format!(r#"{{"content":{}}}"#, openai::quoted(text)), "null")
}

async fn answered(reply: impl Fn() -> Reply + Send + Sync + 'static) -> (Desk, String) {
    let desk = Desk::new(FakeModel::start(move |_| reply()).await.unwrap(), Trust::Internal).await;
    let mut client = RawClient::connect(desk.address).await.unwrap();
    client.send(desk.request(Person::Alice, "/v1/chat/completions", STREAMED)).await.unwrap();
    client.head().await.unwrap();
    let mut bytes = Vec::new();
    while let Ok(Some(piece)) = client.piece().await {
        bytes.extend_from_slice(&piece);
    }
    tokio::time::sleep(Duration::from_millis(250)).await;
    for part in ["dana", "miller", "example.com"] {
        assert!(!contains(&bytes, part), "{part} was shown");
        assert!(!contains(&desk.disk_bytes(), part), "{part} was recorded");
    }
    (desk, String::from_utf8(bytes).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn before_a_finish_reason() {
    for last in ["", " 4111111111111111 and 123-45-678"] {
        let (_, text) = answered(move || {
            let end = openai::stream_event("open-there", 0, "{}", "\"stop\"");
            Reply::events([word("Ask dana.mil"), word("ler@example.com"), word(last), end, "data: [DONE]\n\n".into()])
        })
        .await;
        let (masked, reason) = (text.find("[EMAIL_ADDRESS]"), text.find(r#""finish_reason":"stop""#));
        assert!(masked.is_some() && masked < reason, "{text}");
        assert!(text.ends_with("data: [DONE]\n\n") && text.matches("finish_reason\":\"stop").count() == 1, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_finish_reason_in_the_same_event() {
    let (_, text) = answered(|| {
        let delta = format!(r#"{{"content":"Ask {ADDRESS}"}}"#);
        Reply::events([openai::stream_event("open-there", 0, &delta, "\"stop\""), "data: [DONE]\n\n".into()])
    })
    .await;
    assert!(text.find("[EMAIL_ADDRESS]") < text.find(r#""finish_reason":"stop""#), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_finish_reason_comes() {
    for end in ["data: [DONE]\n\n", ""] {
        let (_, text) = answered(move || Reply::events([word(&format!("Ask {ADDRESS}")), end.to_owned()])).await;
        assert!(text.contains("[EMAIL_ADDRESS]"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_model_breaks_off() {
    for step in [Step::Reset, Step::Close] {
        let (desk, text) = answered(move || Reply::events([word("Ask "), word(ADDRESS)]).then(step.clone())).await;
        let (masked, error) = (text.find("[EMAIL_ADDRESS]"), text.find("upstream_failed"));
        assert!(masked.is_some() && masked < error, "{text}");
        assert!(contains(&desk.disk_bytes(), "[EMAIL_ADDRESS]"), "it was recorded as it was shown");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_model_reports_a_failure() {
    let (_, text) = answered(|| {
        Reply::events([word(&format!("Ask {ADDRESS}")), "data: {\"error\":{\"message\":\"dana again\"}}\n\n".into()])
    })
    .await;
    assert!(text.contains("[EMAIL_ADDRESS]") && text.contains("upstream_failed"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn never_by_a_timer() {
    let wait = Duration::from_millis(900);
    let model = FakeModel::start(move |_| {
        let late = [word("ler@example.com "), "data: [DONE]\n\n".into()].into_iter();
        let reply = Reply::events([word("Ask "), word("dana.mil")]).then(Step::Wait(wait));
        late.fold(reply, Reply::send)
    });
    let desk = Desk::new(model.await.unwrap(), Trust::Internal).await;
    let mut client = RawClient::connect(desk.address).await.unwrap();
    client.send(desk.request(Person::Alice, "/v1/chat/completions", STREAMED)).await.unwrap();
    client.head().await.unwrap();
    let mut early = Vec::new();
    while let Ok(piece) = tokio::time::timeout(wait / 2, client.piece()).await {
        early.extend_from_slice(&piece.unwrap().expect("the answer goes on"));
    }
    assert!(contains(&early, "Ask ") && !contains(&early, "dana"), "{}", String::from_utf8_lossy(&early));
    let mut late = Vec::new();
    while let Some(piece) = client.piece().await.unwrap() {
        late.extend_from_slice(&piece);
    }
    assert!(contains(&late, "[EMAIL_ADDRESS]") && !contains(&late, "dana"), "{}", String::from_utf8_lossy(&late));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_leaves_leaves_no_half_of_a_value_behind() {
    let model = FakeModel::start(|_| Reply::events([word("Ask "), word("dana.miller@exam")]).then(Step::Stall));
    let desk = Desk::new(model.await.unwrap(), Trust::Internal).await;
    let mut client = RawClient::connect(desk.address).await.unwrap();
    client.send(desk.request(Person::Alice, "/v1/chat/completions", STREAMED)).await.unwrap();
    client.head().await.unwrap();
    let mut seen = Vec::new();
    while let Ok(piece) = tokio::time::timeout(Duration::from_millis(300), client.piece()).await {
        seen.extend_from_slice(&piece.unwrap().expect("the answer goes on"));
    }
    drop(client);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(contains(&seen, "Ask ") && !contains(&seen, "dana"), "{}", String::from_utf8_lossy(&seen));
    assert!(!contains(&desk.disk_bytes(), "dana"), "half of a value was recorded");
    assert!(format!("{:?}", desk.ears.0.lock().unwrap()).contains("ClientLeft"));
}
