//! Streaming equals whole: any message, told in any pieces on any channels of two choices that interleave in any way,
//! is put together by the client to what the whole message gives.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use gatewright_json::{Object, Value, to_bytes};
use gatewright_model::Delivery;
use gatewright_protocols::{Claim, Fault, ReplyHead, UsageReport, claim};
use proptest::prelude::*;
use support::{FakeWords, asked, json};

/// The texts of one choice, by the place in a message where each stands.
const PLACES: [&str; 5] = ["content", "refusal", "reasoning_content", "call 0", "call 1"];

fn edit(delivery: Delivery, pieces: &[&[u8]]) -> (String, Result<(), Fault>) {
    let Claim { protocol, route, .. } = claim("POST", "/v1/chat/completions").unwrap();
    let content_type = if delivery == Delivery::Whole { "application/json" } else { "text/event-stream" };
    let head = ReplyHead { status: 200, content_type: Some(content_type), content_encoding: None };
    let mut editor = protocol.reply(route, delivery, head, asked(UsageReport::Told)).unwrap();
    let (mut words, mut out) = (FakeWords::default(), Vec::new());
    let pushed = pieces.iter().try_for_each(|piece| editor.push(piece, &mut words, &mut out));
    let result = pushed.and_then(|()| editor.finish(&mut words, &mut out));
    (String::from_utf8(out).unwrap(), result)
}

fn in_place(place: usize, text: &str) -> Object {
    let call = |index: u64| {
        let function = Object::from_iter([("name", Value::from("look_up")), ("arguments", text.into())]);
        let call = Object::from_iter([("index", Value::from(index)), ("function", function.into())]);
        Object::from_iter([("tool_calls", vec![call.into()])])
    };
    match place {
        3 => call(0),
        4 => call(1),
        _ => Object::from_iter([(PLACES[place], text)]),
    }
}

fn whole(texts: &[String; 5]) -> Value {
    let mut message = Object::new();
    for place in 0..3 {
        message.set(PLACES[place], texts[place].as_str());
    }
    let calls: Vec<Value> = (3..5)
        .map(|place| in_place(place, &texts[place]).remove("tool_calls").unwrap())
        .flat_map(|calls| calls.as_array().unwrap().to_vec())
        .collect();
    message.set("tool_calls", calls);
    message.into()
}

/// What a client reads at this place of a message or delta.
fn read(message: &Value, place: usize) -> String {
    let found = match place {
        3 | 4 => message.get("tool_calls").and_then(Value::as_array).and_then(|calls| {
            let position = calls.iter().position(|call| {
                call.get("index").map_or_else(
                    || {
                        call.get("id")
                            .and_then(Value::as_str)
                            .is_some_and(|id| id.ends_with(&format!("_{}", place - 3)))
                    },
                    |index| *index == Value::from((place - 3) as u64),
                )
            })?;
            calls[position].pointer("/function/arguments")
        }),
        _ => message.get(PLACES[place]),
    };
    found.and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn words() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        "[a-z]{0,4}",
        Just("al@ex.co".to_owned()),
        Just("4111111111111111".to_owned()),
        Just("41111111111111112222".to_owned()),
        Just("\u{1f600}é\"\\\n".to_owned()),
    ];
    proptest::collection::vec((word, "[ ,!]?"), 0..6)
        .prop_map(|words| words.into_iter().map(|(word, gap)| word + &gap).collect())
}

fn object() -> impl Strategy<Value = String> {
    (words(), words(), any::<i32>()).prop_map(|(key, text, number)| {
        let object = Object::from_iter([(key.as_str(), Value::from(text)), ("n", Value::from(i64::from(number)))]);
        String::from_utf8(to_bytes(&object.into())).unwrap()
    })
}

fn arguments() -> impl Strategy<Value = String> {
    let escaped = object().prop_map(|text| text.replace("al@", "\\u0061l\\u0040"));
    prop_oneof![3 => object(), 1 => words(), 1 => escaped]
}

fn texts() -> impl Strategy<Value = [String; 5]> {
    (words(), words(), words(), arguments(), arguments()).prop_map(|(a, b, c, d, e)| [a, b, c, d, e])
}

