//! What is held: the end of a text in which a value may have begun that nothing shows yet.

use super::super::{email, is_alnum, signs};

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
pub(super) fn is_word_unit(unit: u8) -> bool {
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
    let is_gap = |unit: &&u8| {
        matches!(unit, b' ' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'<' | b'>' | b'@' | b'/' | b'|' | b'*' | b'"')
    };
    end - units[floor.min(end)..end].iter().rev().take(6).take_while(is_gap).count()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Beginning,
    Whole,
}

/// Whether the word spells an `@` or a dot, or may be about to.
fn is_sign_word(word: &[u8], part: Part) -> bool {
    // `_at_` and `-dot-` are words with what fences them.
    let fenced = |unit: &u8| matches!(unit, b'_' | b'-');
    let bare = word.iter().skip_while(|unit| fenced(unit)).count();
    let word = &word[word.len() - bare..];
    let word = &word[..word.iter().rposition(|unit| !fenced(unit)).map_or(0, |last| last + 1)];
    match part {
        Part::Whole => signs::ATS.have(word) || signs::DOTS.have(word),
        Part::Beginning => signs::ATS.may_go_on(word) || signs::DOTS.may_go_on(word),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::keys::PREFIXED;
    use super::*;

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
