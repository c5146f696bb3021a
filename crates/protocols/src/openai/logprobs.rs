use std::collections::VecDeque;

use gatewright_json::{Number, Object, Value};
use gatewright_model::Channel;

use crate::{Blocked, Piece, Place, Words, whole};

/// More entries than this without their text, or text without its entries, and the entries are given up.
const MOST_WAITING: usize = 1 << 20;
/// What OpenAI writes for a token that is out of the question.
const UNLIKELY: &str = "-9999.0";

/// The log-probabilities of one text: tokens and their bytes say the text once more, so they are told only as far as
/// the text itself is, and say exactly what is shown.
///
/// Tokens whose bytes were kept pass with it. Where something was masked, one entry that says what stands there now
/// takes the place of all tokens that touch it. Entries that do not say the same as the text are given up, and with
/// them all that follow. An alternative is searched by itself and left out where anything in it is masked.
#[derive(Debug)]
pub(super) struct LogProbabilities {
    channel: Channel,
    state: State,
    entries: VecDeque<Entry>,
    /// The text as the model wrote it, from the first byte whose entry was not told.
    original: Vec<u8>,
    /// How much of `original` is done with.
    done: usize,
    /// What became of it, as far as that is decided.
    spans: VecDeque<Span>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Neither text nor entries have come.
    Unused,
    /// Text came without entries, or entries that say something else.
    GivenUp,
    /// Both come.
    Tracking,
}

#[derive(Debug)]
struct Entry {
    bytes: Vec<u8>,
    logprob: Number,
    with_bytes: bool,
    alternatives: Vec<Value>,
}

#[derive(Debug)]
enum Span {
    Kept(usize),
    Masked(usize, String),
}

/// Entries that end where their text's fate ends.
struct Group {
    entries: usize,
    length: usize,
    spans: usize,
    /// How much of the span behind them is theirs as well.
    part: usize,
    /// What stands there now, where that differs from what the model wrote.
    masked: Option<Vec<u8>>,
}

enum Next {
    Ready(Group),
    Wait,
    Mismatch,
}

impl LogProbabilities {
    pub(super) const fn new(channel: Channel) -> Self {
        Self {
            channel,
            state: State::Unused,
            entries: VecDeque::new(),
            original: Vec::new(),
            done: 0,
            spans: VecDeque::new(),
        }
    }

    /// Takes entries, before the text that they come with.
    pub(super) fn take(&mut self, entries: &[Value], words: &mut dyn Words) -> Result<(), Blocked> {
        if entries.is_empty() || self.state == State::GivenUp {
            return Ok(());
        }
        self.state = State::Tracking;
        for entry in entries {
            match read(entry, self.channel, words)? {
                Some(entry) if self.entries.len() < MOST_WAITING => self.entries.push_back(entry),
                Some(_) | None => {
                    self.give_up();
                    break;
                }
            }
        }
        Ok(())
    }

    /// Takes a part of the text, before it goes to be masked.
    pub(super) fn write(&mut self, text: &str) {
        match self.state {
            State::Unused if !text.is_empty() => self.state = State::GivenUp,
            State::Tracking if self.original.len() + text.len() > MOST_WAITING << 4 => self.give_up(),
            State::Tracking => self.original.extend_from_slice(text.as_bytes()),
            State::Unused | State::GivenUp => {}
        }
    }

    /// Takes what became of a part of the text.
    pub(super) fn decide(&mut self, piece: Piece<'_>) {
        if self.state != State::Tracking {
            return;
        }
        match (piece, self.spans.back_mut()) {
            (Piece::Kept(text), Some(Span::Kept(length))) => *length += text.len(),
            (Piece::Kept(text), _) => self.spans.push_back(Span::Kept(text.len())),
            (Piece::Masked { original_len, replacement }, _) => {
                self.spans.push_back(Span::Masked(original_len, replacement.to_owned()));
            }
            (Piece::Swallowed { original_len }, Some(Span::Masked(length, _))) => *length += original_len,
            (Piece::Swallowed { original_len }, _) => self.spans.push_back(Span::Masked(original_len, String::new())),
        }
    }

    /// Gives the entries of the text that is decided.
    pub(super) fn tell(&mut self, told: &mut Vec<Value>) {
        while !self.entries.is_empty() {
            match self.next() {
                Next::Ready(group) => self.give(&group, told),
                Next::Wait => break,
                Next::Mismatch => return self.give_up(),
            }
        }
        self.original.drain(..self.done);
        self.done = 0;
    }

    fn give_up(&mut self) {
        *self = Self { state: State::GivenUp, ..Self::new(self.channel) };
    }

