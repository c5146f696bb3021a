//! Digits in groups as they stand in the text, read once for all the places and all the rules that look at them.

use std::cell::{OnceCell, Ref};

use super::context::{self, Subjects};
use super::{View, card, is_alnum, work};
use crate::text::BREAK;

/// A number longer than this is none of ours.
pub(crate) const MAX_DIGITS: usize = 22;

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

/// Digits without a separator between them.
#[derive(Clone, Copy)]
pub(crate) struct Group {
    /// How many digits of the chain stand before it.
    first: u32,
    length: u32,
    end: u32,
    /// The sums of Luhn's algorithm over the chain up to its end: with each second digit doubled, but not its last one, and
    /// with the others doubled.
    sums: [u32; 2],
    /// What separates it from the group before in the chain.
    pub(crate) separator: Separator,
}

impl Group {
    /// How many digits it has.
    pub(crate) const fn length(&self) -> usize {
        self.length as usize
    }

    /// The unit after its last digit.
    pub(crate) const fn end(&self) -> usize {
        self.end as usize
    }

    const fn start(&self) -> usize {
        (self.end - self.length) as usize
    }
}

/// The chain of groups that was read last. A long one is asked for the number at each of its groups.
#[derive(Default)]
pub(crate) struct Chain {
    digits: Vec<u8>,
    groups: Vec<Group>,
    /// The text stops before it shows how the chain goes on.
    cut_off: bool,
    /// The group that was asked for last.
    asked: usize,
}

impl Chain {
    /// The place of the group that begins at `start`, after reading its chain where that is not the one at hand.
    fn group_at(&mut self, view: View<'_>, start: usize) -> usize {
        let from = if self.groups.get(self.asked).is_some_and(|group| group.start() <= start) { self.asked } else { 0 };
        let later = self.groups[from..].iter().take_while(|group| group.start() < start).count();
        self.asked = match self.groups.get(from + later) {
            Some(group) if group.start() == start => from + later,
            Some(_) | None => {
                self.read(view, start);
                0
            }
        };
        self.asked
    }

    fn read(&mut self, view: View<'_>, start: usize) {
        self.digits.clear();
        self.groups.clear();
        let units = view.units;
        let (mut at, mut first, mut separator) = (start, 0, Separator::None);
        let (mut sum, mut other) = (0, 0);
        self.cut_off = loop {
            let here = &units[at.min(units.len())..];
            let length = here.iter().take_while(|unit| unit.is_ascii_digit()).count();
            let digits = here[..length].iter().map(|unit| unit - b'0');
            for digit in digits.clone() {
                (sum, other) = (other + u32::from(digit), sum + u32::from(card::doubled(digit)));
            }
            self.digits.extend(digits);
            at += length;
            work(length + 1);
            self.groups.push(Group { first, length: length as u32, end: at as u32, sums: [sum, other], separator });
            first += length as u32;
            if view.is_open(at) {
                break true;
            }
            // Nearly always one separator or none.
            if let [one, b'0'..=b'9', ..] = units[at.min(units.len())..] {
                if !is_separator(one) {
                    break false;
                }
                separator = Separator::One(one);
                at += 1;
                continue;
            }
            let next = view.run(at, 3, is_separator);
            if view.is_open(next) {
                break true;
            }
            if next == at || !units.get(next).is_some_and(u8::is_ascii_digit) {
                break false;
            }
            separator = match &units[at..next] {
                [one] => Separator::One(*one),
                several => Separator::Several { parenthesis: several.iter().any(|unit| matches!(unit, b'(' | b')')) },
            };
            at = next;
        };
    }
}

/// Reading stopped because the text did.
pub(crate) struct CutOff;

/// The groups of a chain from one of them on, at most [`MAX_DIGITS`] digits of them.
pub(crate) struct Number<'a> {
    digits: Ref<'a, [u8]>,
    groups: Ref<'a, [Group]>,
    /// How many digits of the chain stand before it, and their sums.
    before: (u32, [u32; 2]),
    /// Where the text of the number begins: a digit, `+` or `(`.
    pub(crate) start: usize,
    /// Whether the digits go on beyond what was read.
    pub(crate) overlong: bool,
    topic: OnceCell<Subjects>,
}

impl<'a> Number<'a> {
    /// The number that begins at `start`, at most so many digits of it; they may be preceded by `+` and an opening parenthesis.
    pub(crate) fn read(view: View<'a>, start: usize, most: usize) -> Result<Self, CutOff> {
        let first = view.run(start, 3, |unit| matches!(unit, b'+' | b'('));
        let from = view.memory.chain.borrow_mut().group_at(view, first);
        let chain = view.memory.chain.borrow();
        let before = chain.groups[from].first;
        let within = |group: &&Group| group.first as usize + group.length() - before as usize <= most;
        let to = from + chain.groups[from..].iter().take_while(within).count();
        let overlong = to < chain.groups.len();
        if chain.cut_off && !overlong {
            return Err(CutOff);
        }
        let sums = chain.sums_before(from);
        let (digits, groups) =
            Ref::map_split(chain, |chain| (&chain.digits[before as usize..], &chain.groups[from..to]));
        Ok(Self { digits, groups, before: (before, sums), start, overlong, topic: OnceCell::new() })
    }

