//! Exactly what a configuration file says: every section, every key, nothing checked but its type.

pub mod notifications;

use std::time::Duration;

use super::fault::Faults;
use super::read::{At, Bytes, Micros, Named, Read, section, unexpected};
use super::tree::{Node, Value};

/// Every section by its name in the documentation, with its keys: what must be documented.
pub const SECTIONS: &[(&str, &[&str])] = &[
    ("The file", Raw::KEYS),
    ("`listen`", Listen::KEYS),
    ("`listen`", ListenerSection::KEYS),
    ("`listen`", Tls::KEYS),
    ("`issuers`", Issuer::KEYS),
    ("`issuers`", ClaimIs::KEYS),
    ("`connections`", Connection::KEYS),
    ("`connections`", Timeouts::KEYS),
    ("`connections`", CallToken::KEYS),
    ("`connections`", Workload::KEYS),
    ("`models`", Model::KEYS),
    ("`models`", Price::KEYS),
    ("`datasets`", Dataset::KEYS),
    ("`call_tokens`", CallTokens::KEYS),
    ("`limits`", Limits::KEYS),
    ("`records`", Records::KEYS),
    ("`decisions`", Decisions::KEYS),
    ("`records`", Bucket::KEYS),
    ("`drain`", Drain::KEYS),
    ("`log`", Log::KEYS),
    ("The catalogue", CatalogueSource::KEYS),
    ("`state`", State::KEYS),
    ("`state`", Postgres::KEYS),
    ("`notifications`", notifications::Channel::KEYS),
    ("`notifications`", notifications::Webhook::KEYS),
    ("`notifications`", notifications::Slack::KEYS),
    ("`notifications`", notifications::Person::KEYS),
    ("`notifications`", notifications::Teams::KEYS),
    ("`notifications`", notifications::Email::KEYS),
];

section! {
    /// The whole file.
    Raw {
        /// The version of this format: 1.
        version: At<u64>,
        /// Where the gateway listens.
        listen: Listen,
        /// The folder of everything that it keeps.
        data: At<String>,
        /// The role catalogue: a file, a folder, or `{source: store}`.
        catalogue: CatalogueAt,
        /// Where what replicas share is kept.
        state: State,
        /// Who may vouch for callers.
        issuers: Named<Issuer>,
        /// Model servers and vector databases.
        connections: Named<Connection>,
        /// Models by the names that callers use.
        models: Named<Model>,
        /// The currency that prices are in.
        currency: At<String>,
        /// Datasets by the names that callers use.
        datasets: Named<Dataset>,
        /// Databases that lend roles.
        databases: Named<Postgres>,
        /// What is lent for the length of a call.
        call_tokens: CallTokens,
        /// What a request and a connection may cost.
        limits: Limits,
        /// Networks of proxies whose `x-forwarded-for` is believed.
        proxies: Vec<At<String>>,
        /// The ways to people who decide.
        notifications: Named<notifications::Channel>,
        /// How strict records are.
        records: Records,
        /// How decisions are watched over.
        decisions: Decisions,
        /// How the gateway stops.
        drain: Drain,
        /// What the gateway says of itself on standard error.
        log: Log,
    }
}

section! {
    /// The two listeners.
    Listen {
        /// Where callers connect.
        data: Listener,
        /// Where operators connect: health, readiness, metrics.
        admin: Listener,
    }
}

section! {
    /// One listener; `data: "127.0.0.1:8080"` is short for `data: { address: "127.0.0.1:8080" }`.
    ListenerSection {
        /// IP address and port.
        address: At<String>,
        /// Its certificate.
        tls: Tls,
        /// Names by which it may be called besides its address; others are refused.
        hosts: Vec<At<String>>,
        /// Where browsers reach the console: scheme and host, and a port where it is not the usual one.
        url: At<String>,
        /// Accepts that an admin listener beyond loopback speaks without TLS.
        danger_plaintext: At<bool>,
    }
}

section! {
    /// A certificate and its key, PEM files; both are read again when they change.
    Tls {
        /// The certificate chain, the listener's own certificate first.
        certificate: At<String>,
        /// The private key: PKCS#8, PKCS#1 or SEC1.
        key: At<String>,
    }
}

