//! Who can: by role, which operations on which models and datasets, and what would still stand in the way.

use gatewright_model::{
    DatasetName, Identity, IssuerName, Kind, ModelName, Operation, RoleName, RuleRef, Timestamp, Verdict,
};

use crate::text::{Member, is_about_dataset};
use crate::{Case, Catalogue};

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
    /// is asked about; content rules and what a Cedar policy asks of the caller are not foreseen.
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
        (decision.verdict != Verdict::Deny).then(|| Reach {
            role,
            members: Vec::new(),
            operation: case.terms.operation,
            resource: resource.to_owned(),
            verdict: decision.verdict,
            rules: decision.rules,
        })
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
