use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use gatewright_model::Timestamp;

use super::{Account, Amounts, Exhausted, Measure, Quotas, Reserved};

/// More accounts in use than this, and no further one is opened: some hundred megabytes.
const MOST_ACCOUNTS: usize = 1_000_000;

/// Counts in memory: it forgets with the process, and knows nothing of other replicas.
#[derive(Default)]
pub struct Memory(Mutex<Counted>);

#[derive(Default)]
struct Counted {
    accounts: HashMap<Arc<str>, Held>,
    /// How many accounts there may be before those whose windows have ended are looked for.
    sweep_at: usize,
}

struct Held {
    amounts: Amounts,
    until: Timestamp,
}

impl Counted {
    /// Makes room for more accounts. Nothing is done most of the time, so that it costs a call nothing.
    fn sweep(&mut self, now: Timestamp) {
        if self.accounts.len() < self.sweep_at.max(1024) {
            return;
        }
        self.accounts.retain(|_, held| now < held.until);
        self.sweep_at = self.accounts.len().saturating_mul(2);
    }

    fn held(&self, account: &Account) -> Amounts {
        match self.accounts.get(&account.key) {
            Some(held) if held.until == account.until => held.amounts,
            Some(_) | None => Amounts::default(),
        }
    }
}

/// The first thing that does not fit.
fn beyond(account: &Account, held: &Amounts, more: &Amounts) -> Option<(Measure, u64)> {
    Measure::ALL.into_iter().find_map(|measure| {
        let most = account.ceilings.of(measure)?;
        let left = most.saturating_sub(held.of(measure));
        // What is asked for may be nothing that is known yet; of what is used up, nothing can be had all the same.
        (left < more.of(measure).max(1)).then_some((measure, left))
    })
}

impl Quotas for Memory {
    fn reserve(&self, accounts: &[Account], amounts: &Amounts, now: Timestamp) -> Reserved {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counted.sweep(now);
        for (at, account) in accounts.iter().enumerate() {
            if let Some((measure, left)) = beyond(account, &counted.held(account), amounts) {
                return Reserved::Exhausted(Exhausted { account: at, measure, left });
            }
        }
        if counted.accounts.len().saturating_add(accounts.len()) > MOST_ACCOUNTS {
            return Reserved::Full;
        }
        let mut held = Vec::with_capacity(accounts.len());
        for account in accounts {
            let amounts = counted.held(account).plus(amounts);
            counted.accounts.insert(Arc::clone(&account.key), Held { amounts, until: account.until });
            held.push(amounts);
        }
        Reserved::Held(held)
    }

    fn settle(&self, accounts: &[Account], reserved: &Amounts, used: &Amounts) {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for account in accounts {
            if let Some(held) = counted.accounts.get_mut(&account.key).filter(|held| held.until == account.until) {
                held.amounts = held.amounts.minus(reserved).plus(used);
            }
        }
    }
}
