//! What calls use up within a window of time, and how much of it is left.
//!
//! A call reserves what it may come to need before it is sent, and settles for what it did need when it is over. So two
//! calls at once cannot both have the last of a budget, and one that is cut off is not free.

mod memory;

pub use memory::Memory;

use std::sync::Arc;

pub use gatewright_model::{Amounts, Measure};

use gatewright_model::Timestamp;

/// What may be used up; `None` does not bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ceilings {
    /// Requests.
    pub requests: Option<u64>,
    /// Tokens.
    pub tokens: Option<u64>,
    /// Cost, in millionths.
    pub cost_micros: Option<u64>,
    /// Bytes of answers.
    pub answer_bytes: Option<u64>,
}

/// An account within its present window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its key: all calls that share the budget share it.
    pub key: Arc<str>,
    /// What it may hold in this window.
    pub ceilings: Ceilings,
    /// When the window ends, and the account begins anew.
    pub until: Timestamp,
}

impl Ceilings {
    /// The bound of this, where there is one.
    pub const fn of(&self, measure: Measure) -> Option<u64> {
        match measure {
            Measure::Requests => self.requests,
            Measure::Tokens => self.tokens,
            Measure::Cost => self.cost_micros,
            Measure::AnswerBytes => self.answer_bytes,
        }
    }
}

/// An account that has too little left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted {
    /// Which of the accounts that were asked for.
    pub account: usize,
    /// What of.
    pub measure: Measure,
    /// How much there is left.
    pub left: u64,
}

/// Whether a reservation was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reserved {
    /// In every account; this is what each held before, what was reserved included.
    Held(Vec<Amounts>),
    /// In none, since one has too little left.
    Exhausted(Exhausted),
    /// In none, since there is no room to count for so many accounts.
    Full,
}

/// Where what was used up is counted.
pub trait Quotas: Send + Sync {
    /// Reserves in every account, or in none.
    fn reserve(&self, accounts: &[Account], amounts: &Amounts, now: Timestamp) -> Reserved;

    /// Puts what was used in the place of what was reserved. An account whose window has ended meanwhile is left alone.
    fn settle(&self, accounts: &[Account], reserved: &Amounts, used: &Amounts);
}
