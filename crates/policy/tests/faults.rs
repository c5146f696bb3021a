//! Every fault is told with its place, and all of them at once.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

mod support;

use support::{compile, compile_all, landscape, lines, source};

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(compile(text).err().unwrap_or_else(|| "no fault".to_owned()), expected);
}

/// Faults of a Cedar file beside a small catalogue.
#[track_caller]
fn check_cedar(cedar: &str, expected: &str) {
    let yaml = "version: 1\nroles:\n  r: { members: [{ issuer: demo, group: g }] }\nrules:\n  - { name: words, when: { prompt: { words: [x] } }, then: { hold: peer } }\napprovals:\n  peer: { approvers: [{ issuer: demo, group: g }] }\n";
    let result = compile_all(&[source("catalogue.yaml", yaml), source("own.cedar", cedar)], &landscape());
    assert_eq!(result.map_or_else(|faults| lines(&faults), |_| "no fault".to_owned()), expected);
}

#[test]
fn all_faults_are_told_at_once() {
    check(
        "version: 1
rolls: {}
roles:
  analyst:
    members: [{ issuer: nowhere, group: a }, { group: b }, { issuer: demo }]
    grant: []
    grants:
      - models: [gpt-4*]
        operations: [chat, chatter]
        parameters: { max_tokens: { max: 10, min: 20 }, temprature: { max: 1 }, n: { max: 1.5 } }
  analyst: {}
",
        "catalogue.yaml:2:1: unknown key \"rolls\"; known here: version, detectors, masking, roles, rules, approvals, budgets
catalogue.yaml:5:46: a member needs its `issuer`, since a group or a claim means nothing without one
catalogue.yaml:5:60: a member needs `group`, `subject` or `claims`; for every caller of the issuer, `everyone: true`
catalogue.yaml:6:5: unknown key \"grant\"; known here: description, members, grants, datasets, reveal, reveal_to_tools, disclose, masking, admin, budget, valid, request
catalogue.yaml:8:18: \"gpt-4*\": models have no wildcards; name each, or select by {tag: …}
catalogue.yaml:9:28: unknown operation \"chatter\"; known here: chat, complete, embed, rerank, transcribe, speak, image, classify, infer, list-models, describe-model, load-model, unload-model, pull-model, create-model, copy-model, delete-model, manage-adapters, configure-model, export-weights, fine-tune, batch, files, and the groups inference, manage-model
catalogue.yaml:10:23: max_tokens allows nothing: its min 20 is above its max 10
catalogue.yaml:10:57: unknown parameter \"temprature\"; known: max_tokens, temperature, top_p, top_k, n, frequency_penalty, presence_penalty, logprobs, top_logprobs, seed, tools, dimensions, inputs
catalogue.yaml:10:91: n is a whole number
catalogue.yaml:11:3: \"analyst\" stands twice; it is first on line 4
",
    );
}

#[test]
fn names_that_nothing_declares_are_faults() {
    check(
        "version: 1
roles:
  analyst:
    members: [{ issuer: nowhere, group: a }]
    grants: [{ models: [sales, {connection: nope}], operations: [chat] }]
    datasets: { tickts: { allow: [read] } }
    reveal: [EMAIL]
rules:
  - { name: a, when: { roles: [analist], models: [{tag: nope}] }, then: { refuse: true } }
approvals:
  peer: { approvers: [{ issuer: corp, group: security }] }
",
        "catalogue.yaml:4:25: unknown issuer \"nowhere\"; known: ci, demo
catalogue.yaml:5:25: no model is called \"sales\"
catalogue.yaml:5:32: no connection with a model is called \"nope\"
catalogue.yaml:6:17: unknown dataset \"tickts\"; known: payroll, tickets
catalogue.yaml:7:14: unknown info type \"EMAIL\"; known: CREDIT_CARD, EMAIL_ADDRESS, US_SSN
catalogue.yaml:9:32: unknown role \"analist\"; known: analyst
catalogue.yaml:9:51: no model has the tag \"nope\"
catalogue.yaml:11:33: unknown issuer \"corp\"; known: ci, demo
",
    );
}

