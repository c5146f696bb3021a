//! The gateway from outside: vendor SDKs, real model servers, refusals, kills, faults.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that cannot go on has failed, and says why"
)]

mod access;
mod approvals;
mod budgets;
mod bypasses;
mod call_tokens;
mod console;
mod datasets;
mod faults;
mod held;
mod kept;
mod kills;
mod ledger;
mod login;
mod masked_streams;
mod notifications;
mod policy;
mod quickstart;
mod refusals;
mod sdks;
mod secrets;
mod shadow;
mod stalled_reader;
mod versions;
