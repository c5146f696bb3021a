use std::time::Duration;

use deadpool_postgres::ClientWrapper;
use gatewright_model::{Entropy, Timestamp};
use tokio::time::{sleep, timeout};
use tokio_postgres::error::SqlState;

use super::name::PREFIX;
use super::{LentRole, RolePassword};
use crate::state::{PostgresConnector, PostgresOptions, StateError};

/// How long making or ending a role may take.
const ANSWER: Duration = Duration::from_secs(15);

/// How often sessions are looked for, once nobody can log in any more, and how long between: one that was let in at that
/// very moment is not seen at once.
const LOOKS: usize = 3;
const BETWEEN: Duration = Duration::from_millis(50);

/// The most sessions of one role at once.
const SESSIONS: u32 = 4;

/// From this release on a membership says by itself whether its member may become the group.
const MEMBERSHIP_OPTIONS: i32 = 160_000;

/// A database that lends roles.
#[derive(Clone)]
pub struct RoleServer {
    connector: PostgresConnector,
    options: PostgresOptions,
}

/// A role to be made.
pub struct NewRole<'r> {
    /// Its name.
    pub name: &'r LentRole,
    /// Its secret.
    pub password: &'r RolePassword,
    /// Until when it may log in.
    pub until: Timestamp,
    /// The groups that say what it may do.
    pub groups: &'r [&'r str],
}

/// Why a role was not made or ended. Words for operators; the server's own are in its log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoleFault {
    /// The database cannot be reached, or does not answer.
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    /// It refused.
    #[error("the database refused ({0})")]
    Refused(String),
}

impl From<StateError> for RoleFault {
    fn from(error: StateError) -> Self {
        Self::Unreachable(error.to_string())
    }
}

impl From<tokio_postgres::Error> for RoleFault {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            // Its code and no more: a message may repeat what it was sent.
            Some(refused) => Self::Refused(refused.code().code().to_owned()),
            None => Self::Unreachable("the connection was lost".to_owned()),
        }
    }
}

impl RoleServer {
    /// The database there. Nothing is sent before a role is asked for.
    pub fn new(options: PostgresOptions) -> Self {
        Self { connector: PostgresConnector::new(&options), options }
    }

    /// Where clients find it: host, port and the database's name.
    pub fn place(&self) -> (String, u16, String) {
        self.options.address.place()
    }

    /// Makes a role. Only when this has returned `Ok` does anybody need to know its secret.
    pub async fn make(&self, role: NewRole<'_>, entropy: &dyn Entropy) -> Result<(), RoleFault> {
        let verifier = role.password.verifier(entropy);
        bounded(async {
            let mut client = self.client().await?;
            let version = version(&client).await?;
            let transaction = client.transaction().await?;
            // The server quotes: the statement is made by its own `format`, of parameters.
            let create = "SELECT format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION INHERIT \
                          CONNECTION LIMIT %s PASSWORD %L VALID UNTIL %L', $1::text, $2::text, $3::text, \
                          to_timestamp($4::float8)::text)";
            let (name, limit) = (role.name.as_str(), SESSIONS.to_string());
            #[expect(clippy::cast_precision_loss, reason = "microseconds of this century fit")]
            let until = role.until.micros() as f64 / 1e6;
            let create: String = transaction.query_one(create, &[&name, &limit, &verifier, &until]).await?.try_get(0)?;
            transaction.batch_execute(&create).await?;
            for group in role.groups {
                // It may do what the group may, and not become the group, in whose name it could make things that stay.
                let options = if version >= MEMBERSHIP_OPTIONS { " WITH INHERIT TRUE, SET FALSE" } else { "" };
                let grant = "SELECT format('GRANT %I TO %I%s', $1::text, $2::text, $3::text)";
                let grant: String = transaction.query_one(grant, &[group, &name, &options]).await?.try_get(0)?;
                transaction.batch_execute(&grant).await?;
            }
            // Whoever made it may end its sessions and drop what it made, without being more than it is otherwise.
            let options = if version >= MEMBERSHIP_OPTIONS { " WITH INHERIT TRUE" } else { "" };
            let own = "SELECT format('GRANT %I TO CURRENT_USER%s', $1::text, $2::text)";
            let own: String = transaction.query_one(own, &[&name, &options]).await?.try_get(0)?;
            transaction.batch_execute(&own).await?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }

    /// Ends a role: nobody logs in with it from here on, whoever is in is out, what it made is gone, and so is it. One that
    /// is not there is ended already.
    pub async fn end(&self, name: &LentRole) -> Result<(), RoleFault> {
        bounded(async {
            let client = self.client().await?;
            let oid = "SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $1";
            let Some(row) = client.query_opt(oid, &[&name.as_str()]).await? else { return Ok(()) };
            let oid: u32 = row.try_get(0)?;
            let shut = quoted(&client, "ALTER ROLE %I NOLOGIN CONNECTION LIMIT 0", name).await?;
            match client.batch_execute(&shut).await {
                // Somebody else was faster.
                Err(error) if error.code() == Some(&SqlState::UNDEFINED_OBJECT) => return Ok(()),
                other => other?,
            }
            for look in 0..LOOKS {
                if look > 0 {
                    sleep(BETWEEN).await;
                }
                terminate(&client, oid).await?;
            }
            let dropped = quoted(&client, "DROP OWNED BY %I CASCADE", name).await?;
            client.batch_execute(&dropped).await?;
            let dropped = quoted(&client, "DROP ROLE IF EXISTS %I", name).await?;
            client.batch_execute(&dropped).await?;
            // A session outlives its role: once more, by number.
            terminate(&client, oid).await
        })
        .await
    }

    /// The roles of ours whose time was over before `before`: what nobody remembers, as after a lost state.
    pub async fn forgotten(&self, before: Timestamp) -> Result<Vec<LentRole>, RoleFault> {
        bounded(async {
            let client = self.client().await?;
            let query = "SELECT rolname FROM pg_catalog.pg_roles \
                         WHERE starts_with(rolname, $1) AND rolvaliduntil < to_timestamp($2::float8) LIMIT 100";
            #[expect(clippy::cast_precision_loss, reason = "microseconds of this century fit")]
            let before = before.micros() as f64 / 1e6;
            let rows = client.query(query, &[&PREFIX, &before]).await?;
            let names = rows.iter().filter_map(|row| LentRole::parse(row.try_get(0).ok()?));
            Ok(names.collect())
        })
        .await
    }

    async fn client(&self) -> Result<ClientWrapper, RoleFault> {
        Ok(self.connector.client().await?)
    }
}

async fn version(client: &ClientWrapper) -> Result<i32, RoleFault> {
    let query = "SELECT current_setting('server_version_num')::int4";
    Ok(client.query_one(query, &[]).await?.try_get(0)?)
}

/// A statement about a role, quoted by the server.
async fn quoted(client: &ClientWrapper, statement: &str, name: &LentRole) -> Result<String, RoleFault> {
    Ok(client.query_one("SELECT format($1::text, $2::text)", &[&statement, &name.as_str()]).await?.try_get(0)?)
}

async fn terminate(client: &ClientWrapper, oid: u32) -> Result<(), RoleFault> {
    let query = "SELECT pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE usesysid = $1";
    client.query(query, &[&oid]).await?;
    Ok(())
}

async fn bounded<T>(answer: impl Future<Output = Result<T, RoleFault>>) -> Result<T, RoleFault> {
    let late = || RoleFault::Unreachable("it does not answer in time".to_owned());
    timeout(ANSWER, answer).await.unwrap_or_else(|_| Err(late()))
}
