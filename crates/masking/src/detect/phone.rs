//! Phone numbers: international ones by the plan of ITU-T E.164, national ones by shape or by context.

use super::context::Topic;
use super::digits::{MAX_DIGITS, Number, Separator, is_separator, number_of};
use super::registry::Builtin;
use super::{Answer, View};

/// Country codes with the fewest and most digits of their national numbers.
const PLANS: &[(u16, usize, usize)] = &[
    (1, 10, 10),
    (7, 10, 10),
    (20, 8, 10),
    (27, 9, 9),
    (30, 10, 10),
    (31, 9, 9),
    (32, 8, 9),
    (33, 9, 9),
    (34, 9, 9),
    (36, 8, 9),
    (39, 8, 11),
    (40, 9, 9),
    (41, 9, 9),
    (43, 7, 12),
    (44, 9, 10),
    (45, 8, 8),
    (46, 7, 10),
    (47, 8, 8),
    (48, 9, 9),
    (49, 6, 12),
    (51, 8, 9),
    (52, 10, 11),
    (53, 8, 8),
    (54, 10, 11),
    (55, 10, 11),
    (56, 9, 9),
    (57, 10, 10),
    (58, 10, 10),
    (60, 8, 10),
    (61, 9, 9),
    (62, 8, 12),
    (63, 9, 10),
    (64, 8, 10),
    (65, 8, 8),
    (66, 8, 9),
    (81, 9, 10),
    (82, 8, 10),
    (84, 9, 10),
    (86, 10, 11),
    (90, 10, 10),
    (91, 10, 10),
    (92, 9, 10),
    (93, 9, 9),
    (94, 9, 9),
    (95, 8, 10),
    (98, 10, 10),
    (212, 9, 9),
    (213, 8, 9),
    (216, 8, 8),
    (218, 8, 9),
    (220, 7, 7),
    (221, 9, 9),
    (223, 8, 8),
    (225, 8, 10),
    (226, 8, 8),
    (227, 8, 8),
    (228, 8, 8),
    (229, 8, 10),
    (230, 7, 8),
    (231, 7, 9),
    (232, 8, 8),
    (233, 9, 9),
    (234, 8, 10),
    (237, 9, 9),
    (243, 9, 9),
    (244, 9, 9),
    (248, 7, 7),
    (250, 9, 9),
    (251, 9, 9),
    (252, 7, 9),
    (254, 9, 9),
    (255, 9, 9),
    (256, 9, 9),
    (258, 9, 9),
    (260, 9, 9),
    (261, 9, 9),
    (263, 8, 9),
    (264, 8, 9),
    (265, 7, 9),
    (267, 7, 8),
    (350, 8, 8),
    (351, 9, 9),
    (352, 6, 11),
    (353, 7, 9),
    (354, 7, 9),
    (355, 8, 9),
    (356, 8, 8),
    (357, 8, 8),
    (358, 6, 11),
    (359, 7, 9),
    (370, 8, 8),
    (371, 8, 8),
    (372, 7, 8),
    (373, 8, 8),
    (374, 8, 8),
    (375, 9, 9),
    (376, 6, 9),
    (377, 8, 9),
    (380, 9, 9),
    (381, 8, 9),
    (382, 8, 8),
    (383, 8, 8),
    (385, 8, 9),
    (386, 8, 8),
    (387, 8, 8),
    (389, 8, 8),
    (420, 9, 9),
    (421, 9, 9),
    (423, 7, 9),
    (501, 7, 7),
    (502, 8, 8),
    (503, 8, 8),
    (504, 8, 8),
    (505, 8, 8),
    (506, 8, 8),
    (507, 7, 8),
    (509, 8, 8),
    (591, 8, 8),
    (592, 7, 7),
    (593, 8, 9),
    (595, 9, 9),
    (597, 6, 7),
    (598, 8, 8),
    (673, 7, 7),
    (675, 7, 8),
    (679, 7, 7),
    (852, 8, 8),
    (853, 8, 8),
    (855, 8, 9),
    (856, 8, 10),
    (880, 8, 10),
    (886, 8, 9),
    (960, 7, 7),
    (961, 7, 8),
    (962, 8, 9),
    (963, 8, 9),
    (964, 9, 10),
    (965, 8, 8),
    (966, 9, 9),
    (967, 7, 9),
    (968, 8, 8),
    (970, 8, 9),
    (971, 8, 9),
    (972, 8, 9),
    (973, 8, 8),
    (974, 8, 8),
    (975, 7, 8),
    (976, 8, 8),
    (977, 8, 10),
    (992, 9, 9),
    (993, 8, 8),
    (994, 9, 9),
    (995, 9, 9),
    (996, 9, 9),
    (998, 9, 9),
];

