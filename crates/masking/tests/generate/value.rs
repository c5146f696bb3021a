use super::Draw;
use super::checks::{iban as iban_of, luhn};

fn grouped(number: &str, lengths: &[usize], separator: &str) -> String {
    let (mut groups, mut rest, mut lengths) = (Vec::new(), number, lengths.iter().cycle());
    while !rest.is_empty() {
        let (group, after) = rest.split_at((*lengths.next().unwrap_or(&4)).min(rest.len()));
        groups.push(group);
        rest = after;
    }
    groups.join(separator)
}

fn card(draw: &mut Draw) -> String {
    let brands: [(&str, usize, &[usize]); 14] = [
        ("4", 16, &[4]),
        ("4", 13, &[4, 3, 3, 3]),
        ("4", 19, &[4, 4, 4, 4, 3]),
        ("5", 16, &[4]),
        ("2221", 16, &[4]),
        ("37", 15, &[4, 6, 5]),
        ("6011", 16, &[4]),
        ("65", 16, &[4]),
        ("3530", 16, &[4]),
        ("36", 14, &[4, 6, 4]),
        ("301", 14, &[4, 6, 4]),
        ("62", 16, &[4]),
        ("62", 19, &[6, 13]),
        ("6304", 16, &[4]),
    ];
    let (prefix, length, groups) = brands[draw.below(brands.len())];
    let prefix = if prefix == "5" { draw.one(&["51", "52", "53", "54", "55"]) } else { prefix };
    let body = draw.fill(&"N".repeat(length - 1 - prefix.len()));
    let number = luhn(&format!("{prefix}{body}"));
    match draw.one(&["", " ", "-", "."]) {
        "" => number,
        separator => grouped(&number, groups, separator),
    }
}

fn iban(draw: &mut Draw) -> String {
    let countries: [(&str, &str); 24] = [
        ("AD", "NNNNNNNNQQQQQQQQQQQQ"),
        ("AE", "NNNNNNNNNNNNNNNNNNN"),
        ("AT", "NNNNNNNNNNNNNNNN"),
        ("BE", "NNNNNNNNNNNN"),
        ("BR", "NNNNNNNNNNNNNNNNNNNNNNNUN"),
        ("CH", "NNNNNNNNNNNNNNNNN"),
        ("CY", "NNNNNNNNNNNNNNNNNNNNNNNN"),
        ("CZ", "NNNNNNNNNNNNNNNNNNNN"),
        ("DE", "NNNNNNNNNNNNNNNNNN"),
        ("DK", "NNNNNNNNNNNNNN"),
        ("ES", "NNNNNNNNNNNNNNNNNNNN"),
        ("FI", "NNNNNNNNNNNNNN"),
        ("FR", "NNNNNNNNNNNNNNNNNNNNNNN"),
        ("GB", "UUUUNNNNNNNNNNNNNN"),
        ("IE", "UUUUNNNNNNNNNNNNNN"),
        ("IT", "UNNNNNNNNNNNNNNNNNNNNNN"),
        ("MT", "UUUUNNNNNNNNNNNNNNNNNNNNNNN"),
        ("NL", "UUUUNNNNNNNNNN"),
        ("NO", "NNNNNNNNNNN"),
        ("PL", "NNNNNNNNNNNNNNNNNNNNNNNN"),
        ("PT", "NNNNNNNNNNNNNNNNNNNNN"),
        ("SA", "NNNNNNNNNNNNNNNNNNNN"),
        ("SE", "NNNNNNNNNNNNNNNNNNNN"),
        ("TR", "NNNNNNNNNNNNNNNNNNNNNN"),
    ];
    let (country, account) = countries[draw.below(countries.len())];
    let account = draw.fill(account);
    let number = iban_of(country, &account);
    match draw.below(4) {
        0 => grouped(&number, &[4], " "),
        1 => grouped(&number, &[4], "-"),
        2 => number.to_lowercase(),
        _ => number,
    }
}

