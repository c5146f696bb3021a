//! Names that announce a secret, in the languages in which people write them.

use std::sync::LazyLock;

use Announced::{Key, Password};
use Stands::{AtTheEnd, Qualified, Whole};

/// What kind of value the name before a `:` or `=` announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Announced {
    Password,
    Key,
}

/// How a name must stand in its word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    /// `dbPassword` ends with it.
    AtTheEnd,
    /// Not behind other letters.
    Whole,
    /// Behind a word of [`QUALIFIERS`].
    Qualified,
}

/// A name as the detectors see it, in small letters.
struct Name {
    text: &'static [u8],
    /// Its last eight letters, as a number, and which bytes of one they are.
    tail: u64,
    mask: u64,
    announces: Announced,
    stands: Stands,
}

const fn name(text: &'static str, announces: Announced, stands: Stands) -> Name {
    let text = text.as_bytes();
    let (mut tail, mut mask, mut place) = (0, 0, 0);
    while place < text.len() && place < 8 {
        tail |= (text[text.len() - 1 - place] as u64) << (56 - 8 * place);
        mask |= 0xff << (56 - 8 * place);
        place += 1;
    }
    Name { text, tail, mask, announces, stands }
}

/// By their last letter.
const NAMES: &[Name] = &[
    name("contrasena", Password, AtTheEnd),
    name("contrasenya", Password, AtTheEnd),
    name("lozinka", Password, Whole),
    name("parola", Password, Whole),
    name("salasana", Password, AtTheEnd),
    name("senha", Password, AtTheEnd),
    name("passwd", Password, AtTheEnd),
    name("password", Password, AtTheEnd),
    name("passord", Password, AtTheEnd),
    name("kodeord", Password, AtTheEnd),
    name("losenord", Password, AtTheEnd),
    name("pwd", Password, AtTheEnd),
    name("wachtwoord", Password, AtTheEnd),
    name("adgangskode", Password, AtTheEnd),
    name("passcode", Password, AtTheEnd),
    name("passe", Password, Whole),
    name("motdepasse", Password, AtTheEnd),
    name("passphrase", Password, AtTheEnd),
    name("sifre", Password, Whole),
    name("katasandi", Password, AtTheEnd),
    name("sandi", Password, Whole),
    name("credential", Key, AtTheEnd),
    name("sifrem", Password, Whole),
    name("authorization", Key, AtTheEnd),
    name("token", Key, AtTheEnd),
    name("geslo", Password, Whole),
    name("haslo", Password, Whole),
    name("heslo", Password, Whole),
    name("jelszo", Password, AtTheEnd),
    name("bearer", Key, AtTheEnd),
    name("credentials", Key, AtTheEnd),
    name("pass", Password, Whole),
    name("kennwort", Password, AtTheEnd),
    name("losenordet", Password, Whole),
    name("passordet", Password, Whole),
    name("passwort", Password, AtTheEnd),
    name("secret", Key, AtTheEnd),
    name("khau", Password, Whole),
    name("matkhau", Password, Whole),
    name("pw", Password, Whole),
    name("accesskey", Key, AtTheEnd),
    name("accountkey", Key, AtTheEnd),
    name("apikey", Key, AtTheEnd),
    name("authkey", Key, AtTheEnd),
    name("encryptionkey", Key, AtTheEnd),
    name("key", Key, Qualified),
    name("licensekey", Key, AtTheEnd),
    name("masterkey", Key, AtTheEnd),
    name("passkey", Key, AtTheEnd),
    name("privatekey", Key, AtTheEnd),
    name("secretkey", Key, AtTheEnd),
    name("sharedkey", Key, AtTheEnd),
    name("signingkey", Key, AtTheEnd),
    name("subscriptionkey", Key, AtTheEnd),
];

/// Which of [`NAMES`] end with each letter.
const BY_LAST: [(u8, u8); 26] = {
    let (mut by_last, mut letter) = ([(0, 0); 26], 0);
    while letter < 26 {
        let (mut from, mut to, mut place) = (NAMES.len(), 0, 0);
        while place < NAMES.len() {
            let text = NAMES[place].text;
            if text[text.len() - 1] == b'a' + letter as u8 {
                from = if place < from { place } else { from };
                to = place + 1;
            }
            place += 1;
        }
        by_last[letter] = if from < to { (from as u8, to as u8) } else { (0, 0) };
        letter += 1;
    }
    by_last
};

