//! Implements the admin API: health, readiness, metrics.
//!
//! The admin side reads; it changes nothing, sets no cookie, sends no CORS header, reads no request body, and answers
//! only to names that it was given, so that a web page cannot reach it through a name of its own (DNS rebinding).
//! Who may listen is decided by where it listens: loopback, or TLS.

mod answer;
mod hosts;

pub use answer::{Admin, Metrics, Standing};
pub use hosts::Hosts;
