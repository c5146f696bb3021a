//! Where a value could begin. A seed depends on the units before it and on the few after it that are of the same
//! word, so it is the same however the text was cut.

use std::sync::LazyLock;

use memchr::memmem;

use super::email::{self, AtSign, Sign};
use super::secret::{self, Announced, PREFIXED};
use super::triggers::Trigger;
use super::{Answer, View, codes, hexgroups, iban, is_alnum, number, token, triggers, wallet};

/// How far before the first place of interest a sign can stand that announces a value there.
const REACH: usize = 24;

/// A place, and who is to look at it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seed {
    pub(crate) start: usize,
    pub(crate) kind: Kind,
}

/// Who is to look.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Number,
    Iban,
    NationalInsurance,
    HexGroups,
    Wallet,
    Email(AtSign),
    Announced(Announced),
    InUrl,
    Hook,
    Bot { colon: usize },
    Prefixed(u16),
    Token,
    Words,
    Pattern(u16),
}

impl Kind {
    /// Whether the place may be moved forward to the end of the value before.
    pub(crate) const fn may_be_cut(self, to: usize) -> bool {
        matches!(self, Self::Email(at) if to < at.start)
    }
}

/// Asks the built-in recogniser of this kind; an operator's rules are asked by `Detectors`.
pub(crate) fn ask(view: View<'_>, seed: Seed) -> Answer {
    match seed.kind {
        Kind::Number => number::recognise(view, seed.start),
        Kind::Iban => iban::recognise(view, seed.start),
        Kind::NationalInsurance => codes::national_insurance(view, seed.start),
        Kind::HexGroups => hexgroups::recognise(view, seed.start),
        Kind::Wallet => wallet::recognise(view, seed.start),
        Kind::Email(at) => email::recognise(view, seed.start, at),
        Kind::Announced(kind) => secret::announced(view, seed.start, kind),
        Kind::InUrl => secret::in_url(view, seed.start),
        Kind::Hook => secret::hook(view, seed.start),
        Kind::Bot { colon } => secret::bot(view, seed.start, colon),
        Kind::Prefixed(kind) => {
            PREFIXED.get(usize::from(kind)).map_or(Answer::Nothing, |kind| secret::prefixed(view, seed.start, kind))
        }
        Kind::Token => token::recognise(view, seed.start),
        Kind::Words | Kind::Pattern(_) => Answer::Nothing,
    }
}

/// Collects the built-in seeds at or after `from`, in no order.
pub(crate) fn collect(view: View<'_>, from: usize, seeds: &mut Vec<Seed>) {
    let mut collector = Collector { view, from, seeds };
    triggers::each(view.units, from.saturating_sub(REACH), |at, trigger| match (trigger, view.units[at]) {
        (Trigger::Digit, _) => collector.digit(at),
        (Trigger::Run, _) => collector.keys(at),
        (Trigger::Sign, b':') => collector.colon(at),
        (Trigger::Sign, b'=') => collector.announced(at),
        (Trigger::Sign, b'@') => collector.at(at),
        (Trigger::Sign, _) => collector.spelled(at),
    });
    collector.words();
}

struct Collector<'a, 'b> {
    view: View<'a>,
    from: usize,
    seeds: &'b mut Vec<Seed>,
}

impl Collector<'_, '_> {
    fn push(&mut self, start: usize, kind: Kind) {
        if start >= self.from || kind.may_be_cut(self.from) {
            self.seeds.push(Seed { start, kind });
        }
    }

    /// The first digit of a run.
    fn digit(&mut self, at: usize) {
        let units = self.view.units;
        let before = self.view.before(at);
        let hex_before = units[..at].iter().rev().take(5).take_while(|unit| unit.is_ascii_hexdigit()).count();
        let word = word_start(units, at, at.saturating_sub(email::MAX_LOCAL));
        if secret::is_said(units, word) {
            self.push(word, Kind::Announced(Announced::Password));
        }
        if is_alnum(before) {
            let letters = units[..at].iter().rev().take(3).take_while(|unit| unit.is_ascii_alphabetic()).count();
            if letters == 2 && !is_alnum(self.view.before(at - 2)) {
                self.letters_then_digit(at - 2);
            }
        } else {
            self.number(at, before);
        }
        if hex_before < 4 {
            self.hex_groups_before(at - hex_before);
        }
        if let Some(start) = (at > 0).then(|| token::start_of(units, at)).flatten() {
            self.push(start, Kind::Token);
        }
    }

