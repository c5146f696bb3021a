//! Uploaded files: text that is searched like any other, or calls in rows, each of which is a request of its own.

use gatewright_json::{Limits, Object, Value, parse, write};
use gatewright_model::{Channel, ChannelKind, Code, Refusal};

use super::routes::{CHAT, EMBEDDINGS, ROUTES};
use super::texts;
use crate::faults::invalid;
use crate::free::visit_embedded;
use crate::multipart::{self, Part};
use crate::{Encoded, Place, Route, Row, Text};

/// What a batch's rows may ask for: what is wholly said in the row. Responses are stored, and so are none of it.
pub(super) const ENDPOINTS: &[&str] = &["/v1/chat/completions", "/v1/embeddings"];
const PURPOSES: &[&str] = &["assistants", "batch", "user_data", "evals"];
/// The most calls of one file.
const MOST_ROWS: usize = 10_000;

/// Reads the form of an upload: `purpose`, and a file that is text.
pub(super) fn form(content_type: &str, body: &[u8]) -> Result<Value, Refusal> {
    let (mut read, mut expires) = (Object::new(), Object::new());
    let mut file = None;
    for part in multipart::parts(content_type, body)? {
        let text = || {
            let text = std::str::from_utf8(part.content).ok().filter(|_| part.filename.is_none());
            text.ok_or_else(|| invalid("A field of the form is not text.", "body"))
        };
        match part.name {
            "file" if part.filename.is_some() => file = Some(part),
            "purpose" => read.set("purpose", text()?),
            "expires_after[anchor]" => expires.set("anchor", text()?),
            "expires_after[seconds]" => expires.set("seconds", text()?),
            _ => {
                let message = "The form may have file, purpose and expires_after, and nothing else.";
                return Err(Refusal::new(Code::UnsupportedField, message).about("body"));
            }
        }
    }
    let purpose = read.get("purpose").and_then(Value::as_str).unwrap_or_default().to_owned();
    if !PURPOSES.contains(&purpose.as_str()) {
        return Err(invalid(format!("The field `purpose` must be one of {}.", PURPOSES.join(", ")), "purpose"));
    }
    if !expires.is_empty() {
        check_expiry(&expires)?;
        read.set("expires_after", expires);
    }
    let file = file.ok_or_else(|| invalid("The field `file` must be a file with a name.", "file"))?;
    let text = std::str::from_utf8(file.content).ok().filter(|text| is_text(text)).ok_or_else(|| {
        let message = "The file must be text in UTF-8: anything else cannot be inspected.";
        Refusal::new(Code::UnsupportedMedia, message).about("file")
    })?;
    let mut described = Object::new();
    described.set("filename", file.filename.unwrap_or_default());
    match purpose.as_str() {
        "batch" => described.set("rows", read_rows(text)?),
        _ => described.set("text", text),
    }
    read.set("file", described);
    Ok(read.into())
}

fn check_expiry(expires: &Object) -> Result<(), Refusal> {
    let text = |name: &str| expires.get(name).and_then(Value::as_str);
    let seconds = text("seconds").and_then(|text| text.parse().ok()).filter(|it: &u32| (3600..=2_592_000).contains(it));
    match (text("anchor"), seconds) {
        (Some("created_at"), Some(_)) => Ok(()),
        _ => {
            Err(invalid("The field `expires_after` must be 3600 to 2592000 seconds after created_at.", "expires_after"))
        }
    }
}

/// What a person could read: control characters are a sign of something else.
fn is_text(text: &str) -> bool {
    text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'))
}

fn in_row(number: usize, what: &str) -> Refusal {
    invalid(format!("Row {number} of the file {what}."), "file")
}

fn read_rows(text: &str) -> Result<Vec<Value>, Refusal> {
    let mut rows: Vec<Value> = Vec::new();
    // Only line feeds end a row: what other readers take for line ends would make one row two.
    for (at, line) in text.split('\n').enumerate() {
        let (number, line) = (at + 1, line.strip_suffix('\r').unwrap_or(line));
        if line.trim().is_empty() {
            continue;
        }
        if line.contains(['\r', '\u{2028}', '\u{2029}', '\u{85}']) {
            return Err(in_row(number, "has a character that some readers take for a line's end"));
        }
        if rows.len() == MOST_ROWS {
            return Err(Refusal::new(Code::TooLarge, format!("A file has at most {MOST_ROWS} rows.")).about("file"));
        }
        let row = parse(line.as_bytes(), &Limits { bytes: line.len(), ..Limits::default() })
            .map_err(|fault| in_row(number, &format!("is not acceptable JSON: {fault}")))?;
        check_row(&row, number)?;
        if rows.first().is_some_and(|first| first.get("url") != row.get("url")) {
            return Err(in_row(number, "asks for another operation than the first"));
        }
        rows.push(row);
    }
    if rows.is_empty() { Err(invalid("The file has no rows.", "file")) } else { Ok(rows) }
}

