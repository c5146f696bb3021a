//! Keys, tokens, passwords and private keys.

use std::sync::LazyLock;

use super::keys::{Alphabet, Prefixed};
use super::registry::Builtin;
use super::{Answer, Hit, Tail, View, is_alnum};

/// A secret longer than this is not held to its end: what follows is swallowed.
const MAX_HELD: usize = 256;

/// Looks for a key of this kind at `start`, where it could begin.
pub(crate) fn prefixed(view: View<'_>, start: usize, kind: &Prefixed) -> Answer {
    if kind.prefix == "-----BEGIN" {
        return armoured(view, start);
    }
    let body = start + kind.prefix.len();
    let end = view.run(body, MAX_HELD, |unit| kind.alphabet.has(unit));
    let text = &view.units[body..end];
    if end - body == MAX_HELD {
        return match is_plausible(kind, text) {
            true => found_with(end, Tail::Key),
            false => Answer::Nothing,
        };
    }
    if view.is_open(end) {
        return Answer::Undecided;
    }
    // A sentence may end right after a token.
    let dots = text.iter().rev().take_while(|unit| **unit == b'.').count();
    let text = &text[..text.len() - dots];
    match text.len() >= kind.fewest && is_plausible(kind, text) {
        true => found_with(end - dots, Tail::None),
        false => Answer::Nothing,
    }
}

const fn found_with(end: usize, tail: Tail) -> Answer {
    Answer::Found(Hit { end, info_type: Builtin::Secret.index(), tail })
}

/// What tells a key from a name that begins alike.
fn is_plausible(kind: &Prefixed, text: &[u8]) -> bool {
    let mixed = text.iter().any(u8::is_ascii_digit) && text.iter().any(u8::is_ascii_alphabetic);
    match kind.prefix {
        // Sixteen of base32 exactly: a key even where chance gave it no digit.
        "AKIA" | "ASIA" | "ABIA" | "ACCA" => mixed || text.len() == 16,
        "MD" | "MT" | "Mj" | "Mz" | "ND" | "NT" | "Nj" | "Nz" | "OD" | "OT" => {
            let mut lengths = [0; 3];
            let parts = text.split(|unit| *unit == b'.').map(<[u8]>::len);
            let count = parts.zip(&mut lengths).map(|(part, length)| *length = part).count();
            let dots = text.iter().filter(|unit| **unit == b'.').count();
            count == 3 && dots == 2 && matches!(lengths, [16..=26, 6..=7, 25..=40])
        }
        "eyJ" => {
            let mut parts = text.split(|unit| *unit == b'.');
            let lengths = (parts.next().map_or(0, <[u8]>::len), parts.next().map_or(0, <[u8]>::len));
            lengths.0 >= 8 && lengths.1 >= 8 || lengths.0 == MAX_HELD
        }
        "sk-" | "pypi-" | "tskey-" | "pul-" => {
            let longest = text.split(|unit| matches!(unit, b'-' | b'_')).map(<[u8]>::len).max().unwrap_or(0);
            mixed && longest >= 12
        }
        _ => mixed || text.iter().any(u8::is_ascii_uppercase) && text.iter().any(u8::is_ascii_lowercase),
    }
}

