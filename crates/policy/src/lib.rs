//! The role catalogue, its compilation to Cedar, and decisions that are total and explain themselves.
//!
//! People write a catalogue in YAML; [`parse`] reads it and reports every fault with its place; [`Catalogue::compile`]
//! turns it into Cedar policies against a published [`SCHEMA`], validates them strictly together with the operator's own
//! `.cedar` files, and indexes them by role, action and resource, so that a question pays for the caller's roles only.
//! [`Catalogue::decide`] answers: it cannot fail, and an error inside a policy is a denial.
//!
//! This crate does no I/O, reads no clock, knows no protocol and keeps no state between questions: budgets, counts and
//! approvals that a decision depends on are part of the [`Question`].

mod catalogue;
mod fault;
mod landscape;
mod question;
mod roles;
mod text;

pub use catalogue::Catalogue;
pub use fault::{Fault, Source};
pub use landscape::{DatasetFacts, Landscape, ModelFacts};
pub use question::{Decision, Permission, Question};
pub use roles::Roles;
pub use text::{
    Applies, ApprovalText, Approver, CatalogueText, ContentPattern, ContentRule, Consequence, DetectorRule, Pattern, Place,
    ReasonPolicy, parse,
};
