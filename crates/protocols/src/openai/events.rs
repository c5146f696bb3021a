//! The stream of a response: events with words in pieces, and events that say the same words once more, whole.

use gatewright_json::{Object, Value, parse, write};
use gatewright_model::{Channel, ChannelKind, Usage};

use super::objects::{edited, name_model, usage_of};
use super::reader::limits;
use super::run::{Arguments, Run};
use crate::sse::{Events, Found, TooLarge};
use crate::stored::is_id;
use crate::{Asked, Fault, ReplyEditor, Words};

/// The largest event: it says the whole response.
const MOST_EVENT: usize = 8 << 20;
/// More texts than one response has at once.
const MOST_LANES: usize = 256;

/// Events with a piece of text: its kind, and whether it is JSON.
const PIECES: &[(&str, ChannelKind, Form)] = &[
    ("response.output_text", ChannelKind::Content, Form::Words),
    ("response.refusal", ChannelKind::Refusal, Form::Words),
    ("response.reasoning_text", ChannelKind::Reasoning, Form::Words),
    ("response.reasoning_summary_text", ChannelKind::Reasoning, Form::Words),
    ("response.function_call_arguments", ChannelKind::ToolArguments, Form::Json),
    ("response.mcp_call_arguments", ChannelKind::ToolArguments, Form::Json),
    ("response.code_interpreter_call_code", ChannelKind::ToolArguments, Form::Words),
];

/// Events whose members are told as those of any object.
const OTHERS: &[&str] = &[
    "response.created",
    "response.queued",
    "response.in_progress",
    "response.completed",
    "response.incomplete",
    "response.failed",
    "response.output_item.added",
    "response.output_item.done",
    "response.content_part.added",
    "response.content_part.done",
    "response.reasoning_summary_part.added",
    "response.reasoning_summary_part.done",
    "response.output_text.annotation.added",
    "response.file_search_call.in_progress",
    "response.file_search_call.searching",
    "response.file_search_call.completed",
    "response.web_search_call.in_progress",
    "response.web_search_call.searching",
    "response.web_search_call.completed",
    "response.code_interpreter_call.in_progress",
    "response.code_interpreter_call.interpreting",
    "response.code_interpreter_call.completed",
    "response.mcp_call.in_progress",
    "response.mcp_call.completed",
    "response.mcp_call.failed",
    "response.mcp_list_tools.in_progress",
    "response.mcp_list_tools.completed",
    "response.mcp_list_tools.failed",
];

const LAST: &[&str] = &["response.completed", "response.incomplete", "response.failed"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Words,
    Json,
}

/// Edits the stream of a response.
///
/// What is held of a text is told before the event that ends it. Events that say a whole text again have it masked whole,
/// which gives what its pieces gave. Events of a kind that is not known are left out.
pub(super) struct EventsEditor {
    asked: Asked,
    events: Events,
    lanes: Vec<Lane>,
    /// The id under which the response was told of first.
    response: Option<String>,
    number: u64,
    usage: Option<Usage>,
    /// Nothing more of it is told.
    over: bool,
    complete: bool,
}

/// One text as it arrives.
struct Lane {
    kind: &'static str,
    /// What its events say besides the text: which item, which part.
    place: Object,
    text: Pieces,
}

enum Pieces {
    Words(Run),
    Json(Box<Arguments>),
}

impl EventsEditor {
    pub(super) const fn new(asked: Asked) -> Self {
        Self {
            asked,
            events: Events::new(MOST_EVENT),
            lanes: Vec::new(),
            response: None,
            number: 0,
            usage: None,
            over: false,
            complete: false,
        }
    }

    fn event(&mut self, words: &mut dyn Words, out: &mut Vec<u8>) -> Result<(), Fault> {
        let data = self.events.data();
        if data.is_empty() || data == b"[DONE]" {
            return Ok(());
        }
        let event = parse(data, &limits(MOST_EVENT)).map_err(|_| Fault::Malformed)?;
        let kind = event.get("type").and_then(Value::as_str).ok_or(Fault::Malformed)?;
        if kind == "error" {
            return Err(Fault::Reported);
        }
        if let Some((name, channel, form)) = PIECES.iter().find(|(name, ..)| kind.strip_suffix(".delta") == Some(name))
        {
            return self.piece(name, *channel, *form, &event, words, out);
        }
        if let Some((name, ..)) = PIECES.iter().find(|(name, ..)| kind.strip_suffix(".done") == Some(name)) {
            self.end(|lane, place| lane.kind == *name && lane.place == *place, &place_of(&event), words, out)?;
        } else if !OTHERS.contains(&kind) {
            return Ok(());
        }
        if kind == "response.output_item.done" {
            let item = event.get("output_index").cloned();
            self.end(|lane, _| lane.place.get("output_index") == item.as_ref(), &Object::new(), words, out)?;
        }
        let last = LAST.contains(&kind);
        if last {
            self.end(|_, _| true, &Object::new(), words, out)?;
        }
        self.check_response(&event)?;
        let mut told = edited(&event, words)?;
        if let Some(response) = told.pointer_mut("/response") {
            name_model(response, &self.asked);
        }
        if last {
            self.usage = event.get("response").and_then(|response| usage_of(response, &self.asked));
            (self.over, self.complete) = (true, true);
        }
        self.write(kind, told, out);
        Ok(())
    }

    /// The response is the one that was booked for the caller: its first event was read before anything was told.
    fn check_response(&mut self, event: &Value) -> Result<(), Fault> {
        let Some(response) = event.get("response") else { return Ok(()) };
        let id = response.get("id").and_then(Value::as_str).filter(|id| is_id(id)).ok_or(Fault::Malformed)?;
        match &self.response {
            None => {
                self.response = Some(id.to_owned());
                Ok(())
            }
            Some(first) if first == id => Ok(()),
            Some(_) => Err(Fault::Malformed),
        }
    }

