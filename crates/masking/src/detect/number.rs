//! Numbers written in groups: payment cards, social security and phone numbers, IPv4 addresses.

use std::cell::OnceCell;

use super::context::{Subjects, Topic};
use super::registry::Builtin;
use super::{Answer, View, card, context, is_alnum, national, phone};
use crate::text::{BREAK, More};

/// A number longer than this is none of ours.
pub(crate) const MAX_DIGITS: usize = 22;

/// A number of ours that is no address has at least so many digits.
pub(crate) const FEWEST_DIGITS: u32 = 7;

/// An address or a national phone number has no more.
const MAX_SHORT: usize = 12;

/// Digits in groups as they stand in the text, read once for all the rules that look at them.
pub(crate) struct Number {
    digits: [u8; MAX_DIGITS],
    count: usize,
    /// Where a group ends: bit `n` says whether the last of the first `n` digits is the check digit of the others.
    luhn: u32,
    groups: [Group; MAX_DIGITS],
    group_count: usize,
    /// Where the text of the number begins: a digit, `+` or `(`.
    pub(crate) start: usize,
    /// Whether the digits go on beyond what was read.
    pub(crate) overlong: bool,
    topic: OnceCell<Subjects>,
}

/// Digits without a separator between them.
#[derive(Clone, Copy, Default)]
pub(crate) struct Group {
    first: u8,
    length: u8,
    /// What separates it from the group before.
    pub(crate) separator: Separator,
    end: u32,
}

impl Group {
    /// How many digits stand before this group.
    pub(crate) const fn first(&self) -> usize {
        self.first as usize
    }

    /// How many it has.
    pub(crate) const fn length(&self) -> usize {
        self.length as usize
    }

    /// The unit after its last digit.
    pub(crate) const fn end(&self) -> usize {
        self.end as usize
    }
}

/// What stands between two groups.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) enum Separator {
    /// Nothing: the first group.
    #[default]
    None,
    /// This single character.
    One(u8),
    /// Two or three of them; whether one is a parenthesis.
    Several {
        /// A parenthesis is among them.
        parenthesis: bool,
    },
}

pub(crate) const fn is_separator(unit: u8) -> bool {
    matches!(unit, b' ' | b'-' | b'.' | b'/' | b'(' | b')' | b'_' | BREAK)
}

/// Reading stopped because the text did.
pub(crate) struct CutOff;

impl Number {
    /// A number that begins here, of which nothing is read yet.
    #[inline]
    pub(crate) fn at(start: usize) -> Self {
        Self {
            digits: [0; MAX_DIGITS],
            count: 0,
            luhn: 0,
            groups: [Group::default(); MAX_DIGITS],
            group_count: 0,
            start,
            overlong: false,
            topic: OnceCell::new(),
        }
    }

    /// Reads the groups, at most so many digits; they may be preceded by `+` and an opening parenthesis.
    pub(crate) fn read(&mut self, view: View<'_>, most: usize) -> Result<(), CutOff> {
        let units = view.units;
        let mut at = view.run(self.start, 3, |unit| matches!(unit, b'+' | b'('));
        let mut separator = Separator::None;
        // The sums for an even and for an odd number of digits.
        let (mut sum, mut other) = (0_u8, 0_u8);
        loop {
            let (first, mut count) = (self.count, self.count);
            for unit in &units[at.min(units.len())..] {
                let digit = unit.wrapping_sub(b'0');
                if digit > 9 {
                    break;
                }
                if count == most {
                    self.overlong = true;
                    return Ok(());
                }
                self.digits[count] = digit;
                count += 1;
                (sum, other) = (other + digit, sum + card::doubled(digit));
            }
            self.count = count;
            self.luhn |= u32::from(sum.is_multiple_of(10)) << self.count;
            at += self.count - first;
            super::work(self.count - first + 1);
            if view.is_open(at) {
                return Err(CutOff);
            }
            let length = (self.count - first) as u8;
            self.groups[self.group_count] = Group { first: first as u8, length, separator, end: at as u32 };
            self.group_count += 1;
            // Nearly always one separator or none.
            if let [one, b'0'..=b'9', ..] = units[at.min(units.len())..] {
                if !is_separator(one) {
                    return Ok(());
                }
                separator = Separator::One(one);
                at += 1;
                continue;
            }
            let next = view.run(at, 3, is_separator);
            if view.is_open(next) {
                return Err(CutOff);
            }
            if next == at || !units.get(next).is_some_and(u8::is_ascii_digit) {
                return Ok(());
            }
            separator = match &units[at..next] {
                [one] => Separator::One(*one),
                several => Separator::Several { parenthesis: several.iter().any(|unit| matches!(unit, b'(' | b')')) },
            };
            at = next;
        }
    }

    /// Whether the last of the first `count` digits, those of complete groups, is the check digit of the others (ISO/IEC 7812-1, annex B).
    pub(crate) const fn passes_luhn(&self, count: usize) -> bool {
        self.luhn >> count & 1 == 1
    }

    /// What the text before the number speaks of.
    pub(crate) fn topic(&self, view: View<'_>) -> Subjects {
        *self.topic.get_or_init(|| context::nearest(view, self.start))
    }

    /// The complete groups.
    pub(crate) fn groups(&self) -> &[Group] {
        &self.groups[..self.group_count]
    }

