//! What the text just before a value speaks of. Only backward, so that a stream need not wait for it.

use std::sync::LazyLock;

use aho_corasick::automaton::Automaton;
use aho_corasick::{Anchored, dfa};

use super::View;
use super::registry::{Builtin, entries};
use crate::text::fold_str;

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

/// Words by topic, as written; one that ends in `$` must end there.
const WORDS: &[(Topic, &[&str])] = &[
    (
        Topic::Phone,
        &[
            "phone",
            "telephone",
            "tel$",
            "telefon",
            "teléfono",
            "téléphone",
            "telefono",
            "telefoon",
            "telefone",
            "mobile",
            "mobil",
            "mobiel",
            "móvil",
            "celular",
            "cellulare",
            "cell$",
            "handy",
            "portable",
            "komórk",
            "fax",
            "call$",
            "calls$",
            "called$",
            "calling$",
            "dial",
            "sms$",
            "text$",
            "whatsapp",
            "ring$",
            "rufen",
            "anruf",
            "erreichbar",
            "appel",
            "llame",
            "llama",
            "ligue",
            "chiama",
            "bel$",
            "ringa",
            "zadzwoń",
            "hotline",
            "helpline",
            "voicemail",
            "電話",
            "电话",
            "手机",
            "携帯",
            "拨打",
            "致电",
            "전화",
            "연락처",
            "телефон",
            "звоните",
            "позвоните",
            "هاتف",
            "اتصل",
            "फ़ोन",
            "फोन",
            "मोबाइल",
            "ফোন",
            "โทร",
            "điện thoại",
            "msisdn",
            "contact number",
            "reach me at",
            "reach us at",
            "reach him at",
            "reach her at",
            "reach them at",
        ],
    ),
    (
        Topic::Version,
        &[
            "version",
            "versión",
            "versão",
            "versione",
            "versie",
            "wersja",
            "ver$",
            "ver.",
            "release",
            "build",
            "firmware",
            "driver",
            "v$",
            "rev$",
            "revision",
            "sdk",
            "upgrade",
            "patch",
            "changelog",
            "バージョン",
            "版本",
            "버전",
            "версия",
            "tag$",
            "section",
            "clause",
            "oid$",
        ],
    ),
    (Topic::Account, &["iban", "account", "konto", "compte", "cuenta", "rekening"]),
    (
        Topic::Thing,
        &[
            "order",
            "invoice",
            "tracking",
            "ticket",
            "sku",
            "isbn",
            "ean",
            "gtin",
            "upc",
            "barcode",
            "cusip",
            "isin",
            "issn",
            "serial",
            "commit",
            "batch",
            "case$",
            "part$",
            "reference",
            "timestamp",
            "epoch",
            "checksum",
            "hash",
            "pid$",
            "port$",
            "doi$",
            "identifier",
            "id$",
            "created_at",
            "updated_at",
            "bestell",
            "rechnung",
            "commande",
            "facture",
            "pedido",
            "factura",
            "заказ",
            "订单",
            "注文",
        ],
    ),
];

struct Vocabulary {
    automaton: dfa::DFA,
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
    let automaton = dfa::DFA::builder().ascii_case_insensitive(true).build(&patterns).ok()?;
    Some(Vocabulary { automaton, words })
});

/// Builds what this module keeps, so that the first text does not pay for it.
pub(crate) fn prepare() {
    LazyLock::force(&VOCABULARY);
}

/// What is spoken of last before `at`, in the same record: not before a blank line, and not before the key where `at`
/// is the value of one. Of words that end together the longest counts.
pub(crate) fn nearest(view: View<'_>, at: usize) -> Subjects {
    match may_speak(&view.units[at.saturating_sub(CONTEXT)..at]) {
        true => nearest_since(view, context_start(view, at), at),
        false => Subjects::default(),
    }
}

