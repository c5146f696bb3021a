//! What is allowed, held and denied, and in which words.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

mod support;

use std::time::Duration;

use gatewright_model::{Operation, Parameter, RuleName, Timestamp, Treatment, Trust, Verdict};
use gatewright_policy::{Catalogue, Question};
use support::{NOW, ask, compile, compile_all, identity, landscape, line, lines, person, source};

const BASE: &str = "version: 1
roles:
  analyst:
    members: [{ issuer: demo, group: analysts }]
    grants:
      - models: [sales-forecast]
        operations: [chat]
        parameters: { max_tokens: { max: 1000, over: clamp } }
      - models: { tag: support }
        operations: [chat]
    datasets: { tickets: { allow: [read] } }
  senior:
    members: [{ issuer: demo, group: seniors }]
    grants:
      - models: [sales-forecast]
        operations: [chat]
        parameters: { max_tokens: { max: 5000, over: clamp }, temperature: { max: 0.5 } }
";

fn base() -> Catalogue {
    compile(BASE).unwrap()
}

fn with_cedar(cedar: &str) -> Catalogue {
    let sources = [source("catalogue.yaml", BASE), source("own.cedar", cedar)];
    compile_all(&sources, &landscape()).unwrap_or_else(|faults| panic!("{}", lines(&faults)))
}

#[test]
fn the_grant_that_changes_least_decides() {
    let catalogue = base();
    let both = person("ann", &["analysts", "seniors"]);
    let chat = ask(Operation::Chat, "sales-forecast");
    let said = |ask: &support::Ask| line(&ask.by(&both, &catalogue));
    assert_eq!(said(&chat.clone().stating(Parameter::MaxTokens, "500")), "allow by analyst/grant-1");
    // Of one clamp and one default, the default changes less.
    let long = chat.clone().stating(Parameter::MaxTokens, "3000");
    assert_eq!(said(&long), "allow by senior/grant-1, temperature Default 0.5");
    // The senior's grant does not allow this temperature; the analyst's clamps.
    let hot = long.stating(Parameter::Temperature, "0.9");
    assert_eq!(said(&hot), "allow by analyst/grant-1, max_tokens Clamped 1000");
}

#[test]
fn a_forbid_beats_every_permit() {
    let catalogue = with_cedar(
        "@id(\"no-finance\") forbid(principal in Role::\"senior\", action, resource in Tag::\"finance\") when { true };",
    );
    let chat = ask(Operation::Chat, "sales-forecast");
    assert_eq!(chat.by(&person("a", &["analysts"]), &catalogue).verdict, Verdict::Allow);
    let both = person("b", &["analysts", "seniors"]);
    assert_eq!(line(&chat.by(&both, &catalogue)), "deny permission_denied by no-finance");
    let rule = &chat.by(&both, &catalogue).rules[0];
    assert_eq!((&*rule.file, rule.line), ("own.cedar", 1));
}

#[test]
fn forbids_are_held_against_what_will_be_sent() {
    let cedar = "@id(\"bounded\") forbid(principal, action == Action::\"chat\", resource)
        unless { context.parameters has max_tokens && context.parameters.max_tokens.at_most <= 1000000000 };";
    let catalogue = with_cedar(cedar);
    let ann = person("ann", &["analysts"]);
    let said = |ask: support::Ask| line(&ask.by(&ann, &catalogue));
    // Filled and clamped values satisfy the rule; where no range fills them, the omission is what is sent.
    assert_eq!(said(ask(Operation::Chat, "sales-forecast")), "allow by analyst/grant-1, max_tokens Default 1000");
    let long = ask(Operation::Chat, "sales-forecast").stating(Parameter::MaxTokens, "9999");
    assert_eq!(said(long), "allow by analyst/grant-1, max_tokens Clamped 1000");
    assert_eq!(said(ask(Operation::Chat, "support-chat")), "deny permission_denied by bounded");
}

