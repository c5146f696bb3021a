//! The one way out for side requests: key sets, discovery documents, token endpoints.
//!
//! A [`Dial`] sends one small request and reads one small answer. Every address is checked after the name was resolved
//! and the connection goes to the address that was checked, so a name that changes its mind between the two (DNS
//! rebinding) gains nothing. HTTPS reaches anything but link-local, metadata and other special addresses; plain HTTP
//! reaches loopback alone.
//!
//! What it deliberately does not do: follow a redirect, use a proxy of the environment, keep a connection, send or
//! keep a cookie, decompress, or retry. Calls to model servers do not go through here.

mod address;
mod dial;
mod exchange;
mod fault;
mod target;
mod tls;

pub use dial::{Dial, Limits, Reply};
pub use fault::Fault;
pub use tls::Roots;
