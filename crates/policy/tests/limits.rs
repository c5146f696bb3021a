//! What a decision says of datasets and budgets, for the gateway to enforce.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

mod support;

use gatewright_model::{Operation, Verdict};
use gatewright_policy::{BudgetWindow, Decision, FilterClause, FilterValue, Vectors};
use support::{ask, compile, identity, person};

const TEXT: &str = "version: 1
budgets:
  frontier: { cost: 12.5, per: day, models: [{ tag: frontier }] }
  calls: { requests: 1000, per: minute, each: person-and-model }
roles:
  reader:
    members: [{ issuer: demo, group: readers }]
    datasets:
      tickets: { allow: [read], top_k: 20, rows: 100, calls_per_hour: 60, token_ttl: 60s, filter: { level: [1, 2], region: { claim: /region } } }
    budget: { requests: 5, per: hour }
  curator:
    members: [{ issuer: demo, group: curators }]
    datasets:
      - { datasets: [{ connection: inside }], allow: [read, write, administer], vectors: returned }
    grants: [{ models: [support-chat, frontier-large], operations: [chat] }]
    budget:
      - { tokens: 100, answer_bytes: 9, per: month }
      - { requests: 7, per: day, each: all, models: [support-chat] }
  exporter:
    members: [{ issuer: demo, group: exporters }]
    datasets: [{ datasets: [{ tag: finance }, tickets], allow: [export], valid: { until: 2026-01-01 } }]
";

fn read(groups: &[&str], claims: &[(&str, &str)]) -> Decision {
    let catalogue = compile(TEXT).unwrap();
    ask(Operation::ReadDataset, "").reaching("tickets").by(&identity("demo", "ann", groups, claims), &catalogue)
}

fn accounts(decision: &Decision) -> Vec<&str> {
    decision.budgets.iter().map(|charge| charge.account.as_str()).collect()
}

#[test]
fn a_decision_on_a_dataset_carries_the_limits_of_its_grant() {
    let decision = read(&["readers"], &[("/region", "emea")]);
    let [terms] = &decision.datasets[..] else { panic!("{decision:?}") };
    assert_eq!((terms.top_k, terms.rows, terms.calls_per_hour), (Some(20), Some(100), Some(60)));
    assert_eq!((terms.vectors, terms.token_ttl.map(|time| time.as_secs())), (Vectors::Withheld, Some(60)));
    let clause = |field: &str, values: Vec<FilterValue>| FilterClause { field: field.to_owned(), values };
    let region = clause("region", vec![FilterValue::Text("emea".to_owned())]);
    assert_eq!(terms.filter, [clause("level", vec![FilterValue::Whole(1), FilterValue::Whole(2)]), region]);
    assert_eq!(terms.rule.name.as_str(), "reader/dataset-tickets");
}

#[test]
fn a_filter_by_a_claim_that_the_caller_lacks_gives_nothing() {
    let decision = read(&["readers"], &[]);
    assert_eq!((decision.verdict, decision.datasets.len(), decision.budgets.len()), (Verdict::Deny, 0, 0));
}

#[test]
fn of_two_grants_on_a_dataset_the_one_that_withholds_less_decides() {
    let decision = read(&["readers", "curators"], &[("/region", "emea")]);
    assert_eq!(decision.datasets[0].rule.name.as_str(), "curator/datasets-1");
    assert_eq!((decision.datasets[0].vectors, decision.datasets[0].top_k), (Vectors::Returned, None));
}

#[test]
fn a_role_that_may_read_may_not_export_or_write() {
    let catalogue = compile(TEXT).unwrap();
    let verdict = |operation, groups: &[&str]| {
        let ann = identity("demo", "ann", groups, &[("/region", "emea")]);
        ask(operation, "").reaching("tickets").by(&ann, &catalogue).verdict
    };
    assert_eq!(verdict(Operation::WriteDataset, &["readers"]), Verdict::Deny);
    assert_eq!(verdict(Operation::ExportDataset, &["readers", "curators"]), Verdict::Deny);
    assert_eq!(verdict(Operation::AdministerDataset, &["curators"]), Verdict::Allow);
    assert_eq!(verdict(Operation::ExportDataset, &["exporters"]), Verdict::Deny, "its window is over");
}

