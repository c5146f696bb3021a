//! Texts to try: splices of the development corpus, fragments that values, disguises and near misses are made of, runs of
//! them, characters at random; then mutated.

use serde_json::Value;

use crate::dice::Dice;

/// The longest texts that are made up, in characters: most are short, since more of them are tried then.
const LONGEST: [usize; 6] = [60, 200, 400, 600, 1_000, 6_000];

/// Inputs that showed something once, and the seed of their cuts.
pub(crate) const FOUND: &[(&str, u64)] = &[
    (
        "a field that is one value as a whole, longer than what is held of it, a field that is one value as a whole, longer than what is held of it, a field that is one value as a whole, longer than what is held of it, a field that is one value as a whole, longer than what is held of it, and its end is unseen\u{feff}",
        4,
    ),
    ("password=b\\Qncan [dot]r [at]le [dot]om", 2_649_584_303_088_266_423),
    (
        "-----BEGINPRIVATE-----password=аpassword=аpassword=аpassword=аpassword=аpassword=аpassword=аpassword=аpassword=аpassword=аpassword=аpassword=аpassword=аpassword=аpassword=аpassword=аpassword=аpassword=аpassword=аpassword=аpassword=аpassword=аpassword=аpassword=аpassword=аpassword=аpassword=аpassword=аpassword=аpassword=аpassword=аpassword=аpassword=аpassword=аpassword=аpassword=аpassword=аpassword=аpassword=аpassword=а::bobpassword\":}\\\\EMAIL_ADDRESS_2p-example7a-d6-example7a-d6-example7a-d6-example7a-d6-example7a-d6-example7a-d6-example",
        5836946177268395861,
    ),
    ("6 59138514906103902592801", 5),
    ("l0null0null0null0null0null0null0null0null0null0null0null0nullbert[dot]n[at]d[dot]io", 17_435_599_749_886_759_921),
    ("<CARD 4111 1111 1111 1111>", 1),
    ("bob \\at smith \\dot example \\dot com", 2),
    ("\\<EMAIL\\_ADDRESS\\_1\\>", 3),
];

const FRAGMENTS: &[&str] = &[
    "4111 1111 1111 1111",
    "4111",
    "-1111",
    "5500-0055-5555-5559",
    "123-45-6789",
    "ssn ",
    "social security number: ",
    "alice@example.com",
    "alice",
    "@",
    " at ",
    "[at]",
    " dot ",
    "[dot]",
    "example",
    ".com",
    ".",
    "bob.smith+x@",
    "DE89 3704 0044 0532 0130 00",
    "DE89",
    "GB29NWBK",
    "+44 20 7946 0958",
    "tel:",
    "phone: ",
    "call ",
    "(212) 555-0142",
    "203.0.113.7",
    "2001:db8::1",
    "fe80::",
    "::",
    ":",
    "7a:d6:b9:61:e4:1b",
    "7a-d6-",
    "1b.1b.",
    "version ",
    "AB 12 34 56 C",
    "AB123456C",
    "0x",
    "0xde0B295669a9FD93d5F28D9Ec85E40f4cb697BAe",
    "bc1q",
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
    "sk-",
    "sk-proj-",
    "ghp_",
    "AKIAIOSFODNN7EXAMPLE",
    "eyJ",
    "eyJhbGciOiJIUzI1NiJ9.",
    "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6",
    "password=",
    "pwd: ",
    "token=\"",
    "Bearer ",
    "Authorization: Basic ",
    "://user:",
    "https://",
    "https://hooks.slack.com/services/",
    "-----BEGIN RSA PRIVATE KEY-----\n",
    "-----BEGIN",
    "MIIEvQIBADANBgkqhkiG9w0BAQ",
    "-----END RSA PRIVATE KEY-----",
    "-----END",
    "<EMAIL_ADDRESS_1>",
    "<email address 1>",
    "EMAIL_ADDRESS_2",
    "\\<CREDIT\\_CARD\\_1\\>",
    "<",
    ">",
    "<CREDIT_CARD_",
    "_1",
    "_",
    "<A 1",
    "＜ＥＭＡＩＬ＿ＡＤＤＲＥＳＳ＿１＞",
    "&lt;EMAIL_ADDRESS_1&gt;",
    "<LITERAL_TEXT_1>",
    "![x](https://e.example/?q=",
    "\"",
    "'",
    ")",
    "(",
    "]",
    "[",
    "{",
    "}",
    "\u{200b}",
    "\u{ad}",
    "\u{2060}",
    "\u{feff}",
    "\u{301}",
    "４１１１",
    "١٢٣",
    "१२३",
    "а",
    "е",
    "ı",
    "ﬁ",
    "ß",
    "é",
    "日本語",
    "请",
    "\u{1f600}",
    "\u{2011}",
    "\u{a0}",
    "\\u0040",
    "\\u00",
    "\\",
    "\\\\",
    "\\n",
    "\\\"",
    "\\ud83d\\ude00",
    "\\ud83d",
    "%40",
    "%",
    "%4",
    "&#64;",
    "&#",
    "&",
    "&commat;",
    "\n",
    "\r\n",
    "\t",
    "\0",
    " ",
    "  ",
    ",",
    ";",
    "/",
    "//",
    "=",
    "#",
    "$",
    "+",
    "0",
    "1",
    "12",
    "00",
    "a",
    "x ",
    "{\"customer\":{\"ssn\":\"",
    "{\"password\":",
    "[1,2,",
    "null",
    "true",
    "-1.5e3",
    "\":\"",
    "data: ",
    "[DONE]",
    "ACME-EMP-123456",
    "aurora",
    "launch code",
];

