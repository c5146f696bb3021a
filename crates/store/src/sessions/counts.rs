//! What the accounts of budgets hold, kept beside the index of sessions: both are folds of the same log.

use std::collections::HashSet;
use std::sync::Arc;

use gatewright_model::{Amounts, ChargedTo, RequestId, Timestamp};
use rusqlite::{OptionalExtension, Row, params};

use super::SessionsError;
use super::index::{Index, number, signed};
use crate::quotas::{Base, Charge, Counted, Recount};

impl Base for Index {
    type Error = SessionsError;

    fn account(&self, key: &str) -> Result<Option<Counted>, SessionsError> {
        let text = "SELECT account, until, requests, tokens, cost_micros, answer_bytes FROM accounts WHERE account = ?";
        Ok(self.connection.prepare_cached(text)?.query_row([key], counted).optional()?)
    }

    fn charged(&self) -> Result<HashSet<RequestId>, SessionsError> {
        let mut statement = self.connection.prepare_cached("SELECT request FROM charges")?;
        let rows = statement.query_map([], |row| Ok(RequestId::from_bytes(row.get(0)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn charge(&self, request: RequestId) -> Result<Option<Charge>, SessionsError> {
        let text = "SELECT account, until, requests, tokens, cost_micros, answer_bytes FROM charges \
                    WHERE request = ? ORDER BY place";
        let mut statement = self.connection.prepare_cached(text)?;
        let rows: Vec<Counted> = statement.query_map([request.as_bytes()], counted)?.collect::<Result<_, _>>()?;
        let Some(reserved) = rows.first().map(|row| row.amounts) else { return Ok(None) };
        let to = rows.into_iter().map(|row| ChargedTo { account: row.key, until: row.until }).collect();
        Ok(Some(Charge { to, reserved }))
    }
}

impl Index {
    /// Writes down what records changed of the counts, and forgets windows that are over.
    pub(super) fn write_counts(&self, recount: &Recount) -> Result<(), SessionsError> {
        let text = "INSERT OR REPLACE INTO accounts VALUES (?, ?, ?, ?, ?, ?)";
        for Counted { key, until, amounts } in recount.accounts.values() {
            self.connection.prepare_cached(text)?.execute(params![
                key,
                signed(until.micros()),
                signed(amounts.requests),
                signed(amounts.tokens),
                signed(amounts.cost_micros),
                signed(amounts.answer_bytes),
            ])?;
        }
        for request in &recount.settled {
            let text = "DELETE FROM charges WHERE request = ?";
            self.connection.prepare_cached(text)?.execute([request.as_bytes()])?;
        }
        for (request, charge) in &recount.open {
            self.write_charge(*request, charge)?;
        }
        if !recount.accounts.is_empty() {
            let text = "DELETE FROM accounts WHERE until <= ?";
            self.connection.prepare_cached(text)?.execute([signed(recount.latest.micros())])?;
        }
        Ok(())
    }

    fn write_charge(&self, request: RequestId, charge: &Charge) -> Result<(), SessionsError> {
        let text = "INSERT OR REPLACE INTO charges VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
        for (place, to) in (0_i64..).zip(&charge.to) {
            self.connection.prepare_cached(text)?.execute(params![
                request.as_bytes(),
                place,
                to.account,
                signed(to.until.micros()),
                signed(charge.reserved.requests),
                signed(charge.reserved.tokens),
                signed(charge.reserved.cost_micros),
                signed(charge.reserved.answer_bytes),
            ])?;
        }
        Ok(())
    }

    /// What every account holds.
    pub(super) fn counted(&self) -> Result<Vec<Counted>, SessionsError> {
        let text = "SELECT account, until, requests, tokens, cost_micros, answer_bytes FROM accounts";
        let mut statement = self.connection.prepare(text)?;
        let rows = statement.query_map([], counted)?.collect::<Result<_, _>>()?;
        Ok(rows)
    }
}

fn counted(row: &Row<'_>) -> rusqlite::Result<Counted> {
    Ok(Counted {
        key: Arc::from(row.get::<_, String>(0)?),
        until: Timestamp::from_micros(number(row, 1)?),
        amounts: Amounts {
            requests: number(row, 2)?,
            tokens: number(row, 3)?,
            cost_micros: number(row, 4)?,
            answer_bytes: number(row, 5)?,
        },
    })
}
