//! Where a value could begin. A seed depends on the units before it and on the few after it that are of the same
//! word, so it is the same however the text was cut.

mod held;
mod numbers;

use std::sync::LazyLock;

use aho_corasick::packed;
use memchr::memmem;

use super::email::{self, AtSign};
use super::keys::{self, PREFIXED};
use super::names::{self, Announced};
use super::signs::{self, Sign};
use super::triggers::Trigger;
use super::{
    Answer, View, codes, encoded, hexgroups, iban, inurl, is_alnum, named, national, number, phone, secret, token,
    triggers, wallet,
};
use crate::scanner::{Encoded, Looking, Tokens};

pub(crate) use held::unsettled;

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
    ShortNumber,
    PhoneUri,
    Iban,
    NationalInsurance,
    Code,
    HexGroups,
    Wallet,
    Email(AtSign),
    Announced(Announced),
    InUrl,
    Hook,
    Bot {
        colon: u32,
    },
    Prefixed(u16),
    Encoded,
    /// Base 64 that began long before.
    EncodedOn,
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
        Kind::ShortNumber => number::recognise_short(view, seed.start),
        Kind::PhoneUri => phone::recognise_uri(view, seed.start),
        Kind::Iban => iban::recognise(view, seed.start),
        Kind::NationalInsurance => codes::national_insurance(view, seed.start),
        Kind::Code => national::code(view, seed.start),
        Kind::HexGroups => hexgroups::recognise(view, seed.start),
        Kind::Wallet => wallet::recognise(view, seed.start),
        Kind::Email(at) => email::recognise(view, seed.start, at),
        Kind::Announced(kind) => named::announced(view, seed.start, kind),
        Kind::InUrl => inurl::in_url(view, seed.start),
        Kind::Hook => inurl::hook(view, seed.start),
        Kind::Bot { colon } => inurl::bot(view, seed.start, colon as usize),
        Kind::Prefixed(kind) => {
            PREFIXED.get(usize::from(kind)).map_or(Answer::Nothing, |kind| secret::prefixed(view, seed.start, kind))
        }
        Kind::Token => token::recognise(view, seed.start),
        Kind::Words | Kind::Pattern(_) | Kind::Encoded | Kind::EncodedOn => Answer::Nothing,
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

    fn colon(&mut self, at: usize) {
        let units = self.view.units;
        match self.view.get(at + 1) {
            Some(b' ' | b'\n' | b'"') => self.announced(at),
            Some(b'/') => match units[..at].ends_with(b"https") {
                true if inurl::may_be_hook(self.view, at) => self.push(at - 5, Kind::Hook),
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
                _ if gap => {
                    (units[group..at].iter().any(u8::is_ascii_digit) || hex == 4 && units[group] | 0x20 == b'f')
                        && hexgroups::may_go_on_after_gap(self.view, at, hex)
                }
                _ => hexgroups::may_go_on(self.view, at),
            };
            if likely {
                self.push(group, Kind::HexGroups);
            }
        }
        if inurl::is_after_user(units, at) {
            self.push(at + 1, Kind::InUrl);
        }
        if inurl::is_after_account(units, at) {
            self.push(at + 1, Kind::Announced(Announced::Key));
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
        let Some(kind) = names::announced_by(self.view.units, at) else { return };
        let mut start = self.view.run(at + 1, 3, |unit| matches!(unit, b' ' | b'=' | b'>' | b'*'));
        start = self.view.run(start, 2, |unit| matches!(unit, b'"' | b'\'' | b'`'));
        for scheme in [&b"bearer "[..], b"basic ", b"token "] {
            let rest = &self.view.units[start.min(self.view.units.len())..];
            if !matches!(rest.first(), Some(b'B' | b'b' | b'T' | b't')) {
                break;
            }
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
        if units.get(at + 1 + spaces).is_some_and(|first| signs::ATS.begin_with(*first)) {
            self.spelled(at);
        }
    }

    /// An opening bracket, the first of a word or of what fences it, or an `@` after a space: perhaps an `@` that is spelled
    /// out.
    fn spelled(&mut self, at: usize) {
        let units = self.view.units;
        let spaces = units[..at].iter().rev().take(2).take_while(|unit| **unit == b' ').count();
        if let Some((length, sign)) = signs::read_at(&units[at - spaces..]) {
            self.email(AtSign::new(sign, at - spaces, at - spaces + length));
        }
    }

    fn email(&mut self, at: AtSign) {
        if !email::may_have_domain(self.view, at) {
            return;
        }
        if let Some(start) = email::start_of(self.view.units, at) {
            self.push(start, Kind::Email(at));
        }
    }

    /// The bare word ` at ` and its like, and the armour of private keys.
    fn words(&mut self) {
        let units = self.view.units;
        for place in ARMOUR.find_iter(&units[self.from..]) {
            let start = self.from + place;
            if let Some(kind) = keys::prefix_at(&units[start..]) {
                self.push(start, Kind::Prefixed(kind));
            }
        }
        let from = self.from.saturating_sub(3);
        let mut spelled = |start: usize| self.spelled(start + usize::from(units[start] == b' '));
        AT_WORDS.each(&units[from..], |place, length| {
            spelled(from + place);
            // The next one may begin with what ends this one.
            let shared = from + place + length - 1;
            if matches!(units.get(shared + 1..shared + 3), Some([b'a' | b'A', b't' | b'T'])) {
                spelled(shared);
            }
        });
    }

    /// Keys by their prefix, at the start of a run and at each part of it.
    fn keys(&mut self, run: usize) {
        let units = self.view.units;
        let first = run.max(self.from);
        let mut before = self.view.before(first);
        if before == b'+' {
            self.encoded_before(run);
        }
        for (place, unit) in units[first..].iter().copied().enumerate() {
            super::work(1);
            if !triggers::is_key(unit) {
                break;
            }
            let follows_word = is_alnum(std::mem::replace(&mut before, unit));
            if follows_word {
                continue;
            }
            let start = first + place;
            if start == run && self.view.before(start) == b' ' && names::is_after_scheme(units, start) {
                self.push(start, Kind::Announced(Announced::Key));
            }
            if let Some(kind) = keys::begun_at(self.view, start) {
                self.push(start, Kind::Prefixed(kind));
            }
            if encoded::begins(self.view, run, start)
                && self.looking.encoded == Encoded::SeenThrough
                && encoded::may_begin(self.view, start)
            {
                self.push(start, Kind::Encoded);
            }
        }
    }

    /// Base 64 that has a `+` before what is long enough to be seen.
    fn encoded_before(&mut self, run: usize) {
        let in_word = |unit: &&u8| is_alnum(**unit) || **unit == b'+';
        let units = &self.view.units[run.saturating_sub(email::MAX_LOCAL)..run];
        let start = run - units.iter().rev().take_while(in_word).count();
        super::work(run - start);
        if self.looking.encoded == Encoded::SeenThrough && start >= self.from && encoded::may_begin(self.view, start) {
            self.push(start, Kind::Encoded);
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
                for start in place..(place + 4).min(units.len()) {
                    if encoded::may_begin(self.view, start) {
                        self.push(start, Kind::EncodedOn);
                    }
                }
            }
        }
    }
}

