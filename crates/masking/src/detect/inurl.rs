//! Secrets in addresses: a password before the host, hooks that are secret as a whole, and bots.

use super::keys::Alphabet;
use super::secret::{MAX_HELD, found_with};
use super::{Answer, Tail, View, is_alnum};

/// URLs that are secrets as a whole: whoever knows one can post.
const HOOKS: &[&str] = &[
    "https://hooks.slack.com/services/",
    "https://hooks.slack.com/workflows/",
    "https://discord.com/api/webhooks/",
    "https://discordapp.com/api/webhooks/",
    "https://outlook.office.com/webhook/",
    "https://chat.googleapis.com/v1/spaces/",
];

/// Whether what follows the colon of a URL at `colon` could be one of them, by its first letter.
pub(crate) fn may_be_hook(view: View<'_>, colon: usize) -> bool {
    view.get(colon + 3).is_none_or(|unit| matches!(unit, b'h' | b'd' | b'o' | b'c'))
}

/// Looks for the URL of a web hook at `start`.
pub(crate) fn hook(view: View<'_>, start: usize) -> Answer {
    let rest = &view.units[start..];
    let Some(hook) = HOOKS.iter().find(|hook| rest.iter().zip(hook.bytes()).all(|(unit, wanted)| *unit == wanted))
    else {
        return Answer::Nothing;
    };
    super::work(hook.len());
    let path = start + hook.len();
    let end = view.run(path, MAX_HELD, |unit| {
        is_alnum(unit) || matches!(unit, b'/' | b'_' | b'-' | b'@' | b'?' | b'=' | b'&' | b'.')
    });
    if view.is_open(end) && end < path + MAX_HELD || path > view.units.len() {
        return if view.is_open(view.units.len()) { Answer::Undecided } else { Answer::Nothing };
    }
    let dots = view.units[path..end].iter().rev().take_while(|unit| **unit == b'.').count();
    match end - path >= 20 {
        true if end == path + MAX_HELD => found_with(end, Tail::Key),
        true => found_with(end - dots, Tail::None),
        false => Answer::Nothing,
    }
}

/// A bot's number and its key, as Telegram issues them: eight to ten digits, a colon, 35 characters.
pub(crate) fn bot(view: View<'_>, start: usize, colon: usize) -> Answer {
    if Alphabet::Url.has(view.before(start)) && !view.units[..start].ends_with(b"bot") {
        return Answer::Nothing;
    }
    let end = view.run(colon + 1, 36, |unit| Alphabet::Url.has(unit));
    if view.is_open(end) && end - colon <= 36 {
        return Answer::Undecided;
    }
    match end - colon == 36 {
        true => found_with(end, Tail::None),
        false => Answer::Nothing,
    }
}

/// The longest password that is looked for in a URL.
const MAX_USERINFO: usize = 128;

/// Whether a user's name stands before the colon at `colon`, and `//` before that (RFC 3986, section 3.2.1).
pub(crate) fn is_after_user(units: &[u8], colon: usize) -> bool {
    let floor = colon.saturating_sub(64);
    let user = units[floor..colon]
        .iter()
        .rev()
        .take_while(|unit| is_alnum(**unit) || matches!(unit, b'.' | b'_' | b'-' | b'+' | b'%' | b'~'))
        .count();
    units[..colon - user].ends_with(b"//")
}

/// Looks for the password of a URL at `start`: what stands before the last `@` of its authority.
pub(crate) fn in_url(view: View<'_>, start: usize) -> Answer {
    let end = view.run(start, MAX_USERINFO, |unit| {
        unit > b' ' && !matches!(unit, b'/' | b'"' | b'\'' | b'`' | b'<' | b'>' | b'?')
    });
    if view.is_open(end) && end - start < MAX_USERINFO {
        return Answer::Undecided;
    }
    let text = &view.units[start..end];
    match text.iter().rposition(|unit| *unit == b'@') {
        Some(length) if length > 0 && !matches!(text[0], b'<' | b'$' | b'{' | b'*' | b'[') => {
            found_with(start + length, Tail::None)
        }
        _ => Answer::Nothing,
    }
}

/// Whether an account's name as Twilio gives them stands before the colon at `colon`: `AC` and 32 hexadecimal digits.
pub(crate) fn is_after_account(units: &[u8], colon: usize) -> bool {
    let name = colon.checked_sub(34).map(|start| (&units[start..colon], start));
    name.is_some_and(|(name, start)| {
        name.starts_with(b"AC")
            && name[2..].iter().all(u8::is_ascii_hexdigit)
            && !start.checked_sub(1).is_some_and(|before| is_alnum(units[before]))
    })
}