    /// The digits of the first `groups` groups.
    pub(crate) fn digits(&self, groups: usize) -> &[u8] {
        let count = groups.checked_sub(1).map_or(0, |last| self.groups[last].first() + self.groups[last].length());
        &self.digits[..count]
    }

    /// Whether the first groups have these lengths.
    pub(crate) fn has_shape(&self, lengths: &[usize]) -> bool {
        self.group_count >= lengths.len()
            && self.groups.iter().zip(lengths).all(|(group, length)| group.length() == *length)
    }

    /// The one separator between all of the first `groups` groups.
    pub(crate) fn uniform_separator(&self, groups: usize) -> Option<u8> {
        let mut separators = self.groups[1..groups].iter().map(|group| group.separator);
        let Some(Separator::One(first)) = separators.next() else { return None };
        separators.all(|separator| separator == Separator::One(first)).then_some(first)
    }

    /// Whether the number may end after its first `groups` groups: no letter follows, and the next group does not go on in
    /// the same style.
    pub(crate) fn may_end(&self, view: View<'_>, groups: usize) -> bool {
        let end = self.groups[groups - 1].end();
        !view.get(end).is_some_and(|unit| is_alnum(unit) || unit == b'_')
    }

    /// Whether another group follows the first `groups` after this very separator.
    pub(crate) fn goes_on_with(&self, groups: usize, separator: u8) -> bool {
        self.groups().get(groups).is_some_and(|group| group.separator == Separator::One(separator))
    }
}

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
    let mut number = Number::at(start);
    let Ok(()) = number.read(view, MAX_SHORT) else { return Answer::Undecided };
    match address(view, &number) {
        Some(end) => Answer::found(end, Builtin::IpAddress.index()),
        None => phone::recognise_trunk(view, &number),
    }
}

/// Looks for a number at `start` of which [`beginning`] says that it may be one.
pub(crate) fn recognise(view: View<'_>, start: usize) -> Answer {
    let mut number = Number::at(start);
    let Ok(()) = number.read(view, MAX_DIGITS) else { return Answer::Undecided };
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

/// Whether no value can begin at a group of a chain that goes on in the style in which it came, whatever follows what
/// is here: such a group is only looked at for a card's and a social security number. It says what the rules would say
/// before anything is written down, because a long chain is read from each of its groups.
fn is_hopeless(view: View<'_>, start: usize) -> bool {
    let (units, separator) = (view.units, view.before(start));
    let is_digit = |at: usize| units.get(at).is_some_and(u8::is_ascii_digit);
    if !is_digit(start) || !is_separator(separator) || !view.before(start - 1).is_ascii_digit() {
        return false;
    }
    let (mut at, mut count, mut sum, mut other) = (start, 0, 0_u8, 0_u8);
    loop {
        let group = at;
        while let Some(digit @ b'0'..=b'9') = units.get(at) {
            let digit = digit - b'0';
            (sum, other) = (other + digit, sum + card::doubled(digit));
            at += 1;
            count += 1;
            if count > card::LONGEST {
                return group > start;
            }
        }
        super::work(at - group + 1);
        let goes_on = is_digit(at + 1) && units[at] == separator;
        // Ends, and changes of style, are for the rules.
        if !goes_on || count >= card::SHORTEST && sum.is_multiple_of(10) {
            return false;
        }
        if group == start {
            let social = count == 3 && !is_digit(at + 3);
            // Before more digits than are read nine stand alone, as a social security number does.
            let alone = count == 9 && (at + 1..at + 15).all(|at| units.get(at).is_none_or(u8::is_ascii_digit));
            if social || alone || count < 3 {
                return false;
            }
            let cut_out = matches!(separator, b'-' | b'/' | b'.') && !card::may_begin_with(count);
            if cut_out || !card::may_be_issued(&units[start..]) {
                return true;
            }
        } else if at - group < 3 {
            return true;
        }
        at += 1;
    }
}

/// Three, two, four digits, by the rules of issuance (Social Security Administration, since 2011); without
/// separators only where the text speaks of such a number.
fn social_security(view: View<'_>, number: &Number) -> Option<usize> {
    let digits = number.digits(number.group_count);
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
    let end = number.groups[groups - 1].end();
    let spoken_of = || number.topic(view).speak_of(Topic::Of(Builtin::UsSsn));
    match (plain, number.uniform_separator(groups.max(2).min(number.group_count))) {
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
fn address(view: View<'_>, number: &Number) -> Option<usize> {
    if number.group_count < 4 || number.uniform_separator(4) != Some(b'.') || !number.may_end(view, 4) {
        return None;
    }
    let mut bytes = [0; 4];
    for (byte, group) in bytes.iter_mut().zip(number.groups()) {
        let digits = &number.digits[group.first()..group.first() + group.length()];
        if group.length() > 3 || (group.length() > 1 && digits[0] == 0) {
            return None;
        }
        *byte = u8::try_from(number_of(digits)).ok()?;
    }
    let goes_on = matches!(number.groups().get(4).map(|group| group.separator), Some(Separator::One(b'.' | b'-')));
    let end = number.groups[3].end();
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

/// The number that these digits spell.
pub(crate) fn number_of(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |number, digit| number * 10 + u32::from(*digit))
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
