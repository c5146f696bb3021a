//! Who can: by role, which operations on which models and datasets, and what would still stand in the way.

use gatewright_model::{
    DatasetName, Identity, IssuerName, Kind, ModelName, Operation, RoleName, RuleRef, Timestamp, Verdict,
};

use crate::action::Action;
use crate::ask::{About, Side};
use crate::index::Effect;
use crate::text::{Member, is_about_dataset};
use crate::{Case, Catalogue, Question};

/// One way to something: a role, or whoever calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The role; `None` for a permit of everybody.
    pub role: Option<RoleName>,
    /// Whose role it is, in words: `group analysts of demo`.
    pub members: Vec<String>,
    /// The operation.
    pub operation: Operation,
    /// The model or dataset.
    pub resource: String,
    /// Allowed, or held for a person.
    pub verdict: Verdict,
    /// The rules that say so.
    pub rules: Vec<RuleRef>,
    /// Whether it holds for a plain call, or only where a condition does.
    pub certainty: Certainty,
    /// The rules that would still refuse or hold some of these calls, by what they say or what stands in their texts.
    pub unless: Vec<RuleRef>,
}

/// How sure a way is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// A call that states nothing goes this way.
    Plain,
    /// Only a call for which the condition of a rule holds.
    Conditional,
}

/// What a role or caller may be asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing<'a> {
    /// A model.
    Model(&'a str),
    /// A dataset.
    Dataset(&'a str),
}

impl Catalogue {
    /// Every role that reaches this thing, with the operations, in the order of the catalogue. A call that states nothing
    /// is asked about; what else a rule's condition may permit, refuse or hold is told beside it.
    pub fn who_can(&self, thing: Thing<'_>, operation: Option<Operation>, now: Timestamp) -> Vec<Reach> {
        let mut ways = Vec::new();
        let everybody = self.ways(None, thing, operation, now);
        for role in &self.text.roles {
            for way in self.ways(Some(&role.name), thing, operation, now) {
                // What everybody may, is told once.
                if !everybody.iter().any(|open| open.operation == way.operation && open.verdict == way.verdict) {
                    let is_open =
                        |member: &&Member| member.window.and(role.window).until.is_none_or(|until| now < until);
                    let members = role.members.iter().filter(is_open).map(Member::in_words).collect();
                    ways.push(Reach { members, ..way });
                }
            }
        }
        everybody.into_iter().chain(ways).collect()
    }

    /// Every model and dataset that this caller reaches, with the operations.
    pub fn reach_of(&self, identity: &Identity, now: Timestamp) -> Vec<Reach> {
        let mut reached = Vec::new();
        for thing in self.things() {
            for operation in operations(thing, None) {
                let case = Case::new(identity.clone(), operation, now);
                reached.extend(self.way(case, thing, None));
            }
        }
        reached
    }

    /// Every model, then every dataset.
    pub fn things(&self) -> impl Iterator<Item = Thing<'_>> {
        let models = self.models.iter().map(|listed| Thing::Model(listed.facts.name.as_str()));
        models.chain(self.datasets.iter().map(|name| Thing::Dataset(name.as_str())))
    }

    fn ways(&self, role: Option<&RoleName>, thing: Thing<'_>, only: Option<Operation>, now: Timestamp) -> Vec<Reach> {
        let ways = operations(thing, only).filter_map(|operation| {
            let mut case = Case::new(somebody(), operation, now);
            case.roles = Some(role.into_iter().cloned().collect());
            self.way(case, thing, role.cloned())
        });
        ways.collect()
    }

    fn way(&self, mut case: Case, thing: Thing<'_>, role: Option<RoleName>) -> Option<Reach> {
        let resource = match thing {
            Thing::Model(name) => {
                case.terms.model = Some(ModelName::from(name));
                name
            }
            Thing::Dataset(name) => {
                case.terms.datasets = vec![DatasetName::from(name)];
                name
            }
        };
        let decision = self.answer(&case);
        let (possible, unless) = self.with(&case, |question| self.undecided(question, resource));
        let (certainty, verdict, rules) = match decision.verdict {
            Verdict::Allow | Verdict::Hold => (Certainty::Plain, decision.verdict, decision.rules),
            Verdict::Deny if possible.is_empty() => return None,
            Verdict::Deny => (Certainty::Conditional, Verdict::Allow, possible),
        };
        let (members, operation, resource) = (Vec::new(), case.terms.operation, resource.to_owned());
        Some(Reach { role, members, operation, resource, verdict, rules, certainty, unless })
    }

    /// The permits that a plain call misses and another might not, and the forbids that it escapes and another might not;
    /// no permits where a forbid speaks to every call.
    fn undecided(&self, question: &Question<'_>, name: &str) -> (Vec<RuleRef>, Vec<RuleRef>) {
        let roles = self.own(question.roles, question.identity, question.now);
        let numbers = roles.numbers(question.now);
        let of_dataset = is_about_dataset(question.terms.operation);
        let resources = &self.compiled.resources;
        let Some(resource) = (if of_dataset { resources.dataset(name) } else { resources.model(name) }) else {
            return (Vec::new(), Vec::new());
        };
        let model = (!of_dataset).then_some(resource);
        let asking = self.asking(About::Call(question, model), &roles.0.principal, &numbers);
        let action = Action::Operation(question.terms.operation);
        let side = Side::with(&[]);
        let references = |numbers: Vec<u32>| {
            let rules = numbers.into_iter().filter_map(|number| self.compiled.rule(number));
            let mut references: Vec<RuleRef> = rules.map(|rule| rule.reference.clone()).collect();
            references.sort();
            references.dedup();
            references
        };
        let fired = asking.forbids(action, resource, &side).fired;
        let outright = |number: &u32| self.compiled.rule(*number).is_some_and(|rule| rule.is_unconditional());
        let missed = match fired.iter().any(outright) {
            true => Vec::new(),
            false => asking.permits(action, resource, &side).missed,
        };
        let in_time = |number: &u32| self.compiled.rule(*number).is_some_and(|rule| rule.counts_at(question.now));
        let missed = missed.into_iter().filter(in_time).collect();
        let escaped = asking.candidates(action, Effect::Forbid, resource);
        let escaped = escaped.filter(|number| !fired.contains(number)).filter(in_time).collect();
        (references(missed), references(escaped))
    }
}

