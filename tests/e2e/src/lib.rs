//! What the end-to-end tests stand on: the built binary as a process, vendor SDKs and model servers as processes, and
//! readers of what they print.
//!
//! Nothing here reaches into the gateway: it is started, spoken to, killed and looked at from outside, as an operator
//! would. `cargo xtask test` installs what it needs and says where it lies; a tool that is missing fails the test that
//! needs it, with a sentence.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that cannot go on has failed, and says why"
)]

pub mod answers;
pub mod corpus;
pub mod gateway;
pub mod process;
pub mod records;
pub mod servers;
pub mod setting;
pub mod tools;