    fn number(&mut self, at: usize, before: u8) {
        let units = self.view.units;
        let signs = units[..at].iter().rev().take(3).take_while(|unit| matches!(**unit, b'+' | b'(')).count();
        if signs > 0 {
            self.push(at - signs, Kind::Number);
            if signs > 1 && units[at - 1] == b'+' {
                self.push(at - 1, Kind::Number);
            }
        }
        self.push(at, Kind::Number);
        if matches!(units[at], b'0' | b'1' | b'3') && self.view.get(at + 1).is_some_and(is_alnum) {
            self.push(at, Kind::Wallet);
        }
        if matches!(before, b' ' | b'-' | b'.') && at >= 3 {
            let letters = units[at - 3].is_ascii_alphabetic() && units[at - 2].is_ascii_alphabetic();
            if letters && !is_alnum(self.view.before(at - 3)) {
                self.push(at - 3, Kind::NationalInsurance);
            }
        }
    }

    fn letters_then_digit(&mut self, start: usize) {
        match self.view.units[start..start + 3].to_ascii_lowercase().as_slice() {
            b"bc1" => self.push(start, Kind::Wallet),
            _ => {
                self.push(start, Kind::NationalInsurance);
                if self.view.get(start + 3).is_some_and(|unit| unit.is_ascii_digit()) {
                    self.push(start, Kind::Iban);
                }
            }
        }
    }

    /// Hardware addresses with hyphens or points: from the group at `group` back to the first.
    fn hex_groups_before(&mut self, group: usize) {
        let units = self.view.units;
        let length = self.view.run(group, 5, |unit| unit.is_ascii_hexdigit()) - group;
        let (length, separator) = match length {
            2 => (2, b'-'),
            4 => (4, b'.'),
            _ => return,
        };
        let mut start = group;
        for _ in 0..7 {
            super::work(length + 1);
            let earlier = start.checked_sub(length + 1).filter(|earlier| {
                units[start - 1] == separator && units[*earlier..start - 1].iter().all(u8::is_ascii_hexdigit)
            });
            match earlier {
                Some(earlier) if !is_alnum(self.view.before(earlier)) => start = earlier,
                _ => break,
            }
        }
        if start < group || self.view.get(group + length).is_none_or(|unit| unit == separator) {
            self.push(start, Kind::HexGroups);
        }
    }

    fn colon(&mut self, at: usize) {
        let units = self.view.units;
        let hex = units[..at].iter().rev().take(5).take_while(|unit| unit.is_ascii_hexdigit()).count();
        let next = self.view.get(at + 1);
        if (1..=4).contains(&hex) && next.is_none_or(|unit| unit.is_ascii_hexdigit() || unit == b':') {
            self.push(at - hex, Kind::HexGroups);
        } else if hex == 0 && next == Some(b':') {
            self.push(at, Kind::HexGroups);
        }
        if secret::is_after_user(units, at) {
            self.push(at + 1, Kind::InUrl);
        }
        let digits = units[..at].iter().rev().take(11).take_while(|unit| unit.is_ascii_digit()).count();
        if (8..=10).contains(&digits) {
            self.push(at - digits, Kind::Bot { colon: at });
        }
        match next {
            Some(b':') => {}
            Some(b'/') | None if units[..at].ends_with(b"https") => self.push(at - 5, Kind::Hook),
            _ => self.announced(at),
        }
    }