/// What stands before `key` where it is no key of a keyboard or a map.
const QUALIFIERS: &[&[u8]] = &[
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
    b"subscription",
    b"session",
    b"storage",
    b"webhook",
    b"project",
    b"deploy",
];

/// Words for a password that are not spelled in Latin letters, or are several words, as the detectors see them.
static OTHERS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let written = [
        "密码",
        "密碼",
        "口令",
        "パスワード",
        "暗証番号",
        "비밀번호",
        "암호",
        "пароль",
        "κωδικός",
        "κωδικός πρόσβασης",
        "סיסמה",
        "סיסמא",
        "كلمة المرور",
        "كلمة السر",
        "पासवर्ड",
        "পাসওয়ার্ড",
        "รหัสผ่าน",
    ];
    written.map(crate::text::fold_str).into()
});

/// What says after a word for a password that the word comes next, where no space is put between.
static SAYS: LazyLock<Vec<Vec<u8>>> =
    LazyLock::new(|| ["は", "는", "은", "是", "为", "為"].map(crate::text::fold_str).into());

/// Builds what this module keeps, so that the first text does not pay for it.
pub(crate) fn prepare() {
    LazyLock::force(&OTHERS);
    LazyLock::force(&SAYS);
}

/// What the name that ends before `end` announces, quotation marks and spaces aside.
pub(crate) fn announced_by(units: &[u8], end: usize) -> Option<Announced> {
    let decorations = units[..end].iter().rev().take(8).take_while(|unit| is_decoration(**unit)).count();
    let end = end - decorations;
    let last = *units.get(end.wrapping_sub(1))?;
    if last >= 0x80 {
        let window = &units[..end];
        return OTHERS.iter().any(|word| window.ends_with(word)).then_some(Password);
    }
    let (from, to) = *BY_LAST.get(usize::from((last | 0x20).wrapping_sub(b'a')))?;
    let tail = tail_of(units, end);
    let likely = |name: &&Name| tail & name.mask == name.tail;
    let named = NAMES[usize::from(from)..usize::from(to)].iter().filter(likely).any_of(units, end);
    named.or_else(|| if tail >> 24 == VALUE { of_attribute(units, end) } else { None })
}

/// The last five letters of [`tail_of`] what ends with `value`.
const VALUE: u64 = u64::from_be_bytes([0, 0, 0, b'e', b'u', b'l', b'a', b'v']);

/// `key="ApiKey" value="…"`: the name is the value of the attribute before.
fn of_attribute(units: &[u8], end: usize) -> Option<Announced> {
    let before = &units[end.saturating_sub(48)..end - b"value".len()];
    let name = before.trim_ascii_end().strip_suffix(b"\"")?;
    announced_by(name, name.len())
}

const fn is_decoration(unit: u8) -> bool {
    matches!(unit, b' ' | b'"' | b'\'' | b'`' | b'*')
}

/// The eight units before `end` in small letters, the last one in the highest byte.
fn tail_of(units: &[u8], end: usize) -> u64 {
    let tail = match units[..end].last_chunk::<8>() {
        Some(tail) => u64::from_le_bytes(*tail),
        None => units[..end].iter().fold(0, |tail, unit| tail >> 8 | u64::from(*unit) << 56),
    };
    tail | 0x2020_2020_2020_2020
}

/// The first of some names that stands before an end as it must.
trait AnyOf<'a> {
    fn any_of(self, units: &[u8], end: usize) -> Option<Announced>;
}

impl<'a, I: Iterator<Item = &'a Name>> AnyOf<'a> for I {
    fn any_of(mut self, units: &[u8], end: usize) -> Option<Announced> {
        let name = self.find(|name| {
            let start = end.wrapping_sub(name.text.len());
            let whole =
                name.text.len() <= 8 || units.get(start..end).is_some_and(|here| here.eq_ignore_ascii_case(name.text));
            whole
                && match name.stands {
                    AtTheEnd => true,
                    Whole => !units[..start].last().is_some_and(u8::is_ascii_alphabetic),
                    Qualified => is_qualified(&units[..start]),
                }
        })?;
        Some(name.announces)
    }
}

fn is_qualified(before: &[u8]) -> bool {
    let [rest @ .., b'_' | b'-' | b' '] = before else { return false };
    let ends_with =
        |word: &&[u8]| rest.len().checked_sub(word.len()).is_some_and(|start| rest[start..].eq_ignore_ascii_case(word));
    QUALIFIERS.iter().any(ends_with)
}

