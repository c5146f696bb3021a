//! The tokens that the gateway puts in place of values, as they come back in answers: as they were minted, or as a model
//! spells them.

use crate::TypeIndex;
use crate::text::{More, Text};

use super::context::CONTEXT;
use super::{Answer, Memory, View, is_alnum};

/// The place that stands for a token; no info type has it.
pub(crate) const TOKEN: TypeIndex = TypeIndex::new(u16::MAX);

/// The longest token between brackets, from its name's first character to its number's last: a name of 64, a number of
/// 10, and as many backslashes and spaces as a name of a few words can bring with it.
const MAX_TOKEN: usize = 96;

/// The longest token without brackets before its number. As much of a word is held while it may go on.
const MAX_BARE: usize = super::email::MAX_LOCAL - 1;

/// The most spaces and backslashes between a bracket and the name or the number.
const MAX_GAP: usize = 3;

const fn is_name(unit: u8) -> bool {
    is_alnum(unit) || unit == b'_'
}

/// What Markdown puts before a character that shall mean nothing to it.
const fn is_escape(unit: u8) -> bool {
    unit == b'\\'
}

/// Where the name begins of a token without brackets whose number begins at `digit`: `EMAIL_ADDRESS_1`, in any case and
/// with its underscores escaped. Spaces belong to a token only between brackets: words before numbers are everywhere.
pub(crate) fn start_of(units: &[u8], digit: usize) -> Option<usize> {
    let name_end = digit.checked_sub(1).filter(|end| units[*end] == b'_')?;
    let belongs = |unit: &&u8| is_name(**unit) || is_escape(**unit);
    let length = units[..name_end].iter().rev().take(MAX_BARE + 1).take_while(belongs).count();
    super::work(length);
    let run = &units[name_end - length..name_end];
    // What makes a word italic or bold is no part of it.
    let marks = run.iter().take_while(|unit| !is_alnum(**unit)).count();
    let begins = run.get(marks).is_some_and(u8::is_ascii_alphabetic);
    (length <= MAX_BARE && begins).then_some(name_end - length + marks)
}

/// Where a token with brackets begins whose `<` is at `bracket`: at the backslash before it, where there is one.
pub(crate) fn bracketed_start(units: &[u8], bracket: usize) -> usize {
    match bracket.checked_sub(1).map(|before| units[before]) {
        Some(before) if is_escape(before) => bracket - 1,
        _ => bracket,
    }
}

/// Looks for a token at `start`: `<EMAIL_ADDRESS_1>` in any case, with spaces or hyphens for its underscores, with
/// backslashes before whatever Markdown could read, or `EMAIL_ADDRESS_1` without brackets. Whether it is one that was
/// minted is for who has the vault to say; whether it lies in a URL says [`is_in_url`].
pub(crate) fn recognise(view: View<'_>, start: usize) -> Answer {
    let escaped = usize::from(is_escape(view.units[start]));
    let bracket = view.get(start + escaped) == Some(b'<');
    let is_part = !bracket && (escaped > 0 || is_alnum(view.before(start)));
    if is_part && !view.is_open(start + escaped) {
        return Answer::Nothing;
    }
    let opened = start + escaped + usize::from(bracket);
    let name = if bracket { view.run(opened, MAX_GAP, |unit| unit == b' ' || is_escape(unit)) } else { opened };
    if view.get(name).is_some_and(|unit| !unit.is_ascii_alphabetic()) {
        return Answer::Nothing;
    }
    let belongs = |unit| is_name(unit) || is_escape(unit) || bracket && matches!(unit, b' ' | b'-' | b'\n');
    let end = view.run(name, MAX_TOKEN, belongs);
    if end - name == MAX_TOKEN {
        return Answer::Nothing;
    }
    if view.is_open(end) {
        return Answer::Undecided;
    }
    let token = &view.units[name..end];
    let gap = token.iter().rev().take(MAX_GAP).take_while(|unit| !is_alnum(**unit)).count();
    if !token[..token.len() - gap].last().is_some_and(u8::is_ascii_digit) {
        return Answer::Nothing;
    }
    if !bracket {
        return Answer::found(end - gap, TOKEN);
    }
    // `<NAME_1/>` is how some write an element that is empty.
    let close = end + usize::from(view.get(end) == Some(b'/'));
    match view.get(close) {
        Some(b'>') => Answer::found(close + 1, TOKEN),
        None if view.is_open(close) => Answer::Undecided,
        Some(_) | None => Answer::Nothing,
    }
}

/// Whether the place lies in a URL: a value put there would be sent to whoever is asked for that URL.
///
/// That is the word that `//` or `www.` stands in; and where a quotation mark or a bracket opens it, such as in
/// `<img src="https://…">` and in Markdown's `![](<https://…>)`, everything up to the one that closes it, spaces
/// included. A word that is longer than what can be looked back at counts as one.
pub(crate) fn is_in_url(view: View<'_>, start: usize) -> bool {
    let before = &view.units[start.saturating_sub(CONTEXT)..start];
    super::work(before.len());
    let word = before.iter().rev().take_while(|unit| **unit > b' ').count();
    let is_long = word == CONTEXT;
    is_long || is_url(&before[before.len() - word..]) || is_delimited_url(before)
}