const PHONES: &[&str] = &[
    "+61 4NN NNN NNN",
    "+61 2 9NNN NNNN",
    "+1 (416) ZNN-NNNN",
    "+1-604-ZNN-NNNN",
    "+39 06 ZNNN NNNN",
    "+39 347 NNN NNNN",
    "+31 6 ZNNNNNNN",
    "+31 20 ZNN NNNN",
    "+55 11 9NNNN-NNNN",
    "+55 (21) 3NNN-NNNN",
    "+48 ZNN NNN NNN",
    "+46 70 ZNN NN NN",
    "+46 8 ZNN NNN NN",
    "+91 9NNNN NNNNN",
    "+91-98NNNNNNNN",
    "+81 90-ZNNN-NNNN",
    "+81 3-ZNNN-NNNN",
    "+41 79 ZNN NN NN",
    "+41 44 ZNN NN NN",
    "0041 79 ZNN NN NN",
    "0061 4NN NNN NNN",
    "001-416-ZNN-NNNN",
    "011 44 20 7NNN NNNN",
    "+1-416-ZNN-NNNN;ext=NNN",
    "+61 2 9NNN NNNN ext. NN",
    "(416) ZNN-NNNN x NNN",
    "(416) ZNN-NNNN",
    "604-ZNN-NNNN",
    "604.ZNN.NNNN",
    "(02) 9NNN NNNN",
    "04NN NNN NNN",
    "06 ZNN NN NN N",
    "020 ZNN NN NN",
    "(11) 9NNNN-NNNN",
    "070-ZNN NN NN",
    "08-ZNN NNN NN",
    "090-ZNNN-NNNN",
    "03-ZNNN-NNNN",
    "079 ZNN NN NN",
    "+49 (0)30 ZNNNNNN",
    "+33 6 ZN NN NN NN",
    "+34 6NN NN NN NN",
    "+44 7ZNN NNNNNN",
    "+86 138 NNNN NNNN",
    "+82 10-ZNNN-NNNN",
    "+7 (9NN) NNN-NN-NN",
    "+972 50-ZNN-NNNN",
    "+971 50 ZNN NNNN",
    "+65 9NNN NNNN",
    "+852 9NNN NNNN",
    "+64 21 ZNN NNN",
    "+27 82 ZNN NNNN",
    "+52 55 ZNNN NNNN",
    "+54 9 11 ZNNN-NNNN",
    "+353 87 ZNN NNNN",
    "+43 664 ZNNNNNN",
    "+45 ZN NN NN NN",
    "+47 9NN NN NNN",
    "+358 40 ZNN NNNN",
    "+90 532 ZNN NN NN",
    "+380 50 ZNN NN NN",
    "+420 6NN NNN NNN",
    "+30 69N NNN NNNN",
];

const EMAILS: &[&str] = &[
    "lllll.llll@llllll.com",
    "l.llllll@lll-llll.co.uk",
    "lllllNN@lllll.io",
    "llll+llll@llllllll.org",
    "lllll_llll@llll.llllll.de",
    "INFO@LLLLLL.COM",
    "llll-llll@lllll.museum",
    "llll%llll@lllll.net",
    "o'lllll@llllll.ie",
    "lll.lll.lll@llllll.gov.au",
    "lllll@lllll.xn--p1ai",
    "jürgen.lllll@lllll.de",
    "lllllNNNN@llll.com.br",
    "l@llll.co",
    "lllll&llll@lllll.com",
    "用户@例子.中国",
    "почта@пример.рф",
    "lllll.llll@llll.company",
    "lll@lll.lll.lll.edu",
];

const SECRETS: &[(&str, char, usize)] = &[
    ("AKIA", 'Q', 16),
    ("ASIA", 'Q', 16),
    ("ghp_", 'W', 36),
    ("github_pat_11A", 'W', 70),
    ("gho_", 'W', 36),
    ("glpat-", 'W', 20),
    ("npm_", 'W', 36),
    ("pypi-AgEIcHlwaS5vcmc", 'W', 80),
    ("dckr_pat_", 'W', 27),
    ("AIzaSy", 'W', 33),
    ("ya29.a0", 'W', 80),
    ("GOCSPX-", 'W', 28),
    ("dop_v1_", 'h', 64),
    ("hvs.", 'W', 90),
    ("sk-", 'W', 48),
    ("sk-proj-", 'W', 60),
    ("sk-ant-api03-", 'W', 93),
    ("hf_", 'W', 34),
    ("gsk_", 'W', 52),
    ("r8_", 'W', 37),
    ("xai-", 'W', 80),
    ("pplx-", 'W', 48),
    ("xoxb-NNNNNNNNNNNN-NNNNNNNNNNNNN-", 'W', 24),
    ("xapp-1-A0NNNNNNNNN-NNNNNNNNNNNNN-", 'h', 64),
    ("sk_live_", 'W', 24),
    ("rk_live_", 'W', 24),
    ("whsec_", 'W', 32),
    ("sq0atp-", 'W', 22),
    ("shpat_", 'h', 32),
    ("SG.WWWWWWWWWWWWWWWWWWWWWW.", 'W', 43),
    ("SK", 'h', 32),
    ("xkeysib-", 'h', 64),
    ("glsa_", 'W', 32),
    ("NRAK-", 'Q', 27),
    ("lin_api_", 'W', 40),
    ("secret_", 'W', 43),
    ("figd_", 'W', 40),
    ("dapi", 'h', 32),
    ("LTAI5t", 'W', 20),
    ("AKID", 'W', 32),
    ("sbp_", 'h', 40),
    ("EAACEdEose0cBA", 'W', 80),
    ("EAAA", 'W', 60),
    ("key-", 'h', 32),
    ("rzp_live_", 'W', 14),
    ("pat-na1-", 'h', 32),
    ("sk-or-v1-", 'h', 64),
    ("tvly-", 'W', 32),
    ("fw_", 'W', 24),
    ("nvapi-", 'W', 64),
    ("jina_", 'W', 60),
    ("ATATT3xFfGF0", 'W', 180),
    ("dp.pt.", 'W', 43),
    ("pul-", 'h', 40),
    ("tskey-auth-", 'W', 30),
    ("ops_", 'W', 250),
    ("PMAK-", 'h', 59),
    ("sntrys_", 'W', 80),
    ("glrt-", 'W', 20),
    ("bkua_", 'h', 40),
    ("CCIPAT_", 'W', 60),
    ("doo_v1_", 'h', 64),
    ("FLWSECK-", 'h', 32),
    ("cfut_", 'W', 40),
    ("phc_", 'W', 43),
    ("phx_", 'W', 43),
    ("lsv2_pt_", 'h', 32),
    ("pcsk_", 'W', 60),
];

