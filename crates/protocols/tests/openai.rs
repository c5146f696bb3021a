//! What is OpenAI's own: parameters that policy sets, models, errors of model servers, refusals byte for byte.

#![allow(clippy::unwrap_used, clippy::panic, clippy::result_large_err, reason = "tests")]

mod support;

use std::time::Duration;

use gatewright_json::{Value, to_bytes};
use gatewright_model::{ApprovalId, Code, Parameter, Quantity, Refusal, Setting, WhySet};
use gatewright_protocols::{Claim, Dialect, Fault, Protocol, ReplyHead, claim, openai::OpenAi};
use support::{FakeWords, json, request_id};

const CHAT: &str = r#""messages":[{"role":"user","content":"u"}]"#;

fn prepared(
    path: &str,
    body: &str,
    settings: &[(Parameter, &str, WhySet)],
    dialect: Dialect,
) -> Result<String, Refusal> {
    let Claim { protocol, route, .. } = claim("POST", path).unwrap();
    let mut body = json(body);
    let settings: Vec<Setting> = settings
        .iter()
        .map(|(parameter, value, why)| Setting {
            parameter: *parameter,
            value: Quantity::parse(value).unwrap(),
            why: *why,
        })
        .collect();
    protocol.prepare(route, &mut body, "UP", &settings, &dialect)?;
    Ok(String::from_utf8(to_bytes(&body)).unwrap())
}

