//! An operator's word lists: sorted once, walked from each place where a word begins.

use crate::TypeIndex;
use crate::detect::{Answer, View};
use crate::text::fold_str;

/// The longest term, in units.
pub(crate) const MAX_TERM: usize = 128;

/// So many spaces or line breaks in a row stand for one space of a term.
const MAX_SPACES: usize = 4;

/// The terms of all lists in one sorted run of bytes: a million of them take little more than their letters.
pub(crate) struct Words {
    letters: Vec<u8>,
    /// Where each term begins in `letters`, and where the last one ends.
    starts: Vec<u32>,
    types: Vec<TypeIndex>,
    /// Where the terms with each first byte begin.
    by_first: Vec<u32>,
    /// Whether a term begins with each byte, in either case.
    begins: [bool; 256],
}

/// A term as the detectors would see it, in lower case, with single spaces.
pub(crate) fn normalise(term: &str) -> Vec<u8> {
    let folded = fold_str(term).to_ascii_lowercase();
    let words = folded.split(|unit| unit.is_ascii_whitespace()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(&b' ')
}

impl Words {
    /// Compiles normalised terms; `None` when there are none or their letters do not fit into 4 GiB.
    pub(crate) fn new(mut terms: Vec<(Vec<u8>, TypeIndex)>) -> Option<Self> {
        terms.sort();
        terms.dedup_by(|later, earlier| later.0 == earlier.0);
        if terms.is_empty() {
            return None;
        }
        let mut words = Self {
            letters: Vec::with_capacity(terms.iter().map(|(term, _)| term.len()).sum()),
            starts: Vec::with_capacity(terms.len() + 1),
            types: Vec::with_capacity(terms.len()),
            by_first: vec![0; 257],
            begins: [false; 256],
        };
        for (term, info_type) in &terms {
            words.starts.push(u32::try_from(words.letters.len()).ok()?);
            words.letters.extend_from_slice(term);
            words.types.push(*info_type);
            words.by_first[usize::from(term[0]) + 1] += 1;
            words.begins[usize::from(term[0])] = true;
            words.begins[usize::from(term[0].to_ascii_uppercase())] = true;
        }
        words.starts.push(u32::try_from(words.letters.len()).ok()?);
        for first in 1..words.by_first.len() {
            words.by_first[first] += words.by_first[first - 1];
        }
        Some(words)
    }

    /// The places from `from` on where a term could begin. Those amid a word are left out: nearly all places are, and
    /// asking at each of them cost more than everything else that is done for a list.
    pub(crate) fn beginnings<'t>(&'t self, units: &'t [u8], from: usize) -> impl Iterator<Item = usize> + 't {
        let amid = |at: usize| {
            units[at].is_ascii_alphanumeric() && at.checked_sub(1).is_some_and(|at| units[at].is_ascii_alphanumeric())
        };
        let first = units.iter().enumerate().skip(from).filter(|(_, unit)| self.begins[usize::from(**unit)]);
        first.map(|(at, _)| at).filter(move |at| !amid(*at))
    }

    /// Looks for the longest term at `start`.
    pub(crate) fn recognise(&self, view: View<'_>, start: usize) -> Answer {
        if joins(view.units, start) {
            return Answer::Nothing;
        }
        let first = usize::from(view.units[start].to_ascii_lowercase());
        let (mut low, mut high) = (self.by_first[first] as usize, self.by_first[first + 1] as usize);
        let (mut at, mut depth, mut spaces, mut found) = (start + 1, 1, 0, Answer::Nothing);
        loop {
            if low == high {
                return found;
            }
            let complete = self.length(low) == depth;
            if view.is_open(at) {
                return Answer::Undecided;
            }
            if complete && spaces == 0 && !joins(view.units, at) {
                found = Answer::found(at, self.types[low]);
            }
            let Some(unit) = view.get(at) else { return found };
            let unit = if unit.is_ascii_whitespace() { b' ' } else { unit.to_ascii_lowercase() };
            at += 1;
            if unit == b' ' {
                spaces += 1;
                if spaces > MAX_SPACES {
                    return found;
                }
                if spaces > 1 {
                    continue;
                }
            } else {
                spaces = 0;
            }
            (low, high) = self.narrow(low, high, depth, unit);
            depth += 1;
        }
    }

    /// The terms of `low..high`, which share their first `depth` units, that go on with `unit`.
    fn narrow(&self, low: usize, high: usize, depth: usize, unit: u8) -> (usize, usize) {
        let from = low + partition(high - low, |place| self.unit(low + place, depth) < Some(unit));
        let to = from + partition(high - from, |place| self.unit(from + place, depth) == Some(unit));
        (from, to)
    }

    fn length(&self, term: usize) -> usize {
        (self.starts[term + 1] - self.starts[term]) as usize
    }

    fn unit(&self, term: usize, depth: usize) -> Option<u8> {
        (depth < self.length(term)).then(|| self.letters[self.starts[term] as usize + depth])
    }
}

/// The first of `count` places for which `holds` is false, where it is true before and false after.
fn partition(count: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

/// Whether `at` lies within a word: letters or digits on both sides, of scripts that put spaces between words.
fn joins(units: &[u8], at: usize) -> bool {
    let (Some(before), Some(after)) = (at.checked_sub(1), units.get(at)) else { return false };
    let lead = units[..=before].iter().rev().take(4).find(|unit| !(0x80..0xc0).contains(*unit)).copied().unwrap_or(0);
    let spaced = |unit: u8| unit.is_ascii_alphanumeric() || (0xc0..0xe0).contains(&unit);
    spaced(lead) && spaced(*after)
}