/// A private key's header (RFC 7468 and OpenPGP); the body follows as a tail. Certificates are public.
fn armoured(view: View<'_>, start: usize) -> Answer {
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

/// How far a value goes on that was found with a tail, and whether it ends there.
pub(crate) fn swallow(view: View<'_>, at: usize, tail: Tail) -> (usize, bool) {
    let while_ = |belongs: fn(u8) -> bool| {
        let end = view.run(at, usize::MAX - at, belongs);
        (end, !view.is_open(end))
    };
    match tail {
        Tail::None => (at, true),
        Tail::Key => while_(|unit| is_alnum(unit) || matches!(unit, b'_' | b'-' | b'.' | b'=' | b'+' | b'/')),
        Tail::Visible => while_(|unit| unit > b' ' && !matches!(unit, b'"' | b'\'' | b'`')),
        Tail::Everything => while_(|_| true),
        Tail::Armour => armour(view, at),
    }
}

const END: &[u8] = b"-----END";

/// Lines of base64 or headers up to the end line; a cut-off block ends where prose begins.
fn armour(view: View<'_>, start: usize) -> (usize, bool) {
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

/// What kind of value the name before a `:` or `=` announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Announced {
    Password,
    Key,
}

/// What the key that ends before `end` announces, quotes and spaces aside.
pub(crate) fn announced_by(units: &[u8], end: usize) -> Option<Announced> {
    if !may_announce(units, end) {
        return None;
    }
    let floor = end.saturating_sub(40);
    let window = &units[floor..end];
    let trimmed =
        window.iter().rposition(|unit| !matches!(unit, b' ' | b'"' | b'\'' | b'`' | b'*')).map_or(0, |at| at + 1);
    let window = &window[..trimmed];
    let letters = window.iter().rev().take(16).take_while(|unit| unit.is_ascii_alphabetic() || **unit >= 0x80).count();
    if letters < 3 {
        return None;
    }
    let mut word = [0; 16];
    let word = &mut word[..letters];
    word.copy_from_slice(&window[trimmed - letters..]);
    word.make_ascii_lowercase();
    let word = &*word;
    let last = word[letters - 1];
    let ends_with = |endings: &[&str]| {
        let mut likely = endings.iter().filter(|ending| ending.as_bytes().last() == Some(&last));
        likely.any(|ending| word.ends_with(ending.as_bytes()))
    };
    if ends_with(&[
        "password",
        "passwd",
        "pwd",
        "passphrase",
        "passwort",
        "kennwort",
        "wachtwoord",
        "senha",
        "passcode",
    ]) || matches!(word, b"pass" | b"passe" | b"contrasena" | b"parola" | b"haslo" | b"pw" | b"losenord")
        || OTHER_SCRIPTS.iter().any(|word| window.ends_with(word))
    {
        return Some(Announced::Password);
    }
    let qualified = || {
        let before = window[..trimmed - letters].to_ascii_lowercase();
        let before =
            before.strip_suffix(b"_").or_else(|| before.strip_suffix(b"-")).or_else(|| before.strip_suffix(b" "));
        let known: &[&[u8]] = &[
            b"api",
            b"access",
            b"secret",
            b"private",
            b"account",
            b"auth",
            b"signing",
            b"encryption",
            b"shared",
            b"master",
            b"service",
            b"client",
            b"app",
            b"admin",
        ];
        before.is_some_and(|before| known.iter().any(|word| before.ends_with(word)))
    };
    let announced = ends_with(&[
        "secret",
        "token",
        "apikey",
        "accesskey",
        "secretkey",
        "accountkey",
        "privatekey",
        "credential",
        "credentials",
        "bearer",
        "authorization",
        "sharedkey",
        "authkey",
        "licensekey",
        "encryptionkey",
        "signingkey",
    ]) || word == b"key" && qualified();
    announced.then_some(Announced::Key)
}

/// Whether the last letters before `end` are those of a word that announces a secret: most signs in code fail here.
fn may_announce(units: &[u8], end: usize) -> bool {
    let mut end = end;
    let floor = end.saturating_sub(8);
    while end > floor && matches!(units[end - 1], b' ' | b'"' | b'\'' | b'`' | b'*') {
        end -= 1;
    }
    let Some(last) = end.checked_sub(3).map(|start| &units[start..end]) else { return false };
    if last[2] >= 0x80 {
        return true;
    }
    let lower = [last[0] | 0x20, last[1] | 0x20, last[2] | 0x20];
    matches!(
        &lower,
        b"ord"
            | b"swd"
            | b"pwd"
            | b"ase"
            | b"ort"
            | b"nha"
            | b"ode"
            | b"ass"
            | b"sse"
            | b"ena"
            | b"ola"
            | b"slo"
            | b"ret"
            | b"ken"
            | b"key"
            | b"ial"
            | b"als"
            | b"rer"
            | b"ion"
    )
}

/// Words for a password that are not spelled in Latin letters, as the detectors see them.
static OTHER_SCRIPTS: LazyLock<[Vec<u8>; 5]> =
    LazyLock::new(|| ["密码", "密碼", "パスワード", "비밀번호", "пароль"].map(crate::text::fold_str));

/// Builds what this module keeps, so that the first text does not pay for it.
pub(crate) fn prepare() {
    LazyLock::force(&OTHER_SCRIPTS);
}

/// The longest password that is held; what follows a longer one is swallowed.
const MAX_PASSWORD: usize = 64;

/// Looks for the announced value at `start`.
pub(crate) fn announced(view: View<'_>, start: usize, kind: Announced) -> Answer {
    let quote = Some(view.before(start)).filter(|unit| matches!(unit, b'"' | b'\'' | b'`'));
    let (limit, tail) = match kind {
        Announced::Password => (MAX_PASSWORD, Tail::Visible),
        Announced::Key => (MAX_HELD, Tail::Key),
    };
    if is_hopeless(view, start, kind) {
        return Answer::Nothing;
    }
    let mut end = view.run(start, limit, |unit| match kind {
        Announced::Password => {
            unit > b' ' && !matches!(unit, b'"' | b'\'' | b'`') && (quote.is_some() || !matches!(unit, b',' | b';'))
        }
        Announced::Key => is_alnum(unit) || matches!(unit, b'_' | b'-' | b'.' | b'/' | b'+' | b'~'),
    });
    if kind == Announced::Key && end - start < limit {
        // Only as padding: `SECRET_KEY=…` is a name and its own value.
        end = view.run(end, 2, |unit| unit == b'=');
    }
    if end - start >= limit {
        return if is_secret(&view.units[start..end], kind) { found_with(end, tail) } else { Answer::Nothing };
    }
    if view.is_open(end) {
        return Answer::Undecided;
    }
    let mut text = &view.units[start..end];
    while let (None, [rest @ .., b'.' | b';' | b')' | b']' | b'}' | b'*']) = (quote, text) {
        text = rest;
    }
    let goes_on = kind == Announced::Key && text.ends_with(b"=") && view.get(end).is_some_and(is_alnum);
    match !goes_on && is_secret(text, kind) {
        true => found_with(start + text.len(), Tail::None),
        false => Answer::Nothing,
    }
}

/// Whether nothing that begins here is secret enough, wherever it ends: said at once of what is named again and again.
fn is_hopeless(view: View<'_>, start: usize, kind: Announced) -> bool {
    let longest = match kind {
        Announced::Password => MAX_PASSWORD,
        Announced::Key => 16,
    };
    match view.units.get(start..start + longest) {
        Some(text) => {
            super::work(longest);
            opens_placeholder(text) || kind == Announced::Password && !Classes::of(text).suffice(kind)
        }
        None => false,
    }
}

fn is_secret(text: &[u8], kind: Announced) -> bool {
    let fewest = match kind {
        Announced::Password => 6,
        Announced::Key => 16,
    };
    text.len() >= fewest && Classes::of(text).suffice(kind) && !is_placeholder(text) && is_unspoken(text, kind)
}

/// Which kinds of characters are in a text.
struct Classes {
    lower: bool,
    upper: bool,
    digit: bool,
    punctuation: bool,
}

impl Classes {
    /// Without a branch per unit, which compilers turn into vector instructions.
    fn of(text: &[u8]) -> Self {
        let has = |belongs: fn(&u8) -> bool| text.iter().fold(false, |any, unit| any | belongs(unit));
        Self {
            lower: has(u8::is_ascii_lowercase),
            upper: has(u8::is_ascii_uppercase),
            digit: has(u8::is_ascii_digit),
            punctuation: has(u8::is_ascii_punctuation),
        }
    }

    /// Whether a secret of this kind may be made of them.
    fn suffice(&self, kind: Announced) -> bool {
        let Self { lower, upper, digit, punctuation } = *self;
        let classes = [lower, upper, digit, punctuation].map(usize::from).iter().sum::<usize>();
        match kind {
            Announced::Password => classes >= 3 || classes == 2 && digit,
            Announced::Key => digit && (lower || upper),
        }
    }
}

/// What stands where a secret should be put.
fn is_placeholder(text: &[u8]) -> bool {
    opens_placeholder(text)
        || text.windows(2).any(|pair| matches!(pair, b"()" | b"${" | b"{{" | b"->" | b"::" | b"**"))
        || text.iter().all(|unit| *unit == text[0])
        || text.windows(4).any(|word| matches!(word, b"your" | b"YOUR" | b"xxxx" | b"XXXX" | b"env." | b"ENV["))
}

const fn opens_placeholder(text: &[u8]) -> bool {
    matches!(text, [b'<' | b'$' | b'{' | b'[' | b'%' | b'(', ..])
}

/// What tells a secret from code and from names.
fn is_unspoken(text: &[u8], kind: Announced) -> bool {
    match kind {
        Announced::Password => !text.contains(&b'('),
        Announced::Key => {
            let spoken = text.iter().filter(|unit| matches!(unit, b'.' | b'/' | b'-' | b'_')).count() * 4 > text.len();
            !spoken && entropy(text) >= 3.0
        }
    }
}

/// Shannon entropy of the units, in bits per unit.
fn entropy(text: &[u8]) -> f32 {
    let mut counts = [0_u16; 256];
    for unit in text {
        counts[usize::from(*unit)] += 1;
    }
    let length = text.len() as f32;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f32::from(*count) / length)
        .map(|share| -share * share.log2())
        .sum()
}

