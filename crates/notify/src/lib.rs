//! Tells people of approvals: that one waits for them, and how it was decided.
//!
//! A [`Channel`] is one way to people: a signed [webhook], [Slack](slack), Microsoft [Teams](teams) or [e-mail](email). The
//! [`Office`] notices what is to be told, queues it in the state that replicas share, and delivers it: each notification by
//! one replica, again and again until the channel takes it or its time is over, under one id. What is said is made of the
//! approval at the moment of sending ([`Message`]): of its masked view alone, bounded, with what would deceive the eye spelled
//! out ([`visible`]), and escaped for its medium.
//!
//! What it deliberately does not do: decide an approval. A link opens a page; what a button in Slack says is judged here
//! ([`slack::Signing`]) and decided by whoever decides approvals. No call waits for anything in here, and a channel that is
//! dead costs nobody but those who read it.

mod announce;
mod channel;
mod deliver;
pub mod email;
mod message;
mod office;
pub mod slack;
pub mod teams;
mod undelivered;
pub mod visible;
pub mod webhook;

pub use channel::{Channel, Medium, Show};
pub use message::{LONGEST_NAME, LONGEST_TEXT, Message};
pub use office::{Chronicle, Office, Parts};
pub use undelivered::Undelivered;

use std::sync::Arc;

use gatewright_model::Secret;

/// Looks up the present value of a secret, so that one that was replaced counts at once; why it cannot be had is said
/// without it.
pub type Lookup = Arc<dyn Fn() -> Result<Arc<Secret<String>>, String> + Send + Sync>;
