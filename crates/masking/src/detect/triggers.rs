//! One pass over the units that finds the few places at which anything could begin.

use super::is_alnum;

/// Why a place is of interest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trigger {
    /// A digit that no digit precedes.
    Digit,
    /// A sign that ties what stands around it to a value.
    Sign,
    /// The first of eight or more units that keys are made of.
    Run,
}

const fn is_sign(unit: u8) -> bool {
    matches!(unit, b'@' | b':' | b'=' | b'[' | b'(' | b'<' | b'{')
}

/// What keys are made of, their prefixes included.
pub(super) const fn is_key(unit: u8) -> bool {
    is_alnum(unit) || matches!(unit, b'_' | b'-' | b'.')
}

/// Calls `visit` with every place of interest from `from` on, in order. A run that began before `from` counts as one
/// that begins there.
pub(super) fn each(units: &[u8], from: usize, mut visit: impl FnMut(usize, Trigger)) {
    let mut digit_before = from.checked_sub(1).is_some_and(|before| units[before].is_ascii_digit());
    let mut key_before = false;
    let mut at = from;
    for block in units[from..].chunks(64) {
        let masks = if let Ok(block) = <&[u8; 64]>::try_from(block) { Masks::of(block) } else { Masks::of_rest(block) };
        let digits = masks.digits & !(masks.digits << 1 | u64::from(digit_before));
        let runs = masks.keys & !(masks.keys << 1 | u64::from(key_before)) & eight_long(masks.keys);
        digit_before = masks.digits >> 63 == 1;
        key_before = masks.keys >> 63 == 1;
        let mut marks = digits | masks.signs | runs;
        while marks != 0 {
            let place = marks.trailing_zeros();
            let bit = 1 << place;
            if runs & bit != 0 {
                visit(at + place as usize, Trigger::Run);
            }
            if digits & bit != 0 {
                visit(at + place as usize, Trigger::Digit);
            } else if masks.signs & bit != 0 {
                visit(at + place as usize, Trigger::Sign);
            }
            marks &= marks - 1;
        }
        at += block.len();
    }
}

/// The bits that seven set ones follow; those near the end count, since what follows them is not in sight.
fn eight_long(bits: u64) -> u64 {
    let bits = u128::from(bits) | !0 << 64;
    let two = bits & bits >> 1;
    let four = two & two >> 2;
    (four & four >> 4) as u64
}

/// One bit per unit of a block.
struct Masks {
    digits: u64,
    signs: u64,
    keys: u64,
}

impl Masks {
    fn of(block: &[u8; 64]) -> Self {
        let (mut digits, mut signs, mut keys) = ([0_u8; 64], [0_u8; 64], [0_u8; 64]);
        // No branch and no table, so that the compiler makes vector instructions of it.
        for place in 0..64 {
            let unit = block[place];
            digits[place] = u8::from(unit.wrapping_sub(b'0') < 10);
            signs[place] = u8::from(is_sign(unit));
            keys[place] = u8::from(is_key(unit));
        }
        Self { digits: gather(&digits), signs: gather(&signs), keys: gather(&keys) }
    }

    fn of_rest(block: &[u8]) -> Self {
        let mut padded = [0; 64];
        padded[..block.len()].copy_from_slice(block);
        Self::of(&padded)
    }
}

/// The lowest bits of 64 bytes, each of which is 0 or 1.
fn gather(flags: &[u8; 64]) -> u64 {
    let mut bits = 0;
    for (place, word) in flags.chunks_exact(8).enumerate() {
        let word = u64::from_le_bytes([word[0], word[1], word[2], word[3], word[4], word[5], word[6], word[7]]);
        // Each byte's bit travels to its own place in the top byte; no two products overlap.
        bits |= (word.wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * place);
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &[u8], from: usize, wanted: Trigger) -> Vec<usize> {
        let mut seen = Vec::new();
        each(text, from, |at, trigger| {
            if trigger == wanted {
                seen.push(at);
            }
        });
        seen
    }

    #[test]
    fn finds_run_starts_and_signs_across_blocks() {
        let mut text = vec![b' '; 200];
        text[60..70].copy_from_slice(b"1234567890");
        text[0] = b'@';
        text[128] = b'7';
        text[199] = b':';
        assert_eq!(places(&text, 0, Trigger::Digit), [60, 128]);
        assert_eq!(places(&text, 62, Trigger::Digit), [128]);
        assert_eq!(places(&text, 0, Trigger::Sign), [0, 199]);
        assert_eq!(places(&text, 0, Trigger::Run), [60]);
        // The end of a block is not looked beyond.
        assert_eq!(places(&text, 65, Trigger::Run), [128]);
    }

    #[test]
    fn short_words_are_no_runs() {
        assert_eq!(places(b"a few little words, then abcdefgh_i", 0, Trigger::Run), [25]);
    }
}
