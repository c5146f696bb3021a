use std::sync::Arc;
use std::time::Instant;

use gatewright_masking::{
    Author, CustomPattern, CustomRule, Detectors, FieldPath, Masker, Minter, PseudonymKey, Treatments, Vault,
    mask_findings,
};
use gatewright_model::{Delivery, InfoType, RequestId, Treatment};
use gatewright_protocols::{Asked, Protocol, ReplyHead, Route, UsageReport};
use serde_json::{Value, json};

use crate::dice::Dice;
use crate::words::Engine;

/// The most that reading a long text may take, in nanoseconds per byte, on a busy machine: a hundred times what it
/// usually takes, and far less than what reading it anew for each of its bytes would.
const SLOWEST: u128 = 4_000;

/// How long a text is that is timed.
const TIMED_LENGTH: usize = 60_000;

/// What holds of every input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// A masked stream is the masked whole; what goes in comes out or is held.
    Cuts,
    /// What a model says of tokens comes back, in a stream as in the whole, and no value hides behind what looks like one.
    Tokens,
    /// A streamed answer with the text as content and as arguments says what the whole answer says, and is JSON.
    Answers,
    /// Arguments that are JSON stay JSON, with the same keys' number and shape.
    Arguments,
    /// A long text takes no longer per byte than a short one.
    Time,
}

impl Check {
    pub(crate) const ALL: [Self; 5] = [Self::Cuts, Self::Tokens, Self::Answers, Self::Arguments, Self::Time];

    pub(crate) fn run(self, bench: &Bench, text: &str, seed: u64) -> Result<(), String> {
        let dice = &mut Dice::new(seed);
        match self {
            Self::Cuts => bench.cuts(text, dice),
            Self::Tokens => bench.tokens(text, dice),
            Self::Answers => bench.answers(text, text, dice),
            Self::Arguments => bench.arguments(text, dice),
            Self::Time => bench.time(text),
        }
    }
}

fn same(what: &str, left: &str, right: &str) -> Result<(), String> {
    if left == right { Ok(()) } else { Err(format!("{what}\n  whole:  {left:?}\n  stream: {right:?}")) }
}

