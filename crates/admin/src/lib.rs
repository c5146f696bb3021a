//! Implements the admin API: health, readiness and metrics for everybody; all else for whoever has an identity.
//!
//! It sets no cookie, sends no CORS header, and answers only to names that it was given, so that a web page cannot reach
//! it through a name of its own (DNS rebinding). Who may listen is decided by where it listens: loopback, or TLS.
//!
//! To add an endpoint, add it to `gatewright_api::ENDPOINTS` and to the [`Part`] that answers it. What everybody goes
//! through (identity, policy, the record, bounds of the body) stands in one place before all parts, so no part can leave
//! it out; `tests/endpoints.rs` asks each endpoint in the table without an identity, without permission, and with a log
//! that cannot be written.

mod access;
mod answer;
mod approvers;
mod authority;
mod desk;
mod hosts;
mod looks;
mod me;
mod notifications;
mod part;
mod policies;
mod reviews;
mod shadow;
mod visible;

pub use access::Access;
pub use answer::{Admin, Metrics, Standing};
pub use authority::{Authority, Pending, Visitor};
pub use hosts::Hosts;
pub use me::WhoAmI;
pub use notifications::Notifications;
pub use part::{Asked, Given, Part};
pub use policies::{Judge, Judged, Policies};
pub use reviews::{Bench, Reviews, Texts};
pub use shadow::{Looking, Outcome, Shadows, Taken};