#[test]
fn a_call_is_charged_to_the_roles_that_allow_it_and_to_the_common_budgets() {
    let catalogue = compile(TEXT).unwrap();
    let ann = person("ann", &["readers", "curators"]);
    let chat = ask(Operation::Chat, "support-chat").by(&ann, &catalogue);
    assert_eq!(
        accounts(&chat),
        [
            "budgets/calls person \"demo\" \"ann\" model \"support-chat\"",
            "curator/budget-1 person \"demo\" \"ann\"",
            "curator/budget-2",
        ]
    );
    assert_eq!(chat.budgets[1].budget.window, BudgetWindow::Month);
    assert_eq!((chat.budgets[1].budget.tokens, chat.budgets[1].budget.answer_bytes), (Some(100), Some(9)));
    let frontier = ask(Operation::Chat, "frontier-large").by(&ann, &catalogue);
    assert_eq!(accounts(&frontier)[0], "budgets/frontier");
    assert_eq!(frontier.budgets[0].budget.cost_micros, Some(12_500_000));
    assert_eq!(frontier.budgets.len(), 3, "the budget of one model counts no other");
    let denied = ask(Operation::Chat, "text-embed").by(&ann, &catalogue);
    assert_eq!(accounts(&denied), Vec::<&str>::new());
    let dataset = read(&["readers"], &[("/region", "emea")]);
    assert_eq!(accounts(&dataset)[1..], ["reader/budget-1 person \"demo\" \"ann\""]);
}

#[test]
fn faults_of_limits_are_told_with_their_places() {
    let bad = "version: 1
budgets: { none: { per: day }, odd: { requests: 1, per: week }, gone: { requests: 1, per: day, models: [nope] } }
roles:
  reader:
    members: [{ issuer: demo, group: readers }]
    datasets:
      - { datasets: [{ tag: support }, nope, { connection: outside }], allow: [read], top_k: 0, vectors: some }
      - { allow: [read], filter: { $or: [1.5], x: [], y: { claim: z } } }
";
    let faults = compile(bad).unwrap_err();
    let faults: Vec<&str> = faults.lines().collect();
    assert_eq!(
        faults,
        [
            "catalogue.yaml:2:18: a budget needs `requests`, `tokens`, `cost` or `answer_bytes`",
            "catalogue.yaml:2:57: unknown window \"week\"; known: minute, hour, day, month",
            "catalogue.yaml:7:94: `top_k` is a number from 1 to 4294967295",
            "catalogue.yaml:7:106: unknown choice \"some\"; known: returned, withheld",
            "catalogue.yaml:8:9: a grant on datasets needs `datasets` that are not empty",
            "catalogue.yaml:8:36: a filter's field is the name of a row's field; operators have no place here",
            "catalogue.yaml:8:42: a filter's value is text, a whole number, true or false",
            "catalogue.yaml:8:51: an empty list admits no row",
            "catalogue.yaml:8:67: a claim is a JSON pointer; a top-level claim is written /name",
        ]
    );
}

#[test]
fn no_wildcard_includes_what_a_role_has_to_name() {
    let with = |policy: &str| {
        let text = "version: 1\nroles: { ops: { members: [{ issuer: demo, group: ops }] } }\n";
        let sources = [support::source("catalogue.yaml", text), support::source("more.cedar", policy)];
        support::compile_all(&sources, &support::landscape()).map_err(|faults| support::lines(&faults))
    };
    let refused = |policy: &str| with(policy).unwrap_err().contains("is permitted to a role that names it only");
    assert!(refused("permit(principal in Role::\"ops\", action, resource is Model);"));
    assert!(refused("permit(principal, action == Action::\"export-weights\", resource is Model);"));
    assert!(refused("permit(principal, action == Action::\"export-dataset\", resource is Dataset);"));
    assert!(
        with("permit(principal in Role::\"ops\", action == Action::\"export-weights\", resource is Model);").is_ok()
    );
    assert!(with("forbid(principal, action, resource is Model);").is_ok());
    let catalogue =
        with("permit(principal in Role::\"ops\", action in Action::\"manage-model\", resource is Model);").unwrap();
    let verdict = |operation| ask(operation, "support-chat").by(&person("ann", &["ops"]), &catalogue).verdict;
    assert_eq!(verdict(Operation::LoadModel), Verdict::Allow);
    assert_eq!(verdict(Operation::ConfigureModel), Verdict::Deny);
}
