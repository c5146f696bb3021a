//! What the text just before a value speaks of. Only backward, so that a stream need not wait for it.

mod words;

use std::sync::LazyLock;

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::{Anchored, dfa};

use super::View;
use super::registry::{Builtin, entries};
use crate::text::fold_str;
use words::WORDS;

/// How many units before a value are read for context.
pub(crate) const CONTEXT: usize = 96;

/// What a text can speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    /// Phone, fax, text messages.
    Phone,
    /// Versions, builds, releases: not an address.
    Version,
    /// Bank accounts.
    Account,
    /// An order, invoice, tracking or other number of a thing.
    Thing,
    /// What the registry has words for.
    Of(Builtin),
}

/// What a word speaks of: of several identifiers, where countries share a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subjects(u128);

/// The bits below are those of the topics that are no identifier.
const FIRST_IDENTIFIER: usize = 4;

impl Subjects {
    const fn of(topic: Topic) -> Self {
        Self(match topic {
            Topic::Phone => 1,
            Topic::Version => 2,
            Topic::Account => 4,
            Topic::Thing => 8,
            Topic::Of(builtin) => 1 << (FIRST_IDENTIFIER + builtin.index().place()),
        })
    }

    const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether this is among them.
    pub(crate) const fn speak_of(self, topic: Topic) -> bool {
        self.0 & Self::of(topic).0 != 0
    }

    /// Whether an identifier is among them.
    pub(crate) const fn speak_of_an_identifier(self) -> bool {
        self.0 >> FIRST_IDENTIFIER != 0
    }
}

struct Vocabulary {
    automaton: dfa::DFA,
    /// With which units a word, or a blank line, begins.
    begins: [bool; 256],
    words: Vec<Word>,
}

/// What a pattern of the automaton speaks of, and how it must stand.
struct Word {
    subjects: Subjects,
    whole: bool,
    capitals: bool,
}

static VOCABULARY: LazyLock<Option<Vocabulary>> = LazyLock::new(|| {
    let (mut words, mut patterns) = (Vec::<Word>::new(), Vec::<Vec<u8>>::new());
    let general = WORDS.iter().flat_map(|(topic, written)| written.iter().map(|word| (*topic, *word)));
    let registered = entries().flat_map(|entry| entry.context.iter().map(|word| (Topic::Of(entry.builtin), *word)));
    for (topic, written) in general.chain(registered) {
        let whole = written.ends_with('$');
        let capitals = written.len() > 1 && written.bytes().all(|unit| unit.is_ascii_uppercase() || unit == b'$');
        words.push(Word { subjects: Subjects::of(topic), whole, capitals });
        patterns.push(fold_str(written.trim_end_matches('$')));
    }
    let mut begins = [false; 256];
    for first in patterns.iter().filter_map(|pattern| pattern.first()).chain(b"\n") {
        begins[usize::from(first.to_ascii_lowercase())] = true;
        begins[usize::from(first.to_ascii_uppercase())] = true;
    }
    let automaton = dfa::DFA::builder().ascii_case_insensitive(true).build(&patterns).ok()?;
    Some(Vocabulary { automaton, begins, words })
});

/// Builds what this module keeps, so that the first text does not pay for it.
pub(crate) fn prepare() {
    LazyLock::force(&VOCABULARY);
}

/// What is spoken of last before `at`, in the same record: not before a blank line, and not before the key where `at`
/// is the value of one. Of words that end together the longest counts.
pub(crate) fn nearest(view: View<'_>, at: usize) -> Subjects {
    nearest_within(view, at, CONTEXT)
}

/// Whether the text just before `at` calls what follows a version.
pub(crate) fn is_version(view: View<'_>, at: usize) -> bool {
    // Far-off versions say nothing of an address.
    nearest_within(view, at, 24).speak_of(Topic::Version)
}

fn nearest_within(view: View<'_>, at: usize, reach: usize) -> Subjects {
    let mut mentions = view.memory.mentions.borrow_mut();
    mentions.read(view, at);
    let earliest = at.saturating_sub(reach);
    let mut start = None;
    let mut nearest: Option<(Mention, Subjects)> = None;
    for mention in mentions.before(at) {
        if mention.end <= earliest || nearest.as_ref().is_some_and(|(nearest, _)| nearest.end != mention.end) {
            break;
        }
        if mention.is_blank_line() && mention.begins >= earliest {
            break;
        }
        let ends = !mention.whole || mention.end == at || !view.units[mention.end].is_ascii_lowercase();
        if !ends || mention.begins < *start.get_or_insert_with(|| context_start(view, earliest, at)) {
            continue;
        }
        nearest = match nearest {
            Some((longest, subjects)) if longest.begins < mention.begins => Some((longest, subjects)),
            Some((longest, subjects)) if longest.begins == mention.begins => {
                Some((longest, subjects.and(mention.subjects)))
            }
            Some(_) | None => Some((*mention, mention.subjects)),
        };
    }
    nearest.map_or_else(Subjects::default, |(_, subjects)| subjects)
}

/// Where the words of a text stand. They are looked for once, however many places ask what is spoken of before them.
#[derive(Default)]
pub(crate) struct Mentions {
    /// The units that were read: `from..to`.
    from: usize,
    to: usize,
    state: Option<StateID>,
    /// By where they end.
    found: Vec<Mention>,
}

/// A word that speaks of something; or a blank line, which speaks of nothing, and of which nothing before it speaks.
#[derive(Clone, Copy)]
struct Mention {
    begins: usize,
    end: usize,
    subjects: Subjects,
    /// Whether it must end there.
    whole: bool,
}

impl Mention {
    fn is_blank_line(&self) -> bool {
        self.subjects == Subjects::default()
    }
}

