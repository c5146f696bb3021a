//! Budgets: how much a window of time may hold, and whose account a call is charged to. Counting is the gateway's; here
//! is only which budgets a call needs, so that the decision stays a function of its question.

use std::collections::HashSet;
use std::sync::Arc;

use gatewright_model::{Identity, RuleRef, Timestamp};

/// How long a budget lasts before it begins anew, by the calendar in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BudgetWindow {
    /// From a minute's first second.
    Minute,
    /// From an hour's first minute.
    Hour,
    /// From midnight.
    Day,
    /// From a month's first day.
    Month,
}

/// What calls may use up within one window; `None` does not bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The budget's name and place: `analyst/budget-1`, or the name of a common one.
    pub rule: RuleRef,
    /// The most requests.
    pub requests: Option<u64>,
    /// The most tokens, of requests and answers.
    pub tokens: Option<u64>,
    /// The highest cost, in millionths of the currency that the configuration's prices are in.
    pub cost_micros: Option<u64>,
    /// The most bytes of answers.
    pub answer_bytes: Option<u64>,
    /// When it begins anew.
    pub window: BudgetWindow,
}

/// A budget that a call needs, and the account that it is charged to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// What the account may hold.
    pub budget: Arc<Budget>,
    /// The account: one key for all calls that share the budget. Stable across reloads that keep the budget's name.
    pub account: String,
}

/// Whose calls share an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Each {
    /// Everybody's.
    All,
    /// One person's.
    Person,
    /// One model's, whoever calls it.
    Model,
    /// One person's with one model.
    PersonAndModel,
}

/// A budget with what it is about.
#[derive(Clone, Debug)]
pub(crate) struct BudgetRule {
    pub(crate) budget: Arc<Budget>,
    pub(crate) each: Each,
    /// The models whose calls it counts; `None`: all calls.
    pub(crate) models: Option<HashSet<u32>>,
}

impl BudgetRule {
    /// The charge of a call, where the budget counts it.
    pub(crate) fn charge(&self, identity: &Identity, model: Option<u32>, name: &str) -> Option<Charge> {
        if let Some(models) = &self.models
            && !model.is_some_and(|model| models.contains(&model))
        {
            return None;
        }
        // Quoted, so that no spelling of one subject or model runs into another's account.
        let person = || format!(" person {:?} {:?}", identity.issuer.as_str(), &*identity.subject);
        let model = || format!(" model {name:?}");
        let whose = match self.each {
            Each::All => String::new(),
            Each::Person => person(),
            Each::Model => model(),
            Each::PersonAndModel => person() + &model(),
        };
        Some(Charge { budget: self.budget.clone(), account: format!("{}{whose}", self.budget.rule.name) })
    }
}

impl BudgetWindow {
    /// The word in catalogues.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// The window that holds this moment: from (included) until (excluded).
    pub fn around(self, now: Timestamp) -> (Timestamp, Timestamp) {
        const DAY: u64 = 86_400;
        let seconds = now.millis() / 1_000;
        let (from, until) = match self {
            Self::Minute => (seconds - seconds % 60, seconds - seconds % 60 + 60),
            Self::Hour => (seconds - seconds % 3_600, seconds - seconds % 3_600 + 3_600),
            Self::Day => (seconds - seconds % DAY, seconds - seconds % DAY + DAY),
            Self::Month => {
                let (first, next) = month(seconds / DAY);
                (first * DAY, next * DAY)
            }
        };
        (Timestamp::from_seconds(from), Timestamp::from_seconds(until))
    }
}

/// The first days of the month that this day since 1970 lies in, and of the next.
fn month(day: u64) -> (u64, u64) {
    let is_leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let (mut year, mut first) = (1970, 0);
    while first + 365 + u64::from(is_leap(year)) <= day {
        first += 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if day < first + length {
            return (first, first + length);
        }
        first += length;
    }
    (first, first + 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_follow_the_calendar() {
        let check = |window: BudgetWindow, expected: [&str; 2]| {
            // 2028-02-29T12:30:59Z
            let (from, until) = window.around(Timestamp::from_seconds(1_835_440_259));
            assert_eq!([from.to_string(), until.to_string()], expected, "{window:?}");
        };
        check(BudgetWindow::Minute, ["2028-02-29T12:30:00.000Z", "2028-02-29T12:31:00.000Z"]);
        check(BudgetWindow::Hour, ["2028-02-29T12:00:00.000Z", "2028-02-29T13:00:00.000Z"]);
        check(BudgetWindow::Day, ["2028-02-29T00:00:00.000Z", "2028-03-01T00:00:00.000Z"]);
        check(BudgetWindow::Month, ["2028-02-01T00:00:00.000Z", "2028-03-01T00:00:00.000Z"]);
        let (from, until) = BudgetWindow::Month.around(Timestamp::from_seconds(1_798_761_599));
        assert_eq!([from.to_string(), until.to_string()], ["2026-12-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z"]);
    }
}
