//! Compiling after an earlier compilation gives what compiling from nothing gives, whatever changed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

mod support;

use gatewright_model::{ConnectionName, Operation, RoleName};
use gatewright_policy::{Case, Catalogue, Landscape, Source, parse, parse_after};
use support::{NOW, landscape, lines, model, person, source};

const FIRST: &str = "version: 1
roles:
  analyst:
    members: [{ issuer: demo, group: analysts }]
    grants:
      - { models: [sales-forecast, support-chat], operations: [chat], parameters: { max_tokens: { max: 100 } } }
      - { models: [{ tag: nowhere }], operations: [embed] }
    datasets: { tickets: { allow: [read], top_k: 5 } }
    reveal: [US_SSN]
  idle: { members: [{ issuer: demo, group: idle }] }
";
const SECOND: &str = "version: 1
roles:
  lead:
    members: [{ issuer: demo, group: leads }]
    grants: [{ models: [{ connection: inside }], operations: [inference] }]
    budget: { requests: 5, per: day }
rules:
  - { name: no-image, when: { roles: [lead], operations: [image] }, then: { refuse: true } }
";
const CEDAR: &str = "@id(\"more\")\npermit(principal in Role::\"idle\", action == Action::\"chat\", resource is Model)\nwhen { context.delivery == \"whole\" };\n";

fn sources(first: &str, second: &str, cedar: &str) -> Vec<Source> {
    vec![source("a.yaml", first), source("b.yaml", second), source("own.cedar", cedar)]
}

/// Every decision and explanation of two catalogues.
fn answers(catalogue: &Catalogue) -> Vec<String> {
    let mut told = vec![lines(catalogue.warnings()), lines(&catalogue.lint(NOW))];
    let mut roles: Vec<Vec<RoleName>> = catalogue.roles().iter().map(|role| vec![role.clone()]).collect();
    roles.push(catalogue.roles().to_vec());
    for roles in roles {
        for operation in Operation::ALL {
            for name in ["sales-forecast", "support-chat", "text-embed", "frontier-large", "tickets"] {
                let mut case = Case::new(person("ann", &[]), *operation, NOW);
                case.roles = Some(roles.clone());
                match operation.name().ends_with("-dataset") {
                    true => case.terms.datasets = vec![name.into()],
                    false => case.terms.model = Some(name.into()),
                }
                told.push(format!("{roles:?} {operation} {name} {:?}", catalogue.explain(&case)));
            }
        }
    }
    told
}

fn check(what: &str, changed: &[Source], landscape_after: &Landscape) {
    let before = parse(&sources(FIRST, SECOND, CEDAR)).unwrap();
    let earlier = Catalogue::compile(before, &landscape()).unwrap_or_else(|faults| panic!("{}", lines(&faults)));
    let fresh = Catalogue::compile(parse(changed).unwrap(), landscape_after).unwrap();
    let earlier = earlier.earlier();
    let text = parse_after(changed, &earlier).unwrap();
    let after = Catalogue::compile_after(text, landscape_after, &earlier).unwrap();
    assert_eq!(after.digest(), fresh.digest(), "{what}");
    for (left, right) in answers(&after).iter().zip(answers(&fresh)) {
        assert_eq!(*left, right, "{what}");
    }
}

#[test]
fn a_second_compilation_is_the_first_one_again() {
    let same = landscape();
    check("nothing changed", &sources(FIRST, SECOND, CEDAR), &same);
    check("a range", &sources(&FIRST.replace("max: 100", "max: 200"), SECOND, CEDAR), &same);
    check("a line more above a role", &sources(&FIRST.replace("roles:\n", "roles:\n\n"), SECOND, CEDAR), &same);
    let role_more = FIRST.replace("roles:\n", "roles:\n  new: { members: [], admin: [records.read] }\n");
    check("a role more before all others", &sources(&role_more, SECOND, CEDAR), &same);
    let role_less = FIRST.replace("  idle: { members: [{ issuer: demo, group: idle }] }\n", "");
    check("a role less", &sources(&role_less, SECOND, "forbid(principal, action, resource is Model);"), &same);
    check("another rule", &sources(FIRST, &SECOND.replace("image", "chat"), CEDAR), &same);
    let mut wider = landscape();
    wider.models.push(model("another", "inside", &["nowhere"]));
    check("another landscape", &sources(FIRST, SECOND, CEDAR), &wider);
    let mut moved = landscape();
    moved.models[0].connection = ConnectionName::from("outside");
    check("a model elsewhere", &sources(FIRST, SECOND, CEDAR), &moved);
}
