//! Counting anew what the log says: charges of intents, and what outcomes say in their place.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use gatewright_ledger::{Leaf, LeafKind};
use gatewright_model::{Amounts, ChargedTo, Event, RequestId, Timestamp};

use super::{AHEAD_OF_RECORD, Counted};

/// What is reserved for a call that has no outcome yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Charge {
    pub(crate) to: Vec<ChargedTo>,
    pub(crate) reserved: Amounts,
}

/// What was counted before.
pub(crate) trait Base {
    type Error;

    fn account(&self, key: &str) -> Result<Option<Counted>, Self::Error>;
    fn charge(&self, request: RequestId) -> Result<Option<Charge>, Self::Error>;
}

/// What records change of the counts, until it is written down.
#[derive(Default)]
pub(crate) struct Recount {
    pub(crate) accounts: HashMap<Arc<str>, Counted>,
    pub(crate) open: HashMap<RequestId, Charge>,
    /// Charges of the base that have their outcome.
    pub(crate) settled: HashSet<RequestId>,
    /// The latest moment that was heard of: windows that ended before it are over.
    pub(crate) latest: Timestamp,
}

impl Recount {
    /// Hears a record.
    pub(crate) fn hear<B: Base>(&mut self, base: &B, leaf: &Leaf) -> Result<(), B::Error> {
        let Some(request) = leaf.request else { return Ok(()) };
        self.latest = leaf.moments.last().map_or(self.latest, |moment| moment.at.max(self.latest));
        match leaf.kind {
            LeafKind::Intent => {
                let charged = leaf.moments.iter().find_map(|moment| match &moment.event {
                    Event::Charged { to, reserved } => Some(Charge { to: to.clone(), reserved: *reserved }),
                    _ => None,
                });
                match charged {
                    Some(charge) => self.charge(base, request, charge),
                    None => Ok(()),
                }
            }
            LeafKind::Outcome => self.settle(base, request, leaf),
            LeafKind::Note => Ok(()),
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

    fn settle<B: Base>(&mut self, base: &B, request: RequestId, leaf: &Leaf) -> Result<(), B::Error> {
        let charge = match self.open.remove(&request) {
            Some(charge) => charge,
            None => match base.charge(request)? {
                Some(charge) if self.settled.insert(request) => charge,
                Some(_) | None => return Ok(()),
            },
        };
        let used = used(&charge, leaf);
        for to in &charge.to {
            let counted = self.account(base, to)?;
            if counted.until == to.until {
                counted.amounts = counted.amounts.minus(&charge.reserved).plus(&used);
            }
        }
        Ok(())
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
fn used(charge: &Charge, outcome: &Leaf) -> Amounts {
    let spent = outcome.moments.iter().find_map(|moment| match &moment.event {
        Event::Spent { used } => Some(*used),
        _ => None,
    });
    spent.unwrap_or_else(|| {
        let recorded = outcome.moments.iter().find_map(|moment| match &moment.event {
            Event::Closed { answer, .. } => Some(answer.length),
            _ => None,
        });
        let given = recorded.unwrap_or(0).saturating_add(AHEAD_OF_RECORD);
        Amounts { answer_bytes: charge.reserved.answer_bytes.max(given), ..charge.reserved }
    })
}