#[test]
fn what_would_mean_something_else_than_its_writer_thought_is_a_fault() {
    let rule = |rule: &str| format!("version: 1\nrules:\n  - {rule}\n");
    check(
        &rule("{ name: a, when: {}, then: { refuse: true } }"),
        "catalogue.yaml:3:5: `when` is empty, so this rule would stop every call; say which calls it is about\n",
    );
    check(
        &rule("{ name: a, when: { roles: [] }, then: { refuse: true } }"),
        "catalogue.yaml:3:24: \"roles\" is empty; leave it out where it should not narrow\n",
    );
    check(
        &rule("{ name: a, when: { answer: { words: [x] } }, then: { hold: peer } }"),
        "catalogue.yaml:3:64: an answer that is on its way cannot wait for a person: `then: { refuse: true }` or `{ alert: true }`\ncatalogue.yaml:3:64: no approval is called \"peer\"\n",
    );
    check(
        &rule("{ name: a, when: { prompt: { words: [x] } }, then: { refuse: no } }"),
        "catalogue.yaml:3:66: expected true or false, found text\n",
    );
    check(
        &rule("{ name: default-deny, when: { prompt: { words: [x] } }, then: { refuse: true } }"),
        "catalogue.yaml:3:13: \"default-deny\" cannot be a rule's name\n",
    );
    let parameters = |written: &str| {
        format!(
            "version: 1\nroles:\n  r:\n    members: [{{ issuer: demo, group: g }}]\n    grants:\n      - models: [text-embed]\n        operations: [embed]\n        parameters: {{ {written} }}\n"
        )
    };
    let fault = |column: u32, message: &str| format!("catalogue.yaml:8:{column}: {message}\n");
    check(&parameters("max_tokens: { min: -1 }"), &fault(23, "max_tokens cannot be below 1"));
    check(&parameters("max_tokens: {}"), &fault(23, "max_tokens needs `min`, `max` or `default`"));
    check(
        &parameters("temperature: { max: 0.1234567 }"),
        &fault(43, "expected a number with at most six decimals, between -9.2e12 and 9.2e12"),
    );
    check(
        &parameters("max_tokens: { max: 10, default: 20 }"),
        &fault(23, "max_tokens has the default 20, which its own range does not allow"),
    );
    check(
        &parameters("tools: { max: 1, over: clamp }"),
        &fault(23, "tools is counted from the request: it can be refused, not set or clamped"),
    );
    check(
        "version: 1\napprovals:\n  peer: { need: 0 }\n  none: { need: 1 }\n",
        "catalogue.yaml:3:3: `need: 0` lifts the hold by itself; it takes `reason: required`\ncatalogue.yaml:4:3: nobody could approve: name `approvers`, or write `need: 0` with `reason: required`\n",
    );
    check(
        "version: 1\nroles:\n  r:\n    members: [{ issuer: demo, group: g }]\n    valid: { from: 2026-02-01, until: 2026-01-01 }\n",
        "catalogue.yaml:5:12: this window is never open: `until` is not after `from`\n",
    );
}

#[test]
fn a_member_with_a_test_that_cannot_be_read_is_no_wider_member() {
    let text = "version: 1\nroles:\n  r: { members: [{ issuer: demo, group: 5, subject: s }] }\n";
    check(text, "catalogue.yaml:3:41: expected text, found a number\n");
}

#[test]
fn syntax_and_shape() {
    let broken = compile("version: 1\nroles:\n  a: [\n").unwrap_err();
    assert!(broken.starts_with("catalogue.yaml:") && broken.contains("not the YAML"), "{broken}");
    check("version: 2\n", "catalogue.yaml:1:10: this program reads version 1 of the catalogue\n");
    check("roles: {}\n", "catalogue.yaml:1:1: a catalogue begins with `version: 1`\n");
    check("version: 1\nroles: [a]\n", "catalogue.yaml:2:8: expected a mapping, found a list\n");
    let anchors = compile("version: 1\nroles:\n  a: &a { members: [] }\n  b: { <<: *a }\n").unwrap_err();
    assert!(anchors.contains("not the YAML"), "merge keys are refused: {anchors}");
    let deep = format!("version: 1\nroles: {}1{}\n", "[".repeat(100), "]".repeat(100));
    assert!(compile(&deep).unwrap_err().contains("not the YAML"));
    let bomb = format!("a: &a [x,x,x,x]\n{}", (0..2_000).map(|n| format!("k{n}: *a\n")).collect::<String>());
    assert!(compile(&bomb).unwrap_err().contains("not the YAML"));
}

#[test]
fn files_of_a_folder_do_not_contradict_each_other() {
    let one = "version: 1\nmasking: {}\nroles:\n  a: { members: [{ issuer: demo, group: a }] }\n";
    let sources = [source("b.yaml", one), source("a.yaml", one)];
    let faults = compile_all(&sources, &landscape()).map_err(|faults| lines(&faults)).unwrap_err();
    assert_eq!(
        faults,
        "b.yaml:2:10: `masking` stands in a.yaml already\nb.yaml:4:3: the role \"a\" stands in a.yaml:4 already\n"
    );
    let one = source("a.yaml", "version: 1\nroles:\n  a: { members: [{ issuer: demo, group: a }] }\n");
    let two = source("b.yaml", "version: 1\nroles:\n  b: { members: [{ issuer: demo, group: b }] }\n");
    let ordered = compile_all(&[one.clone(), two.clone()], &landscape()).unwrap();
    let reversed = compile_all(&[two, one], &landscape()).unwrap();
    assert_eq!(ordered.digest(), reversed.digest());
    assert_eq!(ordered.roles(), reversed.roles());
}

