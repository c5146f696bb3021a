//! Implements the admin API: health, readiness, metrics.