    /// Whether the last digit of the first `groups` groups is the check digit of the others (ISO/IEC 7812-1, annex B).
    pub(crate) fn passes_luhn(&self, groups: usize) -> bool {
        let (before, sums) = self.before;
        groups.checked_sub(1).and_then(|last| self.groups.get(last)).is_some_and(|last| last.passes_luhn(before, sums))
    }

    /// What the text before the number speaks of.
    pub(crate) fn topic(&self, view: View<'_>) -> Subjects {
        *self.topic.get_or_init(|| context::nearest(view, self.start))
    }

    /// The complete groups.
    #[inline]
    pub(crate) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// How many digits stand before the group at this place.
    pub(crate) fn first_of(&self, place: usize) -> usize {
        (self.groups()[place].first - self.before.0) as usize
    }

    /// What separates the group at this place from the one before; nothing does the first.
    pub(crate) fn separator(&self, place: usize) -> Separator {
        if place == 0 { Separator::None } else { self.groups()[place].separator }
    }

    /// The digits of the first `groups` groups.
    pub(crate) fn digits(&self, groups: usize) -> &[u8] {
        let count = groups.checked_sub(1).map_or(0, |last| self.first_of(last) + self.groups()[last].length());
        &self.digits[..count]
    }

    /// Whether the first groups have these lengths.
    pub(crate) fn has_shape(&self, lengths: &[usize]) -> bool {
        self.groups().len() >= lengths.len()
            && self.groups().iter().zip(lengths).all(|(group, length)| group.length() == *length)
    }

    /// The one separator between all of the first `groups` groups.
    pub(crate) fn uniform_separator(&self, groups: usize) -> Option<u8> {
        let mut separators = self.groups()[1..groups].iter().map(|group| group.separator);
        let Some(Separator::One(first)) = separators.next() else { return None };
        separators.all(|separator| separator == Separator::One(first)).then_some(first)
    }

    /// Whether the number may end after its first `groups` groups: no letter follows, and the next group does not go on in
    /// the same style.
    pub(crate) fn may_end(&self, view: View<'_>, groups: usize) -> bool {
        let end = self.groups()[groups - 1].end();
        !view.get(end).is_some_and(|unit| is_alnum(unit) || unit == b'_')
    }

    /// Whether another group follows the first `groups` after this very separator.
    pub(crate) fn goes_on_with(&self, groups: usize, separator: u8) -> bool {
        self.groups().get(groups).is_some_and(|group| group.separator == Separator::One(separator))
    }
}

impl Chain {
    /// The sums over the digits before a group.
    fn sums_before(&self, group: usize) -> [u32; 2] {
        group.checked_sub(1).map_or([0, 0], |before| self.groups[before].sums)
    }
}

impl Group {
    /// Whether Luhn's algorithm gives its last digit, of the digits behind so many of the chain, which have these sums.
    const fn passes_luhn(&self, before: u32, sums: [u32; 2]) -> bool {
        // What was doubled of the digits before depends on how many follow them.
        let odd = (self.first + self.length - before) & 1;
        (self.sums[0] - sums[odd as usize]).is_multiple_of(10)
    }
}

/// Whether no value can begin at a group of a chain that goes on in the style in which it came, whatever follows what
/// is here: such a group is only looked at for a card's and a social security number. It says what the rules would say
/// before anything is written down, because a long chain is read from each of its groups.
pub(super) fn is_hopeless(view: View<'_>, start: usize) -> bool {
    let (units, separator) = (view.units, view.before(start));
    let is_digit = |at: usize| units.get(at).is_some_and(u8::is_ascii_digit);
    if !is_digit(start) || !is_separator(separator) || !view.before(start - 1).is_ascii_digit() {
        return false;
    }
    let mut chain = view.memory.chain.borrow_mut();
    let from = chain.group_at(view, start);
    let (before, sums) = (chain.groups[from].first, chain.sums_before(from));
    for (place, group) in chain.groups.iter().enumerate().skip(from) {
        let count = group.first as usize + group.length() - before as usize;
        if count > card::LONGEST {
            return place > from;
        }
        // Ends, and changes of style, are for the rules.
        let goes_on = chain.groups.get(place + 1).is_some_and(|next| next.separator == Separator::One(separator));
        if !goes_on || count >= card::SHORTEST && group.passes_luhn(before, sums) {
            return false;
        }
        if place > from && group.length() < 3 {
            return true;
        }
        if place == from {
            let at = group.end();
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
        }
    }
    false
}

/// The number that these digits spell.
pub(crate) fn number_of(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |number, digit| number * 10 + u32::from(*digit))
}
