//! Conditions that need no evaluator: the few forms that the catalogue's own ranges, windows and holds are made of.
//!
//! INVARIANT: a test says what Cedar says of the expression it was recognised from, and no such expression can err: the
//! schema has every attribute that they read, and the one that may be absent is asked for first. The differential test
//! holds each against Cedar's authorizer.

use gatewright_model::{Parameter, Quantity, RuleName, Timestamp};

use crate::Question;
use crate::action::Action;
use crate::ask::About;

/// One conjunct of a rule's condition, decided by comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    /// `context.now >= MILLISECONDS`.
    From(i64),
    /// `context.now < MILLISECONDS`.
    Until(i64),
    /// `!context.approvals.contains("RULE")`.
    Unlifted(RuleName),
    /// `if context.parameters has NAME then …bounds… else …`.
    Stated(Stated),
}

/// What is asked of one parameter, in millionths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stated {
    pub(crate) parameter: Parameter,
    /// `at_least >=`
    pub(crate) lower: Option<i64>,
    /// `at_most <=`
    pub(crate) upper: Option<i64>,
    /// The actions of which it must not be omitted.
    pub(crate) needed_by: Actions,
}

/// A set of actions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Actions(u64);

impl Actions {
    pub(crate) fn add(&mut self, action: Action) {
        debug_assert!(action.index() < 64, "one bit for each action");
        self.0 |= 1 << action.index();
    }

    fn has(self, action: Action) -> bool {
        self.0 & (1 << action.index()) != 0
    }
}

impl Test {
    /// Whether it is no window, or one that is open.
    pub(crate) fn counts_at(&self, now: Timestamp) -> bool {
        let now = i64::try_from(now.millis()).unwrap_or(i64::MAX);
        match self {
            Self::From(from) => now >= *from,
            Self::Until(until) => now < *until,
            Self::Unlifted(_) | Self::Stated(_) => true,
        }
    }

    /// Whether it holds; `effective` is the value of a parameter on this side of the question. `None` where the question has
    /// no such facts, which validation rules out.
    pub(crate) fn holds(
        &self,
        about: About<'_>,
        action: Action,
        effective: impl Fn(&Question<'_>, Parameter) -> Option<Quantity>,
    ) -> Option<bool> {
        let now = match about {
            About::Call(question, _) => question.now,
            About::Visit(_, now) => now,
        };
        let now = i64::try_from(now.millis()).unwrap_or(i64::MAX);
        match (self, about) {
            (Self::From(from), _) => Some(now >= *from),
            (Self::Until(until), _) => Some(now < *until),
            (Self::Unlifted(rule), About::Call(question, _)) => Some(!question.approvals.contains(rule)),
            (Self::Stated(stated), About::Call(question, _)) => {
                Some(stated.holds(action, effective(question, stated.parameter)))
            }
            (Self::Unlifted(_) | Self::Stated(_), About::Visit(..)) => None,
        }
    }
}

impl Stated {
    fn holds(&self, action: Action, value: Option<Quantity>) -> bool {
        match value {
            Some(value) => {
                self.lower.is_none_or(|lower| value.floor_e6() >= lower)
                    && self.upper.is_none_or(|upper| value.ceil_e6() <= upper)
            }
            None => !self.needed_by.has(action),
        }
    }
}
