//! Forms in which somebody writes a value so that a pattern does not see it, a reader or a program still does.

use super::draw::Draw;

fn each(value: &str, map: impl FnMut(char) -> String) -> String {
    value.chars().map(map).collect()
}

fn bytes(value: &str, map: impl Fn(u8) -> String) -> String {
    value.bytes().map(map).collect()
}

/// Digits by their place in this alphabet of ten.
fn digits(value: &str, ten: &[char]) -> String {
    each(value, |unit| unit.to_digit(10).map_or(unit, |digit| ten[digit as usize]).to_string())
}

fn from_zero(zero: u32) -> Vec<char> {
    (zero..zero + 10).filter_map(char::from_u32).collect()
}

/// Letters and digits of a block of styled ones: where its `A`, its `a` and its `0` are.
fn styled(value: &str, capital: u32, small: u32, zero: u32) -> String {
    each(value, |unit| {
        let styled = match unit {
            'A'..='Z' => capital + (unit as u32 - 'A' as u32),
            'a'..='z' => small + (unit as u32 - 'a' as u32),
            '0'..='9' => zero + (unit as u32 - '0' as u32),
            _ => unit as u32,
        };
        char::from_u32(styled).unwrap_or(unit).to_string()
    })
}

fn strewn(value: &str, signs: &[&str], draw: &mut Draw) -> String {
    let last = value.chars().count().saturating_sub(1);
    let mut place = 0;
    each(value, |unit| {
        place += 1;
        if place <= last && draw.below(2) == 0 { format!("{unit}{}", draw.one(signs)) } else { unit.to_string() }
    })
}

fn wide(value: &str) -> String {
    each(value, |unit| match unit {
        ' ' => '\u{3000}'.to_string(),
        '!'..='~' => char::from_u32(unit as u32 + 0xfee0).unwrap_or(unit).to_string(),
        _ => unit.to_string(),
    })
}

/// Base 64 of either alphabet (RFC 4648), with or without padding.
fn base64(text: &str, last_two: [char; 2], padded: bool) -> String {
    let letters: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(last_two).collect();
    let mut encoded = String::new();
    for group in text.as_bytes().chunks(3) {
        let bits = (0..3).fold(0_u32, |bits, place| bits << 8 | u32::from(*group.get(place).unwrap_or(&0)));
        for place in 0..4 {
            match place <= group.len() {
                true => encoded.push(letters[(bits >> (18 - 6 * place) & 63) as usize]),
                false if padded => encoded.push('='),
                false => {}
            }
        }
    }
    encoded
}

const INVISIBLE: &[&str] =
    &["\u{200b}", "\u{200c}", "\u{200d}", "\u{2060}", "\u{feff}", "\u{ad}", "\u{180e}", "\u{2063}"];
const DIRECTION: &[&str] = &["\u{200e}", "\u{202a}", "\u{202c}", "\u{2066}", "\u{2069}"];
const MARKS: &[&str] = &["\u{301}", "\u{308}", "\u{334}", "\u{fe0f}", "\u{34f}"];
const ZEROS: &[u32] = &[
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50, 0xed0, 0xf20, 0x1040,
    0x17e0, 0x1810, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0xff10, 0x1fbf0,
];
const DASHES: &[&str] =
    &["\u{2010}", "\u{2011}", "\u{2012}", "\u{2013}", "\u{2014}", "\u{2212}", "\u{fe63}", "\u{ff0d}"];
const SPACES: &[&str] = &["\u{a0}", "\u{2002}", "\u{2005}", "\u{2007}", "\u{2009}", "\u{202f}", "\u{205f}", "\u{3000}"];

/// How an `@` and a dot are spelled out in the languages of the world.
const SPELLED: &[(&str, &str)] = &[
    (" [at] ", " [dot] "),
    ("[at]", "[dot]"),
    (" (at) ", " (dot) "),
    ("(at)", "."),
    (" at ", " dot "),
    ("{at}", "{dot}"),
    ("[@]", "[.]"),
    (" AT ", " DOT "),
    ("<at>", "<dot>"),
    (" _at_ ", " _dot_ "),
    ("_at_", "_dot_"),
    (" /at/ ", " /dot/ "),
    ("-at-", "-dot-"),
    ("(@)", "(.)"),
    (" [AT] ", "."),
    (" arroba ", " punto "),
    (" (arroba) ", " (ponto) "),
    (" (arobase) ", " (point) "),
    (" at sign ", " dot "),
    (" [ät] ", " [punkt] "),
    (" @ ", " . "),
    ("|at|", "|dot|"),
    ("*at*", "*dot*"),
    (" (chiocciola) ", " (punto) "),
    (" (małpa) ", " (kropka) "),
    ("\"at\"", "\"dot\""),
];

