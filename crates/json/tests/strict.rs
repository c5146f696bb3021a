//! What is refused and with which words, and what the other operations promise.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]

use gatewright_json::{FaultKind, Limits, Number, Object, Value, canonical, escape_into, parse, to_bytes};

fn read(text: &str) -> Value {
    parse(text.as_bytes(), &Limits::default()).unwrap_or_else(|fault| panic!("{text}: {fault}"))
}

fn refused(text: impl AsRef<[u8]>, kind: FaultKind, offset: usize) -> String {
    let fault = parse(text.as_ref(), &Limits::default()).expect_err("refused");
    assert_eq!((fault.kind(), fault.offset()), (kind, offset), "{}", String::from_utf8_lossy(text.as_ref()));
    fault.to_string()
}

#[test]
fn a_key_that_appears_twice_is_refused_at_every_depth() {
    refused(r#"{"model":"A","model":"D"}"#, FaultKind::DuplicateKey, 13);
    refused(r#"{"\u006dodel":"D","model":"A"}"#, FaultKind::DuplicateKey, 18);
    refused(r#"{"model":"A","m\u006fdel":"D"}"#, FaultKind::DuplicateKey, 13);
    let words = refused(r#"{"messages":[{},{"role":{"a":1,"a":1}}]}"#, FaultKind::DuplicateKey, 31);
    assert_eq!(words, "an object has the same key twice: a (at byte 31, in messages.1.role)");
    refused(r#"{"":1,"":1}"#, FaultKind::DuplicateKey, 6);
    // Alike to a reader, different to every parser.
    read("{\"caf\u{e9}\":1,\"cafe\u{301}\":2}");
}

#[test]
fn a_duplicate_among_many_is_found_where_it_is() {
    let mut text: String = (0..1000).map(|n| format!("\"k{n}\":{n},")).collect();
    text.insert(0, '{');
    let at = text.len();
    text.push_str("\"k500\":0,\"k1\":0}");
    refused(&text, FaultKind::DuplicateKey, at);
}

#[test]
fn a_fault_repeats_no_text_that_people_wrote() {
    let words = refused(r#"{"alice@example.com":1,"alice@example.com":2}"#, FaultKind::DuplicateKey, 23);
    assert!(!words.contains("alice"), "{words}");
    let words = refused(r#"{"4111111111111111":[x]}"#, FaultKind::Unexpected, 21);
    assert!(!words.contains("4111"), "{words}");
}

#[test]
fn what_parsers_disagree_about_is_refused() {
    refused("{} {}", FaultKind::Trailing, 3);
    refused("{}\n{}", FaultKind::Trailing, 3);
    refused("{}\0", FaultKind::Trailing, 2);
    refused("\u{feff}{}", FaultKind::ByteOrderMark, 0);
    refused(b"{\0}\0", FaultKind::Unexpected, 1);
    refused(b"\xff\xfe{\0", FaultKind::NotUtf8, 0);
    refused(b"\"a\xc3\"", FaultKind::NotUtf8, 2);
    refused(b"\"\xed\xa0\x80\"", FaultKind::NotUtf8, 1);
    refused(r#""\ud800""#, FaultKind::LoneSurrogate, 1);
    refused(r#""\ud800\u0041""#, FaultKind::LoneSurrogate, 1);
    refused(r#""\udc00\ud800""#, FaultKind::LoneSurrogate, 1);
    refused("\"a\nb\"", FaultKind::ControlCharacter, 2);
    refused(r#""\x41""#, FaultKind::BadEscape, 2);
    refused("NaN", FaultKind::Unexpected, 0);
    refused("-Infinity", FaultKind::BadNumber, 1);
    refused("[1e999]", FaultKind::NumberRange, 1);
    refused("1e-99999999999999999999", FaultKind::NumberRange, 0);
    refused("01", FaultKind::BadNumber, 1);
    refused("1.", FaultKind::BadNumber, 2);
    refused("+1", FaultKind::Unexpected, 0);
    refused("'a'", FaultKind::Unexpected, 0);
    refused("[1,]", FaultKind::Unexpected, 3);
    refused("{\"a\":1,}", FaultKind::Unexpected, 7);
    refused("// c\n1", FaultKind::Unexpected, 0);
    refused("", FaultKind::UnexpectedEnd, 0);
    refused("\"abc", FaultKind::UnexpectedEnd, 4);
    refused("tru", FaultKind::UnexpectedEnd, 3);
    refused("trux", FaultKind::Unexpected, 3);
    refused("9".repeat(2000), FaultKind::NumberRange, 0);
}

#[test]
fn limits_hold() {
    let limits = Limits { bytes: 10, depth: 2, values: 4 };
    let kind = |text: &str| parse(text.as_bytes(), &limits).map_err(|fault| fault.kind()).err();
    assert_eq!(kind("[[1]]"), None);
    assert_eq!(kind("[[[]]]"), Some(FaultKind::TooDeep));
    assert_eq!(kind("[1,1,1]"), None);
    assert_eq!(kind("[1,1,1,1]"), Some(FaultKind::TooMany));
    assert_eq!(kind("[        1]"), Some(FaultKind::TooLarge));
    let bomb = "[".repeat(1_000_000);
    assert_eq!(
        parse(bomb.as_bytes(), &Limits { depth: usize::MAX, ..Limits::default() }).unwrap_err().kind(),
        FaultKind::TooDeep
    );
}

#[test]
fn order_and_numbers_stay_as_they_were_written() {
    let text = r#"{"b":1.10,"a":123456789012345678901234567890,"c":[-0,1E+2],"d":"\u0000é😀\"\\/"}"#;
    let written = String::from_utf8(to_bytes(&read(text))).expect("UTF-8");
    assert_eq!(written, r#"{"b":1.10,"a":123456789012345678901234567890,"c":[-0,1E+2],"d":"\u0000é😀\"\\/"}"#);
    assert_eq!(read(r#""\ud83d\ude00\u00E9""#), Value::from("😀é"));
}

#[test]
fn escapes_are_the_shortest() {
    let mut out = Vec::new();
    escape_into("\u{8}\u{c}\n\r\t\u{1}\u{1f}\u{7f}/\"\\ and a longer run of plain text beyond one block", &mut out);
    assert_eq!(
        String::from_utf8_lossy(&out),
        "\\b\\f\\n\\r\\t\\u0001\\u001f\u{7f}/\\\"\\\\ and a longer run of plain text beyond one block"
    );
}

#[test]
fn the_canonical_form_is_one_for_all_spellings() {
    // RFC 8785, section 3.2.3: the order is that of UTF-16 code units.
    let text = "{\"\\u20ac\":1,\"\\r\":2,\"\\ufb33\":3,\"1\":4,\"\\ud83d\\ude00\":5,\"\\u0080\":6,\"\\u00f6\":7}";
    assert_eq!(
        String::from_utf8(canonical(&read(text))).expect("UTF-8"),
        "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"\u{f6}\":7,\"\u{20ac}\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}"
    );
    for (spellings, form) in [
        (&["1", "1.0", "10e-1", "0.1e1", "1E0"][..], "1"),
        (&["0", "-0", "0.000", "0e5", "-0.0e-9"][..], "0"),
        (&["-1.50", "-15e-1"][..], "-1.5"),
        (&["1e21", "1000000000000000000000"][..], "1e+21"),
        (&["1e20", "100000000000000000000"][..], "100000000000000000000"),
        (&["0.000001", "1e-6"][..], "0.000001"),
        (&["0.0000001", "1e-7"][..], "1e-7"),
        (&["12.5e-8", "0.000000125"][..], "1.25e-7"),
        (&["9007199254740993"][..], "9007199254740993"),
        (&["1.2345e2"][..], "123.45"),
        (&["123456789e3"][..], "123456789000"),
    ] {
        for spelling in spellings {
            assert_eq!(String::from_utf8_lossy(&canonical(&read(spelling))), *form, "{spelling}");
        }
    }
}

#[test]
fn pointers_lead_to_values() {
    let mut value = read(r#"{"foo":["bar","baz"],"":0,"a/b":1,"m~n":8,"01":2}"#);
    assert_eq!(value.pointer(""), Some(&value));
    assert_eq!(value.pointer("/foo/1"), Some(&Value::from("baz")));
    assert_eq!(value.pointer("/"), Some(&Value::from(0_u64)));
    assert_eq!(value.pointer("/a~1b"), Some(&Value::from(1_u64)));
    assert_eq!(value.pointer("/m~0n"), Some(&Value::from(8_u64)));
    for nowhere in ["foo", "/foo/01", "/foo/-", "/foo/2", "/foo/+1", "/m~n", "/foo/0/x"] {
        assert_eq!(value.pointer(nowhere), None, "{nowhere}");
    }
    if let Some(place) = value.pointer_mut("/foo/0") {
        *place = Value::Null;
    }
    assert_eq!(value.pointer("/foo/0"), Some(&Value::Null));
}

#[test]
fn keys_that_become_alike_are_told_apart() {
    let mut object: Object = [("a@x.com", 1_u64), ("b@x.com", 2), ("E 2", 3), ("c@x.com", 4)].into_iter().collect();
    object.edit(|key, _| {
        if key.contains('@') {
            *key = "E".to_owned();
        }
    });
    let keys: Vec<&str> = object.iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["E", "E 2", "E 2 2", "E 3"]);
}

#[test]
fn members_are_set_in_place_or_at_the_end() {
    let mut object: Object = [("a", 1_u64), ("b", 2)].into_iter().collect();
    object.set("a", "x");
    object.set("c", Value::Null);
    assert_eq!(object.remove("b"), Some(Value::from(2_u64)));
    assert_eq!(to_bytes(&object.into()), br#"{"a":"x","c":null}"#);
}

#[test]
fn numbers_parse_only_whole() {
    assert!(Number::parse("1.5e3").is_ok_and(|number| number.as_str() == "1.5e3"));
    for bad in ["", " 1", "1 ", "1.5x", "0x10", "--1", "1e400"] {
        assert!(Number::parse(bad).is_err(), "{bad}");
    }
    assert_eq!(Number::parse("123456789012345678901234567890").map(|n| n.as_i64()), Ok(None));
    assert_eq!(Number::from(-5_i64).as_i64(), Some(-5));
}
