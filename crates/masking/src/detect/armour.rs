//! Armoured private keys (RFC 7468 and OpenPGP): their header, and the lines after it.

use super::secret::found_with;
use super::{Answer, Tail, View, is_alnum};

/// A private key's header; the body follows as a tail. Certificates are public.
pub(super) fn header(view: View<'_>, start: usize) -> Answer {
    let label = start + "-----BEGIN".len();
    let end = view.run(label, 48, |unit| unit.is_ascii_uppercase() || unit.is_ascii_digit() || unit == b' ');
    if view.is_open(end) {
        return Answer::Undecided;
    }
    let is_private = view.units[label..end].windows(7).any(|word| word == b"PRIVATE");
    let dashes = view.run(end, 5, |unit| unit == b'-');
    if is_private && view.is_open(dashes) && dashes < end + 5 {
        return Answer::Undecided;
    }
    match is_private && dashes == end + 5 {
        true => found_with(dashes, Tail::Armour),
        false => Answer::Nothing,
    }
}

const END: &[u8] = b"-----END";

/// Lines of base64 or headers up to the end line; a cut-off block ends where prose begins.
pub(super) fn body(view: View<'_>, start: usize) -> (usize, bool) {
    let mut at = start;
    loop {
        let gap = view.run(at, 8, |unit| matches!(unit, b'\n' | b'\r' | b' ' | b'\t' | b'"' | b'+'));
        if view.is_open(gap + END.len()) && END.starts_with(&view.units[gap..]) {
            return (at, false);
        }
        if view.units[gap..].starts_with(END) {
            let label = view.run(gap + END.len(), 48, |unit| unit != b'-' && unit != b'\n');
            let end = view.run(label, 5, |unit| unit == b'-');
            return if view.is_open(end) && end < label + 5 { (at, false) } else { (end, true) };
        }
        let end = view.run(gap, 80, |unit| is_alnum(unit) || matches!(unit, b'+' | b'/' | b'='));
        // Also behind the longest line: what follows it decides what it is.
        if view.is_open(end) {
            return (at, false);
        }
        let header = view.get(end) == Some(b':') || view.get(end) == Some(b'-');
        if header {
            let line = view.run(end, 120, |unit| unit != b'\n');
            if view.is_open(line) && line - end < 120 {
                return (at, false);
            }
            if line - end == 120 || !view.units[gap..line].contains(&b':') {
                return (at, true);
            }
            at = line;
            continue;
        }
        let whole_line = matches!(view.get(end), None | Some(b'\n' | b'\r' | b'"' | b'\'' | b'`' | b'<'));
        if end - gap >= 24 || end > gap && whole_line {
            at = end;
        } else {
            return (at, true);
        }
    }
}
