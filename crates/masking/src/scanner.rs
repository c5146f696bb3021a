use std::sync::Arc;

use crate::custom::FieldPath;
use crate::detect::seeds::{Seed, unsettled};
use crate::detect::token::TOKEN;
use crate::detect::{Answer, Hit, Memory, Tail, View, secret, token};
use crate::text::{More, Text, fold_str};
use crate::{Detectors, Extent, Span, TypeIndex, Vault};

/// How much text is looked at in one go; what comes in larger pieces is cut. Bounds memory, not meaning.
const BLOCK: usize = 4_096;

/// How much of a field that is sensitive as a whole is held.
const MAX_FIELD: usize = 256;

/// Reads one channel's text in pieces and says what is sensitive in it. Knows nothing of the future and takes nothing
/// back: what cannot be decided yet is held, and [`Scanner::held`] says how much. Use the same [`Detectors`] throughout.
#[derive(Default)]
pub struct Scanner {
    text: Text,
    swallowing: Option<(TypeIndex, Tail)>,
    begins_with: Option<TypeIndex>,
    /// Whose tokens are found as well.
    tokens: Option<Arc<Vault>>,
    encoded: Encoded,
}

/// Whether tokens are looked for as well.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tokens {
    Ignored,
    Found,
}

/// Whether base 64 is decoded and looked at.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Encoded {
    #[default]
    SeenThrough,
    Ignored,
}

/// What is looked for beside the usual, and how many units there were before those that are visible.
#[derive(Clone, Copy)]
pub(crate) struct Looking {
    pub(crate) tokens: Tokens,
    pub(crate) encoded: Encoded,
    pub(crate) first: usize,
}

impl Scanner {
    /// A scanner at the beginning of a text.
    pub fn new() -> Self {
        Self::default()
    }

    /// A scanner at the beginning of a JSON field's value: the field's name is context, and where an operator's rule
    /// names the field, all of the value is found.
    pub fn in_field(detectors: &Detectors, field: &FieldPath) -> Self {
        let mut scanner = Self { begins_with: detectors.whole_field(field), ..Self::default() };
        if let Some(name) = field.name() {
            scanner.text.set_context(&[b"\"", fold_str(name).as_slice(), b"\": \""].concat());
        }
        scanner
    }

    /// Finds the tokens of this vault as well. What only looks like one is text like any other.
    pub(crate) fn find_tokens(mut self, vault: Arc<Vault>) -> Self {
        self.tokens = Some(vault);
        self
    }

    /// For text that was decoded already, with what stands before what it was decoded from.
    pub(crate) fn within_encoded(before: &[u8]) -> Self {
        let mut scanner = Self { encoded: Encoded::Ignored, ..Self::default() };
        // A space, since nothing of it touches what is decoded.
        scanner.text.set_context(&[before, b" "].concat());
        scanner
    }