/// In which order pieces are told: a choice, a place and a number of characters, again and again.
fn order() -> impl Strategy<Value = Vec<(usize, usize, usize)>> {
    proptest::collection::vec((0..2_usize, 0..5_usize, 1..9_usize), 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn a_stream_is_put_together_to_the_whole(
        texts in [texts(), texts()],
        order in order(),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let mut rest: Vec<Vec<std::collections::VecDeque<char>>> =
            texts.iter().map(|texts| texts.iter().map(|text| text.chars().collect()).collect()).collect();
        let mut stream = String::new();
        let mut say = |choice: usize, place: usize, text: &str, reason: &str| {
            let delta = String::from_utf8(to_bytes(&in_place(place, text).into())).unwrap();
            stream.push_str(&format!(
                "data: {{\"choices\":[{{\"index\":{choice},\"delta\":{delta},\"finish_reason\":{reason}}}]}}\n\n"
            ));
        };
        let everything = (0..2).flat_map(|choice| (0..5).map(move |place| (choice, place, usize::MAX)));
        for (choice, place, count) in order.into_iter().chain(everything) {
            let count = count.min(rest[choice][place].len());
            let piece: String = rest[choice][place].drain(..count).collect();
            say(choice, place, &piece, "null");
        }
        say(0, 0, "", "\"stop\"");
        say(1, 0, "", "\"stop\"");
        stream.push_str("data: [DONE]\n\n");
        let bytes = stream.as_bytes();
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).chain([0, bytes.len()]).collect();
        at.sort_unstable();
        let pieces: Vec<&[u8]> = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        let (streamed, result) = edit(Delivery::Stream, &pieces);
        prop_assert_eq!(result, Ok(()));
        prop_assert_eq!(&streamed, &edit(Delivery::Stream, &[bytes]).0);

        let body = format!(
            "{{\"choices\":[{{\"message\":{}}},{{\"message\":{}}}]}}",
            String::from_utf8(to_bytes(&whole(&texts[0]))).unwrap(),
            String::from_utf8(to_bytes(&whole(&texts[1]))).unwrap()
        );
        let (answer, result) = edit(Delivery::Whole, &[body.as_bytes()]);
        prop_assert_eq!(result, Ok(()));
        let answer = json(&answer);
        for choice in 0..2_u64 {
            for place in 0..5 {
                let joined: String = streamed
                    .split("\n\n")
                    .filter_map(|event| event.strip_prefix("data: {"))
                    .map(|event| json(&format!("{{{event}")))
                    .flat_map(|chunk| chunk.get("choices").unwrap().as_array().unwrap().to_vec())
                    .filter(|part| part.get("index") == Some(&Value::from(choice)))
                    .map(|part| read(part.get("delta").unwrap(), place))
                    .collect();
                let message = answer.pointer(&format!("/choices/{choice}/message")).unwrap();
                prop_assert_eq!(&joined, &read(message, place), "choice {} {}", choice, PLACES[place]);
                if place < 3 {
                    let text = &texts[usize::try_from(choice).unwrap()][place];
                    prop_assert_eq!(&joined, &support::masked(text));
                }
            }
        }
        prop_assert!(!streamed.contains("al@ex.co"));
    }

    #[test]
    fn no_bytes_make_an_editor_panic(
        pieces in proptest::collection::vec("(data: )?[\\[\\]{}\":,a-z0-9\\\\u\n ]{0,40}(\n\n)?", 0..8),
        delivery in prop_oneof![Just(Delivery::Whole), Just(Delivery::Stream)],
    ) {
        let pieces: Vec<&[u8]> = pieces.iter().map(String::as_bytes).collect();
        let _ = edit(delivery, &pieces);
    }

    /// Any JSON where an event's could stand: nothing that looks like an address passes, and nothing panics.
    #[test]
    fn no_shape_lets_an_address_pass(
        choice in shapes(),
        delivery in prop_oneof![Just(Delivery::Whole), Just(Delivery::Stream)],
    ) {
        let text = String::from_utf8(to_bytes(&choice)).unwrap();
        let body = match delivery {
            Delivery::Whole => text,
            Delivery::Stream => format!("data: {text}\n\ndata: [DONE]\n\n"),
        };
        let (out, _) = edit(delivery, &[body.as_bytes()]);
        prop_assert!(!out.contains("al@ex.co"), "{}", out);
    }
}

const KEYS: &[&str] = &[
    "choices",
    "index",
    "delta",
    "message",
    "content",
    "refusal",
    "reasoning",
    "reasoning_content",
    "tool_calls",
    "id",
    "type",
    "function",
    "name",
    "arguments",
    "function_call",
    "annotations",
    "url_citation",
    "url",
    "title",
    "logprobs",
    "token",
    "bytes",
    "logprob",
    "top_logprobs",
    "finish_reason",
    "usage",
    "prompt_tokens",
    "role",
    "text",
    "created",
    "model",
    "audio",
    "al@ex.co",
];

/// An answer with texts that must not pass, wherever a protocol could look for one.
fn shapes() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => Just(Value::from("al@ex.co")),
        1 => Just(Value::from("text")),
        1 => Just(Value::from(0_u64)),
        1 => Just(Value::Null),
    ];
    let inner = leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            1 => proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            3 => proptest::collection::vec((prop::sample::select(KEYS), inner), 0..6)
                .prop_map(|members| Value::from(members.into_iter().collect::<Object>())),
        ]
    });
    (inner.clone(), inner.clone(), inner.clone(), inner).prop_map(|(outer, part, message, logprobs)| {
        let mut choice = part.as_object().cloned().unwrap_or_default();
        let said = message.as_object().cloned().unwrap_or_default();
        choice.set("delta", said.clone());
        choice.set("message", said);
        choice.set("logprobs", logprobs);
        let mut answer = outer.as_object().cloned().unwrap_or_default();
        answer.remove("error");
        answer.set("choices", vec![choice.into()]);
        answer.into()
    })
}
