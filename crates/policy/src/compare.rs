//! What a new catalogue permits or refuses that an old one did not, found by asking both.
//!
//! Asked about are callers with no role, with each role, and with each two of which one is forbidden something, since a
//! forbid takes away what another role gives; every operation on every model and dataset; for each parameter that either
//! catalogue bounds for those roles, the values at and just beyond its bounds; and for each rule over texts that changed, a
//! call in which it finds something. What is not tried is said by [`Catalogue::unforeseen`].

use std::collections::BTreeSet;

use gatewright_model::{
    DatasetName, InfoType, ModelName, Operation, Parameter, Quantity, RoleName, Timestamp, Treatment, Verdict,
};

use crate::reach::somebody;
use crate::text::is_about_dataset;
use crate::{ADMIN_PERMISSIONS, Case, Catalogue, Decision, Thing, Values};

/// Something that the two catalogues answer differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The caller's roles: none, one, or two that differ only together.
    pub roles: Vec<RoleName>,
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
    /// How what `other` decides of a call differs from what this catalogue decided; `None`: in nothing that the caller or
    /// the model server would notice. Texts of refusals are no difference.
    pub fn weigh(&self, decided: &Decision, other: &Self, by_other: &Decision, values: Values) -> Option<Change> {
        let (old, new) = (answered(decided), answered(by_other));
        if old.word != new.word {
            let (about, roles, example) = (String::new(), Vec::new(), None);
            return Some(Difference { roles, about, old, new, example }.change());
        }
        if decided.verdict == Verdict::Deny {
            return None;
        }
        let same_values = match values {
            Values::Altered => true,
            Values::AsDecided => {
                let sides = [
                    (&decided.request, &by_other.request),
                    (&decided.reply, &by_other.reply),
                    (&decided.tools, &by_other.tools),
                ];
                sides.into_iter().all(|(one, another)| self.treats_alike(one, other, another))
            }
        };
        let same = old.terms == new.terms
            && same_values
            && decided.answer_rules == by_other.answer_rules
            && (&decided.answer_alerts, &decided.prompt_alerts) == (&by_other.answer_alerts, &by_other.prompt_alerts);
        (!same).then_some(Change::Terms)
    }

    /// Whether each info type of this catalogue has the same treatment under another, which may number them otherwise.
    fn treats_alike(&self, own: &[Treatment], other: &Self, others: &[Treatment]) -> bool {
        if self.info_types == other.info_types {
            return own == others;
        }
        self.info_types.iter().zip(own).all(|(info_type, treatment)| {
            let at = other.info_types.iter().position(|known| known == info_type);
            at.and_then(|at| others.get(at)) == Some(treatment)
        })
    }
}

/// How many pairs of roles are asked about.
const MOST_PAIRS: usize = 2_000;

impl Catalogue {
    /// Everything that `new` answers otherwise than this catalogue, one difference for each caller, operation and thing.
    pub fn compare(&self, new: &Self, now: Timestamp) -> Vec<Difference> {
        let names: BTreeSet<&RoleName> = self.role_names.iter().chain(&new.role_names).collect();
        let callers = std::iter::once(Vec::new()).chain(names.into_iter().map(|name| vec![name.clone()]));
        let types: BTreeSet<&InfoType> = self.info_types.iter().chain(&new.info_types).collect();
        let mut found = Vec::new();
        for roles in callers {
            found.extend(members(self, new, &roles));
            found.extend(self.operations(new, &roles, now));
            found.extend(admin(self, new, &roles, now));
            found.extend(types.iter().flat_map(|info_type| exposure(self, new, (&roles, now), info_type)));
        }
        let mut together = Vec::new();
        for pair in self.pairs(new).0 {
            for difference in self.operations(new, &pair, now) {
                // What shows with one of the two alone was told of that one.
                let is_told = |known: &Difference| {
                    known.about == difference.about
                        && known.change() == difference.change()
                        && known.roles.iter().all(|role| pair.contains(role))
                };
                if !found.iter().any(is_told) {
                    together.push(difference);
                }
            }
        }
        found.extend(together);
        found
    }

    /// What [`compare`](Self::compare) does not try, in words.
    pub fn unforeseen(&self, new: &Self) -> Vec<String> {
        let mut words = Vec::new();
        let left = self.pairs(new).1;
        if left > 0 {
            words.push(format!("{left} pairs of roles of which one is forbidden something"));
        }
        words.push("callers with three roles and more, where two of them do not differ".to_owned());
        for rule in new.untried_content_rules(self).filter(|rule| self.looks_at_prompts(rule)) {
            words.push(format!("which texts the rule {rule} finds, now that it looks for something else"));
        }
        let conditional: BTreeSet<_> = self.conditional_rules().chain(new.conditional_rules()).collect();
        for rule in conditional.iter().take(20) {
            let place = format!("{}:{}", rule.file, rule.line);
            words.push(format!("what the condition of {} ({place}) asks beyond kind and delivery", rule.name));
        }
        let more = conditional.len().saturating_sub(20);
        if more > 0 {
            words.push(format!("{more} more such conditions"));
        }
        words
    }