#[test]
fn a_forbid_that_cannot_be_evaluated_denies() {
    let cedar = "@id(\"erring\") forbid(principal, action == Action::\"chat\", resource) when { context.now * 6000000 > 5 && context.trust == \"moon\" };";
    let catalogue = with_cedar(cedar);
    let chat = ask(Operation::Chat, "support-chat");
    let ann = person("ann", &["analysts"]);
    let decision = chat.by(&ann, &catalogue);
    assert_eq!(line(&decision), "deny permission_denied by erring");
    assert!(decision.refusal.unwrap().message.contains("could not be evaluated"));
    assert_eq!(chat.at(Timestamp::from_seconds(1)).by(&ann, &catalogue).verdict, Verdict::Allow);
}

#[test]
fn a_permit_that_cannot_be_evaluated_allows_nothing() {
    let cedar = "permit(principal, action == Action::\"chat\", resource) when { context.now * 6000000 > 5 || true };";
    let catalogue = with_cedar(cedar);
    assert_eq!(ask(Operation::Chat, "frontier-large").by(&person("x", &[]), &catalogue).verdict, Verdict::Deny);
}

#[test]
fn unknown_and_forbidden_look_alike() {
    let forbidding = "forbid(principal, action == Action::\"chat\", resource == Model::\"frontier-large\");";
    for catalogue in [base(), with_cedar(forbidding)] {
        let ann = person("ann", &["analysts"]);
        let said = |ask: support::Ask, name: &str| {
            let mut decision = ask.by(&ann, &catalogue);
            let refusal = decision.refusal.as_mut().unwrap();
            refusal.message = refusal.message.replace(name, "NAME");
            decision
        };
        let forbidden = said(ask(Operation::Chat, "frontier-large"), "frontier-large");
        let unknown = said(ask(Operation::Chat, "no-such-model"), "no-such-model");
        assert_eq!(forbidden, unknown);
        let hot = |name: &str| ask(Operation::Chat, name).stating(Parameter::MaxTokens, "-1");
        assert_eq!(said(hot("frontier-large"), "frontier-large"), said(hot("no-such-model"), "no-such-model"));
        let reaching = |name: &str| said(ask(Operation::Chat, "support-chat").reaching(name), name);
        assert_eq!(reaching("payroll"), reaching("no-such-dataset"));
        assert_eq!(reaching("payroll").verdict, Verdict::Deny);
    }
}

#[test]
fn refusals_say_what_would_help() {
    let catalogue = base();
    let told = |ask: support::Ask| ask.by(&person("ann", &["seniors"]), &catalogue).refusal.unwrap();
    let hot = told(ask(Operation::Chat, "sales-forecast").stating(Parameter::Temperature, "0.7"));
    assert_eq!(hot.message, "temperature must be between 0 and 0.5 for you; the request says 0.7.");
    assert_eq!(hot.param.as_deref(), Some("temperature"));
    let denied = told(ask(Operation::Chat, "evil\u{202e}\"\nname"));
    assert_eq!(
        denied.message,
        "You are not permitted to use chat on the model \"evil\\u{202e}\\\"\\nname\", or there is no such model."
    );
    assert!(told(ask(Operation::Chat, &"x".repeat(100_000))).message.len() < 300);
}

#[test]
fn datasets_are_access_questions_too() {
    let catalogue = base();
    let ann = person("ann", &["analysts"]);
    let verdict = |ask: support::Ask| ask.by(&ann, &catalogue).verdict;
    let chat = ask(Operation::Chat, "support-chat");
    assert_eq!(verdict(chat.clone().reaching("tickets")), Verdict::Allow);
    assert_eq!(verdict(chat.clone().reaching("tickets").reaching("payroll")), Verdict::Deny);
    assert_eq!(verdict(ask(Operation::ReadDataset, "").reaching("tickets")), Verdict::Allow);
    assert_eq!(verdict(ask(Operation::WriteDataset, "").reaching("tickets")), Verdict::Deny);
    assert_eq!(verdict(ask(Operation::ReadDataset, "")), Verdict::Deny, "without a dataset there is no question");
    assert_eq!(verdict(ask(Operation::ReadDataset, "support-chat").reaching("tickets")), Verdict::Deny);
    let many = (0..65).fold(chat, |ask, _| ask.reaching("tickets"));
    assert_eq!(line(&many.by(&ann, &catalogue)), "deny too_large by default-deny");
}

const RULES: &str = "
rules:
  - { name: exports, when: { roles: [analyst], prompt: { words: [export] } }, then: { hold: peer } }
  - { name: secrets, when: { prompt: { words: [secret] } }, then: { refuse: true } }
  - { name: cards, when: { models: [sales-forecast], found: [CREDIT_CARD] }, then: { refuse: true } }
