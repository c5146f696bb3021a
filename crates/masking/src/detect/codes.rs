//! Codes of letters and digits: United Kingdom national insurance numbers.

use super::context::Topic;
use super::registry::Builtin;
use super::{Answer, View, context, is_alnum};

/// Whether two letters are such as a number begins with.
pub(crate) fn may_begin(view: View<'_>, start: usize) -> bool {
    let (first, second) = (view.units[start], view.units[start + 1]);
    !is_alnum(view.before(start)) && is_prefix(first.to_ascii_uppercase(), second.to_ascii_uppercase())
}

/// Looks for a national insurance number at two letters of which [`may_begin`] is true: six digits follow, in pairs or not, and a letter A to D. In
/// lower case or without its last letter it counts only where the text speaks of it.
pub(crate) fn national_insurance(view: View<'_>, start: usize) -> Answer {
    let (first, second) = (view.units[start], view.units[start + 1]);
    let mut at = start + 2;
    for place in 0..6 {
        if place % 2 == 0 {
            at = view.run(at, 1, |unit| matches!(unit, b' ' | b'-' | b'.'));
        }
        match view.get(at) {
            Some(unit) if unit.is_ascii_digit() => at += 1,
            None if view.is_open(at) => return Answer::Undecided,
            _ => return Answer::Nothing,
        }
    }
    let digits = at;
    at = view.run(at, 1, |unit| matches!(unit, b' ' | b'-' | b'.'));
    if view.is_open(at + 1) {
        return Answer::Undecided;
    }
    let suffixed = view.get(at).is_some_and(|unit| matches!(unit, b'A'..=b'D' | b'a'..=b'd'))
        && !view.get(at + 1).is_some_and(is_alnum);
    let bare = !view.get(digits).is_some_and(is_alnum);
    let end = if suffixed { at + 1 } else { digits };
    let upper = first.is_ascii_uppercase() && second.is_ascii_uppercase();
    let spoken_of = || context::nearest(view, start).speak_of(Topic::Of(Builtin::UkNino));
    match (suffixed && upper) || ((suffixed || bare) && spoken_of()) {
        true => Answer::found(end, Builtin::UkNino.index()),
        false => Answer::Nothing,
    }
}

/// Prefixes that are issued (HM Revenue & Customs, National Insurance Manual NIM39110).
fn is_prefix(first: u8, second: u8) -> bool {
    let letters = !matches!(first, b'D' | b'F' | b'I' | b'Q' | b'U' | b'V')
        && !matches!(second, b'D' | b'F' | b'I' | b'O' | b'Q' | b'U' | b'V');
    let kept_back = matches!(
        (first, second),
        (b'B', b'G') | (b'G', b'B') | (b'N', b'K') | (b'K', b'N') | (b'T', b'N') | (b'N', b'T') | (b'Z', b'Z')
    );
    letters && !kept_back && first.is_ascii_uppercase() && second.is_ascii_uppercase()
}