/// What all checks share.
pub(crate) struct Bench {
    detectors: Detectors,
    mixed: Treatments,
    /// The same for answers, whose own values get no tokens.
    answers: Treatments,
    key: PseudonymKey,
    protocol: &'static dyn Protocol,
    route: &'static Route,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let rule = |name: &str, pattern| CustomRule { name: InfoType::new(name).unwrap(), pattern };
        let detectors = Detectors::with(&[
            rule("CUSTOM", CustomPattern::Regex(r"ACME-EMP-\d{6}".to_owned())),
            rule("PROJECT", CustomPattern::Words(vec!["aurora".into(), "launch code".into(), "日本".into()])),
            rule("FIELD", CustomPattern::Fields(vec!["$.customer.ssn".into(), "*.password".into()])),
        ])
        .unwrap();
        let ways = [
            Treatment::Redact,
            Treatment::Partial,
            Treatment::Pseudonym,
            Treatment::Token,
            Treatment::Keep,
            Treatment::Alert,
        ];
        let by_turns: Vec<Treatment> = ways.into_iter().cycle().take(detectors.info_types().len()).collect();
        let in_answers = |treatment| if treatment == Treatment::Token { Treatment::Redact } else { treatment };
        let answers = Treatments::new(by_turns.iter().copied().map(in_answers).collect::<Vec<_>>());
        let mixed = Treatments::new(by_turns);
        let protocol = gatewright_protocols::named("openai").unwrap();
        let route = protocol.routes().iter().find(|route| route.path.ends_with("/chat/completions")).unwrap();
        Self { detectors, mixed, answers, key: PseudonymKey::new(&[5; 32]), protocol, route }
    }

    /// Masks pieces of a text, and checks that what went in came out or is held.
    fn masked(&self, mut masker: Masker, pieces: &[&str]) -> Result<String, String> {
        let mut vault = Vault::new();
        let mut minter = Minter { vault: &mut vault, key: &self.key };
        let (mut out, mut consumed, mut given) = (String::new(), 0, 0);
        for piece in pieces {
            given += piece.len();
            let mut take = |piece: gatewright_masking::Piece<'_>| {
                out.push_str(piece.text());
                consumed += piece.original_len();
            };
            masker.push(&self.detectors, &mut minter, piece, &mut take).map_err(|blocked| blocked.to_string())?;
            if consumed + masker.held() != given {
                return Err(format!("{given} bytes went in, {consumed} came out, {} are held", masker.held()));
            }
            if masker.held() > 8_192 {
                return Err(format!("{} bytes are held", masker.held()));
            }
        }
        let mut take = |piece: gatewright_masking::Piece<'_>| {
            out.push_str(piece.text());
            consumed += piece.original_len();
        };
        masker.finish(&self.detectors, &mut minter, &mut take).map_err(|blocked| blocked.to_string())?;
        if consumed == given { Ok(out) } else { Err(format!("{given} bytes went in and {consumed} came out")) }
    }

    fn cuts(&self, text: &str, dice: &mut Dice) -> Result<(), String> {
        let whole = self.masked(Masker::new(self.mixed.clone()), &[text])?;
        let stream = self.masked(Masker::new(self.mixed.clone()), &dice.cut(text))?;
        same("a stream is not the whole", &whole, &stream)?;
        for field in ["password", "ssn", "note"].map(|name| FieldPath::root().key("customer").key(name)) {
            let masker = || Masker::new(self.mixed.clone()).in_field(&self.detectors, &field);
            let whole = self.masked(masker(), &[text])?;
            let stream = self.masked(masker(), &dice.cut(text))?;
            same(&format!("the field {field} in a stream is not the whole"), &whole, &stream)?;
        }
        let mut end = 0;
        for finding in self.detectors.find(text) {
            if finding.start < end || finding.end <= finding.start || text.get(finding.start..finding.end).is_none() {
                return Err(format!("{finding:?} overlaps what is before it, is empty or cuts a character"));
            }
            end = finding.end;
        }
        Ok(())
    }

    fn tokens(&self, text: &str, dice: &mut Dice) -> Result<(), String> {
        let mut vault = Vault::new();
        for (info_type, value) in [("EMAIL_ADDRESS", "alice@example.com"), ("CREDIT_CARD", "4111 1111 1111 1111")] {
            vault.token(&InfoType::new(info_type).unwrap(), value);
        }
        // What a caller writes comes back as it was written.
        let treatments = Treatments::uniform(&self.detectors, Treatment::Token);
        let findings = self.detectors.find(text);
        let mut minter = Minter { vault: &mut vault, key: &self.key };
        let asked = mask_findings(&self.detectors, text, &findings, &treatments, Author::Caller, &mut minter)
            .map_err(|blocked| blocked.to_string())?;
        let vault = Arc::new(vault);
        let keep = Treatments::uniform(&self.detectors, Treatment::Keep);
        let redact = Treatments::uniform(&self.detectors, Treatment::Redact);
        for (own, revealed) in [(&keep, &keep), (&redact, &redact), (&redact, &keep)] {
            let masker = || Masker::new(own.clone()).restoring(&vault, revealed.clone());
            for said in [text, &asked] {
                let whole = self.masked(masker(), &[said])?;
                let stream = self.masked(masker(), &dice.cut(said))?;
                same("a restored stream is not the whole", &whole, &stream)?;
            }
        }
        // Nothing that would have been masked hides behind what only looks like a token.
        let none = Arc::new(Vault::new());
        let plain = self.masked(Masker::new(redact.clone()), &[text])?;
        let beside = self.masked(Masker::new(redact.clone()).restoring(&none, redact), &[text])?;
        same("looking for tokens changed what is found", &plain, &beside)
    }

    fn engine(&self) -> Engine<'_> {
        Engine { detectors: &self.detectors, treatments: self.answers.clone(), key: &self.key, open: Vec::new() }
    }

    /// An answer's bytes through the protocol's editor.
    fn edited(&self, delivery: Delivery, pieces: &[&[u8]]) -> Result<Vec<u8>, String> {
        let asked = Asked {
            request: RequestId::from_bytes([1; 16]),
            model: "m".to_owned(),
            usage: UsageReport::Kept,
            tools: vec!["f".to_owned()],
            inputs: 0,
            reach: Default::default(),
        };
        let content_type = match delivery {
            Delivery::Whole => "application/json",
            Delivery::Stream => "text/event-stream",
        };
        let head = ReplyHead { status: 200, content_type: Some(content_type), content_encoding: None };
        let mut editor = self.protocol.reply(self.route, delivery, head, asked).map_err(|refusal| refusal.message)?;
        let (mut words, mut out) = (self.engine(), Vec::new());
        for piece in pieces {
            editor.push(piece, &mut words, &mut out).map_err(|fault| format!("{fault:?}"))?;
        }
        editor.finish(&mut words, &mut out).map_err(|fault| format!("{fault:?}"))?;
        Ok(out)
    }

    /// Content and arguments, streamed and whole, which must say the same; gives the arguments.
    fn answered(&self, content: &str, arguments: &str, dice: &mut Dice) -> Result<String, String> {
        let function = json!({ "name": "f", "arguments": arguments });
        let message = json!({ "role": "assistant", "content": content, "tool_calls": [{ "id": "c", "type": "function", "function": function }] });
        let choices = json!([{ "index": 0, "message": message, "finish_reason": "stop" }]);
        let answer = json!({ "object": "chat.completion", "choices": choices }).to_string();
        let whole = self.edited(Delivery::Whole, &dice.cut_bytes(answer.as_bytes()))?;
        let mut events = String::new();
        let mut event = |delta: Value, reason: Value| {
            let choice = json!([{ "index": 0, "delta": delta, "finish_reason": reason }]);
            events.push_str(&format!("data: {}\n\n", json!({ "object": "chat.completion.chunk", "choices": choice })));
        };
        let (mut left, mut right) =
            (dice.cut_coarsely(content, 50).into_iter(), dice.cut_coarsely(arguments, 50).into_iter());
        loop {
            let (content, arguments) = (left.next(), right.next());
            if content.is_none() && arguments.is_none() {
                break;
            }
            if let Some(content) = content {
                event(json!({ "content": content }), Value::Null);
            }
            if let Some(arguments) = arguments {
                let call = json!([{ "index": 0, "function": { "name": if arguments.is_empty() { "f" } else { "" }, "arguments": arguments } }]);
                event(json!({ "tool_calls": call }), Value::Null);
            }
        }
        event(json!({}), json!("stop"));
        events.push_str("data: [DONE]\n\n");
        let stream = self.edited(Delivery::Stream, &dice.cut_bytes(events.as_bytes()))?;
        let whole = said(&whole, Delivery::Whole)?;
        let stream = said(&stream, Delivery::Stream)?;
        same("the streamed content is not the whole's", &whole.0, &stream.0)?;
        same("the streamed arguments are not the whole's", &whole.1, &stream.1)?;
        Ok(whole.1)
    }

    fn answers(&self, content: &str, arguments: &str, dice: &mut Dice) -> Result<(), String> {
        let told = self.answered(content, arguments, dice)?;
        match serde_json::from_str::<Value>(arguments).is_ok() && serde_json::from_str::<Value>(&told).is_err() {
            true => Err(format!("arguments that were JSON are none: {told:?}")),
            false => Ok(()),
        }
    }

    fn arguments(&self, text: &str, dice: &mut Dice) -> Result<(), String> {
        let parts = dice.cut_coarsely(text, 50);
        let value = document(&parts, dice, 0);
        let written = match dice.below(2) {
            0 => value.to_string(),
            _ => serde_json::to_string_pretty(&value).unwrap_or_default(),
        };
        // A string of ASCII alone, escapes and all, means the same.
        let written = if dice.below(3) == 0 { escaped(&written) } else { written };
        let told = self.answered("", &written, dice)?;
        let told: Value = serde_json::from_str(&told).map_err(|error| format!("{error}: {told:?} of {written:?}"))?;
        if shape(&told) == shape(&value) { Ok(()) } else { Err(format!("{value} became {told}")) }
    }

    fn time(&self, text: &str) -> Result<(), String> {
        if text.is_empty() {
            return Ok(());
        }
        let long = text.repeat(TIMED_LENGTH.div_ceil(text.len()));
        // On a shared machine only the fastest of several says something.
        let mut fastest = u128::MAX;
        for _ in 0..4 {
            let began = Instant::now();
            self.masked(Masker::new(self.mixed.clone()), &[&long])?;
            fastest = fastest.min(began.elapsed().as_nanos() / long.len() as u128);
            if fastest <= SLOWEST {
                return Ok(());
            }
        }
        Err(format!("{fastest} ns for each byte of {} repeated to {} bytes", text.len(), long.len()))
    }
}