section! {
    /// An OpenID Connect issuer.
    Issuer {
        /// Its issuer URL, exactly as its tokens say it.
        url: At<String>,
        /// What its tokens must be meant for.
        audience: At<String>,
        /// Where the groups are in a token: a JSON pointer.
        groups: At<String>,
        /// The client that `gatewright login` and the console use.
        login_client: At<String>,
        /// Where that client's secret lies, if it has one: `env:NAME` or `file:/path`.
        login_secret: At<String>,
        /// What becomes of an answer under way when its caller's token expires: `finish` or `cut`.
        open_answers: At<String>,
        /// Where its keys are, if its discovery document shall not be asked.
        keys: At<String>,
        /// Other hosts on which its discovery document may place its keys.
        key_hosts: Vec<At<String>>,
        /// The signature algorithms that are accepted.
        algorithms: Vec<At<String>>,
        /// Whether its callers are people or programs.
        kind: At<String>,
        /// Which of its callers are programs, where it has both.
        workload_where: ClaimIs,
        /// Clients whose tokens are accepted; empty: any client of the audience.
        authorized_parties: Vec<At<String>>,
        /// The longest time between a token's `iat` and `exp`.
        max_lifetime: At<Duration>,
        /// How far its clock may differ.
        leeway: At<Duration>,
        /// How long its keys are used while newer ones cannot be fetched.
        stale_keys: At<Duration>,
    }
}

section! {
    /// A claim and its value.
    ClaimIs {
        /// A JSON pointer into the token.
        claim: At<String>,
        /// The text that it must be.
        is: At<String>,
    }
}

section! {
    /// A model server or vector database.
    Connection {
        /// Its protocol, by the name of the protocol's folder.
        protocol: At<String>,
        /// The server's own variety of the protocol.
        dialect: At<String>,
        /// Scheme, host and port, and a base path where it has one.
        url: At<String>,
        /// Where its credential lies: `env:NAME` or `file:/path`.
        credential: At<String>,
        /// `internal` or `external`.
        trust: At<String>,
        /// How long it may take.
        timeouts: Timeouts,
        /// The authorities that may vouch for it, a PEM file, instead of the system's.
        ca: At<String>,
        /// How its server is lent tokens for the datasets that a call names.
        call_token: CallToken,
    }
}

section! {
    /// How a server is lent tokens.
    CallToken {
        /// The header that carries the token.
        header: At<String>,
        /// Whom the token is meant for, if not the gateway itself.
        audience: At<String>,
        /// The one workload that may use it.
        workload: Workload,
    }
}

section! {
    /// A workload, as its issuer knows it.
    Workload {
        /// The issuer, by its name here.
        issuer: At<String>,
        /// The issuer's key for it (`sub`).
        subject: At<String>,
    }
}

section! {
    /// What is lent for the length of a call.
    CallTokens {
        /// Whose tokens they are: where the data listener is reached.
        issuer: At<String>,
        /// How long at the most.
        lasts: At<Duration>,
    }
}

section! {
    /// How long the parts of a call to a model server may take.
    Timeouts {
        /// Until the connection stands.
        connect: At<Duration>,
        /// From the request's end to the answer's head.
        first_byte: At<Duration>,
        /// Between two pieces of an answer.
        idle: At<Duration>,
    }
}

section! {
    /// A model.
    Model {
        /// Where it runs.
        connection: At<String>,
        /// Its name there.
        upstream: At<String>,
        /// Words by which grants may select it.
        tags: Vec<At<String>>,
        /// What it costs.
        price: Price,
    }
}

section! {
    /// A model's prices, in the configuration's currency.
    Price {
        /// A million tokens of requests, or of texts to be embedded.
        input: At<Micros>,
        /// A million tokens of requests that came from the model server's cache.
        cached: At<Micros>,
        /// A million tokens of answers.
        output: At<Micros>,
        /// A picture.
        image: At<Micros>,
    }
}

section! {
    /// A dataset.
    Dataset {
        /// Where it lies.
        connection: At<String>,
        /// Its name there.
        collection: At<String>,
        /// The database that lends a role for it, instead of a connection.
        database: At<String>,
        /// The role there that may read it, and whose member the lent one is.
        role: At<String>,
        /// Words by which grants may select it.
        tags: Vec<At<String>>,
    }
}

