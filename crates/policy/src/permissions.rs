/// The admin permissions that a role may name; each is one Cedar action on `Gateway::"gateway"`, denied by default.
pub const ADMIN_PERMISSIONS: &[&str] = &[
    "records.read",
    "records.original",
    "records.erase",
    "policy.read",
    "policy.apply",
    "connections.read",
    "connections.write",
    "access.read",
    "access.revoke",
];

/// The place of an admin permission in [`ADMIN_PERMISSIONS`].
pub(crate) fn admin_index(name: &str) -> Option<usize> {
    ADMIN_PERMISSIONS.iter().position(|known| *known == name)
}