/// The words for an `@` that are looked for without brackets, with what must stand around them.
static AT_WORDS: LazyLock<AtWords> = LazyLock::new(|| {
    let mut written: Vec<String> = [" at ", " AT ", " At "].map(String::from).into();
    written.extend("_-/|*\"".chars().flat_map(|fence| ["at", "AT"].map(|word| format!("{fence}{word}{fence}"))));
    written.extend(["arroba", "chiocciola", "malpa", "kukac", "zavinac"].map(|word| format!(" {word} ")));
    match packed::Searcher::new(&written) {
        Some(searcher) => AtWords::Vectors(searcher),
        None => AtWords::Finders(written.iter().map(|word| memmem::Finder::new(word).into_owned()).collect()),
    }
});

/// All of the words at once where the processor can, else one by one.
enum AtWords {
    Vectors(packed::Searcher),
    Finders(Vec<memmem::Finder<'static>>),
}

impl AtWords {
    /// Calls `visit` with where each one begins and how long it is; of two that share a unit perhaps with the first only.
    fn each(&self, units: &[u8], mut visit: impl FnMut(usize, usize)) {
        match self {
            Self::Vectors(searcher) => searcher.find_iter(units).for_each(|found| visit(found.start(), found.len())),
            Self::Finders(finders) => {
                for finder in finders {
                    finder.find_iter(units).for_each(|place| visit(place, finder.needle().len()));
                }
            }
        }
    }
}

static ARMOUR: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(b"-----BEGIN"));

/// Builds what this module keeps, so that the first text does not pay for it.
pub(crate) fn prepare() {
    LazyLock::force(&AT_WORDS);
    LazyLock::force(&ARMOUR);
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
}
