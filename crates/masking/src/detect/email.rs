//! E-mail addresses (RFC 5321, section 4.1.2), also with `[at]` and `[dot]` spelled out.

use super::registry::Builtin;
use super::signs::{Sign, Token, is_fence, read_dot};
use super::{Answer, View, is_alnum};
use crate::text::More;

/// The longest local part (RFC 5321, section 4.5.3.1.1); of a longer one the last so many units are covered.
pub(crate) const MAX_LOCAL: usize = 64;

/// How much of a domain is read. Names may be 255 long; nobody's mail server is called so.
const MAX_DOMAIN: usize = 128;

/// How far a local part with dots spelled out may reach back.
pub(crate) const MAX_SPELLED: usize = 96;

/// An `@`, however it is written: the units that it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AtSign {
    pub(crate) sign: Sign,
    start: u32,
    end: u32,
}

impl AtSign {
    /// Units are counted within what a scanner sees at once, which is far below 4 GiB.
    pub(crate) const fn new(sign: Sign, start: usize, end: usize) -> Self {
        Self { sign, start: start as u32, end: end as u32 }
    }

    pub(crate) const fn start(self) -> usize {
        self.start as usize
    }

    const fn end(self) -> usize {
        self.end as usize
    }
}

/// Units that stand in the middle of a local part. Those that are rather punctuation count between letters only.
pub(crate) fn is_local(unit: u8) -> bool {
    is_alnum(unit) || matches!(unit, b'.' | b'_' | b'+' | b'-') || (0x80..0xe0).contains(&unit)
}

fn is_local_between_letters(unit: u8) -> bool {
    matches!(unit, b'\'' | b'&' | b'!' | b'#' | b'$' | b'*' | b'^' | b'~' | b'%')
}

/// Where the local part that ends before `end` begins, not before `floor`.
pub(crate) fn local_start(units: &[u8], end: usize, floor: usize) -> usize {
    let mut start = end;
    let spaceless = end > floor && lead_before(units, end, floor) >= 0xe0;
    while start > floor {
        let unit = units[start - 1];
        let lead = if unit < 0x80 { unit } else { lead_before(units, start, floor) };
        let belongs = match lead {
            0xe0.. => spaceless,
            0x80..0xe0 => true,
            _ if is_local_between_letters(lead) => {
                start < end && is_alnum(units[start]) && start >= 2 && start - 1 > floor && is_alnum(units[start - 2])
            }
            _ => is_local(lead),
        };
        if !belongs {
            break;
        }
        start -= 1;
    }
    while start < end && !is_alnum(units[start]) && units[start] != b'_' && units[start] < 0xc0 {
        start += 1;
    }
    start
}

/// The first byte of the character whose last byte stands before `end`.
fn lead_before(units: &[u8], end: usize, floor: usize) -> u8 {
    let mut at = end - 1;
    while at > floor && at + 3 >= end && (0x80..0xc0).contains(&units[at]) {
        at -= 1;
    }
    units[at]
}

/// Where the local part before this `@` begins; `None` where there is none.
pub(crate) fn start_of(units: &[u8], at: AtSign) -> Option<usize> {
    // What is held of a word that may go on: `bob_at_…` is one.
    let floor = if at.sign == Sign::Word { at.end() } else { at.start() }.saturating_sub(MAX_LOCAL);
    let mut start = local_start(units, at.start(), floor.min(at.start()));
    super::work(at.start() - start);
    if start == at.start() {
        return None;
    }
    if at.sign != Sign::Plain {
        start = spelled_start(units, start, at.start().saturating_sub(MAX_SPELLED), at.sign);
    }
    Some(start)
}

/// Reaches back over ` [dot] ` to the words before, of each of which only so much counts as is held while it may go on.
pub(crate) fn spelled_start(units: &[u8], start: usize, floor: usize, sign: Sign) -> usize {
    let mut start = start;
    while let Some(dot) = dot_before(&units[floor..start], sign) {
        let end = floor + dot;
        let earlier = local_start(units, end, floor.max(end.saturating_sub(MAX_LOCAL)));
        if earlier == end {
            break;
        }
        start = earlier;
    }
    start
}

/// Where a spelled dot at the end of these units begins.
fn dot_before(units: &[u8], sign: Sign) -> Option<usize> {
    let longest = units.len().min(12);
    super::work(longest);
    // What a dot that is spelled out ends with.
    if !matches!(units.last(), Some(b' ' | b']' | b')' | b'}' | b'>')) {
        return None;
    }
    (units.len() - longest..units.len()).find(|at| {
        matches!(units[*at], b' ' | b'[' | b'(' | b'{' | b'<')
            && matches!(read_dot(&units[*at..], sign), Token::Read(length) if *at + length == units.len())
            && at.checked_sub(1).is_some_and(|before| units[before] != b' ')
    })
}

/// Whether a dot may stand after the domain's first label: what most signs fail that are none of an address.
pub(crate) fn may_have_domain(view: View<'_>, at: AtSign) -> bool {
    let end = label(view.units, at.end(), at.sign);
    super::work(end - at.end() + 1);
    let gap = view.units[end..].iter().take(2).take_while(|unit| **unit == b' ').count();
    match view.units.get(end + gap) {
        None => view.more == More::Possible,
        Some(b'.' | b'[' | b'(' | b'{' | b'<') => end > at.end(),
        Some(unit) if is_fence(*unit) => end > at.end(),
        Some(b'd' | b'D' | b'p' | b'P' | b'k' | b'K' | b'n' | b'N' | b't' | b'T') => gap > 0 && at.sign != Sign::Plain,
        Some(_) => false,
    }
}

