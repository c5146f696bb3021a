//! National identifiers, with bank and health numbers: what their registry entries describe, looked for.

pub(crate) mod checks;

use std::sync::LazyLock;

use super::context::{self, Topic};
use super::digits::{MAX_DIGITS, Number, Separator};
use super::registry::{Builtin, CodeForm, DigitForm, Need, entries};
use super::{Answer, View, is_alnum};

/// No code has more letters and digits.
const MAX_CODE: usize = 20;

static BY_LENGTH: LazyLock<Vec<Vec<(Builtin, &'static DigitForm)>>> = LazyLock::new(|| {
    let forms = |length: usize| {
        let all = entries().filter_map(|entry| Some((entry.builtin, entry.digits.as_ref()?)));
        all.filter(|(_, form)| form.lengths.contains(&length)).collect()
    };
    (0..=MAX_DIGITS).map(forms).collect()
});

static CODES: LazyLock<Vec<(Builtin, &'static CodeForm, &'static [u8])>> = LazyLock::new(|| {
    let all = entries().filter_map(|entry| Some((entry.builtin, entry.code.as_ref()?)));
    all.flat_map(|(builtin, form)| form.templates.iter().map(move |template| (builtin, form, template.as_bytes())))
        .collect()
});

/// So many units at the start of a code are compared with all templates at once.
const AT_ONCE: usize = 12;

/// Which templates may have a unit at a place: one bit for each of [`CODES`], so that most are ruled out without being tried.
static MAY_STAND: LazyLock<Vec<[u128; 256]>> = LazyLock::new(|| {
    let mut may_stand = vec![[0; 256]; AT_ONCE];
    for (bit, (_, _, template)) in CODES.iter().enumerate() {
        for (place, units) in may_stand.iter_mut().enumerate() {
            for (unit, templates) in units.iter_mut().enumerate() {
                *templates |= u128::from(may_have(template, place, unit as u8)) << bit;
            }
        }
    }
    may_stand
});

/// Whether some code of this template has such a unit at a place; each of its separators may be left out.
fn may_have(template: &[u8], place: usize, unit: u8) -> bool {
    // No letter or digit follows a code.
    let Some(first) = template.first() else { return place > 0 || !is_alnum(unit) && unit != b'_' };
    match (first, place) {
        (b' ', 0) => is_code_separator(unit) || may_have(&template[1..], 0, unit),
        (b' ', _) => may_have(&template[1..], place, unit) || may_have(&template[1..], place - 1, unit),
        (first, 0) => stands_for(*first, unit.to_ascii_uppercase()),
        _ => may_have(&template[1..], place - 1, unit),
    }
}

/// Builds what this module keeps, so that the first text does not pay for it.
pub(crate) fn prepare() {
    LazyLock::force(&BY_LENGTH);
    LazyLock::force(&MAY_STAND);
}

/// Looks for a number of digits that the text speaks of, in whatever groups.
pub(super) fn spoken_of(view: View<'_>, number: &Number<'_>) -> Option<(usize, Builtin)> {
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
pub(super) fn alone(view: View<'_>, number: &Number<'_>) -> Option<(usize, Builtin)> {
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
    number: &Number<'_>,
    accepts: impl Fn(Builtin, &DigitForm, usize) -> bool,
) -> Option<(usize, Builtin)> {
    let known = number.groups().len();
    for groups in (1..=known).rev() {
        let digits = number.digits(groups);
        let last = number.groups()[groups - 1];
        let goes_on = match number.separator(groups - 1) {
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

/// Whether what stands before a code makes it the rest of something else.
pub(super) const fn is_tied(before: u8) -> bool {
    is_alnum(before) || matches!(before, b'_' | b'-' | b'/' | b'.' | b'@' | b'+' | b'&')
}

/// The templates that what stands at `start` may be of, by its first few units: one bit for each.
fn templates(view: View<'_>, start: usize) -> u128 {
    let mut left = !0_u128;
    for (unit, templates) in view.units[start..].iter().zip(&*MAY_STAND) {
        left &= templates[usize::from(*unit)];
        if left == 0 {
            break;
        }
    }
    left
}

/// Whether a code could begin at `start`, by what is here of it.
pub(super) fn may_be_code(view: View<'_>, start: usize) -> bool {
    !is_tied(view.before(start)) && templates(view, start).trailing_zeros() < CODES.len() as u32
}

/// Looks for a code of letters and digits where one may be.
pub(super) fn code(view: View<'_>, start: usize) -> Answer {
    let mut found = Answer::Nothing;
    let mut longest = start;
    let mut left = templates(view, start);
    while let Some((builtin, form, template)) = CODES.get(left.trailing_zeros() as usize) {
        left &= left - 1;
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
        if *place == b' ' {
            at += usize::from(is_code_separator(unit));
            continue;
        }
        if !stands_for(*place, unit) {
            return Fit::No;
        }
        if matches!(place, b'0' | b'A' | b'X' | b'S') {
            code[length] = unit;
            length += 1;
        }
        at += 1;
    }
    match view.get(at) {
        None if view.is_open(at) => Fit::CutOff,
        Some(unit) if is_alnum(unit) || unit == b'_' => Fit::No,
        _ => Fit::Yes { end: at, code, length },
    }
}

const fn is_code_separator(unit: u8) -> bool {
    matches!(unit, b' ' | b'-' | b'.' | b'/')
}

/// Whether a template's place, no separator, is for this unit, a letter being a capital.
fn stands_for(place: u8, unit: u8) -> bool {
    match place {
        b'0' => unit.is_ascii_digit(),
        b'A' => unit.is_ascii_uppercase(),
        b'X' => is_alnum(unit),
        b'S' => matches!(unit, b'-' | b'+' | b'A'..=b'F' | b'U'..=b'Y'),
        literal => unit == literal,
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
