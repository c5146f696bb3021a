use serde::{Deserialize, Serialize};

/// How the admin side says no: a problem of RFC 9457 (`application/problem+json`), with a code and the rules that decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// A word for programs.
    pub code: String,
    /// One or two sentences for people, about this very request.
    pub detail: String,
    /// The rules that decided, where policy did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
}

impl Problem {
    /// A problem of this status and code in these words.
    pub fn new(status: u16, code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { status, code: code.into(), detail: detail.into(), rules: Vec::new() }
    }

    /// Something in the request cannot be understood.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(400, "invalid_request", detail)
    }

    /// There is nothing there, or nothing that this caller may know of: both look alike.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(404, "not_found", detail)
    }

    /// The caller may not.
    pub fn denied(detail: impl Into<String>) -> Self {
        Self::new(403, "permission_denied", detail)
    }

    /// It could be done before, and cannot any more.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(409, "conflict", detail)
    }

    /// Something that the gateway relies on is not there.
    pub fn not_ready(detail: impl Into<String>) -> Self {
        Self::new(503, "not_ready", detail)
    }
}
