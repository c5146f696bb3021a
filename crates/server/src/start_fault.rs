//! Why a gateway does not start.

use std::net::SocketAddr;
use std::path::PathBuf;

use gatewright_identity::IssuerFault;
use gatewright_store::state::StateError;

use crate::assemble::Unassembled;
use crate::commands::Outcome;
use crate::config::Fault;
use crate::keys::KeyFault;
use crate::listen::BadCertificate;

/// Why the gateway did not start. No port is answered on.
#[derive(Debug, thiserror::Error)]
pub enum StartFault {
    /// The data folder cannot be used.
    #[error("the data folder {path} cannot be used: {reason}")]
    Data {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Another gateway uses it.
    #[error("another gateway runs on the data folder {0}; one folder serves one gateway")]
    InUse(PathBuf),
    /// A key of the deployment.
    #[error(transparent)]
    Key(#[from] KeyFault),
    /// The log does not hold, or cannot be written.
    #[error("the log cannot be opened: {0}")]
    Log(String),
    /// A configuration that cannot run here.
    #[error(transparent)]
    World(#[from] Unassembled),
    /// Issuers that cannot be used.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Issuers(Vec<IssuerFault>),
    /// No way out to the issuers.
    #[error("issuers cannot be reached from here: {0}")]
    Dial(#[from] gatewright_dial::Fault),
    /// A certificate.
    #[error(transparent)]
    Certificate(#[from] BadCertificate),
    /// A port.
    #[error("cannot listen on {address}: {reason}")]
    Listener {
        /// Which.
        address: SocketAddr,
        /// Why.
        reason: String,
    },
    /// The catalogue, which was read from the state or is to become its first version.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Configuration(Vec<Fault>),
    /// The catalogue should lie in the state, where there is none.
    #[error("the store holds no version of the catalogue; name the first one by `import: FILE` beside `source: store`")]
    NoVersion,
    /// The state.
    #[error(transparent)]
    State(#[from] StateError),
    /// The state's password.
    #[error("the state's database: {0}")]
    StateCredential(String),
    /// A channel of notifications.
    #[error("the notifications' channel `{channel}`: {why}")]
    Channel {
        /// Which.
        channel: String,
        /// Why.
        why: String,
    },
    /// The bucket that is given a copy of the records.
    #[error("the bucket of the records: {0}")]
    Bucket(String),
    /// A signal handler.
    #[error("signals cannot be listened for: {0}")]
    Signals(std::io::Error),
    /// The threads that answer callers.
    #[error("no thread could be started to answer callers: {0}")]
    Threads(std::io::Error),
}

impl StartFault {
    /// How the process ends for it.
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::World(_)
            | Self::Issuers(_)
            | Self::Certificate(_)
            | Self::Configuration(_)
            | Self::NoVersion
            | Self::StateCredential(_)
            | Self::Channel { .. }
            | Self::Bucket(_) => Outcome::BadConfiguration,
            Self::Listener { .. } | Self::InUse(_) | Self::State(StateError::Unreachable(_)) => Outcome::Unreachable,
            Self::State(_)
            | Self::Data { .. }
            | Self::Key(_)
            | Self::Log(_)
            | Self::Dial(_)
            | Self::Signals(_)
            | Self::Threads(_) => Outcome::Internal,
        }
    }
}
