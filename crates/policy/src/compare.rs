//! What a new catalogue permits or refuses that an old one did not, found by asking both.
//!
//! Asked about are callers with one role each, and callers with none; every operation on every model and dataset; and for
//! each parameter that either catalogue bounds for that role, the values at and just beyond its bounds. Callers with several
//! roles follow from these, but for a role's own prohibitions, which beat another role's grants.

use std::collections::BTreeSet;

use gatewright_model::{
    DatasetName, InfoType, ModelName, Operation, Parameter, Quantity, RoleName, Timestamp, Treatment,
};

use crate::reach::somebody;
use crate::text::is_about_dataset;
use crate::{ADMIN_PERMISSIONS, Case, Catalogue, Decision, Thing};

/// Something that the two catalogues answer differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The caller's one role; `None` for a caller without any.
    pub role: Option<RoleName>,
    /// What it is about: `chat on the model sales-forecast`.
    pub about: String,
    /// What the old one says.
    pub old: Answered,
    /// What the new one says.
    pub new: Answered,
    /// A call for which they differ; `None` where it is about no call.
    pub example: Option<Case>,
}

/// A catalogue's answer, short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The word: allow, hold, deny, or what happens to a value.
    pub word: String,
    /// What a permitted call is sent with, and bound by.
    pub terms: String,
    /// The rules, with file and line.
    pub rules: Vec<gatewright_model::RuleRef>,
}

/// How a difference counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// The new catalogue permits more.
    Permitted,
    /// The new catalogue permits less.
    Refused,
    /// It permits the same on other terms.
    Terms,
}

impl Difference {
    /// How it counts: a value shown counts as permitted, a held call as less than an allowed one.
    pub fn change(&self) -> Change {
        let openness = |word: &str| match word {
            "allow" | "keep" => 3,
            "alert" => 2,
            "hold" => 1,
            _ => 0,
        };
        match openness(&self.new.word).cmp(&openness(&self.old.word)) {
            std::cmp::Ordering::Greater => Change::Permitted,
            std::cmp::Ordering::Less => Change::Refused,
            std::cmp::Ordering::Equal => Change::Terms,
        }
    }
}

impl Catalogue {
    /// Everything that `new` answers otherwise than this catalogue, one difference for each role, operation and thing.
    pub fn compare(&self, new: &Self, now: Timestamp) -> Vec<Difference> {
        let names: BTreeSet<&RoleName> = self.role_names.iter().chain(&new.role_names).collect();
        let roles = std::iter::once(None).chain(names.into_iter().map(Some));
        let things: BTreeSet<(bool, String)> = self.things().chain(new.things()).map(key).collect();
        let types: BTreeSet<&InfoType> = self.info_types.iter().chain(&new.info_types).collect();
        let mut found = Vec::new();
        for role in roles {
            found.extend(members(self, new, role));
            for (of_dataset, name) in &things {
                for operation in Operation::ALL.iter().filter(|operation| is_about_dataset(**operation) == *of_dataset)
                {
                    found.extend(operation_on(self, new, (role, now), *operation, name));
                }
            }
            found.extend(admin(self, new, role, now));
            found.extend(types.iter().flat_map(|info_type| exposure(self, new, (role, now), info_type)));
        }
        found
    }

    /// The values that a role's ranges turn on, for an operation.
    fn boundaries(&self, role: Option<&RoleName>) -> BTreeSet<(Parameter, Quantity)> {
        let Some(role) = role else { return BTreeSet::new() };
        let grants = self.text.roles.iter().filter(|known| known.name == *role).flat_map(|role| &role.grants);
        let mut values = BTreeSet::new();
        for range in grants.flat_map(|grant| &grant.ranges) {
            for bound in [range.min, range.max].into_iter().flatten() {
                let step = if crate::ranges::traits(range.parameter).whole { 1_000_000 } else { 1 };
                let near = [bound.floor_e6() - step, bound.floor_e6(), bound.floor_e6() + step];
                let near = near.into_iter().filter_map(|value| Quantity::from_neighbours(value, value));
                values.extend(near.map(|value| (range.parameter, value)));
            }
        }
        values
    }
}

fn key(thing: Thing<'_>) -> (bool, String) {
    match thing {
        Thing::Model(name) => (false, name.to_owned()),
        Thing::Dataset(name) => (true, name.to_owned()),
    }
}

/// The first call that both judge differently; a differing verdict before differing terms.
fn operation_on(
    old: &Catalogue,
    new: &Catalogue,
    (role, now): (Option<&RoleName>, Timestamp),
    operation: Operation,
    name: &str,
) -> Option<Difference> {
    let mut case = Case::new(somebody(), operation, now);
    case.roles = Some(role.into_iter().cloned().collect());
    let kind = match is_about_dataset(operation) {
        true => {
            case.terms.datasets = vec![DatasetName::from(name)];
            "dataset"
        }
        false => {
            case.terms.model = Some(ModelName::from(name));
            "model"
        }
    };
    let mut cases = vec![case.clone()];
    for (parameter, value) in old.boundaries(role).union(&new.boundaries(role)) {
        let mut stated = case.clone();
        stated.terms.parameters.set(*parameter, *value);
        cases.push(stated);
    }
    let mut by_terms = None;
    for case in cases {
        let (before, after) = (answered(&old.answer(&case)), answered(&new.answer(&case)));
        let is_verdict = before.word != after.word;
        if !is_verdict && before.terms == after.terms {
            continue;
        }
        let about = format!("{operation} on the {kind} {name}");
        let difference = Difference { role: role.cloned(), about, old: before, new: after, example: Some(case) };
        if is_verdict {
            return Some(difference);
        }
        by_terms = by_terms.or(Some(difference));
    }
    by_terms
}