    fn piece(
        &mut self,
        name: &'static str,
        kind: ChannelKind,
        form: Form,
        event: &Value,
        words: &mut dyn Words,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let text = event.get("delta").and_then(Value::as_str).ok_or(Fault::Malformed)?;
        let place = place_of(event);
        let at = match self.lanes.iter().position(|lane| lane.kind == name && lane.place == place) {
            Some(at) => at,
            None if self.lanes.len() >= MOST_LANES => return Err(Fault::TooLarge),
            None => {
                let number = u32::try_from(self.lanes.len()).unwrap_or(u32::MAX);
                let free = (0..=number).find(|choice| !self.lanes.iter().any(|lane| lane.choice() == *choice));
                let channel = Channel::sole(kind, free.unwrap_or(number));
                self.lanes.push(Lane { kind: name, place, text: Pieces::new(form, channel) });
                self.lanes.len() - 1
            }
        };
        let Some(lane) = self.lanes.get_mut(at) else { return Err(Fault::Malformed) };
        let mut told = Vec::new();
        lane.text.push(text, words, &mut told)?;
        let (kind, place) = (lane.kind, lane.place.clone());
        self.write_piece(kind, place, told, out);
        Ok(())
    }

    /// Tells what is held of every text that an event ends.
    fn end(
        &mut self,
        ends: impl Fn(&Lane, &Object) -> bool,
        place: &Object,
        words: &mut dyn Words,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let (ended, open) = std::mem::take(&mut self.lanes).into_iter().partition(|lane| ends(lane, place));
        self.lanes = open;
        let ended: Vec<Lane> = ended;
        for mut lane in ended {
            let mut told = Vec::new();
            lane.text.finish(words, &mut told)?;
            self.write_piece(lane.kind, lane.place, told, out);
        }
        Ok(())
    }

    fn write_piece(&mut self, kind: &str, mut place: Object, told: Vec<u8>, out: &mut Vec<u8>) {
        if !told.is_empty() {
            let kind = format!("{kind}.delta");
            place.set("delta", String::from_utf8_lossy(&told).into_owned());
            self.write(&kind, place.into(), out);
        }
    }

    fn write(&mut self, kind: &str, told: Value, out: &mut Vec<u8>) {
        let mut event = Object::from_iter([("type", Value::from(kind)), ("sequence_number", self.number.into())]);
        self.number += 1;
        for (name, value) in told.as_object().into_iter().flat_map(Object::iter) {
            if name != "type" {
                event.set(name, value.clone());
            }
        }
        out.extend_from_slice(format!("event: {kind}\ndata: ").as_bytes());
        write(&event.into(), out);
        out.extend_from_slice(b"\n\n");
    }
}

/// What an event says of where its text stands.
fn place_of(event: &Value) -> Object {
    let mut place = Object::new();
    if let Some(Value::String(id)) = event.get("item_id")
        && is_id(id)
    {
        place.set("item_id", id.as_str());
    }
    for name in ["output_index", "content_index", "summary_index"] {
        if let Some(index) = event.get(name).and_then(Value::as_number).and_then(|number| number.as_u64())
            && index < 10_000
        {
            place.set(name, index);
        }
    }
    place
}

impl Lane {
    const fn choice(&self) -> u32 {
        match &self.text {
            Pieces::Words(run) => run.channel().choice,
            Pieces::Json(arguments) => arguments.channel().choice,
        }
    }
}

impl Pieces {
    fn new(form: Form, channel: Channel) -> Self {
        match form {
            Form::Words => Self::Words(Run::new(channel)),
            Form::Json => Self::Json(Box::new(Arguments::new(channel))),
        }
    }

    fn push(&mut self, text: &str, words: &mut dyn Words, told: &mut Vec<u8>) -> Result<(), Fault> {
        match self {
            Self::Words(run) => run.push(text, words, &mut |piece| told.extend_from_slice(piece.shown().as_bytes()))?,
            Self::Json(arguments) => arguments.push(text, words, told)?,
        }
        Ok(())
    }

    fn finish(&mut self, words: &mut dyn Words, told: &mut Vec<u8>) -> Result<(), Fault> {
        match self {
            Self::Words(run) => run.finish(words, &mut |piece| told.extend_from_slice(piece.shown().as_bytes()))?,
            Self::Json(arguments) => arguments.finish(words, told)?,
        }
        Ok(())
    }
}

impl ReplyEditor for EventsEditor {
    fn push(&mut self, bytes: &[u8], words: &mut dyn Words, out: &mut Vec<u8>) -> Result<(), Fault> {
        let mut rest = bytes;
        while !rest.is_empty() && !self.over {
            let (used, found) = self.events.read(rest).map_err(|TooLarge| Fault::TooLarge)?;
            rest = &rest[used..];
            if found == Found::Event
                && let Err(fault) = self.event(words, out)
            {
                self.over = true;
                if fault != Fault::Blocked {
                    self.end(|_, _| true, &Object::new(), words, out)?;
                }
                return Err(fault);
            }
        }
        Ok(())
    }

    fn finish(&mut self, words: &mut dyn Words, out: &mut Vec<u8>) -> Result<(), Fault> {
        if self.over {
            return Ok(());
        }
        // The stream broke off: what is held is told, masked, and then that it broke off.
        self.end(|_, _| true, &Object::new(), words, out)?;
        self.over = true;
        Err(Fault::Malformed)
    }

    fn usage(&self) -> Option<Usage> {
        self.usage
    }

    fn complete(&self) -> bool {
        self.complete
    }
}
