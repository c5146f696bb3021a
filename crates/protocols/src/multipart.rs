//! Forms with files (RFC 7578), read so strictly that every other reader sees the same parts, and written anew.

use gatewright_model::{Code, Refusal};
use memchr::memmem;

use crate::faults::invalid;

/// More parts than any form that is spoken here has.
const MOST_PARTS: usize = 16;
/// The longest head of a part.
const LONGEST_HEAD: usize = 1024;

/// A part of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part<'b> {
    pub(crate) name: &'b str,
    /// The file's name, where it is a file.
    pub(crate) filename: Option<&'b str>,
    pub(crate) content: &'b [u8],
}

/// The parts of a form, each name once.
pub(crate) fn parts<'b>(content_type: &'b str, body: &'b [u8]) -> Result<Vec<Part<'b>>, Refusal> {
    let boundary = boundary(content_type)?;
    let delimiter = format!("--{boundary}");
    let mut rest = body.strip_prefix(delimiter.as_bytes()).ok_or_else(unreadable)?;
    let delimiter = format!("\r\n--{boundary}");
    let finder = memmem::Finder::new(delimiter.as_bytes());
    let mut parts: Vec<Part<'b>> = Vec::new();
    loop {
        rest = match rest {
            [b'-', b'-'] | [b'-', b'-', b'\r', b'\n'] => return Ok(parts),
            [b'\r', b'\n', part @ ..] => part,
            _ => return Err(unreadable()),
        };
        let end = finder.find(rest).ok_or_else(unreadable)?;
        let part = part(&rest[..end])?;
        if parts.iter().any(|other| other.name.eq_ignore_ascii_case(part.name)) {
            return Err(Refusal::new(Code::AmbiguousRequest, "The form says one thing twice.").about("body"));
        }
        if parts.len() == MOST_PARTS {
            return Err(Refusal::new(Code::TooLarge, "The form has too many parts.").about("body"));
        }
        parts.push(part);
        rest = &rest[end + delimiter.len()..];
    }
}

fn unreadable() -> Refusal {
    invalid("The body is not a form as RFC 7578 has it.", "body")
}

fn boundary(content_type: &str) -> Result<&str, Refusal> {
    let wrong = || {
        let message = "The body must be multipart/form-data with one plain boundary.";
        Refusal::new(Code::UnsupportedMedia, message).about("content-type")
    };
    let (essence, rest) = content_type.split_once(';').ok_or_else(wrong)?;
    if !essence.trim().eq_ignore_ascii_case("multipart/form-data") {
        return Err(wrong());
    }
    let (name, value) = rest.trim().split_once('=').ok_or_else(wrong)?;
    let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'\'' | b'.' | b'+');
    let fits = name.eq_ignore_ascii_case("boundary") && (1..=70).contains(&value.len()) && value.bytes().all(plain);
    if fits { Ok(value) } else { Err(wrong()) }
}

fn part(bytes: &[u8]) -> Result<Part<'_>, Refusal> {
    let head_end = memmem::find(bytes, b"\r\n\r\n").filter(|end| *end <= LONGEST_HEAD).ok_or_else(unreadable)?;
    let head = std::str::from_utf8(&bytes[..head_end]).map_err(|_| unreadable())?;
    let mut named = None;
    for line in head.split("\r\n") {
        let (name, value) = line.split_once(':').ok_or_else(unreadable)?;
        match name.to_ascii_lowercase().as_str() {
            "content-disposition" if named.is_none() => named = Some(disposition(value)?),
            // What a file calls itself says nothing about what it is: its content is looked at.
            "content-type" if !value.to_ascii_lowercase().replace(' ', "").contains("charset=") => {}
            "content-type" if value.to_ascii_lowercase().contains("utf-8") => {}
            // Another encoding of the content would be text that nobody has searched.
            _ => return Err(unreadable()),
        }
    }
    let (name, filename) = named.ok_or_else(unreadable)?;
    Ok(Part { name, filename, content: &bytes[head_end + 4..] })
}

/// `form-data; name="…"; filename="…"`, without the spellings on which readers disagree: escapes, `filename*`, repeats.
fn disposition(value: &str) -> Result<(&str, Option<&str>), Refusal> {
    let rest = value.trim().strip_prefix("form-data").ok_or_else(unreadable)?;
    let (name, rest) = quoted(rest, "name").ok_or_else(unreadable)?;
    match rest {
        "" => Ok((name, None)),
        rest => match quoted(rest, "filename") {
            Some((filename, "")) => Ok((name, Some(filename))),
            _ => Err(unreadable()),
        },
    }
}

