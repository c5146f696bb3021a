use std::sync::Arc;

/// Whether the state can be relied on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It answers.
    Reachable,
    /// It does not, and this is why.
    Unreachable(Arc<str>),
}
