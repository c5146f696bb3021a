//! Numbers written in groups: payment cards, social security and phone numbers, IPv4 addresses.

use super::context::Topic;
use super::digits::{MAX_DIGITS, Number, Separator, is_hopeless, is_separator, number_of};
use super::registry::Builtin;
use super::{Answer, View, card, context, is_alnum, national, phone};
use crate::text::More;

/// A number of ours that is no address has at least so many digits.
pub(crate) const FEWEST_DIGITS: u32 = 7;

/// An address or a national phone number has no more.
const MAX_SHORT: usize = 12;

/// What can begin at a digit, or at the `+` or `(` before it.
pub(crate) enum Beginning {
    /// Nothing, whatever follows.
    None,
    Number,
    /// In the middle of a chain of groups, where its style changes: an address or a national phone number only.
    ShortNumber,
}

/// Whether a value could begin at `start`, by the few units around it: a long chain of groups is read once and not once
/// per group.
pub(crate) fn beginning(view: View<'_>, start: usize) -> Beginning {
    let before = view.before(start);
    let tied = before == b'_' && !view.before(start - 1).is_ascii_alphabetic();
    if is_alnum(before) || tied || matches!(before, b'#' | b'$') || follows_a_point(view, start) {
        return Beginning::None;
    }
    if !is_mid_chain(view, start) {
        return Beginning::Number;
    }
    match mid_chain(view, start) {
        Beginning::Number if is_hopeless(view, start) => Beginning::None,
        Beginning::ShortNumber if !has_trunk_zero(view, start) && !is_dotted(view, start) => Beginning::None,
        other => other,
    }
}

/// Looks for a number at `start` of which [`beginning`] says that it is short.
pub(crate) fn recognise_short(view: View<'_>, start: usize) -> Answer {
    let Ok(number) = Number::read(view, start, MAX_SHORT) else { return Answer::Undecided };
    match address(view, &number) {
        Some(end) => Answer::found(end, Builtin::IpAddress.index()),
        None => phone::recognise_trunk(view, &number),
    }
}

/// Looks for a number at `start` of which [`beginning`] says that it may be one.
pub(crate) fn recognise(view: View<'_>, start: usize) -> Answer {
    let Ok(number) = Number::read(view, start, MAX_DIGITS) else { return Answer::Undecided };
    // Only a phone number is written with what comes before its first digit.
    if !view.get(start).is_some_and(|unit| unit.is_ascii_digit()) {
        return phone::recognise(view, &number);
    }
    // `ssn_…`, `CARD_…`: what is part of a name is only what that name says, or a card's number.
    if view.before(start) == b'_' {
        let topic = number.topic(view);
        let card = || card::find(view, &number).filter(|_| !topic.speak_of(Topic::Thing));
        let security = || social_security(view, &number).filter(|_| topic.speak_of(Topic::Of(Builtin::UsSsn)));
        let card = card().map(|end| (end, Builtin::CreditCard));
        let found = card.or_else(|| security().map(|end| (end, Builtin::UsSsn)));
        let found = found.or_else(|| national::spoken_of(view, &number));
        return found.map_or(Answer::Nothing, |(end, builtin)| Answer::found(end, builtin.index()));
    }
    let first_of_chain = !phone::goes_on_from_before(view, &number, number.groups().len());
    let spoken_of = if first_of_chain { national::spoken_of(view, &number) } else { None };
    let card = || card::find(view, &number).map(|end| (end, Builtin::CreditCard));
    let alone = || if first_of_chain { national::alone(view, &number) } else { None };
    let security = || social_security(view, &number).map(|end| (end, Builtin::UsSsn));
    let address = || address(view, &number).map(|end| (end, Builtin::IpAddress));
    match spoken_of.or_else(card).or_else(security).or_else(address).or_else(alone) {
        Some((end, builtin)) => Answer::found(end, builtin.index()),
        None => phone::recognise(view, &number),
    }
}

/// Whether the digits are the fraction of a number or the next part of a version.
pub(crate) fn follows_a_point(view: View<'_>, start: usize) -> bool {
    matches!(view.before(start), b'.' | b',') && view.before(start - 1).is_ascii_digit()
}

/// Whether groups of the same number may stand before this one.
fn is_mid_chain(view: View<'_>, start: usize) -> bool {
    // Parentheses come with a space.
    let reach = if view.units[start].is_ascii_digit() && view.before(start) != b'(' { 1 } else { 3 };
    let separators = view.units[..start].iter().rev().take(reach).take_while(|unit| is_separator(**unit)).count();
    separators > 0 && start > separators && view.before(start - separators).is_ascii_digit()
}

