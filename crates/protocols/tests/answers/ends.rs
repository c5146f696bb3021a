//! How chat answers end, and what is refused.

use super::*;

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
