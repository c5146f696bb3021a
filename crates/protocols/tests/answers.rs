//! Answers of OpenAI-style model servers, edited: what the caller gets, wherever the bytes are cut.

#![allow(clippy::unwrap_used, clippy::panic, clippy::result_large_err, reason = "tests")]

mod support;

use gatewright_json::Value;
use gatewright_model::Delivery;
use gatewright_protocols::{Asked, Claim, Fault, ReplyEditor, ReplyHead, UsageReport, claim};
use support::{FakeWords, asked, json, masked};

fn editor(path: &str, delivery: Delivery, asked: Asked) -> Box<dyn ReplyEditor> {
    let Claim { protocol, route, .. } = claim("POST", path).unwrap();
    let content_type = match delivery {
        Delivery::Whole => "application/json",
        Delivery::Stream => "text/event-stream; charset=utf-8",
    };
    let head = ReplyHead { status: 200, content_type: Some(content_type), content_encoding: None };
    protocol.reply(route, delivery, head, asked).unwrap_or_else(|refusal| panic!("{refusal}"))
}

struct Edited {
    text: String,
    result: Result<(), Fault>,
    complete: bool,
}

fn edit<'a>(mut editor: Box<dyn ReplyEditor>, pieces: impl IntoIterator<Item = &'a [u8]>) -> Edited {
    let mut words = FakeWords::default();
    let mut out = Vec::new();
    let mut result = Ok(());
    for piece in pieces {
        result = editor.push(piece, &mut words, &mut out);
        if result.is_err() {
            break;
        }
    }
    if result.is_ok() {
        result = editor.finish(&mut words, &mut out);
    }
    Edited { text: String::from_utf8(out).unwrap(), result, complete: editor.complete() }
}

fn stream(bytes: &[u8]) -> Edited {
    edit(editor("/v1/chat/completions", Delivery::Stream, asked(UsageReport::Told)), [bytes])
}

/// The same result for every two cuts and byte by byte; gives it.
fn stream_cut_everywhere(bytes: &[u8]) -> Edited {
    let open = || editor("/v1/chat/completions", Delivery::Stream, asked(UsageReport::Told));
    let whole = stream(bytes);
    let step = (bytes.len() / 8).max(1);
    for first in 0..=bytes.len() {
        for second in (first..=bytes.len()).step_by(step) {
            let cut = edit(open(), [&bytes[..first], &bytes[first..second], &bytes[second..]]);
            assert_eq!(cut.text, whole.text, "cut at {first} and {second}");
            assert_eq!((cut.result, cut.complete), (whole.result, whole.complete));
        }
    }
    assert_eq!(edit(open(), bytes.chunks(1)).text, whole.text);
    whole
}

fn whole(body: &str) -> Edited {
    edit(editor("/v1/chat/completions", Delivery::Whole, asked(UsageReport::Told)), [body.as_bytes()])
}

fn chunks(text: &str) -> Vec<Value> {
    let events = text.split("\n\n").filter(|event| !event.is_empty());
    events
        .map(|event| event.strip_prefix("data: ").unwrap_or_else(|| panic!("{event}")))
        .filter(|data| *data != "[DONE]")
        .map(json)
        .collect()
}

/// A text of one choice, put together as SDKs do.
fn joined(text: &str, choice: u64, pointer: &str) -> String {
    let mut joined = String::new();
    for chunk in chunks(text) {
        for part in chunk.get("choices").and_then(Value::as_array).unwrap_or_default() {
            if part.get("index") == Some(&Value::from(choice)) {
                joined.push_str(part.pointer(pointer).and_then(Value::as_str).unwrap_or_default());
            }
        }
    }
    joined
}

