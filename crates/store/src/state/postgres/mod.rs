//! The state in a PostgreSQL database that replicas share: a bounded pool of connections for questions, and one more that
//! hears what other replicas change.

mod address;
mod approvals;
mod candidates;
mod connect;
mod fault;
mod leases;
mod listen;
mod migrate;
mod notices;
mod owned;
mod policies;

use std::future::Future;
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{Object, Pool};
use deadpool_postgres::Transaction;
use tokio::sync::watch;
use tokio::time::timeout;

pub use address::{BadPostgresAddress, PostgresAddress, Transport};
pub use connect::Password;

use super::change::{Change, Feed};
use super::migration::{Migration, migrations};
use super::{Standing, StateError};
pub(crate) use connect::Connector;
use listen::Listener;

pub(super) const MIGRATIONS: &[Migration] =
    migrations![1 "policies", 2 "owned", 3 "approvals", 4 "leases", 5 "notices", 6 "candidates",];

/// The channel on which replicas tell each other what changed.
const CHANNEL: &str = "gatewright_state";

/// How long a connection may take to stand, and how long a question waits for a free one.
const CONNECT: Duration = Duration::from_secs(5);

/// How long the server may take over a statement (see `connect`), and how much longer this side waits for its word.
const STATEMENT: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(8);

/// How to reach the database.
#[derive(Clone)]
pub struct PostgresOptions {
    /// Where it is, and as whom it is reached.
    pub address: PostgresAddress,
    /// Looked up for every new connection, so that a changed password is picked up; `None`: the server asks for none.
    pub password: Option<Password>,
    /// In the clear, or over TLS.
    pub transport: Transport,
    /// The most connections for questions.
    pub connections: usize,
}

/// The state in a database.
pub(super) struct Postgres {
    pool: Pool<Connector>,
    _listener: Listener,
}

impl Postgres {
    /// Reaches the database, brings its tables up to date and begins to listen.
    pub(super) async fn open(
        options: PostgresOptions,
        feed: Feed,
        said: watch::Sender<Standing>,
    ) -> Result<Self, StateError> {
        let connector = Connector::new(&options);
        let pool: Pool<Connector> = Pool::builder(connector.clone())
            .max_size(options.connections)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(CONNECT))
            .create_timeout(Some(CONNECT))
            .recycle_timeout(Some(CONNECT))
            .build()
            .map_err(StateError::fault)?;
        migrate::migrate(&mut *pool.get().await?).await?;
        let listener = Listener::start(connector, feed, said).await?;
        Ok(Self { pool, _listener: listener })
    }

    /// A connection for one question; it goes back to the pool when it is dropped.
    async fn client(&self) -> Result<Object<Connector>, StateError> {
        Ok(self.pool.get().await?)
    }
}

/// An answer within bounded time, whatever has become of the network.
async fn bounded<T>(answer: impl Future<Output = Result<T, StateError>>) -> Result<T, StateError> {
    timeout(CONNECT + ANSWER, answer).await.unwrap_or_else(|_| Err(StateError::unreachable("it does not answer")))
}

/// Tells every replica of a change once the transaction is committed, and nobody if it is not.
async fn announce(transaction: &Transaction<'_>, change: &Change) -> Result<(), StateError> {
    transaction.execute("SELECT pg_notify($1, $2)", &[&CHANNEL, &change.to_string()]).await?;
    Ok(())
}
