//! Where a number, or a code with digits in it, could begin: at the first digit of a run and just before it.

use super::super::number::{self, Beginning};
use super::super::triggers::Chain;
use super::super::{codes, digits, email, iban, is_alnum, names, national, phone, token, work};
use super::held::is_word_unit;
use super::{Collector, Kind, Tokens};

impl Collector<'_, '_> {
    /// The first digit of a run.
    pub(super) fn digit(&mut self, at: usize, chain: Chain) {
        let units = self.view.units;
        let before = self.view.before(at);
        // Within a chain the word, or the word before, has a digit.
        if !digits::is_separator(before) || !self.view.before(at - 1).is_ascii_digit() {
            self.said(at);
        }
        if is_alnum(before) {
            if at >= 2
                && before.is_ascii_alphabetic()
                && units[at - 2].is_ascii_alphabetic()
                && !is_alnum(self.view.before(at - 2))
            {
                self.letters_then_digit(at - 2);
            }
        } else {
            self.number(at, before, chain);
        }
        self.code(at, before, chain);
        self.hex_groups_before(at);
        if self.looking.tokens == Tokens::Found
            && before == b'_'
            && let Some(start) = token::start_of(units, at)
        {
            self.push(start, Kind::Token);
        }
    }

    /// The word with its first digit at `at`, where the text says that a password stands there.
    fn said(&mut self, at: usize) {
        let units = self.view.units;
        if self.view.before(at) == b' ' && !names::may_say(self.view.before(at - 1)) {
            return;
        }
        let mut word = at;
        let floor = at.saturating_sub(email::MAX_LOCAL);
        while word > floor && is_word_unit(units[word - 1]) {
            word -= 1;
            // Its first digit was here before.
            if units[word].is_ascii_digit() {
                return;
            }
        }
        work(at - word + 1);
        if matches!(self.view.before(word), b' ' | b'"' | b'`' | b'\'' | b'*')
            && let Some(kind) = names::said_before(units, word)
        {
            self.push(word, Kind::Announced(kind));
        }
    }

    fn number(&mut self, at: usize, before: u8, chain: Chain) {
        let units = self.view.units;
        let enough = chain.digits >= number::FEWEST_DIGITS || chain.digits >= 4 && self.may_be_address(at, chain);
        if enough
            && !number::follows_a_point(self.view, at)
            && !(digits::is_separator(before) && self.is_link(at, before))
        {
            let signs = units[..at].iter().rev().take(3).take_while(|unit| matches!(**unit, b'+' | b'(')).count();
            if signs > 0 {
                self.number_at(at - signs);
                if signs > 1 && units[at - 1] == b'+' {
                    self.number_at(at - 1);
                }
            }
            self.number_at(at);
            if self.view.before(at - signs) == b':' {
                self.phone_uri(at - signs);
            }
        }
        // The shortest has 26 characters.
        let word = |place: usize| units.get(at + place).map_or(self.view.is_open(at + place), |unit| is_alnum(*unit));
        let long = || [25, 2, 3, 7, 12, 18].into_iter().all(word);
        if matches!(units[at], b'0' | b'1' | b'3') && self.view.get(at + 1).is_some_and(is_alnum) && long() {
            self.push(at, Kind::Wallet);
        }
        if matches!(before, b' ' | b'-' | b'.') && at >= 3 {
            let letters = units[at - 3].is_ascii_alphabetic() && units[at - 2].is_ascii_alphabetic();
            if letters && chain.digits >= 6 && codes::may_begin(self.view, at - 3) {
                self.push(at - 3, Kind::NationalInsurance);
            }
            if letters && iban::may_begin_apart(self.view, at - 3) {
                self.push(at - 3, Kind::Iban);
            }
        }
    }

    fn phone_uri(&mut self, number: usize) {
        let Some(start) = number.checked_sub(phone::URI.len()) else { return };
        let begins = !is_alnum(self.view.before(start));
        if begins && self.view.units[start..number].eq_ignore_ascii_case(phone::URI) {
            self.push(start, Kind::PhoneUri);
        }
    }

    fn number_at(&mut self, start: usize) {
        if start < self.from {
            return;
        }
        match number::beginning(self.view, start) {
            Beginning::None => {}
            Beginning::Number => self.push(start, Kind::Number),
            Beginning::ShortNumber => self.push(start, Kind::ShortNumber),
        }
    }

