use gatewright_model::{
    Delivery, Identity, InfoType, ModelName, Parameters, RoleName, RuleName, Terms, Timestamp, Trust,
};

use crate::action::Action;
use crate::ask::{About, Side};
use crate::explain::{Asked, Explanation, Exposed, asked};
use crate::roles::{Membership, Window};
use crate::text::is_about_dataset;
use crate::{Catalogue, Decision, ModelFacts, Question, Roles};

/// A question that owns what it is about: written by a person, or read from a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Who asks.
    pub identity: Identity,
    /// Their roles by name, in place of those that the catalogue would find for them.
    pub roles: Option<Vec<RoleName>>,
    /// What the call would do.
    pub terms: Terms,
    /// The content rules whose prompt patterns are taken to have matched.
    pub matched: Vec<RuleName>,
    /// The info types that are taken to have been found. One that the catalogue does not know cannot be judged.
    pub found: Vec<InfoType>,
    /// The rules whose holds a person has lifted.
    pub approvals: Vec<RuleName>,
    /// Where the call would go, as a gateway found it; `None`: wherever the model of its terms is.
    pub resolved: Option<Resolved>,
    /// When.
    pub now: Timestamp,
}

/// Where a call would go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The model that it is judged by: not always one that it names, and not every one that it names.
    pub model: Option<ModelName>,
    /// How far the connection is trusted.
    pub trust: Trust,
}

impl Case {
    /// Nothing but a caller and an operation.
    pub fn new(identity: Identity, operation: gatewright_model::Operation, now: Timestamp) -> Self {
        let terms = Terms {
            operation,
            model: None,
            datasets: Vec::new(),
            parameters: Parameters::new(),
            delivery: Delivery::Whole,
        };
        let (matched, found, approvals) = (Vec::new(), Vec::new(), Vec::new());
        Self { identity, roles: None, terms, matched, found, approvals, resolved: None, now }
    }
}

impl Catalogue {
    /// Decides a case, on the connection of its model.
    pub fn answer(&self, case: &Case) -> Decision {
        self.with(case, |question| self.decide(question))
    }

    /// Decides a case and says every question that was asked, with the rules that spoke.
    pub fn explain(&self, case: &Case) -> Explanation {
        self.with(case, |question| {
            let decision = self.decide(question);
            let roles = self.own(question.roles, question.identity, question.now);
            let numbers = roles.numbers(question.now);
            let model = question.model.and_then(|model| self.compiled.resources.model(model.name.as_str()));
            let asking = self.asking(About::Call(question, model), &roles.0.principal, &numbers);
            let mut questions: Vec<Asked> = Vec::new();
            let operation = case.terms.operation;
            let about_dataset = is_about_dataset(operation);
            if let Some(name) = &case.terms.model {
                questions.push(asked(
                    &asking,
                    question,
                    Action::Operation(operation),
                    ("model", name.as_str(), model),
                    &decision.settings,
                ));
            }
            let action = Action::Operation(match about_dataset {
                true => operation,
                false => gatewright_model::Operation::ReadDataset,
            });
            for name in &case.terms.datasets {
                let resource = self.compiled.resources.dataset(name.as_str());
                let about = ("dataset", name.as_str(), resource);
                questions.push(asked(&asking, question, action, about, &decision.settings));
            }
            let exposures = self.exposures(&asking, &decision);
            Explanation { decision, questions, exposures }
        })
    }

    /// What happens to each info type, with the rules that let it be seen.
    fn exposures(&self, asking: &crate::ask::Asking<'_>, decision: &Decision) -> Vec<Exposed> {
        let side = Side::with(&[]);
        let rules = |action, index| {
            let resource = self.compiled.resources.info_type(index);
            let granted = resource.map(|resource| asking.permits(action, resource, &side).granted).unwrap_or_default();
            granted.iter().filter_map(|rule| Some(self.compiled.rule(*rule)?.reference.clone())).collect()
        };
        let types = (0_u32..).zip(self.info_types.iter());
        let exposed = types.filter_map(|(index, info_type)| {
            let at = usize::try_from(index).ok()?;
            Some(Exposed {
                info_type: info_type.clone(),
                request: *decision.request.get(at)?,
                reply: *decision.reply.get(at)?,
                disclosed_by: rules(Action::Disclose, index),
                revealed_by: rules(Action::Reveal, index),
            })
        });
        exposed.collect()
    }

    /// The model of this name, with the trust of its connection.
    fn placed(&self, name: &str) -> Option<(&ModelFacts, Trust)> {
        let at = *self.by_name.get(name)?;
        self.models.get(at).map(|listed| (&listed.facts, listed.trust))
    }

    pub(crate) fn with<T>(&self, case: &Case, ask: impl FnOnce(&Question<'_>) -> T) -> T {
        let roles = match &case.roles {
            Some(names) => self.roles_named(&case.identity, names),
            None => self.roles_of(&case.identity, case.now),
        };
        let (model, trust) = match &case.resolved {
            Some(Resolved { model, trust }) => (model.as_ref(), Some(*trust)),
            None => (case.terms.model.as_ref(), None),
        };
        let placed = model.and_then(|model| self.placed(model.as_str()));
        let trust = trust.or(placed.map(|(_, trust)| trust)).unwrap_or(Trust::External);
        // An index that no info type has: what is found and not known makes the decision a denial.
        let index = |found: &InfoType| self.compiled.resources.info_type_index(found.as_str()).unwrap_or(u16::MAX);
        let found: Vec<u16> = case.found.iter().map(index).collect();
        ask(&Question {
            identity: &case.identity,
            roles: &roles,
            now: case.now,
            terms: &case.terms,
            model: placed.map(|(facts, _)| facts),
            trust,
            matched: &case.matched,
            found: &found,
            approvals: &case.approvals,
        })
    }

    /// These roles, whoever the catalogue gives them to; a name that it does not know is no role.
    pub(crate) fn roles_named(&self, identity: &Identity, names: &[RoleName]) -> Roles {
        let known = (0_u32..).zip(&self.role_names).filter(|(_, name)| names.contains(name));
        let mut held: Vec<Membership> =
            known.map(|(role, name)| Membership { name: name.clone(), role, window: Window::default() }).collect();
        held.sort_by(|left, right| left.name.cmp(&right.name));
        Roles::new(self.token.clone(), identity, crate::ask::principal(identity), held)
    }
}
