use super::Draw;

const TRAPS: &[(&str, &str)] = &[
    ("uuid", "hhhhhhhh-hhhh-4hhh-ahhh-hhhhhhhhhhhh"),
    ("sha1", "hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh"),
    ("sha256", "hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh"),
    ("digest", "nginx@sha256:hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh"),
    ("git", "commit hhhhhhh"),
    ("epoch", "17NNNNNNNN"),
    ("epoch", "ts=17NNNNNNNNNNN"),
    ("semver", "vN.1N.2N-rc.N"),
    ("semver", "N.1N.2N"),
    ("version", "version 1N.N.2NN.N"),
    ("version", "Chrome/12N.0.6NNN.1NN"),
    ("version", "build 10.0.1NNNN.2NNN"),
    ("float", "0.NNNNNNNNNNNNNNNN"),
    ("float", "-1N.NNNNNNNNNNNNNN"),
    ("coordinates", "4N.NNNNNN, -7N.NNNNNN"),
    ("isbn", "ISBN 978-0-NNN-NNNNN-N"),
    ("order", "order #NNNNNNNNNN"),
    ("order", "ORD-2026-NNNNNN"),
    ("order", "Order 1NN-NNNNNNN-NNNNNNN"),
    ("tracking", "1Z99NNQQNNNNNNNNNN"),
    ("tracking", "tracking 94001NNNNNNNNNNNNNNNNN"),
    ("sku", "SKU-NNNN-UU-NN"),
    ("sku", "part UUNNNN-NN"),
    ("package", "npm i llllll@1.N.N"),
    ("package", "uses: actions/llllllll@vN"),
    ("handle", "thanks @llllll_ll!"),
    ("decorator", "@llllll.llllll(lll=N)"),
    ("arn", "arn:aws:iam::NNNNNNNNNNNN:role/lllll-llll"),
    ("image", "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAABBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"),
    ("date", "2026-0Z-1N 1N:3N:0Z"),
    ("date", "1N.0Z.202N"),
    ("range", "1NNN-2NNN"),
    ("list", "NN, NN, NNN, NNNN, NNNNN"),
    ("row", "1NN 2NNN 3NNNN 4NN 5NNN"),
    ("money", "USD 1,2NN,NNN.NN"),
    ("hex", "0xhhhhhhhh"),
    ("color", "#hhhhhh"),
    ("ssn", "9NN-4N-NNNN"),
    ("ssn", "000-4N-NNNN"),
    ("ssn", "666-1N-NNNN"),
    ("doi", "doi:10.1NNN/llll.2026.NNNNN"),
    ("arxiv", "arXiv:24NN.NNNNN"),
    ("ticket", "JIRA-NNNNN"),
    ("cve", "CVE-2025-NNNNN"),
    ("rfc", "RFC NNNN section N.N.N"),
    ("port", "listening on localhost:8NNN"),
    ("url", "https://docs.example.org/v2/items/NNNNNNNN?page=NN"),
    ("url", "https://lllllll.example.com/lllll-llllll-llllll-lllll/llllllllllll.html"),
    ("path", "/usr/lib/python3.1N/site-packages/llllllllll/llllllllllllll.py"),
    ("code", "std::collections::HashMap::with_capacity(NNN)"),
    ("code", "password = get_password(user)"),
    ("code", "token = os.environ['LLLL_TOKEN']"),
    ("code", "let secret = config.secret.as_deref();"),
    ("code", "api_key: str | None = None"),
    ("prose", "The password is stored as a hash."),
    ("prose", "Please call the function with 3 arguments."),
    ("prose", "at the end of the day, look at example dot notation"),
    ("cusip", "CUSIP NNNNNNNNN"),
    ("isin", "ISIN US037NNNNNNN"),
    ("ean", "EAN 40NNNNNNNNNNN"),
    ("vin", "VIN 1HGCM82633ANNNNNN"),
    ("etag", "etag: \"hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh\""),
    ("trace", "trace_id=hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh span_id=hhhhhhhhhhhhhhhh"),
    ("pid", "[pid NNNNN] exited after NNNNNN us"),
    ("bytes", "read NNNNNNNNNN bytes in NNNN ms"),
    ("id", "\"id\": NNNNNNNNNNN"),
    ("id", "user_id=NNNNNNNNN"),
    ("snowflake", "10NNNNNNNNNNNNNNNNN"),
    ("model", "claude-3-5-sonnet-2024102N and gpt-4o-2024-0Z-1N"),
];

/// Text in which nothing is sensitive.
pub(crate) fn traps(draw: &mut Draw) -> Vec<(&'static str, String)> {
    let mut traps = Vec::new();
    for (kind, pattern) in TRAPS.iter().cycle().take(30 * TRAPS.len()) {
        let literal = matches!(*kind, "code" | "prose" | "url" | "path");
        let before = draw.one(&["see ", "", "- ", "x = ", "we got ", "result:\n"]);
        let after = draw.one(&[" today", "", ".", "\n", ", then", ")"]);
        let pattern = if literal { escape(pattern) } else { (*pattern).to_owned() };
        let text = draw.fill(&pattern);
        let text = if *kind == "card" { text } else { format!("{before}{text}{after}") };
        traps.push((*kind, text));
    }
    for _ in 0..200 {
        let mut number: Vec<u8> = draw.fill("4NNNNNNNNNNNNNNN").into_bytes();
        let sum: u32 = number
            .iter()
            .rev()
            .enumerate()
            .map(|(place, digit)| u32::from(digit - b'0') * (1 + place as u32 % 2))
            .map(|product| product / 10 + product % 10)
            .sum();
        if sum.is_multiple_of(10) {
            number[15] = b'0' + (number[15] - b'0' + 1) % 10;
        }
        let plain = String::from_utf8_lossy(&number).into_owned();
        let groups: Vec<&str> = (0..4).map(|group| &plain[group * 4..group * 4 + 4]).collect();
        let separator = draw.one(&["", " ", "-"]);
        traps.push(("card", format!("number {} here", groups.join(separator))));
    }
    traps
}

/// Text of code and prose: its letters are no marks, its digits' marks are.
fn escape(pattern: &str) -> String {
    let mark = |character: char| match character {
        'H' | 'h' | 'U' | 'W' | 'Q' | 'B' | 'Z' | 'l' if !pattern.contains("llll") => format!("\\{character}"),
        'H' | 'h' | 'U' | 'W' | 'Q' | 'B' | 'Z' => format!("\\{character}"),
        other => other.to_string(),
    };
    pattern.chars().map(mark).collect()
}
