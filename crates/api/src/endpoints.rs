use crate::endpoint::{Endpoint, Method, Needs, Takes};

/// Reads the approvals that one may see.
pub const APPROVALS_LIST: Endpoint = Endpoint {
    name: "approvals.list",
    method: Method::Get,
    path: "/api/v1/approvals",
    query: &["state", "wait_s"],
    needs: Needs::Identity,
    takes: Takes::Nothing,
};

/// Shows one approval with its prompt, masked.
pub const APPROVALS_SHOW: Endpoint = Endpoint {
    name: "approvals.show",
    method: Method::Get,
    path: "/api/v1/approvals/{id}",
    query: &[],
    needs: Needs::Identity,
    takes: Takes::Nothing,
};

/// Approves or denies.
pub const APPROVALS_DECIDE: Endpoint = Endpoint {
    name: "approvals.decide",
    method: Method::Post,
    path: "/api/v1/approvals/{id}/decision",
    query: &[],
    needs: Needs::Identity,
    takes: Takes::Json(16 << 10),
};

/// Shows an approval's prompt unmasked. It must be asked for by name, and being asked for is recorded.
pub const APPROVALS_ORIGINAL: Endpoint = Endpoint {
    name: "approvals.original",
    method: Method::Post,
    path: "/api/v1/approvals/{id}/original",
    query: &[],
    needs: Needs::Permission("records.original"),
    takes: Takes::Nothing,
};

/// Reads the roles that were granted for a time, and those that are asked for: one's own, or with `access.read` all.
pub const ACCESS_LIST: Endpoint = Endpoint {
    name: "access.list",
    method: Method::Get,
    path: "/api/v1/access",
    query: &["state"],
    needs: Needs::Identity,
    takes: Takes::Nothing,
};

/// Asks for a role for a time.
pub const ACCESS_REQUEST: Endpoint = Endpoint {
    name: "access.request",
    method: Method::Post,
    path: "/api/v1/access",
    query: &[],
    needs: Needs::Identity,
    takes: Takes::Json(16 << 10),
};

/// Ends a grant: one's own, or with `access.revoke` anybody's.
pub const ACCESS_REVOKE: Endpoint = Endpoint {
    name: "access.revoke",
    method: Method::Delete,
    path: "/api/v1/access/{id}",
    query: &[],
    needs: Needs::Identity,
    takes: Takes::Nothing,
};

/// Lists what people were told of approvals, and what they could not be told, the latest first.
pub const NOTIFICATIONS_LIST: Endpoint = Endpoint {
    name: "notifications.list",
    method: Method::Get,
    path: "/api/v1/notifications",
    query: &["state"],
    needs: Needs::Permission("connections.read"),
    takes: Takes::Nothing,
};

/// Says who one is here: the identity, its roles, its admin permissions.
pub const ME: Endpoint = Endpoint {
    name: "me",
    method: Method::Get,
    path: "/api/v1/me",
    query: &[],
    needs: Needs::Identity,
    takes: Takes::Nothing,
};

/// Lists the versions of the role catalogue, newest first.
pub const POLICIES_HISTORY: Endpoint = Endpoint {
    name: "policies.history",
    method: Method::Get,
    path: "/api/v1/policies",
    query: &["before", "limit"],
    needs: Needs::Permission("policy.read"),
    takes: Takes::Nothing,
};

/// Shows a version with its files.
pub const POLICIES_SHOW: Endpoint = Endpoint {
    name: "policies.show",
    method: Method::Get,
    path: "/api/v1/policies/{id}",
    query: &[],
    needs: Needs::Permission("policy.read"),
    takes: Takes::Nothing,
};

/// Makes files the newest version.
pub const POLICIES_APPLY: Endpoint = Endpoint {
    name: "policies.apply",
    method: Method::Post,
    path: "/api/v1/policies",
    query: &[],
    needs: Needs::Permission("policy.apply"),
    // Eight megabytes of files, and what JSON adds to them.
    takes: Takes::Json(12 << 20),
};

/// Makes an earlier version's files the newest version.
pub const POLICIES_RESTORE: Endpoint = Endpoint {
    name: "policies.restore",
    method: Method::Post,
    path: "/api/v1/policies/{id}/restore",
    query: &[],
    needs: Needs::Permission("policy.apply"),
    takes: Takes::Json(16 << 10),
};

/// Shows how the candidate compares with the live catalogue at this gateway.
pub const SHADOW_SHOW: Endpoint = Endpoint {
    name: "shadow.show",
    method: Method::Get,
    path: "/api/v1/shadow",
    query: &[],
    needs: Needs::Permission("policy.read"),
    takes: Takes::Nothing,
};

/// Has a catalogue decide beside the live one, without effect, at every gateway of the deployment.
pub const SHADOW_SET: Endpoint = Endpoint {
    name: "shadow.set",
    method: Method::Put,
    path: "/api/v1/shadow",
    query: &[],
    needs: Needs::Permission("policy.apply"),
    takes: Takes::Json(12 << 20),
};

/// Ends that.
pub const SHADOW_CLEAR: Endpoint = Endpoint {
    name: "shadow.clear",
    method: Method::Delete,
    path: "/api/v1/shadow",
    query: &[],
    needs: Needs::Permission("policy.apply"),
    takes: Takes::Nothing,
};

/// Every endpoint that asks for an identity.
pub const ENDPOINTS: &[Endpoint] = &[
    APPROVALS_LIST,
    APPROVALS_SHOW,
    APPROVALS_DECIDE,
    APPROVALS_ORIGINAL,
    ACCESS_LIST,
    ACCESS_REQUEST,
    ACCESS_REVOKE,
    NOTIFICATIONS_LIST,
    POLICIES_HISTORY,
    POLICIES_SHOW,
    POLICIES_APPLY,
    POLICIES_RESTORE,
    SHADOW_SHOW,
    SHADOW_SET,
    SHADOW_CLEAR,
    ME,
];
