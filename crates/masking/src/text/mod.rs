//! What the detectors see of a text: units, each of which knows the bytes that it came from.

mod escape;
mod fold;

pub(crate) use fold::fold_str;

use escape::Escape;
use fold::{Folding, fold_char, plain_prefix};

/// How many units before the released ones stay visible, so that context and boundaries can be looked up.
pub(crate) const LOOKBACK: usize = 128;

/// So many invisible characters in a row are looked through; a longer run shows as [`BREAK`], which bounds how much text a
/// few visible characters can keep held.
const MAX_INVISIBLE: u8 = 24;

/// Stands in the units for an overlong run of invisible characters.
pub(crate) const BREAK: u8 = 0x01;

/// A value as the detectors see it in a text, its escapes undone.
pub(crate) fn as_seen(value: &str) -> Vec<u8> {
    let mut text = Text::default();
    text.extend(value, More::No);
    text.units
}

/// Whether more text may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum More {
    /// It may.
    Possible,
    /// This is the end.
    No,
}

/// The text that is not released yet, beside the units that the detectors read.
#[derive(Default)]
pub(crate) struct Text {
    raw: String,
    /// How many bytes of `raw` have become units.
    folded: usize,
    /// Units of released text (at most a few hundred), then those of `raw[..folded]`.
    units: Vec<u8>,
    /// How many of `units` belong to released text.
    settled: usize,
    /// How many units stood before `units`.
    dropped: usize,
    /// Whether `origins` is in use; otherwise unit `settled + i` is byte `i` of `raw`.
    mapped: bool,
    /// Where each unit from `settled` on came from.
    origins: Vec<Origin>,
    invisible: u8,
    /// Whether no more of it follows.
    ended: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Origin {
    start: u32,
    end: u32,
}

impl Text {
    /// Appends text; the units of an escape that is cut off wait for its rest.
    pub(crate) fn extend(&mut self, text: &str, more: More) {
        self.raw.push_str(text);
        self.ended = more == More::No;
        // Signs that begin no escape go with the plain text around them.
        let mut plain = self.folded;
        loop {
            let bytes = self.raw.as_bytes();
            plain += plain_prefix(&bytes[plain..]);
            let read = match bytes.get(plain) {
                None => break self.push_plain(plain - self.folded),
                Some(0x80..) => match self.raw[plain..].chars().next() {
                    // As plain as ASCII, as long as units are simply bytes.
                    Some(character) if !self.mapped && matches!(fold_char(character), Folding::Same) => {
                        plain += character.len_utf8();
                        continue;
                    }
                    Some(character) => Escape::Char(character, character.len_utf8()),
                    None => Escape::CutOff,
                },
                Some(_) => escape::read(&bytes[plain..], more),
            };
            match read {
                Escape::None => plain += 1,
                Escape::Char(character, length) => {
                    self.push_plain(plain - self.folded);
                    self.push_char(character, length);
                    plain = self.folded;
                }
                Escape::CutOff => break self.push_plain(plain - self.folded),
            }
        }
    }

    /// Lets the detectors see these units before the text.
    pub(crate) fn set_context(&mut self, units: &[u8]) {
        self.units = units[units.len().saturating_sub(LOOKBACK)..].to_vec();
        self.settled = self.units.len();
    }

    /// Everything visible to the detectors; the first [`Text::settled`] of it is released.
    pub(crate) fn units(&self) -> &[u8] {
        &self.units
    }

    /// The first unit that is not released.
    pub(crate) fn settled(&self) -> usize {
        self.settled
    }

    /// How many units of the text are not visible any more.
    pub(crate) fn dropped(&self) -> usize {
        self.dropped
    }

    /// The text that is not released.
    pub(crate) fn raw(&self) -> &str {
        &self.raw
    }

    /// The byte of [`Text::raw`] where this unit begins; for the unit after the last, the end of what became units.
    pub(crate) fn raw_start(&self, unit: usize) -> usize {
        let place = unit - self.settled;
        match self.mapped {
            false => place.min(self.folded),
            true => self.origins.get(place).map_or(self.folded, |origin| origin.start as usize),
        }
    }

    /// The byte of [`Text::raw`] after the unit before this one.
    pub(crate) fn raw_end(&self, unit: usize) -> usize {
        let place = unit - self.settled;
        match (self.mapped, place.checked_sub(1)) {
            (_, None) => 0,
            (false, Some(_)) => place,
            (true, Some(last)) => self.origins.get(last).map_or(self.folded, |origin| origin.end as usize),
        }
    }

    /// The byte of [`Text::raw`] up to which nothing is visible behind the unit before this one; where this one is not here,
    /// that is not known unless the text has ended.
    pub(crate) fn invisible_to(&self, unit: usize) -> usize {
        match unit < self.units.len() {
            true => self.raw_start(unit),
            false if self.ended => self.raw.len(),
            false => 0,
        }
    }

