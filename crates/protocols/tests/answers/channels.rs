//! Every channel of a chat answer, wherever its bytes are cut.

use super::*;

#[test]
fn the_bytes_of_a_masked_stream() {
    let events = sse(&[
        (0, r#"{"role":"assistant","content":""}"#, None),
        (0, &content("Write to al"), None),
        (0, &content("ice@exam"), None),
        (0, &content("ple.com now"), None),
        (0, "{}", Some("stop")),
    ]);
    let head = r#"data: {"id":"chatcmpl-11111111111111111111111111111111","object":"chat.completion.chunk","created":7,"model":"sales-forecast","choices":["#;
    let expected = [
        r#"{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}"#,
        r#"{"index":0,"delta":{"content":"Write to "},"logprobs":null,"finish_reason":null}"#,
        r#"{"index":0,"delta":{"content":"[EMAIL_ADDRESS] "},"logprobs":null,"finish_reason":null}"#,
        r#"{"index":0,"delta":{"content":"now"},"logprobs":null,"finish_reason":null}"#,
        r#"{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}"#,
    ];
    let mut text: String = expected.iter().map(|choice| format!("{head}{choice}]}}\n\n")).collect();
    text.push_str("data: [DONE]\n\n");
    let edited = stream_cut_everywhere(&events);
    assert_eq!(edited.text, text);
    assert!(edited.complete && edited.result.is_ok());
}

#[test]
fn a_value_cut_at_every_place_into_deltas_is_masked_as_in_the_whole() {
    let text = "Mail \u{1f600}alice@example.com, card 4111111111111111 and \"bob@example.org\".";
    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    for first in &places {
        for second in places.iter().filter(|at| *at >= first) {
            let events = sse(&[
                (0, &content(&text[..*first]), None),
                (0, &content(&text[*first..*second]), None),
                (0, &content(&text[*second..]), Some("stop")),
            ]);
            assert_eq!(joined(&stream(&events).text, 0, "/delta/content"), masked(text));
        }
    }
}

#[test]
fn choices_that_interleave_are_told_apart() {
    let mut deltas = Vec::new();
    let (one, two) = ("write to alice@example.com today", "4111111111111111 is the card of bob@example.org");
    let texts: Vec<(u64, String)> = one
        .chars()
        .zip(two.chars())
        .flat_map(|(a, b)| [(0, content(&a.to_string())), (1, content(&b.to_string()))])
        .collect();
    deltas.extend(texts.iter().map(|(index, delta)| (*index, delta.as_str(), None)));
    let rest = content(&two[one.len()..]);
    deltas.push((1, &rest, None));
    deltas.push((0, "{}", Some("stop")));
    deltas.push((1, "{}", Some("length")));
    let edited = stream(&sse(&deltas));
    assert_eq!(joined(&edited.text, 0, "/delta/content"), masked(one));
    assert_eq!(joined(&edited.text, 1, "/delta/content"), masked(two));
    assert_eq!(joined(&edited.text, 1, "/finish_reason"), "length");
    assert!(!edited.text.contains("alice") && !edited.text.contains("4111"));
}

#[test]
fn several_choices_and_calls_in_one_event() {
    let event = r#"data: {"choices":[{"index":1,"delta":{"content":"a@b.co "}},{"index":0,"delta":{"tool_calls":[{"index":0,"id":"x","function":{"name":"look_up","arguments":"{\"q\":\"c@d.eu\"}"}},{"index":1,"id":"y","function":{"name":"look_up","arguments":"{\"q\":4111111111111111}"}}]}}]}"#;
    let edited = stream_cut_everywhere(format!("{event}\n\ndata: [DONE]\n\n").as_bytes());
    let first = &chunks(&edited.text)[0];
    assert_eq!(first.pointer("/choices/0/delta/content"), Some(&Value::from("[EMAIL_ADDRESS] ")));
    let call = |at: usize| first.pointer(&format!("/choices/1/delta/tool_calls/{at}/function/arguments")).unwrap();
    assert_eq!(call(0).as_str(), Some(r#"{"q":"[EMAIL_ADDRESS]"}"#));
    assert_eq!(call(1).as_str(), Some(r#"{"q":"[CREDIT_CARD]"}"#));
    assert!(first.pointer("/choices/1/delta/tool_calls/1/id").unwrap().as_str().unwrap().ends_with("_0_1"));
}

#[test]
fn arguments_are_masked_decoded_wherever_they_are_cut() {
    let arguments = r#"{"to":"\u0061lice\u0040example.com","n":[1,-2.5e3,4111111111111111],"bob@example.org":{"x":"\"4111111111111111\"\n\ud83d\ude00"},"t":true}"#;
    let expected = r#"{"to":"[EMAIL_ADDRESS]","n":[1,-2.5e3,"[CREDIT_CARD]"],"[EMAIL_ADDRESS]":{"x":"\"[CREDIT_CARD]\"\n😀"},"t":true}"#;
    let delta = |text: &str| {
        let text = String::from_utf8(gatewright_json::to_bytes(&Value::from(text))).unwrap();
        format!(r#"{{"tool_calls":[{{"index":0,"function":{{"arguments":{text}}}}}]}}"#)
    };
    let opening = r#"{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_upstream","type":"function","function":{"name":"send_mail","arguments":""}}]}"#;
    for first in 0..=arguments.len() {
        for second in first..=arguments.len() {
            let events = sse(&[
                (0, opening, None),
                (0, &delta(&arguments[..first]), None),
                (0, &delta(&arguments[first..second]), None),
                (0, &delta(&arguments[second..]), None),
                (0, "{}", Some("tool_calls")),
            ]);
            let edited = stream(&events);
            let told = joined(&edited.text, 0, "/delta/tool_calls/0/function/arguments");
            assert_eq!(told, expected, "cut at {first} and {second}");
            assert_eq!(joined(&edited.text, 0, "/delta/tool_calls/0/function/name"), "send_mail");
            assert!(!edited.text.contains("call_upstream"));
        }
    }
    assert_ne!(json(expected), Value::Null);
}

#[test]
fn arguments_that_are_no_json_are_masked_as_text() {
    let body = r#"{"choices":[{"message":{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"send","arguments":"to=alice@example.com 4111111111111111"}}]},"finish_reason":"tool_calls"}]}"#;
    let edited = whole(body);
    assert!(edited.text.contains(r#""arguments":"to=[EMAIL_ADDRESS] [CREDIT_CARD]""#), "{}", edited.text);
    // An object instead of a text in JSON.
    let body = body.replace(r#""to=alice@example.com 4111111111111111""#, r#"{"to":"alice@example.com"}"#);
    assert!(whole(&body).text.contains(r#""arguments":"{\"to\":\"[EMAIL_ADDRESS]\"}""#));
}

#[test]
fn a_tool_name_is_held_only_while_it_could_become_another() {
    let name = |text: &str| format!(r#"{{"tool_calls":[{{"index":0,"function":{{"name":"{text}"}}}}]}}"#);
    let arguments = r#"{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}"#;
    let told = |deltas: &[(u64, &str, Option<&str>)]| {
        let edited = stream(&sse(deltas));
        let count = chunks(&edited.text).len();
        (joined(&edited.text, 0, "/delta/tool_calls/0/function/name"), count)
    };
    assert_eq!(told(&[(0, &name("send_mail"), None), (0, arguments, None), (0, "{}", Some("stop"))]).0, "send_mail");
    assert_eq!(told(&[(0, &name("send"), None), (0, &name("_mail"), None), (0, arguments, None)]).0, "send_mail");
    assert_eq!(told(&[(0, &name("send"), None), (0, arguments, None)]).0, "send");
    assert_eq!(told(&[(0, &name("send"), None)]), ("send".to_owned(), 1));
    // The model's own invention is the model's text.
    assert_eq!(told(&[(0, &name("alice@example.com"), None), (0, arguments, None)]).0, "[EMAIL_ADDRESS]");
}

#[test]
fn every_kind_of_text_is_masked() {
    let message = r#"{"role":"assistant","content":"a@b.co","refusal":"c@d.eu","reasoning_content":"e@f.gg","function_call":{"name":"look_up","arguments":"{\"x\":\"g@h.io\"}"},"annotations":[{"type":"url_citation","url_citation":{"url":"https://x/?q=i@j.kr","title":"k@l.me","start_index":0,"end_index":1}}],"audio":{"transcript":"m@n.no"},"mystery":"o@p.qa","metadata":{"q@r.st":"u@v.wx"}}"#;
    let body = format!(
        r#"{{"id":"y@z.ab","model":"secret@upstream.com","system_fingerprint":"s@t.uv","choices":[{{"index":0,"message":{message},"finish_reason":"stop","stop_reason":"w@x.yz"}}],"usage":{{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7,"x":"a@b.cd","completion_tokens_details":{{"reasoning_tokens":1,"y":2}}}},"prompt_logprobs":["p@q.rs"]}}"#
    );
    let edited = whole(&body);
    assert_eq!(
        edited.text,
        r#"{"id":"chatcmpl-11111111111111111111111111111111","object":"chat.completion","created":0,"model":"sales-forecast","choices":[{"index":0,"message":{"role":"assistant","content":"[EMAIL_ADDRESS]","reasoning_content":"[EMAIL_ADDRESS]","refusal":"[EMAIL_ADDRESS]","function_call":{"name":"look_up","arguments":"{\"x\":\"[EMAIL_ADDRESS]\"}"}},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7,"completion_tokens_details":{"reasoning_tokens":1}}}"#
    );
    assert!(edited.complete);
    // Streamed, the same texts.
    let events = sse(&[(0, message, None), (0, "{}", Some("stop"))]);
    let streamed = stream_cut_everywhere(&events).text;
    for pointer in ["content", "refusal", "reasoning_content"] {
        assert_eq!(joined(&streamed, 0, &format!("/delta/{pointer}")), "[EMAIL_ADDRESS]");
    }
    assert_eq!(joined(&streamed, 0, "/delta/function_call/arguments"), r#"{"x":"[EMAIL_ADDRESS]"}"#);
    assert_eq!(streamed.matches('@').count(), 0, "{streamed}");
}

#[test]
fn citations_stay_where_nothing_moved() {
    let body = r#"{"choices":[{"message":{"content":"see there","annotations":[{"type":"url_citation","url_citation":{"url":"https://x/i@j.kr","title":"t","start_index":0,"end_index":3,"content":"k@l.me"}}]}}]}"#;
    assert!(whole(body).text.contains(
        r#""annotations":[{"type":"url_citation","url_citation":{"url":"https://x/[EMAIL_ADDRESS]","title":"t","start_index":0,"end_index":3}}]"#
    ));
    assert!(!whole(&body.replace("see there", "see a@b.co")).text.contains("annotations"));
}

#[test]
fn reasoning_keeps_the_name_that_it_came_under() {
    let events = sse(&[(0, r#"{"reasoning":"a@b.co","reasoning_content":"a@b.co"}"#, None), (0, "{}", Some("stop"))]);
    let text = stream(&events).text;
    assert_eq!(joined(&text, 0, "/delta/reasoning"), "[EMAIL_ADDRESS]");
    assert!(!text.contains("reasoning_content"));
}
