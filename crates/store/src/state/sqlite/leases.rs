use gatewright_model::{LeaseId, LeaseKind, RequestId, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::Sqlite;
use crate::state::leases::{Holder, Lease, Leases, Recorded, read_document};
use crate::state::{Answer, StateError};

const COLUMNS: &str = "id, call_id, kind, holder, lapses, until, document";

impl Leases for Sqlite {
    fn record(&self, lease: Lease, most: u32, now: Timestamp) -> Answer<'_, Recorded> {
        Box::pin(self.write(move |connection, _| {
            // There is one writer: nothing comes between looking and writing.
            let mut lease = lease;
            if lease.lent.kind() != LeaseKind::Token {
                let Some(token) = running(connection, lease.call, now)? else { return Ok(Recorded::CallOver) };
                let count = "SELECT count(*) FROM leases WHERE call_id = ?1 AND kind <> 'token'";
                let present: i64 = connection.query_row(count, [&lease.call.as_bytes()[..]], |row| row.get(0))?;
                if present >= i64::from(most) {
                    return Ok(Recorded::TooMany);
                }
                (lease.holder, lease.lapses) = (token.holder, token.lapses.min(lease.until));
            }
            let insert = format!("INSERT INTO leases ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
            let document = lease.document()?;
            connection.prepare_cached(&insert)?.execute(params![
                &lease.id.as_bytes()[..],
                &lease.call.as_bytes()[..],
                lease.lent.kind().name(),
                &lease.holder.as_bytes()[..],
                lease.lapses.micros().cast_signed(),
                lease.until.micros().cast_signed(),
                document,
            ])?;
            Ok(Recorded::Yes)
        }))
    }

    fn running(&self, call: RequestId, now: Timestamp) -> Answer<'_, Option<Lease>> {
        Box::pin(self.read(move |connection| running(connection, call, now)))
    }

    fn extend(&self, holder: Holder, now: Timestamp, to: Timestamp) -> Answer<'_, ()> {
        Box::pin(self.write(move |connection, _| {
            let extend = "UPDATE leases SET lapses = min(?2, until) WHERE holder = ?1 AND lapses > ?3";
            let (to, now) = (to.micros().cast_signed(), now.micros().cast_signed());
            connection.execute(extend, params![&holder.as_bytes()[..], to, now])?;
            Ok(())
        }))
    }

    fn over(&self, call: RequestId) -> Answer<'_, ()> {
        Box::pin(self.write(move |connection, _| {
            let call = &call.as_bytes()[..];
            connection.execute("DELETE FROM leases WHERE call_id = ?1 AND kind = 'token'", [call])?;
            connection.execute("UPDATE leases SET lapses = 0 WHERE call_id = ?1", [call])?;
            Ok(())
        }))
    }

    fn abandon_others(&self, holder: Holder) -> Answer<'_, ()> {
        Box::pin(self.write(move |connection, _| {
            connection.execute("UPDATE leases SET lapses = 0 WHERE holder <> ?1", [&holder.as_bytes()[..]])?;
            Ok(())
        }))
    }

    fn claim(&self, by: Holder, now: Timestamp, again: Timestamp, most: u32) -> Answer<'_, Vec<Lease>> {
        Box::pin(self.write(move |connection, _| {
            let claim = format!(
                "UPDATE leases SET lapses = ?1, holder = ?2 WHERE id IN \
                 (SELECT id FROM leases WHERE lapses <= ?3 ORDER BY lapses LIMIT ?4) RETURNING {COLUMNS}"
            );
            let (again, now) = (again.micros().cast_signed(), now.micros().cast_signed());
            let mut statement = connection.prepare_cached(&claim)?;
            let rows = statement.query_map(params![again, &by.as_bytes()[..], now, most], read)?;
            rows.map(|row| row?).collect()
        }))
    }

    fn strike(&self, id: LeaseId) -> Answer<'_, ()> {
        Box::pin(self.write(move |connection, _| {
            connection.execute("DELETE FROM leases WHERE id = ?1", [&id.as_bytes()[..]])?;
            Ok(())
        }))
    }
}

fn running(connection: &Connection, call: RequestId, now: Timestamp) -> Result<Option<Lease>, StateError> {
    let query = format!("SELECT {COLUMNS} FROM leases WHERE call_id = ?1 AND kind = 'token' AND lapses > ?2");
    let values = params![&call.as_bytes()[..], now.micros().cast_signed()];
    connection.prepare_cached(&query)?.query_row(values, read).optional()?.transpose()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Result<Lease, StateError>> {
    let (id, call, holder): ([u8; 16], [u8; 16], [u8; 16]) = (row.get(0)?, row.get(1)?, row.get(3)?);
    let (lapses, until): (i64, i64) = (row.get(4)?, row.get(5)?);
    let document: String = row.get(6)?;
    Ok(read_document(&document).map(|(datasets, workload, lent)| Lease {
        id: LeaseId::from_bytes(id),
        call: RequestId::from_bytes(call),
        holder: Holder::new(holder),
        lapses: Timestamp::from_micros(lapses.cast_unsigned()),
        until: Timestamp::from_micros(until.cast_unsigned()),
        datasets,
        workload,
        lent,
    }))
}
