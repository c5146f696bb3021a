//! What helps to write a catalogue: findings, explanations, who can, differences, cases.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

mod support;

use gatewright_model::{Operation, Parameter, Quantity, RoleName, Verdict};
use gatewright_policy::{Case, Catalogue, Certainty, Change, Thing, parse_cases};
use support::{NOW, compile, compile_all, landscape, lines, person, source};

const TEXT: &str = "version: 1
roles:
  analyst:
    members: [{ issuer: demo, group: analysts }]
    grants:
      - models: [sales-forecast, support-chat]
        operations: [chat, embed]
        parameters: { max_tokens: { max: 100 } }
      - { models: [support-chat], operations: [classify] }
    datasets: { tickets: { allow: [read], top_k: 5, filter: { region: { claim: /region } } } }
  ghost: { members: [], grants: [{ models: [text-embed], operations: [embed] }] }
  past: { valid: { until: 2026-01-01 }, members: [{ issuer: demo, group: past }] }
rules:
  - { name: no-embedding, when: { roles: [analyst], operations: [embed], models: [support-chat] }, then: { refuse: true } }
  - { name: ask-first, when: { operations: [classify] }, then: { hold: peer } }
approvals: { peer: { approvers: [{ issuer: demo, group: leads }] } }
";

fn case(operation: Operation, model: &str, groups: &[&str]) -> Case {
    let mut case = Case::new(person("ann", groups), operation, NOW);
    case.terms.model = (!model.is_empty()).then(|| model.into());
    case
}

#[test]
fn what_is_said_in_vain_is_found() {
    let text = "version: 1
roles:
  ghost: { members: [], grants: [{ models: [text-embed], operations: [embed] }] }
  past: { valid: { until: 2026-01-01 }, members: [{ issuer: demo, group: past }] }
  twice:
    members: [{ issuer: demo, group: twice }]
    grants:
      - { models: [sales-forecast], operations: [chat] }
      - { models: [{ tag: finance }], operations: [chat, embed] }
      - { models: [support-chat], operations: [chat], parameters: { n: { max: 1 } } }
      - { models: [support-chat], operations: [chat] }
      - { models: [text-embed], operations: [speak] }
rules:
  - { name: silent, when: { roles: [twice], operations: [speak] }, then: { refuse: true } }
  - { name: about-nothing, when: { operations: [image] }, then: { refuse: true } }
";
    let found = compile(text).unwrap().lint(NOW);
    assert_eq!(
        lines(&found),
        "catalogue.yaml:3:3: nobody can have the role ghost: it has no `members`
catalogue.yaml:4:3: nobody can have the role past any more: its time is over
catalogue.yaml:8:9: this grant of twice is in vain: the one on line 9 allows all of it
catalogue.yaml:10:9: this grant of twice is in vain: the one on line 11 allows all of it
catalogue.yaml:12:9: this grant is in vain: silent (catalogue.yaml:14) refuses all of it
catalogue.yaml:15:5: the rule about-nothing can never speak: no grant allows a call that it is about
"
    );
}

