//! Values that no country has to itself, and those of one.

use super::checks::{iban, luhn};
use super::draw::Draw;
use super::locale::Locale;

/// A value: its kind, how it was written, and what is said around it where that is what makes it known.
pub(crate) struct Value {
    pub(crate) kind: &'static str,
    pub(crate) text: String,
    pub(crate) said: Option<&'static str>,
}

fn plain(kind: &'static str, text: String) -> Value {
    Value { kind, text, said: None }
}

/// Issuers' first digits, the length, and how people group it.
const CARDS: &[(&str, usize, &[usize])] = &[
    ("4", 16, &[4, 4, 4, 4]),
    ("4", 19, &[4, 4, 4, 4, 3]),
    ("51", 16, &[4, 4, 4, 4]),
    ("55", 16, &[4, 4, 4, 4]),
    ("2720", 16, &[4, 4, 4, 4]),
    ("34", 15, &[4, 6, 5]),
    ("37", 15, &[4, 6, 5]),
    ("6011", 16, &[4, 4, 4, 4]),
    ("65", 16, &[4, 4, 4, 4]),
    ("3528", 16, &[4, 4, 4, 4]),
    ("36", 14, &[4, 6, 4]),
    ("38", 14, &[4, 6, 4]),
    ("6221", 16, &[4, 4, 4, 4]),
    ("6221", 19, &[6, 13]),
    ("5018", 16, &[4, 4, 4, 4]),
    ("6304", 16, &[4, 4, 4, 4]),
    ("2200", 16, &[4, 4, 4, 4]),
    ("6521", 16, &[4, 4, 4, 4]),
];

fn card(draw: &mut Draw) -> String {
    let (issuer, length, groups) = CARDS[draw.below(CARDS.len())];
    let number = luhn(&format!("{issuer}{}", draw.fill(&"N".repeat(length - issuer.len() - 1))));
    match draw.below(3) {
        0 => number,
        _ => in_groups(&number, groups, draw.one(&[" ", "-", ".", "/", "_", " - ", "  "])),
    }
}

fn in_groups(number: &str, groups: &[usize], separator: &str) -> String {
    let (mut parts, mut rest) = (Vec::new(), number);
    for length in groups.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (part, after) = rest.split_at((*length).min(rest.len()));
        parts.push(part);
        rest = after;
    }
    parts.join(separator)
}

fn account(draw: &mut Draw, country: &str, pattern: &str) -> String {
    let number = iban(country, &draw.fill(pattern));
    match draw.below(5) {
        0 => in_groups(&number, &[4], " "),
        1 => in_groups(&number, &[4], "-"),
        2 => in_groups(&number, &[2, 2, 3, 5, 4], " "),
        3 => number.to_ascii_lowercase(),
        _ => number,
    }
}

const SECURITY: &[&str] =
    &["my social security number is {}", "SSN {}", "ssn={}", "Social Security No. {}", "{\"ssn\":\"{}\"}"];

/// What an issuer's keys begin with, what they are made of, and how long that is.
const SECRETS: &[(&str, char, usize)] = &[
    ("sk-proj-", 'W', 120),
    ("sk-svcacct-", 'W', 80),
    ("sk-ant-api03-", 'W', 95),
    ("sk-or-v1-", 'h', 64),
    ("gsk_", 'W', 52),
    ("xai-", 'W', 80),
    ("hf_", 'W', 34),
    ("r8_", 'W', 37),
    ("pplx-", 'W', 48),
    ("AIza", 'W', 35),
    ("ya29.", 'W', 100),
    ("AKIA", 'Q', 16),
    ("ASIA", 'Q', 16),
    ("ghp_", 'W', 36),
    ("ghs_", 'W', 36),
    ("github_pat_", 'W', 82),
    ("glpat-", 'W', 20),
    ("xoxb-", 'W', 40),
    ("xapp-1-", 'W', 40),
    ("sk_live_", 'W', 24),
    ("rk_live_", 'W', 24),
    ("whsec_", 'W', 32),
    ("SG.", 'W', 66),
    ("npm_", 'W', 36),
    ("pypi-AgEIcHlwaS5vcmc", 'W', 100),
    ("dckr_pat_", 'W', 27),
    ("dop_v1_", 'h', 64),
    ("shpat_", 'h', 32),
    ("glsa_", 'W', 41),
    ("hvs.", 'W', 90),
    ("AGE-SECRET-KEY-1", 'Q', 58),
    ("ATATT3xFfGF0", 'W', 180),
    ("dp.pt.", 'W', 43),
    ("lin_api_", 'W', 40),
    ("figd_", 'W', 40),
    ("nvapi-", 'W', 64),
    ("sbp_", 'h', 40),
    ("rubygems_", 'h', 48),
    ("PMAK-", 'h', 59),
    ("sntrys_", 'W', 80),
    ("secret_", 'W', 43),
    ("ntn_", 'W', 46),
    ("key-", 'h', 32),
    ("EAACEdEose0cBA", 'W', 100),
    ("vercel_blob_rw_", 'W', 48),
    ("ctx7sk-", 'W', 36),
    ("sk-lf-", 'h', 36),
];

