use gatewright_json::{Object, Value};
use gatewright_model::{Channel, ChannelKind};

use super::call::Call;
use super::logprobs::LogProbabilities;
use super::run::Run;
use super::told::Told;
use crate::{Asked, Blocked, Fault, Piece, Place, Words, whole};

/// More choices, and more calls in one choice, than any request can ask for.
const MOST_CHOICES: u64 = 128;
const MOST_CALLS: u64 = 128;
/// The place of the legacy call among the channels of calls.
const LEGACY: u32 = 128;

/// One choice of an answer as it arrives: a text of each kind, and calls.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) index: u32,
    pub(super) finished: bool,
    content: Logged,
    refusal: Logged,
    reasoning: Run,
    /// The name under which the model server sends reasoning.
    reasoning_name: &'static str,
    calls: Vec<Call>,
    legacy: Option<Call>,
    role_told: bool,
    /// Whether something in the content was masked, so that places in it are no longer where they were.
    moved: bool,
}

/// A text with its log-probabilities.
#[derive(Debug)]
struct Logged {
    run: Run,
    log: LogProbabilities,
}

impl Logged {
    fn new(kind: ChannelKind, choice: u32, index: u32) -> Self {
        let log = Channel { kind: ChannelKind::LogProbabilities, choice, index };
        Self { run: Run::new(Channel::sole(kind, choice)), log: LogProbabilities::new(log) }
    }

    fn push(&mut self, text: &str, words: &mut dyn Words, told: &mut Option<String>) -> Result<bool, Blocked> {
        let Self { run, log } = self;
        log.write(text);
        let mut moved = false;
        run.push(text, words, &mut |piece| moved |= show(piece, log, told))?;
        Ok(moved)
    }

    fn finish(&mut self, words: &mut dyn Words, told: &mut Option<String>) -> Result<bool, Blocked> {
        let Self { run, log } = self;
        let mut moved = false;
        run.finish(words, &mut |piece| moved |= show(piece, log, told))?;
        Ok(moved)
    }
}

fn show(piece: Piece<'_>, log: &mut LogProbabilities, told: &mut Option<String>) -> bool {
    log.decide(piece);
    append(told, piece.shown());
    !matches!(piece, Piece::Kept(_))
}

fn append(told: &mut Option<String>, text: &str) {
    if !text.is_empty() {
        told.get_or_insert_default().push_str(text);
    }
}

