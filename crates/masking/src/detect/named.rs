//! Passwords and keys by the name before them: `password: …`, `API_KEY=…`, `--token …`, `the password is …`.

use super::names::Announced;
use super::secret::{MAX_HELD, found_with};
use super::{Answer, Tail, View, is_alnum};

/// The longest password that is held; what follows a longer one is swallowed.
const MAX_PASSWORD: usize = 64;

/// Looks for the announced value at `start`.
pub(crate) fn announced(view: View<'_>, start: usize, kind: Announced) -> Answer {
    let quote = Some(view.before(start)).filter(|unit| matches!(unit, b'"' | b'\'' | b'`'));
    let (limit, tail) = match kind {
        Announced::Password => (MAX_PASSWORD, Tail::Visible),
        Announced::Key => (MAX_HELD, Tail::Key),
    };
    if is_hopeless(view, start, kind) {
        return Answer::Nothing;
    }
    let mut end = view.run(start, limit, |unit| match kind {
        Announced::Password => {
            unit > b' ' && !matches!(unit, b'"' | b'\'' | b'`') && (quote.is_some() || !matches!(unit, b',' | b';'))
        }
        Announced::Key => is_alnum(unit) || matches!(unit, b'_' | b'-' | b'.' | b'/' | b'+' | b'~'),
    });
    if kind == Announced::Key && end - start < limit {
        // Only as padding: `SECRET_KEY=…` is a name and its own value.
        end = view.run(end, 2, |unit| unit == b'=');
    }
    if end - start >= limit {
        return if is_secret(&view.units[start..end], kind) { found_with(end, tail) } else { Answer::Nothing };
    }
    if view.is_open(end) {
        return Answer::Undecided;
    }
    let mut text = &view.units[start..end];
    while let (None, [rest @ .., b'.' | b';' | b')' | b']' | b'}' | b'*']) = (quote, text) {
        text = rest;
    }
    let goes_on = kind == Announced::Key && text.ends_with(b"=") && view.get(end).is_some_and(is_alnum);
    match !goes_on && is_secret(text, kind) {
        true => found_with(start + text.len(), Tail::None),
        false => Answer::Nothing,
    }
}

/// Whether nothing that begins here is secret enough, wherever it ends: said at once of what is named again and again.
fn is_hopeless(view: View<'_>, start: usize, kind: Announced) -> bool {
    let longest = match kind {
        Announced::Password => MAX_PASSWORD,
        Announced::Key => 16,
    };
    match view.units.get(start..start + longest) {
        Some(text) => {
            super::work(longest);
            opens_placeholder(text) || kind == Announced::Password && !Classes::of(text).suffice(kind)
        }
        None => false,
    }
}

fn is_secret(text: &[u8], kind: Announced) -> bool {
    let fewest = match kind {
        Announced::Password => 6,
        Announced::Key => 16,
    };
    text.len() >= fewest && Classes::of(text).suffice(kind) && !is_placeholder(text) && is_unspoken(text, kind)
}

/// Which kinds of characters are in a text.
struct Classes {
    lower: bool,
    upper: bool,
    digit: bool,
    punctuation: bool,
}

impl Classes {
    /// Without a branch per unit, which compilers turn into vector instructions.
    fn of(text: &[u8]) -> Self {
        let has = |belongs: fn(&u8) -> bool| text.iter().fold(false, |any, unit| any | belongs(unit));
        Self {
            lower: has(u8::is_ascii_lowercase),
            upper: has(u8::is_ascii_uppercase),
            digit: has(u8::is_ascii_digit),
            punctuation: has(u8::is_ascii_punctuation),
        }
    }

    /// Whether a secret of this kind may be made of them.
    fn suffice(&self, kind: Announced) -> bool {
        let Self { lower, upper, digit, punctuation } = *self;
        let classes = [lower, upper, digit, punctuation].map(usize::from).iter().sum::<usize>();
        match kind {
            Announced::Password => classes >= 3 || classes == 2 && digit,
            Announced::Key => digit && (lower || upper),
        }
    }
}

/// What stands where a secret should be put.
fn is_placeholder(text: &[u8]) -> bool {
    opens_placeholder(text)
        || text.windows(2).any(|pair| matches!(pair, b"()" | b"${" | b"{{" | b"->" | b"::" | b"**"))
        || text.iter().all(|unit| *unit == text[0])
        || text.windows(4).any(|word| matches!(word, b"your" | b"YOUR" | b"xxxx" | b"XXXX" | b"env." | b"ENV["))
}

const fn opens_placeholder(text: &[u8]) -> bool {
    matches!(text, [b'<' | b'$' | b'{' | b'[' | b'%' | b'(', ..])
}

/// What tells a secret from code and from names.
fn is_unspoken(text: &[u8], kind: Announced) -> bool {
    match kind {
        Announced::Password => !text.contains(&b'('),
        Announced::Key => {
            let spoken = text.iter().filter(|unit| matches!(unit, b'.' | b'/' | b'-' | b'_')).count() * 4 > text.len();
            !spoken && entropy(text) >= 3.0
        }
    }
}

/// Shannon entropy of the units, in bits per unit.
fn entropy(text: &[u8]) -> f32 {
    let mut counts = [0_u16; 256];
    for unit in text {
        counts[usize::from(*unit)] += 1;
    }
    let length = text.len() as f32;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f32::from(*count) / length)
        .map(|share| -share * share.log2())
        .sum()
}
