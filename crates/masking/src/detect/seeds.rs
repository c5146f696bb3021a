//! Where a value could begin. A seed depends on the units before it and on the few after it that are of the same
//! word, so it is the same however the text was cut.

use std::sync::LazyLock;

use memchr::memmem;

use super::email::{self, AtSign, Sign};
use super::keys::{self, PREFIXED};
use super::secret::{self, Announced};
use super::triggers::{Chain, Trigger};
use super::{Answer, View, codes, encoded, hexgroups, iban, is_alnum, national, number, token, triggers, wallet};
use crate::scanner::{Encoded, Looking, Tokens};

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
    Code,
    HexGroups,
    Wallet,
    Email(AtSign),
    Announced(Announced),
    InUrl,
    Hook,
    Bot { colon: u32 },
    Prefixed(u16),
    Encoded,
    Token,
    Words,
    Pattern(u16),
}

impl Kind {
    /// Whether the place may be moved forward to the end of the value before.
    pub(crate) const fn may_be_cut(self, to: usize) -> bool {
        matches!(self, Self::Email(at) if to < at.start())
    }
}

/// Asks the built-in recogniser of this kind; an operator's rules are asked by `Detectors`.
pub(crate) fn ask(view: View<'_>, seed: Seed) -> Answer {
    match seed.kind {
        Kind::Number => number::recognise(view, seed.start),
        Kind::Iban => iban::recognise(view, seed.start),
        Kind::NationalInsurance => codes::national_insurance(view, seed.start),
        Kind::Code => national::code(view, seed.start),
        Kind::HexGroups => hexgroups::recognise(view, seed.start),
        Kind::Wallet => wallet::recognise(view, seed.start),
        Kind::Email(at) => email::recognise(view, seed.start, at),
        Kind::Announced(kind) => secret::announced(view, seed.start, kind),
        Kind::InUrl => secret::in_url(view, seed.start),
        Kind::Hook => secret::hook(view, seed.start),
        Kind::Bot { colon } => secret::bot(view, seed.start, colon as usize),
        Kind::Prefixed(kind) => {
            PREFIXED.get(usize::from(kind)).map_or(Answer::Nothing, |kind| secret::prefixed(view, seed.start, kind))
        }
        Kind::Token => token::recognise(view, seed.start),
        Kind::Words | Kind::Pattern(_) | Kind::Encoded => Answer::Nothing,
    }
}

/// Collects the built-in seeds at or after `from`, in no order.
pub(crate) fn collect(view: View<'_>, from: usize, looking: Looking, seeds: &mut Vec<Seed>) {
    let mut collector = Collector { view, from, looking, seeds };
    triggers::each(view, from.saturating_sub(REACH), |at, trigger| match (trigger, view.units[at]) {
        (Trigger::Digit(chain), _) => collector.digit(at, chain),
        (Trigger::Run, _) => collector.keys(at),
        (Trigger::Sign, b':') => collector.colon(at),
        (Trigger::Sign, b'=') => collector.announced(at),
        (Trigger::Sign, b'@') => collector.at(at),
        (Trigger::Sign, _) => collector.bracket(at),
    });
    collector.words();
    if looking.encoded == Encoded::SeenThrough {
        collector.windows();
    }
}

struct Collector<'a, 'b> {
    view: View<'a>,
    from: usize,
    looking: Looking,
    seeds: &'b mut Vec<Seed>,
}

impl Collector<'_, '_> {
    fn push(&mut self, start: usize, kind: Kind) {
        if start >= self.from || kind.may_be_cut(self.from) {
            self.seeds.push(Seed { start, kind });
        }
    }

    /// The first digit of a run.
    fn digit(&mut self, at: usize, chain: Chain) {
        let units = self.view.units;
        let before = self.view.before(at);
        self.said(at);
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
        let mut word = at;
        let floor = at.saturating_sub(email::MAX_LOCAL);
        while word > floor && is_word_unit(units[word - 1]) {
            word -= 1;
            // Its first digit was here before.
            if units[word].is_ascii_digit() {
                return;
            }
        }
        super::work(at - word + 1);
        if matches!(self.view.before(word), b' ' | b'"' | b'`' | b'\'' | b'*') && secret::is_said(units, word) {
            self.push(word, Kind::Announced(Announced::Password));
        }
    }

