//! Rules by role, action and resource, so that a question touches only those that could speak to it.
//!
//! INVARIANT: for every question, the rules that a bucket yields are those whose scope Cedar would find true, together
//! with the lifted conditions that were proven true by the lookup. Whatever is not lifted is evaluated by Cedar.

use std::sync::Arc;

use cedar_policy::Expression;
use gatewright_model::{RuleName, RuleRef, Timestamp};

use crate::limits::Limits;
use crate::ranges::Range;
use crate::roles::Window;
use crate::test::Test;

/// A policy, taken apart.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) reference: RuleRef,
    /// The role that a Cedar file or a rule gives it to; a role's own rules are known by where they stand.
    pub(crate) role: Option<u32>,
    pub(crate) origin: Origin,
    /// For a forbid that a person may lift: the approval's name.
    pub(crate) approval: Option<String>,
    /// A lifted condition on what was found in the call's texts.
    pub(crate) trigger: Option<Trigger>,
    /// What is decided by comparison, before Cedar is asked.
    pub(crate) tests: Arc<[Test]>,
    /// What Cedar has to evaluate; `None` is true. Shared by all rules that say the same.
    pub(crate) condition: Option<Arc<Expression>>,
}

impl Rule {
    /// Whether nothing but its place decides whether it speaks.
    pub(crate) fn is_unconditional(&self) -> bool {
        self.trigger.is_none() && self.tests.is_empty() && self.condition.is_none()
    }

    /// Whether its time is now, as far as tests say.
    pub(crate) fn counts_at(&self, now: Timestamp) -> bool {
        self.tests.iter().all(|test| test.counts_at(now))
    }
}

/// What a rule was written as.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    /// A grant of a role, with its ranges and the time in which it counts.
    Grant(Arc<[Range]>, Window),
    /// A grant on datasets, with what it lets out.
    Dataset(Arc<Limits>),
    /// A rule of the catalogue that looks at texts.
    Content,
    /// Anything else.
    Plain,
}

/// A condition that costs no evaluation: it names what the question lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// `context.matched.contains("NAME")`.
    Matched(RuleName),
    /// `context.found.contains(InfoType::"NAME")`, by the landscape's index.
    Found(u16),
}

/// Where the index finds a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seat {
    /// These resources.
    Resources(Vec<u32>),
    /// All members of this group.
    Group(u32),
    /// Every resource of the action.
    Any,
}

#[derive(Debug, Default)]
struct Seats {
    by_resource: Vec<(u32, u32)>,
    by_group: Vec<(u32, u32)>,
    any: Vec<u32>,
}

impl Seats {
    fn rules(&self) -> impl Iterator<Item = u32> + '_ {
        let seated = self.by_resource.iter().chain(&self.by_group).map(|(_, rule)| *rule);
        seated.chain(self.any.iter().copied())
    }
}

#[derive(Debug, Default)]
struct Slot {
    permits: Seats,
    forbids: Seats,
}

/// Which half of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Permit,
    Forbid,
}

/// The rules of one role, or of everybody, by action. Numbers are places in the list that the rules stand in.
#[derive(Debug, Default)]
pub(crate) struct Bucket(Vec<(usize, Slot)>);

impl Bucket {
    /// Seats a rule under an action.
    pub(crate) fn seat(&mut self, action: usize, effect: Effect, seat: &Seat, rule: u32) {
        let at = match self.0.binary_search_by_key(&action, |(action, _)| *action) {
            Ok(at) => at,
            Err(at) => {
                self.0.insert(at, (action, Slot::default()));
                at
            }
        };
        let slot = &mut self.0[at].1;
        let seats = match effect {
            Effect::Permit => &mut slot.permits,
            Effect::Forbid => &mut slot.forbids,
        };
        match seat {
            Seat::Resources(resources) => seats.by_resource.extend(resources.iter().map(|resource| (*resource, rule))),
            Seat::Group(group) => seats.by_group.push((*group, rule)),
            Seat::Any => seats.any.push(rule),
        }
    }

