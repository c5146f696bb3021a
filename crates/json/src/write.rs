use crate::Value;
use crate::blocks::{any, any_of};

/// Writes a value as JSON without superfluous space: members in their order, numbers as they were written.
pub fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => out.extend_from_slice(number.as_bytes()),
        Value::String(text) => quote_into(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        Value::Object(object) => {
            out.push(b'{');
            for (index, (key, member)) in object.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                quote_into(key, out);
                out.push(b':');
                write(member, out);
            }
            out.push(b'}');
        }
    }
}

/// A value as JSON in a buffer of its own.
pub fn to_bytes(value: &Value) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    write(value, &mut out);
    out
}

pub(crate) fn quote_into(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    escape_into(text, out);
    out.push(b'"');
}

/// Writes a text as it stands between the quotes of a JSON string, with the shortest escapes (RFC 8785, 3.2.2.2).
pub fn escape_into(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    out.reserve(bytes.len());
    let (blocks, rest) = bytes.as_chunks::<32>();
    let mut copied = 0;
    for (index, block) in blocks.iter().enumerate() {
        if any_of(block, needs_escape) {
            out.extend_from_slice(&bytes[copied..index * 32]);
            block.iter().for_each(|byte| escape_byte(*byte, out));
            copied = (index + 1) * 32;
        }
    }
    if any(rest, needs_escape) {
        out.extend_from_slice(&bytes[copied..bytes.len() - rest.len()]);
        rest.iter().for_each(|byte| escape_byte(*byte, out));
    } else {
        out.extend_from_slice(&bytes[copied..]);
    }
}

const fn needs_escape(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

fn escape_byte(byte: u8, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let letter = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        0x0c => b'f',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0..0x20 => {
            let digits = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
            out.extend_from_slice(b"\\u00");
            return out.extend_from_slice(&digits);
        }
        _ => return out.push(byte),
    };
    out.extend_from_slice(&[b'\\', letter]);
}
