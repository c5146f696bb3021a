//! The golden catalogue and the starter catalogue compile, and decide as their comments say.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

mod support;

use gatewright_model::{Operation, Parameter, Treatment, Trust, Verdict};
use gatewright_policy::{Catalogue, Landscape, STARTER, STARTER_ALLOWED, STARTER_MODELS, parse, starter_for};
use support::{NOW, ask, compile_all, golden_landscape, identity, line, lines, model, person, source};

fn golden() -> Catalogue {
    let text = include_str!("../../../tests/golden/catalogue.yaml");
    compile_all(&[source("catalogue.yaml", text)], &golden_landscape())
        .unwrap_or_else(|faults| panic!("{}", lines(&faults)))
}

#[test]
fn the_golden_catalogue_decides_as_it_says() {
    let catalogue = golden();
    let (ann, ci) =
        (identity("corp", "ann", &["analysts"], &[]), identity("ci", "job", &[], &[("/repository_id", "456789")]));
    let landscape = golden_landscape();
    let chat = ask(Operation::Chat, "sales-forecast");
    let said = |ask: support::Ask, identity| line(&ask.by_in(identity, &catalogue, &landscape));
    assert_eq!(
        said(chat.clone(), &ann),
        "allow by data-analyst/grant-1, max_tokens Default 512, temperature Default 1"
    );
    assert_eq!(
        said(chat.clone().stating(Parameter::MaxTokens, "9999").stating(Parameter::Temperature, "0.2"), &ann),
        "allow by data-analyst/grant-1, max_tokens Clamped 2048"
    );
    assert_eq!(
        said(chat.clone().stating(Parameter::Temperature, "1.5"), &ann),
        "deny invalid_request about temperature by data-analyst/grant-1"
    );
    assert_eq!(said(ask(Operation::Embed, "sales-forecast"), &ann), "allow by data-analyst/grant-1");
    assert_eq!(said(ask(Operation::Embed, "sales-forecast"), &ci), "allow by batch-job/grant-1");
    assert_eq!(said(chat.clone(), &ci), "deny permission_denied about model by default-deny");
    assert_eq!(
        said(chat.clone().reaching("public-docs"), &ann).split(", max").next(),
        Some("allow by data-analyst/grant-1+data-analyst/dataset-public-docs")
    );
    assert_eq!(
        said(chat.clone().matching("bulk-export"), &ann).split(", max").next(),
        Some("hold approval_pending by bulk-export")
    );
    assert_eq!(
        said(chat.clone().matching("no-launch-codes"), &ann),
        "deny not_ready by default-deny",
        "it looks at answers only"
    );
    let decision = chat.by_in(&ann, &catalogue, &landscape);
    assert_eq!(decision.answer_rules.iter().map(|rule| rule.as_str()).collect::<Vec<_>>(), ["no-launch-codes"]);
    assert_eq!(decision.request.to_vec(), [Treatment::Keep; 4]);
    assert_eq!(decision.reply.to_vec(), [Treatment::Redact; 4]);
    let external = chat.to(Trust::External).by_in(&ann, &catalogue, &landscape);
    assert_eq!(external.request.to_vec(), [Treatment::Keep, Treatment::Token, Treatment::Token, Treatment::Token]);
    let embed = ask(Operation::Embed, "sales-forecast").by_in(&ci, &catalogue, &landscape);
    assert_eq!(embed.request.to_vec(), [Treatment::Pseudonym; 4]);
    let warned: Vec<String> = catalogue.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(warned, [""; 0]);
}

#[test]
fn admin_permissions_are_denied_by_default() {
    let catalogue = golden();
    let verdict = |identity, permission| {
        let roles = catalogue.roles_of(identity, NOW);
        let permission = catalogue.permits_admin(identity, &roles, NOW, permission);
        assert_eq!(permission.refusal.is_none(), permission.verdict == Verdict::Allow);
        permission.verdict
    };
    let auditor = identity("corp", "sue", &["security"], &[]);
    let analyst = identity("corp", "ann", &["analysts"], &[]);
    assert_eq!(verdict(&auditor, "records.read"), Verdict::Allow);
    assert_eq!(verdict(&auditor, "records.original"), Verdict::Deny);
    assert_eq!(verdict(&auditor, "no.such.permission"), Verdict::Deny);
    assert_eq!(verdict(&analyst, "records.read"), Verdict::Deny);
    let elsewhere = identity("ci", "sue", &["security"], &[]);
    assert_eq!(verdict(&elsewhere, "records.read"), Verdict::Deny, "a group of another issuer is another group");
}

fn starter_landscape(models: &[&str]) -> Landscape {
    let mut landscape = support::landscape();
    landscape.models = models.iter().map(|name| model(name, "inside", &[])).collect();
    landscape
}

