//! The tokens that the gateway puts in place of values, as they come back in answers.

use crate::TypeIndex;

use super::{Answer, View, is_alnum};

/// The place that stands for a token; no info type has it.
pub(crate) const TOKEN: TypeIndex = TypeIndex::new(u16::MAX);

/// The longest name of an info type, its separators included.
const MAX_NAME: usize = 64;

const fn is_name(unit: u8) -> bool {
    is_alnum(unit) || unit == b'_'
}

/// Where the token begins whose number begins at `digit`: at its bracket, or at its name.
pub(crate) fn start_of(units: &[u8], digit: usize) -> Option<usize> {
    let name_end = digit - 1;
    let length = units[..name_end].iter().rev().take(MAX_NAME + 1).take_while(|unit| is_name(**unit)).count();
    let start = name_end - length;
    let named = (2..=MAX_NAME).contains(&length) && units[start].is_ascii_alphabetic();
    let bracket = start > 0 && units[start - 1] == b'<';
    // Without brackets only the exact spelling counts: words before numbers are everywhere.
    let exact = units[digit - 1] == b'_' && !units[start..name_end].iter().any(u8::is_ascii_lowercase);
    (named && (bracket || exact)).then_some(start - usize::from(bracket))
}

/// Looks for a token at `start`: `<EMAIL_ADDRESS_1>`, also in lower case, or without brackets.
pub(crate) fn recognise(view: View<'_>, start: usize) -> Answer {
    let bracket = view.units[start] == b'<';
    if !bracket && is_name(view.before(start)) || is_in_url(view, start) {
        return Answer::Nothing;
    }
    let name = start + usize::from(bracket);
    let end = view.run(name, MAX_NAME + 12, |unit| is_name(unit) || matches!(unit, b' ' | b'-') && bracket);
    if view.is_open(end) {
        return Answer::Undecided;
    }
    match (bracket, view.get(end)) {
        (true, Some(b'>')) => Answer::found(end + 1, TOKEN),
        (false, _) => Answer::found(end, TOKEN),
        (true, _) => Answer::Nothing,
    }
}

/// Whether the place lies in a URL: a value put there would be sent to whoever is asked for that URL.
fn is_in_url(view: View<'_>, start: usize) -> bool {
    let floor = start.saturating_sub(super::context::CONTEXT);
    let word = view.units[floor..start].iter().rev().take_while(|unit| **unit > b' ').count();
    let word = &view.units[start - word..start];
    word.windows(3).any(|part| part == b"://") || word.len() == start - floor && word.len() == super::context::CONTEXT
}

/// The token as it was minted, whatever its spelling in the text.
pub(crate) fn canonical(text: &str) -> String {
    let units = crate::text::fold_str(text);
    let name = units.iter().filter(|unit| !matches!(unit, b'<' | b'>')).map(|unit| match unit {
        b' ' | b'-' => '_',
        unit => unit.to_ascii_uppercase() as char,
    });
    format!("<{}>", name.collect::<String>())
}