    /// Pairs of roles of which one is forbidden something by either catalogue, and how many were left out.
    fn pairs(&self, new: &Self) -> (Vec<Vec<RoleName>>, usize) {
        let forbidden: BTreeSet<&RoleName> = self.forbidding_roles().chain(new.forbidding_roles()).collect();
        let names: BTreeSet<&RoleName> = self.role_names.iter().chain(&new.role_names).collect();
        let pairs: BTreeSet<BTreeSet<&RoleName>> = forbidden
            .iter()
            .flat_map(|one| names.iter().filter(move |other| *other != one).map(move |other| [*one, *other].into()))
            .take(MOST_PAIRS * 2)
            .collect();
        let left = (forbidden.len() * names.len().saturating_sub(1)).saturating_sub(MOST_PAIRS);
        let left = if pairs.len() > MOST_PAIRS { left } else { 0 };
        let pairs = pairs.into_iter().take(MOST_PAIRS).map(|pair| pair.into_iter().cloned().collect());
        (pairs.collect(), left)
    }

    /// The differences of one caller over all operations and things.
    fn operations(&self, new: &Self, roles: &[RoleName], now: Timestamp) -> Vec<Difference> {
        let things: BTreeSet<(bool, String)> = self.things().chain(new.things()).map(key).collect();
        let mut found = Vec::new();
        for (of_dataset, name) in &things {
            for operation in Operation::ALL.iter().filter(|operation| is_about_dataset(**operation) == *of_dataset) {
                found.extend(operation_on(self, new, (roles, now), *operation, name));
            }
        }
        found
    }

    /// The values that the ranges of roles turn on, for an operation.
    fn boundaries(&self, roles: &[RoleName]) -> BTreeSet<(Parameter, Quantity)> {
        let grants = self.text.roles.iter().filter(|known| roles.contains(&known.name)).flat_map(|role| &role.grants);
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
    (roles, now): (&[RoleName], Timestamp),
    operation: Operation,
    name: &str,
) -> Option<Difference> {
    let mut case = Case::new(somebody(), operation, now);
    case.roles = Some(roles.to_vec());
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
    let mut cases = old.variants(new, &case);
    for (parameter, value) in old.boundaries(roles).union(&new.boundaries(roles)) {
        let mut stated = case.clone();
        stated.terms.parameters.set(*parameter, *value);
        cases.push(stated);
    }
    let mut by_terms = None;
    for case in cases {
        let (before, after) =
            (answered(&old.answer(&old.understood(&case))), answered(&new.answer(&new.understood(&case))));
        let is_verdict = before.word != after.word;
        if !is_verdict && before.terms == after.terms {
            continue;
        }
        let about = format!("{operation} on the {kind} {name}");
        let difference = Difference { roles: roles.to_vec(), about, old: before, new: after, example: Some(case) };
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
fn members(old: &Catalogue, new: &Catalogue, roles: &[RoleName]) -> Option<Difference> {
    let role = roles.first()?;
    let of = |catalogue: &Catalogue| {
        let known = catalogue.text.roles.iter().find(|known| known.name == *role);
        let words = known.map(|role| role.members.iter().map(crate::text::Member::in_words).collect::<Vec<_>>());
        words.map_or_else(|| "no such role".to_owned(), |words| words.join("; "))
    };
    let (before, after) = (of(old), of(new));
    (before != after).then(|| Difference {
        roles: roles.to_vec(),
        about: "who has the role".to_owned(),
        old: word("members", before),
        new: word("members", after),
        example: None,
    })
}

fn admin(old: &Catalogue, new: &Catalogue, roles: &[RoleName], now: Timestamp) -> Vec<Difference> {
    let differences = ADMIN_PERMISSIONS.iter().filter_map(|permission| {
        let of = |catalogue: &Catalogue| {
            let somebody = somebody();
            let held = catalogue.roles_named(&somebody, roles);
            let permission = catalogue.permits_admin(&somebody, &held, now, permission);
            Answered { word: permission.verdict.name().to_owned(), terms: String::new(), rules: permission.rules }
        };
        let (before, after) = (of(old), of(new));
        (before.word != after.word).then(|| Difference {
            roles: roles.to_vec(),
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
    (roles, now): (&[RoleName], Timestamp),
    info_type: &InfoType,
) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for listed in &new.models {
        if !seen.insert(listed.trust.name()) {
            continue;
        }
        let mut case = Case::new(somebody(), Operation::Chat, now);
        case.roles = Some(roles.to_vec());
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
                    roles: roles.to_vec(),
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
