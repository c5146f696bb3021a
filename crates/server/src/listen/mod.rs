//! Listeners: TCP, TLS with a certificate that can be replaced, HTTP/1.1 and HTTP/2 on one port, bounds on everything a
//! stranger can make us hold, and a drain that ends.

/// Certificates that can be replaced while the gateway runs.
pub mod certificate;
