//! Composition root: configuration, listeners, TLS, drain, telemetry, quickstart.
