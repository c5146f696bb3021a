use gatewright_json::{Number, Object, Value, to_bytes};

use super::answer;

/// The most choices that one request gets.
const MOST_CHOICES: u64 = 16;
/// When every answer says that it was made.
const CREATED: u64 = 1_767_225_600;

/// A chat request, as far as the demonstration looks at it.
pub(super) struct Chat {
    model: String,
    stream: bool,
    include_usage: bool,
    logprobs: bool,
    choices: u64,
    prompt_tokens: u64,
    reply: Reply,
}

enum Reply {
    /// The words, and whether a limit cut them.
    Text {
        words: Vec<String>,
        reason: &'static str,
    },
    Call {
        name: String,
        arguments: String,
    },
}

impl Chat {
    /// What a body asks for; `None` where it is no chat request.
    pub(super) fn read(body: &Value, model: &str) -> Option<Self> {
        let messages = body.get("messages")?.as_array()?;
        let whole = |name: &str| body.get(name).and_then(Value::as_number).and_then(Number::as_u64);
        let flag = |pointer: &str| body.pointer(pointer).and_then(Value::as_bool) == Some(true);
        let most = whole("max_tokens").or_else(|| whole("max_completion_tokens"));
        Some(Self {
            model: model.to_owned(),
            stream: flag("/stream"),
            include_usage: flag("/stream_options/include_usage"),
            logprobs: flag("/logprobs"),
            choices: whole("n").unwrap_or(1).clamp(1, MOST_CHOICES),
            prompt_tokens: messages.iter().map(|message| tokens(&text_of(message))).sum(),
            reply: reply(body, messages, model, most),
        })
    }

    pub(super) const fn is_streamed(&self) -> bool {
        self.stream
    }

    /// The answer in one piece.
    pub(super) fn whole(&self) -> Vec<u8> {
        let choices: Vec<Value> = (0..self.choices).map(|index| self.whole_choice(index)).collect();
        let mut answer = self.head("chat.completion");
        answer.set("choices", choices);
        answer.set("usage", self.usage());
        to_bytes(&answer.into())
    }

    /// The answer as server-sent events.
    pub(super) fn events(&self) -> Vec<Vec<u8>> {
        let mut events = Vec::new();
        let deltas = self.deltas();
        for (delta, logprobs, reason) in deltas {
            for index in 0..self.choices {
                let mut choice = Object::new();
                choice.set("index", index);
                choice.set("delta", delta.clone());
                choice.set("logprobs", logprobs.clone());
                choice.set("finish_reason", reason.map_or(Value::Null, Value::from));
                let mut chunk = self.head("chat.completion.chunk");
                chunk.set("choices", vec![choice.into()]);
                events.push(event(&to_bytes(&chunk.into())));
            }
        }
        if self.include_usage {
            let mut chunk = self.head("chat.completion.chunk");
            chunk.set("choices", Vec::new());
            chunk.set("usage", self.usage());
            events.push(event(&to_bytes(&chunk.into())));
        }
        events.push(event(b"[DONE]"));
        events
    }

    fn head(&self, object: &str) -> Object {
        Object::from_iter([
            ("id", Value::from("chatcmpl-demo")),
            ("object", object.into()),
            ("created", CREATED.into()),
            ("model", self.model.as_str().into()),
        ])
    }

    fn whole_choice(&self, index: u64) -> Value {
        let mut message = Object::from_iter([("role", Value::from("assistant"))]);
        let (reason, logprobs) = match &self.reply {
            Reply::Text { words, reason } => {
                message.set("content", words.concat());
                (*reason, self.logprobs_of(words))
            }
            Reply::Call { name, arguments } => {
                message.set("content", Value::Null);
                message.set("tool_calls", vec![call(Some(name), arguments).into()]);
                ("tool_calls", Value::Null)
            }
        };
        Object::from_iter([
            ("index", Value::from(index)),
            ("message", message.into()),
            ("logprobs", logprobs),
            ("finish_reason", reason.into()),
        ])
        .into()
    }

    fn deltas(&self) -> Vec<(Object, Value, Option<&'static str>)> {
        let mut first = Object::from_iter([("role", Value::from("assistant"))]);
        let mut deltas = Vec::new();
        let reason = match &self.reply {
            Reply::Text { words, reason } => {
                first.set("content", "");
                deltas.push((first, Value::Null, None));
                for word in words {
                    let delta = Object::from_iter([("content", word.as_str())]);
                    deltas.push((delta, self.logprobs_of(std::slice::from_ref(word)), None));
                }
                *reason
            }
            Reply::Call { name, arguments } => {
                first.set("content", Value::Null);
                first.set("tool_calls", vec![indexed(call(Some(name), ""))]);
                deltas.push((first, Value::Null, None));
                for piece in pieces(arguments) {
                    let delta = Object::from_iter([("tool_calls", vec![indexed(call(None, piece))])]);
                    deltas.push((delta, Value::Null, None));
                }
                "tool_calls"
            }
        };
        deltas.push((Object::new(), Value::Null, Some(reason)));
        deltas
    }