/// The content and the arguments of an answer that came out of an editor.
fn said(bytes: &[u8], delivery: Delivery) -> Result<(String, String), String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let events: Vec<&str> = match delivery {
        Delivery::Whole => vec![text],
        Delivery::Stream => text.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).collect(),
    };
    let (mut content, mut arguments) = (String::new(), String::new());
    for event in events.into_iter().filter(|event| *event != "[DONE]") {
        let event: Value = serde_json::from_str(event).map_err(|error| format!("{error}: {event:?}"))?;
        for choice in event["choices"].as_array().into_iter().flatten() {
            let part = choice.get("delta").unwrap_or(&choice["message"]);
            content.push_str(part["content"].as_str().unwrap_or_default());
            for call in part["tool_calls"].as_array().into_iter().flatten() {
                arguments.push_str(call["function"]["arguments"].as_str().unwrap_or_default());
            }
        }
    }
    Ok((content, arguments))
}

/// JSON with these texts in it, as strings, keys and numbers.
fn document(parts: &[&str], dice: &mut Dice, depth: usize) -> Value {
    match (parts, dice.below(4)) {
        ([], _) => dice.one(&[json!(null), json!(true), json!(4_111_111_111_111_111_u64), json!(-1.5)]).clone(),
        ([one], _) if depth > 0 => json!(one),
        (_, 0) if depth > 0 => json!(parts.concat()),
        (_, 1 | 2) if depth < 6 => {
            let mut object = serde_json::Map::new();
            for (at, part) in parts.chunks(parts.len().div_ceil(3)).enumerate() {
                let name = match dice.below(4) {
                    0 => "customer".to_owned(),
                    1 => "password".to_owned(),
                    2 => "ssn".to_owned(),
                    _ => format!("k{at}"),
                };
                object.insert(name, document(part, dice, depth + 1));
            }
            object.into()
        }
        _ if depth < 6 => parts.chunks(parts.len().div_ceil(3)).map(|part| document(part, dice, depth + 1)).collect(),
        _ => json!(parts.concat()),
    }
}

/// JSON in which every character beyond ASCII is escaped.
fn escaped(json: &str) -> String {
    let mut out = String::new();
    for character in json.chars() {
        if character.is_ascii() {
            out.push(character);
        } else {
            character.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        }
    }
    out
}

/// What stays of a document however its words are masked: which values there are, and how they nest.
fn shape(value: &Value) -> String {
    match value {
        // A number of which something is masked becomes a string.
        Value::Number(_) | Value::String(_) => "s".to_owned(),
        Value::Null => "0".to_owned(),
        Value::Bool(_) => "b".to_owned(),
        Value::Array(items) => format!("[{}]", items.iter().map(shape).collect::<String>()),
        Value::Object(members) => {
            format!(
                "{{{}}}",
                members.iter().map(|(name, value)| format!("{name}:{}", shape(value))).collect::<String>()
            )
        }
    }
}