#[test]
fn the_starter_catalogue_lets_each_do_their_own() {
    let landscape = starter_landscape(&STARTER_MODELS);
    let catalogue = compile_all(&[source("catalogue.yaml", STARTER)], &landscape).unwrap();
    assert_eq!(catalogue.warnings(), []);
    let (alice, bob, carol) =
        (person("alice", &["analysts"]), person("bob", &["ml-admins"]), person("carol", &["security"]));
    let seen = |identity| {
        let roles = catalogue.roles_of(identity, NOW);
        let models = catalogue.models_for(identity, &roles, NOW);
        models.iter().map(|model| model.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(seen(&alice), STARTER_ALLOWED);
    assert_eq!(seen(&bob), STARTER_MODELS);
    assert_eq!(seen(&carol), Vec::<String>::new());
    let verdict =
        |identity, operation, model: &str| ask(operation, model).by_in(identity, &catalogue, &landscape).verdict;
    assert_eq!(verdict(&alice, Operation::Chat, "sales-forecast"), Verdict::Allow);
    assert_eq!(verdict(&alice, Operation::Chat, "frontier-large"), Verdict::Deny);
    assert_eq!(verdict(&alice, Operation::ListModels, ""), Verdict::Allow);
    assert_eq!(verdict(&bob, Operation::LoadModel, "frontier-large"), Verdict::Allow);
    assert_eq!(verdict(&carol, Operation::ListModels, ""), Verdict::Deny);
    let roles = catalogue.roles_of(&carol, NOW);
    assert_eq!(catalogue.permits_admin(&carol, &roles, NOW, "records.read").verdict, Verdict::Allow);
}

#[test]
fn a_starter_for_its_own_models_is_the_starter() {
    assert_eq!(starter_for(&STARTER_MODELS, &STARTER_ALLOWED), STARTER);
}

#[test]
fn a_starter_for_models_of_any_name_compiles() {
    let odd = ["qwen/qwen3:8b", "a\"b", "back\\slash", "new\nline", "- x", "*", "é", "{{x}}", "# no", "\u{202e}"];
    for (models, allowed) in [(&odd[4..5], &odd[4..5]), (&odd[..1], &[][..]), (&[][..], &[][..])] {
        let text = starter_for(models, allowed);
        let landscape = starter_landscape(models);
        let catalogue = compile_all(&[source("catalogue.yaml", &text)], &landscape)
            .unwrap_or_else(|f| panic!("{}{text}", lines(&f)));
        let alice = person("alice", &["analysts"]);
        let roles = catalogue.roles_of(&alice, NOW);
        let seen: Vec<String> =
            catalogue.models_for(&alice, &roles, NOW).iter().map(|m| m.as_str().to_owned()).collect();
        assert_eq!(seen, allowed);
    }
    // Names that no catalogue may hold are told, and never change what is around them.
    for name in odd {
        let text = starter_for(&[name], &[name]);
        let parsed = parse(&[source("catalogue.yaml", &text)]);
        let expected_faults = name.contains('*') || name.contains('\n');
        assert_eq!(parsed.is_err(), expected_faults, "{name:?}");
    }
}

/// The blocks of the catalogue's page in this language.
fn blocks(language: &str) -> Vec<String> {
    let page = include_str!("../../../docs/catalogue.md");
    let opening = format!("```{language}\n");
    page.split(&opening).skip(1).filter_map(|rest| Some(rest.split_once("\n```")?.0.to_owned())).collect()
}

#[test]
fn the_examples_of_the_page_compile_together() {
    let mut landscape = support::landscape();
    let more = ["PROJECT_CODE", "SECRET", "PHONE_NUMBER"].map(gatewright_model::InfoType::new);
    landscape.info_types.extend(more.into_iter().flatten());
    let (yaml, cedar) = (blocks("yaml"), blocks("cedar"));
    assert_eq!((yaml.len(), cedar.len()), (5, 1));
    for part in &yaml[1..] {
        let whole = if part.starts_with("version") { part.clone() } else { format!("version: 1\n{part}") };
        let compiled = compile_all(&[source("catalogue.yaml", &whole)], &landscape).map_err(|faults| lines(&faults));
        assert!(compiled.is_ok(), "{compiled:?}");
    }
    let sources = [source("catalogue.yaml", &yaml[0]), source("own.cedar", &cedar[0])];
    let catalogue = compile_all(&sources, &landscape).unwrap_or_else(|faults| panic!("{}", lines(&faults)));
    assert_eq!(lines(catalogue.warnings()), "");
    let ann = person("ann", &["analysts"]);
    let said = |model, trust| line(&ask(Operation::Chat, model).to(trust).by_in(&ann, &catalogue, &landscape));
    assert_eq!(said("text-embed", Trust::Internal), "allow by own.cedar#2");
    assert_eq!(said("sales-forecast", Trust::External), "deny permission_denied by no-finance-outside");
}
