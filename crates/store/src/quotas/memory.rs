use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use gatewright_model::Timestamp;

use super::{Account, Amounts, Counted, Exhausted, Measure, Quotas, Reserved, Reserving};
use crate::log::Log;
use crate::sessions::{SessionsError, counted};

/// More accounts in use than this, and no further one is opened: some hundred megabytes.
const MOST_ACCOUNTS: usize = 1_000_000;

/// Counts in memory. It knows nothing of other replicas.
#[derive(Default)]
pub struct Memory(Mutex<Accounts>);

#[derive(Default)]
struct Accounts {
    held: HashMap<Arc<str>, Held>,
    /// How many accounts there may be before those whose windows have ended are looked for.
    sweep_at: usize,
}

struct Held {
    amounts: Amounts,
    until: Timestamp,
}

impl Memory {
    /// The counts of the log in the data folder at this path, which nobody has written to since it was opened. Calls that a
    /// crash cut off count as if they had used all that was reserved for them.
    ///
    /// Blocks while it reads what the index has not seen of the log.
    ///
    /// # Errors
    /// Where the log cannot be read: budgets that cannot be counted must not be served.
    pub fn recount(path: &Path, log: &Log) -> Result<Self, SessionsError> {
        let records = *log.durable().borrow();
        let held = |counted: Counted| (counted.key, Held { amounts: counted.amounts, until: counted.until });
        let held = counted(path, records)?.into_iter().map(held).collect();
        Ok(Self(Mutex::new(Accounts { held, sweep_at: 0 })))
    }

    fn accounts(&self) -> std::sync::MutexGuard<'_, Accounts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_reserve(&self, accounts: &[Account], amounts: &Amounts, now: Timestamp) -> Reserved {
        let mut counted = self.accounts();
        counted.sweep(now);
        for (at, account) in accounts.iter().enumerate() {
            // What is asked for may be nothing that is known yet; of what is used up, nothing can be had all the same.
            if let Some((measure, left)) = beyond(account, &counted.held(account), amounts, 1) {
                return Reserved::Exhausted(Exhausted { account: at, measure, left });
            }
        }
        if counted.held.len().saturating_add(accounts.len()) > MOST_ACCOUNTS {
            return Reserved::Full;
        }
        Reserved::Held(accounts.iter().map(|account| counted.add(account, amounts)).collect())
    }
}

impl Accounts {
    /// Makes room for more accounts. Nothing is done most of the time, so that it costs a call nothing.
    fn sweep(&mut self, now: Timestamp) {
        if self.held.len() < self.sweep_at.max(1024) {
            return;
        }
        self.held.retain(|_, held| now < held.until);
        self.sweep_at = self.held.len().saturating_mul(2);
    }

    /// What the account holds in its window. A later window than the call's means that the call is late or the clock went
    /// back: then the later one counts, so that nobody has a window twice.
    fn held(&self, account: &Account) -> Amounts {
        match self.held.get(&account.key) {
            Some(held) if held.until >= account.until => held.amounts,
            Some(_) | None => Amounts::NOTHING,
        }
    }

    fn add(&mut self, account: &Account, amounts: &Amounts) -> Amounts {
        let held = match self.held.get_mut(&account.key) {
            Some(held) => held,
            None => self
                .held
                .entry(Arc::clone(&account.key))
                .or_insert(Held { amounts: Amounts::NOTHING, until: account.until }),
        };
        if held.until < account.until {
            *held = Held { amounts: Amounts::NOTHING, until: account.until };
        }
        held.amounts = held.amounts.plus(amounts);
        held.amounts
    }

    fn present(&mut self, account: &Account) -> Option<&mut Held> {
        self.held.get_mut(&account.key).filter(|held| held.until == account.until)
    }
}

/// The first thing of which there is less left than is asked for, or than `least`.
fn beyond(account: &Account, held: &Amounts, more: &Amounts, least: u64) -> Option<(Measure, u64)> {
    Measure::ALL.into_iter().find_map(|measure| {
        let left = account.ceilings.of(measure)?.saturating_sub(held.of(measure));
        (left < more.of(measure).max(least)).then_some((measure, left))
    })
}

impl Quotas for Memory {
    fn reserve<'q>(&'q self, accounts: &'q [Account], amounts: &'q Amounts, now: Timestamp) -> Reserving<'q> {
        Reserving::Now(Some(self.try_reserve(accounts, amounts, now)))
    }

    fn draw(&self, accounts: &[Account], more: &Amounts) -> Result<(), Exhausted> {
        let mut counted = self.accounts();
        for (at, account) in accounts.iter().enumerate() {
            if let Some(held) = counted.present(account)
                && let Some((measure, left)) = beyond(account, &held.amounts, more, 0)
            {
                return Err(Exhausted { account: at, measure, left });
            }
        }
        for account in accounts {
            if let Some(held) = counted.present(account) {
                held.amounts = held.amounts.plus(more);
            }
        }
        Ok(())
    }

    fn settle(&self, accounts: &[Account], reserved: &Amounts, used: &Amounts) {
        let mut counted = self.accounts();
        for account in accounts {
            if let Some(held) = counted.present(account) {
                held.amounts = held.amounts.minus(reserved).plus(used);
            }
        }
    }
}
