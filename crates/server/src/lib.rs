//! Composition root: configuration, listeners, TLS, drain, telemetry, quickstart.

pub mod config;
pub mod listen;
