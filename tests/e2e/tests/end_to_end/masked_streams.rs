//! Values cut at every byte of a stream, across interleaved choices and tool-call arguments: what the caller gets is
//! the masked whole, and no recorded byte holds the original.

use gatewright_e2e::answers::{asking, streamed_texts};
use gatewright_e2e::records;
use gatewright_e2e::setting::Setting;
use gatewright_testkit::{FakeModel, Reply, openai};
use serde_json::{Value, json};

const VALUES: [&str; 4] = ["erika.mustermann@example.com", "4111 1111 1111 1111", "536-22-8741", "aurora"];
const TEXT: &str =
    "Mail erika.mustermann@example.com, card 4111 1111 1111 1111, SSN 536-22-8741, project aurora, done.";
const MASKED: &str = "Mail [EMAIL_ADDRESS], card [CREDIT_CARD], SSN [US_SSN], project [PROJECT_CODE], done.";

/// The other choice, so that interleaving would mix the two if they shared a masker.
const OTHER: &str = "Nothing here but 4111, erika@, 536-22 and 8741: all of it may pass.";

/// A stream of two choices and a tool call, interleaved, each in pieces of `size` characters.
fn interleaved(size: usize) -> Reply {
    let arguments = json!({"to": VALUES[0], "note": format!("card {}", VALUES[1])}).to_string();
    let pieces = |text: &str| -> Vec<String> {
        let characters: Vec<char> = text.chars().collect();
        characters.chunks(size).map(|piece| piece.iter().collect()).collect()
    };
    let (first, second, call) = (pieces(TEXT), pieces(OTHER), pieces(&arguments));
    let mut events = vec![openai::stream_event(
        "sales-forecast",
        0,
        "{\"role\":\"assistant\",\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"type\":\"function\",\
         \"function\":{\"name\":\"send\",\"arguments\":\"\"}}]}",
        "null",
    )];
    for index in 0..first.len().max(second.len()).max(call.len()) {
        let mut event = |choice: usize, delta: String| {
            events.push(openai::stream_event("sales-forecast", choice, &delta, "null"));
        };
        if let Some(piece) = first.get(index) {
            event(0, format!("{{\"content\":{}}}", openai::quoted(piece)));
        }
        if let Some(piece) = second.get(index) {
            event(1, format!("{{\"content\":{}}}", openai::quoted(piece)));
        }
        if let Some(piece) = call.get(index) {
            let piece = openai::quoted(piece);
            event(0, format!("{{\"tool_calls\":[{{\"index\":0,\"function\":{{\"arguments\":{piece}}}}}]}}"));
        }
    }
    events.push(openai::stream_event("sales-forecast", 0, "{}", "\"tool_calls\""));
    events.push(openai::stream_event("sales-forecast", 1, "{}", "\"stop\""));
    events.push("data: [DONE]\n\n".into());
    Reply::events(events)
}

/// Asks for the stream whose pieces are named in the prompt.
fn question(pieces: usize, cut: &str) -> String {
    json!({"model": "sales-forecast", "stream": true, "n": 2,
           "messages": [{"role": "user", "content": format!("pieces {pieces} cut {cut} end")}]})
    .to_string()
}

fn number_after(text: &str, word: &str) -> Option<usize> {
    text.split_once(word)?.1.split_whitespace().next()?.trim_matches(|c: char| !c.is_ascii_digit()).parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_is_masked_wherever_the_stream_is_cut() {
    let model = FakeModel::start(|received| {
        let asked = received.text();
        let reply = interleaved(number_after(&asked, "pieces ").unwrap_or(1));
        match number_after(&asked, "cut ") {
            Some(0) => reply.in_pieces_of(1),
            Some(at) => reply.cut_at(at),
            None => reply,
        }
    })
    .await
    .unwrap();
    let mut setting = Setting::lay(&model.url()).await;
    setting.start().await;
    let whole = interleaved(1).body().len();
    // Every size of piece; every byte on its own; and two writes, cut at bytes all over the stream.
    let mut cuts: Vec<(usize, String)> = (1..=40).map(|pieces| (pieces, "none".into())).collect();
    cuts.extend([1, 3, 200].map(|pieces| (pieces, "0".into())));
    cuts.extend((1..whole).step_by(whole / 150).map(|at| (1, at.to_string())));
    cuts.extend((1..interleaved(200).body().len()).map(|at| (200, at.to_string())).step_by(3));
    println!("{} ways to cut the same answer", cuts.len());
    let alice = setting.alice();
    for (pieces, cut) in cuts {
        let headers = [alice.as_str(), "content-type: application/json"];
        let body = question(pieces, &cut);
        let answer = asking(setting.data_address(), "POST", "/v1/chat/completions", &headers, &body).await;
        let told = format!("pieces of {pieces}, cut at {cut}");
        assert_eq!((answer.status, answer.whole), (200, true), "{told}: {}", answer.text());
        let texts = streamed_texts(&answer.body);
        let text = |choice: u64, channel: &str| texts.get(&(choice, channel.to_owned())).cloned().unwrap_or_default();
        assert_eq!(text(0, "content"), MASKED, "{told}");
        assert_eq!(text(1, "content"), OTHER, "{told}");
        let arguments: Value =
            serde_json::from_str(&text(0, "arguments:0")).unwrap_or_else(|error| panic!("{told}: {error}"));
        assert_eq!(arguments, json!({"to": "[EMAIL_ADDRESS]", "note": "card [CREDIT_CARD]"}), "{told}");
        assert!(answer.text().ends_with("data: [DONE]\n\n"), "{told}");
    }
    setting.stop();
    records::verify(&setting.data());
    for value in VALUES.into_iter().filter(|value| value.len() >= 8) {
        assert_eq!(records::files_with(&setting.data(), value), [""; 0], "{value} is on disk");
    }
    assert!(!records::files_with(&setting.data(), "[EMAIL_ADDRESS]").is_empty(), "the masked answers are not on disk");
}