fn quoted<'v>(text: &'v str, name: &str) -> Option<(&'v str, &'v str)> {
    let text = text.strip_prefix(';')?.trim_start_matches(' ').strip_prefix(name)?.strip_prefix("=\"")?;
    let (value, rest) = text.split_once('"')?;
    let plain = value.chars().all(|c| !c.is_control() && c != '\\') && !value.is_empty();
    plain.then_some((value, rest))
}

/// Writes a form. `boundary` must stand in none of the contents; `None` where it does.
pub(crate) fn write(parts: &[Part<'_>], boundary: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(512 + parts.iter().map(|part| part.content.len()).sum::<usize>());
    for part in parts {
        if memmem::find(part.content, boundary.as_bytes()).is_some() {
            return None;
        }
        out.extend_from_slice(
            format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{}\"", part.name).as_bytes(),
        );
        if let Some(filename) = part.filename {
            // Masking may have put in what the form could not carry.
            let plain: String = filename.chars().filter(|c| !c.is_control() && !matches!(c, '"' | '\\')).collect();
            out.extend_from_slice(
                format!("; filename=\"{plain}\"\r\ncontent-type: application/octet-stream").as_bytes(),
            );
        }
        out.extend_from_slice(b"\r\n\r\n");
        out.extend_from_slice(part.content);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Some(out)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=x";

    fn check(body: &str, expected: Option<&[(&str, Option<&str>, &str)]>) {
        let read = parts(TYPE, body.as_bytes()).ok();
        let expected: Option<Vec<Part<'_>>> = expected.map(|all| {
            let part = |(name, filename, content): &(&'static str, Option<&'static str>, &'static str)| Part {
                name,
                filename: *filename,
                content: content.as_bytes(),
            };
            // The table is of literals.
            all.iter().map(|one| part(&(leak(one.0), one.1.map(leak), leak(one.2)))).collect()
        });
        assert_eq!(read, expected, "{body:?}");
    }

    fn leak(text: &str) -> &'static str {
        String::leak(text.to_owned())
    }

    #[test]
    fn a_form_is_read_in_one_way() {
        let one = "--x\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n1\r\n";
        check(&format!("{one}--x--\r\n"), Some(&[("a", None, "1")]));
        let file = "--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"n.txt\"\r\nContent-Type: text/plain\r\n\r\nl\n\r\n";
        check(&format!("{one}{file}--x--"), Some(&[("a", None, "1"), ("f", Some("n.txt"), "l\n")]));
        for bad in [
            format!("{one}{one}--x--"),
            format!("preamble\r\n{one}--x--"),
            format!("{one}--x--\r\nepilogue"),
            one.to_owned(),
            "--x\r\ncontent-disposition: form-data; name=\"a\"; filename*=utf-8''b\r\n\r\n1\r\n--x--".to_owned(),
            "--x\r\ncontent-disposition: form-data; name=\"a\\\"b\"\r\n\r\n1\r\n--x--".to_owned(),
            "--x\r\ncontent-disposition: form-data; name=a\r\n\r\n1\r\n--x--".to_owned(),
            "--x\r\ncontent-disposition: form-data; name=\"a\"\r\ncontent-transfer-encoding: base64\r\n\r\nMQ==\r\n--x--"
                .to_owned(),
            "--x\r\ncontent-disposition: form-data; name=\"a\"\r\ncontent-type: text/plain; charset=utf-16\r\n\r\n1\r\n--x--"
                .to_owned(),
            "--x\r\ncontent-disposition: form-data; name=\"a\"\r\ncontent-disposition: form-data; name=\"b\"\r\n\r\n1\r\n--x--"
                .to_owned(),
            "--x\ncontent-disposition: form-data; name=\"a\"\n\n1\n--x--".to_owned(),
        ] {
            check(&bad, None);
        }
        for bad in [
            "application/json",
            "multipart/form-data",
            "multipart/form-data; boundary=a b",
            "multipart/mixed; boundary=x",
        ] {
            assert!(parts(bad, b"--x--").is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let form = [
            Part { name: "purpose", filename: None, content: b"batch" },
            Part { name: "file", filename: Some("a \u{e9}.jsonl"), content: b"{}\r\n--y\r\n" },
        ];
        let written = write(&form, "x").unwrap();
        assert_eq!(parts(TYPE, &written).unwrap(), form);
        assert_eq!(write(&form, "--y"), None);
    }
}
