#![allow(clippy::unwrap_used, reason = "tests")]

use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::*;

/// Asks a server of its own, and gives the status and the body.
async fn ask(method: Method, path: &str, body: &str) -> (StatusCode, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}{path}", listener.local_addr().unwrap());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(async move {
        let server = ModelServer::new();
        server.serve(listener, async { drop(stopped.await) }).await
    });
    let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::builder().method(method).uri(url).body(Full::new(Bytes::from(body.to_owned()))).unwrap();
    let response = client.request(request).await.unwrap();
    let status = response.status();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    drop(client);
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn lists_the_models_of_the_starter_catalogue() {
    let (status, body) = ask(Method::GET, "/v1/models", "").await;
    assert_eq!(status, StatusCode::OK);
    for model in ModelServer::new().models() {
        assert!(body.contains(&format!("\"id\":\"{model}\"")), "{body}");
    }
    assert_eq!(ask(Method::GET, "/v1/models/nothing", "").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_stream_says_what_the_whole_answer_says() {
    let ask_for = |stream: bool| {
        let body = format!(
            r#"{{"model":"sales-forecast","stream":{stream},"stream_options":{{"include_usage":true}},"messages":[{{"role":"user","content":"What of the north?"}}]}}"#
        );
        async move { ask(Method::POST, "/v1/chat/completions", &body).await.1 }
    };
    let whole = parse(ask_for(false).await.as_bytes(), &Limits::default()).unwrap();
    let text = whole.pointer("/choices/0/message/content").unwrap().as_str().unwrap().to_owned();
    assert!(text.contains("What of the north") && text.contains("dana.miller@example.com"), "{text}");
    let streamed = ask_for(true).await;
    assert!(streamed.ends_with("data: [DONE]\n\n"));
    let events: Vec<Value> = streamed
        .split("\n\n")
        .filter_map(|event| parse(event.strip_prefix("data: ")?.as_bytes(), &Limits::default()).ok())
        .collect();
    let joined: String =
        events.iter().filter_map(|event| event.pointer("/choices/0/delta/content")?.as_str()).collect();
    assert_eq!(joined, text);
    assert_eq!(events.last().unwrap().get("usage"), whole.get("usage"));
}

#[tokio::test]
async fn a_tool_is_called_when_the_question_speaks_of_it() {
    let body = |choice: &str, last: &str| {
        format!(
            r#"{{"model":"support-chat","messages":[{{"role":"user","content":"Please send mail."}}{last}],"tool_choice":"{choice}",
            "tools":[{{"type":"function","function":{{"name":"send_mail","parameters":{{"properties":{{"to":{{"type":"string"}}}}}}}}}}]}}"#
        )
    };
    let (_, called) = ask(Method::POST, "/v1/chat/completions", &body("auto", "")).await;
    assert!(called.contains(r#""arguments":"{\"to\":\"dana.miller@example.com\"}""#), "{called}");
    let (_, told) = ask(Method::POST, "/v1/chat/completions", &body("none", "")).await;
    assert!(!told.contains("tool_calls"), "{told}");
    let result = r#",{"role":"tool","tool_call_id":"x","content":"sent"}"#;
    let (_, told) = ask(Method::POST, "/v1/chat/completions", &body("auto", result)).await;
    assert!(!told.contains("tool_calls"), "{told}");
}

#[tokio::test]
async fn embeds_as_numbers_and_as_base64() {
    use base64::Engine;
    let body = |format: &str| {
        format!(r#"{{"model":"text-embed","input":["a b","c"],"dimensions":8,"encoding_format":"{format}"}}"#)
    };
    let (_, numbers) = ask(Method::POST, "/v1/embeddings", &body("float")).await;
    let (_, text) = ask(Method::POST, "/v1/embeddings", &body("base64")).await;
    let numbers = parse(numbers.as_bytes(), &Limits::default()).unwrap();
    let text = parse(text.as_bytes(), &Limits::default()).unwrap();
    let listed = numbers.pointer("/data/1/embedding").unwrap().as_array().unwrap();
    let encoded = text.pointer("/data/1/embedding").unwrap().as_str().unwrap();
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded).unwrap();
    let (quads, _) = bytes.as_chunks::<4>();
    assert_eq!(listed.len(), 8);
    for (number, quad) in listed.iter().zip(quads) {
        let difference = number.as_number().unwrap().as_f64() - f64::from(f32::from_le_bytes(*quad));
        assert!(difference.abs() < 1e-6);
    }
}

#[tokio::test]
async fn refuses_what_it_does_not_do() {
    for (path, body, status) in [
        ("/v1/chat/completions", r#"{"model":"other","messages":[]}"#, StatusCode::NOT_FOUND),
        ("/v1/chat/completions", r#"{"model":"text-embed","messages":[]}"#, StatusCode::BAD_REQUEST),
        ("/v1/chat/completions", r#"{"model":"support-chat"}"#, StatusCode::BAD_REQUEST),
        ("/v1/chat/completions", "{", StatusCode::BAD_REQUEST),
        ("/v1/completions", "{}", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(ask(Method::POST, path, body).await.0, status, "{path} {body}");
    }
}

#[tokio::test]
async fn serves_loopback_only() {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let refused = ModelServer::new().serve(listener, async {}).await;
    assert!(matches!(refused, Err(ServeFault::NotLoopback(_))));
}
