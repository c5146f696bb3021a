//! A refused call never reaches the model, says why in the caller's protocol, and is in the log before it is said.

use std::time::Duration;

use gatewright_demo::issuer::Person;
use gatewright_model::{Clock, Event, Timestamp, Trust};
use gatewright_testkit::{FakeModel, RawClient, openai};

use crate::desk::{CREDENTIAL, Desk, Now, contains};

const ALLOWED: &str = r#"{"model":"open","messages":[{"role":"user","content":"hello"}]}"#;

async fn desk() -> Desk {
    Desk::new(FakeModel::start(|_| openai::chat("open-there", "fine")).await.unwrap(), Trust::Internal).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_allowed_call_reaches_the_model_with_its_credential_and_without_the_callers() {
    let desk = desk().await;
    let token = desk.token(Person::Alice);
    let answer = desk.chat(Person::Alice, ALLOWED).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.text().contains("fine"));
    assert!(answer.headers.get("x-gatewright-request-id").is_some_and(|id| id.starts_with("req_")));
    let received = &desk.model.received()[0];
    assert_eq!(received.headers.get("authorization"), Some(format!("Bearer {CREDENTIAL}").as_str()));
    assert!(!contains(&received.raw, &token));
    assert!(received.text().contains(r#""model":"open-there""#), "{}", received.text());
    // An omitted parameter with a default is sent, since policy decided on it.
    assert!(received.text().contains("50"), "{}", received.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_recorded_with_what_it_was_made_from() {
    let desk = desk().await;
    desk.chat(Person::Alice, ALLOWED).await;
    desk.chat(Person::Alice, &ALLOWED.replace("open", "closed")).await;
    let heard = desk.ears.0.lock().unwrap();
    let grounds: Vec<_> = heard
        .iter()
        .flat_map(|(_, moments)| moments)
        .filter_map(|moment| match &moment.event {
            Event::Decided { grounds, .. } => grounds.clone(),
            _ => None,
        })
        .collect();
    assert_eq!(grounds.len(), 2, "an allowed and a denied call");
    for grounds in grounds {
        assert!(grounds.standing.groups.iter().any(|group| &**group == "analysts"), "{grounds:?}");
        assert_eq!(grounds.standing.unlisted, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_never_leaves() {
    let desk = desk().await;
    let cases = [
        (r#"{"model":"closed","messages":[{"role":"user","content":"x"}]}"#, 403, "permission_denied"),
        (r#"{"model":"nowhere","messages":[{"role":"user","content":"x"}]}"#, 403, "permission_denied"),
        (r#"{"model":"open","model":"closed","messages":[{"role":"user","content":"x"}]}"#, 400, "ambiguous_request"),
        (r#"{"model":"open","\u006dodel":"closed","messages":[]}"#, 400, "ambiguous_request"),
        (r#"{"model":"open","messages":[{"role":"user","content":"x","content":"y"}]}"#, 400, "ambiguous_request"),
        (r#"{"model":"open","messages":[{"role":"user","content":"x"}]} {}"#, 400, "invalid_request"),
        (
            r#"{"model":"open","messages":[{"role":"user","content":"x"}],"fallbacks":["closed"]}"#,
            400,
            "unsupported_field",
        ),
        (r#"{"model":"open ","messages":[{"role":"user","content":"x"}]}"#, 403, "permission_denied"),
    ];
    for (body, status, code) in cases {
        let answer = desk.chat(Person::Alice, body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
        assert!(answer.text().contains(&format!(r#""code":"{code}""#)), "{body}: {}", answer.text());
    }
    assert_eq!(desk.model.count(), 0, "nothing may reach the model");
}

#[tokio::test(flavor = "multi_thread")]
async fn forbidden_and_unknown_models_look_alike() {
    let desk = desk().await;
    let ask = |model: &str| format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":"x"}}]}}"#);
    let (forbidden, unknown) =
        (desk.chat(Person::Alice, &ask("closed")).await, desk.chat(Person::Alice, &ask("closer")).await);
    let bare = |answer: &gatewright_testkit::Answer, name: &str| {
        let text = answer.text().replace(name, "NAME");
        let id = answer.headers.get("x-gatewright-request-id").unwrap_or_default().to_owned();
        text.replace(&id, "ID")
    };
    assert_eq!(bare(&forbidden, "closed"), bare(&unknown, "closer"));
    assert_eq!(forbidden.status, unknown.status);
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_and_heads_that_nobody_serves() {
    let desk = desk().await;
    let token = desk.token(Person::Alice);
    for (method, path, status) in [
        ("POST", "/v1/chat/completions2", 404),
        ("POST", "/v1/chat/completions/", 404),
        ("POST", "/v1/fine_tuning/jobs", 404),
        ("GET", "/v1/assistants", 404),
        ("DELETE", "/v1/models/open", 404),
        ("POST", "//v1/chat/completions", 400),
        ("POST", "/v1/%63hat/completions", 400),
        ("POST", "/v1/chat/completions?model=closed", 400),
    ] {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{ALLOWED}",
            ALLOWED.len()
        );
        let answer = RawClient::exchange(desk.address, head).await.unwrap();
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
    }
    assert_eq!(desk.model.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_get_nowhere() {
    let desk = desk().await;
    let early = Timestamp::from_seconds(Now.now().seconds() - 7_200);
    let expired = desk.issuer.mint_at(Person::Alice, early, Duration::from_secs(60));
    let good = desk.token(Person::Alice);
    for (headers, status, code) in [
        (String::new(), 401, "unauthenticated"),
        (format!("authorization: Bearer {expired}\r\n"), 401, "unauthenticated"),
        (format!("authorization: Bearer {}x\r\n", good), 401, "unauthenticated"),
        ("authorization: Basic YTpi\r\n".to_owned(), 401, "unauthenticated"),
        (format!("authorization: Bearer {good}\r\nx-api-key: {good}\r\n"), 400, "ambiguous_request"),
    ] {
        let request = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\n{headers}content-type: application/json\r\ncontent-length: {}\r\n\r\n{ALLOWED}",
            ALLOWED.len()
        );
        let answer = RawClient::exchange(desk.address, request).await.unwrap();
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(answer.text().contains(code), "{}", answer.text());
    }
    assert_eq!(desk.model.count(), 0);
    let spoken = format!("x-api-key: {good}\r\n");
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\n{spoken}content-type: application/json\r\ncontent-length: {}\r\n\r\n{ALLOWED}",
        ALLOWED.len()
    );
    assert_eq!(RawClient::exchange(desk.address, request).await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstreams_error_shows_neither_its_credential_nor_its_words() {
    let model = FakeModel::start(|received| openai::error_with_credential(500, received)).await.unwrap();
    let desk = Desk::new(model, Trust::Internal).await;
    let answer = desk.chat(Person::Alice, ALLOWED).await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert!(!contains(&answer.raw, CREDENTIAL));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!contains(&desk.disk_bytes(), CREDENTIAL));
    assert!(!format!("{:?}", desk.ears.0.lock().unwrap()).contains(CREDENTIAL));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_models_is_the_callers_own() {
    let desk = desk().await;
    for (person, here, absent) in [(Person::Alice, "\"open\"", Some("\"closed\"")), (Person::Bob, "\"closed\"", None)] {
        let request =
            format!("GET /v1/models HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {}\r\n\r\n", desk.token(person));
        let answer = RawClient::exchange(desk.address, request).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(answer.text().contains(here), "{}", answer.text());
        assert!(absent.is_none_or(|absent| !answer.text().contains(absent)), "{}", answer.text());
    }
    assert_eq!(desk.model.count(), 0);
}
