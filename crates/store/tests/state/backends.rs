use std::sync::Arc;

use gatewright_model::Secret;
use gatewright_store::state::{PostgresAddress, PostgresOptions, STATE_FILE, State, StateError, Transport};
use gatewright_testkit::Postgres;
use tempfile::TempDir;

/// Somewhere that a state can be kept.
pub(crate) enum Backend {
    Sqlite(TempDir),
    Postgres { server: Postgres, url: String },
}

/// Every backend, empty.
pub(crate) fn every_one() -> [Backend; 2] {
    [Backend::sqlite(), Backend::postgres()]
}

impl Backend {
    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(TempDir::new().expect("a folder"))
    }

    pub(crate) fn postgres() -> Self {
        let server = Postgres::start();
        let url = server.database();
        Self::Postgres { server, url }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres { .. } => "postgres",
        }
    }

    /// Opens what is kept there; again and again, as replicas and restarts do.
    pub(crate) async fn open(&self) -> State {
        self.try_open().await.expect("it opens")
    }

    pub(crate) async fn try_open(&self) -> Result<State, StateError> {
        match self {
            Self::Sqlite(folder) => State::sqlite(&folder.path().join(STATE_FILE)),
            Self::Postgres { url, .. } => State::postgres(options(url)).await,
        }
    }

    /// How many rows a table has.
    pub(crate) fn count(&self, table: &str) -> i64 {
        let query = format!("SELECT count(*) FROM {table}");
        match self {
            Self::Sqlite(folder) => {
                let connection = rusqlite::Connection::open(folder.path().join(STATE_FILE)).expect("it is a database");
                connection.query_row(&query, [], |row| row.get(0)).expect("a number")
            }
            Self::Postgres { server, url } => {
                let database = url.rsplit('/').next().expect("it names one");
                server.execute(database, &query).parse().expect("a number")
            }
        }
    }

    /// Runs a statement on what is kept, past the state; whether it was let through.
    pub(crate) fn tamper(&self, statement: &str) -> Result<(), String> {
        match self {
            Self::Sqlite(folder) => {
                let connection = rusqlite::Connection::open(folder.path().join(STATE_FILE)).expect("it is a database");
                connection.execute_batch(statement).map_err(|error| error.to_string())
            }
            Self::Postgres { server, url } => {
                let database = url.rsplit('/').next().expect("it names one");
                let guarded =
                    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| server.execute(database, statement)));
                guarded.map(|_| ()).map_err(|_| "refused".to_owned())
            }
        }
    }
}

pub(crate) fn options(url: &str) -> PostgresOptions {
    let password = Arc::new(Secret::new(Postgres::PASSWORD.to_owned()));
    PostgresOptions {
        address: PostgresAddress::parse(url).expect("an address"),
        password: Some(Arc::new(move || Ok(Arc::clone(&password)))),
        transport: Transport::Plain,
        connections: 4,
    }
}
