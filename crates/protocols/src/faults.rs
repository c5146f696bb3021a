//! What is said of a request's fields that cannot be accepted, and of a server's own refusal.

use gatewright_json::{Limits, Object, Value, parse};
use gatewright_model::{Channel, ChannelKind, Code, Refusal, RequestId};

use crate::{Place, Words, whole};

/// Of a server's own words, so many bytes are shown.
const LONGEST: usize = 512;

/// A field has a value that it must not have.
pub(crate) fn invalid(message: impl Into<String>, param: &str) -> Refusal {
    Refusal::new(Code::InvalidRequest, message).about(param)
}

/// The refusal of a field that is not known. Where its name differs from a known one by case alone, some parsers would
/// take it for that one.
pub(crate) fn unknown(name: &str, mut known: impl Iterator<Item = &'static str>) -> Refusal {
    if let Some(alike) = known.find(|known| folded(known) == folded(name)) {
        let message = format!("A field is spelt almost like `{alike}`; spell it exactly so.");
        return Refusal::new(Code::AmbiguousRequest, message).about(alike);
    }
    let name = shown(name);
    Refusal::new(Code::UnsupportedField, format!("The field `{name}` is not supported here.")).about(name)
}

/// Lower case without separators, and with the letters that fold into ASCII ones (U+017F, U+212A).
fn folded(name: &str) -> String {
    name.to_lowercase().replace('\u{17f}', "s").replace('\u{212a}', "k").replace(['_', '-'], "")
}

/// A field's name as it may be shown and recorded: what is no plain identifier may be an e-mail address or a card.
fn shown(name: &str) -> &str {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    if plain && !name.is_empty() && name.len() <= 64 && digits <= 4 { name } else { "?" }
}

/// What programs are told of a refusal beside its words, whatever the protocol's own shape around it is.
pub(crate) fn details(refusal: &Refusal, request: &RequestId, details: &mut Object) {
    details.set("request", request.to_string());
    if let Some(rule) = &refusal.rule {
        details.set("rule", rule.as_str());
    }
    if let Some((approval, url)) = &refusal.approval {
        details.set("approval", approval.to_string());
        details.set("url", url.as_str());
    }
    if let Some(wait) = refusal.retry_after {
        details.set("retry_after_s", wait.as_secs().max(1));
    }
}

/// What a model server's refusal becomes.
///
/// Its words are shown only where they are about the request (400, 404, 413, 415, 422), and masked. A 401 or 403 is about
/// our credential, so the caller learns no more than that the model server failed. A 429 is the model server's limit and
/// not the caller's budget; it becomes `upstream_failed`, which SDKs retry as well.
pub(crate) fn upstream(status: u16, body: &[u8], words: &mut dyn Words) -> Refusal {
    let code = match status {
        400 | 404 | 409 | 422 => Code::InvalidRequest,
        413 => Code::TooLarge,
        415 => Code::UnsupportedMedia,
        408 | 504 => Code::UpstreamTimeout,
        429 => return Refusal::new(Code::UpstreamFailed, "The model server has reached its own rate limit."),
        _ => Code::UpstreamFailed,
    };
    if code == Code::UpstreamTimeout {
        return Refusal::new(code, "The model server did not answer in time.");
    }
    if code == Code::UpstreamFailed {
        return Refusal::new(code, "The model server refused or failed.");
    }
    match message_of(body, words) {
        Some(message) => Refusal::new(code, format!("The model server refused the request: {message}")),
        None => Refusal::new(code, "The model server refused the request."),
    }
}

/// The message in an error's body, masked and bounded.
fn message_of(body: &[u8], words: &mut dyn Words) -> Option<String> {
    let value = parse(body, &Limits { bytes: 64 << 10, ..Limits::default() }).ok()?;
    let message = ["/error/message", "/message", "/error", "/detail"]
        .iter()
        .find_map(|pointer| value.pointer(pointer).and_then(Value::as_str))?;
    // Masked whole before it is cut, so that the cut leaves no half of a value unseen.
    let masked = whole(words, Channel::sole(ChannelKind::Error, 0), Place::Plain, message).ok()?;
    let mut end = masked.len().min(LONGEST);
    while !masked.is_char_boundary(end) {
        end -= 1;
    }
    let text: String = masked[..end].chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    (!text.trim().is_empty()).then_some(text)
}