    /// The value after a `:` or `=`: spaces, a quotation mark and the name of an authentication scheme may come first.
    fn announced(&mut self, at: usize) {
        let Some(kind) = secret::announced_by(self.view.units, at) else { return };
        let mut start = self.view.run(at + 1, 3, |unit| matches!(unit, b' ' | b'=' | b'>' | b'*'));
        start = self.view.run(start, 2, |unit| matches!(unit, b'"' | b'\'' | b'`'));
        for scheme in [&b"bearer "[..], b"basic ", b"token "] {
            let rest = &self.view.units[start.min(self.view.units.len())..];
            if rest.len() >= scheme.len() && rest[..scheme.len()].eq_ignore_ascii_case(scheme) {
                start += scheme.len();
                break;
            }
        }
        if start < self.view.units.len() {
            self.push(start, Kind::Announced(kind));
        }
    }

    fn at(&mut self, at: usize) {
        self.email(AtSign { sign: Sign::Plain, start: at, end: at + 1 });
        if self.view.before(at) == b' ' {
            self.spelled(at);
        }
    }

    /// An opening bracket, or an `@` after a space: perhaps an `@` that is spelled out.
    fn spelled(&mut self, at: usize) {
        let units = self.view.units;
        if units[at] == b'<' {
            self.push(at, Kind::Token);
        }
        let spaces = units[..at].iter().rev().take(2).take_while(|unit| **unit == b' ').count();
        if let Some((length, sign)) = email::read_at(&units[at - spaces..]) {
            self.email(AtSign { sign, start: at - spaces, end: at - spaces + length });
        }
    }

    fn email(&mut self, at: AtSign) {
        if let Some(start) = email::start_of(self.view.units, at) {
            self.push(start, Kind::Email(at));
        }
    }

    /// The bare word ` at `.
    fn words(&mut self) {
        let units = self.view.units;
        let from = self.from.saturating_sub(1);
        for place in AT_WORD.find_iter(&units[from..]) {
            let start = from + place;
            if let Some((length, sign)) = email::read_at(&units[start..]) {
                self.email(AtSign { sign, start, end: start + length });
            }
        }
    }

    /// Keys by their prefix, at the start of a run and at each part of it.
    fn keys(&mut self, run: usize) {
        let units = self.view.units;
        for start in run.max(self.from)..units.len() {
            super::work(1);
            let unit = units[start];
            if !triggers::is_key(unit) {
                break;
            }
            if is_alnum(self.view.before(start)) {
                continue;
            }
            if start == run && secret::is_after_scheme(units, start) {
                self.push(start, Kind::Announced(Announced::Key));
            }
            let second = units.get(start + 1).copied().unwrap_or(0);
            if !PREFIXES.begin_with(unit, second) {
                continue;
            }
            let fits = |kind: &Prefixed<'_>| units[start..].starts_with(kind.1.prefix.as_bytes());
            let longest = PREFIXED.iter().enumerate().filter(fits).max_by_key(|kind| kind.1.prefix.len());
            if let Some((kind, _)) = longest {
                self.push(start, Kind::Prefixed(kind as u16));
            }
        }
    }
}

type Prefixed<'a> = (usize, &'a secret::Prefixed);

static AT_WORD: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(b" at "));

/// The first two characters of all prefixes: one bit per second character, by first.
struct Beginnings([u128; 128]);

const PREFIXES: Beginnings = {
    let mut beginnings = [0_u128; 128];
    let mut at = 0;
    while at < PREFIXED.len() {
        let prefix = PREFIXED[at].prefix.as_bytes();
        beginnings[prefix[0] as usize] |= 1 << prefix[1];
        at += 1;
    }
    Beginnings(beginnings)
};

impl Beginnings {
    fn begin_with(&self, first: u8, second: u8) -> bool {
        first < 128 && second < 128 && self.0[usize::from(first)] >> second & 1 == 1
    }
}

/// Builds what this module keeps, so that the first text does not pay for it.
pub(crate) fn prepare() {
    LazyLock::force(&AT_WORD);
}

