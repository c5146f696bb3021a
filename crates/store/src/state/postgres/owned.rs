use std::sync::Arc;

use gatewright_model::{ConnectionName, StoredKind, Timestamp};
use tokio_postgres::Row;

use super::{Postgres, bounded};
use crate::state::{Answer, Booked, Order, Owned, Owner, Page, StateError, Thing};

const COLUMNS: &str = "connection, id, kind, made, note";

impl Owned for Postgres {
    fn book(&self, owner: Owner, things: Vec<Thing>) -> Answer<'_, Booked> {
        Box::pin(bounded(async move {
            let mut client = self.client().await?;
            let transaction = client.transaction().await?;
            let insert = format!(
                "INSERT INTO owned_things ({COLUMNS}, issuer, subject) VALUES ($1, $2, $3, $4, $5, $6, $7) \
                 ON CONFLICT DO NOTHING"
            );
            let insert = transaction.prepare_cached(&insert).await?;
            let whose = "SELECT issuer = $3 AND subject = $4 AND kind = $5 FROM owned_things \
                         WHERE connection = $1 AND id = $2";
            let whose = transaction.prepare_cached(whose).await?;
            let (issuer, subject) = (owner.issuer.as_str(), &*owner.subject);
            for Thing { connection, id, kind, made, note } in &things {
                let (connection, made) = (connection.as_str(), made.micros().cast_signed());
                transaction
                    .execute(&insert, &[&connection, &&**id, &kind.name(), &made, &&**note, &issuer, &subject])
                    .await?;
                // Whoever booked it at the same moment has committed by now, or this one has it.
                let own =
                    transaction.query_opt(&whose, &[&connection, &&**id, &issuer, &subject, &kind.name()]).await?;
                if !own.map(|row| row.try_get::<_, bool>(0)).transpose()?.unwrap_or(false) {
                    transaction.rollback().await?;
                    return Ok(Booked::Taken);
                }
            }
            transaction.commit().await?;
            Ok(Booked::Yours)
        }))
    }

    fn find(&self, owner: Owner, ids: Vec<Arc<str>>) -> Answer<'_, Vec<Thing>> {
        Box::pin(bounded(async move {
            let query =
                format!("SELECT {COLUMNS} FROM owned_things WHERE issuer = $1 AND subject = $2 AND id = ANY($3)");
            let ids: Vec<&str> = ids.iter().map(|id| &**id).collect();
            let client = self.client().await?;
            let statement = client.prepare_cached(&query).await?;
            let rows = client.query(&statement, &[&owner.issuer.as_str(), &&*owner.subject, &ids]).await?;
            rows.iter().map(read).collect()
        }))
    }

    fn list(&self, owner: Owner, page: Page) -> Answer<'_, Vec<Thing>> {
        Box::pin(bounded(async move {
            let Page { connection: place, kind, order, after, limit } = page;
            let own = "issuer = $1 AND subject = $2 AND connection = $3 AND kind = $4";
            let (issuer, subject, place, kind) = (owner.issuer.as_str(), &*owner.subject, place.as_str(), kind.name());
            let client = self.client().await?;
            let (beyond, direction, least) = match order {
                Order::Newest => ("<", "DESC", i64::MAX),
                Order::Oldest => (">", "ASC", i64::MIN),
            };
            let (made, id) = match &after {
                None => (least, String::new()),
                Some(after) => {
                    let query = format!("SELECT made, id FROM owned_things WHERE {own} AND id = $5");
                    match client.query_opt(&query, &[&issuer, &subject, &place, &kind, &&**after]).await? {
                        Some(row) => (row.try_get(0)?, row.try_get(1)?),
                        None => return Ok(Vec::new()),
                    }
                }
            };
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let query = format!(
                "SELECT {COLUMNS} FROM owned_things WHERE {own} AND (made, id) {beyond} ($5, $6) \
                 ORDER BY made {direction}, id {direction} LIMIT $7"
            );
            let statement = client.prepare_cached(&query).await?;
            let rows = client.query(&statement, &[&issuer, &subject, &place, &kind, &made, &id, &limit]).await?;
            rows.iter().map(read).collect()
        }))
    }

    fn strike(&self, place: ConnectionName, id: Arc<str>) -> Answer<'_, ()> {
        Box::pin(bounded(async move {
            let delete = "DELETE FROM owned_things WHERE connection = $1 AND id = $2";
            self.client().await?.execute(delete, &[&place.as_str(), &&*id]).await?;
            Ok(())
        }))
    }
}

fn read(row: &Row) -> Result<Thing, StateError> {
    let kind = StoredKind::from_name(row.try_get(2)?)
        .ok_or_else(|| StateError::fault("a thing is of a kind that is not known"))?;
    Ok(Thing {
        connection: ConnectionName::from(row.try_get::<_, &str>(0)?),
        id: row.try_get::<_, &str>(1)?.into(),
        kind,
        made: Timestamp::from_micros(row.try_get::<_, i64>(3)?.cast_unsigned()),
        note: row.try_get::<_, &str>(4)?.into(),
    })
}