fn sse(deltas: &[(u64, &str, Option<&str>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (index, delta, reason) in deltas {
        let reason = reason.map_or("null".to_owned(), |reason| format!("\"{reason}\""));
        let event = format!(
            "data: {{\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"llama-3\",\"choices\":[{{\"index\":{index},\"delta\":{delta},\"finish_reason\":{reason}}}]}}\n\n"
        );
        bytes.extend_from_slice(event.as_bytes());
    }
    bytes.extend_from_slice(b"data: [DONE]\n\n");
    bytes
}

fn content(text: &str) -> String {
    format!("{{\"content\":{}}}", String::from_utf8(gatewright_json::to_bytes(&Value::from(text))).unwrap())
}

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

#[test]
fn held_text_comes_before_the_reason_the_counts_and_the_end() {
    let mut events = sse(&[(0, &content("to alice@example.com"), None), (1, &content("to bob@example.org"), None)]);
    events.truncate(events.len() - "data: [DONE]\n\n".len());
    events.extend_from_slice(
        b"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3}}\n\n",
    );
    events.extend_from_slice(
        b"data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
    );
    let text = stream_cut_everywhere(&events).text;
    let place = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part} in {text}"));
    assert!(place("[EMAIL_ADDRESS]") < place("\"stop\""));
    assert!(text.rfind("[EMAIL_ADDRESS]").unwrap() < place("\"usage\""));
    assert!(place("\"usage\"") < place("[DONE]"));
    assert_eq!(text.matches("[EMAIL_ADDRESS]").count(), 2);
}

#[test]
fn counts_are_told_to_those_who_asked_and_known_to_us_always() {
    let events = b"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n";
    let mut editor = editor("/v1/chat/completions", Delivery::Stream, asked(UsageReport::Kept));
    let (mut words, mut out) = (FakeWords::default(), Vec::new());
    editor.push(events, &mut words, &mut out).unwrap();
    assert_eq!(out, b"data: [DONE]\n\n");
    assert_eq!(editor.usage().map(|usage| (usage.input, usage.output)), Some((1, 2)));
}

#[test]
fn nothing_passes_behind_the_end() {
    let mut events = sse(&[(0, &content("a "), Some("stop")), (0, &content("late "), None)]);
    events.extend_from_slice(b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"later\"}}]}\n\ngarbage");
    let edited = stream_cut_everywhere(&events);
    assert!(!edited.text.contains("late") && edited.text.ends_with("data: [DONE]\n\n"), "{}", edited.text);
    assert!(edited.result.is_ok());
}

#[test]
fn an_end_without_a_mark_is_whole_only_if_every_choice_said_why() {
    let cut = |deltas: &[(u64, &str, Option<&str>)]| {
        let events = sse(deltas);
        let edited = stream(&events[..events.len() - "data: [DONE]\n\n".len()]);
        (edited.complete, joined(&edited.text, 0, "/delta/content"))
    };
    assert_eq!(cut(&[(0, &content("x a@b.co"), Some("stop"))]), (true, "x [EMAIL_ADDRESS]".to_owned()));
    assert_eq!(cut(&[(0, &content("x a@b.co"), None)]), (false, "x [EMAIL_ADDRESS]".to_owned()));
    assert_eq!(cut(&[]), (false, String::new()));
}

#[test]
fn framing_of_every_kind_is_read() {
    let event = r#"{"choices":[{"index":0,"delta":{"content":"a@b.co é"}}]}"#;
    let (left, right) = event.split_at(30);
    for framed in [
        format!("data:{event}\n\ndata:[DONE]\n\n"),
        format!("\u{feff}data: {event}\r\n\r\ndata: [DONE]\r\n\r\n"),
        format!("data: {event}\r\rdata: [DONE]\r\r"),
        format!(": alice@example.com\n\nid: bob@b.co\nevent: x@y.zz\nretry: 1\ndata: {event}\n\ndata: [DONE]"),
        format!("event: ping\ndata: {{\"type\":\"ping@p.co\"}}\n\ndata: {left}\ndata: {right}\n\ndata: [DONE]\n\n"),
    ] {
        let edited = stream_cut_everywhere(framed.as_bytes());
        assert_eq!(joined(&edited.text, 0, "/delta/content"), "[EMAIL_ADDRESS] é", "{framed}");
        assert_eq!(edited.text.matches('@').count(), 0);
        assert!(edited.complete, "{framed}");
    }
}

#[test]
fn what_cannot_be_read_ends_the_answer_with_what_was_held_masked() {
    let begun = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"to alice@example.com\"}}]}\n\n";
    for (rest, fault) in [
        ("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"},\"delta\":{}}]}\n\n", Fault::Malformed),
        ("data: {}{}\n\n", Fault::Malformed),
        ("data: {}\ndata: {}\n\n", Fault::Malformed),
        ("data: <html>\n\n", Fault::Malformed),
        ("data: {\"choices\":{}}\n\n", Fault::Malformed),
        ("data: {\"choices\":[{\"index\":128,\"delta\":{}}]}\n\n", Fault::Malformed),
        ("data: {\"choices\":[{\"index\":-1,\"delta\":{}}]}\n\n", Fault::Malformed),
        ("data: {\"choices\":[{\"index\":0,\"delta\":\"x\"}]}\n\n", Fault::Malformed),
        ("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":7}}]}\n\n", Fault::Malformed),
        ("data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":128}]}}]}\n\n", Fault::Malformed),
        ("data: {\"object\":\"error\",\"message\":\"sk-secret\"}\n\n", Fault::Reported),
        ("data: {\"error\":{\"message\":\"key sk-secret for bob@b.co\"}}\n\n", Fault::Reported),
    ] {
        let edited = stream_cut_everywhere(format!("{begun}{rest}data: [DONE]\n\n").as_bytes());
        assert_eq!(edited.result, Err(fault), "{rest}");
        assert_eq!(joined(&edited.text, 0, "/delta/content"), "to [EMAIL_ADDRESS]", "{rest}");
        assert!(!edited.complete && !edited.text.contains("DONE") && !edited.text.contains("sk-secret"), "{rest}");
    }
    let endless = format!("{begun}data: {}", "x".repeat(9 << 20));
    let edited = stream(endless.as_bytes());
    assert_eq!(edited.result, Err(Fault::TooLarge));
    assert_eq!(joined(&edited.text, 0, "/delta/content"), "to [EMAIL_ADDRESS]");
}

