use gatewright_json::{Object, Value, to_bytes};
use gatewright_model::{Code, Refusal, RequestId};

use crate::faults;

/// The name by which clients choose the exception that they raise.
const fn kind(code: Code) -> &'static str {
    match code {
        Code::Unauthenticated => "AuthError",
        Code::PermissionDenied
        | Code::ApprovalPending
        | Code::ApprovalDenied
        | Code::ApprovalExpired
        | Code::ReasonRequired
        | Code::BlockedContent => "AuthorizationError",
        Code::AmbiguousRequest
        | Code::InvalidRequest
        | Code::UnsupportedField
        | Code::TooLarge
        | Code::UnsupportedMedia => "InvalidArgumentError",
        Code::UnknownOperation | Code::NotFound => "NotFoundError",
        Code::BudgetExhausted => "RateLimitError",
        Code::UpstreamFailed | Code::NotReady | Code::UpstreamTimeout => "InternalError",
    }
}

/// A refusal in Chroma's shape. Clients hand nothing but the message to programs, so the code and the request stand in
/// it; the rest is for those who read the answer itself.
pub(super) fn body(refusal: &Refusal, request: &RequestId) -> Vec<u8> {
    let mut details = Object::new();
    details.set("code", refusal.code.name());
    details.set("param", refusal.param.as_deref().map_or(Value::Null, Value::from));
    faults::details(refusal, request, &mut details);
    let message = format!("{} ({}, {request})", refusal.message, refusal.code.name());
    let mut answer = Object::new();
    answer.set("error", kind(refusal.code));
    answer.set("message", message);
    answer.set("gatewright", details);
    to_bytes(&answer.into())
}
