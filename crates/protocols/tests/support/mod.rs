//! A stand-in for the masking engine: it masks e-mail addresses and runs of 16 digits, holds a word until it is over,
//! swallows what goes on after a long digit run, and stops at a word that is forbidden.

#![allow(dead_code, unreachable_pub, reason = "shared by tests that use different parts of it")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::HashMap;

use gatewright_json::{Limits, Value, parse};
use gatewright_model::{Channel, RequestId};
use gatewright_protocols::{Asked, Blocked, Piece, Place, UsageReport, Words};

#[derive(Default)]
pub struct FakeWords {
    held: HashMap<Channel, String>,
    /// Every text that began: channel, place.
    pub begun: Vec<String>,
}

fn in_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '@' | '.' | '-' | '_' | '+')
}

/// What becomes of one word.
fn judge(word: &str, out: &mut dyn FnMut(Piece<'_>)) -> Result<(), Blocked> {
    if word == "FORBIDDEN" {
        return Err(Blocked);
    }
    let bare = word.trim_end_matches('.');
    if bare.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.')) {
        out(Piece::Masked { original_len: bare.len(), replacement: "[EMAIL_ADDRESS]" });
        if bare.len() < word.len() {
            out(Piece::Kept(&word[bare.len()..]));
        }
    } else if word.len() >= 16 && word.bytes().all(|byte| byte.is_ascii_digit()) {
        out(Piece::Masked { original_len: 16, replacement: "[CREDIT_CARD]" });
        if word.len() > 16 {
            out(Piece::Swallowed { original_len: word.len() - 16 });
        }
    } else if !word.is_empty() {
        out(Piece::Kept(word));
    }
    Ok(())
}

impl Words for FakeWords {
    fn begin(&mut self, channel: Channel, place: Place<'_>) {
        let place = match place {
            Place::Plain => String::new(),
            Place::Field(path) => format!(" {path}"),
        };
        self.begun.push(format!("{channel}{place}"));
        let before = self.held.insert(channel, String::new());
        assert!(before.is_none(), "{channel} began twice");
    }

    fn push(&mut self, channel: Channel, text: &str, out: &mut dyn FnMut(Piece<'_>)) -> Result<(), Blocked> {
        let held = self.held.get_mut(&channel).unwrap_or_else(|| panic!("{channel} has not begun"));
        for character in text.chars() {
            if in_word(character) {
                held.push(character);
            } else {
                judge(&std::mem::take(held), out)?;
                out(Piece::Kept(character.encode_utf8(&mut [0; 4])));
            }
        }
        Ok(())
    }

    fn finish(&mut self, channel: Channel, out: &mut dyn FnMut(Piece<'_>)) -> Result<(), Blocked> {
        let held = self.held.remove(&channel).unwrap_or_else(|| panic!("{channel} has not begun"));
        judge(&held, out)
    }
}

/// What the same masking makes of a whole text.
pub fn masked(text: &str) -> String {
    let channel = Channel::sole(gatewright_model::ChannelKind::Other, 0);
    gatewright_protocols::whole(&mut FakeWords::default(), channel, Place::Plain, text).unwrap()
}

pub fn json(text: &str) -> Value {
    parse(text.as_bytes(), &Limits::default()).unwrap_or_else(|fault| panic!("{text}: {fault}"))
}

pub fn request_id() -> RequestId {
    RequestId::from_bytes([0x11; 16])
}

pub fn asked(usage: UsageReport) -> Asked {
    Asked {
        request: request_id(),
        model: "sales-forecast".to_owned(),
        usage,
        tools: vec!["send_mail".to_owned(), "send".to_owned(), "look_up".to_owned()],
        inputs: 2,
        reach: Default::default(),
    }
}
