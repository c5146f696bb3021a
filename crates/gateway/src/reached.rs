//! What a request reaches besides a model.

use std::sync::Arc;

use gatewright_identity::Verified;
use gatewright_json::Value;
use gatewright_model::{Code, DatasetName, Delivery, Operation, Parameters, Refusal, Terms, Timestamp, Verdict};
use gatewright_policy::{Question, Roles};
use gatewright_protocols::{DatasetKey, Protocol, Route, Shown};

use crate::datasets::Dataset;
use crate::{Caller, Gateway, World};

/// The most datasets that a question about all of them is asked for; policy judges no more in one call.
const MOST: usize = 64;

/// The datasets that a request reaches.
#[derive(Default)]
pub(crate) struct Reached {
    /// What is asked of policy: names of datasets, or what the caller wrote in place of one.
    pub(crate) named: Vec<DatasetName>,
    /// The dataset whose connection serves the request, where there is such a dataset.
    pub(crate) dataset: Option<DatasetName>,
    /// What an answer may show.
    pub(crate) shown: Vec<Shown>,
    /// Those of the named ones that the model server reaches by a token.
    pub(crate) by_token: Vec<DatasetName>,
}

/// The words for a token of a call that is shown for anything but reading data.
pub(crate) fn only_data() -> Refusal {
    Refusal::new(Code::PermissionDenied, "A token of a call opens datasets, for reading, and nothing else.")
}

/// Where a request came in.
pub(crate) struct Entrance<'a> {
    pub(crate) protocol: &'static dyn Protocol,
    pub(crate) route: &'static Route,
    /// The connection that its path insists on.
    pub(crate) insisted: Option<&'a str>,
}

impl Gateway {
    /// Finds out which datasets a request reaches: the one that it names, or, where it is about all of them, those that
    /// the caller may read.
    pub(crate) fn reached(
        &self,
        world: &Arc<World>,
        caller: &Caller,
        entrance: &Entrance<'_>,
        (ids, body): (&[&str], &Value),
        now: Timestamp,
    ) -> Result<Reached, Refusal> {
        let fits = |dataset: &Dataset| {
            let connection = &dataset.connection;
            connection.protocol.name() == entrance.protocol.name()
                && entrance.insisted.is_none_or(|insisted| insisted == connection.name.as_str())
        };
        let warrant = caller.warrant();
        if warrant.is_some() && entrance.route.operation != Operation::ReadDataset {
            return Err(only_data());
        }
        let lent = |name: &DatasetName| warrant.is_none_or(|warrant| warrant.datasets.contains(name));
        let Some(key) = entrance.protocol.dataset(entrance.route, ids, body)? else {
            let readable = |name: &DatasetName, dataset: &Dataset| fits(dataset) && lent(name);
            return self.all_readable(world, caller.verified(), entrance, readable, now);
        };
        let (written, found) = match key {
            DatasetKey::Name(name) => (name, world.datasets.named(name)),
            DatasetKey::Id(id) => (id, world.datasets.by_id(id, |name| self.collections.id_of(name))),
        };
        if found.is_some_and(|(name, _)| !lent(name)) {
            return Err(Refusal::new(Code::PermissionDenied, "This token was not lent for this dataset."));
        }
        Ok(match found.filter(|(_, dataset)| fits(dataset)) {
            Some((name, dataset)) => Reached {
                named: vec![name.clone()],
                dataset: Some(name.clone()),
                shown: vec![self.shown(name, dataset)],
                ..Reached::default()
            },
            // Policy knows no dataset of this name, and says what it says of a forbidden one.
            None => Reached { named: vec![DatasetName::new(written)], ..Reached::default() },
        })
    }

    fn all_readable(
        &self,
        world: &World,
        caller: &Verified,
        entrance: &Entrance<'_>,
        fits: impl Fn(&DatasetName, &Dataset) -> bool,
        now: Timestamp,
    ) -> Result<Reached, Refusal> {
        let roles = world.roles.known(world, caller, now).roles;
        let mut readable = world.datasets.sorted();
        readable.retain(|(name, dataset)| fits(name, dataset) && may_read(world, caller, &roles, name, dataset, now));
        let here = entrance.protocol.is_answered_here(entrance.route);
        let Some((first, dataset)) = readable.first().copied() else { return Ok(Reached::default()) };
        if !here {
            // One server is asked, for what lies in one place of it.
            let beside = |other: &Dataset| {
                let folder = |place: &str| place.rsplit_once('/').map(|(folder, _)| folder.to_owned());
                other.connection.name == dataset.connection.name && folder(&other.place) == folder(&dataset.place)
            };
            if entrance.insisted.is_none()
                && readable.iter().any(|(_, other)| other.connection.name != dataset.connection.name)
            {
                let message =
                    "Several connections have datasets for you; say which one: /c/CONNECTION before the path.";
                return Err(Refusal::new(Code::AmbiguousRequest, message));
            }
            readable.retain(|(_, other)| beside(other));
        }
        readable.truncate(MOST);
        Ok(Reached {
            named: readable.iter().map(|(name, _)| (*name).clone()).collect(),
            dataset: Some(first.clone()),
            shown: readable.iter().map(|(name, dataset)| self.shown(name, dataset)).collect(),
            ..Reached::default()
        })
    }

    fn shown(&self, name: &DatasetName, dataset: &Dataset) -> Shown {
        let there = dataset.place.rsplit('/').next().unwrap_or_default();
        Shown { there: there.to_owned(), name: name.as_str().to_owned(), id: self.collections.id_of(name) }
    }
}

/// Whether a list may show a dataset: whether a call that reads it would be allowed.
fn may_read(
    world: &World,
    caller: &Verified,
    roles: &Roles,
    name: &DatasetName,
    dataset: &Dataset,
    now: Timestamp,
) -> bool {
    let terms = Terms {
        operation: Operation::ReadDataset,
        model: None,
        datasets: vec![name.clone()],
        parameters: Parameters::new(),
        delivery: Delivery::Whole,
    };
    let decision = world.policy.decide(&Question {
        identity: &caller.identity,
        roles,
        now,
        terms: &terms,
        model: None,
        trust: dataset.connection.trust,
        matched: &[],
        found: &[],
        approvals: &[],
    });
    decision.verdict == Verdict::Allow
}