fn chat(fields: &str, settings: &[(Parameter, &str, WhySet)], dialect: Dialect) -> String {
    let body = format!(r#"{{"model":"A",{CHAT}{fields}}}"#);
    let sent = prepared("/v1/chat/completions", &body, settings, dialect).unwrap();
    sent.replace(&format!(r#"{{"model":"UP",{CHAT}"#), "").trim_end_matches('}').to_owned()
}

#[test]
fn parameters_are_set_under_the_name_that_was_used() {
    use Parameter::{Logprobs, MaxTokens, Temperature, TopK};
    use WhySet::{Clamped, Default as Usual};
    let vendor = Dialect::Vendor;
    assert_eq!(chat("", &[(MaxTokens, "512", Usual)], vendor), r#","max_tokens":512"#);
    assert_eq!(chat(r#","max_tokens":9"#, &[(MaxTokens, "5", Clamped)], vendor), r#","max_tokens":5"#);
    let newer = r#","max_tokens":null,"max_completion_tokens":9"#;
    assert_eq!(chat(newer, &[(MaxTokens, "5", Clamped)], vendor), r#","max_completion_tokens":5"#);
    assert_eq!(chat(r#","temperature":1.5"#, &[(Temperature, "0.70", Clamped)], vendor), r#","temperature":0.7"#);
    assert_eq!(chat(r#","logprobs":true"#, &[(Logprobs, "0", Clamped)], vendor), r#","logprobs":false"#);
    // A default for what the server does not know is nothing to send.
    assert_eq!(chat("", &[(TopK, "40", Usual)], vendor), "");
    assert_eq!(chat("", &[(TopK, "40", Usual)], OpenAi.dialect("vllm").unwrap()), r#","top_k":40"#);
}

#[test]
fn a_limit_that_cannot_be_set_refuses() {
    let body = format!(r#"{{"model":"A",{CHAT},"tools":[]}}"#);
    let settings = [(Parameter::Tools, "1", WhySet::Clamped)];
    let refusal = prepared("/v1/chat/completions", &body, &settings, Dialect::Vendor).unwrap_err();
    assert_eq!((refusal.code, refusal.param.as_deref()), (Code::InvalidRequest, Some("tools")));
    let embed = r#"{"model":"A","input":"x"}"#;
    let usual = [(Parameter::MaxTokens, "512", WhySet::Default)];
    assert_eq!(prepared("/v1/embeddings", embed, &usual, Dialect::Vendor).unwrap(), r#"{"model":"UP","input":"x"}"#);
}

#[test]
fn streams_are_asked_for_token_counts() {
    assert_eq!(
        chat(r#","stream":true"#, &[], Dialect::Vendor),
        r#","stream":true,"stream_options":{"include_usage":true"#
    );
    assert_eq!(chat(r#","stream":false,"stream_options":{}"#, &[], Dialect::Vendor), r#","stream":false"#);
}

#[test]
fn ids_link_calls_to_results_and_say_nothing() {
    let history = r#"{"model":"A","messages":[{"role":"assistant","tool_calls":[{"id":"4111111111111111"},{"id":"b"}]},{"role":"tool","tool_call_id":"b","content":"x"},{"role":"tool","tool_call_id":"4111111111111111","content":"y"},{"role":"tool","tool_call_id":"never seen","content":"z"}]}"#;
    let sent = prepared("/v1/chat/completions", history, &[], Dialect::Vendor).unwrap();
    assert_eq!(
        sent,
        r#"{"model":"UP","messages":[{"role":"assistant","tool_calls":[{"id":"call00001"},{"id":"call00002"}]},{"role":"tool","tool_call_id":"call00002","content":"x"},{"role":"tool","tool_call_id":"call00001","content":"y"},{"role":"tool","tool_call_id":"call00003","content":"z"}]}"#
    );
}

#[test]
fn texts_are_rewritten_in_their_places() {
    let Claim { protocol, route, .. } = claim("POST", "/v1/chat/completions").unwrap();
    let mut body = json(
        r#"{"model":"A","messages":[{"role":"assistant","tool_calls":[{"id":"x","function":{"name":"f","arguments":"{\"a@b.co\": \"\\u0061@b.co\", \"n\": 4111111111111111, \"k\": [true, \"\\n\"]}"}},{"id":"y","function":{"name":"f","arguments":"mail a@b.co"}}]}],"metadata":{"a@b.co":"x","c@d.eu":"y"},"tools":[{"type":"function","function":{"name":"f","parameters":{"default":4111111111111111}}}]}"#,
    );
    protocol.request_texts(route, &mut body, &mut |text| *text.text = support::masked(text.text));
    assert_eq!(
        String::from_utf8(to_bytes(&body)).unwrap(),
        r#"{"model":"A","messages":[{"role":"assistant","tool_calls":[{"id":"x","function":{"name":"f","arguments":"{\"[EMAIL_ADDRESS]\": \"[EMAIL_ADDRESS]\", \"n\": \"[CREDIT_CARD]\", \"k\": [true, \"\\n\"]}"}},{"id":"y","function":{"name":"f","arguments":"mail [EMAIL_ADDRESS]"}}]}],"metadata":{"[EMAIL_ADDRESS]":"x","[EMAIL_ADDRESS] 2":"y"},"tools":[{"type":"function","function":{"name":"f","parameters":{"default":"[CREDIT_CARD]"}}}]}"#
    );
}

#[test]
fn models_are_listed_and_described() {
    let Claim { protocol, route, ids } = claim("GET", "/v1/models").unwrap();
    let list = protocol.models(route, &ids, &["a", "b"]).unwrap();
    assert_eq!(
        String::from_utf8(list.clone()).unwrap(),
        r#"{"object":"list","data":[{"id":"a","object":"model","created":0,"owned_by":"gatewright"},{"id":"b","object":"model","created":0,"owned_by":"gatewright"}]}"#
    );
    assert_eq!(protocol.discovered(&list), Ok(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(protocol.discovered(b"{}"), Err(Fault::Malformed));
    let Claim { protocol, route, ids } = claim("GET", "/v1/models/b").unwrap();
    assert!(protocol.models(route, &ids, &["a", "b"]).is_ok());
    let unknown = protocol.models(route, &ids, &["a"]).unwrap_err();
    assert_eq!(unknown.code, Code::PermissionDenied);
    assert!(!unknown.message.contains('b') || unknown == protocol.models(route, &["zz"], &["a"]).unwrap_err());
}

#[test]
fn refusals_look_as_the_contract_says() {
    let mut refusal = Refusal::new(Code::ApprovalPending, "Held by rule bulk-export.")
        .about("messages")
        .by("bulk-export".into())
        .retry_after(Duration::from_secs(30));
    refusal.approval = Some((ApprovalId::from_bytes([0x22; 16]), "http://x/a".to_owned()));
    let words = OpenAi.refusal(&refusal, &request_id());
    assert_eq!(words.content_type, "application/json");
    assert_eq!(
        String::from_utf8(words.body).unwrap(),
        r#"{"error":{"message":"Held by rule bulk-export.","type":"permission_error","param":"messages","code":"approval_pending","gatewright":{"request":"req_11111111111111111111111111111111","rule":"bulk-export","approval":"apr_22222222222222222222222222222222","url":"http://x/a","retry_after_s":30}}}"#
    );
    let plain = Refusal::new(Code::UpstreamFailed, "x");
    assert_eq!(
        String::from_utf8(OpenAi.refusal_in_stream(&plain, &request_id())).unwrap(),
        "data: {\"error\":{\"message\":\"x\",\"type\":\"server_error\",\"param\":null,\"code\":\"upstream_failed\",\"gatewright\":{\"request\":\"req_11111111111111111111111111111111\"}}}\n\n"
    );
}

#[test]
fn errors_of_model_servers_are_said_in_our_words() {
    let Claim { protocol, route, .. } = claim("POST", "/v1/chat/completions").unwrap();
    let refusal = |status, body: &str| {
        let head = ReplyHead { status, content_type: Some("application/json"), content_encoding: None };
        protocol.upstream_error(route, head, body.as_bytes(), &mut FakeWords::default())
    };
    let theirs = r#"{"error":{"message":"bad \u0061lice@example.com\nkey","type":"x"}}"#;
    for (status, code) in [
        (400, Code::InvalidRequest),
        (401, Code::UpstreamFailed),
        (403, Code::UpstreamFailed),
        (404, Code::InvalidRequest),
        (408, Code::UpstreamTimeout),
        (413, Code::TooLarge),
        (422, Code::InvalidRequest),
        (429, Code::UpstreamFailed),
        (500, Code::UpstreamFailed),
        (503, Code::UpstreamFailed),
        (302, Code::UpstreamFailed),
    ] {
        let refusal = refusal(status, theirs);
        assert_eq!(refusal.code, code, "{status}");
        assert!(!refusal.message.contains("alice"), "{refusal}");
        assert_eq!(
            refusal.message.contains("[EMAIL_ADDRESS] key"),
            matches!(status, 400 | 404 | 413 | 422),
            "{status}"
        );
    }
    assert!(refusal(400, r#"{"detail":"why not"}"#).message.ends_with("why not"));
    for body in [
        "<html>alice@example.com</html>",
        r#"{"detail":[{"msg":"alice@example.com"}]}"#,
        "",
        r#"{"error":"FORBIDDEN"}"#,
    ] {
        assert_eq!(refusal(400, body).message, "The model server refused the request.", "{body}");
    }
    let long = format!(r#"{{"error":{{"message":"{}"}}}}"#, "é".repeat(5000));
    assert!(refusal(400, &long).message.len() < 600);
}

#[test]
fn what_was_asked_is_taken_from_the_body() {
    let Claim { protocol, route, .. } = claim("POST", "/v1/chat/completions").unwrap();
    let body = json(
        r#"{"stream_options":{"include_usage":true},"tools":[{"function":{"name":"a"}}],"functions":[{"name":"b"}]}"#,
    );
    let asked = protocol.asked(route, &body, "public", request_id());
    assert_eq!((asked.model.as_str(), asked.tools), ("public", vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(asked.usage, gatewright_protocols::UsageReport::Told);
    assert_eq!(protocol.turns(route, &json(r#"{"messages":[1,2]}"#)).len(), 2);
    assert!(protocol.turns(route, &Value::Null).is_empty());
}
