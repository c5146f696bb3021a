//! What calls use up within a window of time, and how much of it is left.
//!
//! A call reserves what it may come to need before it is sent, draws more where it turns out to need it, and settles for
//! what it did need when it is over. So two calls at once cannot both have the last of a budget, and one that is cut off
//! is not free.
//!
//! The counts live in memory and survive the process all the same: each call's charge is part of its record, which is on
//! disk before anything is disclosed, so a start counts anew what the log says.

mod memory;
mod recount;

pub use memory::Memory;
pub(crate) use recount::{Base, Charge, Reckoned, Recount};

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

pub use gatewright_model::{Amounts, Measure};

use gatewright_model::Timestamp;

/// So many bytes of an answer may be ahead of what is on record of it. An answer that was cut off by a crash counts as so
/// much longer than its record, so that no byte that was given is forgotten.
pub const AHEAD_OF_RECORD: u64 = 64 << 10;

/// What an account holds in a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Its key.
    pub key: Arc<str>,
    /// When the window ends.
    pub until: Timestamp,
    /// What was used up, or is reserved.
    pub amounts: Amounts,
}

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

/// A reservation under way: there at once where the counts are in memory, later where somebody else is asked.
pub enum Reserving<'q> {
    /// It is there; `None` once it was taken.
    Now(Option<Reserved>),
    /// It is being asked for.
    Later(Pin<Box<dyn Future<Output = Reserved> + Send + 'q>>),
}

impl Future for Reserving<'_> {
    type Output = Reserved;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Reserved> {
        match &mut *self {
            // INVARIANT: whoever polls a future after its end asks for nothing that could be had.
            Self::Now(reserved) => Poll::Ready(reserved.take().unwrap_or(Reserved::Full)),
            Self::Later(asking) => asking.as_mut().poll(context),
        }
    }
}

/// Where what was used up is counted.
pub trait Quotas: Send + Sync {
    /// Reserves in every account, or in none.
    fn reserve<'q>(&'q self, accounts: &'q [Account], amounts: &'q Amounts, now: Timestamp) -> Reserving<'q>;

    /// Takes more for a call that is under way, in every account or in none. An account whose window has ended since is
    /// left alone.
    ///
    /// # Errors
    /// The account that has too little left.
    fn draw(&self, accounts: &[Account], more: &Amounts) -> Result<(), Exhausted>;

    /// Puts what was used in the place of what was reserved and drawn. An account whose window has ended since is left
    /// alone.
    fn settle(&self, accounts: &[Account], reserved: &Amounts, used: &Amounts);
}