    /// The token with its first digit at `at`, where a national code could begin so. A hyphen may follow its letters.
    fn code(&mut self, at: usize, before: u8, chain: Chain) {
        let units = self.view.units;
        if before.is_ascii_alphabetic() || before == b'-' && at >= 2 && units[at - 2].is_ascii_alphabetic() {
            // Its letters may begin it.
        } else if national::is_tied(before) {
            return;
        } else if let Some(next) = units.get(at + 1).filter(|next| !next.is_ascii_alphabetic())
            && (chain.digits < 6 || !next.is_ascii_digit() && *next != b'.')
        {
            return;
        }
        let hyphen = usize::from(before == b'-' && at >= 2 && units[at - 2].is_ascii_alphabetic());
        let letters = units[..at - hyphen].iter().rev().take(7).take_while(|unit| unit.is_ascii_alphabetic()).count();
        let start = at - hyphen - letters;
        if letters > 6 || national::is_tied(self.view.before(start)) {
            return;
        }
        let digits = units[at..].iter().take(18).take_while(|unit| unit.is_ascii_digit()).count();
        work(digits);
        let end = at + digits;
        if (self.view.is_open(end) || national::may_begin(self.view, letters, end - at, end))
            && national::may_be_code(self.view, start)
        {
            self.push(start, Kind::Code);
        }
    }

    /// Whether three points may stand in the number.
    fn may_be_address(&self, at: usize, chain: Chain) -> bool {
        let end = at + (chain.length as usize).min(16);
        let here = &self.view.units[at..end.min(self.view.units.len())];
        self.view.is_open(end) || here.iter().filter(|unit| **unit == b'.').count() >= 3
    }

    /// Whether a short group stands within a longer chain of one style: no value begins at it. What `number` would say,
    /// said at once.
    fn is_link(&self, at: usize, before: u8) -> bool {
        let units = self.view.units;
        let goes_on = |next: usize| units.get(next) == Some(&before);
        at >= 2
            && units[at - 2].is_ascii_digit()
            && before != b'('
            && (goes_on(at + 1) || units.get(at + 1).is_some_and(u8::is_ascii_digit) && goes_on(at + 2))
    }

    fn letters_then_digit(&mut self, start: usize) {
        let units = self.view.units;
        if matches!(units[start..], [b'b' | b'B', b'c' | b'C', b'1', ..]) {
            return self.push(start, Kind::Wallet);
        }
        if codes::may_begin(self.view, start) {
            self.push(start, Kind::NationalInsurance);
        }
        if iban::may_begin(self.view, start) {
            self.push(start, Kind::Iban);
        }
    }

    /// Hardware addresses with hyphens or points, at their first digit: back to their first group.
    fn hex_groups_before(&mut self, digit: usize) {
        let units = self.view.units;
        let last = self.view.before(digit);
        if !last.is_ascii_hexdigit() && !matches!(last, b'-' | b'.') {
            // The group begins here, so that it must end before a separator.
            let next = |place: usize| units.get(digit + place).is_none_or(|unit| matches!(unit, b'-' | b'.'));
            if !next(2) && !next(4) {
                return;
            }
        }
        let before = units[..digit].iter().rev().take(4).take_while(|unit| unit.is_ascii_hexdigit()).count();
        let after = units[digit..].iter().take(5).take_while(|unit| unit.is_ascii_hexdigit()).count();
        let (group, length) = (digit - before, before + after);
        work(length);
        let (length, separator) = match length {
            2 => (2, b'-'),
            4 => (4, b'.'),
            _ => return,
        };
        if self.view.before(group) != separator && self.view.get(group + length).is_some_and(|unit| unit != separator) {
            return;
        }
        let mut start = group;
        for _ in 0..7 {
            work(length + 1);
            let earlier = start.checked_sub(length + 1).filter(|earlier| {
                units[start - 1] == separator && units[*earlier..start - 1].iter().all(u8::is_ascii_hexdigit)
            });
            match earlier {
                Some(earlier) if !is_alnum(self.view.before(earlier)) => {
                    // Its first digit was here before.
                    if units[earlier..start].iter().any(u8::is_ascii_digit) {
                        return;
                    }
                    start = earlier;
                }
                _ => break,
            }
        }
        if start < group || self.view.get(group + length).is_none_or(|unit| unit == separator) {
            self.push(start, Kind::HexGroups);
        }
    }
}
