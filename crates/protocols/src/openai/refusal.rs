use gatewright_json::{Limits, Object, Value, parse, to_bytes};
use gatewright_model::{Channel, ChannelKind, Code, Refusal, RequestId};

use crate::{Place, Words, whole};

/// Of a model server's own words, so many bytes are shown.
const LONGEST: usize = 512;

/// OpenAI's word for the kind of error, which SDKs and programs look at beside the status.
const fn kind(code: Code) -> &'static str {
    match code {
        Code::Unauthenticated => "authentication_error",
        Code::PermissionDenied
        | Code::ApprovalPending
        | Code::ApprovalDenied
        | Code::ApprovalExpired
        | Code::ReasonRequired
        | Code::BlockedContent => "permission_error",
        Code::AmbiguousRequest
        | Code::InvalidRequest
        | Code::UnsupportedField
        | Code::UnknownOperation
        | Code::TooLarge
        | Code::UnsupportedMedia => "invalid_request_error",
        Code::BudgetExhausted => "rate_limit_error",
        Code::UpstreamFailed | Code::NotReady | Code::UpstreamTimeout => "server_error",
    }
}

/// A refusal in OpenAI's shape. Details sit inside `error`, since that is what SDKs hand to programs.
pub(super) fn body(refusal: &Refusal, request: &RequestId) -> Vec<u8> {
    let mut details = Object::new();
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
    let mut error = Object::new();
    error.set("message", refusal.message.as_str());
    error.set("type", kind(refusal.code));
    error.set("param", refusal.param.as_deref().map_or(Value::Null, Value::from));
    error.set("code", refusal.code.name());
    error.set("gatewright", details);
    to_bytes(&Object::from_iter([("error", error)]).into())
}

/// A refusal as the last event of a stream; SDKs raise it as an error wherever it comes.
pub(super) fn event(refusal: &Refusal, request: &RequestId) -> Vec<u8> {
    let mut event = b"data: ".to_vec();
    event.extend_from_slice(&body(refusal, request));
    event.extend_from_slice(b"\n\n");
    event
}

/// What a model server's refusal becomes.
///
/// Its words are shown only where they are about the request (400, 404, 413, 415, 422), and masked. A 401 or 403 is about
/// our credential, so the caller learns no more than that the model server failed. A 429 is the model server's limit and
/// not the caller's budget; it becomes `upstream_failed`, which SDKs retry as well.
pub(super) fn upstream(status: u16, body: &[u8], words: &mut dyn Words) -> Refusal {
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
    match shown(body, words) {
        Some(message) => Refusal::new(code, format!("The model server refused the request: {message}")),
        None => Refusal::new(code, "The model server refused the request."),
    }
}

/// The message in an error's body, masked and bounded.
fn shown(body: &[u8], words: &mut dyn Words) -> Option<String> {
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