    /// The fewest entries at the front that end where a kept byte or a replacement ends.
    fn next(&self) -> Next {
        let text = &self.original[self.done..];
        let mut group = Group { entries: 0, length: 0, spans: 0, part: 0, masked: None };
        let (mut covered, mut shown, mut masked) = (0, Vec::new(), false);
        loop {
            let Some(entry) = self.entries.get(group.entries) else { return Next::Wait };
            let rest = &text[group.length..];
            let common = entry.bytes.len().min(rest.len());
            if rest[..common] != entry.bytes[..common] {
                return Next::Mismatch;
            }
            if common < entry.bytes.len() {
                return Next::Wait;
            }
            group.length += common;
            group.entries += 1;
            while covered < group.length {
                match self.spans.get(group.spans) {
                    None => return Next::Wait,
                    Some(Span::Kept(length)) if covered + length > group.length => {
                        shown.extend_from_slice(&text[covered..group.length]);
                        group.part = group.length - covered;
                        covered = group.length;
                    }
                    Some(Span::Kept(length)) => {
                        shown.extend_from_slice(&text[covered..covered + length]);
                        covered += length;
                        group.spans += 1;
                    }
                    Some(Span::Masked(length, replacement)) => {
                        masked = true;
                        shown.extend_from_slice(replacement.as_bytes());
                        covered += length;
                        group.spans += 1;
                    }
                }
            }
            if covered == group.length {
                group.masked = masked.then_some(shown);
                return Next::Ready(group);
            }
        }
    }

    fn give(&mut self, group: &Group, told: &mut Vec<Value>) {
        self.spans.drain(..group.spans);
        if let Some(Span::Kept(length)) = self.spans.front_mut() {
            *length -= group.part.min(*length);
        }
        self.done += group.length;
        let entries = self.entries.drain(..group.entries);
        match &group.masked {
            None => told.extend(entries.map(Entry::told)),
            Some(shown) if shown.is_empty() => {}
            Some(shown) => {
                let logprob = Number::parse(UNLIKELY).unwrap_or_else(|_| 0_u64.into());
                let with_bytes = entries.into_iter().all(|entry| entry.with_bytes);
                told.push(Entry { bytes: shown.clone(), logprob, with_bytes, alternatives: Vec::new() }.told());
            }
        }
    }
}

impl Entry {
    /// The entry anew, from the bytes that were compared with the text and from nothing else that it said.
    fn told(self) -> Value {
        let mut told = token(&self.bytes, self.logprob, self.with_bytes);
        told.set("top_logprobs", self.alternatives);
        told.into()
    }
}

fn token(bytes: &[u8], logprob: Number, with_bytes: bool) -> Object {
    let listed = || bytes.iter().map(|byte| Value::from(u64::from(*byte))).collect::<Vec<_>>();
    Object::from_iter([
        ("token", Value::from(String::from_utf8_lossy(bytes).into_owned())),
        ("logprob", logprob.into()),
        ("bytes", if with_bytes { listed().into() } else { Value::Null }),
    ])
}

/// What a token says: its bytes where they are given, since a token may be a part of a character.
fn said(token: &Value) -> Option<(Vec<u8>, bool)> {
    match token.get("bytes") {
        Some(Value::Array(bytes)) => {
            let byte = |value: &Value| value.as_number().and_then(Number::as_u64).and_then(|it| u8::try_from(it).ok());
            bytes.iter().map(byte).collect::<Option<Vec<u8>>>().map(|bytes| (bytes, true))
        }
        None | Some(Value::Null) => Some((token.get("token")?.as_str()?.as_bytes().to_vec(), false)),
        Some(_) => None,
    }
}

/// A log-probability as servers write it: not positive but for rounding, and no number with digits enough to say something else.
fn logprob(token: &Value) -> Option<&Number> {
    let number = token.get("logprob")?.as_number()?;
    (number.as_str().len() <= 26 && (-100_000.0..=0.01).contains(&number.as_f64())).then_some(number)
}

fn read(entry: &Value, channel: Channel, words: &mut dyn Words) -> Result<Option<Entry>, Blocked> {
    let Some((bytes, with_bytes)) = said(entry) else { return Ok(None) };
    let Some(likelihood) = logprob(entry).cloned() else { return Ok(None) };
    let mut alternatives = Vec::new();
    for alternative in entry.get("top_logprobs").and_then(Value::as_array).unwrap_or_default() {
        let (Some((bytes, with_bytes)), Some(likelihood)) = (said(alternative), logprob(alternative)) else {
            return Ok(None);
        };
        let text = String::from_utf8_lossy(&bytes);
        if whole(words, channel, Place::Plain, &text)? == text {
            alternatives.push(token(&bytes, likelihood.clone(), with_bytes).into());
        }
    }
    Ok(Some(Entry { bytes, logprob: likelihood, with_bytes, alternatives }))
}
