use gatewright_model::{
    DatasetName, Delivery, Identity, InfoType, IssuerName, Kind, ModelName, Operation, Parameter, Quantity, RoleName,
    RuleName, Timestamp,
};
use gatewright_policy::Case;

use super::moment;
use crate::commands::{Outcome, complain};

/// A caller and a call, as a command line describes them.
#[derive(Clone, Debug, Default)]
pub struct Described {
    /// The caller's issuer.
    pub issuer: Option<String>,
    /// The issuer's key for the caller.
    pub subject: Option<String>,
    /// The caller's groups.
    pub groups: Vec<String>,
    /// Claims, as `/pointer=value`.
    pub claims: Vec<String>,
    /// Roles, in place of those that follow from the caller.
    pub roles: Vec<String>,
    /// The operation.
    pub operation: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// Datasets.
    pub datasets: Vec<String>,
    /// Parameters, as `name=value`.
    pub parameters: Vec<String>,
    /// Content rules that are taken to have matched.
    pub matched: Vec<String>,
    /// Info types that are taken to have been found.
    pub found: Vec<String>,
    /// Rules whose holds are lifted.
    pub approved: Vec<String>,
    /// When.
    pub at: Option<String>,
    /// Whether the answer is streamed.
    pub delivery: Option<Delivery>,
}

impl Described {
    /// The caller.
    pub(super) fn identity(&self) -> Result<Identity, Outcome> {
        let mut claims = Vec::new();
        for claim in &self.claims {
            let (pointer, value) = pair(claim, "--claim /pointer=value")?;
            claims.push((pointer.into(), value.into()));
        }
        claims.sort();
        Ok(Identity {
            issuer: IssuerName::new(self.issuer.as_deref().unwrap_or("-")),
            subject: self.subject.as_deref().unwrap_or("somebody").into(),
            kind: Kind::Person,
            groups: self.groups.iter().map(|group| group.as_str().into()).collect(),
            claims: claims.into(),
            expires: Timestamp::from_seconds(u64::from(u32::MAX)),
        })
    }

    /// The question.
    pub(super) fn case(&self) -> Result<Case, Outcome> {
        let usage = |words: String| complain(Outcome::Usage, &words);
        let written = self.operation.as_deref().ok_or_else(|| usage("--operation is missing".to_owned()))?;
        let operation = operation(written)?;
        let mut case = Case::new(self.identity()?, operation, moment(self.at.as_deref())?);
        if !self.roles.is_empty() {
            case.roles = Some(self.roles.iter().map(|role| RoleName::new(role.as_str())).collect());
        }
        case.terms.model = self.model.as_deref().map(ModelName::from);
        case.terms.datasets = self.datasets.iter().map(|name| DatasetName::new(name.as_str())).collect();
        case.terms.delivery = self.delivery.unwrap_or(Delivery::Whole);
        for written in &self.parameters {
            let (name, value) = pair(written, "--parameter name=value")?;
            let known = Parameter::from_name(name).zip(Quantity::parse(value));
            let (parameter, value) = known.ok_or_else(|| usage(format!("no parameter and number: {written}")))?;
            case.terms.parameters.set(parameter, value);
        }
        case.matched = self.matched.iter().map(|rule| RuleName::new(rule.as_str())).collect();
        case.approvals = self.approved.iter().map(|rule| RuleName::new(rule.as_str())).collect();
        for name in &self.found {
            case.found.push(InfoType::new(name).ok_or_else(|| usage(format!("no info type: {name}")))?);
        }
        Ok(case)
    }
}

/// The operation of this name.
pub(super) fn operation(name: &str) -> Result<Operation, Outcome> {
    Operation::from_name(name).ok_or_else(|| {
        let known: Vec<&str> = Operation::ALL.iter().map(|known| known.name()).collect();
        complain(Outcome::Usage, &format!("unknown operation {name:?}; known: {}", known.join(", ")))
    })
}

fn pair<'a>(written: &'a str, expected: &str) -> Result<(&'a str, &'a str), Outcome> {
    written.split_once('=').ok_or_else(|| complain(Outcome::Usage, &format!("expected {expected}, got {written:?}")))
}