/// The first unit that may belong to a value whose seed is not visible yet: the word that the text breaks off in, what
/// opens one, and the words before that `[at]` or `[dot]` may tie to it.
pub(crate) fn unsettled(units: &[u8], from: usize) -> usize {
    let floor = from.max(units.len().saturating_sub(email::MAX_SPELLED));
    let openers = units[floor..].iter().rev().take(4).take_while(|unit| is_opener(**unit)).count();
    let mut end = units.len() - openers;
    let mut start = word_start(units, end, from);
    if openers > 0 || is_sign_word(&units[start..end], Part::Beginning) {
        let before = gap_start(units, start, floor);
        let word = word_start(units, before, from);
        if word < before {
            (start, end) = (word, before);
        }
    }
    while start > floor {
        let is_sign = is_sign_word(&units[start..end], Part::Whole);
        let gap = gap_start(units, start, floor);
        let word = word_start(units, gap, from);
        if gap == start || word == gap || !(is_sign || is_sign_word(&units[word..gap], Part::Whole)) {
            break;
        }
        (start, end) = (word, gap);
    }
    let opened = start > from && is_opener(units[start - 1]);
    start - usize::from(opened)
}

fn is_opener(unit: u8) -> bool {
    matches!(unit, b'(' | b'[' | b'{' | b'<' | b'+' | b':')
}

/// Where the word that ends before `end` begins: a superset of what an e-mail's local part may be, which in turn has
/// the characters of all prefixes of keys, of codes and of tokens.
fn word_start(units: &[u8], end: usize, floor: usize) -> usize {
    let reach = |length: usize| floor.max(end.saturating_sub(length));
    let belongs = |unit: u8| {
        email::is_local(unit)
            || unit >= 0x80
            || matches!(unit, b'\'' | b'&' | b'!' | b'#' | b'$' | b'*' | b'^' | b'~' | b'%')
    };
    let mut start = end;
    while start > reach(email::MAX_LOCAL) && belongs(units[start - 1]) {
        start -= 1;
    }
    start
}

fn gap_start(units: &[u8], end: usize, floor: usize) -> usize {
    let is_gap = |unit: &&u8| matches!(unit, b' ' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'<' | b'>' | b'@');
    end - units[floor.min(end)..end].iter().rev().take(6).take_while(is_gap).count()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Beginning,
    Whole,
}

/// Whether the word spells an `@` or a dot, or may be about to.
fn is_sign_word(word: &[u8], part: Part) -> bool {
    let signs: [&[u8]; 7] = [b"at", b"arroba", b"dot", b"punkt", b"punto", b"point", b"ponto"];
    signs.iter().any(|sign| match part {
        Part::Whole => sign.eq_ignore_ascii_case(word),
        Part::Beginning => sign.len() >= word.len() && sign[..word.len()].eq_ignore_ascii_case(word),
    }) || word == b"."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_a_run_that_triggers() {
        for kind in PREFIXED {
            assert!(kind.prefix.bytes().all(triggers::is_key), "{}", kind.prefix);
            assert!(kind.shortest() >= 8, "{} is shorter than what triggers", kind.prefix);
        }
    }

    #[test]
    fn a_prefix_that_is_cut_off_is_held() {
        for kind in PREFIXED {
            for cut in 1..=kind.prefix.len() {
                let text = format!("see {}", &kind.prefix[..cut]);
                assert!(unsettled(text.as_bytes(), 0) <= 4, "{text}");
            }
        }
    }

    #[test]
    fn spelled_signs_hold_the_words_before_them() {
        for (text, held) in [
            ("hello bob", "bob"),
            ("hello bob ", "bob "),
            ("hello bob [", "bob ["),
            ("hello bob [a", "bob [a"),
            ("hello bob [dot] smi", "bob [dot] smi"),
            ("hello bob [dot] ", "bob [dot] "),
            ("hello bob at", "bob at"),
            ("(+", "(+"),
            ("it is. ", ""),
        ] {
            let start = unsettled(text.as_bytes(), 0);
            assert!(text.len() - start >= held.len(), "{text}: {}", &text[start..]);
        }
    }
}
