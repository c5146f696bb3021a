use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gatewright_json::{Number, Object, Value, to_bytes};

use super::chat::tokens;

/// How long vectors are that no request gives a length.
const DIMENSIONS: usize = 256;
const MOST_DIMENSIONS: u64 = 4096;
const MOST_INPUTS: usize = 2048;

/// The answer to an embeddings request; `None` where it is none.
pub(super) fn answer(body: &Value, model: &str) -> Option<Vec<u8>> {
    let inputs: Vec<&str> = match body.get("input")? {
        Value::String(text) => vec![text],
        Value::Array(texts) if texts.len() <= MOST_INPUTS => texts.iter().map(Value::as_str).collect::<Option<_>>()?,
        _ => return None,
    };
    let dimensions = match body.get("dimensions").and_then(Value::as_number) {
        Some(number) => usize::try_from(number.as_u64().filter(|it| (1..=MOST_DIMENSIONS).contains(it))?).ok()?,
        None => DIMENSIONS,
    };
    let base64 = body.get("encoding_format").and_then(Value::as_str) == Some("base64");
    let rows: Vec<Value> = inputs
        .iter()
        .zip(0_u64..)
        .map(|(text, index)| {
            let vector = vector(text, dimensions);
            let embedding = if base64 { in_base64(&vector) } else { in_numbers(&vector) };
            let row = [("object", Value::from("embedding")), ("index", index.into()), ("embedding", embedding)];
            Object::from_iter(row).into()
        })
        .collect();
    let count = inputs.iter().map(|text| tokens(text)).sum::<u64>();
    let answer = [
        ("object", Value::from("list")),
        ("data", rows.into()),
        ("model", model.into()),
        ("usage", Object::from_iter([("prompt_tokens", count), ("total_tokens", count)]).into()),
    ];
    Some(to_bytes(&Object::from_iter(answer).into()))
}

/// A vector of length one that depends on the words alone: texts that share words lie near to one another.
fn vector(text: &str, dimensions: usize) -> Vec<f32> {
    let mut sums = vec![0_f32; dimensions];
    for word in text.split_whitespace() {
        // FNV-1a for the word, then xorshift for its numbers.
        let hash = word
            .to_lowercase()
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let mut state = hash | 1;
        for sum in &mut sums {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *sum += f32::from(u16::try_from(state >> 48).unwrap_or(0)) / 32_768.0 - 1.0;
        }
    }
    let length = sums.iter().map(|it| it * it).sum::<f32>().sqrt();
    if length > 0.0 {
        sums.iter_mut().for_each(|it| *it /= length);
    }
    sums
}

fn in_numbers(vector: &[f32]) -> Value {
    let number = |it: &f32| Number::parse(&format!("{it:.7}")).map_or(Value::Null, Value::Number);
    vector.iter().map(number).collect::<Vec<Value>>().into()
}

fn in_base64(vector: &[f32]) -> Value {
    let bytes: Vec<u8> = vector.iter().flat_map(|it| it.to_le_bytes()).collect();
    STANDARD.encode(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likeness(one: &str, other: &str) -> f32 {
        vector(one, 256).iter().zip(vector(other, 256)).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn texts_that_share_words_lie_near() {
        assert!((likeness("red apples", "Red apples") - 1.0).abs() < 1e-5);
        assert!(likeness("red apples fall", "red apples rise") > 0.4);
        assert!(likeness("red apples", "blue trains").abs() < 0.3);
        assert_eq!(vector("", 3), [0.0, 0.0, 0.0]);
    }
}
