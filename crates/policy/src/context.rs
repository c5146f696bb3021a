//! A question as Cedar sees it: the caller's key, and a context that holds only what some policy speaks of.

use cedar_policy::{Context, RestrictedExpression};
use gatewright_model::{Identity, Parameters, Setting, Timestamp};

use crate::Question;
use crate::cedar::uid_expression;
use crate::resources::{Resources, info_type_value};

/// The attributes of the schema's `Call`.
const NAMES: [&str; 11] = [
    "caller",
    "now",
    "minute_of_week",
    "operation",
    "model",
    "trust",
    "delivery",
    "parameters",
    "matched",
    "found",
    "approvals",
];

/// A set of context attributes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attributes(u16);

impl Attributes {
    pub(crate) const fn all() -> Self {
        Self((1 << NAMES.len()) - 1)
    }

    /// Adds an attribute; one that the schema does not know cannot be asked for, since validation refused it.
    pub(crate) fn add(&mut self, name: &str) {
        match NAMES.iter().position(|known| *known == name) {
            Some(at) => self.0 |= 1 << at,
            None => *self = Self::all(),
        }
    }

    pub(crate) fn join(&mut self, other: Self) {
        self.0 |= other.0;
    }

    pub(crate) fn has(self, name: &str) -> bool {
        NAMES.iter().position(|known| *known == name).is_some_and(|at| self.0 & (1 << at) != 0)
    }
}

/// The context of a call. `settings` are what policy sets in the request: none for what is stated, the chosen grant's for
/// what will be sent. `None` where a value cannot be expressed, which every policy that asks for it takes as an error.
pub(crate) fn call(
    question: &Question<'_>,
    settings: &[Setting],
    model: Option<u32>,
    wanted: Attributes,
    resources: &Resources,
) -> Option<Context> {
    let text = |value: &str| RestrictedExpression::new_string(value.to_owned());
    let texts = |names: &[gatewright_model::RuleName]| {
        RestrictedExpression::new_set(
            names.iter().map(|name| RestrictedExpression::new_string(name.as_str().to_owned())),
        )
    };
    let mut pairs: Vec<(String, RestrictedExpression)> = Vec::with_capacity(NAMES.len());
    let mut add = |name: &str, value: RestrictedExpression| pairs.push((name.to_owned(), value));
    if wanted.has("caller") {
        add("caller", caller(question.identity)?);
    }
    if wanted.has("now") {
        add("now", moment(question.now));
    }
    if wanted.has("minute_of_week") {
        add("minute_of_week", RestrictedExpression::new_long(minute_of_week(question.now)));
    }
    if wanted.has("operation") {
        add("operation", text(question.terms.operation.name()));
    }
    if let (true, Some(model)) = (wanted.has("model"), model) {
        add("model", uid_expression(resources.uids.get(usize::try_from(model).ok()?)?));
    }
    if wanted.has("trust") {
        add("trust", text(question.trust.name()));
    }
    if wanted.has("delivery") {
        let name = match question.terms.delivery {
            gatewright_model::Delivery::Whole => "whole",
            gatewright_model::Delivery::Stream => "stream",
        };
        add("delivery", text(name));
    }
    if wanted.has("parameters") {
        add("parameters", numbers(&question.terms.parameters, settings)?);
    }
    if wanted.has("matched") {
        add("matched", texts(question.matched));
    }
    if wanted.has("found") {
        let found: Option<Vec<_>> = question.found.iter().map(|index| info_type_value(resources, *index)).collect();
        add("found", RestrictedExpression::new_set(found?));
    }
    if wanted.has("approvals") {
        add("approvals", texts(question.approvals));
    }
    Context::from_pairs(pairs).ok()
}

/// The context of a visit to the admin API.
pub(crate) fn visit(identity: &Identity, now: Timestamp) -> Option<Context> {
    Context::from_pairs([("caller".to_owned(), caller(identity)?), ("now".to_owned(), moment(now))]).ok()
}

fn caller(identity: &Identity) -> Option<RestrictedExpression> {
    let text = |value: &str| RestrictedExpression::new_string(value.to_owned());
    RestrictedExpression::new_record([
        ("issuer".to_owned(), text(identity.issuer.as_str())),
        ("subject".to_owned(), text(&identity.subject)),
        ("kind".to_owned(), text(identity.kind.name())),
    ])
    .ok()
}

fn moment(at: Timestamp) -> RestrictedExpression {
    RestrictedExpression::new_long(i64::try_from(at.millis()).unwrap_or(i64::MAX))
}

/// Minutes since the last Monday 00:00 UTC. The first day of 1970 was a Thursday.
fn minute_of_week(at: Timestamp) -> i64 {
    let minutes = i64::try_from(at.seconds() / 60).unwrap_or(0);
    (minutes + 3 * 24 * 60) % (7 * 24 * 60)
}

fn numbers(stated: &Parameters, settings: &[Setting]) -> Option<RestrictedExpression> {
    let is_set = |parameter| settings.iter().any(|setting| setting.parameter == parameter);
    let stated = stated.iter().filter(|(parameter, _)| !is_set(*parameter));
    let effective = stated.chain(settings.iter().map(|setting| (setting.parameter, setting.value)));
    let entries: Option<Vec<(String, RestrictedExpression)>> = effective
        .map(|(parameter, value)| {
            let record = RestrictedExpression::new_record([
                ("at_least".to_owned(), RestrictedExpression::new_long(value.floor_e6())),
                ("at_most".to_owned(), RestrictedExpression::new_long(value.ceil_e6())),
            ]);
            record.ok().map(|record| (parameter.name().to_owned(), record))
        })
        .collect();
    RestrictedExpression::new_record(entries?).ok()
}