    /// Takes the next piece of the text and says what has become certain.
    pub fn push(&mut self, detectors: &Detectors, text: &str, out: &mut dyn FnMut(Span<'_>)) {
        let mut rest = text;
        while !rest.is_empty() {
            let (block, after) = rest.split_at(rest.floor_char_boundary(BLOCK));
            rest = after;
            self.text.extend(block, More::Possible);
            self.walk(detectors, More::Possible, out);
        }
    }

    /// Says what the held text is, there being no more.
    pub fn finish(&mut self, detectors: &Detectors, out: &mut dyn FnMut(Span<'_>)) {
        self.end_with(detectors, "", out);
    }

    /// Takes the last piece of the text: what [`Scanner::push`] and [`Scanner::finish`] would say, in one go.
    pub(crate) fn end_with(&mut self, detectors: &Detectors, text: &str, out: &mut dyn FnMut(Span<'_>)) {
        let all_but_last = text.len().saturating_sub(1) / BLOCK * BLOCK;
        let (blocks, last) = text.split_at(text.floor_char_boundary(all_but_last));
        self.push(detectors, blocks, out);
        self.text.extend(last, More::No);
        self.walk(detectors, More::No, out);
        *self = Self { tokens: self.tokens.take(), encoded: self.encoded, ..Self::default() };
    }

    /// How many bytes of the text are held.
    pub fn held(&self) -> usize {
        self.text.raw().len()
    }

    fn walk(&mut self, detectors: &Detectors, more: More, out: &mut dyn FnMut(Span<'_>)) {
        if let Some(info_type) = self.begins_with {
            return self.whole_field(info_type, more, out);
        }
        if let Some((info_type, Tail::Everything)) = self.swallowing {
            // What shows no unit belongs to the field as well.
            if !self.text.raw().is_empty() {
                out(Span::Swallowed { info_type, original: self.text.raw() });
            }
            return self.text.release_all();
        }
        let memory = Memory::default();
        let view = View::new(self.text.units(), more, &memory);
        let mut progress = Progress { at: self.text.settled(), raw: 0 };
        if let Some((info_type, tail)) = self.swallowing {
            if !progress.swallow(&self.text, view, info_type, tail, out) {
                return progress.let_go(&mut self.text, more);
            }
            self.swallowing = None;
        }
        let mut seeds = Vec::with_capacity((view.units.len() - progress.at) / 16);
        let looking = Looking { tokens: self.looked_for(), encoded: self.encoded, first: self.text.dropped() };
        detectors.seeds(view, progress.at, looking, &mut seeds);
        let end = match more {
            More::Possible => unsettled(view.units, progress.at).max(progress.at),
            More::No => view.units.len(),
        };
        let mut limit = end;
        let mut next = 0;
        while let Some(group) = next_group(&seeds, &mut next, progress.at, limit) {
            match self.judge(detectors, view, group) {
                Verdict::Nothing => {}
                Verdict::Undecided => limit = group.start,
                Verdict::Found(hit) => {
                    progress.find(&self.text, group.start, hit, out);
                    let tail = (hit.info_type, hit.tail);
                    if !progress.swallow(&self.text, view, tail.0, tail.1, out) {
                        self.swallowing = Some(tail);
                        return progress.let_go(&mut self.text, more);
                    }
                    limit = limit.max(progress.at);
                }
            }
        }
        progress.release(&self.text, view.units, limit, more, out);
        progress.let_go(&mut self.text, more);
    }

    /// Takes the whole text for a value: held like any other, swallowed where it is too long for that.
    fn whole_field(&mut self, info_type: TypeIndex, more: More, out: &mut dyn FnMut(Span<'_>)) {
        let raw = self.text.raw();
        if raw.len() < MAX_FIELD && more == More::Possible || raw.is_empty() {
            return;
        }
        self.begins_with = None;
        let held = raw.floor_char_boundary(MAX_FIELD);
        let (first, rest) = raw.split_at(held);
        let extent = if raw.len() < MAX_FIELD { Extent::Whole } else { Extent::Beginning };
        out(Span::Found { info_type, original: first, extent });
        if !rest.is_empty() {
            out(Span::Swallowed { info_type, original: rest });
        }
        self.swallowing = Some((info_type, Tail::Everything));
        self.text.release_all();
    }

    /// What begins at a place that several may look at: the longest wins, then the first info type.
    fn judge(&self, detectors: &Detectors, view: View<'_>, group: Group<'_>) -> Verdict {
        let mut best: Option<Hit> = None;
        for seed in group.seeds {
            let seed = Seed { start: group.start, kind: seed.kind };
            match detectors.ask(view, seed) {
                Answer::Nothing => {}
                Answer::Found(hit) if hit.info_type == TOKEN && !self.is_restored(view, seed.start, hit.end) => {}
                Answer::Undecided => return Verdict::Undecided,
                Answer::Found(hit) => {
                    let better = |best: &Hit| {
                        (hit.end, TOKEN.place() - hit.info_type.place())
                            > (best.end, TOKEN.place() - best.info_type.place())
                    };
                    if best.as_ref().is_none_or(better) {
                        best = Some(hit);
                    }
                }
            }
        }
        best.map_or(Verdict::Nothing, Verdict::Found)
    }
}

impl Scanner {
    fn looked_for(&self) -> Tokens {
        if self.tokens.is_some() { Tokens::Found } else { Tokens::Ignored }
    }

    fn is_restored(&self, view: View<'_>, start: usize, end: usize) -> bool {
        self.tokens.as_ref().is_some_and(|vault| vault.has_units(&view.units[start..end]))
            && !token::is_in_url(view, start)
    }
}

enum Verdict {
    Nothing,
    Undecided,
    Found(Hit),
}

/// The seeds at one place.
#[derive(Clone, Copy)]
struct Group<'a> {
    start: usize,
    seeds: &'a [Seed],
}

/// The next seeds at or after `at` and before `limit`. An e-mail whose beginning went to another value begins after that.
fn next_group<'a>(seeds: &'a [Seed], next: &mut usize, at: usize, limit: usize) -> Option<Group<'a>> {
    while seeds.get(*next).is_some_and(|seed| seed.start < at && !seed.kind.may_be_cut(at)) {
        *next += 1;
    }
    let first = seeds.get(*next)?;
    let start = first.start.max(at);
    if start >= limit {
        return None;
    }
    let from = *next;
    *next += 1;
    if first.start >= at {
        while seeds.get(*next).is_some_and(|seed| seed.start == start) {
            *next += 1;
        }
    }
    Some(Group { start, seeds: &seeds[from..*next] })
}

/// The end of the character that a value ends in: an operator's expression may match a part of one.
fn after_character(units: &[u8], end: usize) -> usize {
    end + units[end..].iter().take_while(|unit| (0x80..0xc0).contains(*unit)).count()
}

/// How far the text has been told: units, and bytes of the unreleased text.
struct Progress {
    at: usize,
    raw: usize,
}

impl Progress {
    fn find(&mut self, text: &Text, start: usize, hit: Hit, out: &mut dyn FnMut(Span<'_>)) {
        let raw = text.raw();
        let end = after_character(text.units(), hit.end);
        let from = raw.floor_char_boundary(text.raw_start(start)).max(self.raw);
        // What ends before a unit that is here is known with what is invisible before that; a token may come at the end.
        let shown = hit.tail == Tail::None && hit.info_type != TOKEN;
        let to =
            raw.ceil_char_boundary(text.raw_end(end)).max(from).max(if shown { text.invisible_to(end) } else { 0 });
        if from > self.raw {
            out(Span::Clean(&raw[self.raw..from]));
        }
        let extent = if hit.tail == Tail::None { Extent::Whole } else { Extent::Beginning };
        out(Span::Found { info_type: hit.info_type, original: &raw[from..to], extent });
        self.at = end;
        self.raw = to;
    }

    /// Drops what belongs to a value found before; whether all of it is here.
    fn swallow(
        &mut self,
        text: &Text,
        view: View<'_>,
        info_type: TypeIndex,
        tail: Tail,
        out: &mut dyn FnMut(Span<'_>),
    ) -> bool {
        let (end, done) = secret::swallow(view, self.at, tail);
        let end = after_character(view.units, end);
        let raw = text.raw();
        let mut to = self.raw;
        if end > self.at {
            to = raw.ceil_char_boundary(text.raw_end(end)).max(to);
            self.at = end;
        }
        // As in `find`; a key's end shows by the unit behind it, an armour's does not.
        if done && matches!(tail, Tail::Key | Tail::Visible) {
            to = to.max(text.invisible_to(end));
        }
        if to > self.raw {
            out(Span::Swallowed { info_type, original: &raw[self.raw..to] });
            self.raw = to;
        }
        done
    }

    /// Forgets what was told; at the end all of it is.
    fn let_go(self, text: &mut Text, more: More) {
        match more {
            More::Possible => text.release(self.at, self.raw),
            More::No => {}
        }
    }

    /// Tells everything before `limit`.
    fn release(&mut self, text: &Text, units: &[u8], limit: usize, more: More, out: &mut dyn FnMut(Span<'_>)) {
        let mut limit = limit.max(self.at);
        // Never within a character: its first unit holds the others.
        while more == More::Possible
            && limit > self.at
            && units.get(limit).is_some_and(|unit| (0x80..0xc0).contains(unit))
        {
            limit -= 1;
        }
        let raw = text.raw();
        let to = match more {
            More::Possible => raw.floor_char_boundary(text.raw_start(limit)),
            More::No => raw.len(),
        };
        if to > self.raw {
            out(Span::Clean(&raw[self.raw..to]));
            self.raw = to;
        }
        self.at = limit;
    }
}

#[cfg(test)]
#[allow(clippy::print_stdout, reason = "measurements are read by whoever runs the test")]
mod tests {
    use super::*;
    use crate::detect::WORK;
    use crate::{CustomPattern, CustomRule};
    use gatewright_model::InfoType;

    include!("../tests/support/hostile.rs");

    /// A vault with the token that some of the texts speak of.
    fn vault() -> Arc<Vault> {
        let mut vault = Vault::new();
        vault.token(&InfoType::new("EMAIL_ADDRESS").expect("a name"), "dana@example.com");
        Arc::new(vault)
    }

    fn worked(detectors: &Detectors, pieces: impl Iterator<Item = impl AsRef<str>>) -> usize {
        WORK.with(|work| work.set(0));
        let mut scanner = Scanner::new().find_tokens(vault());
        pieces.for_each(|piece| scanner.push(detectors, piece.as_ref(), &mut |_| {}));
        scanner.finish(detectors, &mut |_| {});
        WORK.with(std::cell::Cell::get)
    }

    #[test]
    fn hostile_text_is_read_in_linear_time() {
        let detectors = Detectors::builtin();
        let mut slow = Vec::new();
        for unit in HOSTILE {
            let text = unit.repeat(40_000 / unit.len());
            let per_byte = worked(&detectors, std::iter::once(&text)) as f64 / text.len() as f64;
            println!("{unit:?}: {per_byte:.1} units looked at per byte");
            if per_byte > 30.0 {
                slow.push((unit, per_byte));
            }
        }
        assert!(slow.is_empty(), "{slow:?}");
    }

    #[test]
    fn hostile_text_is_held_within_bounds() {
        let detectors = Detectors::builtin();
        let mut most = (0, "");
        for unit in HOSTILE {
            let text = unit.repeat(8_000 / unit.len());
            let mut scanner = Scanner::new().find_tokens(vault());
            let (mut told, mut given) = (0, 0);
            for character in text.chars() {
                scanner.push(&detectors, character.encode_utf8(&mut [0; 4]), &mut |span| told += span.original().len());
                given += character.len_utf8();
                assert_eq!(told + scanner.held(), given);
                most = most.max((scanner.held(), unit));
            }
        }
        println!("most held: {} bytes of {:?}", most.0, most.1);
        assert!(most.0 <= 6_144, "{most:?}");
    }

    #[test]
    fn an_operators_expression_costs_at_most_its_longest_match_per_byte() {
        let rule = CustomRule {
            name: InfoType::new("LONG").expect("a name"),
            pattern: CustomPattern::Regex("a[ab]*c".to_owned()),
        };
        let detectors = Detectors::with(&[rule]).expect("it compiles");
        let text = "a".repeat(20_000);
        let per_byte = worked(&detectors, std::iter::once(&text)) as f64 / text.len() as f64;
        assert!(per_byte < 300.0, "{per_byte}");
    }

    #[test]
    fn a_scanner_at_rest_is_small() {
        let detectors = Detectors::builtin();
        let mut scanner = Scanner::new();
        let prose = "Some readers find the second chapter slow, but the ending rewards their patience. ".repeat(100);
        scanner.push(&detectors, &prose, &mut |_| {});
        let kept = scanner.text.footprint() + std::mem::size_of::<Scanner>();
        assert!(kept < 2_048, "{kept} bytes");
    }
}
