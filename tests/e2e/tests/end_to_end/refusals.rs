//! What is refused never reaches the model server, says why in the SDK's own exception, and is in the log.

use gatewright_e2e::answers::{self, ask, code};
use gatewright_e2e::gateway::Gateway;
use gatewright_e2e::records;
use gatewright_e2e::servers::Aimock;
use gatewright_e2e::tools::Sdk;
use gatewright_testkit::Answer;
use serde_json::Value;

#[test]
fn an_sdk_is_told_why_and_does_not_try_again() {
    let aimock = Aimock::start();
    let gateway = Gateway::before(&aimock.url());
    let expired = gateway.expired_token();
    let mut requests = Vec::new();
    for sdk in Sdk::ALL {
        let told = sdk.run(&gateway.base_url(), &gateway.token("alice"), &["refused", "restricted"]);
        assert_eq!(told["exception"], "PermissionDeniedError", "{sdk:?}: {told}");
        assert_eq!((&told["status"], &told["code"]), (&403.into(), &"permission_denied".into()), "{sdk:?}: {told}");
        assert_eq!(told["tries"], 1, "{sdk:?} tried again");
        let request = told["request"].as_str().unwrap_or_default();
        assert!(request.starts_with("req_"), "{sdk:?}: {told}");
        assert_eq!(told["header"], told["request"], "{sdk:?}");
        requests.push(request.to_owned());

        // A model that does not exist looks exactly like one that is forbidden.
        let unknown = sdk.run(&gateway.base_url(), &gateway.token("alice"), &["refused", "no-such-model"]);
        let same = |told: &Value| {
            told["message"].as_str().unwrap_or_default().replace(told["request"].as_str().unwrap_or("-"), "")
        };
        assert_eq!(
            (&unknown["status"], &unknown["code"], &unknown["rule"]),
            (&told["status"], &told["code"], &told["rule"])
        );
        assert_eq!(
            same(&unknown).replace("no-such-model", "MODEL"),
            same(&told).replace("restricted", "MODEL"),
            "{sdk:?}"
        );

        let told = sdk.run(&gateway.base_url(), &expired, &["refused", "sales-forecast"]);
        assert_eq!(told["exception"], "AuthenticationError", "{sdk:?}: {told}");
        assert_eq!((&told["status"], &told["code"]), (&401.into(), &"unauthenticated".into()), "{sdk:?}: {told}");
        assert_eq!(told["tries"], 1, "{sdk:?} tried again");
    }
    assert_eq!(aimock.journal(), Vec::<Value>::new(), "a refused request reached the model server");
    records::verify(gateway.data());
    let journeys = records::journeys(gateway.data());
    for request in requests {
        let journey = journeys.get(&request).unwrap_or_else(|| panic!("the refusal {request} is not in the log"));
        assert_eq!(journey["state"], "refused", "{journey}");
        assert!(journey.to_string().contains("permission_denied"), "{journey}");
    }
}

