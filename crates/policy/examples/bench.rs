//! How long a decision takes, with ten roles and with thousands: `cargo run --release -p gatewright-policy --example bench`.
//!
//! Every caller has three roles. Each role has ten grants on models (one of them with ranges), six datasets and two info
//! types; two rules are about everybody. Prints the CPU time of a decision, p50 and p99, and of compilation; with `recompile`,
//! that of forty changes of one role.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a program for developers")]

use std::fmt::Write;
use std::time::Duration;

use gatewright_model::{
    ConnectionName, DatasetName, Delivery, Identity, InfoType, IssuerName, Kind, ModelName, Operation, Parameter,
    Parameters, Quantity, Terms, Timestamp, Trust,
};
use gatewright_policy::{Catalogue, DatasetFacts, Landscape, ModelFacts, Question, Roles, Source, parse, parse_after};

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

/// The catalogue in a hundred files, as teams keep it; `edited` is the role that somebody changed.
fn catalogue(roles: usize, edited: Option<usize>) -> Vec<Source> {
    let files = roles.min(100);
    let mut sources: Vec<Source> =
        (0..files).map(|at| file(at, (at * roles / files)..((at + 1) * roles / files), edited)).collect();
    let rules = "version: 1
rules:
  - { name: words, when: { prompt: { words: [export] } }, then: { refuse: true } }
  - { name: cards, when: { found: [TYPE_1] }, then: { refuse: true } }
";
    sources.push(Source { name: "rules.yaml".to_owned(), text: rules.to_owned() });
    sources
}

fn file(at: usize, roles: std::ops::Range<usize>, edited: Option<usize>) -> Source {
    let mut text = "version: 1\nroles:\n".to_owned();
    for role in roles {
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
      - {{ models: [model-{}], operations: [rerank, transcribe] }}
      - {{ models: [model-{}], operations: [speak] }}
      - {{ models: [model-{}], operations: [image] }}
      - {{ models: [model-{}], operations: [infer] }}
      - {{ models: {{ connection: lab }}, operations: [describe-model] }}
      - {{ models: [model-{}], operations: [load-model, unload-model] }}
      - {{ models: [model-{}], operations: [batch, fine-tune] }}
    datasets: [{{ datasets: [{}], allow: [read], top_k: 20 }}]
    reveal: [TYPE_{}]
    disclose: [TYPE_{}]
",
            1024 + role % 8 + if edited == Some(role) { 100 } else { 0 },
            role % 7,
            role % MODELS,
            (role + 1) % MODELS,
            (role + 2) % MODELS,
            (role + 3) % MODELS,
            (role + 4) % MODELS,
            (role + 5) % MODELS,
            (0..6).map(|at| format!("data-{}", (role + at) % MODELS)).collect::<Vec<_>>().join(", "),
            role % 40,
            (role + 3) % 40,
        )
        .unwrap();
    }
    Source { name: format!("team-{at:03}.yaml"), text }
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

/// What a call asks.
#[derive(Clone, Copy)]
enum Call {
    /// One dataset: one question, with its limits.
    Dataset,
    /// A chat with a stated number of tokens: one question, defaults, treatments kept by role.
    Chat,
    /// A chat that reaches five datasets: six questions.
    Retrieval,
}