section! {
    /// Bounds of what comes from outside.
    Limits {
        /// The longest head of a request.
        header_bytes: At<Bytes>,
        /// The most header lines.
        header_count: At<u64>,
        /// The longest body.
        body_bytes: At<Bytes>,
        /// The longest answer that is not a stream.
        answer_bytes: At<Bytes>,
        /// The deepest JSON.
        json_depth: At<u64>,
        /// How long a head may take to arrive.
        header_timeout: At<Duration>,
        /// How long a body may take to arrive.
        body_timeout: At<Duration>,
        /// How long a caller may stop reading before its connection is cut.
        write_timeout: At<Duration>,
        /// The most connections at once, of each listener.
        connections: At<u64>,
        /// The most streams at once on one HTTP/2 connection.
        streams: At<u64>,
    }
}

section! {
    /// How strict records are.
    Records {
        /// When a piece of an answer must be on disk: `group` or `strict`.
        answers: At<String>,
        /// The policy file of the witnesses that cosign the register of logs.
        witnesses: At<String>,
        /// The bucket that is given a copy.
        bucket: Bucket,
    }
}

section! {
    /// A bucket of an S3-compatible store.
    Bucket {
        /// The URL of the store's API, where it is not AWS.
        endpoint: At<String>,
        /// The region that requests are signed for.
        region: At<String>,
        /// The bucket's name.
        name: At<String>,
        /// What the names of this gateway's objects begin with.
        prefix: At<String>,
        /// Where the access key's id lies: `env:NAME` or `file:/path`.
        key: At<String>,
        /// Where the access key lies: `env:NAME` or `file:/path`.
        secret: At<String>,
        /// The authorities that may vouch for the store, a PEM file, instead of the system's.
        ca: At<String>,
        /// How often the copy is brought up to date.
        every: At<Duration>,
        /// How many bytes may wait for it.
        spool: At<Bytes>,
    }
}

section! {
    /// How decisions are watched over.
    Decisions {
        /// Of so many decisions one is made again by Cedar's own authorizer; 0: none.
        recheck: At<u64>,
    }
}

section! {
    /// How the gateway stops.
    Drain {
        /// How long open streams may go on after the gateway was told to stop.
        grace: At<Duration>,
    }
}

section! {
    /// The gateway's own log.
    Log {
        /// `json` or `text`.
        format: At<String>,
        /// `error`, `warn`, `info` or `debug`.
        level: At<String>,
        /// Whether every journey is told in one line.
        access: At<bool>,
    }
}

section! {
    /// A catalogue that is kept elsewhere than beside the configuration.
    CatalogueSource {
        /// `store`.
        source: At<String>,
        /// What becomes the first version where there is none.
        import: At<String>,
    }
}

section! {
    /// Where what replicas share is kept: without a database, in a file of the data folder.
    State {
        /// In a PostgreSQL database.
        postgres: Postgres,
    }
}

section! {
    /// A PostgreSQL database.
    Postgres {
        /// Where it is: `postgres://user@host:5432/database`.
        url: At<String>,
        /// Where its password lies: `env:NAME` or `file:/path`.
        credential: At<String>,
        /// The authorities that may vouch for it, a PEM file, instead of the system's.
        ca: At<String>,
        /// The most connections at once.
        connections: At<u64>,
        /// Accepts that a database beyond this machine is spoken to without TLS.
        danger_plaintext: At<bool>,
    }
}

/// A listener, short or long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listener {
    /// Its address alone.
    Address(At<String>),
    /// With all that belongs to it.
    Section(ListenerSection),
}

impl Read for Listener {
    fn read(node: &Node, faults: &mut Faults) -> Option<Self> {
        match &node.value {
            Value::Text(_) => Read::read(node, faults).map(Self::Address),
            Value::Mapping(_) => Read::read(node, faults).map(Self::Section),
            _ => {
                unexpected(node, "an address or a mapping", faults);
                None
            }
        }
    }
}

/// Where the catalogue is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CatalogueAt {
    /// A file or a folder.
    Path(At<String>),
    /// Somewhere else.
    Source(CatalogueSource),
}

impl Read for CatalogueAt {
    fn read(node: &Node, faults: &mut Faults) -> Option<Self> {
        match &node.value {
            Value::Text(_) => Read::read(node, faults).map(Self::Path),
            Value::Mapping(_) => Read::read(node, faults).map(Self::Source),
            _ => {
                unexpected(node, "a path or {source: store}", faults);
                None
            }
        }
    }
}
