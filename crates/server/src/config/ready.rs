//! What runs: every name resolved, every default filled in, every bound a number.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gatewright_gateway::{CallToken, Price};
use gatewright_identity::IssuerConfig;
use gatewright_model::{ConnectionName, DatasetName, Digest, IssuerName, ModelName, Trust};
use gatewright_store::state::PostgresAddress;
use gatewright_upstream::lend::Reference;
use gatewright_upstream::reach::{Origin, Timeouts};

use super::channels::Channel;
use super::held::Held;
use super::network::Network;

/// A configuration that holds.
#[derive(Clone, Debug)]
pub struct Ready {
    /// The file that it was read from.
    pub file: PathBuf,
    /// SHA-256 of that file's bytes.
    pub digest: Digest,
    /// The listener for callers.
    pub data_listener: Listener,
    /// The listener for operators.
    pub admin_listener: Listener,
    /// The folder of everything that the gateway keeps.
    pub data: PathBuf,
    /// Where the role catalogue is.
    pub catalogue: CatalogueFrom,
    /// Where what replicas share is kept.
    pub state: State,
    /// Who may vouch for callers, in the order of their names.
    pub issuers: BTreeMap<IssuerName, Issuer>,
    /// Model servers and vector databases.
    pub connections: BTreeMap<ConnectionName, Connection>,
    /// Models.
    pub models: BTreeMap<ModelName, Model>,
    /// The currency that prices are in, by its three letters.
    pub currency: Option<String>,
    /// Datasets.
    pub datasets: BTreeMap<DatasetName, Dataset>,
    /// Databases that lend roles, by their names.
    pub databases: BTreeMap<String, Postgres>,
    /// What is lent for the length of a call; `None`: nothing.
    pub call_tokens: Option<CallTokens>,
    /// The ways to people who decide.
    pub notifications: BTreeMap<String, Channel>,
    /// What a request and a connection may cost.
    pub limits: Limits,
    /// Networks of proxies whose `x-forwarded-for` is believed.
    pub proxies: Vec<Network>,
    /// When a piece of an answer must be on disk.
    pub answers: AnswerRecords,
    /// The witnesses that cosign the register of logs; `None` where there are none.
    pub witnesses: Option<Witnesses>,
    /// Of so many decisions one is made again by Cedar's own authorizer; 0: none.
    pub recheck: u32,
    /// The bucket that is given a copy of the records; `None` where there is none.
    pub bucket: Option<Bucket>,
    /// How long open streams may go on after the gateway was told to stop.
    pub grace: Duration,
    /// What the gateway says of itself.
    pub log: Log,
}

/// Where the role catalogue is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CatalogueFrom {
    /// In a file or a folder.
    Path(PathBuf),
    /// In the state. Whoever runs it puts what is there in this place.
    Store {
        /// What becomes the first version where there is none: a file or a folder.
        import: Option<PathBuf>,
    },
    /// It is at hand.
    Held(Held),
}

impl CatalogueFrom {
    /// The file or folder of this machine that it is, or begins as.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::Store { import } => import.as_deref(),
            Self::Held(_) => None,
        }
    }
}

/// Where what replicas share is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// In a file of the data folder.
    Sqlite,
    /// In a database.
    Postgres(Box<Postgres>),
}

/// A bucket of an S3-compatible store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// The URL of the store's API; `None` for AWS's own.
    pub endpoint: Option<String>,
    /// The region that requests are signed for.
    pub region: String,
    /// Its name.
    pub name: String,
    /// What the names of this gateway's objects begin with.
    pub prefix: String,
    /// Where the access key's id lies.
    pub key: Reference,
    /// Where the access key lies.
    pub secret: Reference,
    /// The authorities that may vouch for the store; `None` for the system's.
    pub ca: Option<PathBuf>,
    /// How often the copy is brought up to date.
    pub every: Duration,
    /// How many bytes may wait for it before no more calls are admitted.
    pub spool: u64,
}

/// A PostgreSQL database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Postgres {
    /// Where it is.
    pub address: PostgresAddress,
    /// Where the password lies; `None` where the server asks for none.
    pub credential: Option<Reference>,
    /// Whether what is said may be read on the way.
    pub privacy: Privacy,
    /// The most connections for questions.
    pub connections: usize,
}

/// How bytes travel to a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Privacy {
    /// In the clear.
    Plain,
    /// Over TLS, vouched for by the authorities in this file, or by the system's.
    Tls(Option<PathBuf>),
}