    fn number(&mut self, at: usize, before: u8, chain: Chain) {
        let units = self.view.units;
        let enough = chain.digits >= number::FEWEST_DIGITS || chain.digits >= 4 && self.may_be_address(at, chain);
        if enough
            && !number::follows_a_point(self.view, at)
            && !(number::is_separator(before) && self.is_link(at, before))
        {
            let signs = units[..at].iter().rev().take(3).take_while(|unit| matches!(**unit, b'+' | b'(')).count();
            if signs > 0 {
                self.push(at - signs, Kind::Number);
                if signs > 1 && units[at - 1] == b'+' {
                    self.push(at - 1, Kind::Number);
                }
            }
            self.push(at, Kind::Number);
        }
        // The shortest has 26 characters.
        let word = |place: usize| units.get(at + place).map_or(self.view.is_open(at + place), |unit| is_alnum(*unit));
        let long = || [25, 2, 3, 7, 12, 18].into_iter().all(word);
        if matches!(units[at], b'0' | b'1' | b'3') && self.view.get(at + 1).is_some_and(is_alnum) && long() {
            self.push(at, Kind::Wallet);
        }
        if chain.digits >= 6 && matches!(before, b' ' | b'-' | b'.') && at >= 3 {
            let letters = units[at - 3].is_ascii_alphabetic() && units[at - 2].is_ascii_alphabetic();
            if letters && !is_alnum(self.view.before(at - 3)) {
                self.push(at - 3, Kind::NationalInsurance);
            }
        }
    }

