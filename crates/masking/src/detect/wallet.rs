//! Addresses of Bitcoin (base58check, bech32) and Ethereum.

use aws_lc_rs::digest::{SHA256, digest};

use super::registry::Builtin;
use super::{Answer, View, is_alnum};

const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const BECH32: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// Looks for a wallet's address where a run of letters and digits begins.
pub(crate) fn recognise(view: View<'_>, start: usize) -> Answer {
    if is_alnum(view.before(start)) || view.before(start) == b'_' {
        return Answer::Nothing;
    }
    let end = view.run(start, 91, is_alnum);
    let run = &view.units[start..end];
    let open = view.is_open(end);
    let valid = match run {
        [b'0', b'x' | b'X', hex @ ..] if hex.iter().all(u8::is_ascii_hexdigit) => {
            if open && hex.len() <= 40 {
                return Answer::Undecided;
            }
            hex.len() == 40
        }
        [b'1' | b'3', ..] if run.iter().all(|unit| BASE58.contains(unit)) => {
            if open && run.len() <= 35 {
                return Answer::Undecided;
            }
            (26..=35).contains(&run.len()) && is_base58check(run)
        }
        [b'b' | b'B', b'c' | b'C', b'1', ..] => {
            if open && run.len() <= 90 {
                return Answer::Undecided;
            }
            (14..=90).contains(&run.len()) && is_bech32(run)
        }
        b"0" | b"b" | b"B" | b"bc" | b"BC" | b"Bc" if open => return Answer::Undecided,
        _ => false,
    };
    let ends = view.get(end).is_none_or(|unit| unit != b'_');
    if valid && ends { Answer::found(end, Builtin::Crypto.index()) } else { Answer::Nothing }
}

/// 25 bytes, the last four of which are the double SHA-256 of the others.
fn is_base58check(text: &[u8]) -> bool {
    let mut bytes = [0_u8; 25];
    for unit in text {
        let Some(value) = BASE58.iter().position(|letter| letter == unit) else { return false };
        let mut carry = value as u32;
        for byte in bytes.iter_mut().rev() {
            carry += u32::from(*byte) * 58;
            *byte = carry as u8;
            carry >>= 8;
        }
        if carry != 0 {
            return false;
        }
    }
    let check = digest(&SHA256, digest(&SHA256, &bytes[..21]).as_ref());
    check.as_ref()[..4] == bytes[21..]
}

/// The checksum of BIP 173 or BIP 350.
fn is_bech32(text: &[u8]) -> bool {
    let lower = text.to_ascii_lowercase();
    if lower != text && text.iter().any(u8::is_ascii_lowercase) {
        return false;
    }
    let mut values = vec![3, 3, 0, 2, 3];
    for unit in &lower[3..] {
        let Some(value) = BECH32.iter().position(|letter| letter == unit) else { return false };
        values.push(value as u32);
    }
    let generator = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3_u32];
    let mut sum = 1_u32;
    for value in values {
        let top = sum >> 25;
        sum = (sum & 0x01ff_ffff) << 5 ^ value;
        for (bit, term) in generator.iter().enumerate() {
            if top >> bit & 1 == 1 {
                sum ^= term;
            }
        }
    }
    sum == 1 || sum == 0x2bc8_30a3
}
