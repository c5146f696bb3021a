//! A corpus of ways around the gateway: rows of text that say what is sent, what must be answered and what may arrive.
//!
//! ```text
//! ## CASE ROUTE | NAME            a row; the route is a protocol's, `NAME.*` for all of its
//!                                 routes, `NAME.+` for those with a body, or - where none may own the request
//! > STATUS CODE                   what the caller is told; the code may be left out
//! @ METHOD TARGET                 the request line, where it is not the route's own
//! : name: value                   a further header line
//! :- name                         a header that is left out
//! ! STATUS                        what the model server answers
//! + "member":1,                   the body: the usual one of the route, with these members first
//! {"any":"text"}                  the body, on one line
//! = {"any":"text"}                what arrives at the model server; without it nothing may, or, where the caller is
//!                                 told 200, anything
//! = without text                  something arrives, and this text is not in it
//! ```
//!
//! In a body, `{{crlf}}`, `{{lf}}`, `{{hex 00ff}}` and `{{repeat 1000 text}}` stand for what cannot be written here;
//! `{{{{` stands for two braces.

/// One row.
#[derive(Clone, Debug)]
pub struct Row {
    /// The number of the case, by which the documentation speaks of it.
    pub case: u32,
    /// The route that it is about.
    pub route: Option<String>,
    /// What it is.
    pub name: String,
    /// What the caller is told.
    pub status: u16,
    /// With which code.
    pub code: Option<String>,
    /// Method and target, where they are not the route's.
    pub target: Option<(String, String)>,
    /// Further header lines.
    pub headers: Vec<String>,
    /// Names of usual headers that are left out.
    pub without: Vec<String>,
    /// What the model server answers; 200 with something sensible otherwise.
    pub answer: Option<u16>,
    /// The body.
    pub body: Body,
    /// What arrives at the model server.
    pub arrives: Option<String>,
}

/// A row's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// None.
    None,
    /// The usual one of the route with these members first.
    Usual(Vec<u8>),
    /// These bytes.
    Bytes(Vec<u8>),
}

/// Reads a corpus.
pub fn rows(text: &str) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let wrong = || -> ! { panic!("line {}: {line}", at + 1) };
        if let Some(title) = line.strip_prefix("## ") {
            rows.push(titled(title).unwrap_or_else(|| wrong()));
            continue;
        }
        if line.is_empty() || line.starts_with("# ") || line == "#" || line.starts_with("### ") {
            continue;
        }
        let Some(row) = rows.last_mut() else { wrong() };
        let (sign, rest) = line.split_at(1);
        match (sign, rest.trim_start()) {
            (">", told) => {
                let (status, code) = told.split_once(' ').map_or((told, None), |(status, code)| (status, Some(code)));
                row.status = status.parse().unwrap_or_else(|_| wrong());
                row.code = code.map(str::to_owned);
            }
            ("@", target) => {
                let (method, target) = target.split_once(' ').unwrap_or_else(|| wrong());
                row.target = Some((method.to_owned(), target.to_owned()));
            }
            (":", without) if without.starts_with('-') => row.without.push(without[1..].trim().to_owned()),
            (":", header) => row.headers.push(header.to_owned()),
            ("!", status) => row.answer = Some(status.parse().unwrap_or_else(|_| wrong())),
            ("+", members) => row.body = Body::Usual(written(members).unwrap_or_else(|| wrong())),
            ("=", arrives) => row.arrives = Some(arrives.to_owned()),
            _ => row.body = Body::Bytes(written(line).unwrap_or_else(|| wrong())),
        }
    }
    rows
}

fn titled(title: &str) -> Option<Row> {
    let (left, name) = title.split_once(" | ")?;
    let (case, route) = left.split_once(' ')?;
    Some(Row {
        case: case.parse().ok()?,
        route: (route != "-").then(|| route.to_owned()),
        name: name.to_owned(),
        status: 0,
        code: None,
        target: None,
        headers: Vec::new(),
        without: Vec::new(),
        answer: None,
        body: Body::None,
        arrives: None,
    })
}

/// The bytes that a line stands for.
fn written(line: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut rest) = (Vec::new(), line);
    while let Some(at) = rest.find("{{") {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let macro_ = &rest[at + 2..];
        if let Some(after) = macro_.strip_prefix("{{") {
            bytes.extend_from_slice(b"{{");
            rest = after;
            continue;
        }
        let (inside, after) = macro_.split_once("}}")?;
        match inside.split_once(' ').unwrap_or((inside, "")) {
            ("crlf", _) => bytes.extend_from_slice(b"\r\n"),
            ("lf", _) => bytes.push(b'\n'),
            ("hex", digits) => {
                for pair in digits.as_bytes().chunks(2) {
                    bytes.push(u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?);
                }
            }
            ("repeat", what) => {
                let (times, text) = what.split_once(' ')?;
                bytes.extend_from_slice(text.repeat(times.parse().ok()?).as_bytes());
            }
            _ => return None,
        }
        rest = after;
    }
    bytes.extend_from_slice(rest.as_bytes());
    Some(bytes)
}
