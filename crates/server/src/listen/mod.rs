//! Listeners: TCP, TLS with a certificate that can be replaced, HTTP/1.1 and HTTP/2 on one port, bounds on everything a
//! stranger can make us hold, and a drain that ends.
//!
//! [`bind`] takes a port; [`Front::serve`] answers on it until [`Running::finish`] lets open streams end and then cuts
//! the rest. Every task that a connection needs is owned here; none survives `finish`.

mod activity;
mod bind;
/// Certificates that can be replaced while the gateway runs.
pub mod certificate;
mod connection;
mod departure;
mod drain;
mod front;
mod serving;
mod tasks;
mod watched;
mod workers;

pub use bind::bind;
pub use certificate::{BadCertificate, ReloadingTls};
pub use drain::{Drain, Stage};
pub use front::{Bounds, Counts, Finished, Front, Peer, Running, Serve};
pub use workers::Workers;