/// The forms that fit this kind of value, each with its name; the plain one is none of them.
pub(crate) fn attacks(kind: &str, plain: &str, draw: &mut Draw) -> Vec<(&'static str, String)> {
    if matches!(kind, "secret" | "password" | "key") {
        return Vec::new();
    }
    let escaped = |unit: char, form: &dyn Fn(u32) -> String| {
        if (unit as u32) < 0x1_0000 { form(unit as u32) } else { unit.to_string() }
    };
    let mut half = |unit: char, form: &dyn Fn(u32) -> String| match draw.below(2) {
        0 => escaped(unit, form),
        _ => unit.to_string(),
    };
    let mut forms = vec![
        ("json", each(plain, |unit| half(unit, &|code| format!("\\u{code:04x}")))),
        ("json in json", each(plain, |unit| half(unit, &|code| format!("\\\\u{code:04X}")))),
        ("entities", each(plain, |unit| half(unit, &|code| format!("&#{code};")))),
        ("hexadecimal entities", each(plain, |unit| escaped(unit, &|code| format!("&#x{code:X};")))),
        ("braced escapes", each(plain, |unit| half(unit, &|code| format!("\\u{{{code:x}}}")))),
        (
            "percent",
            bytes(plain, |byte| match byte.is_ascii_alphanumeric() {
                true => char::from(byte).to_string(),
                false => format!("%{byte:02X}"),
            }),
        ),
        ("all percent", bytes(plain, |byte| format!("%{byte:02x}"))),
        ("bytes escaped", bytes(plain, |byte| format!("\\x{byte:02x}"))),
        ("base64", base64(&format!("it is {plain}, ok"), ['+', '/'], true)),
        ("base64 of JSON", base64(&format!("{{\"to\":\"{plain}\"}}"), ['-', '_'], false)),
        ("bold", styled(plain, 0x1d400, 0x1d41a, 0x1d7ce)),
        ("sans-serif", styled(plain, 0x1d5a0, 0x1d5ba, 0x1d7e2)),
        ("monospace", styled(plain, 0x1d670, 0x1d68a, 0x1d7f6)),
        ("full-width", wide(plain)),
    ];
    forms.push(("zero-width", strewn(plain, INVISIBLE, draw)));
    forms.push(("directions", strewn(plain, DIRECTION, draw)));
    forms.push(("marks", strewn(plain, MARKS, draw)));
    forms.push(("zero-width and full-width", strewn(&wide(plain), INVISIBLE, draw)));
    if plain.bytes().filter(u8::is_ascii_digit).count() >= 4 && kind != "email" {
        let script = from_zero(ZEROS[draw.below(ZEROS.len())]);
        forms.push(("digits of a script", digits(plain, &script)));
        forms.push(("digits, zero-width", strewn(&digits(plain, &script), INVISIBLE, draw)));
        forms.push(("superscript", digits(plain, &"⁰¹²³⁴⁵⁶⁷⁸⁹".chars().collect::<Vec<_>>())));
        forms.push(("subscript", digits(plain, &"₀₁₂₃₄₅₆₇₈₉".chars().collect::<Vec<_>>())));
        forms.push(("circled", digits(plain, &"⓪①②③④⑤⑥⑦⑧⑨".chars().collect::<Vec<_>>())));
    }
    if plain.contains([' ', '-']) {
        forms.push(("separators", plain.replace('-', draw.one(DASHES)).replace(' ', draw.one(SPACES))));
    }
    if let Some((local, domain)) = plain.split_once('@').filter(|_| kind == "email") {
        let (at, dot) = SPELLED[draw.below(SPELLED.len())];
        forms.push(("spelled", format!("{local}{at}{}", domain.replace('.', dot))));
        let alike = ["aа", "eе", "oо", "pр", "cс", "xх", "iі"].map(|pair| pair.chars().collect::<Vec<_>>());
        let look = |unit: char| alike.iter().find(|pair| pair[0] == unit).map_or(unit, |pair| pair[1]).to_string();
        forms.push(("look-alikes", each(plain, look)));
        forms.push(("capitals", plain.to_ascii_uppercase()));
    }
    forms
}
