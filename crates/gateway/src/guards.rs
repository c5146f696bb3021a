//! Three things that must not compile, each beside a twin that does: if a guard fell, its test would compile and so fail.
//!
//! # Only a recording can be forwarded
//!
//! ```
//! async fn road(gateway: &gatewright_gateway::Gateway, recording: &mut gatewright_gateway::Recording) {
//!     let _ = gatewright_gateway::guards::forward(gateway, recording).await;
//! }
//! ```
//!
//! ```compile_fail,E0308
//! async fn road(gateway: &gatewright_gateway::Gateway, request: &mut gatewright_gateway::Request) {
//!     let _ = gatewright_gateway::guards::forward(gateway, request).await;
//! }
//! ```
//!
//! # Only a masked answer can be followed
//!
//! ```
//! async fn back(recording: gatewright_gateway::Recording, answer: gatewright_gateway::Masked) {
//!     let _ = gatewright_gateway::guards::follow(recording, answer).await;
//! }
//! ```
//!
//! ```compile_fail,E0308
//! async fn back(recording: gatewright_gateway::Recording, answer: gatewright_gateway::Reply) {
//!     let _ = gatewright_gateway::guards::follow(recording, answer).await;
//! }
//! ```
//!
//! # Only a decision can become a permit
//!
//! ```
//! fn permit(decided: gatewright_gateway::Decided) {
//!     let _ = gatewright_gateway::guards::settle(decided);
//! }
//! ```
//!
//! ```compile_fail,E0308
//! fn permit(examined: gatewright_gateway::Examined) {
//!     let _ = gatewright_gateway::guards::settle(examined);
//! }
//! ```

use gatewright_model::Refusal;

use crate::{Decided, Departure, Gateway, Masked, Permit, Recording, Reply};

/// The journey's step of this name.
///
/// # Errors
/// As the step.
pub async fn forward(gateway: &Gateway, recording: &mut Recording) -> Result<Reply, Refusal> {
    gateway.forward(recording).await
}

/// The journey's step of this name.
///
/// # Errors
/// As the step.
pub async fn follow(recording: Recording, masked: Masked) -> Result<Departure, Refusal> {
    recording.follow(masked).await
}

/// The journey's step of this name.
///
/// # Errors
/// As the step.
pub fn settle(decided: Decided) -> Result<Permit, Refusal> {
    Permit::of(decided)
}