approvals:
  peer: { approvers: [{ issuer: demo, group: security }] }
";

#[test]
fn content_rules_hold_and_refuse() {
    let catalogue = compile(&format!("{BASE}{RULES}")).unwrap();
    let (ann, sue) = (person("ann", &["analysts"]), person("sue", &["seniors"]));
    let chat = ask(Operation::Chat, "sales-forecast")
        .stating(Parameter::MaxTokens, "10")
        .stating(Parameter::Temperature, "0.1");
    let said = |ask: support::Ask, who| line(&ask.by(who, &catalogue));
    assert_eq!(said(chat.clone().matching("exports"), &ann), "hold approval_pending by exports");
    assert_eq!(said(chat.clone().matching("exports"), &sue), "allow by senior/grant-1", "the rule is about analysts");
    assert_eq!(said(chat.clone().matching("exports").approved("exports"), &ann), "allow by analyst/grant-1");
    assert_eq!(said(chat.clone().matching("exports").approved("secrets"), &ann), "hold approval_pending by exports");
    assert_eq!(said(chat.clone().matching("exports").matching("secrets"), &ann), "deny blocked_content by secrets");
    assert_eq!(said(chat.clone().matching("secrets").approved("secrets"), &ann), "deny blocked_content by secrets");
    let mut card = chat.clone();
    card.found.push(1);
    assert_eq!(said(card, &ann), "deny permission_denied by cards");
    let held = chat.clone().matching("exports").by(&ann, &catalogue);
    assert_eq!(
        held.refusal.unwrap().message,
        "Held by rule exports. A person has to approve this call before it can run."
    );
    assert_eq!(catalogue.approval_of(&RuleName::from("exports")).unwrap().name, "peer");
    assert!(catalogue.approval_of(&RuleName::from("secrets")).is_none());
    // What was found by other rules than these cannot be judged, and does not count as nothing.
    assert_eq!(said(chat.clone().matching("unheard-of"), &ann), "deny not_ready by default-deny");
    let mut strange = chat;
    strange.found.push(999);
    assert_eq!(said(strange, &ann), "deny not_ready by default-deny");
}

#[test]
fn a_rule_that_alerts_decides_nothing_and_is_told_of_the_calls_that_it_is_about() {
    let alert = "rules:
  - { name: tone, when: { roles: [analyst], prompt: { words: [x] }, answer: { words: [x] } }, then: { alert: true } }
  - { name: codes, when: { answer: { words: [x] } }, then: { refuse: true } }
";
    let catalogue = compile(&format!("{BASE}{alert}")).unwrap();
    let (ann, sue) = (person("ann", &["analysts"]), person("sue", &["seniors"]));
    let chat = ask(Operation::Chat, "sales-forecast")
        .stating(Parameter::MaxTokens, "10")
        .stating(Parameter::Temperature, "0.1");
    let names = |rules: &[RuleName]| rules.iter().map(|rule| rule.as_str().to_owned()).collect::<Vec<_>>().join(",");
    let told = |ask: support::Ask, who| {
        let decision = ask.by(who, &catalogue);
        let rules =
            [&decision.prompt_alerts, &decision.answer_alerts, &decision.answer_rules].map(|rules| names(rules));
        format!("{}: {}", line(&decision), rules.join(" | "))
    };
    assert_eq!(told(chat.clone(), &ann), "allow by analyst/grant-1:  | tone | codes");
    assert_eq!(told(chat.clone().matching("tone"), &ann), "allow by analyst/grant-1: tone | tone | codes");
    assert_eq!(told(chat.matching("tone"), &sue), "allow by senior/grant-1:  |  | codes", "the rule is about analysts");
    for (rule, words) in [
        ("when: { models: [sales-forecast] }, then: { alert: true }", "needs a `prompt` or an `answer`"),
        ("when: { prompt: { words: [x] } }, then: { alert: false }", "`then` is"),
        ("when: { prompt: { words: [x] } }, then: { alert: true, refuse: true }", "`then` is"),
    ] {
        let faults = compile(&format!("{BASE}rules: [{{ name: r, {rule} }}]\n")).unwrap_err();
        assert!(faults.contains(words), "{rule}: {faults}");
    }
}