#[test]
fn vain_grants_on_datasets_and_vain_forbids_are_found() {
    let text = "version: 1
roles:
  reader:
    members: [{ issuer: demo, group: readers }]
    datasets:
      - { datasets: [tickets], allow: [read], top_k: 5 }
      - { datasets: [tickets], allow: [read, write], vectors: returned }
      - { datasets: [payroll], allow: [read], rows: 5 }
      - { datasets: [payroll], allow: [read], rows: 6 }
      - { datasets: [payroll], allow: [administer] }
rules:
  - { name: kept, when: { roles: [reader], operations: [administer-dataset] }, then: { refuse: true } }
";
    let cedar =
        "@id(\"speaks\") forbid(principal, action == Action::\"read-dataset\", resource == Dataset::\"tickets\");
@id(\"idle\") forbid(principal, action == Action::\"chat\", resource is Model) when { context.trust == \"external\" };
@id(\"idle-of-role\") forbid(principal in Role::\"reader\", action == Action::\"embed\", resource is Model);
";
    let catalogue = compile_all(&[source("catalogue.yaml", text), source("own.cedar", cedar)], &landscape());
    let found = catalogue.unwrap_or_else(|faults| panic!("{}", lines(&faults))).lint(NOW);
    assert_eq!(
        lines(&found),
        "catalogue.yaml:6:9: this grant is in vain: speaks (own.cedar:1) refuses all of it
catalogue.yaml:6:9: this grant of reader is in vain: the one on line 7 allows all of it
catalogue.yaml:10:9: this grant is in vain: kept (catalogue.yaml:12) refuses all of it
own.cedar:2: idle can never speak: nothing permits what it forbids
own.cedar:3: idle-of-role can never speak: nothing permits what it forbids
"
    );
}

#[test]
fn words_that_no_protocol_asks_for_are_told() {
    let text = "version: 1
roles:
  keeper:
    members: [{ issuer: demo, group: keepers }]
    grants: [{ models: [text-embed], operations: [embed, export-weights, configure-model] }]
";
    let catalogue = compile(text).unwrap();
    let told = lines(&catalogue.unasked(|operation| operation == Operation::ConfigureModel));
    assert_eq!(told, "catalogue.yaml:5:14: no protocol of this release asks for export-weights\n");
    assert!(catalogue.unasked(|_| true).is_empty());
}

#[test]
fn an_explanation_names_every_rule_that_spoke() {
    let catalogue = compile(TEXT).unwrap();
    let mut chat = case(Operation::Chat, "sales-forecast", &["analysts"]);
    chat.terms.parameters.set(Parameter::MaxTokens, Quantity::whole(101).unwrap());
    let told = catalogue.explain(&chat);
    assert_eq!(told.decision.verdict, Verdict::Deny);
    assert_eq!(told.questions[0].missed[0].why, "max_tokens must be between 1 and 100, and the request says 101");
    assert_eq!(told.questions[0].missed[0].rule.line, 6);
    let embed = catalogue.explain(&case(Operation::Embed, "support-chat", &["analysts"]));
    assert_eq!(embed.questions[0].permitted_by[0].name.as_str(), "analyst/grant-1");
    assert_eq!(embed.questions[0].forbidden_by[0].0.name.as_str(), "no-embedding");
    let held = catalogue.explain(&case(Operation::Classify, "support-chat", &["analysts"]));
    assert_eq!(held.questions[0].forbidden_by[0].1.as_deref(), Some("peer"));
    let mut read = case(Operation::ReadDataset, "", &["analysts"]);
    read.terms.datasets = vec!["tickets".into()];
    let read = catalogue.explain(&read);
    assert_eq!(read.questions[0].missed[0].why, "its filter asks for a claim that the caller lacks");
}

#[test]
fn an_explanation_decides_as_the_decision_does() {
    let catalogue = compile(TEXT).unwrap();
    for operation in Operation::ALL {
        for model in ["sales-forecast", "support-chat", "text-embed", "no-such-model"] {
            let told = catalogue.explain(&case(*operation, model, &["analysts"]));
            if told.decision.verdict == Verdict::Allow {
                assert!(told.questions.iter().all(gatewright_policy::Asked::is_permitted), "{operation} {model}");
            }
        }
    }
}

#[test]
fn who_can_tells_each_role_and_its_members() {
    let catalogue = compile(TEXT).unwrap();
    let reached = catalogue.who_can(Thing::Model("support-chat"), None, NOW);
    let told: Vec<String> = reached
        .iter()
        .map(|reach| {
            let role = reach.role.as_ref().map_or("everybody", RoleName::as_str);
            format!("{role} ({}): {} {}", reach.members.join("; "), reach.verdict.name(), reach.operation)
        })
        .collect();
    assert_eq!(
        told,
        [
            "analyst (group analysts of demo): allow chat",
            "analyst (group analysts of demo): hold classify",
            "analyst (group analysts of demo): allow list-models",
            "analyst (group analysts of demo): allow describe-model",
        ]
    );
    assert!(catalogue.reach_of(&person("ann", &["nobody"]), NOW).is_empty());
    let hers = catalogue.reach_of(&person("ann", &["analysts"]), NOW);
    assert!(hers.iter().any(|reach| reach.resource == "sales-forecast" && reach.operation == Operation::Embed));
}

fn changes(old: &Catalogue, new: &Catalogue) -> Vec<String> {
    let told = old.compare(new, NOW).into_iter().map(|difference| {
        let change = match difference.change() {
            Change::Permitted => "+",
            Change::Refused => "-",
            Change::Terms => "~",
        };
        let roles: Vec<&str> = difference.roles.iter().map(RoleName::as_str).collect();
        let role = if roles.is_empty() { "nobody".to_owned() } else { roles.join("+") };
        format!("{change} {role}: {}", difference.about)
    });
    told.collect()
}

#[test]
fn a_difference_is_found_at_the_border_of_a_range() {
    let old = compile(TEXT).unwrap();
    assert_eq!(changes(&old, &old), Vec::<String>::new());
    let wider = compile(&TEXT.replace("max: 100", "max: 101")).unwrap();
    let told = changes(&old, &wider);
    assert!(told.contains(&"+ analyst: chat on the model sales-forecast".to_owned()), "{told:?}");
    let narrower = changes(&wider, &old);
    assert!(narrower.contains(&"- analyst: chat on the model sales-forecast".to_owned()), "{narrower:?}");
    let found = old.compare(&wider, NOW);
    let example = found[0].example.as_ref().unwrap();
    assert_ne!(old.answer(example).verdict, wider.answer(example).verdict, "the example is one");
}

#[test]
fn differences_of_datasets_members_and_exposure_are_found() {
    let old = compile(TEXT).unwrap();
    let new = TEXT
        .replace("top_k: 5, filter: { region: { claim: /region } }", "top_k: 9")
        .replace("group: analysts", "group: analysts2")
        .replace("    datasets:", "    admin: [records.read]\n    reveal: [US_SSN]\n    datasets:");
    let told = changes(&old, &compile(&new).unwrap());
    for expected in [
        "+ analyst: read-dataset on the dataset tickets",
        "+ analyst: the admin permission records.read",
        "~ analyst: who has the role",
        "+ analyst: US_SSN returned from an internal model",
    ] {
        assert!(told.contains(&expected.to_owned()), "{expected}: {told:?}");
    }
}

#[test]
fn cases_are_read_strictly() {
    let good = "version: 1
cases:
  - name: short chats
    who: { issuer: demo, groups: [analysts] }
    ask: { operation: chat, model: sales-forecast, parameters: { max_tokens: 100 } }
    expect: { verdict: allow, rule: analyst/grant-1 }
";
    let cases = parse_cases(&source("cases.yaml", good), NOW).unwrap();
    let catalogue = compile(TEXT).unwrap();
    assert_eq!(catalogue.answer(&cases[0].case).verdict, cases[0].verdict);
    let bad = "version: 1
cases:
  - { name: x, who: {}, ask: { operation: fly }, expect: { verdict: maybe, code: odd } }
  - { name: y, who: { roles: [a] }, ask: { operation: chat, parameters: { heat: 1 } }, expect: {} }
";
    let faults = parse_cases(&source("cases.yaml", bad), NOW).unwrap_err();
    let told: Vec<String> = faults.iter().map(|f| f.to_string().chars().take(60).collect()).collect();
    assert_eq!(told.len(), 6, "{told:?}");
    assert!(told.iter().all(|told| told.starts_with("cases.yaml:")), "{told:?}");
}

#[test]
fn a_record_keeps_the_groups_that_matter_first_and_no_claim_that_nothing_asks_for() {
    let catalogue = compile(TEXT).unwrap();
    let mut groups: Vec<String> = (0..100).map(|number| format!("group-{number}")).collect();
    groups.push("analysts".to_owned());
    groups.push("x".repeat(10_000));
    let mut ann = person("ann", &groups.iter().map(String::as_str).collect::<Vec<_>>());
    ann.claims = [("/email".into(), "ann@example.org".into()), ("/region".into(), "emea".into())].into();
    let standing = catalogue.standing_of(&ann);
    assert_eq!(&*standing.groups[0], "analysts");
    assert_eq!((standing.groups.len(), standing.unlisted), (48, 54));
    assert_eq!(*standing.claims, [("/region".into(), "emea".into())]);
    assert_eq!(catalogue.asked_claims().collect::<Vec<_>>(), ["/region"]);
}

#[test]
fn a_forbid_that_takes_away_what_another_role_gives_is_a_difference_of_the_two() {
    let old = "version: 1
roles:
  chatter: { members: [{ issuer: demo, group: a }], grants: [{ models: [support-chat], operations: [chat] }] }
  trainee: { members: [{ issuer: demo, group: b }], reveal: [US_SSN] }
  idle: { members: [{ issuer: demo, group: c }], reveal: [US_SSN] }
";
    let rule =
        "rules:\n  - { name: not-yet, when: { roles: [trainee], operations: [chat] }, then: { refuse: true } }\n";
    let (old, new) = (compile(old).unwrap(), compile(&format!("{old}{rule}")).unwrap());
    assert_eq!(changes(&old, &new), ["- chatter+trainee: chat on the model support-chat"]);
    assert_eq!(changes(&new, &old), ["+ chatter+trainee: chat on the model support-chat"]);
}

#[test]
fn a_changed_content_rule_is_a_difference_of_calls_that_it_matches() {
    let rule = "rules:\n  - { name: words, when: { prompt: { words: [export] } }, then: { refuse: true } }\n";
    let old = TEXT.replace("rules:\n", rule);
    let new = old.replace("words: [export] } }, then: { refuse: true }", "words: [export] } }, then: { hold: peer }");
    let (old, new) = (compile(&old).unwrap(), compile(&new).unwrap());
    let found = old.compare(&new, NOW);
    let chat = found.iter().find(|difference| difference.about == "chat on the model sales-forecast").unwrap();
    assert_eq!((chat.old.word.as_str(), chat.new.word.as_str()), ("deny", "hold"));
    assert_eq!(chat.example.as_ref().unwrap().matched, ["words".into()]);
    let other = compile(&TEXT.replace("rules:\n", &rule.replace("export", "import"))).unwrap();
    assert!(
        old.unforeseen(&other).iter().any(|words| words.contains("the rule words finds")),
        "{:?}",
        old.unforeseen(&other)
    );
}

#[test]
fn who_can_tells_what_a_plain_call_does_not_show() {
    let text = TEXT.replace(
        "rules:\n",
        "rules:\n  - { name: words, when: { prompt: { words: [export] } }, then: { refuse: true } }\n",
    );
    let cedar = "permit(principal in Role::\"analyst\", action == Action::\"speak\", resource is Model)\n\
                 when { context.caller.kind == \"workload\" };\n";
    let sources = [source("catalogue.yaml", &text), source("own.cedar", cedar)];
    let catalogue = Catalogue::compile(gatewright_policy::parse(&sources).unwrap(), &support::landscape()).unwrap();
    let reached = catalogue.who_can(Thing::Model("support-chat"), None, NOW);
    let of = |operation| reached.iter().find(|reach| reach.operation == operation).unwrap();
    assert_eq!(of(Operation::Chat).unless[0].name.as_str(), "words");
    assert_eq!(of(Operation::Chat).certainty, Certainty::Plain);
    let speak = of(Operation::Speak);
    assert_eq!((speak.certainty, speak.rules[0].name.as_str()), (Certainty::Conditional, "own.cedar#1"));
    // What an unconditional rule forbids is nobody's, whatever a condition says.
    assert!(!reached.iter().any(|reach| reach.operation == Operation::Embed));
}