/// A listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its certificate; plain text without one.
    pub tls: Option<CertificateFiles>,
    /// Names by which it may be called besides its address, in lower case.
    pub hosts: Vec<String>,
    /// Where browsers reach it, where that is not simply the address: scheme, host and port.
    pub url: Option<String>,
}

/// A certificate chain and its key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CertificateFiles {
    /// The chain, a PEM file.
    pub certificate: PathBuf,
    /// The private key, a PEM file.
    pub key: PathBuf,
}

/// An issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// What its tokens are held against.
    pub tokens: IssuerConfig,
    /// The client that `gatewright login` and the console use; without one nobody can sign in through it.
    pub login_client: Option<String>,
    /// Where the console finds that client's secret; a public client has none.
    pub login_secret: Option<Reference>,
    /// What becomes of an answer under way when its caller's token expires.
    pub open_answers: OpenAnswers,
}

/// What becomes of an answer under way when its caller's token expires.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OpenAnswers {
    /// It goes on: the token was good when it was asked for, and answers are short.
    #[default]
    Finish,
    /// It ends there.
    Cut,
}

/// A model server or vector database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The protocol's folder.
    pub protocol: String,
    /// The server's own variety of it.
    pub dialect: Option<String>,
    /// Where it is.
    pub origin: Origin,
    /// Where its credential lies; `None` where it asks for none.
    pub credential: Option<Reference>,
    /// How far it is trusted.
    pub trust: Trust,
    /// How long it may take.
    pub timeouts: Timeouts,
    /// The authorities that may vouch for it, instead of the system's.
    pub ca: Option<PathBuf>,
    /// How its server is lent tokens for the datasets that a call names.
    pub call_token: Option<CallToken>,
}

/// A model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// Where it runs.
    pub connection: ConnectionName,
    /// Its name there.
    pub upstream: String,
    /// Words by which grants may select it.
    pub tags: Vec<String>,
    /// What it costs, where anybody has said.
    pub price: Option<Price>,
}

/// A dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// Where it lies.
    pub place: Place,
    /// Words by which grants may select it.
    pub tags: Vec<String>,
}

/// Where a dataset lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// At a connection.
    At {
        /// Which one.
        connection: ConnectionName,
        /// Its name there.
        collection: String,
    },
    /// In a database, where it is read by a role that is lent.
    Lent {
        /// Which one.
        database: String,
        /// The role there that may read it.
        role: String,
    },
}

/// What is lent for the length of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallTokens {
    /// Whose tokens they are.
    pub issuer: String,
    /// How long at the most.
    pub lasts: Duration,
}

/// Bounds of what comes from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest head of a request, in bytes.
    pub header_bytes: usize,
    /// The most header lines.
    pub header_count: usize,
    /// The longest body, in bytes.
    pub body_bytes: usize,
    /// The longest answer that is not a stream, in bytes.
    pub answer_bytes: usize,
    /// The deepest JSON, in levels.
    pub json_depth: usize,
    /// How long a head may take to arrive.
    pub header_timeout: Duration,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
    /// How long a caller may stop reading before its connection is cut.
    pub write_timeout: Duration,
    /// The most connections at once, of each listener.
    pub connections: usize,
    /// The most streams at once on one HTTP/2 connection.
    pub streams: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_bytes: 32 * 1024,
            header_count: 100,
            body_bytes: 16 * 1024 * 1024,
            answer_bytes: 64 * 1024 * 1024,
            json_depth: 64,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(120),
            connections: 8192,
            streams: 100,
        }
    }
}

/// The witnesses of a policy file.
#[derive(Clone, Debug)]
pub struct Witnesses {
    /// What the file says.
    pub policy: gatewright_ledger::WitnessPolicy,
    /// The file's text, by which two are compared.
    pub text: String,
}

impl PartialEq for Witnesses {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Witnesses {}

/// When a piece of an answer must be on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnswerRecords {
    /// With the next group commit: after a crash the log may lack the last pieces that a caller was given.
    #[default]
    Group,
    /// Before the caller is given it.
    Strict,
}

impl AnswerRecords {
    /// `group` or `strict`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Strict => "strict",
        }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    #[default]
    Json,
    /// For people's eyes.
    Text,
}

/// The gateway's own log, on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// How its lines look.
    pub format: LogFormat,
    /// The least important level that is written.
    pub level: tracing::level_filters::LevelFilter,
    /// Whether every journey is told in one line.
    pub access: bool,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Json, level: tracing::level_filters::LevelFilter::INFO, access: true }
    }
}
