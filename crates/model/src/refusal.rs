use std::fmt;
use std::time::Duration;

use crate::{Allowance, ApprovalId, RuleName};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $http:literal, $grpc:literal;)*) => {
        /// Why a call is refused; the one table from which every protocol's status is taken.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The machine-readable name that callers, records and metrics see.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The HTTP status (RFC 9110, section 15).
            pub const fn http_status(self) -> u16 {
                match self { $(Self::$name => $http,)* }
            }

            /// The gRPC status by its name.
            pub const fn grpc_status(self) -> &'static str {
                match self { $(Self::$name => $grpc,)* }
            }

            /// The code of this name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$name),)* _ => None }
            }
        }
    };
}

codes! {
    /// No, bad, expired or revoked identity.
    Unauthenticated = "unauthenticated", 401, "UNAUTHENTICATED";
    /// Policy says no; an unknown and a forbidden model or dataset look exactly alike.
    PermissionDenied = "permission_denied", 403, "PERMISSION_DENIED";
    /// Held for a person who has not decided yet.
    ApprovalPending = "approval_pending", 403, "PERMISSION_DENIED";
    /// A person said no.
    ApprovalDenied = "approval_denied", 403, "PERMISSION_DENIED";
    /// Nobody decided in time, or the decision ran out.
    ApprovalExpired = "approval_expired", 403, "PERMISSION_DENIED";
    /// The rule asks for a reason and none was given.
    ReasonRequired = "reason_required", 403, "PERMISSION_DENIED";
    /// A content rule.
    BlockedContent = "blocked_content", 403, "PERMISSION_DENIED";
    /// The request says one thing twice: duplicate keys, two names, two identities.
    AmbiguousRequest = "ambiguous_request", 400, "INVALID_ARGUMENT";
    /// The request is malformed or out of a role's range.
    InvalidRequest = "invalid_request", 400, "INVALID_ARGUMENT";
    /// The request carries a field that the connection's dialect does not know.
    UnsupportedField = "unsupported_field", 400, "INVALID_ARGUMENT";
    /// No protocol claims the route.
    UnknownOperation = "unknown_operation", 404, "UNIMPLEMENTED";
    /// A thing that does not exist, or is somebody else's: the two look exactly alike.
    NotFound = "not_found", 404, "NOT_FOUND";
    /// Beyond a limit of size, count or depth.
    TooLarge = "too_large", 413, "RESOURCE_EXHAUSTED";
    /// A content type or encoding that cannot be inspected.
    UnsupportedMedia = "unsupported_media", 415, "INVALID_ARGUMENT";
    /// A budget or a rate limit is used up.
    BudgetExhausted = "budget_exhausted", 429, "RESOURCE_EXHAUSTED";
    /// The model server failed; in our words, never in its own.
    UpstreamFailed = "upstream_failed", 502, "UNAVAILABLE";
    /// The recorder, the store, the policy or an issuer cannot be relied on.
    NotReady = "not_ready", 503, "UNAVAILABLE";
    /// The model server did not answer in time.
    UpstreamTimeout = "upstream_timeout", 504, "DEADLINE_EXCEEDED";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The journey's one error: public facts only, fit for the caller's eyes in every field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of refusal.
    pub code: Code,
    /// One or two sentences for the caller. Never text of another caller, an upstream or a secret.
    pub message: String,
    /// The request's field that it is about, as the caller's protocol names it.
    pub param: Option<String>,
    /// The rule that decided.
    pub rule: Option<RuleName>,
    /// The approval to wait for, and where a person decides it.
    pub approval: Option<(ApprovalId, String)>,
    /// When asking again may help.
    pub retry_after: Option<Duration>,
    /// What is left of the budgets that refused it.
    pub allowances: Vec<Allowance>,
}

impl Refusal {
    /// A refusal of this kind in these words.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            param: None,
            rule: None,
            approval: None,
            retry_after: None,
            allowances: Vec::new(),
        }
    }

    /// Names the request's field that it is about.
    #[must_use]
    pub fn about(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// Names the rule that decided.
    #[must_use]
    pub fn by(mut self, rule: RuleName) -> Self {
        self.rule = Some(rule);
        self
    }

    /// Says when asking again may help.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Refusal {}
