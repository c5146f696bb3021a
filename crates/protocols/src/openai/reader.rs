use gatewright_json::{Limits, Number, Value, parse, write};
use gatewright_model::Usage;

use super::call::Form;
use super::choice::Choice;
use super::run::quote_into;
use super::told::Told;
use super::usage::{Counts, counts};
use crate::sse::{Events, Found, TooLarge};
use crate::{Asked, Fault, ReplyEditor, UsageReport, Words};

/// The largest event: a whole answer in one piece, with log-probabilities.
const MOST_EVENT: usize = 8 << 20;

/// What answers of this protocol may be, in the JSON reader's terms.
pub(super) fn limits(bytes: usize) -> Limits {
    Limits { bytes, depth: 32, values: 4_000_000 }
}

/// Edits a streamed chat answer.
///
/// Every event is read, its words are masked channel by channel, and a new event is written; nothing of the model
/// server's bytes is passed on. What was held of a choice is told before the reason why it ended, what was held of all
/// of them before token counts and the end mark. Whatever comes after a choice's end or the end mark is dropped.
///
/// Texts of one choice are held independently: a call may begin before the last word of the content before it is
/// told, since to tell that word early would be to decide on it early.
pub(super) struct StreamEditor {
    asked: Asked,
    events: Events,
    choices: Vec<Choice>,
    counts: Option<Counts>,
    /// What every event begins with, once the first one has told when the answer was made.
    opening: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// The end mark came, or the stream ended.
    Over,
    Failed,
}

impl StreamEditor {
    pub(super) const fn new(asked: Asked) -> Self {
        Self {
            asked,
            events: Events::new(MOST_EVENT),
            choices: Vec::new(),
            counts: None,
            opening: Vec::new(),
            state: State::Open,
        }
    }

    fn read(&mut self, bytes: &[u8], words: &mut dyn Words, out: &mut Vec<u8>) -> Result<(), Fault> {
        let mut rest = bytes;
        while !rest.is_empty() && self.state == State::Open {
            let (used, found) = self.events.read(rest).map_err(|TooLarge| Fault::TooLarge)?;
            rest = &rest[used..];
            if found == Found::Event {
                self.event(words, out)?;
            }
        }
        Ok(())
    }

    fn event(&mut self, words: &mut dyn Words, out: &mut Vec<u8>) -> Result<(), Fault> {
        let data = self.events.data();
        if data.is_empty() {
            return Ok(());
        }
        if data == b"[DONE]" {
            self.tell_rest(words, out)?;
            out.extend_from_slice(b"data: [DONE]\n\n");
            self.state = State::Over;
            return Ok(());
        }
        let chunk = parse(data, &limits(MOST_EVENT)).map_err(|_| Fault::Malformed)?;
        // Two shapes of an error amid a stream: OpenAI's, and an older one of vLLM's.
        let older = chunk.get("object").and_then(Value::as_str) == Some("error");
        if older || chunk.get("error").is_some_and(|error| !error.is_null()) {
            return Err(Fault::Reported);
        }
        if let Some(counts) = counts(chunk.get("usage")) {
            self.counts = Some(counts);
        }
        if self.opening.is_empty() {
            self.opening = opening(&self.asked, &chunk);
        }
        let parts = match chunk.get("choices") {
            None | Some(Value::Null) => return Ok(()),
            Some(choices) => choices.as_array().ok_or(Fault::Malformed)?,
        };
        let mut told: Vec<(u32, Told)> = Vec::new();
        let mut ended: Vec<(u32, &'static str)> = Vec::new();
        for (position, part) in parts.iter().enumerate() {
            let choice = Choice::of(part, position, &mut self.choices)?;
            if choice.finished {
                continue;
            }
            let mut now = Told::default();
            match part.get("delta") {
                None | Some(Value::Null) => {}
                Some(Value::Object(delta)) => {
                    choice.take(delta, part.get("logprobs"), &self.asked, words, &mut now)?;
                }
                Some(_) => return Err(Fault::Malformed),
            }
            if let Some(reason) = finish_reason(part) {
                choice.finish(&self.asked, words, &mut now)?;
                ended.push((choice.index, reason));
            }
            told.push((choice.index, now));
        }
        self.write_told(&told, out);
        self.write_ended(&ended, out);
        Ok(())
    }

    /// Tells what was held of every choice that has not ended, and then the token counts.
    fn tell_rest(&mut self, words: &mut dyn Words, out: &mut Vec<u8>) -> Result<(), Fault> {
        self.flush(words, out)?;
        if let (Some(counts), UsageReport::Told) = (&self.counts, self.asked.usage) {
            self.begin(out);
            out.extend_from_slice(b"],\"usage\":");
            write(&counts.told, out);
            out.extend_from_slice(b"}\n\n");
        }
        Ok(())
    }

    fn flush(&mut self, words: &mut dyn Words, out: &mut Vec<u8>) -> Result<(), Fault> {
        let mut told = Vec::new();
        for choice in self.choices.iter_mut().filter(|choice| !choice.finished) {
            let mut now = Told::default();
            choice.finish(&self.asked, words, &mut now)?;
            // It was told whole, and yet its reason never came.
            choice.finished = false;
            told.push((choice.index, now));
        }
        self.write_told(&told, out);
        Ok(())
    }

    fn begin(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.opening);
    }