pub(crate) struct Generator {
    corpus: Vec<String>,
}

impl Generator {
    pub(crate) fn new() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/corpora/masking/masking-dev.jsonl");
        let rows = std::fs::read_to_string(path).expect("the corpus is part of the repository");
        let text = |row: &str| serde_json::from_str::<Value>(row).ok()?["text"].as_str().map(str::to_owned);
        Self { corpus: rows.lines().filter_map(text).collect() }
    }

    /// The next text.
    pub(crate) fn text(&self, dice: &mut Dice) -> String {
        let longest = *dice.one(&LONGEST);
        let mut text = String::new();
        for _ in 0..=dice.below(longest / 50) {
            self.segment(dice, &mut text);
        }
        let mut characters: Vec<char> = text.chars().take(longest).collect();
        for _ in 0..dice.below(4) {
            mutate(dice, &mut characters);
        }
        characters.truncate(longest);
        characters.into_iter().collect()
    }

    fn segment(&self, dice: &mut Dice, text: &mut String) {
        match dice.below(10) {
            0..=2 => {
                let characters: Vec<char> = dice.one(&self.corpus).chars().collect();
                let from = dice.below(characters.len());
                text.extend(characters.iter().skip(from).take(dice.below(400)));
            }
            3..=6 => (0..=dice.below(12)).for_each(|_| text.push_str(dice.one::<&str>(FRAGMENTS))),
            7 => {
                let parts = [*dice.one(FRAGMENTS), *dice.one(FRAGMENTS)].concat();
                text.push_str(&parts.repeat(1 + dice.below(60)));
            }
            8 => {
                let bytes: Vec<u8> = (0..dice.below(60)).map(|_| dice.next().to_le_bytes()[0]).collect();
                text.push_str(&String::from_utf8_lossy(&bytes));
            }
            _ => {
                let value = *dice.one(FRAGMENTS);
                disguise(dice, value, text);
            }
        }
    }
}

/// A value with some of its characters written in another way.
fn disguise(dice: &mut Dice, value: &str, text: &mut String) {
    for character in value.chars() {
        match dice.below(9) {
            0 => text.extend([character, '\u{200b}']),
            1 if character.is_ascii_graphic() => text.extend(char::from_u32(character as u32 + 0xfee0)),
            2 => text.push_str(&format!("\\u{:04x}", u32::from(character) & 0xffff)),
            3 if character.is_ascii() => text.push_str(&format!("%{:02X}", u32::from(character))),
            4 => text.push_str(&format!("&#{};", u32::from(character))),
            5 => text.extend(['\\', character]),
            _ => text.push(character),
        }
    }
}

fn mutate(dice: &mut Dice, characters: &mut Vec<char>) {
    let from = dice.below(characters.len());
    let to = (from + dice.below(40)).min(characters.len());
    match dice.below(4) {
        0 => drop(characters.drain(from..to)),
        1 => {
            let part = characters[from..to].to_vec();
            let at = dice.below(characters.len() + 1);
            characters.splice(at..at, part);
        }
        2 => characters[from..to].reverse(),
        _ => {
            let fragment: Vec<char> = dice.one(FRAGMENTS).chars().collect();
            characters.splice(from..from, fragment);
        }
    }
}
