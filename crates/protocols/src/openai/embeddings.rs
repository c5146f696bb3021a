use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gatewright_json::{Number, Object, Value, write};
use gatewright_model::Usage;

use super::usage::{Counts, counts};
use super::whole::Collected;
use crate::{Asked, Fault, ReplyEditor, Words};

/// Longer vectors are no embedding's.
const MOST_NUMBERS: usize = 65_536;
/// Larger numbers stand in no vector; they could be somebody's.
const LARGEST: f64 = 1e6;

/// Edits an embeddings answer: vectors pass as they are, once they are seen to be vectors and as many as texts were
/// sent; nothing else of it passes but token counts.
pub(super) struct EmbeddingsEditor {
    asked: Asked,
    collected: Collected,
    counts: Option<Counts>,
    complete: bool,
}

impl EmbeddingsEditor {
    pub(super) fn new(asked: Asked) -> Self {
        Self { asked, collected: Collected::default(), counts: None, complete: false }
    }
}

impl ReplyEditor for EmbeddingsEditor {
    fn push(&mut self, bytes: &[u8], _words: &mut dyn Words, _out: &mut Vec<u8>) -> Result<(), Fault> {
        self.collected.push(bytes)
    }

    fn finish(&mut self, _words: &mut dyn Words, out: &mut Vec<u8>) -> Result<(), Fault> {
        let mut answer = self.collected.value()?;
        self.counts = counts(answer.get("usage"));
        let rows = answer.as_object_mut().and_then(|answer| answer.remove("data"));
        let Some(Value::Array(rows)) = rows else { return Err(Fault::Malformed) };
        if rows.len() != self.asked.inputs {
            return Err(Fault::Malformed);
        }
        let mut seen = vec![false; rows.len()];
        let mut told = Vec::with_capacity(rows.len());
        for (position, row) in rows.into_iter().enumerate() {
            told.push(told_row(row, position, &mut seen)?);
        }
        let mut whole = Object::new();
        whole.set("object", "list");
        whole.set("data", told);
        whole.set("model", self.asked.model.as_str());
        if let Some(counts) = &self.counts {
            whole.set("usage", counts.told.clone());
        }
        write(&whole.into(), out);
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

fn told_row(row: Value, position: usize, seen: &mut [bool]) -> Result<Value, Fault> {
    let Value::Object(mut row) = row else { return Err(Fault::Malformed) };
    let index = match row.get("index") {
        None => position,
        Some(index) => index
            .as_number()
            .and_then(Number::as_u64)
            .and_then(|index| usize::try_from(index).ok())
            .ok_or(Fault::Malformed)?,
    };
    // Each text's vector once: two of one text would be none of another.
    match seen.get_mut(index) {
        Some(taken @ false) => *taken = true,
        Some(true) | None => return Err(Fault::Malformed),
    }
    let vector = row.remove("embedding").filter(is_vector).ok_or(Fault::Malformed)?;
    let mut told = Object::new();
    told.set("object", "embedding");
    told.set("index", u64::try_from(index).unwrap_or(u64::MAX));
    told.set("embedding", vector);
    Ok(told.into())
}

/// A list of numbers, or base64 (RFC 4648) of single-precision ones.
fn is_vector(value: &Value) -> bool {
    match value {
        Value::Array(numbers) => {
            let plausible = |it: &Value| it.as_number().is_some_and(|it| it.as_f64().abs() < LARGEST);
            (1..=MOST_NUMBERS).contains(&numbers.len()) && numbers.iter().all(plausible)
        }
        Value::String(text) => {
            text.len() <= MOST_NUMBERS * 6 && STANDARD.decode(text).is_ok_and(|bytes| is_floats(&bytes))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

/// Every four bytes a finite number of a size that vectors have: text in base64 rarely is.
fn is_floats(bytes: &[u8]) -> bool {
    let (quads, rest) = bytes.as_chunks::<4>();
    let plausible = |quad: &[u8; 4]| f64::from(f32::from_le_bytes(*quad)).abs() < LARGEST;
    !quads.is_empty() && rest.is_empty() && quads.iter().all(plausible)
}
