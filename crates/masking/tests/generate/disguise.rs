use super::Draw;

fn mapped(value: &str, map: impl Fn(char) -> String) -> String {
    value.chars().map(map).collect()
}

fn digits(value: &str, zero: u32) -> String {
    mapped(value, |character| match character.to_digit(10) {
        Some(digit) => char::from_u32(zero + digit).map(String::from).unwrap_or_default(),
        None => character.to_string(),
    })
}

/// The value itself, and in a disguise that fits its kind.
pub(crate) fn disguises(kind: &str, plain: &str, draw: &mut Draw) -> Vec<(&'static str, String)> {
    let mut all = vec![("none", plain.to_owned())];
    let numeric = matches!(kind, "card" | "phone" | "ssn" | "iban");
    let spelled = matches!(kind, "secret" | "password" | "key");
    if spelled || !plain.is_ascii() {
        return all;
    }
    let invisible =
        draw.one(&["\u{200b}", "\u{200d}", "\u{2060}", "\u{ad}", "\u{feff}", "\u{200e}", "\u{fe0f}", "\u{34f}"]);
    all.push((
        "invisible",
        mapped(plain, |character| format!("{character}{invisible}")).trim_end_matches(invisible).to_owned(),
    ));
    let wide = |c: char| char::from_u32(c as u32 + 0xfee0).filter(|_| c.is_ascii_graphic()).unwrap_or(c).to_string();
    all.push(("full-width", mapped(plain, wide)));
    if numeric {
        let zeros = [0x660, 0x6f0, 0x966, 0x9e6, 0xe50, 0x1040, 0x17e0, 0xbe6, 0xc66, 0x1d7ce, 0x1d7ec];
        all.push(("digits", digits(plain, zeros[draw.below(zeros.len())])));
        let dash = draw.one(&["\u{2010}", "\u{2011}", "\u{2013}", "\u{2014}", "\u{2212}", "\u{fe63}", "\u{ff0d}"]);
        let space = draw.one(&["\u{a0}", "\u{2009}", "\u{202f}", "\u{3000}", "\u{2007}"]);
        all.push(("separators", plain.replace('-', dash).replace(' ', space)));
        let circled = |c: char| match c.to_digit(10) {
            Some(0) => "\u{24ea}".to_owned(),
            Some(digit) => char::from_u32(0x2460 - 1 + digit).map(String::from).unwrap_or_default(),
            None => c.to_string(),
        };
        all.push(("circled", mapped(plain, circled)));
        all.push((
            "keycaps",
            mapped(plain, |c| if c.is_ascii_digit() { format!("{c}\u{fe0f}\u{20e3}") } else { c.to_string() })
                .trim_end_matches(['\u{fe0f}', '\u{20e3}'])
                .to_owned(),
        ));
    }
    let escaped: fn(char) -> String = match draw.below(5) {
        0 => |c| format!("\\u{:04x}", c as u32),
        1 => |c| format!("%{:02X}", c as u32),
        2 => |c| format!("&#{};", c as u32),
        3 => |c| format!("&#x{:x};", c as u32),
        _ => |c| if c.is_ascii_alphanumeric() { c.to_string() } else { format!("\\u{:04X}", c as u32) },
    };
    all.push(("escapes", mapped(plain, escaped)));
    if plain.len() >= 12 && matches!(kind, "email" | "card" | "iban" | "phone") {
        all.push(("base64", base64(&format!("contact: {plain}, thanks"))));
    }
    if kind == "email" && !plain.contains(['\'', '&', '%']) {
        let (local, domain) = plain.split_once('@').unwrap_or_default();
        let (at, dot) = *draw.one(&[
            &(" [at] ", " [dot] "),
            &("(at)", "(dot)"),
            &(" AT ", " DOT "),
            &(" at ", " dot "),
            &("[at]", "."),
            &(" {at} ", " {dot} "),
            &(" <at> ", " <dot> "),
            &(" (at) ", "."),
            &("[@]", "[.]"),
            &(" @ ", " . "),
        ]);
        all.push(("spelled", format!("{local}{at}{}", domain.replace('.', dot))));
        all.push(("look-alikes", plain.replace('a', "а").replace('e', "е").replace('o', "о").replace('c', "с")));
    }
    all
}

fn base64(text: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for group in text.as_bytes().chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let letter = ALPHABET[(bits >> (18 - 6 * place) & 63) as usize];
            encoded.push(if place <= group.len() { letter as char } else { '=' });
        }
    }
    encoded
}