/// A decision in short: the verdict, and what a permitted call is bound by.
fn answered(decision: &Decision) -> Answered {
    let mut terms: Vec<String> =
        decision.settings.iter().map(|set| format!("{} = {}", set.parameter.name(), set.value)).collect();
    for dataset in &decision.datasets {
        let bound = |name: &str, value: Option<u32>| value.map(|value| format!("{name} {value}"));
        terms.extend(bound("top_k", dataset.top_k));
        terms.extend(bound("rows", dataset.rows));
        terms.extend(bound("calls_per_hour", dataset.calls_per_hour));
        terms.push(format!("vectors {:?}", dataset.vectors).to_lowercase());
        terms.extend(dataset.filter.iter().map(|clause| format!("{} in {:?}", clause.field, clause.values)));
    }
    for charge in &decision.budgets {
        let budget = &charge.budget;
        let limits = [
            ("requests", budget.requests),
            ("tokens", budget.tokens),
            ("cost in millionths", budget.cost_micros),
            ("answer bytes", budget.answer_bytes),
        ];
        let limits = limits.into_iter().filter_map(|(name, limit)| Some(format!("{} {name}", limit?)));
        let limits: Vec<String> = limits.collect();
        terms.push(format!("at most {} per {:?}", limits.join(", "), budget.window).to_lowercase());
    }
    Answered { word: decision.verdict.name().to_owned(), terms: terms.join(", "), rules: decision.rules.clone() }
}

fn word(word: &str, terms: String) -> Answered {
    Answered { word: word.to_owned(), terms, rules: Vec::new() }
}

/// Who has the role: for people, since who is in a group is not known here.
fn members(old: &Catalogue, new: &Catalogue, role: Option<&RoleName>) -> Option<Difference> {
    let role = role?;
    let of = |catalogue: &Catalogue| {
        let known = catalogue.text.roles.iter().find(|known| known.name == *role);
        let words = known.map(|role| role.members.iter().map(crate::text::Member::in_words).collect::<Vec<_>>());
        words.map_or_else(|| "no such role".to_owned(), |words| words.join("; "))
    };
    let (before, after) = (of(old), of(new));
    (before != after).then(|| Difference {
        role: Some(role.clone()),
        about: "who has the role".to_owned(),
        old: word("members", before),
        new: word("members", after),
        example: None,
    })
}

fn admin(old: &Catalogue, new: &Catalogue, role: Option<&RoleName>, now: Timestamp) -> Vec<Difference> {
    let names: Vec<RoleName> = role.into_iter().cloned().collect();
    let differences = ADMIN_PERMISSIONS.iter().filter_map(|permission| {
        let of = |catalogue: &Catalogue| {
            let somebody = somebody();
            let roles = catalogue.roles_named(&somebody, &names);
            let permission = catalogue.permits_admin(&somebody, &roles, now, permission);
            Answered { word: permission.verdict.name().to_owned(), terms: String::new(), rules: permission.rules }
        };
        let (before, after) = (of(old), of(new));
        (before.word != after.word).then(|| Difference {
            role: role.cloned(),
            about: format!("the admin permission {permission}"),
            old: before,
            new: after,
            example: None,
        })
    });
    differences.collect()
}

/// What happens to an info type, on the way in and out, on the first model of each trust.
fn exposure(
    old: &Catalogue,
    new: &Catalogue,
    (role, now): (Option<&RoleName>, Timestamp),
    info_type: &InfoType,
) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for listed in &new.models {
        if !seen.insert(listed.trust.name()) {
            continue;
        }
        let mut case = Case::new(somebody(), Operation::Chat, now);
        case.roles = Some(role.into_iter().cloned().collect());
        case.terms.model = Some(listed.facts.name.clone());
        let of = |catalogue: &Catalogue, side: fn(&Decision) -> &[Treatment]| {
            let at = catalogue.info_types.iter().position(|known| known == info_type)?;
            side(&catalogue.answer(&case)).get(at).map(|treatment| treatment.name())
        };
        for (way, side) in [
            ("sent to", (|decision| &decision.request) as fn(&Decision) -> &[Treatment]),
            ("returned from", |decision| &decision.reply),
        ] {
            let (before, after) = (of(old, side), of(new, side));
            if before != after {
                let trust = listed.trust.name();
                found.push(Difference {
                    role: role.cloned(),
                    about: format!("{info_type} {way} an {trust} model"),
                    old: word(before.unwrap_or("unknown"), String::new()),
                    new: word(after.unwrap_or("unknown"), String::new()),
                    example: None,
                });
            }
        }
    }
    found
}
