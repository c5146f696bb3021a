//! The composition root: the only crate that reads configuration and environment. It puts the parts together
//! ([`assemble`]), runs them ([`run`]) behind listeners ([`listen`]), and does what the binary's commands ask for
//! ([`commands`]). It decides nothing about a request; that is `gateway`'s.

pub mod assemble;
mod authority;
mod bench;
mod bucket;
pub mod commands;
pub mod config;
mod console;
mod grants;
mod judge;
pub mod keys;
pub mod listen;
mod notifications;
pub mod quickstart;
pub mod readiness;
pub mod run;
mod shadow;
pub mod start_fault;
pub mod state;
pub mod system;
pub mod telemetry;
pub mod witness;
