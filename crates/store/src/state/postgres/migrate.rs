use deadpool_postgres::ClientWrapper;

use super::MIGRATIONS;
use crate::state::StateError;
use crate::state::migration::missing;

/// What replicas that start at the same time queue for; "gatewright" in its first eight letters.
const LOCK: i64 = i64::from_be_bytes(*b"gatewrig");

/// Brings the tables up to date, in one transaction.
pub(super) async fn migrate(client: &mut ClientWrapper) -> Result<(), StateError> {
    let transaction = client.transaction().await?;
    // Another replica may be making the tables; a first start is worth waiting for.
    transaction.batch_execute("SET LOCAL statement_timeout = '60s'; SET LOCAL lock_timeout = '60s'").await?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    let steps = "CREATE TABLE IF NOT EXISTS gatewright_migrations (number BIGINT PRIMARY KEY, name TEXT NOT NULL)";
    transaction.batch_execute(steps).await?;
    let present = "SELECT coalesce(max(number), 0) FROM gatewright_migrations";
    let present: i64 = transaction.query_one(present, &[]).await?.try_get(0)?;
    for step in missing(MIGRATIONS, present)? {
        transaction.batch_execute(step.sql).await?;
        let insert = "INSERT INTO gatewright_migrations (number, name) VALUES ($1, $2)";
        transaction.execute(insert, &[&step.number, &step.name]).await?;
        tracing::info!(step = step.number, about = step.name, "the state's tables were brought up to date");
    }
    Ok(transaction.commit().await?)
}