/// The CPU time of this thread. The clock's own cost is part of what is measured.
fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// What the clock itself costs, at the median.
fn clock() -> Duration {
    let mut times: Vec<Duration> = (0..10_000)
        .map(|_| {
            let start = cpu();
            cpu() - start
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}

/// One decision for each caller, many times; the time of each, and how many of a hundred were allowed.
fn measure(catalogue: &Catalogue, landscape: &Landscape, roles: usize, call: Call) -> (Duration, Duration, usize) {
    let callers: Vec<Identity> = (0..CALLERS).map(|at| caller(at, roles)).collect();
    let now = Timestamp::from_seconds(1_800_000_000);
    let held: Vec<Roles> = callers.iter().map(|caller| catalogue.roles_of(caller, now)).collect();
    let mut parameters = Parameters::new();
    if !matches!(call, Call::Dataset) {
        parameters.set(Parameter::MaxTokens, Quantity::whole(256).unwrap());
    }
    let clock = clock();
    let mut times = Vec::new();
    let mut allowed = 0;
    for round in 0..100 {
        for at in 0..CALLERS {
            let role = at * 13 % roles;
            let model = &landscape.models[(role * 7 + (round % 10) * 3) % MODELS];
            let reached = match call {
                Call::Dataset => 1,
                Call::Chat => 0,
                Call::Retrieval => 5,
            };
            let (operation, model) = match call {
                Call::Dataset => (Operation::ReadDataset, None),
                Call::Chat | Call::Retrieval => (Operation::Chat, Some(model)),
            };
            let terms = Terms {
                operation,
                model: model.map(|model| model.name.clone()),
                datasets: (0..reached).map(|at| landscape.datasets[(role + at) % MODELS].name.clone()).collect(),
                parameters: parameters.clone(),
                delivery: Delivery::Whole,
            };
            let question = Question {
                identity: &callers[at],
                roles: &held[at],
                now,
                terms: &terms,
                model,
                trust: Trust::Internal,
                matched: &[],
                found: &[],
                approvals: &[],
            };
            let start = cpu();
            let decision = catalogue.decide(&question);
            times.push((cpu() - start).saturating_sub(clock));
            allowed += usize::from(decision.refusal.is_none());
        }
    }
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() * 99 / 100], allowed * 100 / times.len())
}

/// Changes one of ten thousand roles again and again, with and without moving all lines of its file.
fn recompile(landscape: &Landscape, above: &str) {
    let sources = catalogue(10_000, None);
    let mut compiled = Catalogue::compile(parse(&sources).unwrap(), landscape).unwrap();
    let mut times = Vec::new();
    for role in (0..40).map(|step| step * 137) {
        let earlier = compiled.earlier();
        let mut edited = catalogue(10_000, Some(role));
        edited[role / 100].text.insert_str(0, above);
        let start = cpu();
        let read = parse_after(&edited, &earlier).unwrap();
        let reading = cpu() - start;
        compiled = Catalogue::compile_after(read, landscape, &earlier).unwrap();
        times.push((cpu() - start, reading));
    }
    times.sort_unstable();
    let [(median, reading), (most, _)] = [times[20], times[39]];
    println!("one role changed: {median:.1?} at the median (reading {reading:.1?}), {most:.1?} at most");
}

fn main() {
    let landscape = landscape();
    if std::env::args().nth(1).is_some_and(|which| which == "recompile") {
        recompile(&landscape, "");
        return recompile(&landscape, "# one line more\n");
    }
    println!("| roles | grants | compiled in | one role changed | one question | plain chat | six questions |");
    println!("|---|---|---|---|---|---|---|");
    for roles in [10, 1_000, 10_000] {
        let sources = catalogue(roles, None);
        let start = cpu();
        let text = parse(&sources).unwrap();
        let compiled = Catalogue::compile(text, &landscape).unwrap();
        let whole = cpu() - start;
        let earlier = compiled.earlier();
        let edited = catalogue(roles, Some(roles / 2));
        let start = cpu();
        let read = parse_after(&edited, &earlier).unwrap();
        let reading = cpu() - start;
        let again = Catalogue::compile_after(read, &landscape, &earlier).unwrap();
        let one = cpu() - start;
        assert_ne!(again.digest(), compiled.digest());
        let cells = [Call::Dataset, Call::Chat, Call::Retrieval].map(|call| {
            let (median, late, allowed) = measure(&again, &landscape, roles, call);
            assert_eq!(allowed, 100, "every call of the benchmark is one that is allowed");
            format!("{:.1} / {:.1} µs", median.as_secs_f64() * 1e6, late.as_secs_f64() * 1e6)
        });
        println!(
            "| {roles} | {} | {whole:.2?} | {one:.2?} (reading {reading:.2?}) | {} |",
            roles * 10,
            cells.join(" | ")
        );
    }
}