    /// Makes lookups possible, once all rules are seated.
    pub(crate) fn sort(&mut self) {
        for (_, slot) in &mut self.0 {
            for seats in [&mut slot.permits, &mut slot.forbids] {
                seats.by_resource.sort_unstable();
                seats.by_resource.dedup();
                seats.by_group.sort_unstable();
            }
        }
    }

    fn slot(&self, action: usize) -> Option<&Slot> {
        self.0.binary_search_by_key(&action, |(action, _)| *action).ok().map(|at| &self.0[at].1)
    }

    fn seats(&self, action: usize, effect: Effect) -> Option<&Seats> {
        self.slot(action).map(|slot| match effect {
            Effect::Permit => &slot.permits,
            Effect::Forbid => &slot.forbids,
        })
    }

    /// The rules of this effect whose scope fits this action and resource.
    pub(crate) fn candidates<'a>(
        &'a self,
        action: usize,
        effect: Effect,
        resource: u32,
        groups: &'a [u32],
    ) -> impl Iterator<Item = u32> + 'a {
        let seats = self.seats(action, effect);
        seats.into_iter().flat_map(move |seats| {
            let named = of(&seats.by_resource, resource);
            let grouped = groups.iter().flat_map(|group| of(&seats.by_group, *group));
            named.chain(grouped).chain(seats.any.iter().copied())
        })
    }

    /// Whether any rule stands under this action.
    pub(crate) fn rules_of(&self, action: usize) -> impl Iterator<Item = u32> + '_ {
        self.slot(action).into_iter().flat_map(|slot| [&slot.permits, &slot.forbids]).flat_map(Seats::rules)
    }
}

/// A bucket whose rules are numbered among all rules of a catalogue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shelf<'a> {
    /// The number of the bucket's rule 0.
    pub(crate) base: u32,
    pub(crate) bucket: &'a Bucket,
    pub(crate) rules: &'a [Rule],
}

impl<'a> Shelf<'a> {
    /// The rule of this number.
    pub(crate) fn rule(self, number: u32) -> Option<&'a Rule> {
        self.rules.get(usize::try_from(number.checked_sub(self.base)?).ok()?)
    }

    /// The rules of this effect whose scope fits this action and resource.
    pub(crate) fn candidates(
        self,
        action: usize,
        effect: Effect,
        resource: u32,
        groups: &'a [u32],
    ) -> impl Iterator<Item = u32> + 'a {
        self.bucket.candidates(action, effect, resource, groups).map(move |rule| self.base + rule)
    }

    /// The rules of this effect under this action that stand beside a resource, and those that stand for every resource.
    pub(crate) fn seated(self, action: usize, effect: Effect) -> (&'a [(u32, u32)], &'a [u32]) {
        let seats = self.bucket.seats(action, effect);
        seats.map_or((&[], &[]), |seats| (&seats.by_resource, &seats.any))
    }

    /// The forbids that stand under this action, whatever they are about.
    pub(crate) fn forbidden(self, action: usize) -> impl Iterator<Item = u32> + 'a {
        self.bucket.seats(action, Effect::Forbid).into_iter().flat_map(Seats::rules).map(move |rule| self.base + rule)
    }

    /// Whether a permit stands under this action.
    pub(crate) fn permits(self, action: usize) -> bool {
        self.bucket.seats(action, Effect::Permit).is_some_and(|seats| seats.rules().next().is_some())
    }

    /// Whether any of its rules is a forbid.
    pub(crate) fn forbids(self) -> bool {
        let forbids = self.bucket.0.iter().map(|(_, slot)| &slot.forbids);
        forbids
            .into_iter()
            .any(|seats| !(seats.by_resource.is_empty() && seats.by_group.is_empty() && seats.any.is_empty()))
    }

    /// All rules that stand under this action.
    pub(crate) fn rules_of(self, action: usize) -> impl Iterator<Item = u32> + 'a {
        self.bucket.rules_of(action).map(move |rule| self.base + rule)
    }
}

/// The rules that stand beside this key in a sorted list.
fn of(sorted: &[(u32, u32)], key: u32) -> impl Iterator<Item = u32> + '_ {
    let start = sorted.partition_point(|(at, _)| *at < key);
    sorted[start..].iter().take_while(move |(at, _)| *at == key).map(|(_, rule)| *rule)
}
