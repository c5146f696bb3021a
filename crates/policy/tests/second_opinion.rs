//! A second evaluator of the catalogue that shares nothing with the first: it reads the YAML into plain maps by its own
//! eyes and answers from the page's words, without Cedar and without an index. Both must agree on every question.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail by panicking")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use gatewright_model::{Operation, Parameter, Quantity, Timestamp, Verdict};
use gatewright_policy::Catalogue;
use serde::Deserialize;
use support::{NOW, ask, compile, identity};

const CATALOGUES: usize = 250;
const QUESTIONS: usize = 400;

// What is written, as maps. Nothing of the product's own reading is used.

#[derive(Deserialize)]
struct File {
    roles: BTreeMap<String, Role>,
    #[serde(default)]
    rules: Vec<RuleOf>,
}

#[derive(Deserialize)]
struct Role {
    members: Vec<Member>,
    #[serde(default)]
    grants: Vec<Grant>,
    #[serde(default)]
    datasets: BTreeMap<String, Dataset>,
}

#[derive(Deserialize)]
struct Member {
    issuer: String,
    group: Option<String>,
    claims: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Grant {
    models: Vec<Select>,
    operations: Vec<String>,
    #[serde(default)]
    parameters: BTreeMap<String, Bounds>,
    valid: Option<Valid>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Select {
    Name(String),
    Tag { tag: String },
    Connection { connection: String },
}

#[derive(Deserialize)]
struct Bounds {
    min: Option<i64>,
    max: Option<i64>,
    over: Option<String>,
}

#[derive(Deserialize)]
struct Valid {
    until: String,
}

#[derive(Deserialize)]
struct Dataset {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct RuleOf {
    name: String,
    when: When,
    then: Then,
}

#[derive(Deserialize)]
struct When {
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    models: Vec<Select>,
    #[serde(default)]
    operations: Vec<String>,
    #[serde(default)]
    found: Vec<String>,
    prompt: Option<BTreeMap<String, Vec<String>>>,
}

#[derive(Deserialize)]
struct Then {
    hold: Option<String>,
}

/// The models of the tests' landscape, by the eyes of this file.
const MODELS: [(&str, &str, &[&str]); 4] = [
    ("sales-forecast", "inside", &["finance"]),
    ("support-chat", "inside", &["support"]),
    ("text-embed", "inside", &[]),
    ("frontier-large", "outside", &["finance", "frontier"]),
];
const DATASETS: [&str; 2] = ["tickets", "payroll"];
const TYPES: [&str; 3] = ["EMAIL_ADDRESS", "CREDIT_CARD", "US_SSN"];
const INFERENCE: [&str; 9] =
    ["chat", "complete", "embed", "rerank", "transcribe", "speak", "image", "classify", "infer"];
const MANAGE: [&str; 7] =
    ["load-model", "unload-model", "pull-model", "create-model", "copy-model", "delete-model", "manage-adapters"];

/// A question in this file's own words.
#[derive(Debug)]
struct Asked {
    groups: Vec<String>,
    claim: Option<String>,
    operation: String,
    model: Option<String>,
    datasets: Vec<String>,
    stated: BTreeMap<String, i64>,
    matched: Vec<String>,
    found: Vec<String>,
    approved: Vec<String>,
    late: Late,
}

/// Whether the windows of the generated catalogues are over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Late {
    Not,
    Over,
}

impl File {
    /// The verdict, from the page's words.
    fn verdict(&self, asked: &Asked) -> &'static str {
        let held: Vec<&String> = self
            .roles
            .iter()
            .filter(|(_, role)| role.members.iter().any(|member| member.is(asked)))
            .map(|(name, _)| name)
            .collect();
        let of_dataset = asked.operation.ends_with("-dataset");
        if of_dataset && (asked.datasets.is_empty() || asked.model.is_some()) {
            return "deny";
        }
        let mut verdict = "allow";
        if !of_dataset {
            let Some(model) = asked.model.as_deref().and_then(facts) else { return "deny" };
            let allowed = held.iter().any(|role| self.roles[*role].allows_model(asked, model));
            verdict = worst(verdict, if allowed { self.ruled(asked, &held, Some(model)) } else { "deny" });
        }
        for dataset in &asked.datasets {
            let right = match asked.operation.as_str() {
                "write-dataset" => "write",
                "administer-dataset" => "administer",
                "export-dataset" => "export",
                _ => "read",
            };
            let known = DATASETS.contains(&dataset.as_str());
            let allowed = held.iter().any(|role| {
                self.roles[*role].datasets.get(dataset).is_some_and(|grant| grant.allow.iter().any(|may| may == right))
            });
            let operation = if of_dataset { asked.operation.as_str() } else { "read-dataset" };
            let answer = if known && allowed { self.ruled_dataset(asked, &held, operation) } else { "deny" };
            verdict = worst(verdict, answer);
        }
        verdict
    }

    fn ruled(&self, asked: &Asked, held: &[&String], model: Option<(&str, &str, &[&str])>) -> &'static str {
        let mut verdict = "allow";
        for rule in &self.rules {
            let operations = &rule.when.operations;
            let about = operations.is_empty() || covers(operations, &asked.operation);
            let harmless =
                operations.is_empty() && ["list-models", "describe-model"].contains(&asked.operation.as_str());
            let models = rule.when.models.is_empty()
                || model.is_some_and(|model| rule.when.models.iter().any(|select| select.is(model)));
            if about && !harmless && models && rule.fires(asked, held) {
                verdict = worst(verdict, rule.then.verdict());
            }
        }
        verdict
    }