/// Whether a value may begin in the middle of a chain of groups. Only at a group of three digits or more, or where
/// the style of writing changes to that of an address or of a national phone number.
fn mid_chain(view: View<'_>, start: usize) -> Beginning {
    let digits = view.run(start, 3, |unit| matches!(unit, b'0'..=b'9' | b'+' | b'('));
    if digits == start + 3 {
        return Beginning::Number;
    }
    match view.get(digits) {
        // Whoever reads it finds that its end is not here yet.
        None if view.more == More::Possible => Beginning::Number,
        Some(unit @ (b'.' | b' ' | b'-')) if unit != view.before(start) => {
            let trunk = digits == start + 2 && view.get(start) == Some(b'0');
            if unit == b'.' || trunk { Beginning::ShortNumber } else { Beginning::None }
        }
        _ => Beginning::None,
    }
}

/// Whether a number begins with one zero, as a national one does.
fn has_trunk_zero(view: View<'_>, start: usize) -> bool {
    view.get(start) == Some(b'0') && view.get(start + 1).is_none_or(|unit| unit != b'0')
}

/// Whether the first groups of a chain could begin an address: three of them with a point after each.
fn is_dotted(view: View<'_>, start: usize) -> bool {
    let mut at = start;
    for _ in 0..3 {
        at = view.run(at, 3, |unit| unit.is_ascii_digit());
        match view.get(at) {
            Some(b'.') => at += 1,
            Some(_) => return false,
            None => return true,
        }
    }
    true
}

/// Three, two, four digits, by the rules of issuance (Social Security Administration, since 2011); without
/// separators only where the text speaks of such a number.
fn social_security(view: View<'_>, number: &Number<'_>) -> Option<usize> {
    let digits = number.digits(number.groups().len());
    let first = number.groups().first()?;
    if digits.len() < 9 {
        return None;
    }
    let (groups, plain) = match number.has_shape(&[3, 2, 4]) {
        true => (3, false),
        false if first.length() == 9 => (1, true),
        false => return None,
    };
    let area = number_of(&digits[..3]);
    let issued =
        area != 0 && area != 666 && area < 900 && number_of(&digits[3..5]) != 0 && number_of(&digits[5..9]) != 0;
    if !issued || !number.may_end(view, groups) {
        return None;
    }
    let end = number.groups()[groups - 1].end();
    let spoken_of = || number.topic(view).speak_of(Topic::Of(Builtin::UsSsn));
    match (plain, number.uniform_separator(groups.max(2).min(number.groups().len()))) {
        (true, _) => (number.groups().len() == 1 && spoken_of()).then_some(end),
        (false, Some(separator @ (b'-' | b' '))) => {
            let tied = matches!(view.before(number.start), b'-' | b'/' | b'.')
                || separator == b' ' && phone::goes_on_from_before(view, number, 3);
            (!number.goes_on_with(3, separator) && (!tied || spoken_of())).then_some(end)
        }
        (false, _) => spoken_of().then_some(end),
    }
}

/// Four decimal bytes (RFC 6943, section 3.1.1, strict form), unless the text calls them a version.
fn address(view: View<'_>, number: &Number<'_>) -> Option<usize> {
    if number.groups().len() < 4 || number.uniform_separator(4) != Some(b'.') || !number.may_end(view, 4) {
        return None;
    }
    let mut bytes = [0; 4];
    for (place, byte) in bytes.iter_mut().enumerate() {
        let group = &number.groups()[place];
        let digits = &number.digits(place + 1)[number.first_of(place)..];
        if group.length() > 3 || (group.length() > 1 && digits[0] == 0) {
            return None;
        }
        *byte = u8::try_from(number_of(digits)).ok()?;
    }
    let goes_on = matches!(number.groups().get(4).map(|group| group.separator), Some(Separator::One(b'.' | b'-')));
    let end = number.groups()[3].end();
    let suffixed = matches!(view.get(end), Some(b'-' | b'+')) && view.get(end + 1).is_some_and(is_alnum);
    let pinned =
        view.before(number.start) == b'=' && matches!(view.before(number.start - 1), b'=' | b'~' | b'>' | b'<');
    let before = view.before(number.start);
    let tied = matches!(before, b'+' | b'@') || before == b'-' && is_alnum(view.before(number.start - 1));
    let tied = tied || suffixed || pinned;
    // Names for "this machine" and "every machine" point at nobody.
    let is_nobody = matches!(bytes, [127, 0, 0, 1] | [0, 0, 0, 0] | [255, 255, 255, _]);
    if goes_on || tied || is_nobody || context::is_version(view, number.start) {
        return None;
    }
    Some(end)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_number_before_an_overlong_one_stands_alone() {
        for text in ["ssn 6 504404199 5500005555555559", "ssn 4111 1111 1111 1111-485055485-378282246310005-1"] {
            let found = crate::Detectors::builtin().find(text);
            let is_whole = |part: &str| matches!(part, "504404199" | "485055485");
            assert!(found.iter().any(|finding| is_whole(&text[finding.start..finding.end])), "{text}: {found:?}");
        }
    }
}
