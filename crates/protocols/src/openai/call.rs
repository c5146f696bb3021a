use gatewright_json::{Object, Value, to_bytes};
use gatewright_model::{Channel, ChannelKind};

use super::run::{Arguments, quote_into};
use crate::{Asked, Fault, Place, Words, whole};

/// Longer names are no tool's.
const LONGEST_NAME: usize = 256;

/// One tool call of an answer as it arrives.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) index: u32,
    choice: u32,
    /// The model server's own id, by which it may tell its calls apart. It is never told.
    id: Option<String>,
    name: Name,
    arguments: Arguments,
}

#[derive(Debug)]
enum Name {
    /// What has come of it.
    Coming(String),
    /// It was told.
    Told,
}

/// What may be told of a call now.
#[derive(Debug)]
pub(super) struct ToldCall {
    index: u32,
    /// The call's name, with which it begins.
    opens: Option<String>,
    arguments: Vec<u8>,
}

/// How a call is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// In a stream's delta, with its index.
    Delta,
    /// In a whole message.
    Whole,
    /// As the legacy `function_call`.
    Legacy,
}

impl Call {
    pub(super) fn new(choice: u32, index: u32, id: Option<&str>) -> Self {
        let channel = Channel { kind: ChannelKind::ToolArguments, choice, index };
        let id = id.filter(|id| id.len() <= LONGEST_NAME).map(str::to_owned);
        Self { index, choice, id, name: Name::Coming(String::new()), arguments: Arguments::new(channel) }
    }

    pub(super) fn is(&self, id: &str) -> bool {
        self.id.as_deref() == Some(id)
    }

    /// Takes the `function` of a call, or a part of it.
    pub(super) fn take(
        &mut self,
        function: &Object,
        asked: &Asked,
        words: &mut dyn Words,
        told: &mut Vec<ToldCall>,
    ) -> Result<(), Fault> {
        let arguments = match function.get("arguments") {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            // Some servers give the object itself.
            Some(object @ Value::Object(_)) => String::from_utf8(to_bytes(object)).map_err(|_| Fault::Malformed)?,
            Some(_) => return Err(Fault::Malformed),
        };
        if let (Name::Coming(name), Some(Value::String(part))) = (&mut self.name, function.get("name")) {
            if name.len() + part.len() > LONGEST_NAME {
                return Err(Fault::TooLarge);
            }
            name.push_str(part);
        }
        if !arguments.is_empty() || self.name_is_whole(asked) {
            self.tell_name(asked, words, told)?;
        }
        if !arguments.is_empty() {
            self.arguments.push(&arguments, words, &mut self.told(told).arguments)?;
        }
        Ok(())
    }

    /// Says all that is left.
    pub(super) fn finish(
        &mut self,
        asked: &Asked,
        words: &mut dyn Words,
        told: &mut Vec<ToldCall>,
    ) -> Result<(), Fault> {
        self.tell_name(asked, words, told)?;
        let mut rest = Vec::new();
        self.arguments.finish(words, &mut rest)?;
        if !rest.is_empty() {
            self.told(told).arguments.append(&mut rest);
        }
        Ok(())
    }

    /// Whether no more of the name can come: it is one that the caller offered and no other begins with it.
    fn name_is_whole(&self, asked: &Asked) -> bool {
        let Name::Coming(name) = &self.name else { return false };
        let longer = |tool: &String| tool.len() > name.len() && tool.starts_with(name.as_str());
        asked.tools.contains(name) && !asked.tools.iter().any(longer)
    }

    /// The caller's own word for a tool passes; any other is the model's, and is masked.
    fn tell_name(&mut self, asked: &Asked, words: &mut dyn Words, told: &mut Vec<ToldCall>) -> Result<(), Fault> {
        let Name::Coming(name) = std::mem::replace(&mut self.name, Name::Told) else { return Ok(()) };
        let channel = Channel { kind: ChannelKind::ToolName, choice: self.choice, index: self.index };
        let name = if asked.tools.contains(&name) { name } else { whole(words, channel, Place::Plain, &name)? };
        self.told(told).opens = Some(name);
        Ok(())
    }

    fn told<'t>(&self, told: &'t mut Vec<ToldCall>) -> &'t mut ToldCall {
        let at = told.iter().position(|call| call.index == self.index).unwrap_or_else(|| {
            told.push(ToldCall { index: self.index, opens: None, arguments: Vec::new() });
            told.len() - 1
        });
        &mut told[at]
    }
}

impl ToldCall {
    /// Writes the call. Its id is ours: the model server's would be text of its own choosing.
    pub(super) fn write(&self, form: Form, choice: u32, asked: &Asked, out: &mut Vec<u8>) {
        if form != Form::Legacy {
            out.push(b'{');
            if form == Form::Delta {
                out.extend_from_slice(format!("\"index\":{},", self.index).as_bytes());
            }
            if self.opens.is_some() {
                let request = gatewright_model::to_hex(asked.request.as_bytes());
                let id = format!("\"id\":\"call_{request}_{choice}_{}\",\"type\":\"function\",", self.index);
                out.extend_from_slice(id.as_bytes());
            }
            out.extend_from_slice(b"\"function\":");
        }
        out.push(b'{');
        if let Some(name) = &self.opens {
            out.extend_from_slice(b"\"name\":");
            quote_into(name, out);
            out.push(b',');
        }
        out.extend_from_slice(b"\"arguments\":");
        quote_into(&String::from_utf8_lossy(&self.arguments), out);
        out.push(b'}');
        if form != Form::Legacy {
            out.push(b'}');
        }
    }
}