fn secret(draw: &mut Draw, place: usize) -> String {
    match draw.below(8) {
        0 => {
            let (head, body) = (draw.key("eyJhbGciOi", 'W', 26), draw.key("eyJzdWIiOi", 'W', 60));
            let sign = draw.key("", 'W', 43);
            format!("{head}.{body}.{sign}")
        }
        1 => {
            let kind = draw.one(&[
                "RSA PRIVATE KEY",
                "PRIVATE KEY",
                "EC PRIVATE KEY",
                "OPENSSH PRIVATE KEY",
                "ENCRYPTED PRIVATE KEY",
            ]);
            let lines: Vec<String> = (0..6).map(|_| draw.key("", 'B', 64)).collect();
            format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----", lines.join("\n"))
        }
        _ => prefixed(draw, place),
    }
}

fn prefixed(draw: &mut Draw, place: usize) -> String {
    let (prefix, mark, length) = SECRETS[place % SECRETS.len()];
    let is_pattern = prefix.contains("NNNN") || prefix.contains("WWWW");
    let prefix = if is_pattern { draw.fill(&prefix.replace('A', "\\A")) } else { prefix.to_owned() };
    draw.key(&prefix, mark, length)
}

/// Only small letters and digits are marks of an address.
fn letters(pattern: &str) -> String {
    pattern.chars().map(|c| if "HhUWQBZ".contains(c) { format!("\\{c}") } else { c.to_string() }).collect()
}

/// Every kind of value, many of each.
pub(crate) fn values(draw: &mut Draw) -> Vec<(&'static str, String)> {
    let mut values = Vec::new();
    for place in 0..SECRETS.len() * 3 {
        values.push(("secret", secret(draw, place)));
    }
    for _ in 0..60 {
        values.push(("card", card(draw)));
        values.push(("iban", iban(draw)));
        let password = draw.one(&["lllllNNN!", "UllllNNNN", "lUlNl#lNUl", "Ulllll-llllll-NN", "NNllllUU$$"]);
        values.push(("password", draw.fill(password)));
        let key = [("", 'W', 32), ("", 'h', 40), ("", 'W', 44)][draw.below(3)];
        values.push(("key", draw.key(key.0, key.1, key.2)));
        let ssn = draw.one(&["2NN-4N-3NNN", "5NN 2N 4NNN", "1NN2N5NNN", "3NN.1N.2NNN"]);
        values.push(("ssn", draw.fill(ssn)));
        let address = draw.one(&[
            "1ZN.4N.1NN.ZN",
            "2001:db8:hhhh:hhhh::hhh1",
            "fe80::hhhh:hhff:fehh:hhh2",
            "2a02:hhhh:1:2:3:4:5:hhhh",
            "8N.1NN.2N.7",
        ]);
        values.push(("address", draw.fill(address)));
        let mac = draw.one(&["hh:hh:hh:hh:1h:h2", "HH-HH-HH-HH-3H-H4", "hhhh.hhhh.1hh5"]);
        values.push(("mac", draw.fill(mac)));
        let nino = draw.one(&["AENNNNNNC", "JG NN NN NN A", "PR-NN-NN-NN-D", "SXNNNNNNB"]);
        values.push(("nino", draw.fill(&nino.replace('A', "\\A").replace('B', "\\B"))));
        values.push(("crypto", draw.key("0x", 'h', 40)));
    }
    for pattern in PHONES.iter().cycle().take(4 * PHONES.len()) {
        values.push(("phone", draw.fill(pattern)));
    }
    for pattern in EMAILS.iter().cycle().take(4 * EMAILS.len()) {
        values.push(("email", draw.fill(&letters(pattern))));
    }
    values
}
