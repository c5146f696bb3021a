//! The `@` and the dots of an address as people spell them: as words, in brackets or between other signs.

/// How the `@` is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    /// `@` between the parts.
    Plain,
    /// `[at]`, `(at)`, ` @ `: dots may be spelled as well.
    Marked,
    /// The bare word: dots must be spelled as well.
    Word,
}

/// A word in or without brackets.
pub(super) enum Token {
    Read(usize),
    Not,
    CutOff,
}

/// What languages call a sign, and with which units that begins.
pub(crate) struct Names {
    names: &'static [&'static [u8]],
    begins: [bool; 256],
}

impl Names {
    const fn new(names: &'static [&'static [u8]]) -> Self {
        let (mut begins, mut place) = ([false; 256], 0);
        while place < names.len() {
            begins[names[place][0] as usize] = true;
            begins[names[place][0].to_ascii_uppercase() as usize] = true;
            place += 1;
        }
        Self { names, begins }
    }

    /// Whether one begins with this unit.
    #[inline]
    pub(crate) const fn begin_with(&self, unit: u8) -> bool {
        self.begins[unit as usize]
    }

    /// Whether this is one.
    pub(crate) fn have(&self, word: &[u8]) -> bool {
        word.first().is_some_and(|first| self.begin_with(*first))
            && self.names.iter().any(|name| name.eq_ignore_ascii_case(word))
    }

    /// Whether one begins so.
    pub(crate) fn may_go_on(&self, word: &[u8]) -> bool {
        let Some(first) = word.first() else { return true };
        let begins = |name: &&[u8]| name.get(..word.len()).is_some_and(|begun| begun.eq_ignore_ascii_case(word));
        self.begin_with(*first) && self.names.iter().any(begins)
    }

    /// How long the one is that stands at the beginning of these units.
    fn length_at(&self, units: &[u8]) -> Option<usize> {
        let stands = |name: &&&[u8]| units.get(..name.len()).is_some_and(|here| here.eq_ignore_ascii_case(name));
        self.names.iter().find(stands).map(|name| name.len())
    }
}

/// A dot, as the detectors see its names; `точка` looks partly Latin.
pub(crate) static DOTS: Names = Names::new(&[
    b"dot",
    b"punkt",
    b"punto",
    b"point",
    b"ponto",
    b"punt",
    b"kropka",
    b"nokta",
    b"piste",
    b"to\xd1\x87ka",
    b".",
]);

/// An `@`, as the detectors see its names: `ät` is `at`, and `собака` looks partly Latin.
pub(crate) static ATS: Names = Names::new(&[
    b"at",
    b"arroba",
    b"arobase",
    b"chiocciola",
    b"malpa",
    b"kukac",
    b"zavinac",
    b"klammeraffe",
    b"apenstaartje",
    b"miukumauku",
    b"snabel-a",
    b"alfakroll",
    b"co\xd0\xb1aka",
    b"@",
]);

/// No name is longer.
const MAX_NAME: usize = 12;

/// Whether a sign stands on both sides of a word as brackets do: `_at_`, `/dot/`.
pub(crate) const fn is_fence(unit: u8) -> bool {
    matches!(unit, b'_' | b'-' | b'/' | b'|' | b'*' | b'"')
}

/// A dot that is spelled out: ` [dot] `, `(punkt)`, and beside an `@` that is spelled out also ` dot `; beside the bare
/// word only that.
pub(super) fn read_dot(units: &[u8], sign: Sign) -> Token {
    match (sign, read_word(units, &DOTS, sign != Sign::Plain)) {
        (Sign::Word, Token::Read(length)) if units[..length].iter().any(|unit| is_bracket(*unit) || *unit == b'.') => {
            Token::Not
        }
        (_, token) => token,
    }
}

/// An `@` that is spelled out, at the start of these units.
pub(crate) fn read_at(units: &[u8]) -> Option<(usize, Sign)> {
    let Token::Read(length) = read_word(units, &ATS, true) else { return None };
    let marked = units[..length].iter().any(|unit| *unit == b'@' || is_bracket(*unit));
    if marked {
        return Some((length, Sign::Marked));
    }
    let sign = units[length..].get(..5).filter(|rest| rest.eq_ignore_ascii_case(b"sign ") && units[length - 1] == b' ');
    Some((length + sign.map_or(0, <[u8]>::len), Sign::Word))
}

const fn is_bracket(unit: u8) -> bool {
    matches!(unit, b'[' | b'(' | b'{' | b'<')
}

fn read_word(units: &[u8], words: &Names, bare: bool) -> Token {
    let spaces = |from: usize| units[from.min(units.len())..].iter().take(2).take_while(|unit| **unit == b' ').count();
    let before = spaces(0);
    let mut at = before;
    let Some(open) = units.get(at) else { return Token::CutOff };
    let close = match open {
        b'[' => Some(b']'),
        b'(' => Some(b')'),
        b'{' => Some(b'}'),
        b'<' => Some(b'>'),
        fence if is_fence(*fence) => Some(*fence),
        _ if bare && before > 0 => None,
        _ => return Token::Not,
    };
    if close.is_some() {
        at += 1;
        at += if is_fence(*open) { 0 } else { spaces(at) };
    }
    let rest = &units[at.min(units.len())..];
    if rest.first().is_some_and(|first| !words.begin_with(*first)) {
        return Token::Not;
    }
    let Some(length) = words.length_at(rest) else {
        let begun = rest.len() < MAX_NAME && words.may_go_on(rest);
        return if begun { Token::CutOff } else { Token::Not };
    };
    at += length;
    let after = if is_fence(*open) { 0 } else { spaces(at) };
    match close {
        None if at + after >= units.len() => Token::CutOff,
        None if after > 0 => Token::Read(at + after),
        None => Token::Not,
        Some(close) => match units.get(at + after) {
            None => Token::CutOff,
            Some(unit) if *unit == close => {
                let end = at + after + 1;
                Token::Read(end + spaces(end))
            }
            Some(_) => Token::Not,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::fold_str;

    #[test]
    fn names_are_as_the_detectors_see_them() {
        for name in ["at", "ät", "małpa", "zavináč", "собака", "СОБАКА", "alfakrøll"] {
            assert!(ATS.have(&fold_str(name)), "{name}");
        }
        for name in ["dot", "Punkt", "точка", "."] {
            assert!(DOTS.have(&fold_str(name)), "{name}");
        }
        assert!(ATS.names.iter().chain(DOTS.names).all(|name| name.len() <= MAX_NAME));
    }

    #[test]
    fn signs_stand_in_brackets_or_between_other_signs() {
        let read = |text: &str| read_at(text.as_bytes());
        assert_eq!(read(" [at] x"), Some((6, Sign::Marked)));
        assert_eq!(read("_at_x"), Some((4, Sign::Word)));
        assert_eq!(read(" /at/ x"), Some((6, Sign::Word)));
        assert_eq!(read(" at sign x"), Some((9, Sign::Word)));
        assert_eq!(read("_at-x"), None);
        assert_eq!(read("_ at _x"), None);
    }
}
