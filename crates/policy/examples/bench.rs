//! How long a decision takes, with ten roles and with thousands: `cargo run --release -p gatewright-policy --example bench`.
//!
//! Every caller has three roles. Each role has a ranged grant of ten models, an embedding grant, a tag, two info types and a
//! dataset; two rules are about everybody. Prints the time of one decision, p50 and p99, and of compilation.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a program for developers")]

use std::fmt::Write;
use std::time::{Duration, Instant};

use gatewright_model::{
    ConnectionName, DatasetName, Delivery, Identity, InfoType, IssuerName, Kind, ModelName, Operation, Parameter,
    Parameters, Quantity, Terms, Timestamp, Trust,
};
use gatewright_policy::{Catalogue, DatasetFacts, Landscape, ModelFacts, Question, Roles, Source, parse};

const MODELS: usize = 60;
const CALLERS: usize = 200;

fn landscape() -> Landscape {
    let model = |at: usize| ModelFacts {
        name: ModelName::new(format!("model-{at}")),
        connection: ConnectionName::from("lab"),
        tags: vec![format!("tag-{}", at % 7)],
    };
    let dataset = |at: usize| DatasetFacts {
        name: DatasetName::new(format!("data-{at}")),
        connection: ConnectionName::from("lab"),
        tags: Vec::new(),
    };
    Landscape {
        issuers: vec![IssuerName::from("corp")],
        connections: vec![(ConnectionName::from("lab"), Trust::Internal)],
        models: (0..MODELS).map(model).collect(),
        datasets: (0..MODELS).map(dataset).collect(),
        info_types: (0..40).filter_map(|at| InfoType::new(&format!("TYPE_{at}"))).collect(),
    }
}

fn catalogue(roles: usize) -> String {
    let mut text = "version: 1\nroles:\n".to_owned();
    for role in 0..roles {
        let models: Vec<String> = (0..10).map(|at| format!("model-{}", (role * 7 + at * 3) % MODELS)).collect();
        let models = models.join(", ");
        write!(
            text,
            "  role-{role}:
    members: [{{ issuer: corp, group: group-{role} }}]
    grants:
      - models: [{models}]
        operations: [chat]
        parameters: {{ max_tokens: {{ max: {}, default: 512, over: clamp }}, temperature: {{ max: 1.0 }} }}
      - models: [{models}]
        operations: [embed]
      - models: {{ tag: tag-{} }}
        operations: [classify]
    datasets: {{ data-{}: {{ allow: [read] }} }}
    reveal: [TYPE_{}]
    disclose: [TYPE_{}]
",
            1024 + role % 8,
            role % 7,
            role % MODELS,
            role % 40,
            (role + 3) % 40,
        )
        .unwrap();
    }
    text.push_str(
        "rules:
  - { name: words, when: { prompt: { words: [export] } }, then: { refuse: true } }
  - { name: cards, when: { found: [TYPE_1] }, then: { refuse: true } }
",
    );
    text
}

fn caller(at: usize, roles: usize) -> Identity {
    let group = |step: usize| format!("group-{}", (at * 13 + step * 5) % roles).into();
    Identity {
        issuer: IssuerName::from("corp"),
        subject: format!("user-{at}").into(),
        kind: Kind::Person,
        groups: (0..3).map(group).collect(),
        claims: [].into(),
        expires: Timestamp::from_seconds(4_000_000_000),
    }
}

/// One decision on each caller's own model, many times; the time of each.
fn measure(
    catalogue: &Catalogue,
    landscape: &Landscape,
    roles: usize,
    operation: Operation,
) -> (Duration, Duration, usize) {
    let callers: Vec<Identity> = (0..CALLERS).map(|at| caller(at, roles)).collect();
    let now = Timestamp::from_seconds(1_800_000_000);
    let held: Vec<Roles> = callers.iter().map(|caller| catalogue.roles_of(caller, now)).collect();
    let mut parameters = Parameters::new();
    parameters.set(Parameter::MaxTokens, Quantity::whole(256).unwrap());
    let mut times = Vec::new();
    let mut allowed = 0;
    for round in 0..60 {
        for at in 0..CALLERS {
            let model = &landscape.models[((at * 13 % roles) * 7 + (round % 10) * 3) % MODELS];
            let terms = Terms {
                operation,
                model: Some(model.name.clone()),
                datasets: Vec::new(),
                parameters: parameters.clone(),
                delivery: Delivery::Whole,
            };
            let question = Question {
                identity: &callers[at],
                roles: &held[at],
                now,
                terms: &terms,
                model: Some(model),
                trust: Trust::Internal,
                matched: &[],
                found: &[],
                approvals: &[],
            };
            let start = Instant::now();
            let decision = catalogue.decide(&question);
            times.push(start.elapsed());
            allowed += usize::from(decision.refusal.is_none());
        }
    }
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() * 99 / 100], allowed * 100 / times.len())
}

fn main() {
    let landscape = landscape();
    println!("{:>6} {:>12} {:>22} {:>22}", "roles", "compile", "chat p50 / p99", "embed p50 / p99");
    for roles in [10, 1_000, 10_000] {
        let source = Source { name: "catalogue.yaml".to_owned(), text: catalogue(roles) };
        let start = Instant::now();
        let catalogue = Catalogue::compile(parse(&[source]).unwrap(), &landscape).unwrap();
        let compiled = start.elapsed();
        let (chat, chat_99, allowed) = measure(&catalogue, &landscape, roles, Operation::Chat);
        let (embed, embed_99, _) = measure(&catalogue, &landscape, roles, Operation::Embed);
        println!(
            "{roles:>6} {compiled:>12.2?} {chat:>10.2?} /{chat_99:>10.2?} {embed:>10.2?} /{embed_99:>10.2?}   {allowed} % allowed"
        );
    }
}