fn operations(thing: Thing<'_>, only: Option<Operation>) -> impl Iterator<Item = Operation> {
    let of_dataset = matches!(thing, Thing::Dataset(_));
    let fits = move |operation: &Operation| is_about_dataset(*operation) == of_dataset;
    Operation::ALL.iter().copied().filter(fits).filter(move |operation| only.is_none_or(|only| only == *operation))
}

/// A caller who is nobody in particular.
pub(crate) fn somebody() -> Identity {
    Identity {
        issuer: IssuerName::from("-"),
        subject: "somebody".into(),
        kind: Kind::Person,
        groups: [].into(),
        claims: [].into(),
        expires: Timestamp::from_seconds(u64::from(u32::MAX)),
    }
}

impl Member {
    /// Who it is, for people.
    pub(crate) fn in_words(&self) -> String {
        let mut tests: Vec<String> = Vec::new();
        tests.extend(self.group.iter().map(|group| format!("group {group}")));
        tests.extend(self.subject.iter().map(|subject| format!("subject {subject}")));
        tests.extend(self.claims.iter().map(|(pointer, value)| format!("claim {pointer} = {value}")));
        if tests.is_empty() {
            tests.push("everyone".to_owned());
        }
        let kind = self.kind.map(|kind| format!(", {}s only", kind.name())).unwrap_or_default();
        let until = self.window.until.map(|until| format!(", until {until}")).unwrap_or_default();
        let from = self.window.from.map(|from| format!(", from {from}")).unwrap_or_default();
        format!("{} of {}{kind}{from}{until}", tests.join(" and "), self.issuer.value)
    }
}
