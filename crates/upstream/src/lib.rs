//! The one way to the models, and the only crate that sees a model's credential: it lends the credential to a
//! request at the last moment ([`lend`]), reaches the model ([`reach`]), and hands back the answer unread.
//!
//! It decides nothing and masks nothing, follows no redirect, forwards no header of the caller's, and asks every
//! upstream for an identity encoding, so that each byte of an answer can be inspected.

pub mod lend;
pub mod reach;
mod upstreams;

pub use upstreams::{Answer, AnswerBody, Failure, Outgoing, Upstreams};
