//! What the caller is shown is the masked whole, however the answer was cut; what the disk holds has no original.

use std::time::Duration;

use gatewright_demo::issuer::Person;
use gatewright_model::{Event, Trust};
use gatewright_testkit::{FakeModel, Reply, openai};

use crate::desk::{Desk, contains};

const ORIGINALS: [&str; 4] = ["dana.miller@example.com", "4111 1111 1111 1111", "123-45-6789", "ACME-EMP-123456"];
const STREAMED: &str = r#"{"model":"open","stream":true,"messages":[{"role":"user","content":"who?"}]}"#;

fn text() -> String {
    format!("Write to {}, card {}, SSN {}, badge {}.", ORIGINALS[0], ORIGINALS[1], ORIGINALS[2], ORIGINALS[3])
}

const MASKED: &str = "Write to [EMAIL_ADDRESS], card [CREDIT_CARD], SSN [US_SSN], badge [EMPLOYEE].";

/// The texts of a stream's events, by choice.
fn joined(answer: &str, choice: usize) -> String {
    let mark = format!(r#""index":{choice},"#);
    let mut text = String::new();
    for event in answer.split("\n\n").filter_map(|event| event.strip_prefix("data: ")) {
        if let Some((_, rest)) = event.contains(&mark).then(|| event.split_once(r#""content":""#)).flatten() {
            text.push_str(rest.split('"').next().unwrap_or_default());
        }
    }
    text
}

/// Nothing sensitive was shown or written; the masked view was, with the next group commit at the latest.
async fn nothing_original(desk: &Desk, what: &[u8]) {
    for _ in 0..100 {
        if contains(&desk.disk_bytes(), "[EMAIL_ADDRESS]") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let disk = desk.disk_bytes();
    for original in ORIGINALS {
        assert!(!contains(what, original), "{original} was shown");
        assert!(!contains(&disk, original), "{original} was recorded");
    }
    assert!(contains(&disk, "[EMAIL_ADDRESS]"), "the masked view was not recorded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_answer_and_a_prompt() {
    let model = FakeModel::start(|_| openai::chat("open-there", &text())).await.unwrap();
    let desk = Desk::new(model, Trust::Internal).await;
    let prompt = format!(r#"{{"model":"open","messages":[{{"role":"user","content":"{}"}}]}}"#, text());
    let answer = desk.chat(Person::Alice, &prompt).await;
    assert!(answer.text().contains(MASKED), "{}", answer.text());
    // Inside the walls the model may see what was asked; the record may not.
    assert!(desk.model.received()[0].text().contains(ORIGINALS[0]));
    tokio::time::sleep(Duration::from_millis(200)).await;
    nothing_original(&desk, &answer.raw).await;
    // Metrics and the access log hear of the whole story, what was masked on the way in included.
    let heard = desk.ears.0.lock().unwrap();
    let events: Vec<&Event> = heard.iter().flat_map(|(_, moments)| moments).map(|moment| &moment.event).collect();
    let opened = events.iter().find_map(|event| match event {
        Event::Opened { masked, .. } => Some(masked.len()),
        _ => None,
    });
    assert_eq!(opened, Some(4), "{events:?}");
    assert!(matches!(events.last(), Some(Event::Closed { masked, .. }) if masked.len() == 4), "{events:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_external_model_is_given_tokens() {
    let model = FakeModel::start(|_| openai::chat("open-there", "I wrote to <EMAIL_ADDRESS_1>.")).await.unwrap();
    let desk = Desk::new(model, Trust::External).await;
    let prompt = |model: &str| {
        format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":"write to {}"}}]}}"#, ORIGINALS[0])
    };
    let hidden = desk.chat(Person::Alice, &prompt("open")).await;
    assert!(hidden.text().contains("<EMAIL_ADDRESS_1>"), "{}", hidden.text());
    // Bob's role may see addresses: the token comes back as the value, and the record keeps the token.
    let shown = desk.chat(Person::Bob, &prompt("open")).await;
    assert!(shown.text().contains(ORIGINALS[0]), "{}", shown.text());
    for received in desk.model.received() {
        assert!(!contains(&received.raw, ORIGINALS[0]), "{}", received.text());
        assert!(received.text().contains("<EMAIL_ADDRESS_1>"), "{}", received.text());
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!contains(&desk.disk_bytes(), ORIGINALS[0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_see_is_shown_what_the_record_hides() {
    let model = FakeModel::start(|_| openai::chat_stream("open-there", ["Ask dana.mil", "ler@example.com", " today"]));
    let desk = Desk::new(model.await.unwrap(), Trust::Internal).await;
    let answer = desk.chat(Person::Bob, STREAMED).await;
    assert_eq!(joined(&answer.text(), 0), "Ask dana.miller@example.com today");
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!contains(&desk.disk_bytes(), ORIGINALS[0]));
    assert!(contains(&desk.disk_bytes(), "[EMAIL_ADDRESS]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_cut_at_every_byte_of_its_text() {
    let whole = text();
    let cuts: Vec<Reply> =
        (1..whole.len()).map(|at| openai::chat_stream("open-there", [&whole[..at], &whole[at..]])).collect();
    let count = cuts.len();
    let desk = Desk::new(FakeModel::scripted(cuts).await.unwrap(), Trust::Internal).await;
    for at in 1..=count {
        let answer = desk.chat(Person::Alice, STREAMED).await;
        assert_eq!(joined(&answer.text(), 0), MASKED, "cut at {at}: {}", answer.text());
        assert!(answer.text().ends_with("data: [DONE]\n\n"));
        nothing_original(&desk, &answer.raw).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_choices_that_interleave_byte_by_byte() {
    let model = FakeModel::start(|_| {
        let whole = text();
        let mut events = Vec::new();
        for at in 0..whole.len() {
            for choice in 0..2 {
                let delta = format!(r#"{{"content":{}}}"#, openai::quoted(&whole[at..=at]));
                events.push(openai::stream_event("open-there", choice, &delta, "null"));
            }
        }
        for choice in 0..2 {
            events.push(openai::stream_event("open-there", choice, "{}", "\"stop\""));
        }
        events.push("data: [DONE]\n\n".to_owned());
        Reply::events(events)
    });
    let desk = Desk::new(model.await.unwrap(), Trust::Internal).await;
    let body = r#"{"model":"open","stream":true,"n":2,"messages":[{"role":"user","content":"who?"}]}"#;
    let answer = desk.chat(Person::Alice, body).await;
    assert_eq!(joined(&answer.text(), 0), MASKED, "{}", answer.text());
    assert_eq!(joined(&answer.text(), 1), MASKED);
    nothing_original(&desk, &answer.raw).await;
}
