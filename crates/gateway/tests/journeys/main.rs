//! Journeys over real sockets: what the model received, what the caller received, and what the disk holds.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should stop")]

mod budgets;
mod desk;
mod disclosure;
mod flushes;
mod kept;
mod masking;
mod refusals;
mod second_look;
mod tokens;
