//! Log-probabilities, which say the text once more.

use super::*;

fn entry(token: &str) -> String {
    let bytes: Vec<String> = token.bytes().map(|byte| byte.to_string()).collect();
    let token = String::from_utf8(gatewright_json::to_bytes(&Value::from(token))).unwrap();
    format!(
        r#"{{"token":{token},"logprob":-0.5,"bytes":[{}],"top_logprobs":[{{"token":"other","logprob":-1.5,"bytes":null}},{{"token":"x@y.zz","logprob":-2,"bytes":null}}]}}"#,
        bytes.join(",")
    )
}

fn event(tokens: &[&str], reason: &str) -> String {
    let entries: Vec<String> = tokens.iter().map(|token| entry(token)).collect();
    format!(
        "data: {{\"choices\":[{{\"index\":0,\"delta\":{},\"logprobs\":{{\"content\":[{}]}},\"finish_reason\":{reason}}}]}}\n\n",
        content(&tokens.concat()),
        entries.join(",")
    )
}

/// The tokens and the bytes that are told, and the text.
fn told(text: &str) -> (Vec<String>, String) {
    let mut tokens = Vec::new();
    for chunk in chunks(text) {
        for entry in chunk.pointer("/choices/0/logprobs/content").and_then(Value::as_array).unwrap_or_default() {
            let token = entry.get("token").unwrap().as_str().unwrap().to_owned();
            if let Some(bytes) = entry.get("bytes").unwrap().as_array() {
                let bytes: Vec<u8> = bytes
                    .iter()
                    .map(|byte| u8::try_from(byte.as_number().unwrap().as_u64().unwrap()).unwrap())
                    .collect();
                assert_eq!(String::from_utf8_lossy(&bytes), token);
            }
            tokens.push(token);
        }
    }
    (tokens, joined(text, 0, "/delta/content"))
}

#[test]
fn they_say_exactly_what_the_masked_text_says() {
    let stream_of = |events: &[&[&str]]| {
        let mut bytes: String = events.iter().map(|tokens| event(tokens, "null")).collect();
        bytes.push_str(
            "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
        );
        bytes
    };
    let events = stream_of(&[&["Write"], &[" to", " al"], &["ice", "@example"], &[".com", " now", "!"], &[" bye"]]);
    let edited = stream_cut_everywhere(events.as_bytes());
    let (tokens, text) = told(&edited.text);
    assert_eq!(tokens, ["Write", " to", " [EMAIL_ADDRESS]", " now", "!", " bye"]);
    assert_eq!(text, "Write to [EMAIL_ADDRESS] now! bye");
    assert!(!edited.text.contains("alice") && !edited.text.contains("x@y.zz"));
    assert!(edited.text.contains(r#""top_logprobs":[{"token":"other","logprob":-1.5,"bytes":null}]"#));
    // Swallowed bytes are said by no token.
    let edited = stream(stream_of(&[&["card "], &["41111111"], &["11111111", "22"], &["22", "!"]]).as_bytes());
    let expected = vec!["card ".to_owned(), "[CREDIT_CARD]".to_owned(), "!".to_owned()];
    assert_eq!(told(&edited.text), (expected, "card [CREDIT_CARD]!".to_owned()));
}

#[test]
fn a_token_waits_for_its_text() {
    let first = event(&["mail", " alice"], "null");
    let mut editor = editor("/v1/chat/completions", Delivery::Stream, asked(UsageReport::Told));
    let (mut words, mut out) = (FakeWords::default(), Vec::new());
    editor.push(first.as_bytes(), &mut words, &mut out).unwrap();
    let (tokens, text) = told(std::str::from_utf8(&out).unwrap());
    assert_eq!((tokens, text), (vec!["mail".to_owned()], "mail ".to_owned()));
    editor.push(event(&["!"], "\"stop\"").as_bytes(), &mut words, &mut out).unwrap();
    let (tokens, text) = told(std::str::from_utf8(&out).unwrap());
    assert_eq!((tokens, text), (vec!["mail".into(), " alice".into(), "!".into()], "mail alice!".to_owned()));
}

#[test]
fn characters_in_two_tokens_stay_whole_in_their_bytes() {
    let event = r#"data: {"choices":[{"index":0,"delta":{"content":"é."},"logprobs":{"content":[{"token":"\\xc3","logprob":-1,"bytes":[195],"top_logprobs":[]},{"token":"\\xa9","logprob":-1,"bytes":[169]},{"token":".","logprob":0,"bytes":[46]}]},"finish_reason":"stop"}]}"#;
    let edited = stream(format!("{event}\n\ndata: [DONE]\n\n").as_bytes());
    assert!(edited.text.contains(r#""bytes":[195]"#) && edited.text.contains(r#""bytes":[169]"#), "{}", edited.text);
}

#[test]
fn those_that_say_something_else_are_given_up() {
    for (content, tokens) in [
        ("harmless", r#"{"token":"alice@example.com","logprob":-1}"#),
        ("harmless", r#"{"token":"harmless","logprob":-1,"bytes":[97,108,105,99,101]}"#),
        ("harmless", r#"{"token":"harmless","logprob":"alice"}"#),
        ("harmless", r#"{"token":"harmless","logprob":-4111111111111111}"#),
        ("harmless", r#"{"token":"harmless","logprob":-1,"bytes":[300]}"#),
    ] {
        let body =
            format!(r#"{{"choices":[{{"message":{{"content":"{content}"}},"logprobs":{{"content":[{tokens}]}}}}]}}"#);
        let edited = whole(&body);
        assert!(edited.text.contains(r#""content":"harmless"},"logprobs":null"#), "{}", edited.text);
    }
    // Entries that come only after some of their text cannot be compared with it.
    let events = format!(
        "data: {{\"choices\":[{{\"index\":0,\"delta\":{}}}]}}\n\n{}data: [DONE]\n\n",
        content("first "),
        event(&["second"], "\"stop\"")
    );
    assert_eq!(told(&stream(events.as_bytes()).text), (Vec::new(), "first second".to_owned()));
}

#[test]
fn whole_answers_have_them_too() {
    let entries: Vec<String> = ["Ask ", "alice", "@example.com", "."].iter().map(|token| entry(token)).collect();
    let body = format!(
        r#"{{"choices":[{{"message":{{"content":"Ask alice@example.com."}},"logprobs":{{"content":[{}],"refusal":null}}}}]}}"#,
        entries.join(",")
    );
    let edited = whole(&body);
    let answer = json(&edited.text);
    let tokens: Vec<&str> = answer
        .pointer("/choices/0/logprobs/content")
        .unwrap()
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry.get("token").unwrap().as_str().unwrap())
        .collect();
    assert_eq!(tokens, ["Ask ", "[EMAIL_ADDRESS]", "."]);
    assert!(!edited.text.contains("alice"));
}
