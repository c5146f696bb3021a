//! The quickstart's identity provider and model server; tests use them too.
//!
//! Neither is fit for anything but a demonstration: whoever reaches the identity provider may sign in as anybody. That
//! is why it listens on loopback addresses only.

pub mod issuer;
pub mod model_server;