#[test]
fn budgets_of_cost_warn_of_models_without_a_price() {
    let budgets = "budgets: { spend: { cost: 5, per: day }, calls: { requests: 5, per: day } }\n";
    let catalogue = compile(&format!("{BASE}{budgets}")).unwrap();
    let warned = catalogue.unpriced(|name| name.as_str() == "sales-forecast");
    assert_eq!(warned.len(), 1, "{}", lines(&warned));
    assert!(lines(&warned).contains("the budget budgets/spend counts cost"), "{}", lines(&warned));
    assert!(!lines(&warned).contains("sales-forecast") && catalogue.unpriced(|_| true).is_empty());
}

#[test]
fn who_could_not_use_a_model_is_not_told_of_its_rules() {
    let catalogue = compile(&format!("{BASE}{RULES}")).unwrap();
    let nobody = person("nobody", &[]);
    let asked = ask(Operation::Chat, "sales-forecast").matching("secrets").by(&nobody, &catalogue);
    assert_eq!(line(&asked), "deny permission_denied about model by default-deny");
}

#[test]
fn time_windows_open_and_close_without_new_roles() {
    let from = "2026-11-22T00:30:00Z";
    let until = "2026-11-22T01:00:00Z";
    let catalogue = compile(&format!(
        "version: 1
roles:
  night:
    valid: {{ from: \"{from}\", until: \"{until}\" }}
    members: [{{ issuer: demo, group: night }}]
    grants: [{{ models: [text-embed], operations: [embed] }}]
    admin: [records.read]
  day:
    members: [{{ issuer: demo, group: night, valid: {{ from: \"{until}\" }} }}]
    grants: [{{ models: [support-chat], operations: [chat], valid: {{ until: \"2026-11-22T02:00:00Z\" }} }}]
"
    ))
    .unwrap();
    let owl = person("owl", &["night"]);
    let opening = Timestamp::from_seconds(1_795_307_400);
    assert_eq!(opening.to_string(), "2026-11-22T00:30:00.000Z");
    let before = Timestamp::from_micros(opening.micros() - 1);
    let closing = opening.plus(Duration::from_secs(1_800));
    let over = closing.plus(Duration::from_secs(3_600));
    // Found once, long before: as a cache would keep them.
    let roles = catalogue.roles_of(&owl, Timestamp::from_seconds(0));
    let landscape = landscape();
    let verdict = |operation, at: usize, now| {
        let terms = ask(operation, landscape.models[at].name.as_str()).terms;
        let question = Question {
            identity: &owl,
            roles: &roles,
            now,
            terms: &terms,
            model: Some(&landscape.models[at]),
            trust: Trust::Internal,
            matched: &[],
            found: &[],
            approvals: &[],
        };
        catalogue.decide(&question).verdict
    };
    let embed = [before, opening, closing].map(|now| verdict(Operation::Embed, 2, now));
    assert_eq!(embed, [Verdict::Deny, Verdict::Allow, Verdict::Deny]);
    let chat = [opening, closing, over].map(|now| verdict(Operation::Chat, 1, now));
    assert_eq!(chat, [Verdict::Deny, Verdict::Allow, Verdict::Deny]);
    let admin =
        [before, opening, closing].map(|now| catalogue.permits_admin(&owl, &roles, now, "records.read").verdict);
    assert_eq!(admin, [Verdict::Deny, Verdict::Allow, Verdict::Deny]);
    assert_eq!(roles.names(before).len(), 0);
    assert_eq!(catalogue.models_for(&owl, &roles, opening).len(), 1);
}

#[test]
fn roles_of_another_catalogue_or_caller_count_for_nothing() {
    let (old, new) = (base(), compile(&BASE.replace("group: analysts", "group: others")).unwrap());
    let landscape = landscape();
    let terms = ask(Operation::Chat, "sales-forecast").terms;
    let verdict = |catalogue: &Catalogue, identity, roles| {
        let question = Question {
            identity,
            roles,
            now: NOW,
            terms: &terms,
            model: Some(&landscape.models[0]),
            trust: Trust::Internal,
            matched: &[],
            found: &[],
            approvals: &[],
        };
        catalogue.decide(&question).verdict
    };
    let (ann, eve) = (person("ann", &["analysts"]), person("eve", &[]));
    let roles = old.roles_of(&ann, NOW);
    assert_eq!(verdict(&old, &ann, &roles), Verdict::Allow);
    assert_eq!(verdict(&new, &ann, &roles), Verdict::Deny);
    assert_eq!(verdict(&old, &eve, &roles), Verdict::Deny);
}

#[test]
fn membership_takes_every_test() {
    let catalogue = compile(
        "version: 1
roles:
  all: { members: [{ issuer: ci, claims: { /repo: \"7\", /ref: main }, group: bots, kind: person }] }
  any: { members: [{ issuer: ci, claims: { /repo: 7 } }, { issuer: demo, subject: root }] }
  everyone: { members: [{ issuer: ci, everyone: true }] }
  machines: { members: [{ issuer: ci, everyone: true, kind: workload }] }
",
    )
    .unwrap();
    let roles = |identity| {
        let roles = catalogue.roles_of(&identity, NOW);
        roles.names(NOW).iter().map(|name| name.as_str().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(roles(identity("ci", "x", &["bots"], &[("/repo", "7"), ("/ref", "main")])), "all any everyone");
    assert_eq!(roles(identity("ci", "x", &[], &[("/repo", "7"), ("/ref", "main")])), "any everyone");
    assert_eq!(roles(identity("ci", "x", &["bots"], &[("/repo", "7")])), "any everyone");
    assert_eq!(roles(identity("ci", "root", &["Bots"], &[])), "everyone");
    assert_eq!(roles(identity("demo", "root", &["bots"], &[("/repo", "7")])), "any");
    assert_eq!(roles(identity("elsewhere", "root", &["bots"], &[("/repo", "7")])), "");
}

#[test]
fn exposure_is_masked_unless_permitted() {
    use Treatment::{Keep, Partial, Redact, Token};
    let catalogue = compile_all(
        &[
            source(
                "catalogue.yaml",
                "version: 1
masking: { external: { in: token, out: partial } }
roles:
  r:
    members: [{ issuer: demo, group: g }]
    grants: [{ models: [sales-forecast, frontier-large], operations: [chat] }]
    disclose: [EMAIL_ADDRESS, US_SSN]
    reveal: [CREDIT_CARD]
",
            ),
            source(
                "own.cedar",
                "forbid(principal, action == Action::\"disclose\", resource == InfoType::\"US_SSN\") when { context.trust == \"external\" };",
            ),
        ],
        &landscape(),
    )
    .unwrap();
    let member = person("m", &["g"]);
    let outside = ask(Operation::Chat, "frontier-large").by(&member, &catalogue);
    assert_eq!(outside.request.to_vec(), [Keep, Token, Token]);
    assert_eq!(outside.reply.to_vec(), [Partial, Keep, Partial]);
    let inside = ask(Operation::Chat, "sales-forecast").by(&member, &catalogue);
    assert_eq!(inside.request.to_vec(), [Keep, Keep, Keep]);
    assert_eq!(inside.reply.to_vec(), [Redact, Keep, Redact]);
    let stranger = ask(Operation::Chat, "frontier-large").by(&person("s", &[]), &catalogue);
    assert_eq!(stranger.request.to_vec(), [Token, Token, Token]);
    assert_eq!(stranger.reply.to_vec(), [Partial, Partial, Partial]);
}

#[test]
fn a_treatment_is_chosen_by_info_type_and_by_role() {
    use Treatment::{Alert, Block, Partial, Pseudonym, Redact, Token};
    let catalogue = compile_all(
        &[source(
            "catalogue.yaml",
            "version: 1
masking:
  external: { in: token, out: redact, types: { US_SSN: { in: block }, CREDIT_CARD: { in: partial, out: partial } } }
  embed: { types: { US_SSN: { in: redact } } }
roles:
  loose:
    members: [{ issuer: demo, group: loose }]
    masking: { external: { in: alert, types: { CREDIT_CARD: { in: alert } } } }
  strict:
    members: [{ issuer: demo, group: strict }]
    masking: { external: { types: { CREDIT_CARD: { in: redact } } } }
",
        )],
        &landscape(),
    )
    .unwrap();
    let treatments = |groups: &[&str], operation| {
        let member = person("m", groups);
        let decided = ask(operation, "frontier-large").by(&member, &catalogue);
        (decided.request.to_vec(), decided.reply.to_vec())
    };
    // In the landscape's order: EMAIL_ADDRESS, CREDIT_CARD, US_SSN.
    assert_eq!(treatments(&[], Operation::Chat), (vec![Token, Partial, Block], vec![Redact, Partial, Redact]));
    // What a role says of all types gives way to what the catalogue says of one.
    assert_eq!(treatments(&["loose"], Operation::Chat).0, [Alert, Alert, Block]);
    // Of two roles that speak of the same type, the one that hides more counts.
    assert_eq!(treatments(&["loose", "strict"], Operation::Chat).0, [Alert, Redact, Block]);
    assert_eq!(treatments(&["strict"], Operation::Embed).0, [Pseudonym, Pseudonym, Redact]);
}

#[test]
fn tools_are_given_values_only_where_the_caller_may_see_them_too() {
    use Treatment::{Keep, Redact};
    let catalogue = compile_all(
        &[source(
            "catalogue.yaml",
            "version: 1
roles:
  r:
    members: [{ issuer: demo, group: g }]
    reveal: [EMAIL_ADDRESS, US_SSN]
    reveal_to_tools: [EMAIL_ADDRESS, CREDIT_CARD]
",
        )],
        &landscape(),
    )
    .unwrap();
    let decided = ask(Operation::Chat, "frontier-large").by(&person("m", &["g"]), &catalogue);
    assert_eq!(decided.reply.to_vec(), [Keep, Redact, Keep]);
    assert_eq!(decided.tools.to_vec(), [Keep, Redact, Redact]);
    let stranger = ask(Operation::Chat, "frontier-large").by(&person("s", &[]), &catalogue);
    assert_eq!(stranger.tools.to_vec(), [Redact, Redact, Redact]);
}

#[test]
fn the_list_of_models_shows_what_could_be_used() {
    let cedar = "forbid(principal, action == Action::\"chat\", resource == Model::\"sales-forecast\");
        forbid(principal in Role::\"analyst\", action in [Action::\"list-models\", Action::\"describe-model\"], resource == Model::\"sales-forecast\");";
    let (plain, forbidding) = (base(), with_cedar(cedar));
    let ann = person("ann", &["analysts"]);
    let seen = |catalogue: &Catalogue| {
        let roles = catalogue.roles_of(&ann, NOW);
        catalogue.models_for(&ann, &roles, NOW).iter().map(|name| name.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(seen(&plain), ["sales-forecast", "support-chat"]);
    assert_eq!(seen(&forbidding), ["support-chat"]);
    let outright = "forbid(principal, action == Action::\"list-models\", resource is Model) when { context.caller.subject == \"ann\" };";
    let hidden = with_cedar(outright);
    assert_eq!(seen(&hidden), Vec::<String>::new());
    assert_eq!(ask(Operation::ListModels, "").by(&ann, &hidden).verdict, Verdict::Deny);
    assert_eq!(ask(Operation::ListModels, "").by(&person("eva", &["analysts"]), &hidden).verdict, Verdict::Allow);
    assert_eq!(ask(Operation::DescribeModel, "sales-forecast").by(&ann, &plain).verdict, Verdict::Allow);
    assert_eq!(ask(Operation::DescribeModel, "frontier-large").by(&ann, &plain).verdict, Verdict::Deny);
}

#[test]
fn a_grant_that_is_over_tells_nothing() {
    let text = BASE.replace("models: { tag: support }\n        operations: [chat]", "models: { tag: support }\n        operations: [chat]\n        parameters: { n: { max: 1 } }\n        valid: { until: 2026-01-01 }");
    let catalogue = compile(&text).unwrap();
    let many = ask(Operation::Chat, "support-chat").stating(Parameter::N, "5");
    let ann = person("ann", &["analysts"]);
    assert_eq!(line(&many.by(&ann, &catalogue)), "deny permission_denied about model by default-deny");
    let earlier = many.at(Timestamp::from_seconds(1_700_000_000));
    assert_eq!(line(&earlier.by(&ann, &catalogue)), "deny invalid_request about n by analyst/grant-2");
}