fn check_row(row: &Value, number: usize) -> Result<(), Refusal> {
    let object = row.as_object().ok_or_else(|| in_row(number, "is no object"))?;
    for (name, value) in object.iter() {
        let fits = match name {
            "custom_id" => value.as_str().is_some_and(|id| !id.is_empty() && id.len() <= 512),
            "method" => value.as_str() == Some("POST"),
            "url" => value.as_str().is_some_and(|url| ENDPOINTS.contains(&url)),
            "body" => value.as_object().is_some(),
            _ => return Err(in_row(number, "has a field that is not known")),
        };
        if !fits {
            let what = format!("has a `{name}` that cannot be: a row is a POST to {}", ENDPOINTS.join(" or "));
            return Err(in_row(number, &what));
        }
    }
    match ["custom_id", "method", "url", "body"].iter().find(|name| object.get(name).is_none()) {
        Some(name) => Err(in_row(number, &format!("has no `{name}`"))),
        None => Ok(()),
    }
}

/// The rows of a file, where it has some.
pub(super) fn rows(body: &Value) -> Option<Vec<Row<'_>>> {
    let rows = body.pointer("/file/rows")?.as_array()?;
    rows.iter().map(row).collect()
}

/// INVARIANT: `form` has checked that each of them is there.
fn row(row: &Value) -> Option<Row<'_>> {
    Some(Row { method: row.get("method")?.as_str()?, path: row.get("url")?.as_str()?, body: row.get("body")? })
}

/// Their bodies.
pub(super) fn row_bodies(body: &mut Value) -> Vec<&mut Value> {
    let rows = body.pointer_mut("/file/rows").and_then(Value::as_array_mut);
    rows.into_iter().flatten().filter_map(|row| row.pointer_mut("/body")).collect()
}

fn route_of(url: &str) -> Option<&'static Route> {
    ROUTES.iter().find(|route| route.path == url && (route.id == CHAT || route.id == EMBEDDINGS))
}

/// Shows every text of an upload.
pub(super) fn visit(body: &mut Value, visit: &mut dyn FnMut(Text<'_>)) {
    let Some(file) = body.pointer_mut("/file").and_then(Value::as_object_mut) else { return };
    for (name, value) in file.iter_mut() {
        match (name, value) {
            ("filename", Value::String(text)) => {
                visit(Text { channel: Channel::sole(ChannelKind::Other, 0), place: Place::Plain, text });
            }
            ("text", Value::String(text)) => visit_content(text, visit),
            ("rows", Value::Array(rows)) => rows.iter_mut().for_each(|row| visit_row(row, visit)),
            _ => {}
        }
    }
}

fn visit_row(row: &mut Value, visit: &mut dyn FnMut(Text<'_>)) {
    if let Some(Value::String(text)) = row.pointer_mut("/custom_id") {
        visit(Text { channel: Channel::sole(ChannelKind::Other, 0), place: Place::Plain, text });
    }
    let route = row.get("url").and_then(Value::as_str).and_then(route_of);
    if let (Some(route), Some(body)) = (route, row.pointer_mut("/body")) {
        texts::visit(route, body, visit);
    }
}

/// Shows the text of a file: decoded where it is JSON or lines of JSON, as it stands where it is not.
pub(super) fn visit_content(text: &mut String, visit: &mut dyn FnMut(Text<'_>)) {
    let channel = Channel::sole(ChannelKind::Input, 0);
    match format(text) {
        Format::Json => visit_embedded(text, channel, visit),
        Format::JsonLines => {
            let mut written = String::with_capacity(text.len());
            for line in text.split_inclusive('\n') {
                let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
                let mut line = line.to_owned();
                visit_embedded(&mut line, channel, visit);
                written.push_str(&line);
                written.push_str(end);
            }
            *text = written;
        }
        Format::Plain => visit(Text { channel, place: Place::Plain, text }),
    }
}

enum Format {
    Json,
    JsonLines,
    Plain,
}

fn format(text: &str) -> Format {
    let is_json = |text: &str| {
        let limits = Limits { bytes: text.len(), values: 4_000_000, ..Limits::default() };
        parse(text.as_bytes(), &limits).is_ok()
    };
    if !text.trim_start().starts_with(['{', '[', '"']) {
        return Format::Plain;
    }
    if is_json(text) {
        return Format::Json;
    }
    let lines = text.split('\n').filter(|line| !line.trim().is_empty());
    // What only begins like JSON is read like it, so that no escape hides a value.
    if lines.clone().all(is_json) { Format::JsonLines } else { Format::Json }
}

/// Writes an upload as the form that it is.
pub(super) fn encode(body: &Value, boundary: &str) -> Result<Encoded, Refusal> {
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
    let mut content = Vec::new();
    match (text("/file/text"), body.pointer("/file/rows").and_then(Value::as_array)) {
        (Some(text), _) => content.extend_from_slice(text.as_bytes()),
        (None, rows) => {
            for row in rows.unwrap_or_default() {
                write(row, &mut content);
                content.push(b'\n');
            }
        }
    }
    let mut parts = Vec::new();
    for (name, pointer) in [
        ("purpose", "/purpose"),
        ("expires_after[anchor]", "/expires_after/anchor"),
        ("expires_after[seconds]", "/expires_after/seconds"),
    ] {
        if let Some(text) = text(pointer) {
            parts.push(Part { name, filename: None, content: text.as_bytes() });
        }
    }
    let filename = text("/file/filename").unwrap_or("file");
    parts.push(Part { name: "file", filename: Some(filename), content: &content });
    let bytes = multipart::write(&parts, boundary)
        .ok_or_else(|| Refusal::new(Code::InvalidRequest, "The file cannot be sent as a form.").about("file"))?;
    Ok(Encoded { content_type: format!("multipart/form-data; boundary={boundary}").into(), bytes })
}
