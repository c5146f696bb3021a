//! The admin API's contract: what its endpoints take and give. Nothing here does anything; the formats are version 1 and
//! are held by tests.
//!
//! | request | answer |
//! |---|---|
//! | `GET /healthz` | 200 [`Health`] while the process can answer at all |
//! | `GET /readyz` | 200 or 503 [`Readiness`] |
//! | `GET /metrics` | 200, OpenMetrics 1.0 text |
//! | anything else | 404, 405 or 421 [`Problem`] |

mod health;
mod problem;

pub use health::{Health, Note, Readiness, Reason, ReasonCode, State};
pub use problem::{Problem, Words};

/// Where the process says that it is alive.
pub const HEALTH: &str = "/healthz";

/// Where the gateway says whether it can be relied on.
pub const READINESS: &str = "/readyz";

/// Where the gateway's numbers are.
pub const METRICS: &str = "/metrics";

/// Every path that the admin side answers on.
pub const PATHS: &[&str] = &[HEALTH, READINESS, METRICS];