/// Looks for a phone number where the number begins, longest first; then for the extension that it may carry.
pub(super) fn recognise(view: View<'_>, number: &Number<'_>) -> Answer {
    let marked = matches!(view.get(number.start), Some(b'+' | b'('));
    if view.before(number.start) == b'%' || !marked && goes_on_from_before(view, number, number.groups().len()) {
        return Answer::Nothing;
    }
    let end = (1..=number.groups().len())
        .rev()
        .find(|groups| number.may_end(view, *groups) && is_phone(view, number, *groups))
        .map(|groups| number.groups()[groups - 1].end());
    match end.map(|end| extension(view, end)) {
        None => Answer::Nothing,
        Some(None) => Answer::Undecided,
        Some(Some(end)) => Answer::found(end, Builtin::PhoneNumber.index()),
    }
}

/// What a number's URI begins with (RFC 3966).
pub(super) const URI: &[u8] = b"tel:";

/// Looks for a number's URI at `start`.
pub(super) fn recognise_uri(view: View<'_>, start: usize) -> Answer {
    match Number::read(view, start + URI.len(), MAX_DIGITS) {
        Ok(number) => recognise(view, &number),
        Err(_) => Answer::Undecided,
    }
}

/// Looks for a national number with its trunk zero only.
pub(super) fn recognise_trunk(view: View<'_>, number: &Number<'_>) -> Answer {
    let end =
        (2..=number.groups().len()).rev().find(|groups| number.may_end(view, *groups) && is_trunk(number, *groups));
    end.map_or(Answer::Nothing, |groups| Answer::found(number.groups()[groups - 1].end(), Builtin::PhoneNumber.index()))
}

fn is_phone(view: View<'_>, number: &Number<'_>, groups: usize) -> bool {
    let digits = number.digits(groups);
    if digits.len() < 7 || number.overlong && groups == number.groups().len() {
        return false;
    }
    if view.units[number.start..].starts_with(b"+") || view.units[number.start..].starts_with(b"(+") {
        return is_international(digits) || is_international(&without_trunk_zero(number, groups));
    }
    let behind_word =
        |signs: &[u8]| signs.contains(&view.before(number.start)) && super::is_word(view.before(number.start - 1));
    let by_prefix = is_international_by_prefix(digits);
    // `id=0123456789` is no phone number's way, `id=00420 775 743 157` is.
    let in_groups = groups > 2 || groups == 2 && by_prefix;
    if behind_word(b"-/.") || !in_groups && behind_word(b"=&") || goes_on_from_before(view, number, groups) {
        return false;
    }
    let topic = || number.topic(view);
    if by_prefix {
        return true;
    }
    let distinct =
        is_north_american(view, number, groups) || is_trunk(number, groups) || is_known_shape(view, number, groups);
    if number.has_shape(&[5, 4]) && groups == 2 && number.groups()[1].separator == Separator::One(b'-') {
        // As postal codes are written in the United States.
        return topic().speak_of(Topic::Phone);
    }
    if distinct {
        return !number.goes_on_in_style(groups) && !topic().speak_of(Topic::Thing);
    }
    let separator = number.groups()[groups - 1].separator;
    let goes_on = groups > 1 && number.groups().get(groups).is_some_and(|group| group.separator == separator);
    !goes_on && !is_date(number) && is_plausible(number, groups) && topic().speak_of(Topic::Phone)
}

