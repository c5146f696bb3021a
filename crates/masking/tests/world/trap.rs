//! Texts in which nothing is sensitive, and something looks so.

use super::draw::Draw;

/// Patterns of things that are nobody's, by kind; `\\` before a letter that is no mark.
const THINGS: &[(&str, &str)] = &[
    ("article", "40NNNNNNNNNNN"),
    ("uuid", "hhhhhhhh-hhhh-4hhh-9hhh-hhhhhhhhhhhh"),
    ("hash", "hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh"),
    ("hash", "hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh"),
    ("milliseconds", "17NNNNNNNNNNN"),
    ("microseconds", "17NNNNNNNNNNNNNN"),
    ("snowflake", "11NNNNNNNNNNNNNNNN"),
    ("version", "vN.1N.ZN.ZNNN"),
    ("version", "1.N.N-\\b\\e\\t\\a.N"),
    ("fraction", "ZNN.NNNNNNNNNNNNNN"),
    ("place", "-3N.NNNNNN, 14N.NNNNNN"),
    ("place", "4N°NN\u{2032}ZN\u{2033}\\N 0N°NN\u{2032}NN\u{2033}\\E"),
    ("order", "PO-NNNNNNNN"),
    ("order", "ZNN-NNNNNNN-NNNNNNN"),
    ("moment", "2026-0Z-1N 1N:3N:NZ"),
    ("moment", "2026-0Z-1NT1N:3N:0Z.NNN+02:00"),
    ("moment", "1N/0Z/202N"),
    ("money", "EUR Z,NNN,NNN.NN"),
    ("money", "¥Z,NNN,NNN"),
    ("money", "ZNN.NNN,NN €"),
    ("share", "ZN.NNNN%"),
    ("years", "19NN-20NN"),
    ("table", "ZN ZNN Z ZNNN ZN ZNN ZNNN"),
    ("list", "ZN,ZNNN,ZNN,ZNNNN"),
    ("package", "\\e\\x\\p\\r\\e\\s\\s@N.1N.N"),
    ("handle", "@llllll_NN"),
    ("object", "com.llll.Ullll@hhhhhhh"),
    ("resource", "arn:aws:s3:::llll-NNNNNNNNNNNN"),
    ("transaction", "0xhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh"),
    ("diff", "index hhhhhhh..hhhhhhh 100644"),
    ("book", "ISBN Z-NNNN-NNNN-N"),
    ("parcel", "1\\ZUUNNNNNNNNNNNNNN"),
    ("serial", "serial 35NNNNNNNNNNNNN"),
    ("substance", "CAS 50-78-2"),
    ("code", "ZNNNN-NNNN"),
    ("score", "ZN:ZN"),
    ("address", "0xhhhhhhhh"),
    ("picture", "iVBORw0KGgoWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW"),
    ("colour", "#hhhhhh"),
    ("sum", "ZNN + ZNNN * (ZN - ZNN)"),
    ("line", "src/llll.rs:ZNN:ZN"),
    ("clock", "1N:3N:0Z.NNN"),
    ("build", "build 10.0.1NNNN.ZNNN"),
    ("ticket", "TICKET-NNNNNN"),
    ("section", "section 4.2.1.3"),
    ("account", "DE00NNNNNNNNNNNNNNNNNN"),
    ("tag", "\\W/\"hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh\""),
    ("library", "libllll.so.1.1N.N"),
    ("pages", "pages ZNN-ZNN"),
    ("people", "1 41Z ZNN 000"),
    ("item", "item no. NNNNNNNNN"),
    ("norm", "ISO/IEC 27001:2022"),
    ("aspect", "1920x1080@60"),
    ("ratio", "16:9"),
    ("frequency", "2.4 GHz / 5 GHz, 802.11ax"),
    ("size", "4 294 967 296 bytes"),
    ("range", "0.0.0.0/0"),
    ("mask", "255.255.255.0"),
    ("loopback", "http://127.0.0.1:8080/"),
    ("zip", "100-0001"),
    ("isin", "US0378331005"),
    ("flight", "LH 4NN / OS 1ZN"),
    ("plate", "UU-NNN-UU"),
    ("checkpoint", "model-NNNNN-of-NNNNN.safetensors"),
    ("trace", "00-hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh-hhhhhhhhhhhhhhhh-01"),
];

const AROUND: &[&str] =
    &["see {} there", "{}", "value: {}\n", "- {}\n", "\"{}\"", "| {} |", "x={}", "the {} one.", "\t{}\t"];

/// What people write of secrets, addresses and numbers without giving one.
const TALK: &[&str] = &[
    "The password is required and must have eight characters.",
    "Passwort: bitte eingeben",
    "mot de passe : obligatoire",
    "contraseña: ********",
    "password=${DB_PASSWORD}",
    "token = await auth.getToken(user)",
    "secret_key = os.environ[\"SECRET_KEY\"]",
    "Authorization: Bearer <token>",
    "api_key: YOUR_API_KEY_HERE",
    "const password = process.env.PASSWORD || '';",
    "let key = format!(\"{}-{}\", a, b);",
    "meet me at the dot com office at noon",
    "we looked at example one, then at dot product",
    "call the function at line 42 in module 7",
    "Bel mij niet, mail liever.",
    "Die Nummer 4711 ist bekannt.",
    "密码：请输入",
    "パスワードを入力してください",
    "비밀번호를 입력하세요",
    "Пароль: введите",
    "phone: string; email: string;",
    "SELECT phone, ssn FROM people WHERE id = 10;",
    "tel: +[country][number]",
    "user@host:~$ ls",
    "a_at_b and x_dot_y are names",
    "look-at-me.example is a link",
    "either/at/or is a path",
    "pattern: [0-9]{3}-[0-9]{2}-[0-9]{4}",
    "git clone git@github.com:org/repo.git",
    "@media (min-width: 1200px) and (max-width: 1599px)",
    "The at sign and the dot are two signs.",
    "Grep for \\x40 and \\u0040 in the dump",
];

/// Every trap, so many times.
pub(crate) fn traps(rounds: usize, draw: &mut Draw) -> Vec<(&'static str, String)> {
    let mut traps = Vec::new();
    for _ in 0..rounds {
        for (kind, pattern) in THINGS {
            let thing = draw.fill(pattern);
            traps.push((*kind, draw.one(AROUND).replace("{}", &thing)));
        }
    }
    traps.extend(TALK.iter().map(|text| ("talk", (*text).to_owned())));
    traps
}
