//! The tokens that the gateway puts in place of values, as they come back in answers.

use crate::TypeIndex;
use crate::text::{More, Text};

use super::{Answer, View, is_alnum};

/// The place that stands for a token; no info type has it.
pub(crate) const TOKEN: TypeIndex = TypeIndex::new(u16::MAX);

/// The longest name of an info type, its separators included.
const MAX_NAME: usize = 64;

const fn is_name(unit: u8) -> bool {
    is_alnum(unit) || unit == b'_'
}

/// Where the name begins of a token without brackets whose number begins at `digit`. Only the exact spelling counts:
/// words before numbers are everywhere.
pub(crate) fn start_of(units: &[u8], digit: usize) -> Option<usize> {
    let name_end = digit - 1;
    if units[name_end] != b'_' {
        return None;
    }
    let is_capital = |unit: &&u8| unit.is_ascii_uppercase() || unit.is_ascii_digit() || **unit == b'_';
    let length = units[..name_end].iter().rev().take(MAX_NAME + 1).take_while(is_capital).count();
    let start = name_end - length;
    ((2..=MAX_NAME).contains(&length) && units[start].is_ascii_uppercase()).then_some(start)
}

/// Looks for a token at `start`: `<EMAIL_ADDRESS_1>`, also in lower case, or without brackets.
pub(crate) fn recognise(view: View<'_>, start: usize) -> Answer {
    let bracket = view.units[start] == b'<';
    if !bracket && is_name(view.before(start)) || is_in_url(view, start) {
        return Answer::Nothing;
    }
    let name = start + usize::from(bracket);
    if view.get(name).is_some_and(|unit| !unit.is_ascii_alphabetic()) {
        return Answer::Nothing;
    }
    let end = view.run(name, MAX_NAME + 12, |unit| is_name(unit) || matches!(unit, b' ' | b'-') && bracket);
    if view.is_open(end) {
        return Answer::Undecided;
    }
    match (bracket, view.get(end)) {
        (true, Some(b'>')) if view.units[end - 1].is_ascii_digit() => Answer::found(end + 1, TOKEN),
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

/// What in a text looks like a token: `(start, end)` in bytes.
pub(crate) fn look_alikes(text: &str) -> Vec<(usize, usize)> {
    let mut whole = Text::default();
    whole.extend(text, More::No);
    let view = View { units: whole.units(), more: More::No };
    let (mut found, mut at): (Vec<(usize, usize)>, usize) = (Vec::new(), 0);
    for place in 1..=view.units.len() {
        let start = match view.units[place - 1..] {
            [b'<', ..] => Some(place - 1),
            [b'_', b'0'..=b'9', ..] => start_of(view.units, place),
            _ => None,
        };
        let Some(start) = start.filter(|start| *start >= at) else { continue };
        if let Answer::Found(hit) = recognise(view, start) {
            at = hit.end;
            found.push((whole.raw_start(start), whole.raw_end(hit.end)));
        }
    }
    found
}

/// The token as it was minted, whatever its spelling in the text.
pub(crate) fn canonical(text: &str) -> String {
    let units = crate::text::as_seen(text);
    let name = units.iter().filter(|unit| !matches!(unit, b'<' | b'>')).map(|unit| match unit {
        b' ' | b'-' => '_',
        unit => unit.to_ascii_uppercase() as char,
    });
    format!("<{}>", name.collect::<String>())
}
