use gatewright_json::{Value, parse, write};
use gatewright_model::Usage;

use super::call::Form;
use super::choice::Choice;
use super::reader::{finish_reason, limits, write_head};
use super::told::Told;
use super::usage::{Counts, counts};
use crate::{Asked, Fault, ReplyEditor, Words};

/// The largest answer in one piece.
pub(super) const MOST_ANSWER: usize = 64 << 20;

/// Collects an answer that comes in one piece.
#[derive(Debug, Default)]
pub(super) struct Collected {
    bytes: Vec<u8>,
}

impl Collected {
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        if self.bytes.len() + bytes.len() > MOST_ANSWER {
            return Err(Fault::TooLarge);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// The answer's bytes, once they are all there.
    pub(super) fn bytes(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// The answer's value, once it is whole.
    pub(super) fn value(&mut self) -> Result<Value, Fault> {
        let bytes = std::mem::take(&mut self.bytes);
        let value = parse(&bytes, &limits(MOST_ANSWER)).map_err(|_| Fault::Malformed)?;
        match value.get("error") {
            None | Some(Value::Null) => Ok(value),
            Some(_) => Err(Fault::Reported),
        }
    }
}

/// Edits a chat answer that comes in one piece, by the same steps as a stream's.
pub(super) struct WholeEditor {
    asked: Asked,
    collected: Collected,
    counts: Option<Counts>,
    complete: bool,
}

impl WholeEditor {
    pub(super) fn new(asked: Asked) -> Self {
        Self { asked, collected: Collected::default(), counts: None, complete: false }
    }
}

impl ReplyEditor for WholeEditor {
    fn push(&mut self, bytes: &[u8], _words: &mut dyn Words, _out: &mut Vec<u8>) -> Result<(), Fault> {
        self.collected.push(bytes)
    }

    fn finish(&mut self, words: &mut dyn Words, out: &mut Vec<u8>) -> Result<(), Fault> {
        let answer = self.collected.value()?;
        self.counts = counts(answer.get("usage"));
        let parts = answer.get("choices").and_then(Value::as_array).ok_or(Fault::Malformed)?;
        let mut choices = Vec::with_capacity(parts.len());
        write_head("chat.completion", &self.asked, &answer, out);
        for (position, part) in parts.iter().enumerate() {
            let choice = Choice::of(part, position, &mut choices)?;
            if choice.finished {
                return Err(Fault::Malformed);
            }
            let message = part.get("message").and_then(Value::as_object).ok_or(Fault::Malformed)?;
            let mut told = Told::default();
            choice.take(message, part.get("logprobs"), &self.asked, words, &mut told)?;
            choice.finish(&self.asked, words, &mut told)?;
            out.extend_from_slice(format!("{{\"index\":{},", choice.index).as_bytes());
            told.write(Form::Whole, choice.index, &self.asked, out);
            let reason = finish_reason(part).unwrap_or("stop");
            out.extend_from_slice(format!(",\"finish_reason\":\"{reason}\"}},").as_bytes());
        }
        if !parts.is_empty() {
            out.pop();
        }
        out.push(b']');
        if let Some(counts) = &self.counts {
            out.extend_from_slice(b",\"usage\":");
            write(&counts.told, out);
        }
        out.push(b'}');
        self.complete = true;
        Ok(())
    }

    fn usage(&self) -> Option<Usage> {
        self.counts.as_ref().map(|counts| counts.usage)
    }

    fn complete(&self) -> bool {
        self.complete
    }
}