#[test]
fn nothing_that_is_refused_reaches_the_model() {
    let aimock = Aimock::start();
    let gateway = Gateway::before(&aimock.url());
    let (alice, expired) = (gateway.bearer("alice"), format!("authorization: Bearer {}", gateway.expired_token()));
    let json = "content-type: application/json";
    let good = "{\"model\":\"sales-forecast\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}";
    let post = |target: &str, headers: &[&str], body: &str| ask(gateway.data_address(), "POST", target, headers, body);
    let chat = "/v1/chat/completions";
    let api_key = format!("x-api-key: {}", gateway.token("bob"));
    let cases: Vec<(&str, u16, &str, Answer)> = vec![
        (
            "a denied model",
            403,
            "permission_denied",
            post(chat, &[&alice, json], &good.replace("sales-forecast", "restricted")),
        ),
        ("an unknown route", 404, "unknown_operation", post("/v1/images/generations", &[&alice, json], good)),
        (
            "an unknown route beside a known one",
            404,
            "unknown_operation",
            post("/v1/chat/completions/extra", &[&alice, json], good),
        ),
        (
            "a duplicate key, the allowed model first",
            400,
            "ambiguous_request",
            post(
                chat,
                &[&alice, json],
                &good.replacen('{', "{\"model\":\"sales-forecast\",", 1).replacen(
                    "\"model\":\"sales-forecast\",\"messages\"",
                    "\"model\":\"restricted\",\"messages\"",
                    1,
                ),
            ),
        ),
        (
            "a duplicate key, the allowed model last",
            400,
            "ambiguous_request",
            post(chat, &[&alice, json], &good.replacen('{', "{\"model\":\"restricted\",", 1)),
        ),
        (
            "a duplicate key deep inside",
            400,
            "ambiguous_request",
            post(chat, &[&alice, json], &good.replace("\"role\":\"user\"", "\"role\":\"user\",\"role\":\"system\"")),
        ),
        ("an expired token", 401, "unauthenticated", post(chat, &[&expired, json], good)),
        ("no token", 401, "unauthenticated", post(chat, &[json], good)),
        (
            "a token that is none",
            401,
            "unauthenticated",
            post(chat, &["authorization: Bearer eyJhbGciOiJub25lIn0.e30.", json], good),
        ),
        ("two identities", 400, "ambiguous_request", post(chat, &[&alice, &api_key, json], good)),
        (
            "an unknown field",
            400,
            "unsupported_field",
            post(chat, &[&alice, json], &good.replacen('{', "{\"web_search_options\":{},\"x_unknown\":1,", 1)),
        ),
        ("bytes after the value", 400, "invalid_request", post(chat, &[&alice, json], &format!("{good} {{}}"))),
        ("another content type", 415, "unsupported_media", post(chat, &[&alice, "content-type: text/plain"], good)),
        ("a compressed body", 415, "unsupported_media", post(chat, &[&alice, json, "content-encoding: gzip"], good)),
        (
            "a header of the gateway's own",
            400,
            "invalid_request",
            post(chat, &[&alice, json, "x-gatewright-decision: allow"], good),
        ),
        ("a person without any model", 403, "permission_denied", post(chat, &[&gateway.bearer("carol"), json], good)),
    ];
    for (what, status, expected, answer) in &cases {
        let seen = (answer.status, code(answer));
        assert_eq!((seen.0, seen.1.as_str()), (*status, *expected), "{what}: {}", answer.text());
        assert_eq!(answer.headers.get("x-should-retry"), Some("false"), "{what}");
        let id = answer.headers.get("x-gatewright-request-id").unwrap_or_default();
        assert!(
            id.starts_with("req_") && answer.text().contains(id),
            "{what}: its request has no id: {}",
            answer.text()
        );
    }
    assert_eq!(aimock.journal(), Vec::<Value>::new(), "a refused request reached the model server");

    // Each is in the log under its id. Refusals of strangers are told there in sum, so that they cannot fill it.
    for (what, status, expected, answer) in cases.iter().filter(|case| case.0 != "a header of the gateway's own") {
        let id = answer.headers.get("x-gatewright-request-id").unwrap_or_default();
        if matches!(*what, "two identities") || *status == 401 {
            continue;
        }
        let calls = records::calls(gateway.data(), id);
        let call = calls.get(id).unwrap_or_else(|| panic!("{what}: {id} is not in the log"));
        assert_eq!(call["state"], "refused", "{what}: {call}");
        assert!(call.to_string().contains(expected), "{what}: {call}");
    }
    let metrics = answers::get(gateway.admin_address(), "/metrics", &[]).text();
    assert!(metrics.contains("unauthenticated"), "strangers are not counted: {metrics}");

    // And the same call, well formed, does: so the journal would have shown the others.
    assert_eq!(post(chat, &[&alice, json], good).status, 200);
    assert_eq!(aimock.journal().len(), 1);
    let sent = &aimock.journal()[0];
    assert!(!sent["headers"].to_string().contains(&gateway.token("alice")), "the caller's token was sent upstream");
    records::verify(gateway.data());
}