    fn write_told(&self, told: &[(u32, Told)], out: &mut Vec<u8>) {
        if told.iter().all(|(_, told)| told.is_empty()) {
            return;
        }
        self.begin(out);
        for (index, told) in told.iter().filter(|(_, told)| !told.is_empty()) {
            out.extend_from_slice(format!("{{\"index\":{index},").as_bytes());
            told.write(Form::Delta, *index, &self.asked, out);
            out.extend_from_slice(b",\"finish_reason\":null},");
        }
        out.pop();
        out.extend_from_slice(b"]}\n\n");
    }

    fn write_ended(&self, ended: &[(u32, &'static str)], out: &mut Vec<u8>) {
        if ended.is_empty() {
            return;
        }
        self.begin(out);
        for (index, reason) in ended {
            let choice =
                format!("{{\"index\":{index},\"delta\":{{}},\"logprobs\":null,\"finish_reason\":\"{reason}\"}},");
            out.extend_from_slice(choice.as_bytes());
        }
        out.pop();
        out.extend_from_slice(b"]}\n\n");
    }

    /// Ends the stream after a fault: what was held is told, masked, unless a rule stopped the answer.
    fn fail(&mut self, fault: Fault, words: &mut dyn Words, out: &mut Vec<u8>) -> Fault {
        self.state = State::Failed;
        if fault == Fault::Blocked {
            return fault;
        }
        match self.flush(words, out) {
            Ok(()) => fault,
            Err(later) => later,
        }
    }
}

impl ReplyEditor for StreamEditor {
    fn push(&mut self, bytes: &[u8], words: &mut dyn Words, out: &mut Vec<u8>) -> Result<(), Fault> {
        self.read(bytes, words, out).map_err(|fault| self.fail(fault, words, out))
    }

    fn finish(&mut self, words: &mut dyn Words, out: &mut Vec<u8>) -> Result<(), Fault> {
        if self.state != State::Open {
            return Ok(());
        }
        let last = match self.events.finish() {
            Ok(Found::Event) => self.event(words, out),
            Ok(Found::Nothing) => Ok(()),
            Err(TooLarge) => Err(Fault::TooLarge),
        };
        let last = match last {
            Ok(()) if self.state == State::Open => self.tell_rest(words, out),
            other => other,
        };
        last.map_err(|fault| self.fail(fault, words, out))?;
        if self.state == State::Open && !self.choices.iter().all(|choice| choice.finished) {
            self.state = State::Failed;
        }
        Ok(())
    }

    fn usage(&self) -> Option<Usage> {
        self.counts.as_ref().map(|counts| counts.usage)
    }

    fn complete(&self) -> bool {
        match self.state {
            State::Over => true,
            // Some servers leave the end mark out; then every choice has said why it ended.
            State::Open => !self.choices.is_empty() && self.choices.iter().all(|choice| choice.finished),
            State::Failed => false,
        }
    }
}

/// What every event begins with, up to its list of choices. The id is ours, and so is the model's name.
fn opening(asked: &Asked, chunk: &Value) -> Vec<u8> {
    let mut opening = b"data: ".to_vec();
    write_head("chat.completion.chunk", asked, chunk, &mut opening);
    opening
}

/// Writes the members that chat answers begin with, up to the list of choices.
pub(super) fn write_head(object: &str, asked: &Asked, answer: &Value, out: &mut Vec<u8>) {
    // Seconds, and no longer number that could be somebody's.
    let created = answer.get("created").and_then(Value::as_number).and_then(Number::as_u64);
    let created = created.filter(|seconds| *seconds < 1 << 34).unwrap_or(0);
    let request = gatewright_model::to_hex(asked.request.as_bytes());
    let head = format!("{{\"id\":\"chatcmpl-{request}\",\"object\":\"{object}\",\"created\":{created},\"model\":");
    out.extend_from_slice(head.as_bytes());
    quote_into(&asked.model, out);
    out.extend_from_slice(b",\"choices\":[");
}

/// Why a choice ended, in one of the protocol's own words; any other word is a server's for an ordinary end.
pub(super) fn finish_reason(part: &Value) -> Option<&'static str> {
    const KNOWN: &[&str] = &["stop", "length", "tool_calls", "function_call", "content_filter", "abort", "error"];
    let reason = part.get("finish_reason")?.as_str()?;
    Some(KNOWN.iter().find(|known| **known == reason).copied().unwrap_or("stop"))
}
