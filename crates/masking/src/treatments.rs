use std::sync::Arc;

use gatewright_model::Treatment;

use crate::{Detectors, TypeIndex};

/// What happens to each info type: one treatment per place of [`Detectors::info_types`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Treatments(Arc<[Treatment]>);

impl Treatments {
    /// One treatment per info type, in the order of [`Detectors::info_types`].
    pub fn new(by_type: impl Into<Arc<[Treatment]>>) -> Self {
        Self(by_type.into())
    }

    /// The treatment that `choose` gives each info type.
    pub fn choose(detectors: &Detectors, mut choose: impl FnMut(&gatewright_model::InfoType) -> Treatment) -> Self {
        Self(detectors.info_types().iter().map(&mut choose).collect())
    }

    /// The same treatment for every info type.
    pub fn uniform(detectors: &Detectors, treatment: Treatment) -> Self {
        Self::choose(detectors, |_| treatment)
    }

    /// The treatment of this info type. One that the table does not reach is redacted: a table made for other detectors
    /// must not let anything pass.
    pub fn of(&self, info_type: TypeIndex) -> Treatment {
        self.0.get(info_type.place()).copied().unwrap_or(Treatment::Redact)
    }

    /// Whether any value gets a token.
    pub(crate) fn mint(&self) -> bool {
        self.0.contains(&Treatment::Token)
    }

    /// Whether every info type passes, so that searching is of no use.
    pub fn keeps_all(&self) -> bool {
        self.0.iter().all(|treatment| *treatment == Treatment::Keep)
    }
}
