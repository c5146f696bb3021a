use gatewright_json::{Object, Value, to_bytes};
use gatewright_model::{Code, Refusal, RequestId};

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
    let message = format!("{} ({}, {request})", refusal.message, refusal.code.name());
    let mut answer = Object::new();
    answer.set("error", kind(refusal.code));
    answer.set("message", message);
    answer.set("gatewright", details);
    to_bytes(&answer.into())
}
