//! The built-in detectors: where a value could begin, and whether one does.

pub(crate) mod armour;
pub(crate) mod card;
pub(crate) mod codes;
pub(crate) mod context;
pub(crate) mod digits;
pub(crate) mod email;
pub(crate) mod encoded;
pub(crate) mod hexgroups;
pub(crate) mod iban;
pub(crate) mod inurl;
pub(crate) mod keys;
pub(crate) mod named;
pub(crate) mod names;
pub(crate) mod national;
pub(crate) mod number;
pub(crate) mod phone;
pub(crate) mod registry;
pub(crate) mod secret;
pub(crate) mod seeds;
pub(crate) mod signs;
pub(crate) mod token;
pub(crate) mod triggers;
pub(crate) mod wallet;

use std::cell::RefCell;

use crate::TypeIndex;
use crate::text::More;
use context::Mentions;
use digits::Chain;

/// What a recogniser reads: all visible units, and whether more may follow them.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) units: &'a [u8],
    pub(crate) more: More,
    memory: &'a Memory,
}

/// What was read so far of the units of one view: its words, and its last chain of digits.
#[derive(Default)]
pub(crate) struct Memory {
    mentions: RefCell<Mentions>,
    chain: RefCell<Chain>,
}

impl<'a> View<'a> {
    /// The memory is of no other units.
    pub(crate) const fn new(units: &'a [u8], more: More, memory: &'a Memory) -> Self {
        Self { units, more, memory }
    }

    /// The unit before `at`; a zero byte at the text's beginning.
    pub(crate) fn before(self, at: usize) -> u8 {
        at.checked_sub(1).and_then(|at| self.units.get(at)).copied().unwrap_or(0)
    }

    /// The unit at `at`, where there is one.
    pub(crate) fn get(self, at: usize) -> Option<u8> {
        work(1);
        self.units.get(at).copied()
    }

    /// Whether what stands at `at` is not here yet.
    pub(crate) fn is_open(self, at: usize) -> bool {
        at >= self.units.len() && self.more == More::Possible
    }

    /// The place after the longest run of units that `belongs` from `at` on, at most `limit` long.
    #[inline]
    pub(crate) fn run(self, at: usize, limit: usize, belongs: impl Fn(u8) -> bool) -> usize {
        let end = self.units.len().min(at.saturating_add(limit));
        let units = &self.units[at.min(end)..end];
        let mut length =
            units.iter().take(if limit < 32 { limit } else { 16 }).take_while(|unit| belongs(**unit)).count();
        if length == 16 && limit >= 32 {
            length += long_run(&units[16..], belongs);
        }
        work(length + 1);
        at + length
    }
}

/// Whole blocks without a branch per unit, which compilers turn into vector instructions.
fn long_run(units: &[u8], belongs: impl Fn(u8) -> bool) -> usize {
    let all = |block: &&[u8]| block.iter().fold(true, |all, unit| all & belongs(*unit));
    let whole = 16 * units.chunks_exact(16).take_while(all).count();
    whole + units[whole..].iter().take_while(|unit| belongs(**unit)).count()
}

/// Notes that so many units were looked at, so that tests can hold the engine to linear time without a clock.
#[inline]
pub(crate) fn work(units: usize) {
    #[cfg(test)]
    WORK.with(|work| work.set(work.get() + units));
    #[cfg(not(test))]
    let _ = units;
}

#[cfg(test)]
thread_local!(pub(crate) static WORK: std::cell::Cell<usize> = const { std::cell::Cell::new(0) });

/// What a recogniser says of one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// No value begins here, whatever follows.
    Nothing,
    /// It depends on text that is not here yet.
    Undecided,
    /// A value begins here, whatever follows.
    Found(Hit),
}

/// A value: it begins where the recogniser was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    /// The unit after its last that was looked at.
    pub(crate) end: usize,
    /// What it is.
    pub(crate) info_type: TypeIndex,
    /// What of the text that follows belongs to it as well.
    pub(crate) tail: Tail,
}

/// How a value goes on that is too long to be held to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    /// It does not.
    None,
    /// For as long as units of a key follow.
    Key,
    /// For as long as visible units follow.
    Visible,
    /// To the end line of an armoured block, or the end of what looks like one.
    Armour,
    /// To the end of the text: a field that is sensitive as a whole.
    Everything,
}

impl Answer {
    pub(crate) const fn found(end: usize, info_type: TypeIndex) -> Self {
        Self::Found(Hit { end, info_type, tail: Tail::None })
    }
}

/// Letters and digits of ASCII, and every unit of another script.
pub(crate) const fn is_word(unit: u8) -> bool {
    unit.is_ascii_alphanumeric() || unit >= 0x80
}

/// Letters and digits of ASCII: text in a script without spaces may touch a value.
#[inline]
pub(crate) const fn is_alnum(unit: u8) -> bool {
    unit.is_ascii_alphanumeric()
}
