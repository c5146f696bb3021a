//! National identifiers, with bank and health numbers: what their registry entries describe, looked for.

pub(crate) mod checks;

use std::sync::LazyLock;

use super::context::{self, Topic};
use super::number::{Number, Separator};
use super::registry::{Builtin, CodeForm, DigitForm, Need, entries};
use super::{Answer, View, is_alnum};

/// No code has more letters and digits.
const MAX_CODE: usize = 20;

static BY_LENGTH: LazyLock<Vec<Vec<(Builtin, &'static DigitForm)>>> = LazyLock::new(|| {
    let forms = |length: usize| {
        let all = entries().filter_map(|entry| Some((entry.builtin, entry.digits.as_ref()?)));
        all.filter(|(_, form)| form.lengths.contains(&length)).collect()
    };
    (0..=super::number::MAX_DIGITS).map(forms).collect()
});

static CODES: LazyLock<Vec<(Builtin, &'static CodeForm, &'static [u8])>> = LazyLock::new(|| {
    let all = entries().filter_map(|entry| Some((entry.builtin, entry.code.as_ref()?)));
    all.flat_map(|(builtin, form)| form.templates.iter().map(move |template| (builtin, form, template.as_bytes())))
        .collect()
});

/// Builds what this module keeps, so that the first text does not pay for it.
pub(crate) fn prepare() {
    LazyLock::force(&BY_LENGTH);
    LazyLock::force(&CODES);
}

/// Looks for a number of digits that the text speaks of, in whatever groups.
pub(super) fn spoken_of(view: View<'_>, number: &Number) -> Option<(usize, Builtin)> {
    if number.digits(number.groups().len()).len() < 8 && !number.overlong {
        return None;
    }
    let subjects = number.topic(view);
    if !subjects.speak_of_an_identifier() {
        return None;
    }
    find(view, number, |builtin, _, _| subjects.speak_of(Topic::Of(builtin)))
}

/// Looks for a number of digits in groups that little else has.
pub(super) fn alone(view: View<'_>, number: &Number) -> Option<(usize, Builtin)> {
    if matches!(view.before(number.start), b'-' | b'/' | b'.' | b'+' | b'&' | b'@') {
        return None;
    }
    find(view, number, |_, form, groups| {
        let single = number.groups()[1..groups].iter().all(|group| matches!(group.separator, Separator::One(_)));
        let lengths = || number.groups()[..groups].iter().map(|group| group.length());
        single && form.alone.iter().any(|shape| lengths().eq(shape.iter().copied()))
    })
}

fn find(
    view: View<'_>,
    number: &Number,
    accepts: impl Fn(Builtin, &DigitForm, usize) -> bool,
) -> Option<(usize, Builtin)> {
    let known = number.groups().len();
    for groups in (1..=known).rev() {
        let digits = number.digits(groups);
        let last = number.groups()[groups - 1];
        let goes_on = match last.separator {
            Separator::One(separator) => number.goes_on_with(groups, separator),
            Separator::None | Separator::Several { .. } => number.goes_on_with(groups, b'-'),
        };
        if digits.len() < 8 || goes_on || !number.may_end(view, groups) || number.overlong && groups == known {
            continue;
        }
        let forms = BY_LENGTH.get(digits.len()).map_or(&[][..], Vec::as_slice);
        let fits = |(builtin, form): &&(Builtin, &DigitForm)| accepts(*builtin, form, groups) && (form.check)(digits);
        if let Some((builtin, _)) = forms.iter().find(fits) {
            return Some((last.end(), *builtin));
        }
    }
    None
}

/// Looks for a code of letters and digits.
pub(super) fn code(view: View<'_>, start: usize) -> Answer {
    let before = view.before(start);
    if is_alnum(before) || matches!(before, b'_' | b'-' | b'/' | b'.' | b'@' | b'+' | b'&') {
        return Answer::Nothing;
    }
    let mut found = Answer::Nothing;
    let mut longest = start;
    for (builtin, form, template) in &*CODES {
        match fit(view, start, template) {
            Fit::No => {}
            Fit::CutOff => return Answer::Undecided,
            Fit::Yes { end, code, length } => {
                let sure = || match form.need {
                    Need::Shape => true,
                    Need::Context => context::nearest(view, start).speak_of(Topic::Of(*builtin)),
                };
                if end > longest && (form.check)(&code[..length]) && sure() {
                    longest = end;
                    found = Answer::found(end, builtin.index());
                }
            }
        }
    }
    found
}

enum Fit {
    No,
    CutOff,
    Yes { end: usize, code: [u8; MAX_CODE], length: usize },
}

/// Lays a template over the text: `0` for a digit, `A` for a letter, `X` for either, `S` for the sign of a century, a
/// space for one separator or none; anything else stands for itself.
fn fit(view: View<'_>, start: usize, template: &[u8]) -> Fit {
    let (mut code, mut length, mut at) = ([0; MAX_CODE], 0, start);
    for place in template {
        let Some(unit) = view.get(at) else { return if view.is_open(at) { Fit::CutOff } else { Fit::No } };
        let unit = unit.to_ascii_uppercase();
        let belongs = match place {
            b' ' => {
                at += usize::from(matches!(unit, b' ' | b'-' | b'.' | b'/'));
                continue;
            }
            b'0' => unit.is_ascii_digit(),
            b'A' => unit.is_ascii_uppercase(),
            b'X' => is_alnum(unit),
            b'S' => matches!(unit, b'-' | b'+' | b'A'..=b'F' | b'U'..=b'Y'),
            literal => {
                if unit != *literal {
                    return Fit::No;
                }
                at += 1;
                continue;
            }
        };
        if !belongs {
            return Fit::No;
        }
        code[length] = unit;
        length += 1;
        at += 1;
    }
    match view.get(at) {
        None if view.is_open(at) => Fit::CutOff,
        Some(unit) if is_alnum(unit) || unit == b'_' => Fit::No,
        _ => Fit::Yes { end: at, code, length },
    }
}

/// Whether a code could begin with so many letters and then so many digits, the last of them at `end`.
pub(super) fn may_begin(view: View<'_>, letters: usize, digits: usize, end: usize) -> bool {
    let next = view.get(end);
    match (letters, digits) {
        (1, 6 | 7 | 9) | (2, 6 | 7) | (4, 6) | (5, 4) | (6, 2) => true,
        (0, 6..=8 | 17) => {
            next.is_none_or(|unit| unit.is_ascii_alphabetic() || matches!(unit, b' ' | b'-' | b'+' | b'.' | b'/'))
        }
        (0, 1) => {
            next.is_none_or(|unit| unit.is_ascii_alphabetic())
                && view.get(end + 2).is_none_or(|unit| unit.is_ascii_digit())
                || next == Some(b'.')
        }
        (0, 2) => next.is_none_or(|unit| matches!(unit, b' ' | b'-' | b'.' | b'/')),
        _ => false,
    }
}
