//! The Cedar actions and what each is done to.

use gatewright_model::Operation;

use crate::permissions::ADMIN_PERMISSIONS;
use crate::text::{includes, is_about_dataset, is_explicit_only};

/// What an action is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Target {
    Model,
    Dataset,
    InfoType,
    Gateway,
}

impl Target {
    pub(crate) const fn entity_type(self) -> &'static str {
        match self {
            Self::Model => "Model",
            Self::Dataset => "Dataset",
            Self::InfoType => "InfoType",
            Self::Gateway => "Gateway",
        }
    }
}

/// One of the questions' verbs: an operation, an exposure, or an admin permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Action {
    Operation(Operation),
    Disclose,
    Reveal,
    RevealToTools,
    /// By its place in [`ADMIN_PERMISSIONS`].
    Admin(usize),
}

impl Action {
    /// Every action; its position is its index.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let operations = Operation::ALL.iter().map(|operation| Self::Operation(*operation));
        let exposures = [Self::Disclose, Self::Reveal, Self::RevealToTools];
        operations.chain(exposures).chain((0..ADMIN_PERMISSIONS.len()).map(Self::Admin))
    }

    pub(crate) fn index(self) -> usize {
        match self {
            Self::Operation(operation) => operation as usize,
            Self::Disclose => Operation::ALL.len(),
            Self::Reveal => Operation::ALL.len() + 1,
            Self::RevealToTools => Operation::ALL.len() + 2,
            Self::Admin(at) => Operation::ALL.len() + 3 + at,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Operation(operation) => operation.name(),
            Self::Disclose => "disclose",
            Self::Reveal => "reveal",
            Self::RevealToTools => "reveal-to-tools",
            Self::Admin(at) => ADMIN_PERMISSIONS[at],
        }
    }

    pub(crate) fn target(self) -> Target {
        match self {
            Self::Operation(operation) if is_about_dataset(operation) => Target::Dataset,
            Self::Operation(_) => Target::Model,
            Self::Disclose | Self::Reveal | Self::RevealToTools => Target::InfoType,
            Self::Admin(_) => Target::Gateway,
        }
    }

    /// Whether it computes an answer: a member of the action group `inference`.
    pub(crate) fn is_inference(self) -> bool {
        self.is_in("inference")
    }

    /// Whether it is a member of this action group.
    pub(crate) fn is_in(self, group: &str) -> bool {
        matches!(self, Self::Operation(operation) if includes(group, operation))
    }

    /// Whether only a policy of a role that names it may permit it.
    pub(crate) fn is_explicit_only(self) -> bool {
        matches!(self, Self::Operation(operation) if is_explicit_only(operation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_stands_at_its_index() {
        for (at, action) in Action::all().enumerate() {
            assert_eq!(action.index(), at);
        }
    }
}
