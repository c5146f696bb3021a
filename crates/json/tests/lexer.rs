//! The incremental lexer: what it tells apart, and that no cut changes it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]

use gatewright_json::lexer::{Lexer, Token};
use gatewright_json::{Limits, escape_into, parse};
use proptest::prelude::*;

/// The tokens of pieces, adjoining ones of a kind joined.
fn lex<'a>(pieces: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut tokens: Vec<(char, String)> = Vec::new();
    let mut lexer = Lexer::new();
    let mut give = |token: Token<'_>| {
        let (kind, text) = match token {
            Token::Structure(text) => ('s', text.to_owned()),
            Token::Key => ('k', String::new()),
            Token::Text(path) => ('t', path.to_owned()),
            Token::Words(text) => ('w', text.to_owned()),
            Token::Close => ('/', String::new()),
            Token::Cut => ('!', String::new()),
            Token::Number { path, text } => ('n', format!("{path}={text}")),
            Token::Plain(text) => ('p', text.to_owned()),
        };
        match tokens.last_mut() {
            Some((last, joined)) if *last == kind && matches!(kind, 's' | 'w' | 'p') => joined.push_str(&text),
            _ => tokens.push((kind, text)),
        }
    };
    for piece in pieces {
        lexer.push(piece, &mut give);
    }
    lexer.finish(&mut give);
    tokens.into_iter().map(|(kind, text)| format!("{kind}{text}")).collect()
}

/// What the tokens stand for, written again.
fn rewrite<'a>(pieces: impl IntoIterator<Item = &'a str>) -> String {
    let mut out = Vec::new();
    let mut lexer = Lexer::new();
    let mut give = |token: Token<'_>| match token {
        Token::Structure(text) | Token::Plain(text) | Token::Number { text, .. } => {
            out.extend_from_slice(text.as_bytes())
        }
        Token::Key | Token::Text(_) | Token::Close => out.push(b'"'),
        Token::Words(text) => escape_into(text, &mut out),
        Token::Cut => {}
    };
    for piece in pieces {
        lexer.push(piece, &mut give);
    }
    lexer.finish(&mut give);
    String::from_utf8(out).expect("tokens are text")
}

#[test]
fn strings_are_decoded_and_placed() {
    assert_eq!(
        lex([r#"{"to": "\u0061@x", "n":[1,{"b\u0063":"😀\ud83d\ude00\n"}],"t":true}"#]),
        [
            "s{",
            "k",
            "wto",
            "/",
            "s: ",
            "t$.to",
            "wa@x",
            "/",
            "s, ",
            "k",
            "wn",
            "/",
            "s:[",
            "n$.n[0]=1",
            "s,{",
            "k",
            "wbc",
            "/",
            "s:",
            "t$.n[1].bc",
            "w😀😀\n",
            "/",
            "s}],",
            "k",
            "wt",
            "/",
            "s:true}"
        ]
    );
    assert_eq!(lex(["\"a\""]), ["t$", "wa", "/"]);
    assert_eq!(lex(["-1.5e3"]), ["n$=-1.5e3"]);
    assert_eq!(lex(["{}"]), ["s{}"]);
    assert_eq!(lex(["[[],{}] "]), ["s[[],{}] "]);
}

#[test]
fn every_cut_gives_the_same() {
    let text = "{\"k\\u00e9y\":\"a\\ud83d\\ude00b\\\"\\\\\u{20ac}\\ud800x\\q\",\"n\":[ -12.5e+3 ,null,{\"d\":false}],\"z\":\"\\ud83d\"} x";
    let whole = lex([text]);
    for first in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
        for second in (first..=text.len()).filter(|at| text.is_char_boundary(*at)) {
            assert_eq!(lex([&text[..first], &text[first..second], &text[second..]]), whole, "cut at {first}, {second}");
        }
    }
}

#[test]
fn what_is_not_json_is_plain_from_there_on() {
    assert_eq!(lex(["call 4111"]), ["pcall 4111"]);
    assert_eq!(lex(["{'a': 1}"]), ["s{", "p'a': 1}"]);
    assert_eq!(lex([r#"{"a":1} {"b":"c"}"#]), ["s{", "k", "wa", "/", "s:", "n$.a=1", "s} ", "p{\"b\":\"c\"}"]);
    assert_eq!(lex(["[4111-1111"]), ["s[", "p4111-1111"]);
    assert_eq!(lex(["[01]"]), ["s[", "p01]"]);
    assert_eq!(lex(["not json"]), ["pnot json"]);
    assert_eq!(lex(["true.love@example.com"]), ["ptrue.love@example.com"]);
    assert_eq!(lex(["[1alice@example.com]"]), ["s[", "p1alice@example.com]"]);
    assert_eq!(lex(["[truth]"]), ["s[", "ptruth]"]);
    assert_eq!(lex([r#"{"a" "b"}"#]), ["s{", "k", "wa", "/", "s ", "p\"b\"}"]);
    assert_eq!(lex(["]"]), ["p]"]);
    assert_eq!(lex(["{\"a\":[1}"]).last().map(String::as_str), Some("p}"));
}

#[test]
fn a_text_that_ends_early_is_cut() {
    assert_eq!(lex([r#"{"a":"b"#]), ["s{", "k", "wa", "/", "s:", "t$.a", "wb", "!"]);
    assert_eq!(lex([r#"{"a":"b\u00"#]), ["s{", "k", "wa", "/", "s:", "t$.a", "wb", "!"]);
    assert_eq!(lex(["[12"]), ["s[", "n$[0]=12"]);
    assert_eq!(lex(["[12."]), ["s[", "p12."]);
    assert_eq!(lex(["[tru"]), ["s[", "ptru"]);
    assert_eq!(lex(["[true"]), ["s[true"]);
}

#[test]
fn memory_is_bounded() {
    let deep = "[".repeat(100_000);
    let tokens = lex([deep.as_str()]);
    assert_eq!(tokens[1].len(), 1 + 100_000 - 64, "deeper than 64 is plain");
    let long = "9".repeat(100_000);
    assert_eq!(lex([long.as_str()]), [format!("p{long}")]);
    let key = format!("{{\"{}\":\"x\"}}", "é".repeat(10_000));
    let tokens = lex([key.as_str()]);
    let path = tokens.iter().find(|token| token.starts_with('t')).expect("a value");
    assert_eq!(path.len(), "t$.".len() + 128);
}

proptest! {
    #[test]
    fn valid_json_is_written_as_an_equal_value(
        text in "[\\[\\]{}\",:\\\\u0dD8e.+\\-1tfn ]{0,40}|\\{\"a\":(\"[a-z\\\\n\"]{0,8}\"|[0-9.e-]{1,6}|\\[[0-9,]{0,6}\\])\\}",
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        at.extend([0, text.len()]);
        at.sort_unstable();
        let pieces = at.windows(2).map(|pair| &text[pair[0]..pair[1]]);
        let written = rewrite(pieces.clone());
        prop_assert_eq!(&written, &rewrite([text.as_str()]));
        prop_assert_eq!(lex(pieces), lex([text.as_str()]));
        if let Ok(value) = parse(text.as_bytes(), &Limits::default()) {
            prop_assert_eq!(parse(written.as_bytes(), &Limits::default()), Ok(value));
            prop_assert!(!lex([text.as_str()]).iter().any(|token| token.starts_with('p')), "{text}");
        }
    }
}