    fn ruled_dataset(&self, asked: &Asked, held: &[&String], operation: &str) -> &'static str {
        let mut verdict = "allow";
        for rule in &self.rules {
            let operations = &rule.when.operations;
            let about = operations.is_empty() || covers(operations, operation);
            if about && rule.when.models.is_empty() && rule.fires(asked, held) {
                verdict = worst(verdict, rule.then.verdict());
            }
        }
        verdict
    }
}

impl RuleOf {
    /// Roles, texts and approvals; what it is about was looked at.
    fn fires(&self, asked: &Asked, held: &[&String]) -> bool {
        (self.when.roles.is_empty() || self.when.roles.iter().any(|role| held.contains(&role)))
            && (self.when.found.is_empty() || self.when.found.iter().any(|found| asked.found.contains(found)))
            && (self.when.prompt.is_none() || asked.matched.contains(&self.name))
            && !(self.then.hold.is_some() && asked.approved.contains(&self.name))
    }
}

impl Then {
    fn verdict(&self) -> &'static str {
        if self.hold.is_some() { "hold" } else { "deny" }
    }
}

impl Member {
    fn is(&self, asked: &Asked) -> bool {
        self.issuer == "demo"
            && self.group.as_ref().is_none_or(|group| asked.groups.contains(group))
            && self.claims.as_ref().is_none_or(|claims| claims.get("/team") == asked.claim.as_ref())
    }
}

impl Role {
    fn allows_model(&self, asked: &Asked, model: (&str, &str, &[&str])) -> bool {
        self.grants.iter().any(|grant| {
            let sees = ["list-models", "describe-model"].contains(&asked.operation.as_str())
                && grant.operations.iter().any(|named| named == "inference" || INFERENCE.contains(&named.as_str()));
            let names = covers(&grant.operations, &asked.operation);
            let open = asked.late == Late::Not || grant.valid.is_none();
            let in_range = || grant.parameters.iter().all(|(name, bounds)| bounds.admit(name, asked));
            grant.models.iter().any(|select| select.is(model)) && open && ((names && in_range()) || (sees && !names))
        })
    }
}

impl Bounds {
    /// A stated value outside is refused, unless it is clamped; below 1 it means "without limit", which never passes.
    fn admit(&self, name: &str, asked: &Asked) -> bool {
        let lowest = if name == "temperature" { 0 } else { 1 };
        match asked.stated.get(name) {
            None => true,
            Some(stated) if self.over.as_deref() == Some("clamp") => *stated >= lowest,
            Some(stated) => {
                *stated >= lowest
                    && self.min.is_none_or(|min| *stated >= min)
                    && self.max.is_none_or(|max| *stated <= max)
            }
        }
    }
}

impl Valid {
    fn text(&self) -> &str {
        &self.until
    }
}

impl Select {
    fn is(&self, (name, connection, tags): (&str, &str, &[&str])) -> bool {
        match self {
            Self::Name(wanted) => wanted == name,
            Self::Tag { tag } => tags.contains(&tag.as_str()),
            Self::Connection { connection: wanted } => wanted == connection,
        }
    }
}

fn facts(name: &str) -> Option<(&'static str, &'static str, &'static [&'static str])> {
    MODELS.into_iter().find(|(known, ..)| *known == name)
}

fn covers(named: &[String], operation: &str) -> bool {
    named.iter().any(|name| match name.as_str() {
        "inference" => INFERENCE.contains(&operation),
        "manage-model" => MANAGE.contains(&operation),
        name => name == operation,
    })
}