/// Looks for the domain after an `@`; the local part begins at `start`.
pub(crate) fn recognise(view: View<'_>, start: usize, at: AtSign) -> Answer {
    if is_login(view, start, at) {
        return Answer::Nothing;
    }
    let limit = view.units.len().min(at.end() + MAX_DOMAIN);
    let cut = limit == view.units.len() && view.more == More::Possible;
    let (mut place, mut labels, mut spelled, mut found) = (at.end(), 0_usize, false, None);
    loop {
        let end = label(&view.units[..limit], place, at.sign);
        super::work(end - place + 1);
        if end >= limit && cut {
            return Answer::Undecided;
        }
        if end == place {
            break;
        }
        // `me at the dot com office` is talk.
        if labels == 0 && at.sign == Sign::Word && is_article(&view.units[place..end]) {
            break;
        }
        labels += 1;
        let (last, text) = without_aside(&view.units[place..end], end);
        let believed = at.sign != Sign::Word || spelled && is_common_top_level(text);
        if labels >= 2 && is_top_level(text) && believed {
            found = Some(last);
        }
        let dot = match view.units[end..limit].first() {
            Some(b'.') if !view.units[end + 1..limit].starts_with(b" ") || at.sign == Sign::Plain => Token::Read(1),
            _ => read_dot(&view.units[end..limit], at.sign),
        };
        match dot {
            Token::CutOff if cut => return Answer::Undecided,
            Token::CutOff | Token::Not => break,
            Token::Read(length) => {
                spelled |= length > 1;
                place = end + length;
            }
        }
    }
    match found {
        Some(end) if !is_scaled_picture(&view.units[at.end()..end]) => {
            Answer::found(end, Builtin::EmailAddress.index())
        }
        _ => Answer::Nothing,
    }
}

/// A label that may be the last without what a dash ties to it: `bob@example.com—today`, which looks like a hyphen here.
fn without_aside(label: &[u8], end: usize) -> (usize, &[u8]) {
    match label.iter().position(|unit| *unit == b'-') {
        Some(dash) if dash > 0 && is_top_level(&label[..dash]) && !is_punycode(label) => {
            (end - label.len() + dash, &label[..dash])
        }
        _ => (end, label),
    }
}

/// The end of a domain's label: letters, digits and hyphens of one kind of script; where the `@` is a word, not the hyphens
/// of `-dot-`.
fn label(units: &[u8], start: usize, sign: Sign) -> usize {
    let spaceless = units.get(start).is_some_and(|unit| *unit >= 0xe0);
    let mut end = start;
    while end < units.len() && end - start < 63 {
        let belongs = match units[end] {
            0xe0.. => spaceless,
            0x80.. => true,
            b'-' => true,
            unit => is_alnum(unit),
        };
        let spelled = units[end] == b'-'
            && sign == Sign::Word
            && units[end..].get(..5).is_some_and(|dot| dot.eq_ignore_ascii_case(b"-dot-"));
        if !belongs || spelled {
            break;
        }
        end += 1;
    }
    end
}

fn is_top_level(label: &[u8]) -> bool {
    let letters = label.iter().all(u8::is_ascii_alphabetic) && (2..=24).contains(&label.len());
    letters
        || is_punycode(label)
        || label.iter().all(|unit| *unit >= 0x80)
        || label.len() >= 3 && label.iter().all(|unit| *unit >= 0x80 || unit.is_ascii_alphabetic())
}

fn is_article(label: &[u8]) -> bool {
    let articles: [&[u8]; 8] = [b"the", b"a", b"an", b"this", b"that", b"our", b"my", b"your"];
    articles.iter().any(|article| article.eq_ignore_ascii_case(label))
}

fn is_punycode(label: &[u8]) -> bool {
    label.len() > 4 && label[..4].eq_ignore_ascii_case(b"xn--")
}

/// Beside the bare words `at` and `dot` only domains that many use: `look at example dot notation` is prose.
fn is_common_top_level(label: &[u8]) -> bool {
    const COMMON: &[&str] = &[
        "com",
        "org",
        "net",
        "edu",
        "gov",
        "mil",
        "int",
        "info",
        "biz",
        "name",
        "pro",
        "dev",
        "app",
        "cloud",
        "online",
        "site",
        "tech",
        "xyz",
        "shop",
        "store",
        "blog",
        "email",
        "mail",
        "coop",
        "aero",
        "museum",
        "jobs",
        "mobi",
        "travel",
        "asia",
        "berlin",
        "club",
        "live",
        "life",
        "world",
        "email",
        "digital",
        "agency",
        "solutions",
        "technology",
        "company",
        "group",
        "software",
        "systems",
        "network",
        "academy",
        "health",
        "finance",
        "bank",
        "legal",
        "local",
        "test",
        "example",
    ];
    label.len() == 2
        || label.starts_with(b"xn--")
        || COMMON.iter().any(|common| common.as_bytes().eq_ignore_ascii_case(label))
}

/// `icon@2x.png`: a picture for dense screens.
fn is_scaled_picture(domain: &[u8]) -> bool {
    matches!(domain, [b'1'..=b'4', b'x', b'.', ..])
}

/// `git@` names a service, and what stands before the `@` of a URL is a user's name and password.
fn is_login(view: View<'_>, start: usize, at: AtSign) -> bool {
    let local = &view.units[start..at.start()];
    if local == b"git" && at.sign == Sign::Plain {
        return true;
    }
    if view.before(start) != b':' {
        return false;
    }
    let floor = start.saturating_sub(MAX_LOCAL);
    let user = view.units[floor..start - 1]
        .iter()
        .rev()
        .take_while(|unit| is_local(**unit) || is_local_between_letters(**unit))
        .count();
    view.units[..start - 1 - user].ends_with(b"//")
}
