use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// What a character looks like to the detectors.
pub(super) enum Folding {
    /// Like itself.
    Same,
    /// Like these.
    To(Units),
    /// Like nothing.
    Invisible,
}

/// A few bytes of UTF-8.
#[derive(Clone, Copy)]
pub(super) struct Units {
    bytes: [u8; 8],
    length: u8,
}

impl Units {
    fn of(text: &str) -> Option<Self> {
        let mut bytes = [0; 8];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(Self { bytes, length: text.len() as u8 })
    }

    const fn ascii(byte: u8) -> Self {
        Self { bytes: [byte, 0, 0, 0, 0, 0, 0, 0], length: 1 }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

/// How many of the first bytes are ASCII that can begin no escape.
pub(super) fn plain_prefix(bytes: &[u8]) -> usize {
    let special = |byte: u8| byte >= 0x80 || byte == b'\\' || byte == b'%' || byte == b'&';
    let mut plain = 0;
    if bytes.first().is_none_or(|first| special(*first)) {
        return plain;
    }
    // Whole blocks without a branch per byte, which compilers turn into vector instructions.
    for block in bytes.chunks_exact(64) {
        if block.iter().fold(false, |any, byte| any | special(*byte)) {
            break;
        }
        plain += 64;
    }
    plain + bytes[plain..].iter().take_while(|byte| !special(**byte)).count()
}

/// A text as the detectors would see it.
pub(crate) fn fold_str(text: &str) -> Vec<u8> {
    let mut units = Vec::with_capacity(text.len());
    for character in text.chars() {
        match fold_char(character) {
            Folding::Same => units.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            Folding::To(folded) => units.extend_from_slice(folded.as_bytes()),
            Folding::Invisible => {}
        }
    }
    units
}

const SAME: u8 = 0;
const INVISIBLE: u8 = 1;
const LOOK_UP: u8 = 2;

/// What every character looks like up to here. After it none folds to another, and only tags are invisible.
const KNOWN: u32 = 0x3_0000;

/// Ideographs, syllables and signs that fold to nothing else; working that out would be most of the start-up.
const UNCHANGED: [std::ops::Range<u32>; 6] =
    [0x3400..0x4dc0, 0x4e00..0xa000, 0xac00..0xd7a4, 0x1_2000..0x1_6a00, 0x1_7000..0x1_b000, 0x2_0000..0x2_f800];

/// What characters look like, worked out once.
struct Looks {
    /// One byte per character: what it folds to where that is ASCII, else a mark from above.
    marks: Box<[u8]>,
    /// Where the others are of each block of 64 characters.
    blocks: Box<[Block]>,
    /// What the others fold to, in order.
    others: Vec<Units>,
}

/// Which of 64 characters fold to what one byte cannot say, and how many do before them.
#[derive(Clone, Copy, Default)]
struct Block {
    members: u64,
    before: u32,
}

static LOOKS: LazyLock<Looks> = LazyLock::new(|| {
    let (mut others, mut blocks) = (Vec::new(), vec![Block::default(); (KNOWN / 64) as usize]);
    let mut mark = |code: u32| match char::from_u32(code).filter(|character| !character.is_ascii()) {
        Some(character) if !UNCHANGED.iter().any(|range| range.contains(&code)) => match work_out(character) {
            Folding::Same => SAME,
            Folding::Invisible => INVISIBLE,
            Folding::To(units) if units.length == 1 && units.bytes[0] > LOOK_UP => units.bytes[0],
            Folding::To(units) => {
                let block = &mut blocks[(code / 64) as usize];
                if block.members == 0 {
                    block.before = others.len() as u32;
                }
                block.members |= 1 << (code % 64);
                others.push(units);
                LOOK_UP
            }
        },
        _ => SAME,
    };
    let marks = (0..KNOWN).map(&mut mark).collect();
    Looks { marks, blocks: blocks.into(), others }
});

/// What this character looks like.
pub(super) fn fold_char(character: char) -> Folding {
    if character.is_ascii() {
        return Folding::Same;
    }
    let looks = &*LOOKS;
    match looks.marks.get(character as usize).copied() {
        Some(SAME) => Folding::Same,
        Some(INVISIBLE) => Folding::Invisible,
        Some(LOOK_UP) => {
            let (code, block) = (character as u32, looks.blocks[character as usize / 64]);
            let before = block.members & ((1 << (code % 64)) - 1);
            Folding::To(looks.others[(block.before + before.count_ones()) as usize])
        }
        Some(byte) => Folding::To(Units::ascii(byte)),
        None if is_invisible(character) => Folding::Invisible,
        None => Folding::Same,
    }
}

fn work_out(character: char) -> Folding {
    if is_invisible(character) {
        return Folding::Invisible;
    }
    if let Some(byte) = stands_for(character).or_else(|| digit(character)) {
        return Folding::To(Units::ascii(byte));
    }
    let mut folded = String::new();
    for part in std::iter::once(character).nfkd().filter(|part| !is_stripped_mark(*part)) {
        match stands_for(part).or_else(|| digit(part)) {
            Some(byte) => folded.push(byte as char),
            None => folded.push(part),
        }
    }
    // Other scripts keep their letters, in lower case: only an operator's words are looked for among them.
    if !folded.is_ascii() {
        folded = folded.nfc().flat_map(char::to_lowercase).collect();
    }
    let mut own = [0; 4];
    match Units::of(&folded) {
        _ if folded == *character.encode_utf8(&mut own) => Folding::Same,
        Some(units) if !folded.is_empty() => Folding::To(units),
        _ => Folding::Same,
    }
}

/// Default-ignorable and format characters, and combining accents: what changes no letter for a reader.
fn is_invisible(character: char) -> bool {
    is_stripped_mark(character)
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Accents of the Latin, Greek and Cyrillic scripts and for symbols. The vowel signs of other scripts are letters there.
fn is_stripped_mark(character: char) -> bool {
    is_combining_mark(character)
        && matches!(character, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
            | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// Where the ten decimal digits of each script begin (Unicode 16, general category Nd).
const DIGIT_ZEROS: [u32; 62] = [
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0, 0xf20,
    0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0,
    0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x10d40, 0x11066, 0x110f0, 0x11136, 0x111d0,
    0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x116d0, 0x116da, 0x11730, 0x118e0, 0x11950, 0x11bf0, 0x11c50,
    0x11d50, 0x11da0, 0x11f50, 0x16a60, 0x16ac0, 0x16b50, 0x1e140,
];

fn digit(character: char) -> Option<u8> {
    let code = character as u32;
    let zero = DIGIT_ZEROS.iter().find(|zero| (**zero..**zero + 10).contains(&code))?;
    Some(b'0' + (code - zero) as u8)
}

/// Characters that a reader takes for an ASCII one although Unicode does not call them compatible: punctuation used
/// as a separator, and letters of other scripts that look Latin (after Unicode Technical Standard 39). A capital and its
/// small letter go together even where only one of them looks alike, so that letter case stays what it is.
fn stands_for(character: char) -> Option<u8> {
    Some(match character {
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => b' ',
        '\u{2028}' | '\u{2029}' | '\u{85}' => b'\n',
        '\u{2010}'..='\u{2015}'
        | '\u{2043}'
        | '\u{2212}'
        | '\u{2e3a}'
        | '\u{2e3b}'
        | '\u{30fc}'
        | '\u{fe31}'
        | '\u{fe32}'
        | '\u{fe58}'
        | '\u{fe63}'
        | '\u{ff0d}'
        | '\u{2796}'
        | '\u{ff70}'
        | '\u{58a}'
        | '\u{5be}'
        | '\u{2053}' => b'-',
        '\u{3002}' | '\u{ff0e}' | '\u{ff61}' | '\u{2024}' | '\u{b7}' | '\u{2027}' | '\u{2219}' | '\u{22c5}'
        | '\u{30fb}' | '\u{ff65}' | '\u{fe52}' | '\u{6d4}' | '\u{2022}' => b'.',
        '\u{ff20}' | '\u{fe6b}' => b'@',
        '\u{ff1a}' | '\u{2236}' | '\u{a789}' | '\u{fe55}' | '\u{5c3}' => b':',
        '\u{2044}' | '\u{2215}' | '\u{ff0f}' | '\u{29f8}' => b'/',
        '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2032}' => b'\'',
        '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{ab}' | '\u{bb}' => b'"',
        'ı' => b'i',
        'ø' => b'o',
        'Ø' => b'O',
        'ł' => b'l',
        'Ł' => b'L',
        'đ' => b'd',
        'Đ' => b'D',
        'А' | 'Α' => b'A',
        'а' | 'α' | 'ɑ' => b'a',
        'В' | 'Β' => b'B',
        'в' | 'β' => b'b',
        'С' | 'Ϲ' => b'C',
        'с' | 'ϲ' => b'c',
        'Е' | 'Ε' => b'E',
        'е' | 'ε' => b'e',
        'Н' | 'Η' => b'H',
        'н' | 'η' | 'һ' => b'h',
        'І' | 'Ι' => b'I',
        'і' | 'ι' => b'i',
        'Ј' => b'J',
        'ј' => b'j',
        'К' | 'Κ' => b'K',
        'к' | 'κ' => b'k',
        'М' | 'Μ' => b'M',
        'м' | 'μ' => b'm',
        'Ν' => b'N',
        'ν' => b'n',
        'О' | 'Ο' | 'Օ' => b'O',
        'о' | 'ο' | 'օ' => b'o',
        'Р' | 'Ρ' => b'P',
        'р' | 'ρ' => b'p',
        'Ԛ' => b'Q',
        'ԛ' => b'q',
        'Ѕ' => b'S',
        'ѕ' => b's',
        'Т' | 'Τ' => b'T',
        'т' | 'τ' => b't',
        'Ѵ' => b'V',
        'ѵ' => b'v',
        'Ԝ' => b'W',
        'ԝ' => b'w',
        'Х' | 'Χ' => b'X',
        'х' | 'χ' => b'x',
        'У' | 'Υ' => b'Y',
        'у' | 'υ' => b'y',
        'Ζ' => b'Z',
        'ζ' => b'z',
        'ɡ' => b'g',
        'ԁ' => b'd',
        'Ӏ' => b'I',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_worked_out_once_is_what_would_be_now() {
        let text = |folding: Folding| match folding {
            Folding::Same => None,
            Folding::Invisible => Some(Vec::new()),
            Folding::To(units) => Some(units.as_bytes().to_vec()),
        };
        for character in ('\u{80}'..=char::MAX).filter(|character| !character.is_ascii()) {
            assert_eq!(text(fold_char(character)), text(work_out(character)), "{character:?}");
        }
    }
}
