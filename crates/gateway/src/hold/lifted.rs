use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::hmac;
use gatewright_model::{RuleName, SessionId};

type Mark = [u8; 16];

/// How many texts one generation remembers.
const GENERATION: usize = 50_000;

/// Texts for which a rule's hold was lifted in a session, by keyed hashes alone, so that the later turns of a chat are
/// not held for what was approved. Bounded; what is forgotten is held again.
pub(super) struct Lifted {
    key: hmac::Key,
    marks: Mutex<(HashSet<Mark>, HashSet<Mark>)>,
}

impl Lifted {
    pub(super) fn new(key: &[u8]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key), marks: Mutex::default() }
    }

    pub(super) fn contains(&self, session: SessionId, rule: &RuleName, text: &str) -> bool {
        let mark = self.mark(session, rule, text);
        let marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        marks.0.contains(&mark) || marks.1.contains(&mark)
    }

    pub(super) fn add(&self, session: SessionId, rule: &RuleName, text: &str) {
        let mark = self.mark(session, rule, text);
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        if marks.0.len() >= GENERATION {
            marks.1 = std::mem::take(&mut marks.0);
        }
        marks.0.insert(mark);
    }

    fn mark(&self, session: SessionId, rule: &RuleName, text: &str) -> Mark {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(session.as_bytes());
        context.update(&(rule.as_str().len() as u64).to_be_bytes());
        context.update(rule.as_str().as_bytes());
        context.update(text.as_bytes());
        let mut mark = [0; 16];
        mark.copy_from_slice(&context.sign().as_ref()[..16]);
        mark
    }
}
