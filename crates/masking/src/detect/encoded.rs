//! Base 64 of something sensitive (RFC 4648, sections 4 and 5): text that is decoded and looked at once more.

use super::triggers::{RUN, is_key};
use super::{Answer, Hit, Tail, View, email, is_alnum};
use crate::TypeIndex;
use crate::text::More;

/// So many characters are decoded at once; what follows a window in which something was found is swallowed.
const WINDOW: usize = 512;

/// In longer text windows begin at every so many units, counted from the text's beginning so that a cut changes nothing;
/// they overlap by what a value needs.
pub(super) const STEP: usize = 416;

/// So many units of base 64 stand before a window that does not begin with its run.
pub(super) const BEFORE: usize = 96;

/// Whether a unit can stand in base 64, of either alphabet.
pub(super) const fn belongs(unit: u8) -> bool {
    is_alnum(unit) || matches!(unit, b'+' | b'/' | b'-' | b'_')
}

/// Whether base 64 of text could begin with these units: the first of each four of ASCII is one of 24, the first of another
/// script one of sixteen. Names and identifiers fail here.
pub(super) fn may_begin(view: View<'_>, start: usize) -> bool {
    let ascii = |unit: &u8| matches!(unit, b'I'..=b'Z' | b'a'..=b'f');
    let units = &view.units[start..];
    let Some(first) = units.first() else { return false };
    let groups = || units.iter().take(16).step_by(4);
    (matches!(first, b'w'..=b'z' | b'0'..=b'9' | b'+' | b'/' | b'-' | b'_')
        || ascii(first) && groups().filter(|unit| !ascii(unit)).count() <= 1)
        && units.iter().take(4).all(|unit| belongs(*unit))
        && (units.len() >= 4 || view.more == More::Possible)
}

/// So many units of a run before a place say whether base 64 may begin there.
const QUIET: usize = 24;

/// Whether base 64 could begin at `start` in the run of a key's units that begins at `run`: no letter and no digit stands
/// before it there, or a full stop does.
pub(super) fn begins(view: View<'_>, run: usize, start: usize) -> bool {
    let before = &view.units[run.max(start.saturating_sub(QUIET))..start];
    before.last() == Some(&b'.') || !before.iter().any(|unit| is_alnum(*unit))
}

/// Whether `start` is a place at which base 64 is sought, which depends on how long what stands around it is; `None` where
/// more could follow.
pub(crate) fn is_sought(view: View<'_>, start: usize) -> Option<bool> {
    let back = view.units[..start].iter().rev().take(QUIET + 1).take_while(|unit| is_key(**unit)).count();
    let run = start - back;
    let mut more = false;
    if !is_alnum(view.before(start)) && begins(view, run, start) {
        let end = view.run(run, back.max(RUN), is_key);
        if end - run >= RUN {
            return Some(true);
        }
        more = view.is_open(end);
    }
    let in_word = |unit: u8| is_alnum(unit) || unit == b'+';
    let word = view.run(start, email::MAX_LOCAL, in_word);
    for plus in (start..word).filter(|at| view.units[*at] == b'+') {
        if plus + 1 - start < email::MAX_LOCAL && in_word(view.before(start)) {
            continue;
        }
        let end = view.run(plus + 1, RUN, is_key);
        if end - plus > RUN {
            return Some(true);
        }
        more |= view.is_open(end);
    }
    if more || view.is_open(word) { None } else { Some(false) }
}

/// Looks for base 64 at `start` whose text `contains` something.
pub(crate) fn recognise(view: View<'_>, start: usize, contains: impl FnOnce(&str) -> Option<TypeIndex>) -> Answer {
    let mut decoded = [0; WINDOW / 4 * 3];
    let probe = view.run(start, 32, belongs);
    if probe - start < 4 && !view.is_open(probe) {
        return Answer::Nothing;
    }
    // What is no text is seen at once.
    for enough in [4, 8, 16, 32] {
        let length = decode(&view.units[start..probe.min(start + enough)], &mut decoded);
        if readable(&decoded[..length]).is_none() {
            return Answer::Nothing;
        }
    }
    let end = view.run(probe, WINDOW - (probe - start), belongs);
    let length = decode(&view.units[start..end], &mut decoded);
    let text = readable(&decoded[..length]);
    // Nothing that follows makes text of it.
    if text.is_none() || length < 3 {
        return if view.is_open(end) && length < 3 { Answer::Undecided } else { Answer::Nothing };
    }
    let whole = end - start < WINDOW;
    let padded = if whole { view.run(end, 2, |unit| unit == b'=') } else { end };
    if view.is_open(padded) && whole {
        return Answer::Undecided;
    }
    match text.and_then(contains) {
        Some(info_type) => {
            let tail = if whole { Tail::None } else { Tail::Key };
            Answer::Found(Hit { end: padded, info_type, tail })
        }
        None => Answer::Nothing,
    }
}