    /// Lets go of the units before `unit` and of the first `raw` bytes, keeping what context needs.
    pub(crate) fn release(&mut self, unit: usize, raw: usize) {
        if self.mapped {
            self.origins.drain(..unit - self.settled);
            for origin in &mut self.origins {
                origin.start = origin.start.saturating_sub(raw as u32);
                origin.end = origin.end.saturating_sub(raw as u32);
            }
        }
        self.raw.drain(..raw);
        self.folded -= raw;
        self.settled = unit;
        if self.mapped && self.is_identity() {
            self.mapped = false;
            self.origins.clear();
        }
        if self.settled > 3 * LOOKBACK {
            self.dropped += self.settled - LOOKBACK;
            self.units.drain(..self.settled - LOOKBACK);
            self.settled = LOOKBACK;
        }
        self.raw.shrink_to(512);
        self.units.shrink_to(640);
        self.origins.shrink_to(32);
    }

    /// How much memory it keeps.
    #[cfg(test)]
    pub(crate) fn footprint(&self) -> usize {
        self.raw.capacity() + self.units.capacity() + self.origins.capacity() * size_of::<Origin>()
    }

    /// Lets go of everything, of an escape that is cut off as well; what follows is of no interest.
    pub(crate) fn release_all(&mut self) {
        *self = Self::default();
    }

    fn is_identity(&self) -> bool {
        self.folded == self.origins.len()
            && self
                .origins
                .iter()
                .enumerate()
                .all(|(at, origin)| origin.start as usize == at && origin.end as usize == at + 1)
    }

    fn push_plain(&mut self, length: usize) {
        if length == 0 {
            return;
        }
        let bytes = &self.raw.as_bytes()[self.folded..self.folded + length];
        self.units.extend_from_slice(bytes);
        if self.mapped {
            let start = self.folded as u32;
            self.origins.extend((start..start + length as u32).map(|start| Origin { start, end: start + 1 }));
        }
        self.invisible = 0;
        self.folded += length;
    }

    /// Takes a character that stands in `length` bytes of the text, itself or as an escape.
    fn push_char(&mut self, character: char, length: usize) {
        let origin = Origin { start: self.folded as u32, end: (self.folded + length) as u32 };
        let mut encoded = [0; 4];
        match fold_char(character) {
            Folding::Same => {
                let units = character.encode_utf8(&mut encoded).as_bytes();
                if units.len() == length && !self.mapped {
                    self.units.extend_from_slice(units);
                    self.invisible = 0;
                } else {
                    self.push_units(units, origin);
                }
            }
            Folding::To(units) => self.push_units(units.as_bytes(), origin),
            Folding::Invisible => {
                self.map();
                self.invisible = self.invisible.saturating_add(1);
                if self.invisible > MAX_INVISIBLE {
                    self.push_units(&[BREAK], origin);
                }
            }
        }
        self.folded += length;
    }

    fn push_units(&mut self, units: &[u8], origin: Origin) {
        self.map();
        self.units.extend_from_slice(units);
        self.origins.extend(units.iter().map(|_| origin));
        self.invisible = 0;
    }

    /// From here on units are not simply bytes: writes down where those so far came from.
    fn map(&mut self) {
        if !self.mapped {
            self.mapped = true;
            let pending = (self.units.len() - self.settled) as u32;
            self.origins.extend((0..pending).map(|start| Origin { start, end: start + 1 }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &str) -> String {
        let mut whole = Text::default();
        whole.extend(text, More::No);
        String::from_utf8_lossy(whole.units()).into_owned()
    }

    #[test]
    fn sees_through_disguises() {
        assert_eq!(units("４１１１－１١١١"), "4111-1111");
        assert_eq!(units("a\u{200b}l\u{ad}i\u{2060}ce＠x。y"), "alice@x.y");
        assert_eq!(units(r"bob@b\u00fccher.de \uFF14"), "bob@bucher.de 4");
        assert_eq!(units("bob%40x.de &#64; &commat;"), "bob@x.de @ @");
        assert_eq!(units("José ÉTÉ"), "Jose ETE");
        assert_eq!(units("100%, a\\b & c"), "100%, a\\b & c");
    }

    #[test]
    fn every_unit_knows_its_bytes() {
        let mut text = Text::default();
        text.extend("x\u{200b}４é%40", More::No);
        assert_eq!(text.units(), b"x4e@");
        let spans: Vec<_> = (0..4).map(|unit| (text.raw_start(unit), text.raw_end(unit + 1))).collect();
        assert_eq!(spans, [(0, 1), (4, 7), (7, 9), (9, 12)]);
    }

    #[test]
    fn an_escape_in_pieces_is_one_unit() {
        let mut text = Text::default();
        for piece in ["a\\", "u00", "4", "0b"] {
            text.extend(piece, More::Possible);
        }
        assert_eq!(text.units(), b"a@b");
    }

    #[test]
    fn long_invisible_runs_show() {
        let shown = units(&format!("a{}b", "\u{200b}".repeat(100)));
        assert_eq!(shown, "a\u{1}\u{1}\u{1}\u{1}b");
    }

    #[test]
    fn released_text_stays_visible_as_context() {
        let mut text = Text::default();
        text.extend("été: 4", More::Possible);
        let raw = text.raw_start(5);
        text.release(5, raw);
        assert_eq!((text.raw(), text.settled(), text.units()), ("4", 5, b"ete: 4".as_slice()));
        assert!(!text.mapped, "plain again");
    }
}
