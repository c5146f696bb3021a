//! One pass over the units that finds the few places at which anything could begin.

use super::{View, is_alnum};
use crate::text::{BREAK, More};

/// Why a place is of interest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trigger {
    /// A digit that no digit precedes.
    Digit(Chain),
    /// A sign that ties what stands around it to a value.
    Sign,
    /// The first of [`RUN`] or more units that keys are made of.
    Run,
}

/// How a number goes on: at least so, since only so far was looked; what is not here yet counts as digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chain {
    /// The digits in it.
    pub(super) digits: u32,
    /// The digits and what may separate them.
    pub(super) length: u32,
}

/// No key is shorter, except for the armour of a private key, which hyphens trigger.
pub(super) const RUN: usize = 16;

const fn is_sign(unit: u8) -> bool {
    matches!(unit, b'@' | b':' | b'=' | b'[' | b'(' | b'<' | b'{')
}

/// What keys are made of, their prefixes included.
pub(super) const fn is_key(unit: u8) -> bool {
    is_alnum(unit) || matches!(unit, b'_' | b'-' | b'.')
}

/// What stands in a number: its digits and what separates them.
const fn is_chain(unit: u8) -> bool {
    unit.is_ascii_digit() || matches!(unit, b' ' | b'-' | b'.' | b'/' | b'(' | b')' | b'_' | BREAK)
}

/// So many blocks of 64 units are read at once.
const BLOCKS: usize = 16;

/// Calls `visit` with every place of interest from `from` on, in order. A run that began before `from` counts as one
/// that begins there.
pub(super) fn each(view: View<'_>, from: usize, visit: impl FnMut(usize, Trigger)) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("popcnt") {
        #[allow(unsafe_code, reason = "the processor was just found to have what the function is compiled for")]
        // SAFETY: `each_wide` is safe code; all that calling it needs is the features tested here.
        return unsafe { each_wide(view, from, visit) };
    }
    each_plain(view, from, visit);
}

/// The same code compiled for wider vectors, which is most of what the pass over the text costs.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,popcnt")]
fn each_wide(view: View<'_>, from: usize, visit: impl FnMut(usize, Trigger)) {
    each_plain(view, from, visit);
}

#[inline(always)]
fn each_plain(view: View<'_>, from: usize, mut visit: impl FnMut(usize, Trigger)) {
    let mut digit_before = from.checked_sub(1).is_some_and(|before| view.units[before].is_ascii_digit());
    let mut key_before = false;
    let mut at = from;
    let unseen = if view.more == More::Possible { !0 } else { 0 };
    let beyond = Masks { digits: unseen, chains: unseen, keys: unseen, ..Masks::default() };
    let mut read = [Masks::default(); BLOCKS + 1];
    while at < view.units.len() {
        // One block more than is looked through, since a block's places are judged by what follows it.
        let end = view.units.len().min(at + 64 * (BLOCKS + 1));
        let count = read_blocks(&view.units[at..end], unseen, &mut read);
        let looked_through = count.min(BLOCKS);
        if count <= BLOCKS {
            read[count] = beyond;
        }
        for pair in read.windows(2).take(looked_through) {
            let (masks, next) = (pair[0], pair[1]);
            let digits = masks.digits & !(masks.digits << 1 | u64::from(digit_before)) & masks.present;
            let starts = masks.keys & !(masks.keys << 1 | u64::from(key_before)) & masks.present;
            let runs = if starts == 0 { 0 } else { starts & sixteen_long(masks.keys, next.keys) };
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
                    let length = window(masks.chains, next.chains, place).trailing_ones();
                    let within = !0_u64 >> (64 - length.max(1));
                    let digits = (window(masks.digits, next.digits, place) & within).count_ones();
                    visit(at + place as usize, Trigger::Digit(Chain { digits, length }));
                } else if masks.signs & bit != 0 {
                    visit(at + place as usize, Trigger::Sign);
                }
                marks &= marks - 1;
            }
            at += 64;
        }
    }
}

/// Reads the blocks of these units and says how many there are.
#[inline(always)]
fn read_blocks(units: &[u8], unseen: u64, read: &mut [Masks; BLOCKS + 1]) -> usize {
    let mut count = 0;
    for (block, read) in units.chunks(64).zip(read) {
        *read = Masks::of(block, unseen);
        count += 1;
    }
    count
}

/// The 64 bits from `place` on of one block and the next.
const fn window(bits: u64, next: u64, place: u32) -> u64 {
    if place == 0 { bits } else { bits >> place | next << (64 - place) }
}

/// The bits that fifteen set ones follow.
const fn sixteen_long(bits: u64, next: u64) -> u64 {
    let bits = bits as u128 | (next as u128) << 64;
    let two = bits & bits >> 1;
    let four = two & two >> 2;
    let eight = four & four >> 4;
    (eight & eight >> 8) as u64
}

