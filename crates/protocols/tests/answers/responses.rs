//! Responses, whole and streamed, and what servers say of what they keep.

use super::*;

const TEXT: &str = "mail alice@example.com or bob@example.org!";

fn event(kind: &str, members: &str) -> String {
    format!("event: {kind}\ndata: {{\"type\":\"{kind}\",\"sequence_number\":9{members}}}\n\n")
}

/// A response whose text comes in pieces of `size` letters, with a call whose arguments do so as well.
fn streamed(size: usize) -> Vec<u8> {
    let response = |status: &str, output: &str| {
        format!(
            ",\"response\":{{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"{status}\",\"model\":\"llama@x.yz\",\
             \"output\":[{output}],\"usage\":{{\"input_tokens\":3,\"output_tokens\":4}},\"secret\":\"carol@example.com\"}}"
        )
    };
    let at = |index: u32| format!(",\"item_id\":\"item_{index}\",\"output_index\":{index},\"content_index\":0");
    let arguments = r#"{\"to\":\"alice\\u0040example.com\"}"#;
    let message = format!(
        "{{\"id\":\"item_0\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[{{\"type\":\"output_text\",\"text\":\"{TEXT}\"}}]}}"
    );
    let call = format!(
        "{{\"id\":\"item_1\",\"type\":\"function_call\",\"call_id\":\"call_1\",\"name\":\"send\",\"arguments\":\"{arguments}\"}}"
    );
    let mut text = event("response.created", &response("in_progress", ""));
    let (words, letters) = (TEXT.chars().collect::<Vec<_>>(), arguments.chars().collect::<Vec<_>>());
    let pieces = words.chunks(size).map(|piece| (0, "response.output_text.delta", piece));
    // A piece of a JSON string may not end within an escape of the event's own.
    let calls = std::iter::once((1, "response.function_call_arguments.delta", &letters[..]));
    for (index, kind, piece) in pieces.chain(calls) {
        let piece: String = piece.iter().collect();
        text.push_str(&event(kind, &format!("{},\"delta\":\"{piece}\"", at(index))));
    }
    text.push_str(&event("response.output_text.done", &format!("{},\"text\":\"{TEXT}\"", at(0))));
    text.push_str(&event("response.surprise", ",\"text\":\"dora@example.com\""));
    text.push_str(&event("response.output_item.done", &format!(",\"output_index\":0,\"item\":{message}")));
    text.push_str(&event("response.output_item.done", &format!(",\"output_index\":1,\"item\":{call}")));
    text.push_str(&event("response.completed", &response("completed", &format!("{message},{call}"))));
    text.push_str(&event("response.created", ",\"text\":\"eve@example.com\""));
    text.into_bytes()
}

fn open() -> Box<dyn ReplyEditor> {
    editor("/v1/responses", Delivery::Stream, asked(UsageReport::Told))
}

fn events(text: &str) -> Vec<Value> {
    text.split("\n\n").filter_map(|event| Some(json(event.split_once("data: ")?.1))).collect()
}

#[test]
fn a_streamed_response_is_its_whole_wherever_it_is_cut() {
    for size in [1, 3, 100] {
        let bytes = streamed(size);
        let edited = edit(open(), [&bytes[..]]);
        assert_eq!((edited.result, edited.complete), (Ok(()), true));
        for cut in 0..=bytes.len() {
            let again = edit(open(), [&bytes[..cut], &bytes[cut..]]);
            assert_eq!(again.text, edited.text, "cut at {cut}");
        }
        for name in ["alice@", "bob@", "carol@", "dora@", "eve@", "llama@", "u0040"] {
            assert!(!edited.text.contains(name), "{name}: {}", edited.text);
        }
        let of = |kind: &str| -> String {
            let all = events(&edited.text);
            let deltas = all.iter().filter(|event| event.get("type") == Some(&Value::from(kind)));
            deltas.filter_map(|event| event.get("delta")?.as_str()).collect()
        };
        assert_eq!(of("response.output_text.delta"), masked(TEXT));
        assert_eq!(of("response.function_call_arguments.delta"), r#"{"to":"[EMAIL_ADDRESS]"}"#);
        let last = events(&edited.text).pop().unwrap();
        let said = |pointer: &str| last.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        assert_eq!(said("/response/output/0/content/0/text"), Some(masked(TEXT)));
        assert_eq!(said("/response/output/1/arguments").as_deref(), Some(r#"{"to":"[EMAIL_ADDRESS]"}"#));
        assert_eq!(said("/response/model").as_deref(), Some("sales-forecast"));
        let numbers = events(&edited.text)
            .iter()
            .filter_map(|it| it.get("sequence_number")?.as_number()?.as_u64())
            .collect::<Vec<_>>();
        assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>(), "no gap tells of what was left out");
    }
}

#[test]
fn a_stream_that_breaks_off_or_turns_into_another_is_no_answer() {
    let bytes = streamed(3);
    let text = String::from_utf8(bytes).unwrap();
    let half = &text[..text.find("response.output_text.done").unwrap()];
    let edited = edit(open(), [half.as_bytes()]);
    assert_eq!((edited.result, edited.complete), (Err(Fault::Malformed), false));
    assert!(edited.text.contains("[EMAIL_ADDRESS]"), "what was held is told, masked: {}", edited.text);
    let other = text.replacen("\"status\":\"completed\"", "\"status\":\"completed\",\"x\":1", 1);
    let other = other.rsplit_once("resp_1").map(|(before, after)| format!("{before}resp_2{after}")).unwrap();
    assert_eq!(edit(open(), [other.as_bytes()]).result, Err(Fault::Malformed), "another response amid the stream");
    let failed = event("error", ",\"message\":\"alice@example.com\"");
    let edited = edit(open(), [failed.as_bytes()]);
    assert_eq!((edited.result, edited.text.as_str()), (Err(Fault::Reported), ""));
    let stopped = text.replace("mail ", "FORBIDDEN ");
    let edited = edit(open(), [stopped.as_bytes()]);
    assert_eq!(edited.result, Err(Fault::Blocked));
    assert!(!edited.text.contains("FORBIDDEN") && !edited.text.contains("bob"), "{}", edited.text);
}

#[test]
fn of_what_is_kept_known_members_are_told_and_texts_masked() {
    let editor = editor("/v1/conversations", Delivery::Whole, asked(UsageReport::Told));
    let answer = r#"{"id":"conv_1","object":"conversation","created_at":1700000000,"metadata":{"a@b.co":"c@d.eu","n":4111111111111111},"status":"call 4111111111111111","owner":"e@f.gh","bytes":4111111111111111,"deleted":"i@j.kl","data":[{"id":"x y@z.ab","text":"m@n.op"}]}"#;
    let edited = edit(editor, answer.as_bytes().chunks(7));
    assert_eq!(
        edited.text,
        r#"{"id":"conv_1","object":"conversation","created_at":1700000000,"metadata":{"[EMAIL_ADDRESS]":"[EMAIL_ADDRESS]","n":"[CREDIT_CARD]"},"data":[{"text":"[EMAIL_ADDRESS]"}],"model":"sales-forecast"}"#
    );
}
