//! Round trips, and agreement with serde_json wherever it is as strict.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]

use gatewright_json::{Limits, Number, Object, Value, canonical, parse, to_bytes};
use proptest::prelude::*;

fn numbers() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::from),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,12})?([eE][+-]?[0-9]{1,2})?"
            .prop_map(|text| Value::Number(Number::parse(&text).expect("a JSON number"))),
    ]
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        numbers(),
        ".{0,40}".prop_map(Value::from),
        proptest::collection::vec(any::<char>(), 0..8).prop_map(|text| Value::from(String::from_iter(text))),
    ];
    leaf.prop_recursive(5, 80, 24, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..24).prop_map(Value::from),
            proptest::collection::vec((".{0,6}", inner), 0..24)
                .prop_map(|members| Value::from(members.into_iter().collect::<Object>())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(value in values()) {
        let written = to_bytes(&value);
        prop_assert_eq!(parse(&written, &Limits::default()), Ok(value.clone()));
        let form = canonical(&value);
        let again = parse(&form, &Limits::default()).expect("canonical JSON is JSON");
        prop_assert_eq!(canonical(&again), form);
    }

    #[test]
    fn serde_json_reads_what_we_write(value in values()) {
        let written = to_bytes(&value);
        let theirs: serde_json::Value = serde_json::from_slice(&written).expect("JSON");
        let ours = parse(serde_json::to_string(&theirs).expect("text").as_bytes(), &Limits::default()).expect("JSON");
        // Doubles lose digits, so strings and structure are compared, and numbers by nearest double.
        fn alike(a: &Value, b: &serde_json::Value) -> bool {
            match (a, b) {
                (Value::Null, serde_json::Value::Null) => true,
                (Value::Bool(a), serde_json::Value::Bool(b)) => a == b,
                (Value::Number(a), serde_json::Value::Number(b)) => {
                    b.as_f64().is_some_and(|b| (a.as_f64() - b).abs() <= b.abs() * 1e-12)
                }
                (Value::String(a), serde_json::Value::String(b)) => a == b,
                (Value::Array(a), serde_json::Value::Array(b)) => {
                    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b))
                }
                (Value::Object(a), serde_json::Value::Object(b)) => {
                    a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| alike(a, b)))
                }
                _ => false,
            }
        }
        prop_assert!(alike(&value, &theirs));
        prop_assert!(alike(&ours, &theirs));
    }

    /// One changed byte in valid JSON: both parsers say yes or both say no, but for what only this crate refuses.
    #[test]
    fn agrees_with_serde_json_on_damaged_text(value in values(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut text = to_bytes(&value);
        let at = at.index(text.len());
        text[at] = byte;
        let ours = parse(&text, &Limits::default());
        let theirs = serde_json::from_slice::<serde_json::Value>(&text);
        match (&ours, &theirs) {
            (Ok(_), Err(error)) => prop_assert!(false, "only we accept {:?}: {error}", String::from_utf8_lossy(&text)),
            (Err(fault), Ok(_)) => prop_assert!(
                matches!(fault.kind(), gatewright_json::FaultKind::DuplicateKey | gatewright_json::FaultKind::NumberRange),
                "only serde_json accepts {:?}: {fault}", String::from_utf8_lossy(&text)
            ),
            _ => {}
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes, &Limits::default());
    }

    #[test]
    fn no_json_like_text_makes_it_panic(text in "[\\[\\]{}\",:\\\\u0dD8e.+\\-1tfn ]{0,60}") {
        let ours = parse(text.as_bytes(), &Limits::default());
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        prop_assert!(ours.is_err() || theirs.is_ok(), "{text}");
    }
}
