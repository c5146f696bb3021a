use gatewright_json::{Value, write};

use super::call::{Form, ToldCall};
use super::run::quote_into;
use crate::Asked;

/// What may be told of a choice now.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) role: bool,
    pub(super) content: Option<String>,
    pub(super) refusal: Option<String>,
    pub(super) reasoning: Option<String>,
    pub(super) reasoning_name: &'static str,
    pub(super) calls: Vec<ToldCall>,
    pub(super) legacy: Vec<ToldCall>,
    pub(super) annotations: Vec<Value>,
    pub(super) content_log: Vec<Value>,
    pub(super) refusal_log: Vec<Value>,
}

impl Told {
    /// Whether there is nothing to tell.
    pub(super) fn is_empty(&self) -> bool {
        !self.role
            && self.content.is_none()
            && self.refusal.is_none()
            && self.reasoning.is_none()
            && self.calls.is_empty()
            && self.legacy.is_empty()
            && self.annotations.is_empty()
            && self.content_log.is_empty()
            && self.refusal_log.is_empty()
    }

    /// Writes what is told as a delta or a whole message, and the log-probabilities where there are any.
    pub(super) fn write(&self, form: Form, choice: u32, asked: &Asked, out: &mut Vec<u8>) {
        out.extend_from_slice(if form == Form::Whole { b"\"message\":{" } else { b"\"delta\":{" });
        let start = out.len();
        if self.role || form == Form::Whole {
            out.extend_from_slice(b"\"role\":\"assistant\",");
        }
        let texts = [("content", &self.content), (self.reasoning_name, &self.reasoning), ("refusal", &self.refusal)];
        for (name, text) in texts {
            match text {
                Some(text) => write_member(name, text, out),
                None if form == Form::Whole && name == "content" => out.extend_from_slice(b"\"content\":null,"),
                None => {}
            }
        }
        if !self.calls.is_empty() {
            out.extend_from_slice(b"\"tool_calls\":[");
            for call in &self.calls {
                call.write(form, choice, asked, out);
                out.push(b',');
            }
            replace_last(b']', out);
            out.push(b',');
        }
        for call in &self.legacy {
            out.extend_from_slice(b"\"function_call\":");
            call.write(Form::Legacy, choice, asked, out);
            out.push(b',');
        }
        if !self.annotations.is_empty() {
            write_list("annotations", &self.annotations, out);
        }
        if out.len() > start {
            out.pop();
        }
        out.push(b'}');
        self.write_logs(out);
    }

    fn write_logs(&self, out: &mut Vec<u8>) {
        if self.content_log.is_empty() && self.refusal_log.is_empty() {
            return out.extend_from_slice(b",\"logprobs\":null");
        }
        out.extend_from_slice(b",\"logprobs\":{");
        for (name, entries) in [("content", &self.content_log), ("refusal", &self.refusal_log)] {
            if entries.is_empty() {
                out.extend_from_slice(format!("\"{name}\":null,").as_bytes());
            } else {
                write_list(name, entries, out);
            }
        }
        replace_last(b'}', out);
    }
}

fn write_member(name: &str, text: &str, out: &mut Vec<u8>) {
    quote_into(name, out);
    out.push(b':');
    quote_into(text, out);
    out.push(b',');
}

fn write_list(name: &str, items: &[Value], out: &mut Vec<u8>) {
    quote_into(name, out);
    out.extend_from_slice(b":[");
    for item in items {
        write(item, out);
        out.push(b',');
    }
    replace_last(b']', out);
    out.push(b',');
}

/// Writes an end in place of the comma behind the last member.
fn replace_last(end: u8, out: &mut Vec<u8>) {
    out.pop();
    out.push(end);
}
