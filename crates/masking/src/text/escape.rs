use super::More;

/// What a text's next bytes stand for, where they could be an escape.
pub(super) enum Escape {
    /// They are just what they are.
    None,
    /// This character, written in so many bytes.
    Char(char, usize),
    /// More text decides.
    CutOff,
}

/// The longest HTML entity that is read, its `;` included.
const MAX_ENTITY: usize = 10;

/// More backslashes than this before an escape are JSON within JSON within JSON that nobody writes.
const MAX_BACKSLASHES: usize = 8;

/// Reads a JSON, percent or HTML escape at the start of `bytes`.
pub(super) fn read(bytes: &[u8], more: More) -> Escape {
    let read = match bytes[0] {
        b'\\' => backslash(bytes),
        b'%' => percent(bytes),
        b'&' => entity(bytes),
        _ => Escape::None,
    };
    match read {
        Escape::CutOff if more == More::No => Escape::None,
        other => other,
    }
}

/// `\n`, `\u0040`, and the same with its backslash doubled by each layer of JSON (RFC 8259, section 7).
fn backslash(bytes: &[u8]) -> Escape {
    let run = bytes.iter().take(MAX_BACKSLASHES + 1).take_while(|byte| **byte == b'\\').count();
    if run > MAX_BACKSLASHES {
        return Escape::None;
    }
    match bytes.get(run) {
        None => Escape::CutOff,
        Some(b'n' | b'r') => Escape::Char('\n', run + 1),
        Some(b't') => Escape::Char(' ', run + 1),
        Some(b'/') => Escape::Char('/', run + 1),
        Some(b'"') => Escape::Char('"', run + 1),
        Some(b'u') => unicode(bytes, run + 1),
        Some(b'x') => in_bytes(bytes, run + 1),
        Some(_) => Escape::None,
    }
}

/// What follows `\u`, which ends at `before`: four digits, of characters beyond them two halves (RFC 8259, section 7), or
/// digits in braces as in JavaScript.
fn unicode(bytes: &[u8], before: usize) -> Escape {
    let digits = &bytes[before..];
    if digits.first() == Some(&b'{') {
        return braced(digits, before);
    }
    let first = match hex(digits, 4) {
        Hex::CutOff => return Escape::CutOff,
        Hex::Not => return Escape::None,
        Hex::Value(value @ 0xd800..=0xdbff) => value,
        Hex::Value(value) => return char::from_u32(value).map_or(Escape::None, |c| Escape::Char(c, before + 4)),
    };
    // The other half is written in the same way.
    let (mark, rest) = (&bytes[..before], &digits[4..]);
    if rest.len() < before {
        return if mark.starts_with(rest) { Escape::CutOff } else { Escape::None };
    }
    let (after, low) = rest.split_at(before);
    match hex(low, 4) {
        Hex::CutOff if after == mark => Escape::CutOff,
        Hex::Value(low @ 0xdc00..=0xdfff) if after == mark => {
            let value = 0x1_0000 + ((first - 0xd800) << 10) + (low - 0xdc00);
            char::from_u32(value).map_or(Escape::None, |c| Escape::Char(c, 2 * (before + 4)))
        }
        Hex::CutOff | Hex::Value(_) | Hex::Not => Escape::None,
    }
}

fn braced(digits: &[u8], before: usize) -> Escape {
    let length = digits[1..].iter().take(7).take_while(|byte| byte.is_ascii_hexdigit()).count();
    match (digits.get(1 + length), hex(&digits[1..], length)) {
        (None, _) if length <= 6 => Escape::CutOff,
        (Some(b'}'), Hex::Value(value)) if (1..=6).contains(&length) => {
            char::from_u32(value).map_or(Escape::None, |c| Escape::Char(c, before + length + 2))
        }
        _ => Escape::None,
    }
}

/// Percent-encoding of visible ASCII (RFC 3986, section 2.1), and of other characters in UTF-8 (section 2.5).
fn percent(bytes: &[u8]) -> Escape {
    in_bytes(bytes, 1)
}

/// Bytes of UTF-8, each as two hexadecimal digits behind the same sign, which is the first `sign` bytes.
fn in_bytes(bytes: &[u8], sign: usize) -> Escape {
    let length = match hex(&bytes[sign..], 2) {
        Hex::CutOff => return Escape::CutOff,
        Hex::Value(value @ 0x20..=0x7e) => return Escape::Char(value as u8 as char, sign + 2),
        Hex::Value(0xc2..=0xdf) => 2,
        Hex::Value(0xe0..=0xef) => 3,
        Hex::Value(0xf0..=0xf4) => 4,
        Hex::Value(_) | Hex::Not => return Escape::None,
    };
    let mut encoded = [0; 4];
    for (place, byte) in encoded.iter_mut().take(length).enumerate() {
        let unit = bytes.get(place * (sign + 2)..).unwrap_or_default();
        if unit.len() < sign {
            return if bytes.starts_with(unit) { Escape::CutOff } else { Escape::None };
        }
        match hex(&unit[sign..], 2) {
            Hex::Value(value) if unit[..sign] == bytes[..sign] => *byte = value as u8,
            Hex::CutOff if unit[..sign] == bytes[..sign] => return Escape::CutOff,
            Hex::CutOff | Hex::Value(_) | Hex::Not => return Escape::None,
        }
    }
    let character = std::str::from_utf8(&encoded[..length]).ok().and_then(|text| text.chars().next());
    character.map_or(Escape::None, |character| Escape::Char(character, length * (sign + 2)))
}

/// HTML's numeric entities and the few named ones that stand for what values are made of.
fn entity(bytes: &[u8]) -> Escape {
    let window = &bytes[..bytes.len().min(MAX_ENTITY)];
    let body = window[1..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'#').count();
    let name = &window[1..1 + body];
    match window.get(1 + body) {
        None if window.len() < MAX_ENTITY => Escape::CutOff,
        Some(b';') => entity_char(name).map_or(Escape::None, |character| Escape::Char(character, body + 2)),
        _ => Escape::None,
    }
}

fn entity_char(name: &[u8]) -> Option<char> {
    let text = std::str::from_utf8(name).ok()?;
    if let Some(number) = text.strip_prefix('#') {
        let value = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return char::from_u32(value.ok()?);
    }
    Some(match text {
        "commat" => '@',
        "period" => '.',
        "nbsp" | "thinsp" | "ensp" | "emsp" => ' ',
        "ndash" | "mdash" | "hyphen" | "dash" => '-',
        "lowbar" => '_',
        "colon" => ':',
        "plus" => '+',
        "lpar" => '(',
        "rpar" => ')',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "shy" | "zwj" | "zwnj" => '\u{200b}',
        _ => return None,
    })
}

enum Hex {
    Value(u32),
    Not,
    CutOff,
}

fn hex(bytes: &[u8], digits: usize) -> Hex {
    let mut value = 0;
    for place in 0..digits {
        match bytes.get(place).map(|byte| (*byte as char).to_digit(16)) {
            None => return Hex::CutOff,
            Some(None) => return Hex::Not,
            Some(Some(digit)) => value = value * 16 + digit,
        }
    }
    Hex::Value(value)
}
