//! The role catalogue, its compilation to Cedar, and decisions that are total and explain themselves.
//!
//! People write a catalogue in YAML; [`parse`] reads it and reports every fault with its place; [`Catalogue::compile`]
//! turns it into Cedar policies against a published [`SCHEMA`], validates them strictly together with the operator's own
//! `.cedar` files, and indexes them by role, action and resource, so that a question pays for the caller's roles only.
//! [`Catalogue::decide`] answers: it cannot fail, and an error inside a policy is a denial.
//!
//! This crate does no I/O, reads no clock, knows no protocol and keeps no state between questions: budgets, counts and
//! approvals that a decision depends on are part of the [`Question`].
//!
//! Whatever explains or compares catalogues reads the same index: every rule stands there with its file and line, and a
//! permit that missed is told apart from one that was never a candidate. The page `docs/catalogue.md` is for
//! those who write catalogues.
//!
//! What a decision lets a call use up (budgets) and take out of a dataset (limits, a filter of rows) is part of the
//! [`Decision`]; counting and cutting are the gateway's.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking"))]

mod action;
mod again;
mod answers;
mod ask;
mod budget;
mod case;
mod catalogue;
mod cedar;
mod compare;
mod compile;
mod context;
mod decide;
#[cfg(test)]
mod differential;
mod digest;
mod earlier;
mod explain;
mod exposure;
mod fault;
mod index;
mod landscape;
mod limits;
mod lint;
mod masking;
mod members;
mod permissions;
mod question;
mod ranges;
mod reach;
mod resources;
mod roles;
mod starter;
mod test;
mod text;
mod unpriced;
mod variants;
mod words;

/// The name of the built-in rule that speaks where no other does.
pub const DEFAULT_DENY: &str = "default-deny";

pub use again::{Again, Doubt, Values};
pub use budget::{Budget, BudgetWindow, Charge};
pub use case::{Case, Resolved};
pub use catalogue::Catalogue;
pub use cedar::SCHEMA;
pub use compare::{Answered, Change, Difference};
pub use earlier::Earlier;
pub use explain::{Asked, Declared, Explanation, Exposed, Missed};
pub use fault::{Fault, Source};
pub use landscape::{DatasetFacts, Landscape, ModelFacts};
pub use limits::{DatasetTerms, FilterClause, FilterValue, Vectors};
pub use permissions::ADMIN_PERMISSIONS;
pub use question::{Decision, Permission, Question};
pub use reach::{Certainty, Reach, Thing};
pub use roles::{Lent, Roles};
pub use starter::{STARTER, STARTER_ALLOWED, STARTER_MODELS, starter_for};
pub use text::{
    Applies, ApprovalText, Approver, BREAK_GLASS, CatalogueText, Consequence, ContentPattern, ContentRule,
    DetectorRule, Expected, Pattern, Place, ReasonPolicy, Requestable, Through, parse, parse_after, parse_cases,
    parse_moment,
};