/// The bytes of complete and of begun groups.
fn decode(units: &[u8], decoded: &mut [u8; WINDOW / 4 * 3]) -> usize {
    super::work(units.len() + 1);
    let (groups, rest) = units.as_chunks::<4>();
    for (group, bytes) in groups.iter().zip(decoded.as_chunks_mut::<3>().0) {
        let bits = group.iter().fold(0_u32, |bits, unit| bits << 6 | u32::from(VALUES[usize::from(*unit)]));
        *bytes = [(bits >> 16) as u8, (bits >> 8) as u8, bits as u8];
    }
    let mut length = groups.len() * 3;
    let bits = rest.iter().fold(0_u32, |bits, unit| bits << 6 | u32::from(VALUES[usize::from(*unit)]));
    let bits = bits << (6 * (4 - rest.len()));
    for byte in 0..rest.len().saturating_sub(1) {
        decoded[length] = (bits >> (16 - 8 * byte)) as u8;
        length += 1;
    }
    length
}

/// What each unit of either alphabet stands for.
static VALUES: [u8; 256] = {
    let (mut values, mut unit) = ([63; 256], 0);
    while unit < 256 {
        values[unit] = match unit as u8 {
            letter @ b'A'..=b'Z' => letter - b'A',
            letter @ b'a'..=b'z' => letter - b'a' + 26,
            digit @ b'0'..=b'9' => digit - b'0' + 52,
            b'+' | b'-' => 62,
            _ => 63,
        };
        unit += 1;
    }
    values
};

/// The bytes as text, a cut-off last character aside; `None` when they are none.
fn readable(bytes: &[u8]) -> Option<&str> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    let control = |byte: &u8| *byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r') || *byte == 0x7f;
    (!text.as_bytes().iter().any(control)).then_some(text)
}

#[cfg(test)]
mod tests {
    use crate::Detectors;

    fn found(text: &str) -> Vec<String> {
        Detectors::builtin().find(text).iter().map(|finding| text[finding.start..finding.end].to_owned()).collect()
    }

    #[test]
    fn what_is_encoded_is_seen() {
        assert_eq!(found("data: bWFpbCBhbGljZUBleGFtcGxlLmNvbSBub3c= ok"), ["bWFpbCBhbGljZUBleGFtcGxlLmNvbSBub3c="]);
        assert!(found("data: aGVsbG8gd29ybGQsIG5vdGhpbmcgaGVyZQ== ok").is_empty());
    }

    #[test]
    fn a_value_far_into_long_text_is_covered() {
        let text = "x = \"VGhlIHF1YXJ0ZXJseSByZXBvcnQgZm9sbG93cyBpbiB0aHJlZSBwYXJ0cywgZWFjaCB3aXRoIGEgc3VtbWFyeSBvZiB3aGF0IHdhcyBkZWNpZGVkIGFuZCBieSB3aG9tLiBUaGUgcXVhcnRlcmx5IHJlcG9ydCBmb2xsb3dzIGluIHRocmVlIHBhcnRzLCBlYWNoIHdpdGggYSBzdW1tYXJ5IG9mIHdoYXQgd2FzIGRlY2lkZWQgYW5kIGJ5IHdob20uIFRoZSBxdWFydGVybHkgcmVwb3J0IGZvbGxvd3MgaW4gdGhyZWUgcGFydHMsIGVhY2ggd2l0aCBhIHN1bW1hcnkgb2Ygd2hhdCB3YXMgZGVjaWRlZCBhbmQgYnkgd2hvbS4gVGhlIHF1YXJ0ZXJseSByZXBvcnQgZm9sbG93cyBpbiB0aHJlZSBwYXJ0cywgZWFjaCB3aXRoIGEgc3VtbWFyeSBvZiB3aGF0IHdhcyBkZWNpZGVkIGFuZCBieSB3aG9tLiBUaGUgcXVhcnRlcmx5IHJlcG9ydCBmb2xsb3dzIGluIHRocmVlIHBhcnRzLCBlYWNoIHdpdGggYSBzdW1tYXJ5IG9mIHdoYXQgd2FzIGRlY2lkZWQgYW5kIGJ5IHdob20uIFRoZSBxdWFydGVybHkgcmVwb3J0IGZvbGxvd3MgaW4gdGhyZWUgcGFydHMsIGVhY2ggd2l0aCBhIHN1bW1hcnkgb2Ygd2hhdCB3YXMgZGVjaWRlZCBhbmQgYnkgd2hvbS4gV3JpdGUgdG8gYWxpY2Uuc21pdGhAZXhhbXBsZS5jb20gZm9yIHRoZSByZXN0LiBOb3RoaW5nIGVsc2UgbWF0dGVycyBoZXJlIGF0IGFsbCwgaXQgaXMgb25seSB0ZXh0LiBOb3RoaW5nIGVsc2UgbWF0dGVycyBoZXJlIGF0IGFsbCwgaXQgaXMgb25seSB0ZXh0LiBOb3RoaW5nIGVsc2UgbWF0dGVycyBoZXJlIGF0IGFsbCwgaXQgaXMgb25seSB0ZXh0LiA=\"";
        let place = text.find("YWxpY2Uuc21pdGhAZXhh");
        let covered = Detectors::builtin().find(text);
        assert!(
            place.is_some_and(|place| covered.iter().any(|f| f.start <= place && f.end >= place + 36)),
            "{covered:?}"
        );
    }

    #[test]
    fn pictures_and_hashes_are_left() {
        assert!(found("data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==").is_empty());
        assert!(found("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855").is_empty());
    }
}