fn worst(left: &'static str, right: &'static str) -> &'static str {
    let sternness = |verdict| ["allow", "hold", "deny"].iter().position(|known| *known == verdict);
    if sternness(right) > sternness(left) { right } else { left }
}

// Catalogues and questions out of a generator of numbers.

struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn some(&mut self, of: &[&str]) -> Vec<String> {
        let mut kept: BTreeSet<String> =
            of.iter().filter(|_| self.below(3) == 0).map(|name| (*name).to_owned()).collect();
        if kept.is_empty() {
            kept.insert(self.one(of).to_owned());
        }
        kept.into_iter().collect()
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

const SELECTORS: [&str; 8] = [
    "sales-forecast",
    "support-chat",
    "text-embed",
    "frontier-large",
    "{ tag: finance }",
    "{ tag: support }",
    "{ connection: inside }",
    "{ connection: outside }",
];
const OPERATIONS: [&str; 10] = [
    "chat",
    "embed",
    "complete",
    "inference",
    "manage-model",
    "configure-model",
    "export-weights",
    "list-models",
    "describe-model",
    "load-model",
];

/// Some operations of which none includes another, since that is a fault.
fn operations(dice: &mut Dice) -> Vec<String> {
    let mut named = dice.some(&OPERATIONS);
    if named.iter().any(|name| name == "inference") {
        named.retain(|name| !INFERENCE.contains(&name.as_str()));
    }
    if named.iter().any(|name| name == "manage-model") {
        named.retain(|name| !MANAGE.contains(&name.as_str()));
    }
    named
}

fn catalogue(dice: &mut Dice) -> String {
    let mut text = "version: 1\nroles:\n".to_owned();
    for role in 0..4 {
        let member = match dice.below(4) {
            0 => "claims: { /team: red }".to_owned(),
            1 => format!("group: g{role}, claims: {{ /team: red }}"),
            _ => format!("group: g{role}"),
        };
        let issuer = if dice.chance(90) { "demo" } else { "ci" };
        writeln!(text, "  r{role}:\n    members: [{{ issuer: {issuer}, {member} }}]\n    grants:").unwrap();
        for _ in 0..=dice.below(3) {
            let models = dice.some(&SELECTORS).join(", ");
            let operations = operations(dice).join(", ");
            let mut grant = format!("      - {{ models: [{models}], operations: [{operations}]");
            if dice.chance(50) {
                let (low, over) = (dice.below(3), dice.one(&["refuse", "clamp"]));
                let parameter = dice.one(&["max_tokens", "temperature"]);
                let (low, high) = (low + 1, low + 2 + dice.below(3));
                write!(grant, ", parameters: {{ {parameter}: {{ min: {low}, max: {high}, over: {over} }} }}").unwrap();
            }
            if dice.chance(20) {
                grant.push_str(", valid: { until: \"2027-06-01\" }");
            }
            writeln!(text, "{grant} }}").unwrap();
        }
        if dice.chance(60) {
            let rights = dice.some(&["read", "write", "administer", "export"]).join(", ");
            writeln!(text, "    datasets: {{ {}: {{ allow: [{rights}] }} }}", dice.one(&DATASETS)).unwrap();
        }
    }
    text.push_str("rules:\n");
    for rule in 0..3 {
        let mut when: Vec<String> = Vec::new();
        if dice.chance(60) {
            when.push(format!("roles: [{}]", dice.some(&["r0", "r1", "r2", "r3"]).join(", ")));
        }
        match dice.below(3) {
            0 => when.push(format!("models: [{}]", dice.some(&SELECTORS).join(", "))),
            1 => when.push("operations: [read-dataset, embed]".to_owned()),
            _ => {}
        }
        match dice.below(3) {
            0 => when.push(format!("found: [{}]", dice.some(&TYPES).join(", "))),
            1 => when.push("prompt: { words: [export] }".to_owned()),
            _ if when.is_empty() => when.push("operations: [image]".to_owned()),
            _ => {}
        }
        let then = dice.one(&["refuse: true", "hold: peer"]);
        writeln!(text, "  - {{ name: rule-{rule}, when: {{ {} }}, then: {{ {then} }} }}", when.join(", ")).unwrap();
    }
    text.push_str("approvals: { peer: { approvers: [{ issuer: demo, group: leads }] } }\n");
    text
}

fn question(dice: &mut Dice, file: &File) -> Asked {
    let operation = match dice.below(8) {
        0..=3 => dice.one(&["chat", "embed", "complete", "describe-model"]),
        4 => dice.one(&["read-dataset", "write-dataset", "administer-dataset", "export-dataset"]),
        _ => Operation::ALL[dice.below(Operation::ALL.len())].name(),
    };
    let of_dataset = operation.ends_with("-dataset");
    let names = ["sales-forecast", "support-chat", "text-embed", "frontier-large", "nowhere"];
    let with_prompt: Vec<&str> =
        file.rules.iter().filter(|rule| rule.when.prompt.is_some()).map(|rule| rule.name.as_str()).collect();
    let mut stated = BTreeMap::new();
    for name in ["max_tokens", "temperature"] {
        if dice.chance(40) {
            stated.insert(name.to_owned(), i64::try_from(dice.below(7)).unwrap() - 1);
        }
    }
    let reaches = if of_dataset { 90 } else { 25 };
    Asked {
        groups: ["g0", "g1", "g2", "g3"].into_iter().filter(|_| dice.chance(35)).map(str::to_owned).collect(),
        claim: dice.chance(40).then(|| dice.one(&["red", "blue"]).to_owned()),
        operation: operation.to_owned(),
        model: (!of_dataset || dice.chance(5)).then(|| dice.one(&names).to_owned()),
        datasets: ["tickets", "payroll", "gone"]
            .into_iter()
            .filter(|name| dice.chance(if *name == "gone" { 5 } else { reaches / 2 }))
            .map(str::to_owned)
            .collect(),
        stated,
        matched: if with_prompt.is_empty() || dice.chance(50) {
            Vec::new()
        } else {
            vec![dice.one(&with_prompt).to_owned()]
        },
        found: TYPES.into_iter().filter(|_| dice.chance(20)).map(str::to_owned).collect(),
        approved: if dice.chance(30) { vec![dice.one(&["rule-0", "rule-1", "rule-2"]).to_owned()] } else { Vec::new() },
        late: if dice.chance(20) { Late::Over } else { Late::Not },
    }
}

/// What the product says.
fn decided(asked: &Asked, catalogue: &Catalogue) -> Verdict {
    let groups: Vec<&str> = asked.groups.iter().map(String::as_str).collect();
    let claims: Vec<(&str, &str)> = asked.claim.iter().map(|team| ("/team", team.as_str())).collect();
    let operation = Operation::from_name(&asked.operation).unwrap();
    let mut call = ask(operation, asked.model.as_deref().unwrap_or_default());
    for dataset in &asked.datasets {
        call = call.reaching(dataset);
    }
    for (name, value) in &asked.stated {
        call.terms.parameters.set(Parameter::from_name(name).unwrap(), Quantity::whole(*value).unwrap());
    }
    for rule in &asked.matched {
        call = call.matching(rule);
    }
    for rule in &asked.approved {
        call = call.approved(rule);
    }
    let at = |found: &String| TYPES.iter().position(|known| known == found).unwrap();
    call.found = asked.found.iter().map(|found| u16::try_from(at(found)).unwrap()).collect();
    let now = match asked.late {
        Late::Not => NOW,
        Late::Over => Timestamp::from_seconds(1_900_000_000),
    };
    call.at(now).by(&identity("demo", "ann", &groups, &claims), catalogue).verdict
}

#[test]
fn two_evaluators_agree_on_a_hundred_thousand_questions() {
    let mut verdicts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut asked_for = 0;
    for seed in 0..CATALOGUES {
        let mut dice = Dice(u64::try_from(seed).unwrap() * 7_919 + 17);
        let text = catalogue(&mut dice);
        let compiled = compile(&text).unwrap_or_else(|faults| panic!("{faults}\n{text}"));
        let file: File = serde_saphyr::from_str(&text).unwrap();
        assert!(
            file.roles
                .values()
                .flat_map(|role| &role.grants)
                .all(|grant| grant.valid.as_ref().is_none_or(|valid| valid.text() == "2027-06-01"))
        );
        for number in 0..QUESTIONS {
            let asked = question(&mut dice, &file);
            let (first, second) = (decided(&asked, &compiled).name(), file.verdict(&asked));
            assert_eq!(first, second, "catalogue {seed}, question {number}: {asked:?}\n{text}");
            *verdicts.entry(first).or_default() += 1;
            asked_for += 1;
        }
    }
    assert_eq!(asked_for, 100_000);
    // A generator that leads to one answer only would prove nothing.
    assert!(verdicts["allow"] > 5_000 && verdicts["hold"] > 500 && verdicts["deny"] > 20_000, "{verdicts:?}");
}
