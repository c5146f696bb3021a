//! What the text just before a value speaks of. Only backward, so that a stream need not wait for it.

use std::sync::LazyLock;

use aho_corasick::automaton::Automaton;
use aho_corasick::{Anchored, Input, dfa};

use super::View;
use crate::text::fold_str;

/// How many units before a value are read for context.
pub(crate) const CONTEXT: usize = 96;

/// What a text can speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    /// Phone, fax, text messages.
    Phone,
    /// United States social security.
    SocialSecurity,
    /// Versions, builds, releases: not an address.
    Version,
    /// United Kingdom national insurance.
    NationalInsurance,
    /// Bank accounts.
    Account,
    /// An order, invoice, tracking or other number of a thing.
    Thing,
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
        Topic::SocialSecurity,
        &[
            "ssn",
            "social security",
            "social_security",
            "socialsecurity",
            "soc sec",
            "social-security",
            "ssid$",
            "seguro social",
            "sécurité sociale",
            "sozialversicherung",
            "tax id",
            "taxpayer",
            "tin$",
            "社会安全号",
            "社会保障号",
            "社会保障番号",
            "사회보장번호",
            "социального страхования",
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
    (Topic::NationalInsurance, &["national insurance", "nino", "ni number", "ni no", "insurance number"]),
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
    words: Vec<(Topic, bool)>,
}

static VOCABULARY: LazyLock<Option<Vocabulary>> = LazyLock::new(|| {
    let mut words = Vec::new();
    let mut patterns = Vec::new();
    for (topic, written) in WORDS {
        for word in *written {
            words.push((*topic, word.ends_with('$')));
            patterns.push(fold_str(word.trim_end_matches('$')));
        }
    }
    let automaton = dfa::DFA::builder().ascii_case_insensitive(true).build(&patterns).ok()?;
    Some(Vocabulary { automaton, words })
});

/// Builds what this module keeps, so that the first text does not pay for it.
pub(crate) fn prepare() {
    LazyLock::force(&VOCABULARY);
}

/// The topic that is spoken of last before `at`, in the same record: not before a blank line, and not before the key
/// where `at` is the value of one.
pub(crate) fn nearest(view: View<'_>, at: usize) -> Option<Topic> {
    nearest_since(view, context_start(view, at), at)
}

fn nearest_since(view: View<'_>, start: usize, at: usize) -> Option<Topic> {
    super::work(at - start);
    let vocabulary = VOCABULARY.as_ref()?;
    let input = Input::new(view.units).span(start..at).anchored(Anchored::No);
    let mut state = vocabulary.automaton.start_state(Anchored::No).ok()?;
    let mut nearest = None;
    for place in input.start()..input.end() {
        state = vocabulary.automaton.next_state(Anchored::No, state, view.units[place]);
        if !vocabulary.automaton.is_special(state) || !vocabulary.automaton.is_match(state) {
            continue;
        }
        for index in 0..vocabulary.automaton.match_len(state) {
            let pattern = vocabulary.automaton.match_pattern(state, index);
            let length = vocabulary.automaton.pattern_len(pattern);
            let (topic, whole) = vocabulary.words[pattern.as_usize()];
            if stands_alone(view, place + 1 - length, place + 1, whole, at) {
                nearest = Some(topic);
            }
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
    nearest_since(near, at.saturating_sub(24).max(context_start(view, at)), at) == Some(Topic::Version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::More;

    fn topic(before: &str) -> Option<Topic> {
        let units = fold_str(before);
        nearest(View { units: &units, more: More::No }, units.len())
    }

    #[test]
    fn the_last_topic_counts() {
        assert_eq!(topic("Call me; my SSN is "), Some(Topic::SocialSecurity));
        assert_eq!(topic("my SSN; call "), Some(Topic::Phone));
        assert_eq!(topic("номер телефона "), Some(Topic::Phone));
        assert_eq!(topic("the hotel at "), None);
        assert_eq!(topic("SSN\n\nIt was "), None);
    }

    #[test]
    fn a_key_speaks_for_its_value_alone() {
        assert_eq!(topic(r#"{"ssn": "1", "weight": ""#), None);
        assert_eq!(topic(r#"{"weight": 1, "homePhone": ""#), Some(Topic::Phone));
    }
}