/// Whether a word may stand here: every one has a letter. Without a branch per unit, which compilers turn into vector
/// instructions.
fn may_speak(units: &[u8]) -> bool {
    units.iter().fold(false, |any, unit| any | (*unit >= 0x80 || unit.is_ascii_alphabetic()))
}

fn nearest_since(view: View<'_>, start: usize, at: usize) -> Subjects {
    super::work(at - start);
    let mut nearest = Subjects::default();
    let Some(vocabulary) = VOCABULARY.as_ref() else { return nearest };
    let automaton = &vocabulary.automaton;
    let Ok(mut state) = automaton.start_state(Anchored::No) else { return nearest };
    for (place, unit) in view.units[..at].iter().enumerate().skip(start) {
        state = automaton.next_state(Anchored::No, state, *unit);
        if !automaton.is_special(state) || !automaton.is_match(state) {
            continue;
        }
        let (mut longest, mut subjects) = (0, Subjects::default());
        for index in 0..automaton.match_len(state) {
            let pattern = automaton.match_pattern(state, index);
            let length = automaton.pattern_len(pattern);
            let word = &vocabulary.words[pattern.as_usize()];
            let begins = place + 1 - length;
            let in_capitals = || !view.units[begins..=place].iter().any(u8::is_ascii_lowercase);
            if length >= longest
                && stands_alone(view, begins, place + 1, word.whole, at)
                && (!word.capitals || in_capitals())
            {
                subjects = if length > longest { word.subjects } else { subjects.and(word.subjects) };
                longest = length;
            }
        }
        if longest > 0 {
            nearest = subjects;
        }
    }
    nearest
}

fn stands_alone(view: View<'_>, start: usize, end: usize, whole: bool, at: usize) -> bool {
    let (before, first) = (view.before(start), view.units[start]);
    let hump = before.is_ascii_lowercase() && first.is_ascii_uppercase();
    let begins = !before.is_ascii_alphabetic() || hump || first >= 0x80;
    let ends = !whole || end >= at || !view.units[end].is_ascii_lowercase();
    begins && ends
}

fn context_start(view: View<'_>, at: usize) -> usize {
    let earliest = at.saturating_sub(CONTEXT);
    let window = &view.units[earliest..at];
    // A table's cell: the one before may be its name.
    if let Some(bar) = last_visible(window).filter(|place| window[*place] == b'|') {
        let cell = window[..bar].iter().rposition(|unit| matches!(unit, b'|' | b'\n')).map_or(0, |place| place + 1);
        return earliest + cell;
    }
    let mut start = window.windows(2).rposition(|pair| pair == b"\n\n").map_or(0, |place| place + 2);
    // The value of a key in JSON, YAML or a query: what its neighbours are called says nothing about it.
    let value = window.iter().rposition(|unit| !matches!(unit, b'"' | b'\'' | b'`' | b' ' | b'[' | b'+' | b'('));
    if let Some(sign) = value.filter(|place| matches!(window[*place], b':' | b'=')) {
        let boundary = |unit: &u8| matches!(unit, b',' | b'{' | b'\n' | b'&' | b';' | b'?' | b'|');
        start = start.max(window[..sign].iter().rposition(boundary).map_or(0, |place| place + 1));
    }
    earliest + start
}

fn last_visible(window: &[u8]) -> Option<usize> {
    window.iter().rposition(|unit| !matches!(unit, b' ' | b'+' | b'(' | b'*' | b'`'))
}

/// Whether the text just before `at` calls what follows a version.
pub(crate) fn is_version(view: View<'_>, at: usize) -> bool {
    // Far-off versions say nothing of an address.
    let near = View { units: &view.units[..at], ..view };
    let from = at.saturating_sub(24);
    may_speak(&view.units[from..at])
        && nearest_since(near, from.max(context_start(view, at)), at).speak_of(Topic::Version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::More;

    fn topics(before: &str) -> Subjects {
        let units = fold_str(before);
        nearest(View { units: &units, more: More::No }, units.len())
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