/// Whether the groups look like the rest of a longer number: a digit stands before them, and the same separator.
pub(super) fn goes_on_from_before(view: View<'_>, number: &Number<'_>, groups: usize) -> bool {
    let before = view.before(number.start);
    let follows = is_separator(before) && view.before(number.start - 1).is_ascii_digit();
    follows && (groups < 2 || number.groups()[1].separator == Separator::One(before))
}

fn is_international(digits: &[u8]) -> bool {
    (1..=3.min(digits.len())).any(|length| {
        let code = number_of(&digits[..length]) as u16;
        let national = digits.len() - length;
        let plan = PLANS.binary_search_by_key(&code, |(code, _, _)| *code).ok().map(|place| PLANS[place]);
        digits[0] != 0 && plan.is_some_and(|(_, fewest, most)| (fewest..=most).contains(&national))
    })
}

/// `+44 (0)20 …`: the zero is for callers within the country.
fn without_trunk_zero(number: &Number<'_>, groups: usize) -> Vec<u8> {
    let digits = number.digits(groups);
    let in_parentheses = |place: &usize| {
        let separator = number.separator(*place);
        separator == Separator::Several { parenthesis: true } || separator == Separator::One(b'(')
    };
    let first = (0..groups).find(in_parentheses).map(|place| number.first_of(place));
    match first.filter(|first| digits[*first] == 0) {
        Some(first) => [&digits[..first], &digits[first + 1..]].concat(),
        None => Vec::new(),
    }
}

/// `00` of most of the world, `011` of North America, `001` and `0011` of Asia and Australia, `010` of Japan.
fn is_international_by_prefix(digits: &[u8]) -> bool {
    let prefixes = [&[0, 0][..], &[0, 1, 1], &[0, 0, 1], &[0, 0, 1, 1], &[0, 1, 0]];
    digits[0] == 0
        && digits.len() >= 10
        && prefixes.iter().filter_map(|prefix| digits.strip_prefix(*prefix)).any(is_international)
}

/// `212-555-0123`, `(212) 555-0123`, with or without a leading 1.
fn is_north_american(view: View<'_>, number: &Number<'_>, groups: usize) -> bool {
    let digits = number.digits(groups);
    let shape = number.groups()[..groups].iter().map(|group| group.length());
    let (area, separated) = match groups {
        3 if shape.clone().eq([3, 3, 4]) => (0, true),
        4 if digits[0] == 1 && shape.clone().eq([1, 3, 3, 4]) => (1, true),
        2 if shape.eq([3, 7]) => (0, view.get(number.start) == Some(b'(')),
        _ => return false,
    };
    separated && digits[area] >= 2 && digits[area + 3] >= 2 && separators_of_a_phone(number, groups)
}

/// A national number with its trunk zero, in groups.
fn is_trunk(number: &Number<'_>, groups: usize) -> bool {
    let digits = number.digits(groups);
    let first = number.groups()[0].length();
    let dotted = number.groups()[1..groups].iter().any(|group| group.separator == Separator::One(b'.'));
    digits[0] == 0
        && digits[1] != 0
        && (9..=12).contains(&digits.len())
        && groups >= 2
        && (2..=6).contains(&first)
        && (!dotted || groups >= 4)
        && separators_of_a_phone(number, groups)
}

