use gatewright_json::{Object, Value, to_bytes};
use gatewright_model::{Code, Refusal, RequestId};

use crate::faults;

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
        | Code::NotFound
        | Code::TooLarge
        | Code::UnsupportedMedia => "invalid_request_error",
        Code::BudgetExhausted => "rate_limit_error",
        Code::UpstreamFailed | Code::NotReady | Code::UpstreamTimeout => "server_error",
    }
}

/// A refusal in OpenAI's shape. Details sit inside `error`, since that is what SDKs hand to programs.
pub(super) fn body(refusal: &Refusal, request: &RequestId) -> Vec<u8> {
    let mut details = Object::new();
    faults::details(refusal, request, &mut details);
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
