use std::net::IpAddr;
use std::path::PathBuf;

use http::StatusCode;

/// Why a side request failed, in words for operators. Never quotes a body, a header or a form field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The URL is not one that can be dialled.
    #[error("not a URL that can be dialled: {0}")]
    BadUrl(&'static str),
    /// Plain HTTP to somewhere else than this machine.
    #[error("plain http reaches loopback addresses only, and {0} is not one; use https")]
    PlainHttp(IpAddr),
    /// The name leads to an address that side requests never reach.
    #[error("{0} is a link-local, metadata or otherwise special address")]
    ForbiddenAddress(IpAddr),
    /// The name could not be resolved.
    #[error("the host name could not be resolved")]
    Unresolved,
    /// No address of the host accepted the connection.
    #[error("could not connect: {0}")]
    Connect(String),
    /// The TLS handshake failed.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// There is no certificate authority to trust.
    #[error("no certificate authority is known: the system's store is empty or unreadable; configure a CA file")]
    NoRoots,
    /// The CA file is of no use.
    #[error("the CA file {path} {why}")]
    BadRoots {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The exchange as a whole took longer than the limit.
    #[error("no complete answer within {0} ms")]
    TimedOut(u128),
    /// The answer is longer than the limit.
    #[error("the answer is longer than {0} bytes")]
    TooLarge(usize),
    /// The server answered with a redirect, which is never followed.
    #[error("the server answered {0}, and redirects are never followed")]
    Redirect(StatusCode),
    /// The answer is compressed though it was not to be.
    #[error("the answer is encoded, though it was asked for plain")]
    Encoded,
    /// The other side does not speak HTTP, or broke off.
    #[error("the exchange broke off: {0}")]
    Broken(String),
}