fn is_url(word: &[u8]) -> bool {
    word.windows(2).any(|part| part == b"//") || word.windows(4).any(|part| part.eq_ignore_ascii_case(b"www."))
}

/// Whether a URL was opened behind a quotation mark or a bracket that is not closed yet.
fn is_delimited_url(before: &[u8]) -> bool {
    let Some(slashes) = before.windows(2).rposition(|part| part == b"//") else { return false };
    let scheme = before[..slashes].iter().rev().take_while(|unit| is_alnum(**unit) || **unit == b':').count();
    let opened = (slashes - scheme).checked_sub(1).map(|at| before[at]);
    let closes = match opened {
        Some(mark @ (b'"' | b'\'' | b'`')) => mark,
        Some(b'(') => b')',
        Some(b'<') => b'>',
        Some(b'[') => b']',
        _ => return false,
    };
    !before[slashes..].contains(&closes)
}

/// What in a text looks like a token: `(start, end)` in bytes.
pub(crate) fn look_alikes(text: &str) -> Vec<(usize, usize)> {
    let mut whole = Text::default();
    whole.extend(text, More::No);
    let memory = Memory::default();
    let view = View::new(whole.units(), More::No, &memory);
    let (mut found, mut at): (Vec<(usize, usize)>, usize) = (Vec::new(), 0);
    for place in 1..=view.units.len() {
        let start = match view.units[place - 1..] {
            [b'<', ..] => Some(bracketed_start(view.units, place - 1)),
            [b'_', b'0'..=b'9', ..] => start_of(view.units, place),
            _ => None,
        };
        let Some(start) = start.filter(|start| *start >= at) else { continue };
        if let Answer::Found(hit) = recognise(view, start)
            && !is_in_url(view, start)
        {
            at = hit.end;
            found.push((whole.raw_start(start), whole.raw_end(hit.end)));
        }
    }
    found
}

/// A token as it is looked up, whatever its spelling in the text: its name in capitals, one underscore between words.
pub(crate) fn canonical(text: &str) -> String {
    canonical_units(&crate::text::as_seen(text))
}

/// As [`canonical`], of units.
pub(crate) fn canonical_units(units: &[u8]) -> String {
    let mut name = String::with_capacity(units.len());
    for unit in units {
        match unit {
            b'<' | b'>' | b'/' | b'\\' => {}
            unit if is_alnum(*unit) => name.push(unit.to_ascii_uppercase() as char),
            _ if name.is_empty() || name.ends_with('_') => {}
            _ => name.push('_'),
        }
    }
    name.truncate(name.trim_end_matches('_').len());
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_are_found_whole() {
        for text in [
            "<EMAIL_ADDRESS_1>",
            "<email_address_1>",
            "<Email Address 1>",
            "< EMAIL_ADDRESS_1 >",
            "<EMAIL-ADDRESS-1>",
            "<EMAIL\\_ADDRESS\\_1>",
            "\\<EMAIL\\_ADDRESS\\_1\\>",
            "&lt;EMAIL_ADDRESS_1&gt;",
            "\\u003cEMAIL_ADDRESS_1\\u003e",
            "%3CEMAIL_ADDRESS_1%3E",
            "＜ＥＭＡＩＬ＿ＡＤＤＲＥＳＳ＿１＞",
            "<EMAIL_\u{200b}ADDRESS_1>",
            "<EMAIL_ADDRESS_1/>",
            "EMAIL_ADDRESS_1",
            "email_address_1",
            "EMAIL\\_ADDRESS\\_1",
        ] {
            assert_eq!(look_alikes(text), [(0, text.len())], "{text}");
            assert_eq!(canonical(text), "EMAIL_ADDRESS_1", "{text}");
        }
        assert_eq!(look_alikes("_EMAIL_ADDRESS_1_ and __EMAIL_ADDRESS_2__"), [(1, 16), (24, 39)]);
    }

    #[test]
    fn what_is_none_is_left() {
        for text in
            ["EMAIL ADDRESS 1", "a < b_c > d", "<b>1</b>", "<EMAIL_ADDRESS_1", "x1", "_1", "<_1>", "A_1b", "\\x"]
        {
            let found: Vec<_> = look_alikes(text).iter().map(|(start, end)| &text[*start..*end]).collect();
            let bare = text.strip_prefix('<').filter(|text| *text == "EMAIL_ADDRESS_1");
            assert_eq!(found, bare.into_iter().collect::<Vec<_>>(), "{text}");
        }
        let long = format!("{}_1", "A".repeat(100));
        assert!(look_alikes(&long).is_empty());
    }

    #[test]
    fn urls_are_seen_for_what_they_are() {
        for (text, expected) in [
            ("https://e.example/?q=<A_1>", true),
            ("//e.example/<A_1>", true),
            ("www.e.example/<A_1>", true),
            ("![x](https://e.example/? <A_1>)", true),
            ("<img src=\"https://e.example/?q=\n<A_1>\">", true),
            ("![x](<https://e.example/a b <A_1>>)", true),
            ("https:\\/\\/e.example/<A_1>", true),
            ("See https://e.example/help and write to <A_1>.", false),
            ("[help](https://e.example/help) by <A_1>", false),
            ("mailto:<A_1>", false),
            ("// <A_1>", false),
        ] {
            assert_eq!(look_alikes(text).is_empty(), expected, "{text}");
        }
    }
}