/// One bit per unit of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Masks {
    digits: u64,
    chains: u64,
    signs: u64,
    keys: u64,
    /// Which units there are.
    present: u64,
}

impl Masks {
    /// Of at most 64 units; `unseen` fills up those of the last block.
    #[inline(always)]
    fn of(block: &[u8], unseen: u64) -> Self {
        if let Ok(block) = <&[u8; 64]>::try_from(block) {
            return Self::of_whole(block);
        }
        let mut padded = [0; 64];
        padded[..block.len()].copy_from_slice(block);
        let present = (1_u64 << block.len()) - 1;
        let Self { digits, chains, signs, keys, .. } = Self::of_whole(&padded);
        let unseen = unseen & !present;
        Self { digits: digits | unseen, chains: chains | unseen, keys: keys | unseen, signs, present }
    }

    #[inline(always)]
    fn of_whole(block: &[u8; 64]) -> Self {
        let (mut digits, mut chains, mut signs, mut keys) = ([0_u8; 64], [0_u8; 64], [0_u8; 64], [0_u8; 64]);
        // No branch and no table, so that the compiler makes vector instructions of it.
        for place in 0..64 {
            let unit = block[place];
            digits[place] = u8::from(unit.wrapping_sub(b'0') < 10);
            chains[place] = u8::from(is_chain(unit));
            signs[place] = u8::from(is_sign(unit));
            keys[place] = u8::from(is_key(unit));
        }
        Self {
            digits: gather(&digits),
            chains: gather(&chains),
            signs: gather(&signs),
            keys: gather(&keys),
            present: !0,
        }
    }
}

/// The lowest bits of 64 bytes, each of which is 0 or 1.
#[inline(always)]
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

    fn seen(text: &[u8], from: usize, more: More) -> Vec<(usize, Trigger)> {
        let mut seen = Vec::new();
        each(View::new(text, more, &super::super::Memory::default()), from, |at, trigger| seen.push((at, trigger)));
        seen
    }

    fn digits(text: &[u8], from: usize) -> Vec<usize> {
        let seen = seen(text, from, More::No);
        seen.iter().filter(|(_, trigger)| matches!(trigger, Trigger::Digit(_))).map(|(at, _)| *at).collect()
    }

    #[test]
    fn finds_starts_and_signs_across_blocks() {
        let mut text = vec![b' '; 200];
        text[60..70].copy_from_slice(b"1234567890");
        text[0] = b'@';
        text[128] = b'7';
        text[199] = b':';
        assert_eq!(digits(&text, 0), [60, 128]);
        assert_eq!(digits(&text, 62), [128]);
        let signs: Vec<_> = seen(&text, 0, More::No).into_iter().filter(|(_, seen)| *seen == Trigger::Sign).collect();
        assert_eq!(signs, [(0, Trigger::Sign), (199, Trigger::Sign)]);
    }

    #[test]
    fn wide_and_plain_vectors_see_the_same() {
        let text: Vec<u8> = (0..2_048_u32).map(|place| ((place * 167) >> 3) as u8).collect();
        for length in [0, 1, 63, 64, 65, 700, 1_024, 2_048] {
            let (mut plain, memory) = (Vec::new(), super::super::Memory::default());
            let view = View::new(&text[..length], More::Possible, &memory);
            each_plain(view, 0, |at, trigger| plain.push((at, trigger)));
            assert_eq!(seen(&text[..length], 0, More::Possible), plain);
        }
    }

    #[test]
    fn a_run_is_long() {
        assert_eq!(seen(b"some ordinary words then abcdefgh_ijklmno", 0, More::No), [(25, Trigger::Run)]);
        assert_eq!(seen(b"abcdefgh_ijklmn", 0, More::No), []);
        assert_eq!(seen(b"abcdefgh_ijklmn", 0, More::Possible), [(0, Trigger::Run)]);
        let text = [&[b' '; 60][..], b"abcdefgh_ijklmno"].concat();
        assert_eq!(seen(&text, 0, More::No), [(60, Trigger::Run)]);
    }

    #[test]
    fn a_chain_is_counted_across_blocks() {
        let text = [&[b'x'; 60][..], b" 41 (2) 3-4567x1"].concat();
        let chains: Vec<_> = seen(&text, 0, More::No)
            .into_iter()
            .filter_map(|(_, trigger)| if let Trigger::Digit(chain) = trigger { Some(chain) } else { None })
            .collect();
        assert_eq!(chains[0], Chain { digits: 8, length: 13 });
        assert_eq!(chains.last(), Some(&Chain { digits: 1, length: 1 }));
        let open = seen(b"x 4", 0, More::Possible);
        assert!(open.contains(&(2, Trigger::Digit(Chain { digits: 64, length: 64 }))), "{open:?}");
    }
}
