//! A landscape, callers and questions for the tests of this crate's boundary.
#![allow(dead_code, unreachable_pub, reason = "each test file uses some of it")]

use std::sync::Arc;

use gatewright_model::{
    ConnectionName, DatasetName, Delivery, Identity, InfoType, IssuerName, Kind, ModelName, Operation, Parameter,
    Parameters, Quantity, RuleName, Terms, Timestamp, Trust,
};
use gatewright_policy::{Catalogue, DatasetFacts, Decision, Fault, Landscape, ModelFacts, Question, Source, parse};

pub const NOW: Timestamp = Timestamp::from_seconds(1_795_307_400);

/// The landscape of `tests/golden/gatewright.yaml`, with the info types of some detectors.
pub fn golden_landscape() -> Landscape {
    Landscape {
        issuers: ["corp", "ci"].map(IssuerName::from).to_vec(),
        connections: vec![
            (ConnectionName::from("lab"), Trust::Internal),
            (ConnectionName::from("vectors"), Trust::Internal),
        ],
        models: vec![model("sales-forecast", "lab", &["finance"])],
        datasets: vec![DatasetFacts {
            name: DatasetName::from("public-docs"),
            connection: ConnectionName::from("vectors"),
            tags: vec!["public".to_owned()],
        }],
        info_types: info_types(&["EMAIL_ADDRESS", "CREDIT_CARD", "US_SSN", "PROJECT_CODE"]),
    }
}

/// A larger landscape under the issuer `demo`.
pub fn landscape() -> Landscape {
    let dataset = |name: &str, tags: &[&str]| DatasetFacts {
        name: DatasetName::from(name),
        connection: ConnectionName::from("inside"),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
    };
    Landscape {
        issuers: ["demo", "ci"].map(IssuerName::from).to_vec(),
        connections: vec![
            (ConnectionName::from("inside"), Trust::Internal),
            (ConnectionName::from("outside"), Trust::External),
        ],
        models: vec![
            model("sales-forecast", "inside", &["finance"]),
            model("support-chat", "inside", &["support"]),
            model("text-embed", "inside", &[]),
            model("frontier-large", "outside", &["finance", "frontier"]),
        ],
        datasets: vec![dataset("tickets", &["support"]), dataset("payroll", &["finance"])],
        info_types: info_types(&["EMAIL_ADDRESS", "CREDIT_CARD", "US_SSN"]),
    }
}

fn info_types(names: &[&str]) -> Vec<InfoType> {
    names.iter().filter_map(|name| InfoType::new(name)).collect()
}

pub fn model(name: &str, connection: &str, tags: &[&str]) -> ModelFacts {
    ModelFacts {
        name: ModelName::from(name),
        connection: ConnectionName::from(connection),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
    }
}

pub fn source(name: &str, text: &str) -> Source {
    Source { name: name.to_owned(), text: text.to_owned() }
}

pub fn compile_all(sources: &[Source], landscape: &Landscape) -> Result<Catalogue, Vec<Fault>> {
    Catalogue::compile(parse(sources)?, landscape)
}

/// Compiles one YAML text in [`landscape`]; its faults as one text.
pub fn compile(text: &str) -> Result<Catalogue, String> {
    compile_all(&[source("catalogue.yaml", text)], &landscape()).map_err(|faults| lines(&faults))
}

pub fn lines(faults: &[Fault]) -> String {
    faults.iter().map(|fault| format!("{fault}\n")).collect()
}

/// Somebody of the issuer `demo` in these groups.
pub fn person(subject: &str, groups: &[&str]) -> Identity {
    identity("demo", subject, groups, &[])
}

pub fn identity(issuer: &str, subject: &str, groups: &[&str], claims: &[(&str, &str)]) -> Identity {
    let mut claims: Vec<(Arc<str>, Arc<str>)> =
        claims.iter().map(|(pointer, value)| ((*pointer).into(), (*value).into())).collect();
    claims.sort();
    Identity {
        issuer: IssuerName::from(issuer),
        subject: subject.into(),
        kind: Kind::Person,
        groups: groups.iter().map(|group| Arc::from(*group)).collect(),
        claims: claims.into(),
        expires: NOW.plus(std::time::Duration::from_secs(3_600)),
    }
}

/// A call, to be asked about.
#[derive(Clone)]
pub struct Ask {
    pub terms: Terms,
    pub matched: Vec<RuleName>,
    pub found: Vec<u16>,
    pub approvals: Vec<RuleName>,
    pub now: Timestamp,
    pub trust: Option<Trust>,
}

pub fn ask(operation: Operation, model: &str) -> Ask {
    let terms = Terms {
        operation,
        model: (!model.is_empty()).then(|| ModelName::from(model)),
        datasets: Vec::new(),
        parameters: Parameters::new(),
        delivery: Delivery::Whole,
    };
    Ask { terms, matched: Vec::new(), found: Vec::new(), approvals: Vec::new(), now: NOW, trust: None }
}

impl Ask {
    pub fn stating(mut self, parameter: Parameter, value: &str) -> Self {
        self.terms.parameters.set(parameter, Quantity::parse(value).expect("a number"));
        self
    }

    pub fn reaching(mut self, dataset: &str) -> Self {
        self.terms.datasets.push(DatasetName::from(dataset));
        self
    }

    pub fn matching(mut self, rule: &str) -> Self {
        self.matched.push(RuleName::from(rule));
        self
    }

    pub fn approved(mut self, rule: &str) -> Self {
        self.approvals.push(RuleName::from(rule));
        self
    }

    pub fn at(mut self, now: Timestamp) -> Self {
        self.now = now;
        self
    }

    pub fn to(mut self, trust: Trust) -> Self {
        self.trust = Some(trust);
        self
    }

    /// Asks in [`landscape`].
    pub fn by(&self, identity: &Identity, catalogue: &Catalogue) -> Decision {
        self.by_in(identity, catalogue, &landscape())
    }

    pub fn by_in(&self, identity: &Identity, catalogue: &Catalogue, landscape: &Landscape) -> Decision {
        let named = self.terms.model.as_ref();
        let facts = named.and_then(|name| landscape.models.iter().find(|model| model.name == *name));
        let connection = facts.map(|facts| &facts.connection);
        let trust = landscape.connections.iter().find(|(name, _)| Some(name) == connection).map(|(_, trust)| *trust);
        catalogue.decide(&Question {
            identity,
            roles: &catalogue.roles_of(identity, self.now),
            now: self.now,
            terms: &self.terms,
            model: facts,
            trust: self.trust.or(trust).unwrap_or(Trust::External),
            matched: &self.matched,
            found: &self.found,
            approvals: &self.approvals,
        })
    }
}

/// A decision in one line: verdict, code, rule names, settings.
pub fn line(decision: &Decision) -> String {
    let mut line = decision.verdict.name().to_owned();
    if let Some(refusal) = &decision.refusal {
        line.push_str(&format!(" {}", refusal.code));
        if let Some(param) = &refusal.param {
            line.push_str(&format!(" about {param}"));
        }
    }
    let rules: Vec<&str> = decision.rules.iter().map(|rule| rule.name.as_str()).collect();
    line.push_str(&format!(" by {}", rules.join("+")));
    for setting in &decision.settings {
        line.push_str(&format!(", {} {:?} {}", setting.parameter.name(), setting.why, setting.value));
    }
    line
}