    fn logprobs_of(&self, words: &[String]) -> Value {
        if !self.logprobs {
            return Value::Null;
        }
        let entry = |word: &String| -> Value {
            let bytes: Vec<Value> = word.bytes().map(|byte| Value::from(u64::from(byte))).collect();
            Object::from_iter([
                ("token", Value::from(word.as_str())),
                ("logprob", Number::parse("-0.25").map_or(Value::Null, Value::Number)),
                ("bytes", bytes.into()),
                ("top_logprobs", Value::Array(Vec::new())),
            ])
            .into()
        };
        let entries: Vec<Value> = words.iter().map(entry).collect();
        Object::from_iter([("content", Value::from(entries)), ("refusal", Value::Null)]).into()
    }

    fn usage(&self) -> Object {
        let each = match &self.reply {
            Reply::Text { words, .. } => u64::try_from(words.len()).unwrap_or(u64::MAX),
            Reply::Call { arguments, .. } => tokens(arguments) + 1,
        };
        let completion = each.saturating_mul(self.choices);
        Object::from_iter([
            ("prompt_tokens", self.prompt_tokens),
            ("completion_tokens", completion),
            ("total_tokens", self.prompt_tokens.saturating_add(completion)),
        ])
    }
}

fn event(data: &[u8]) -> Vec<u8> {
    [b"data: ", data, b"\n\n"].concat()
}

/// How many tokens a text has, as the demonstration counts them: one for each word.
pub(super) fn tokens(text: &str) -> u64 {
    u64::try_from(text.split_whitespace().count()).unwrap_or(u64::MAX)
}

fn text_of(message: &Value) -> String {
    match message.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let texts: Vec<&str> = parts.iter().filter_map(|part| part.get("text")?.as_str()).collect();
            texts.join(" ")
        }
        _ => String::new(),
    }
}

fn reply(body: &Value, messages: &[Value], model: &str, most: Option<u64>) -> Reply {
    let of_user = |message: &&Value| message.get("role").and_then(Value::as_str) == Some("user");
    let question = messages.iter().rev().find(of_user).map(text_of).unwrap_or_default();
    let subject = answer::subject(&question);
    if let Some(function) = wanted_tool(body, messages, &question) {
        let name = function.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        return Reply::Call { name, arguments: answer::arguments(function.get("parameters"), &subject) };
    }
    let text = answer::text(model, &subject);
    let mut words: Vec<String> = text.split_inclusive(' ').map(str::to_owned).collect();
    let room = most.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
    let reason = if words.len() > room { "length" } else { "stop" };
    words.truncate(room);
    Reply::Text { words, reason }
}

/// The tool to call: one that the request insists on, or that the question speaks of. Never behind a tool's result.
fn wanted_tool<'b>(body: &'b Value, messages: &[Value], question: &str) -> Option<&'b Value> {
    if messages.last().and_then(|message| message.get("role")?.as_str()) == Some("tool") {
        return None;
    }
    let tools = body.get("tools")?.as_array()?;
    let functions = || tools.iter().filter_map(|tool| tool.get("function"));
    let named = |name: &str| functions().find(|function| function.get("name").and_then(Value::as_str) == Some(name));
    match body.get("tool_choice") {
        Some(Value::String(word)) if word == "none" => None,
        Some(Value::String(word)) if word == "required" => functions().next(),
        Some(choice @ Value::Object(_)) => named(choice.pointer("/function/name")?.as_str()?),
        _ => {
            let spoken = question.to_lowercase();
            let meant = |function: &&Value| {
                let name = function.get("name").and_then(Value::as_str).unwrap_or_default().to_lowercase();
                !name.is_empty() && (spoken.contains(&name) || spoken.contains(&name.replace('_', " ")))
            };
            let any = ["tool", "call ", "send", "look up", "weather"].iter().any(|word| spoken.contains(word));
            functions().find(meant).or_else(|| if any { functions().next() } else { None })
        }
    }
}

fn call(name: Option<&str>, arguments: &str) -> Object {
    let mut function = Object::new();
    let mut call = Object::new();
    if let Some(name) = name {
        call.set("id", "call_demo");
        call.set("type", "function");
        function.set("name", name);
    }
    function.set("arguments", arguments);
    call.set("function", function);
    call
}

fn indexed(mut call: Object) -> Value {
    call.set("index", 0_u64);
    call.into()
}

/// Pieces of seven characters, so that values are cut.
fn pieces(text: &str) -> Vec<&str> {
    let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).step_by(7).chain([text.len()]).collect();
    starts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect()
}
