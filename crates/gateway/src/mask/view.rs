use bytes::Bytes;
use gatewright_model::{Code, Refusal, RuleName, Tally, Usage};
use gatewright_protocols::{Fault, ReplyEditor};

use super::Request;
use crate::words::Maskers;

/// The answer as the caller is shown it, and as it is recorded where that differs.
pub(crate) struct View {
    // Handed from step to step, so they are pointers.
    shown: Option<Box<Side>>,
    recorded: Option<Box<Side>>,
}

/// One of the two.
pub(super) struct Side {
    editor: Box<dyn ReplyEditor>,
    words: Maskers,
    out: Vec<u8>,
}

impl Side {
    pub(super) const fn new(editor: Box<dyn ReplyEditor>, words: Maskers) -> Self {
        Self { editor, words, out: Vec::new() }
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.editor.push(bytes, &mut self.words, &mut self.out)
    }

    fn finish(&mut self) -> Result<(), Fault> {
        self.editor.finish(&mut self.words, &mut self.out)
    }

    fn take(&mut self) -> Bytes {
        Bytes::from(std::mem::take(&mut self.out))
    }
}

impl View {
    pub(super) fn new(shown: Side, recorded: Option<Side>) -> Self {
        Self { shown: Some(Box::new(shown)), recorded: recorded.map(Box::new) }
    }

    pub(super) const fn none() -> Self {
        Self { shown: None, recorded: None }
    }

    /// Both sides do the same; the record's first, so that nothing is shown that could not be recorded.
    fn both(&mut self, mut act: impl FnMut(&mut Side) -> Result<(), Fault>) -> Result<(), Refusal> {
        let mut outcome = Ok(());
        for side in self.recorded.iter_mut().chain(self.shown.iter_mut()) {
            if let Err(fault) = act(side) {
                outcome = Err(fault.refusal());
            }
        }
        outcome
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        self.both(|side| side.push(bytes))
    }

    pub(crate) fn finish(&mut self) -> Result<(), Refusal> {
        self.both(Side::finish)
    }

    /// Ends a stream with a refusal in the protocol's own in-stream form, after what was held, masked.
    pub(crate) fn refuse(&mut self, refusal: &Refusal, request: &Request) {
        if refusal.code != Code::BlockedContent {
            // Whether this finds the answer incomplete is of no interest now: it is.
            let _ = self.both(Side::finish);
        }
        let words = request.protocol().refusal_in_stream(refusal, &request.id());
        for side in self.recorded.iter_mut().chain(self.shown.iter_mut()) {
            side.out.extend_from_slice(&words);
        }
    }

    /// What may be shown and what is recorded of it, since the last time.
    pub(crate) fn take(&mut self) -> (Bytes, Bytes) {
        let shown = self.shown.as_mut().map(|side| side.take()).unwrap_or_default();
        let recorded = self.recorded.as_mut().map_or_else(|| shown.clone(), |side| side.take());
        (shown, recorded)
    }

    pub(crate) fn usage(&self) -> Option<Usage> {
        self.shown.as_ref().and_then(|side| side.editor.usage())
    }

    /// Whether the model server said all that it had to say.
    pub(crate) fn is_complete(&self) -> bool {
        self.shown.as_ref().is_none_or(|side| side.editor.complete())
    }

    /// What was shown that policy wants to know of.
    pub(crate) fn alerted(&self) -> Vec<Tally> {
        self.shown.as_ref().map(|side| side.words.alerted()).unwrap_or_default()
    }

    /// The rules that only want to be told that what was shown matches.
    pub(crate) fn noticed(&self) -> Vec<RuleName> {
        self.shown.as_ref().map(|side| side.words.noticed()).unwrap_or_default()
    }

    /// What was masked in the recorded view.
    pub(crate) fn tallies(&self) -> Vec<Tally> {
        self.recorded.as_ref().or(self.shown.as_ref()).map(|side| side.words.tallies()).unwrap_or_default()
    }
}