/// Whether the text before `start` says that a password stands there: `the password is …`, `Passwort lautet …`.
pub(crate) fn is_said(units: &[u8], start: usize) -> bool {
    let floor = start.saturating_sub(32);
    let mut before = &units[floor..start];
    while let [rest @ .., b'"' | b'\'' | b'`' | b'*'] = before {
        before = rest;
    }
    let Some(before) = before.strip_suffix(b" ") else { return false };
    let [.., second, last] = before else { return false };
    let ending = [second | 0x20, last | 0x20];
    if !matches!(&ending, b"is" | b"as" | b"et" | b"st" | b"es" | b" e" | b"ar" | b"to" | b"ng") && *last != b':' {
        return false;
    }
    let verbs: [&[u8]; 12] =
        [b" is", b" was", b" lautet", b" ist", b" est", b" es", b" e", b" jest", b" ar", b" to", b" is:", b" being"];
    verbs
        .iter()
        .filter_map(|verb| before.len().checked_sub(verb.len()).filter(|at| before[*at..].eq_ignore_ascii_case(verb)))
        .any(|at| announced_by(units, floor + at) == Some(Announced::Password))
}

/// Whether a word that ends with this unit, or the colon after it, may say that a password follows: the verbs of [`is_said`].
pub(crate) const fn may_say(last: u8) -> bool {
    matches!(last | 0x20, b's' | b't' | b'e' | b'r' | b'o' | b'g' | b':') || matches!(last, b'"' | b'\'' | b'`' | b'*')
}

/// Whether an authentication scheme's name stands before `start` (RFC 9110, section 11.6.2).
pub(crate) fn is_after_scheme(units: &[u8], start: usize) -> bool {
    [&b"bearer "[..], b"basic "].iter().any(|scheme| {
        start.checked_sub(scheme.len()).is_some_and(|from| units[from..start].eq_ignore_ascii_case(scheme))
    })
}

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