#[test]
fn a_rule_that_stops_the_answer_stops_all_of_it() {
    let events = sse(&[
        (1, &content("held@example.com"), None),
        (0, &content("said and "), None),
        (0, &content("FORBIDDEN now"), None),
        (0, "{}", Some("stop")),
    ]);
    let edited = stream_cut_everywhere(&events);
    assert_eq!(edited.result, Err(Fault::Blocked));
    assert_eq!(joined(&edited.text, 0, "/delta/content"), "said and ");
    assert!(!edited.text.contains("EMAIL") && !edited.text.contains("FORBIDDEN"), "{}", edited.text);
    let blocked = whole(r#"{"choices":[{"message":{"content":"FORBIDDEN"}}]}"#);
    assert_eq!(blocked.result, Err(Fault::Blocked));
    assert!(!blocked.complete);
}

#[test]
fn a_head_that_is_no_answer_is_refused() {
    let Claim { protocol, route, .. } = claim("POST", "/v1/chat/completions").unwrap();
    let refused = |status, content_type, content_encoding| {
        let head = ReplyHead { status, content_type, content_encoding };
        protocol.reply(route, Delivery::Stream, head, asked(UsageReport::Told)).err().map(|refusal| refusal.code.name())
    };
    assert_eq!(refused(200, Some("Text/Event-Stream"), Some("identity")), None);
    for (status, content_type, encoding) in [
        (200, Some("application/json"), None),
        (200, None, None),
        (200, Some("text/event-stream"), Some("gzip")),
        (206, Some("text/event-stream"), None),
    ] {
        assert_eq!(refused(status, content_type, encoding), Some("upstream_failed"));
    }
}

#[test]
fn whole_answers_that_cannot_be_read_give_nothing() {
    for body in [
        "",
        "<html>",
        "[]",
        r#"{"choices":{}}"#,
        r#"{"choices":[{"text":"a completion"}]}"#,
        r#"{"choices":[{"index":0,"message":{}},{"index":0,"message":{}}]}"#,
        r#"{"choices":[],"choices":[]}"#,
        r#"{"error":{"message":"x"},"choices":[]}"#,
    ] {
        let edited = whole(body);
        assert!(edited.result.is_err() && !edited.complete, "{body}");
    }
}

mod embeddings {
    use super::*;

    fn embeddings(body: &str) -> Edited {
        edit(editor("/v1/embeddings", Delivery::Whole, asked(UsageReport::Told)), body.as_bytes().chunks(3))
    }

    #[test]
    fn vectors_pass_untouched_and_nothing_else_does() {
        let edited = embeddings(
            r#"{"object":"a@b.co","data":[{"object":"x","index":1,"embedding":[-0.10,1e-7,41],"note":"c@d.eu"},{"index":0,"embedding":"AACAPwAAAMA="}],"model":"e5@up.com","usage":{"prompt_tokens":3,"total_tokens":3},"extra":"g@h.io"}"#,
        );
        assert_eq!(
            edited.text,
            r#"{"object":"list","data":[{"object":"embedding","index":1,"embedding":[-0.10,1e-7,41]},{"object":"embedding","index":0,"embedding":"AACAPwAAAMA="}],"model":"sales-forecast","usage":{"prompt_tokens":3,"total_tokens":3}}"#
        );
        assert!(edited.complete);
    }

    #[test]
    fn what_is_no_vector_of_each_text_is_refused() {
        let row = |index: &str, vector: &str| format!(r#"{{"index":{index},"embedding":{vector}}}"#);
        let good = row("0", "[1]");
        for rows in [
            good.clone(),
            format!("{good},{good}"),
            format!("{good},{}", row("2", "[1]")),
            format!("{good},{}", row("1", "[]")),
            format!("{good},{}", row("1", "[1,\"alice@example.com\"]")),
            format!("{good},{}", row("1", "[[1]]")),
            format!("{good},{}", row("1", "[4111111111111111]")),
            format!("{good},{}", row("1", "\"alice@example.com\"")),
            // "mail alice@example.com!!" in base64.
            format!("{good},{}", row("1", "\"bWFpbCBhbGljZUBleGFtcGxlLmNvbSEh\"")),
            format!("{good},{}", row("1", "\"AACA\"")),
            format!("{good},{}", row("1", "null")),
        ] {
            let edited = embeddings(&format!(r#"{{"data":[{rows}]}}"#));
            assert_eq!(edited.result, Err(Fault::Malformed), "{rows}");
            assert_eq!(edited.text, "");
        }
    }
}

mod log_probabilities {
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
        assert!(
            edited.text.contains(r#""bytes":[195]"#) && edited.text.contains(r#""bytes":[169]"#),
            "{}",
            edited.text
        );
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
            let body = format!(
                r#"{{"choices":[{{"message":{{"content":"{content}"}},"logprobs":{{"content":[{tokens}]}}}}]}}"#
            );
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
}
