use std::sync::Arc;

/// Why the state gave no answer. No variant repeats a value that somebody wrote.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// It cannot be reached, or not in time. Whether a write had its effect is unknown: read before trying again.
    #[error("the state cannot be reached: {0}")]
    Unreachable(Arc<str>),
    /// Somebody else was faster: what the write relied on is no longer so. Nothing was written.
    #[error("the state has changed meanwhile: {0}")]
    Conflict(&'static str),
    /// It answered what it should not: a fault of the gateway, of its tables or of its disk.
    #[error("the state is at fault: {0}")]
    Fault(Arc<str>),
}

impl StateError {
    pub(super) fn unreachable(why: impl std::fmt::Display) -> Self {
        Self::Unreachable(why.to_string().into())
    }

    pub(super) fn fault(why: impl std::fmt::Display) -> Self {
        Self::Fault(why.to_string().into())
    }
}