impl Mentions {
    /// Those that end before `at`, the last first.
    fn before(&self, at: usize) -> impl Iterator<Item = &Mention> {
        let later = self.found.iter().rev().take_while(|mention| mention.end > at).count();
        self.found[..self.found.len() - later].iter().rev()
    }

    /// Reads what stands before `at`, as far back as anyone looks.
    fn read(&mut self, view: View<'_>, at: usize) {
        let earliest = at.saturating_sub(CONTEXT);
        if self.state.is_none() || earliest < self.from || earliest > self.to {
            *self = Self { from: earliest, to: earliest, ..Self::default() };
        }
        let Some(vocabulary) = VOCABULARY.as_ref().filter(|_| self.to < at) else { return };
        let automaton = &vocabulary.automaton;
        let Ok(start) = automaton.start_state(Anchored::No) else { return };
        let mut state = self.state.unwrap_or(start);
        super::work(at - self.to);
        for (place, unit) in view.units[..at].iter().enumerate().skip(self.to) {
            if state == start && !vocabulary.begins[usize::from(*unit)] {
                continue;
            }
            state = automaton.next_state(Anchored::No, state, *unit);
            if *unit == b'\n' && place > self.from && view.units[place - 1] == b'\n' {
                let subjects = Subjects::default();
                self.found.push(Mention { begins: place - 1, end: place + 1, subjects, whole: false });
            }
            if automaton.is_special(state) && automaton.is_match(state) {
                self.note(vocabulary, view, state, place + 1);
            }
        }
        self.state = Some(state);
        self.to = at;
    }

    /// Writes down the words that end here and begin where a word may.
    fn note(&mut self, vocabulary: &Vocabulary, view: View<'_>, state: StateID, end: usize) {
        for index in 0..vocabulary.automaton.match_len(state) {
            let pattern = vocabulary.automaton.match_pattern(state, index);
            let begins = end - vocabulary.automaton.pattern_len(pattern);
            let Word { subjects, whole, capitals } = vocabulary.words[pattern.as_usize()];
            let in_capitals = || !view.units[begins..end].iter().any(u8::is_ascii_lowercase);
            if begins_word(view, begins) && (!capitals || in_capitals()) {
                self.found.push(Mention { begins, end, subjects, whole });
            }
        }
    }
}

fn begins_word(view: View<'_>, start: usize) -> bool {
    let (before, first) = (view.before(start), view.units[start]);
    let hump = before.is_ascii_lowercase() && first.is_ascii_uppercase();
    !before.is_ascii_alphabetic() || hump || first >= 0x80
}

/// From where on words speak of what stands at `at`, not before `earliest`; blank lines aside.
fn context_start(view: View<'_>, earliest: usize, at: usize) -> usize {
    let window = &view.units[earliest..at];
    super::work(window.len());
    // A table's cell: the one before may be its name.
    if let Some(bar) = last_visible(window).filter(|place| window[*place] == b'|') {
        let cell = window[..bar].iter().rposition(|unit| matches!(unit, b'|' | b'\n')).map_or(0, |place| place + 1);
        return earliest + cell;
    }
    // The value of a key in JSON, YAML or a query: what its neighbours are called says nothing about it.
    let value = window.iter().rposition(|unit| !matches!(unit, b'"' | b'\'' | b'`' | b' ' | b'[' | b'+' | b'('));
    let Some(sign) = value.filter(|place| matches!(window[*place], b':' | b'=')) else { return earliest };
    let boundary = |unit: &u8| matches!(unit, b',' | b'{' | b'\n' | b'&' | b';' | b'?' | b'|');
    earliest + window[..sign].iter().rposition(boundary).map_or(0, |place| place + 1)
}

fn last_visible(window: &[u8]) -> Option<usize> {
    window.iter().rposition(|unit| !matches!(unit, b' ' | b'+' | b'(' | b'*' | b'`'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Memory;
    use crate::text::More;

    fn topics(before: &str) -> Subjects {
        let units = fold_str(before);
        nearest(View::new(&units, More::No, &Memory::default()), units.len())
    }

    #[test]
    fn every_word_has_a_letter() {
        let registered = entries().flat_map(|entry| entry.context.iter());
        for word in WORDS.iter().flat_map(|(_, written)| written.iter()).chain(registered) {
            assert!(fold_str(word).iter().any(|unit| *unit >= 0x80 || unit.is_ascii_alphabetic()), "{word}");
        }
    }

    #[test]
    fn the_last_topic_counts() {
        assert!(topics("Call me; my SSN is ").speak_of(Topic::Of(Builtin::UsSsn)));
        assert_eq!(topics("my SSN; call "), Subjects::of(Topic::Phone));
        assert_eq!(topics("номер телефона "), Subjects::of(Topic::Phone));
        assert_eq!(topics("the hotel at "), Subjects::default());
        assert_eq!(topics("SSN\n\nIt was "), Subjects::default());
    }

    #[test]
    fn countries_share_names_and_common_words_need_capitals() {
        let both = topics("NIF ");
        assert!(both.speak_of(Topic::Of(Builtin::EsNif)) && both.speak_of(Topic::Of(Builtin::PtNif)));
        assert_eq!(topics("a sin "), Subjects::default());
        assert!(topics("SIN ").speak_of(Topic::Of(Builtin::CaSin)));
        assert!(topics("national id: SA ID ").speak_of(Topic::Of(Builtin::ZaId)));
    }

    #[test]
    fn a_key_speaks_for_its_value_alone() {
        assert_eq!(topics(r#"{"ssn": "1", "weight": ""#), Subjects::default());
        assert_eq!(topics(r#"{"weight": 1, "homePhone": ""#), Subjects::of(Topic::Phone));
    }
}