#[test]
fn cedar_files_are_held_against_the_schema_and_the_configuration() {
    check_cedar(
        "permit(principal in Role::\"r\", action == Action::\"chat\", resource == Model::\"text-embed\");",
        "no fault",
    );
    check_cedar(
        "// a comment\npermit(principal, action == Action::\"chat\" resource);",
        "own.cedar:2:44: unexpected token `resource`: expected `!=`, `&&`, `(`, `)`, `*`, `+`, `,`, `-`, `.`, `<`, `<=`, `==`, `>`, `>=`, `[`, `||`, `has`, `in`, `is`, or `like`\n",
    );
    check_cedar(
        "permit(principal,\n  action == Action::\"chat\", resource) when { context.tokens > 5 };",
        "own.cedar:2:46: for policy `policy0`, attribute `tokens` in context for Action::\"chat\" not found (did you mean `found`?)\n",
    );
    check_cedar(
        "permit(principal in Role::\"nobody\", action == Action::\"chat\", resource == Model::\"none\");",
        "own.cedar:1: there is no Model::\"none\" in the configuration\n",
    );
    check_cedar(
        "permit(principal in Role::\"nobody\", action == Action::\"chat\", resource);",
        "own.cedar:1: there is no role \"nobody\" in the catalogue\n",
    );
    check_cedar(
        "\n\nforbid(principal == User::\"demo/alice\", action == Action::\"chat\", resource);",
        "own.cedar:3: a policy is for everybody (`principal`) or for a role (`principal in Role::\"…\"`)\n",
    );
    check_cedar(
        "forbid(principal, action == Action::\"chat\", resource) when { principal in Role::\"r\" };",
        "own.cedar:1: conditions cannot speak of `principal`: name the role in the scope (`principal in Role::\"…\"`), or ask `context.caller`\n",
    );
    check_cedar(
        "permit(principal == ?principal, action, resource);",
        "own.cedar:1: templates have no place in a catalogue: write the policy out\n",
    );
    check_cedar(
        "@aproval(\"peer\")\nforbid(principal, action == Action::\"chat\", resource);",
        "own.cedar:1: unknown annotation @aproval; known: @id, @approval, @description\n",
    );
    check_cedar(
        "@approval(\"nobody\")\nforbid(principal, action == Action::\"chat\", resource);\n@id(\"words\") permit(principal, action == Action::\"chat\", resource);",
        "own.cedar:1: no approval is called \"nobody\"\nown.cedar:3: a rule called \"words\" stands elsewhere already\n",
    );
    check_cedar(
        "forbid(principal, action == Action::\"chat\", resource) when { context.matched.contains(\"wrods\") };",
        "own.cedar:1: no rule with a `prompt` is called \"wrods\"\n",
    );
}

#[test]
fn a_policy_that_can_never_apply_is_refused() {
    let yaml = "version: 1\nroles:\n  r: { members: [{ issuer: demo, group: g }] }\n";
    let cedar = "forbid(principal, action == Action::\"chat\", resource == Dataset::\"tickets\");";
    let sources = [source("catalogue.yaml", yaml), source("own.cedar", cedar)];
    let faults = lines(&compile_all(&sources, &landscape()).unwrap_err());
    assert!(faults.starts_with("own.cedar:1:"), "{faults}");
}

#[test]
fn what_would_slow_every_call_is_warned_of() {
    let yaml = "version: 1\nroles:\n  r: { members: [{ issuer: demo, group: g }] }\n";
    let warnings = |cedar: &str| {
        let sources = [source("catalogue.yaml", yaml), source("own.cedar", cedar)];
        lines(compile_all(&sources, &landscape()).unwrap().warnings())
    };
    let scope = "(principal, action == Action::\"chat\", resource is Model)";
    let listed =
        format!("\nforbid{scope} when {{ [Model::\"text-embed\", Model::\"support-chat\"].contains(resource) }};");
    assert_eq!(warnings(&listed), "");
    let hidden =
        format!("\nforbid{scope} when {{ resource == Model::\"text-embed\" || resource == Model::\"support-chat\" }};");
    assert!(warnings(&hidden).starts_with("own.cedar:2: written as alternatives"), "{}", warnings(&hidden));
    let thirty: String = (0..30).map(|at| format!("forbid{scope} when {{ context.now > {at} }};\n")).collect();
    assert_eq!(warnings(&thirty), "");
    let more = format!("{thirty}forbid{scope} when {{ context.now > 30 }};\n");
    assert!(warnings(&more).starts_with("own.cedar:1: 31 rules with conditions about chat"), "{}", warnings(&more));
}

#[test]
fn what_is_not_enforced_or_has_no_effect_is_warned_of() {
    let text = "version: 1
roles:
  r:
    grants: [{ models: { tag: later }, operations: [chat, files] }]
    budget: { requests: 10, per: hour }
";
    assert_eq!(
        lines(compile(text).unwrap().warnings()),
        "catalogue.yaml:3:3: nobody has the role \"r\": it has no `members`
catalogue.yaml:4:14: `files` is granted, but no protocol of this version names a model for it, so it stays denied
catalogue.yaml:4:24: no model has the tag \"later\"
"
    );
}