/// Shapes without a trunk zero that little else has: 3-2-2-2 (Spain), 5-5 (India), 2-5-4 with a nine and `(2) 4-4`
/// (Brazil), 2-3-2-2 (Poland, Switzerland), 3-7 with a three (Italy), 1-3-3-2-2 with an eight (Russia).
fn is_known_shape(view: View<'_>, number: &Number<'_>, groups: usize) -> bool {
    let digits = number.digits(groups);
    let mut lengths = [0; 5];
    if groups > lengths.len() {
        return false;
    }
    for (length, group) in lengths.iter_mut().zip(&number.groups()[..groups]) {
        *length = group.length();
    }
    let known = match lengths[..groups] {
        [3, 2, 2, 2] | [5, 5] => digits[0] >= 6,
        [2, 5, 4] => digits[2] == 9,
        [2, 4, 4] => view.get(number.start) == Some(b'('),
        [2, 3, 2, 2] => digits[0] != 0 && number.uniform_separator(groups).is_some_and(|separator| separator != b'.'),
        [3, 7] => digits[0] == 3,
        [1, 3, 3, 2, 2] => digits[0] == 8 && matches!(digits[1], 3 | 4 | 8 | 9),
        _ => false,
    };
    known && separators_of_a_phone(number, groups)
}

/// Year, month, day in any order, perhaps with the hour after it.
fn is_date(number: &Number<'_>) -> bool {
    let [first, second, third, ..] = number.groups() else { return false };
    matches!([first, second, third].map(|group| group.length()), [4, 1 | 2, 1 | 2] | [1 | 2, 1 | 2, 4])
}

/// Seven to twelve digits that could be a phone number where the text says so.
fn is_plausible(number: &Number<'_>, groups: usize) -> bool {
    let digits = number.digits(groups);
    let slashes = number.groups()[1..groups].iter().filter(|group| group.separator == Separator::One(b'/')).count();
    (7..=12).contains(&digits.len()) && slashes < 2 && separators_of_a_phone(number, groups)
}

fn separators_of_a_phone(number: &Number<'_>, groups: usize) -> bool {
    number.groups()[1..groups].iter().all(|group| group.separator != Separator::One(b'_'))
}

const EXTENSIONS: &[&[u8]] = &[b"extension", b"ext.", b"ext:", b"ext", b"x", b"#", b";ext="];

/// The end of the number with its extension; `None` when more text decides.
fn extension(view: View<'_>, end: usize) -> Option<usize> {
    let mut at = view.run(end, 2, |unit| matches!(unit, b' ' | b','));
    if view.is_open(at) {
        return None;
    }
    let mut word = [0; 10];
    let shown = &view.units[at.min(view.units.len())..view.units.len().min(at + 10)];
    let lower = &mut word[..shown.len()];
    lower.copy_from_slice(shown);
    lower.make_ascii_lowercase();
    let lower = &*lower;
    if view.is_open(at + lower.len()) && EXTENSIONS.iter().any(|word| word.starts_with(lower)) {
        return None;
    }
    let Some(word) = EXTENSIONS.iter().find(|word| lower.starts_with(word)) else { return Some(end) };
    at = view.run(at + word.len(), 1, |unit| unit == b' ');
    let digits = view.run(at, 7, |unit| unit.is_ascii_digit());
    if view.is_open(digits) {
        return None;
    }
    let ends = !view.get(digits).is_some_and(super::is_alnum);
    Some(if digits > at && digits - at <= 6 && ends { digits } else { end })
}

impl Number<'_> {
    /// Whether another group follows the first `groups` after the separator that stands before the last of them.
    fn goes_on_in_style(&self, groups: usize) -> bool {
        match self.separator(groups - 1) {
            Separator::One(separator @ (b'-' | b'.' | b'/')) => self.goes_on_with(groups, separator),
            // `256 512 1024 2048` is a list of numbers, and so is `057 674 803 42 3468 4235`.
            Separator::One(b' ') if self.digits(1)[0] == 0 => {
                self.goes_on_with(groups, b' ')
                    && self.goes_on_with(groups + 1, b' ')
                    && self.digits(groups + 1)[self.first_of(groups)] != 0
            }
            Separator::One(b' ') => self.goes_on_with(groups, b' '),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PLANS;

    #[test]
    fn plans_can_be_searched() {
        assert!(PLANS.is_sorted_by(|earlier, later| earlier.0 < later.0));
    }
}
