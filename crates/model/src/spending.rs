use std::sync::Arc;
use std::time::Duration;

use crate::Timestamp;

/// What calls use up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Requests.
    pub requests: u64,
    /// Tokens, of requests and answers.
    pub tokens: u64,
    /// Cost, in millionths of a currency's unit.
    pub cost_micros: u64,
    /// Bytes of answers.
    pub answer_bytes: u64,
}

impl Amounts {
    /// Nothing.
    pub const NOTHING: Self = Self { requests: 0, tokens: 0, cost_micros: 0, answer_bytes: 0 };

    /// How much of this there is.
    pub const fn of(&self, measure: Measure) -> u64 {
        match measure {
            Measure::Requests => self.requests,
            Measure::Tokens => self.tokens,
            Measure::Cost => self.cost_micros,
            Measure::AnswerBytes => self.answer_bytes,
        }
    }

    /// Both together, at most what a number holds.
    #[must_use]
    pub const fn plus(&self, other: &Self) -> Self {
        Self {
            requests: self.requests.saturating_add(other.requests),
            tokens: self.tokens.saturating_add(other.tokens),
            cost_micros: self.cost_micros.saturating_add(other.cost_micros),
            answer_bytes: self.answer_bytes.saturating_add(other.answer_bytes),
        }
    }

    /// What is left of it, at least nothing.
    #[must_use]
    pub const fn minus(&self, other: &Self) -> Self {
        Self {
            requests: self.requests.saturating_sub(other.requests),
            tokens: self.tokens.saturating_sub(other.tokens),
            cost_micros: self.cost_micros.saturating_sub(other.cost_micros),
            answer_bytes: self.answer_bytes.saturating_sub(other.answer_bytes),
        }
    }
}

/// One of the things that are used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Requests.
    Requests,
    /// Tokens.
    Tokens,
    /// Cost.
    Cost,
    /// Bytes of answers.
    AnswerBytes,
}

impl Measure {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Requests, Self::Tokens, Self::Cost, Self::AnswerBytes];

    /// The name in catalogues, headers and refusals.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::Cost => "cost",
            Self::AnswerBytes => "answer_bytes",
        }
    }
}

/// An account that a call is charged to, within one window of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChargedTo {
    /// Its key: all calls that share the budget share it.
    pub account: Arc<str>,
    /// When the window ends, and the account begins anew.
    pub until: Timestamp,
}

/// How much of a budget is left for a caller, which answers and refusals tell in their headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Of what.
    pub measure: Measure,
    /// How much a window holds.
    pub most: u64,
    /// How much of it is left.
    pub left: u64,
    /// How long a window lasts.
    pub window: Duration,
    /// How long until it begins anew.
    pub resets_in: Duration,
}
