use std::sync::Arc;

use gatewright_model::{ConnectionName, StoredKind, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::Sqlite;
use crate::state::{Answer, Booked, Order, Owned, Owner, Page, StateError, Thing};

const COLUMNS: &str = "connection, id, kind, made, note";

impl Owned for Sqlite {
    fn book(&self, owner: Owner, things: Vec<Thing>) -> Answer<'_, Booked> {
        Box::pin(self.write(move |connection, _| {
            // There is one writer: nothing comes between looking and writing.
            for thing in &things {
                if is_taken(connection, &owner, thing)? {
                    return Ok(Booked::Taken);
                }
            }
            let insert = format!(
                "INSERT INTO owned_things ({COLUMNS}, issuer, subject) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
                 ON CONFLICT DO NOTHING"
            );
            let mut insert = connection.prepare_cached(&insert)?;
            for Thing { connection, id, kind, made, note } in &things {
                let made = made.micros().cast_signed();
                let (issuer, subject) = (owner.issuer.as_str(), &owner.subject);
                insert.execute(params![connection.as_str(), id, kind.name(), made, note, issuer, subject])?;
            }
            Ok(Booked::Yours)
        }))
    }

    fn find(&self, owner: Owner, ids: Vec<Arc<str>>) -> Answer<'_, Vec<Thing>> {
        Box::pin(self.read(move |connection| {
            let query = format!("SELECT {COLUMNS} FROM owned_things WHERE issuer = ?1 AND subject = ?2 AND id = ?3");
            let mut statement = connection.prepare_cached(&query)?;
            let mut found = Vec::new();
            for id in &ids {
                let rows = statement.query_map(params![owner.issuer.as_str(), owner.subject, id], read)?;
                for row in rows {
                    found.push(row??);
                }
            }
            Ok(found)
        }))
    }

    fn list(&self, owner: Owner, page: Page) -> Answer<'_, Vec<Thing>> {
        Box::pin(self.read(move |connection| {
            let Page { connection: place, kind, order, after, limit } = page;
            let own = "issuer = ?1 AND subject = ?2 AND connection = ?3 AND kind = ?4";
            let (issuer, place, kind) = (owner.issuer.as_str(), place.as_str(), kind.name());
            let from = match &after {
                None => None,
                Some(after) => {
                    let query = format!("SELECT made, id FROM owned_things WHERE {own} AND id = ?5");
                    let values = params![issuer, owner.subject, place, kind, after];
                    let found = connection.query_row(&query, values, |row| Ok((row.get(0)?, row.get(1)?)));
                    match found.optional()? {
                        Some(from) => Some(from),
                        None => return Ok(Vec::new()),
                    }
                }
            };
            let (beyond, direction, least) = match order {
                Order::Newest => ("<", "DESC", i64::MAX),
                Order::Oldest => (">", "ASC", i64::MIN),
            };
            let (made, id): (i64, String) = from.unwrap_or((least, String::new()));
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let query = format!(
                "SELECT {COLUMNS} FROM owned_things WHERE {own} AND (made, id) {beyond} (?5, ?6) \
                 ORDER BY made {direction}, id {direction} LIMIT ?7"
            );
            let mut statement = connection.prepare_cached(&query)?;
            let rows = statement.query_map(params![issuer, owner.subject, place, kind, made, id, limit], read)?;
            rows.map(|row| row?).collect()
        }))
    }

    fn strike(&self, place: ConnectionName, id: Arc<str>) -> Answer<'_, ()> {
        Box::pin(self.write(move |connection, _| {
            let delete = "DELETE FROM owned_things WHERE connection = ?1 AND id = ?2";
            connection.execute(delete, params![place.as_str(), id])?;
            Ok(())
        }))
    }
}

fn is_taken(connection: &Connection, owner: &Owner, thing: &Thing) -> Result<bool, StateError> {
    let query = "SELECT issuer = ?3 AND subject = ?4 AND kind = ?5 FROM owned_things WHERE connection = ?1 AND id = ?2";
    let (issuer, subject) = (owner.issuer.as_str(), &owner.subject);
    let values = params![thing.connection.as_str(), thing.id, issuer, subject, thing.kind.name()];
    let own: Option<bool> = connection.prepare_cached(query)?.query_row(values, |row| row.get(0)).optional()?;
    Ok(own == Some(false))
}

fn read(row: &Row<'_>) -> rusqlite::Result<Result<Thing, StateError>> {
    let kind: String = row.get(2)?;
    let Some(kind) = StoredKind::from_name(&kind) else {
        return Ok(Err(StateError::fault("a thing is of a kind that is not known")));
    };
    Ok(Ok(Thing {
        connection: ConnectionName::from(row.get::<_, String>(0)?.as_str()),
        id: row.get(1)?,
        kind,
        made: Timestamp::from_micros(row.get::<_, i64>(3)?.cast_unsigned()),
        note: row.get(4)?,
    }))
}