/// What is said before a key, what it is made of, how long it is, and what follows.
const KEYS: &[(&str, char, usize, &str)] = &[
    ("AWS_SECRET_ACCESS_KEY=", 'B', 40, "\n"),
    ("aws_secret_access_key = ", 'B', 40, "\n"),
    ("\"clientSecret\": \"", 'W', 36, "\""),
    ("AccountKey=", 'B', 86, "==;EndpointSuffix=core.windows.net"),
    ("SharedAccessKey=", 'B', 43, "="),
    ("postgres://svc:", 'W', 14, "@db.internal:5432/x"),
    ("mongodb+srv://admin:", 'W', 18, "@c0.mongodb.net"),
    ("redis://:", 'W', 20, "@cache:6379"),
    ("x-api-key: ", 'h', 32, "\n"),
    ("DD_API_KEY=", 'h', 32, "\n"),
    ("api key: ", 'W', 32, "\n"),
    ("Authorization: Bearer ", 'W', 48, "\n"),
    ("token: ", 'W', 40, "\n"),
    ("client_secret=", 'W', 32, "&x=1"),
    ("Ocp-Apim-Subscription-Key: ", 'h', 32, "\n"),
    ("X-Auth-Token: ", 'h', 40, "\n"),
    ("cle d'API : api_key = ", 'W', 32, "\n"),
    ("webhook_secret: '", 'W', 40, "'\n"),
    ("<add key=\"ApiKey\" value=\"", 'W', 32, "\" />"),
    ("REFRESH_TOKEN='", 'W', 64, "'\n"),
    ("jwt_secret = \"", 'W', 48, "\"\n"),
    ("session_key => '", 'W', 40, "',\n"),
    ("--token ", 'W', 40, " --verbose"),
    ("--api-key=", 'h', 40, " up"),
];

const PASSWORDS: &[&str] = &["UlllllNNNN!", "lllllNNN", "UUllNN#ll", "Ullll-Ullll-NN", "NNllllU$l", "lllll_NNNN"];

/// Values of every kind for people of this place; `round` goes through the issuers.
pub(crate) fn values(locale: &'static Locale, round: usize, draw: &mut Draw) -> Vec<Value> {
    let mut values = vec![plain("card", card(draw)), plain("card", card(draw))];
    values.extend(locale.account.map(|(country, pattern)| plain("account", account(draw, country, pattern))));
    values.extend(locale.phones.iter().map(|pattern| plain("phone", draw.fill(pattern))));
    for pattern in locale.local_phones {
        let said = Some(draw.one(locale.calling));
        values.push(Value { kind: "phone", text: draw.fill(pattern), said });
    }
    values.push(plain("email", draw.fill(&address(locale.mail))));
    let password = draw.one(PASSWORDS);
    values.push(Value { kind: "password", text: draw.fill(password), said: Some(draw.one(locale.password)) });
    let security = draw.one(&["2NN-4N-3NNN", "5NN 2N 4NNN", "1NN2N5NNN"]);
    values.push(Value { kind: "security", text: draw.fill(security), said: Some(draw.one(SECURITY)) });
    let address =
        draw.one(&["1ZN.4N.1NN.ZN", "8N.1NN.2N.7", "2a01:hhhh:hh1:hhhh::2", "2001:db8:hhhh:hhhh:hhhh:hhhh:hhhh:hhh1"]);
    values.push(plain("address", draw.fill(address)));
    let hardware = draw.one(&["hh:hh:1h:hh:hh:h2", "HH-HH-1H-HH-HH-H4", "hh1h.hhhh.hhh5"]);
    values.push(plain("hardware", draw.fill(hardware)));
    values.push(plain("wallet", draw.key("0x", 'h', 40)));
    let insurance = draw.one(&["CENNNNNNC", "JG NN NN NN \\A", "PR-NN-NN-NN-D"]);
    values.push(plain("insurance", draw.fill(insurance)));
    let (issuer, mark, length) = SECRETS[round % SECRETS.len()];
    values.push(plain("secret", draw.key(issuer, mark, length)));
    values
}

/// An address' pattern, in which `l` and `N` alone are marks.
fn address(pattern: &str) -> String {
    pattern.chars().map(|mark| if "HhUWQBZ".contains(mark) { format!("\\{mark}") } else { mark.to_string() }).collect()
}

/// A key as it stands in a settings file, a header or an address: what comes before it, itself, and what follows.
pub(crate) fn key(round: usize, draw: &mut Draw) -> (&'static str, String, &'static str) {
    let (before, mark, length, after) = KEYS[round % KEYS.len()];
    (before, draw.key("", mark, length), after)
}
