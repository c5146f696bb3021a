//! Hexadecimal groups: hardware addresses (IEEE 802) and IPv6 addresses (RFC 4291, section 2.2).

use super::registry::Builtin;
use super::{Answer, View, is_alnum};

/// Looks for either at a hexadecimal group or the colon before it.
pub(crate) fn recognise(view: View<'_>, start: usize) -> Answer {
    if is_glued(view, start) {
        return Answer::Nothing;
    }
    match hardware(view, start) {
        Answer::Nothing => internet(view, start),
        other => other,
    }
}

/// Whether what stands before makes a group the rest of a word, a name or another address.
pub(crate) fn is_glued(view: View<'_>, start: usize) -> bool {
    match view.before(start) {
        b'_' => true,
        // `mac:7a:d6:…`: the name before is no group.
        b':' => {
            let units = &view.units[..start - 1];
            let group = units.iter().rev().take(5).take_while(|unit| unit.is_ascii_hexdigit()).count();
            let word = view.before(start - 1 - group);
            view.before(start - 1) == b':' || group > 0 && (!is_alnum(word) || group == 5)
        }
        before => is_alnum(before),
    }
}

/// Six or eight pairs with one separator between, or three groups of four with points.
fn hardware(view: View<'_>, start: usize) -> Answer {
    let group = view.run(start, 5, |unit| unit.is_ascii_hexdigit()) - start;
    if view.is_open(start + group) {
        return Answer::Undecided;
    }
    let (length, counts, separator) = match (group, view.get(start + group)) {
        (2, Some(separator @ (b':' | b'-'))) => (2, &[8, 6][..], separator),
        (4, Some(b'.')) => (4, &[3][..], b'.'),
        _ => return Answer::Nothing,
    };
    let (mut at, mut groups) = (start, 0);
    loop {
        let end = view.run(at, length + 1, |unit| unit.is_ascii_hexdigit());
        if view.is_open(end) {
            return Answer::Undecided;
        }
        if end - at != length {
            return Answer::Nothing;
        }
        groups += 1;
        if view.is_open(end + 1) {
            return Answer::Undecided;
        }
        let goes_on =
            view.get(end) == Some(separator) && view.get(end + 1).is_some_and(|unit| unit.is_ascii_hexdigit());
        if !goes_on {
            let ends = counts.contains(&groups) && !view.get(end).is_some_and(|unit| is_alnum(unit) || unit == b'_');
            let text = &view.units[start..end];
            let nobody = text.iter().all(|unit| matches!(unit, b'0' | b':' | b'-' | b'.'))
                || text.iter().all(|unit| matches!(unit, b'f' | b'F' | b':' | b'-' | b'.'));
            return match ends && !nobody {
                true => Answer::found(end, Builtin::MacAddress.index()),
                false => Answer::Nothing,
            };
        }
        if groups == 8 {
            return Answer::Nothing;
        }
        at = end + 1;
    }
}

/// Whether a second group, and a colon after it, may follow the first one's colon.
pub(crate) fn may_go_on(view: View<'_>, colon: usize) -> bool {
    let end = view.run(colon + 1, 5, |unit| unit.is_ascii_hexdigit());
    view.is_open(end) || end > colon + 1 && view.get(end) == Some(b':')
}

/// Whether an address may have begun with a group of `hex` digits and the gap at `gap`: with fewer than four digits it is
/// none.
pub(crate) fn may_go_on_after_gap(view: View<'_>, gap: usize, hex: usize) -> bool {
    let end = view.run(gap + 2, 5, |unit| unit.is_ascii_hexdigit());
    view.is_open(end) || hex + end - (gap + 2) >= 4 || matches!(view.get(end), Some(b':' | b'.'))
}

/// Eight groups, or fewer around one `::`. Loopback and names in code (`std::abs`) are left alone.
fn internet(view: View<'_>, start: usize) -> Answer {
    let (mut at, mut groups, mut gap, mut end) = (start, 0, false, start);
    if view.units[start..].starts_with(b"::") {
        gap = true;
        at += 2;
    }
    loop {
        let stop = view.run(at, 5, |unit| unit.is_ascii_hexdigit());
        if view.is_open(stop) {
            return Answer::Undecided;
        }
        if view.get(stop) == Some(b'.') && stop > at && (gap || groups == 6) {
            match embedded_v4(view, at) {
                Embedded::CutOff => return Answer::Undecided,
                Embedded::No => {}
                Embedded::End(stop) => return judge(view, start, stop, groups + 2, gap),
            }
        }
        if stop - at > 4 {
            return Answer::Nothing;
        }
        if stop > at {
            groups += 1;
            end = stop;
        }
        if view.is_open(stop + 1) || view.is_open(stop + 2) && view.units[stop..].starts_with(b"::") {
            return Answer::Undecided;
        }
        match (view.get(stop), view.get(stop + 1)) {
            (Some(b':'), Some(b':')) if !gap && stop > at && groups < 8 => {
                gap = true;
                end = stop + 2;
                at = stop + 2;
            }
            (Some(b':'), Some(unit)) if stop > at && groups < 8 && unit.is_ascii_hexdigit() => at = stop + 1,
            _ => break,
        }
    }
    judge(view, start, end, groups, gap)
}

fn judge(view: View<'_>, start: usize, end: usize, groups: usize, gap: bool) -> Answer {
    let complete = if gap { (2..8).contains(&groups) } else { groups == 8 };
    let first = &view.units[start..end.min(start + 4)];
    let first = first.split(|unit| *unit == b':').next().unwrap_or_default();
    let routed = first.iter().any(u8::is_ascii_digit)
        || first.is_empty()
        || matches!(first, [b'f' | b'F', b'c' | b'd' | b'e' | b'f' | b'C' | b'D' | b'E' | b'F', _, _]);
    let digits = view.units[start..end].iter().filter(|unit| unit.is_ascii_hexdigit()).count();
    let ends = !view.get(end).is_some_and(|unit| is_alnum(unit) || unit == b'_');
    match complete && routed && ends && digits >= 4 && view.units[start..end].iter().any(u8::is_ascii_digit) {
        true => Answer::found(end, Builtin::IpAddress.index()),
        false => Answer::Nothing,
    }
}

enum Embedded {
    End(usize),
    No,
    CutOff,
}

/// The dotted decimal that may end an IPv6 address.
fn embedded_v4(view: View<'_>, start: usize) -> Embedded {
    let mut at = start;
    for group in 0..4 {
        let end = view.run(at, 4, |unit| unit.is_ascii_digit());
        if view.is_open(end) {
            return Embedded::CutOff;
        }
        if end == at || end - at > 3 {
            return Embedded::No;
        }
        at = end;
        if group < 3 {
            if view.get(at) != Some(b'.') {
                return Embedded::No;
            }
            at += 1;
            if view.is_open(at) {
                return Embedded::CutOff;
            }
        }
    }
    Embedded::End(at)
}
