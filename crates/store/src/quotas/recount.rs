//! Counting anew what the log says: charges of intents, and what outcomes say in their place.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use gatewright_ledger::LeafKind;
use gatewright_model::{Amounts, ChargedTo, Event, RequestId, Timestamp};

use super::{AHEAD_OF_RECORD, Counted};
use crate::sessions::Gist;

/// What is reserved for a call that has no outcome yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Charge {
    pub(crate) to: Vec<ChargedTo>,
    pub(crate) reserved: Amounts,
}

/// What a record says that budgets count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reckoned {
    /// What is reserved, by an intent. In a box, since most calls are in no budget.
    charge: Option<Box<Charge>>,
    /// What was used in its place, by an outcome, and how long the answer is on record.
    spent: Option<Amounts>,
    answer: u64,
}

impl Reckoned {
    /// Takes in an event of the record.
    pub(crate) fn hear(&mut self, event: &Event) {
        match event {
            Event::Charged { to, reserved } => {
                self.charge = Some(Box::new(Charge { to: to.clone(), reserved: *reserved }));
            }
            Event::Spent { used } => self.spent = Some(*used),
            Event::Closed { answer, .. } => self.answer = answer.length,
            _ => {}
        }
    }
}

/// What was counted before.
pub(crate) trait Base {
    type Error;

    fn account(&self, key: &str) -> Result<Option<Counted>, Self::Error>;
    /// The calls for which something is reserved: few, since a call that is over is none.
    fn charged(&self) -> Result<HashSet<RequestId>, Self::Error>;
    fn charge(&self, request: RequestId) -> Result<Option<Charge>, Self::Error>;
}

/// What records change of the counts, until it is written down.
#[derive(Default)]
pub(crate) struct Recount {
    pub(crate) accounts: HashMap<Arc<str>, Counted>,
    pub(crate) open: HashMap<RequestId, Charge>,
    /// Charges of the base that have their outcome.
    pub(crate) settled: HashSet<RequestId>,
    /// The calls that the base has a charge of, once that was asked: most calls have none, and to look for one each time
    /// would cost more than the rest of what the index does for a call.
    charged: Option<HashSet<RequestId>>,
    /// The latest moment that was heard of: windows that ended before it are over.
    pub(crate) latest: Timestamp,
}

impl Recount {
    /// Hears a record.
    pub(crate) fn hear<B: Base>(&mut self, base: &B, gist: &Gist) -> Result<(), B::Error> {
        let Some(request) = gist.request else { return Ok(()) };
        self.latest = gist.last.max(self.latest);
        match (gist.kind, &gist.reckoned.charge) {
            (LeafKind::Intent, Some(charge)) => self.charge(base, request, Charge::clone(charge)),
            (LeafKind::Outcome, _) => self.settle(base, request, &gist.reckoned),
            (LeafKind::Intent, None) | (LeafKind::Note, _) => Ok(()),
        }
    }

    fn charge<B: Base>(&mut self, base: &B, request: RequestId, charge: Charge) -> Result<(), B::Error> {
        for to in &charge.to {
            let counted = self.account(base, to)?;
            if counted.until < to.until {
                *counted = Counted { amounts: Amounts::NOTHING, until: to.until, key: Arc::clone(&counted.key) };
            }
            counted.amounts = counted.amounts.plus(&charge.reserved);
        }
        self.open.insert(request, charge);
        Ok(())
    }

    fn settle<B: Base>(&mut self, base: &B, request: RequestId, outcome: &Reckoned) -> Result<(), B::Error> {
        let charge = match self.open.remove(&request) {
            Some(charge) => charge,
            None => match self.charge_of(base, request)? {
                Some(charge) => charge,
                None => return Ok(()),
            },
        };
        let used = used(&charge, outcome);
        for to in &charge.to {
            let counted = self.account(base, to)?;
            if counted.until == to.until {
                counted.amounts = counted.amounts.minus(&charge.reserved).plus(&used);
            }
        }
        Ok(())
    }

    /// What the base has reserved for a call, the first time that it is asked for.
    fn charge_of<B: Base>(&mut self, base: &B, request: RequestId) -> Result<Option<Charge>, B::Error> {
        let charged = match &mut self.charged {
            Some(charged) => charged,
            unasked => unasked.insert(base.charged()?),
        };
        if !charged.remove(&request) {
            return Ok(None);
        }
        self.settled.insert(request);
        base.charge(request)
    }

    fn account<B: Base>(&mut self, base: &B, to: &ChargedTo) -> Result<&mut Counted, B::Error> {
        match self.accounts.entry(Arc::clone(&to.account)) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(free) => {
                let empty = || Counted { key: Arc::clone(&to.account), until: to.until, amounts: Amounts::NOTHING };
                Ok(free.insert(base.account(&to.account)?.unwrap_or_else(empty)))
            }
        }
    }
}

/// What a call used up, by its outcome. One that does not say so was cut off: it counts as all that was reserved, and its
/// answer as long as its record and as much as may have been given beyond that.
fn used(charge: &Charge, outcome: &Reckoned) -> Amounts {
    outcome.spent.unwrap_or_else(|| {
        let given = outcome.answer.saturating_add(AHEAD_OF_RECORD);
        Amounts { answer_bytes: charge.reserved.answer_bytes.max(given), ..charge.reserved }
    })
}
