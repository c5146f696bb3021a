//! The admin API's contract: what its endpoints take and give. Nothing here does anything; the formats are version 1 and
//! are held by tests.
//!
//! | request | answer |
//! |---|---|
//! | `GET /healthz` | 200 [`Health`] while the process can answer at all |
//! | `GET /readyz` | 200 or 503 [`Readiness`] |
//! | `GET /metrics` | 200, OpenMetrics 1.0 text |
//! | [`ENDPOINTS`], for whoever has an identity | 200, or 4xx and 5xx [`Problem`] |
//! | anything else | 404, 405 or 421 [`Problem`] |
//!
//! [`Client`] is the API in types; [`Transport`] is how its calls travel.

mod access;
mod approval;
mod endpoint;
mod endpoints;
mod health;
mod notification;
mod person;
mod policy;
mod problem;
mod shadow;
mod transport;

pub use access::{AccessAsked, AccessList, AccessRequest, Grant, GrantState, MayAsk};
pub use approval::{
    Approval, ApprovalShown, ApprovalState, Asked, Choice, Count, Decide, Narrow, Original, Piece, Similar, Text, Uses,
    Vote, Wish,
};
pub use endpoint::{Endpoint, Found, Method, Needs, Takes};
pub use endpoints::{
    ACCESS_LIST, ACCESS_REQUEST, ACCESS_REVOKE, APPROVALS_DECIDE, APPROVALS_LIST, APPROVALS_ORIGINAL, APPROVALS_SHOW,
    ENDPOINTS, ME, NOTIFICATIONS_LIST, POLICIES_APPLY, POLICIES_HISTORY, POLICIES_RESTORE, POLICIES_SHOW, SHADOW_CLEAR,
    SHADOW_SET, SHADOW_SHOW,
};
pub use health::{Health, Note, Readiness, Reason, ReasonCode, State};
pub use notification::{Notification, NotificationState};
pub use person::{Me, Person};
pub use policy::{ApplyPolicy, PolicyApplied, PolicyFile, PolicyOutcome, PolicyShown, PolicyVersion, RestorePolicy};
pub use problem::Problem;
pub use shadow::{Recheck, SetShadow, Shadow, ShadowChange, ShadowCompared, ShadowDifference, ShadowState, ShadowStep};
pub use transport::{Call, Client, Reply, Sent, Transport};

/// Where the process says that it is alive.
pub const HEALTH: &str = "/healthz";

/// Where the gateway says whether it can be relied on.
pub const READINESS: &str = "/readyz";

/// Where the gateway's numbers are.
pub const METRICS: &str = "/metrics";

/// Every path that the admin side answers on for everybody.
pub const PATHS: &[&str] = &[HEALTH, READINESS, METRICS];