impl Choice {
    /// The choice that this part of an answer belongs to.
    pub(super) fn of<'c>(part: &Value, position: usize, choices: &'c mut Vec<Self>) -> Result<&'c mut Self, Fault> {
        let index = index_of(part, position, MOST_CHOICES)?;
        let at = choices.iter().position(|choice| choice.index == index).unwrap_or_else(|| {
            choices.push(Self::new(index));
            choices.len() - 1
        });
        Ok(&mut choices[at])
    }

    fn new(index: u32) -> Self {
        Self {
            index,
            finished: false,
            content: Logged::new(ChannelKind::Content, index, 0),
            refusal: Logged::new(ChannelKind::Refusal, index, 1),
            reasoning: Run::new(Channel::sole(ChannelKind::Reasoning, index)),
            reasoning_name: "reasoning_content",
            calls: Vec::new(),
            legacy: None,
            role_told: false,
            moved: false,
        }
    }

    /// Takes a delta, or a whole message. Fields that are not named here are left out.
    pub(super) fn take(
        &mut self,
        delta: &Object,
        logprobs: Option<&Value>,
        asked: &Asked,
        words: &mut dyn Words,
        told: &mut Told,
    ) -> Result<(), Fault> {
        told.reasoning_name = self.reasoning_name;
        for (log, name) in [(&mut self.content.log, "content"), (&mut self.refusal.log, "refusal")] {
            let entries = logprobs.and_then(|all| all.get(name)?.as_array());
            log.take(entries.unwrap_or_default(), words)?;
        }
        // Some servers repeat the role in every delta.
        told.role = delta.get("role").is_some() && !std::mem::replace(&mut self.role_told, true);
        for (name, value) in delta.iter() {
            match (name, value) {
                (_, Value::Null) => {}
                ("content", content) => {
                    let text = text_of(content).ok_or(Fault::Malformed)?;
                    if text.is_empty() && told.role {
                        told.content.get_or_insert_default();
                    }
                    self.moved |= self.content.push(&text, words, &mut told.content)?;
                }
                ("refusal", text) => {
                    let text = text.as_str().ok_or(Fault::Malformed)?;
                    self.refusal.push(text, words, &mut told.refusal)?;
                }
                ("reasoning" | "reasoning_content", text) => {
                    self.take_reasoning(name, text.as_str().ok_or(Fault::Malformed)?, words, told)?;
                }
                ("tool_calls", calls) => self.take_calls(calls, asked, words, told)?,
                ("function_call", Value::Object(function)) => {
                    let call = self.legacy.get_or_insert_with(|| Call::new(self.index, LEGACY, None));
                    call.take(function, asked, words, &mut told.legacy)?;
                }
                ("annotations", Value::Array(annotations)) => {
                    for annotation in annotations {
                        let cited = cited(annotation, self.index, words)?;
                        told.annotations.extend(cited.filter(|_| !self.moved));
                    }
                }
                _ => {}
            }
        }
        self.tell_logs(told);
        Ok(())
    }

    /// Says all that was held: before the reason why the choice ended, and where the answer ends without one.
    pub(super) fn finish(&mut self, asked: &Asked, words: &mut dyn Words, told: &mut Told) -> Result<(), Fault> {
        told.reasoning_name = self.reasoning_name;
        self.finished = true;
        self.reasoning.finish(words, &mut |piece| append(&mut told.reasoning, piece.shown()))?;
        self.moved |= self.content.finish(words, &mut told.content)?;
        self.refusal.finish(words, &mut told.refusal)?;
        for call in &mut self.calls {
            call.finish(asked, words, &mut told.calls)?;
        }
        if let Some(call) = &mut self.legacy {
            call.finish(asked, words, &mut told.legacy)?;
        }
        if self.moved {
            told.annotations.clear();
        }
        self.tell_logs(told);
        Ok(())
    }

    fn tell_logs(&mut self, told: &mut Told) {
        self.content.log.tell(&mut told.content_log);
        self.refusal.log.tell(&mut told.refusal_log);
    }

    fn take_reasoning(&mut self, name: &str, text: &str, words: &mut dyn Words, told: &mut Told) -> Result<(), Fault> {
        let name = if name == "reasoning" { "reasoning" } else { "reasoning_content" };
        // Some servers send both, alike; the one that came first is told.
        if !self.reasoning.has_begun() {
            self.reasoning_name = name;
            told.reasoning_name = name;
        }
        if self.reasoning_name == name {
            self.reasoning.push(text, words, &mut |piece| append(&mut told.reasoning, piece.shown()))?;
        }
        Ok(())
    }

    /// The call that a part belongs to: by its index, else by its id, else by its place.
    fn call_of(&mut self, part: &Value, position: usize) -> Result<&mut Call, Fault> {
        let id = part.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
        let place = match (part.get("index"), id) {
            (None | Some(Value::Null), Some(id)) => {
                self.calls.iter().position(|call| call.is(id)).unwrap_or(self.calls.len())
            }
            _ => position,
        };
        let index = index_of(part, place, MOST_CALLS)?;
        let at = self.calls.iter().position(|call| call.index == index).unwrap_or_else(|| {
            self.calls.push(Call::new(self.index, index, id));
            self.calls.len() - 1
        });
        Ok(&mut self.calls[at])
    }

    fn take_calls(
        &mut self,
        calls: &Value,
        asked: &Asked,
        words: &mut dyn Words,
        told: &mut Told,
    ) -> Result<(), Fault> {
        for (position, part) in calls.as_array().ok_or(Fault::Malformed)?.iter().enumerate() {
            let call = self.call_of(part, position)?;
            if let Some(function) = part.get("function").and_then(Value::as_object) {
                call.take(function, asked, words, &mut told.calls)?;
            }
        }
        Ok(())
    }
}

/// The index that a part of an answer states, else its place in the list.
fn index_of(part: &Value, position: usize, most: u64) -> Result<u32, Fault> {
    let index = match part.get("index") {
        Some(Value::Number(number)) => number.as_u64().ok_or(Fault::Malformed)?,
        None | Some(Value::Null) => u64::try_from(position).unwrap_or(u64::MAX),
        Some(_) => return Err(Fault::Malformed),
    };
    u32::try_from(index).ok().filter(|_| index < most).ok_or(Fault::Malformed)
}

/// The text of a content: a string, or parts of which those that are text are told.
fn text_of(content: &Value) -> Option<std::borrow::Cow<'_, str>> {
    match content {
        Value::String(text) => Some(text.into()),
        Value::Array(parts) => {
            let texts = parts.iter().filter(|part| part.get("type").and_then(Value::as_str) == Some("text"));
            Some(texts.filter_map(|part| part.get("text")?.as_str()).collect::<String>().into())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

/// A citation, masked. Its places in the content hold only where nothing before them was masked.
fn cited(annotation: &Value, choice: u32, words: &mut dyn Words) -> Result<Option<Value>, Blocked> {
    let Some(cited) = annotation.get("url_citation").and_then(Value::as_object) else { return Ok(None) };
    let channel = Channel::sole(ChannelKind::Annotation, choice);
    let mut told = Object::new();
    for (name, value) in cited.iter() {
        match (name, value) {
            ("url" | "title", Value::String(text)) => told.set(name, whole(words, channel, Place::Plain, text)?),
            ("start_index" | "end_index", Value::Number(number)) => {
                told.set(name, number.as_u64().filter(|place| *place < 1 << 32).unwrap_or(0));
            }
            _ => {}
        }
    }
    Ok(Some(Object::from_iter([("type", Value::from("url_citation")), ("url_citation", told.into())]).into()))
}
