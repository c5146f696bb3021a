//! A canary in the model's credential and one in the caller's token: found nowhere but where they must be.

use gatewright_e2e::answers::{ask, get};
use gatewright_e2e::gateway::{Gateway, Quickstart};
use gatewright_e2e::records;
use gatewright_testkit::{FakeModel, Reply, openai};

const CREDENTIAL: &str = "sk-canary-4b1f9c77d2e84a06";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_credential_nor_token_is_found_anywhere() {
    let model = FakeModel::start(|received| match received.target.as_str() {
        "/v1/models" => openai::models(&["sales-forecast", "restricted"]),
        _ if received.text().contains("please fail") => openai::error_with_credential(500, received),
        _ if received.text().contains("please deny") => openai::error_with_credential(401, received),
        _ if received.text().contains("please babble") => {
            // A careless server that repeats its caller's credential in an answer of 200, whole and streamed.
            let credential = received.headers.get("authorization").unwrap_or_default().to_owned();
            if received.text().contains("\"stream\":true") {
                openai::chat_stream("sales-forecast", ["you said ", &credential, " to me"])
            } else {
                openai::chat("sales-forecast", &format!("you said {credential} to me"))
            }
        }
        _ if received.text().contains("please break") => Reply::json(200, "this is no JSON"),
        _ => openai::chat("sales-forecast", "fine"),
    })
    .await
    .unwrap();
    let url = model.url();
    let mut gateway = tokio::task::block_in_place(|| {
        Gateway::quickstart(&Quickstart { upstream: Some(&url), upstream_key: Some(CREDENTIAL), data: None })
    });
    let token = gateway.token("alice");
    let mut seen = String::new();
    tokio::task::block_in_place(|| {
        let bearer = gateway.bearer("alice");
        let json = "content-type: application/json";
        let body = |text: &str, extra: &str| {
            format!(
                "{{\"model\":\"sales-forecast\",\"messages\":[{{\"role\":\"user\",\"content\":\"{text}\"}}]{extra}}}"
            )
        };
        let mut post = |target: &str, headers: &[&str], body: &str| {
            let answer = ask(gateway.data_address(), "POST", target, headers, body);
            seen.push_str(&String::from_utf8_lossy(&answer.raw));
            answer.status
        };
        let chat = "/v1/chat/completions";
        assert_eq!(post(chat, &[&bearer, json], &body("hello", "")), 200);
        assert_eq!(post(chat, &[&bearer, json], &body("please fail", "")), 502);
        assert_eq!(post(chat, &[&bearer, json], &body("please deny", "")), 502);
        assert_eq!(post(chat, &[&bearer, json], &body("please break", "")), 502);
        post(chat, &[&bearer, json], &body("please babble", ""));
        post(chat, &[&bearer, json], &body("please babble", ",\"stream\":true"));
        // Refused in every way that quotes what was sent.
        post(chat, &[&bearer, json], &body("hello", ",\"unknown\":1"));
        post(&format!("/v1/{token}"), &[&bearer, json], "{}");
        post(&format!("{chat}?key={token}"), &[&bearer, json], &body("hello", ""));
        post(chat, &[&format!("authorization: Bearer {token}x"), json], &body("hello", ""));
        post(chat, &[&bearer, &format!("x-api-key: {token}"), json], &body("hello", ""));
        post(chat, &[&bearer, json], &format!("{{\"model\":\"{token}\",\"messages\":[]}}"));
        for path in ["/metrics", "/readyz", "/healthz"] {
            seen.push_str(&get(gateway.admin_address(), path, &[]).text());
        }
    });
    let sent = model.received();
    assert!(sent.iter().all(|received| received.headers.get("authorization") == Some(&format!("Bearer {CREDENTIAL}"))));
    assert!(!sent.iter().any(|received| records::contains(&received.raw, token.as_bytes())), "the token went upstream");

    // The signature is what makes a token one; nobody can use the rest.
    let signature = token.rsplit('.').next().unwrap().to_owned();
    assert!(!seen.contains(CREDENTIAL), "the credential is in what a caller was given");
    assert!(!seen.contains(&signature), "the token is in what a caller was given");
    gateway.process().kill();
    let said = gateway.process().said();
    assert!(!said.contains(CREDENTIAL) && !said.contains(&signature), "a secret is in the log: {said}");
    let issued = gateway.data().join("demo");
    let outside_demo = |text: &str| {
        let mut found = records::files_with(gateway.data(), text);
        // The demo's own tokens lie where its printed commands read them.
        found.retain(|path| !std::path::Path::new(path).starts_with(&issued));
        found
    };
    assert_eq!(outside_demo(CREDENTIAL), [""; 0], "the credential is on disk");
    assert_eq!(outside_demo(&signature), [""; 0], "the token is on disk");
    records::verify(gateway.data());
}