    /// The token with its first digit at `at`, where a national code could begin so. A hyphen may follow its letters.
    fn code(&mut self, at: usize, before: u8, chain: Chain) {
        let units = self.view.units;
        let lettered = before.is_ascii_alphabetic() || before == b'-';
        if !lettered && chain.digits < 6 && units.get(at + 1).is_some_and(|unit| !unit.is_ascii_alphabetic()) {
            return;
        }
        let hyphen = usize::from(before == b'-' && at >= 2 && units[at - 2].is_ascii_alphabetic());
        let letters = units[..at - hyphen].iter().rev().take(7).take_while(|unit| unit.is_ascii_alphabetic()).count();
        let start = at - hyphen - letters;
        if letters > 6 || national::is_tied(self.view.before(start)) {
            return;
        }
        let end = self.view.run(at, 18, |unit| unit.is_ascii_digit());
        if self.view.is_open(end) || national::may_begin(self.view, letters, end - at, end) {
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

    /// Hardware addresses with hyphens or points, at their first digit: back to their first group.
    fn hex_groups_before(&mut self, digit: usize) {
        let units = self.view.units;
        let before = units[..digit].iter().rev().take(4).take_while(|unit| unit.is_ascii_hexdigit()).count();
        if before == 4 {
            return;
        }
        let group = digit - before;
        let length = self.view.run(group, 5, |unit| unit.is_ascii_hexdigit()) - group;
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
            super::work(length + 1);
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

    fn colon(&mut self, at: usize) {
        let units = self.view.units;
        match self.view.get(at + 1) {
            Some(b' ' | b'\n' | b'"') => self.announced(at),
            Some(b'/') => match units[..at].ends_with(b"https") {
                true if secret::may_be_hook(self.view, at) => self.push(at - 5, Kind::Hook),
                true => {}
                false => self.announced(at),
            },
            None if units[..at].ends_with(b"https") => self.push(at - 5, Kind::Hook),
            next => self.glued_colon(at, next),
        }
    }

    /// A colon with a value right after it, or with what is not here yet.
    fn glued_colon(&mut self, at: usize, next: Option<u8>) {
        let units = self.view.units;
        let hex = units[..at].iter().rev().take(5).take_while(|unit| unit.is_ascii_hexdigit()).count();
        let group = at - hex;
        if hex < 5 && !hexgroups::is_glued(self.view, group) {
            let gap = next == Some(b':');
            let likely = match hex {
                0 => gap,
                _ if gap => units[group..at].iter().any(u8::is_ascii_digit) || hex == 4 && units[group] | 0x20 == b'f',
                _ => next.is_none_or(|unit| unit.is_ascii_hexdigit()),
            };
            if likely {
                self.push(group, Kind::HexGroups);
            }
        }
        if secret::is_after_user(units, at) {
            self.push(at + 1, Kind::InUrl);
        }
        if hex == 5 && units[at - 1].is_ascii_digit() {
            let digits = units[..at].iter().rev().take(11).take_while(|unit| unit.is_ascii_digit()).count();
            if (8..=10).contains(&digits) {
                self.push(at - digits, Kind::Bot { colon: at as u32 });
            }
        }
        if next != Some(b':') {
            self.announced(at);
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
        self.email(AtSign::new(Sign::Plain, at, at + 1));
        if self.view.before(at) == b' ' {
            self.spelled(at);
        }
    }

    fn bracket(&mut self, at: usize) {
        let units = self.view.units;
        if units[at] == b'<' && self.looking.tokens == Tokens::Found {
            self.push(token::bracketed_start(units, at), Kind::Token);
        }
        let spaces = units[at + 1..].iter().take(2).take_while(|unit| **unit == b' ').count();
        if matches!(units.get(at + 1 + spaces), Some(b'a' | b'A' | b'@')) {
            self.spelled(at);
        }
    }

    /// An opening bracket, or an `@` after a space: perhaps an `@` that is spelled out.
    fn spelled(&mut self, at: usize) {
        let units = self.view.units;
        let spaces = units[..at].iter().rev().take(2).take_while(|unit| **unit == b' ').count();
        if let Some((length, sign)) = email::read_at(&units[at - spaces..]) {
            self.email(AtSign::new(sign, at - spaces, at - spaces + length));
        }
    }

    fn email(&mut self, at: AtSign) {
        if let Some(start) = email::start_of(self.view.units, at) {
            self.push(start, Kind::Email(at));
        }
    }

    /// The bare word ` at `, and the armour of private keys.
    fn words(&mut self) {
        let units = self.view.units;
        for place in ARMOUR.find_iter(&units[self.from..]) {
            let start = self.from + place;
            if let Some(kind) = keys::prefix_at(&units[start..]) {
                self.push(start, Kind::Prefixed(kind));
            }
        }
        let from = self.from.saturating_sub(1);
        for word in &*AT_WORDS {
            for place in word.find_iter(&units[from..]) {
                let start = from + place;
                if let Some((length, sign)) = email::read_at(&units[start..]) {
                    self.email(AtSign::new(sign, start, start + length));
                }
            }
        }
    }

    /// Keys by their prefix, at the start of a run and at each part of it.
    fn keys(&mut self, run: usize) {
        let units = self.view.units;
        let first = run.max(self.from);
        let mut before = self.view.before(first);
        for (place, unit) in units[first..].iter().copied().enumerate() {
            super::work(1);
            if !triggers::is_key(unit) {
                break;
            }
            if is_alnum(std::mem::replace(&mut before, unit)) {
                continue;
            }
            let start = first + place;
            if start == run && secret::is_after_scheme(units, start) {
                self.push(start, Kind::Announced(Announced::Key));
            }
            if let Some(kind) = keys::prefix_at(&units[start..]) {
                self.push(start, Kind::Prefixed(kind));
            }
            let begins = start == run || self.view.before(start) == b'.';
            if begins && self.looking.encoded == Encoded::SeenThrough && encoded::may_begin(&units[start..]) {
                self.push(start, Kind::Encoded);
            }
        }
    }

    /// Places within long base 64, each in the four ways that groups may lie.
    fn windows(&mut self) {
        let units = self.view.units;
        let first = (self.looking.first + self.from).saturating_sub(3).next_multiple_of(encoded::STEP);
        for place in (first..self.looking.first + units.len()).step_by(encoded::STEP) {
            let Some(place) = place.checked_sub(self.looking.first) else { continue };
            let before = place.checked_sub(encoded::BEFORE).map(|from| &units[from..place]);
            if before.is_some_and(|before| before.iter().rev().all(|unit| encoded::belongs(*unit))) {
                for start in (place..(place + 4).min(units.len())).filter(|start| encoded::may_begin(&units[*start..]))
                {
                    self.push(start, Kind::Encoded);
                }
            }
        }
    }
}

static AT_WORDS: LazyLock<[memmem::Finder<'static>; 2]> =
    LazyLock::new(|| [memmem::Finder::new(b" at "), memmem::Finder::new(b" AT ")]);

static ARMOUR: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(b"-----BEGIN"));

/// Builds what this module keeps, so that the first text does not pay for it.
pub(crate) fn prepare() {
    LazyLock::force(&AT_WORDS);
    LazyLock::force(&ARMOUR);
}

/// The first unit that may belong to a value whose seed is not visible yet: the word that the text breaks off in, what
/// opens one, and the words before that `[at]` or `[dot]` may tie to it.
pub(crate) fn unsettled(units: &[u8], from: usize) -> usize {
    let floor = from.max(units.len().saturating_sub(email::MAX_SPELLED));
    let openers = units[floor..].iter().rev().take(4).take_while(|unit| is_opener(**unit)).count();
    let mut end = units.len() - openers;
    let escaped = escaped_word_start(units, end, from);
    let mut start = word_start(units, end, from);
    if openers > 0 || is_sign_word(&units[start..end], Part::Beginning) {
        let before = gap_start(units, start, floor);
        let word = word_start(units, before, from);
        // Where the word before went to another value, an e-mail may begin with what is left: the gap.
        if word < before || before == from {
            (start, end) = (word, before);
        }
    }
    while start > floor {
        let is_sign = is_sign_word(&units[start..end], Part::Whole);
        let gap = gap_start(units, start, floor);
        let word = word_start(units, gap, from);
        if gap == start || !(is_sign || is_sign_word(&units[word..gap], Part::Whole)) {
            break;
        }
        if word == gap {
            start = if gap == from { gap } else { start };
            break;
        }
        (start, end) = (word, gap);
    }
    let opened = start > from && is_opener(units[start - 1]);
    escaped.min(start - usize::from(opened))
}

fn is_opener(unit: u8) -> bool {
    matches!(unit, b'(' | b'[' | b'{' | b'<' | b'+' | b':')
}

/// Whether a unit may stand in a word, see [`word_start`].
fn is_word_unit(unit: u8) -> bool {
    const WORD: [bool; 256] = {
        let mut word = [false; 256];
        let mut unit = 0;
        while unit < 256 {
            let byte = unit as u8;
            word[unit] = is_alnum(byte)
                || byte >= 0x80
                || matches!(
                    byte,
                    b'.' | b'_' | b'+' | b'-' | b'\'' | b'&' | b'!' | b'#' | b'$' | b'*' | b'^' | b'~' | b'%'
                );
            unit += 1;
        }
        word
    };
    WORD[usize::from(unit)]
}

/// Where the word that ends before `end` begins: a superset of what an e-mail's local part may be, which in turn has
/// the characters of all prefixes of keys, of codes and of tokens.
fn word_start(units: &[u8], end: usize, floor: usize) -> usize {
    let reach = |length: usize| floor.max(end.saturating_sub(length));
    let mut start = end;
    while start > reach(email::MAX_LOCAL) && is_word_unit(units[start - 1]) {
        start -= 1;
    }
    start
}

/// As [`word_start`], with the backslashes that Markdown puts into tokens.
fn escaped_word_start(units: &[u8], end: usize, from: usize) -> usize {
    let floor = from.max(end.saturating_sub(email::MAX_LOCAL));
    let mut start = word_start(units, end, from);
    while start > floor && units[start - 1] == b'\\' {
        start = word_start(units, start - 1, floor);
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
            let shorter = kind.shortest() < triggers::RUN && kind.prefix != "-----BEGIN";
            assert!(!shorter, "{} is shorter than what triggers", kind.prefix);
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