/// What the text before `start` says to stand there: a password in `the password is …`, `Passwort lautet …`, or what a
/// flag names.
pub(crate) fn said_before(units: &[u8], start: usize) -> Option<Announced> {
    let floor = start.saturating_sub(40);
    let mut before = &units[floor..start];
    while let [rest @ .., b'"' | b'\'' | b'`' | b'*'] = before {
        before = rest;
    }
    let before = before.strip_suffix(b" ")?;
    let [.., second, last] = before else { return None };
    if *last >= 0x80 {
        let says = SAYS.iter().find(|word| before.ends_with(word))?;
        return announced_by(units, floor + before.len() - says.len()).filter(|kind| *kind == Password);
    }
    let ending = [second | 0x20, last | 0x20];
    let verb = matches!(
        &ending,
        b"is" | b"as" | b"et" | b"st" | b"es" | b" e" | b"ar" | b"to" | b"ng" | b"er" | b"on" | b"je" | b"te" | b" -"
    );
    if verb || *last == b':' {
        let at =
            |verb: &&[u8]| before.len().checked_sub(verb.len()).filter(|at| before[*at..].eq_ignore_ascii_case(verb));
        let said = VERBS
            .iter()
            .filter(|verb| verb.ends_with(&[last.to_ascii_lowercase()]))
            .filter_map(at)
            .any(|at| announced_by(units, floor + at) == Some(Password));
        if said {
            return Some(Password);
        }
    }
    let flag = before.iter().rev().take_while(|unit| unit.is_ascii_alphanumeric() || **unit == b'-').count();
    let is_flag = flag > 5 && before[before.len() - flag..].starts_with(b"--");
    if is_flag { announced_by(units, floor + before.len()) } else { None }
}

/// What says in Latin letters that a password comes next.
const VERBS: &[&[u8]] = &[
    b" is", b" was", b" lautet", b" ist", b" est", b" es", b" e", b" jest", b" ar", b" to", b" is:", b" being", b" er",
    b" on", b" je", b" este", b" -",
];

/// Whether a word that ends with this unit, or the sign after it, may say that a secret follows: the verbs of
/// [`said_before`], and flags.
pub(crate) const fn may_say(last: u8) -> bool {
    matches!(last | 0x20, b's' | b't' | b'e' | b'r' | b'o' | b'g' | b'n' | b'd' | b'y' | b':')
        || matches!(last, b'"' | b'\'' | b'`' | b'*' | b'-' | 0x80..)
}

/// Whether an authentication scheme's name stands before `start` (RFC 9110, section 11.6.2).
pub(crate) fn is_after_scheme(units: &[u8], start: usize) -> bool {
    [&b"bearer "[..], b"basic ", b"ssws ", b"apikey "].iter().any(|scheme| {
        start.checked_sub(scheme.len()).is_some_and(|from| units[from..start].eq_ignore_ascii_case(scheme))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_by_their_last_letter() {
        let last = |name: &Name| name.text[name.text.len() - 1];
        assert!(NAMES.is_sorted_by_key(last));
        assert!(NAMES.iter().all(|name| name.text.iter().all(u8::is_ascii_lowercase)));
    }

    #[test]
    fn names_announce() {
        let by = |before: &str| {
            let units = crate::text::fold_str(before);
            announced_by(&units, units.len())
        };
        for name in [
            "DB_PASSWORD",
            "\"password\" ",
            "dbPassword",
            "Contraseña",
            "şifre",
            "mot de passe ",
            "パスワード",
            "רק סיסמה",
        ] {
            assert_eq!(by(name), Some(Password), "{name}");
        }
        for name in
            ["api key", "x-api-key", "SharedAccessKey", "token", "Ocp-Apim-Subscription-Key", "key=\"ApiKey\" value"]
        {
            assert_eq!(by(name), Some(Key), "{name}");
        }
        for name in ["key", "monkey", "compass", "value", "", "a", "surpass", "order"] {
            assert_eq!(by(name), None, "{name}");
        }
    }

    #[test]
    fn what_is_said() {
        let said = |before: &str| {
            let units = crate::text::fold_str(before);
            said_before(&units, units.len())
        };
        assert_eq!(said("the password is "), Some(Password));
        assert_eq!(said("パスワードは "), Some(Password));
        assert_eq!(said("run --token "), Some(Key));
        assert_eq!(said("run --password \""), Some(Password));
        assert_eq!(said("run -- token "), None);
        assert_eq!(said("the answer is "), None);
    }
}
