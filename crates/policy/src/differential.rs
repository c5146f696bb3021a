//! The index held against Cedar's own authorizer: random catalogues, random questions, the same answers.
//!
//! Both get the same policies. The authorizer scans them all with the caller as an entity in its roles; permits are
//! judged by what the request states, forbids by what will be sent, as the schema says.

use std::collections::{BTreeSet, HashSet};

use cedar_policy::{Authorizer, Context, Decision, Entities, Entity, EntityUid, PolicyId, PolicySet, Request};
use gatewright_model::{
    ConnectionName, DatasetName, Delivery, Identity, InfoType, IssuerName, Kind, ModelName, Operation, Parameter,
    Parameters, Quantity, RuleName, Setting, Terms, Timestamp, Treatment, Trust, Verdict, WhySet,
};

use crate::action::Action;
use crate::ask::{About, Asking, Side};
use crate::cedar::{PARSED_SCHEMA, uid};
use crate::context::{self, Attributes};
use crate::{
    Again, Case, Catalogue, DatasetFacts, Doubt, Landscape, ModelFacts, Question, Resolved, Roles, Source, Values,
    parse,
};

/// A small generator of numbers, so that a failure names its seed and nothing else is needed to repeat it.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % bound
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn some<'a>(&mut self, of: &[&'a str]) -> Vec<&'a str> {
        let kept: Vec<&str> = of.iter().copied().filter(|_| self.below(2) == 0).collect();
        if kept.is_empty() { vec![self.one(of)] } else { kept }
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

const ROLES: [&str; 4] = ["r0", "r1", "r2", "r3"];
const MODELS: [&str; 4] = ["m0", "m1", "m2", "m3"];
const TAGS: [&str; 2] = ["t0", "t1"];
const TYPES: [&str; 3] = ["EMAIL_ADDRESS", "US_SSN", "CREDIT_CARD"];

fn landscape() -> Landscape {
    let tags = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let model = |at: usize, on: &str, of: &[&str]| ModelFacts {
        name: ModelName::from(MODELS[at]),
        connection: ConnectionName::from(on),
        tags: tags(of),
    };
    Landscape {
        issuers: vec![IssuerName::from("demo")],
        connections: vec![(ConnectionName::from("c0"), Trust::Internal), (ConnectionName::from("c1"), Trust::External)],
        models: vec![
            model(0, "c0", &["t0"]),
            model(1, "c0", &["t0", "t1"]),
            model(2, "c1", &["t1"]),
            model(3, "c1", &[]),
        ],
        datasets: vec![
            DatasetFacts { name: DatasetName::from("d0"), connection: ConnectionName::from("c0"), tags: tags(&["t0"]) },
            DatasetFacts { name: DatasetName::from("d1"), connection: ConnectionName::from("c1"), tags: Vec::new() },
        ],
        info_types: TYPES.iter().filter_map(|name| InfoType::new(name)).collect(),
    }
}

/// A condition of a Cedar file: liftable or not, true, false or erring.
fn condition(dice: &mut Dice) -> String {
    let two = |dice: &mut Dice| {
        let listed: Vec<String> = dice.some(&MODELS).iter().map(|name| format!("Model::\"{name}\"")).collect();
        listed.join(", ")
    };
    match dice.below(20) {
        0 => format!("[{}].contains(resource)", two(dice)),
        1 => format!("resource in [{}]", two(dice)),
        2 => format!("resource == Model::\"{}\"", dice.one(&MODELS)),
        3 => format!("resource == Model::\"{}\" || resource == Model::\"{}\"", dice.one(&MODELS), dice.one(&MODELS)),
        4 => "context.matched.contains(\"words\")".to_owned(),
        5 => format!("context.found.contains(InfoType::\"{}\")", dice.one(&TYPES)),
        6 => "context.parameters has max_tokens && context.parameters.max_tokens.at_most <= 2000000000".to_owned(),
        // Overflows for large numbers: strict validation lets it pass, evaluation reports an error.
        7 | 12 | 13 => "context.now * 6000000 > 5".to_owned(),
        8 => "context.trust == \"internal\"".to_owned(),
        9 => "resource.tags.contains(\"t0\")".to_owned(),
        10 => "context.caller.subject == \"s1\"".to_owned(),
        14 | 15 => decided_by_comparison(dice),
        16 | 17 => nearly_decided_by_comparison(dice),
        _ => format!("resource in Tag::\"{}\"", dice.one(&TAGS)),
    }
}

/// A form that needs no evaluator.
fn decided_by_comparison(dice: &mut Dice) -> String {
    let parameter = dice.one(&["max_tokens", "temperature", "tools"]);
    let bound = dice.one(&["0", "1000000", "500000000", "2000000000", "-1"]);
    match dice.below(6) {
        0 => format!("context.now >= {}", 1_700_000_000_000_u64 + dice.below(3) as u64),
        1 => format!("context.now < {}", 1_700_000_000_000_u64 + dice.below(3) as u64),
        2 => format!("!context.approvals.contains(\"{}\")", dice.one(&["words", "narrow"])),
        3 => format!(
            "if context.parameters has {parameter} then context.parameters.{parameter}.at_least >= {bound} else true"
        ),
        4 => format!(
            "if context.parameters has {parameter} then context.parameters.{parameter}.at_most <= {bound} \
             else !(action in [Action::\"{}\"])",
            dice.one(&["chat", "embed"])
        ),
        _ => format!(
            "if context.parameters has {parameter} then context.parameters.{parameter}.at_least >= 1000000 && \
             context.parameters.{parameter}.at_most <= {bound} else !(action in [Action::\"chat\", Action::\"embed\"])"
        ),
    }
}

/// What must not be mistaken for such a form.
fn nearly_decided_by_comparison(dice: &mut Dice) -> String {
    let bound = dice.one(&["0", "1000000", "500000000"]);
    match dice.below(9) {
        0 => "context.approvals.contains(\"words\")".to_owned(),
        1 => format!("context.now <= {}", 1_700_000_000_000_u64 + dice.below(3) as u64),
        2 => format!("!(context.now >= {})", 1_700_000_000_000_u64 + dice.below(3) as u64),
        3 => format!("if context.parameters has n then context.parameters.n.at_most <= {bound} else false"),
        4 => format!(
            "if context.parameters has max_tokens then context.parameters.max_tokens.at_most >= {bound} else true"
        ),
        5 => format!(
            "if context.parameters has max_tokens then context.parameters.max_tokens.at_least >= {bound} && \
             context.parameters.max_tokens.at_least >= 2000000000 else true"
        ),
        6 => format!(
            "if context.parameters has max_tokens then context.parameters.max_tokens.at_least >= {bound} || \
             context.parameters.max_tokens.at_most <= 1000000 else true"
        ),
        7 => format!(
            "if context.parameters has max_tokens then context.parameters.max_tokens.at_most <= {bound} \
             else !(action in [Action::\"inference\"])"
        ),
        _ => format!(
            "if context.parameters has max_tokens then context.parameters.max_tokens.at_most <= {bound} \
             else action in [Action::\"chat\"]"
        ),
    }
}

fn cedar_policy(dice: &mut Dice) -> String {
    let effect = dice.one(&["permit", "forbid"]);
    let principal = match dice.below(3) {
        0 => "principal".to_owned(),
        1 => format!("principal in Role::\"{}\"", dice.one(&ROLES)),
        _ => format!("principal is User in Role::\"{}\"", dice.one(&ROLES)),
    };
    let action = match dice.below(3) {
        0 => "action == Action::\"chat\"".to_owned(),
        1 => "action in [Action::\"chat\", Action::\"embed\"]".to_owned(),
        _ => "action in Action::\"inference\"".to_owned(),
    };
    let resource = match dice.below(6) {
        0 => format!("resource == Model::\"{}\"", dice.one(&MODELS)),
        1 => format!("resource in Tag::\"{}\"", dice.one(&TAGS)),
        2 => format!("resource is Model in Connection::\"{}\"", dice.one(&["c0", "c1"])),
        3 => "resource".to_owned(),
        _ => "resource is Model".to_owned(),
    };
    let mut text = format!("{effect}({principal}, {action}, {resource})");
    for _ in 0..dice.below(3) {
        let joined: Vec<String> = (0..=dice.below(3)).map(|_| format!("({})", condition(dice))).collect();
        text.push_str(&format!(" {} {{ {} }}", dice.one(&["when", "when", "unless"]), joined.join(" && ")));
    }
    text.push_str(";\n");
    text
}

fn yaml(dice: &mut Dice) -> String {
    let mut text = "version: 1\nroles:\n".to_owned();
    for role in ROLES {
        text.push_str(&format!("  {role}:\n    members: [{{ issuer: demo, group: {role} }}]\n"));
        if dice.chance(80) {
            let models = match dice.below(3) {
                0 => format!("{{ tag: {} }}", dice.one(&TAGS)),
                1 => format!("[{}, {{ connection: c1 }}]", dice.one(&MODELS)),
                _ => format!("[{}]", dice.some(&MODELS).join(", ")),
            };
            let parameters = match dice.below(4) {
                0 => "\n        parameters: { max_tokens: { max: 2000, over: clamp }, temperature: { max: 1 } }",
                1 => "\n        parameters: { max_tokens: { min: 10, max: 500 }, tools: { max: 0 } }",
                _ => "",
            };
            let operations = dice.some(&["chat", "embed", "load-model"]).join(", ");
            text.push_str(&format!(
                "    grants:\n      - models: {models}\n        operations: [{operations}]{parameters}\n"
            ));
        }
        if dice.chance(40) {
            let rights = dice.some(&["read", "write"]).join(", ");
            text.push_str(&format!("    datasets: {{ {}: {{ allow: [{rights}] }} }}\n", dice.one(&["d0", "d1"])));
        }
        if dice.chance(40) {
            text.push_str(&format!("    reveal: [{}]\n", dice.some(&TYPES).join(", ")));
        }
    }
    text.push_str("rules:\n");
    text.push_str("  - { name: words, when: { prompt: { words: [x] } }, then: { hold: peer } }\n");
    if dice.chance(50) {
        text.push_str(&format!(
            "  - {{ name: narrow, when: {{ roles: [{}], models: [{}], found: [{}] }}, then: {{ refuse: true }} }}\n",
            dice.one(&ROLES),
            dice.one(&MODELS),
            dice.one(&TYPES)
        ));
    }
    text.push_str("approvals:\n  peer: { approvers: [{ issuer: demo, group: r0 }] }\n");
    text
}

/// The policies of one effect as a set of their own. A forbid would never be told as a reason beside a permit; as a
/// permit it is, and its condition is the same.
fn set_of(catalogue: &Catalogue, wanted: cedar_policy::Effect) -> PolicySet {
    let of_effect = catalogue.compiled.policies.iter().filter(|(_, policy)| policy.effect() == wanted);
    let policies = of_effect.map(|(_, policy)| {
        let text = policy.to_cedar().unwrap_or_default().replacen("forbid", "permit", 1);
        cedar_policy::Policy::parse(Some(policy.id().clone()), text).expect("it was parsed before")
    });
    PolicySet::from_policies(policies).expect("ids are unique")
}

/// What Cedar's authorizer says: the policies that hold, and those that err.
fn oracle(set: &PolicySet, request: &Request, entities: &Entities) -> [BTreeSet<u32>; 2] {
    let response = Authorizer::new().is_authorized(request, set, entities);
    let number = |id: &PolicyId| -> u32 { id.to_string().parse().expect("ids are numbers") };
    let held: BTreeSet<u32> = response.diagnostics().reason().map(number).collect();
    assert_eq!(response.decision() == Decision::Allow, !held.is_empty());
    let erred = response.diagnostics().errors().map(|error| match error {
        cedar_policy::AuthorizationError::PolicyEvaluationError(error) => number(error.policy_id()),
    });
    [held, erred.collect()]
}

struct Scene {
    catalogue: Catalogue,
    landscape: Landscape,
    permits: PolicySet,
    forbids: PolicySet,
}

fn scene(dice: &mut Dice) -> Option<Scene> {
    let landscape = landscape();
    let cedar: String = (0..dice.below(12)).map(|_| cedar_policy(dice)).collect();
    let sources = [
        Source { name: "catalogue.yaml".to_owned(), text: yaml(dice) },
        Source { name: "own.cedar".to_owned(), text: cedar },
    ];
    // A random policy can be one that never applies, which is refused; such a catalogue asks nothing.
    let text = parse(&sources).unwrap_or_else(|faults| panic!("{faults:?}\n{}", sources[0].text));
    let catalogue = Catalogue::compile(text, &landscape).ok()?;
    let [permits, forbids] =
        [cedar_policy::Effect::Permit, cedar_policy::Effect::Forbid].map(|of| set_of(&catalogue, of));
    Some(Scene { catalogue, landscape, permits, forbids })
}

fn identity(dice: &mut Dice) -> Identity {
    Identity {
        issuer: IssuerName::from("demo"),
        subject: dice.one(&["s0", "s1"]).into(),
        kind: Kind::Person,
        groups: ROLES.iter().filter(|_| dice.chance(50)).map(|role| (*role).into()).collect(),
        claims: [].into(),
        expires: Timestamp::from_seconds(u64::MAX),
    }
}

fn terms(dice: &mut Dice) -> Terms {
    let mut parameters = Parameters::new();
    for (parameter, values) in [
        (Parameter::MaxTokens, ["1", "100", "2000", "2000.0000001", "99999"]),
        (Parameter::Temperature, ["0", "0.5", "1", "1.0000001", "2"]),
        (Parameter::Tools, ["0", "1", "2", "3", "4"]),
    ] {
        if let (true, Some(value)) = (dice.chance(60), Quantity::parse(dice.one(&values))) {
            parameters.set(parameter, value);
        }
    }
    Terms {
        operation: [Operation::Chat, Operation::Embed, Operation::LoadModel][dice.below(3)],
        model: Some(ModelName::from(dice.one(&MODELS))),
        datasets: Vec::new(),
        parameters,
        delivery: Delivery::Whole,
    }
}

/// Asks one scene one question of every target kind; gives how many were permitted and how many were broken.
fn compare(dice: &mut Dice, scene: &Scene) -> (usize, usize) {
    let Scene { catalogue, landscape, .. } = scene;
    let identity = identity(dice);
    let terms = terms(dice);
    let model = landscape.models.iter().find(|model| Some(&model.name) == terms.model.as_ref());
    let now = match dice.below(4) {
        0 => Timestamp::from_seconds(1),
        1 => Timestamp::from_seconds(1_795_307_400),
        _ => Timestamp::from_micros(1_700_000_000_000_000 + dice.below(3_000) as u64),
    };
    let roles: Roles = catalogue.roles_of(&identity, now);
    let matched: Vec<RuleName> = if dice.chance(40) { vec![RuleName::from("words")] } else { Vec::new() };
    let found: Vec<u16> = (0..3).filter(|_| dice.chance(30)).collect();
    let approvals: Vec<RuleName> = if dice.chance(30) { vec![RuleName::from("words")] } else { Vec::new() };
    let question = Question {
        identity: &identity,
        roles: &roles,
        now,
        terms: &terms,
        model,
        trust: if dice.chance(50) { Trust::Internal } else { Trust::External },
        matched: &matched,
        found: &found,
        approvals: &approvals,
    };
    let setting =
        Quantity::whole(1_000).map(|value| Setting { parameter: Parameter::MaxTokens, value, why: WhySet::Clamped });
    let settings: Vec<Setting> = setting.into_iter().filter(|_| dice.chance(50)).collect();
    let model = model.and_then(|model| catalogue.compiled.resources.model(model.name.as_str()));
    let numbers = roles.numbers(now);
    let asking = catalogue.asking(About::Call(&question, model), &roles.0.principal, &numbers);
    let targets = [
        (Action::Operation(terms.operation), model),
        (Action::Operation(Operation::ReadDataset), catalogue.compiled.resources.dataset("d0")),
        (Action::Reveal, catalogue.compiled.resources.info_type(0)),
    ];
    let entities = entities(catalogue, &identity, &numbers);
    let (mut permitted, mut broken) = (0, 0);
    for (action, resource) in targets {
        let resource = resource.expect("the landscape has it");
        let ours = asking.permits(action, resource, &Side::with(&[]));
        let forbids = asking.forbids(action, resource, &Side::with(&settings));
        let theirs = |set: &PolicySet, settings: &[Setting]| {
            let context = context::call(&question, settings, model, Attributes::all(), &catalogue.compiled.resources);
            let request = request(catalogue, &asking, action, resource, context.expect("a context"));
            oracle(set, &request, &entities)
        };
        let [granted, _] = theirs(&scene.permits, &[]);
        let [fired, erred] = theirs(&scene.forbids, &settings);
        let set = |numbers: &[u32]| numbers.iter().copied().collect::<BTreeSet<u32>>();
        assert_eq!(set(&ours.granted), granted, "permits of {action:?}");
        assert_eq!(set(&forbids.fired), fired, "forbids of {action:?}");
        assert_eq!(forbids.broken.is_some(), !erred.is_empty(), "errors of {action:?}");
        permitted += usize::from(!granted.is_empty());
        broken += usize::from(!erred.is_empty());
    }
    let decision = catalogue.decide(&question);
    exposed(scene, &question, &asking, &decision);
    again(scene, &question, &decision);
    assert!(decision.refusal.is_some() != (decision.verdict == gatewright_model::Verdict::Allow));
    (permitted, broken)
}

/// What a running gateway does with some of its decisions says the same of all of these; of a decision that was changed it
/// says so.
fn again(scene: &Scene, question: &Question<'_>, decision: &crate::Decision) {
    let catalogue = &scene.catalogue;
    let found = question.found.iter().filter_map(|at| scene.landscape.info_types.get(usize::from(*at)).cloned());
    let case = Case {
        identity: question.identity.clone(),
        roles: None,
        terms: question.terms.clone(),
        matched: question.matched.to_vec(),
        found: found.collect(),
        approvals: question.approvals.to_vec(),
        resolved: Some(Resolved { model: question.model.map(|model| model.name.clone()), trust: question.trust }),
        now: question.now,
    };
    assert_eq!(catalogue.decide_again(&case, decision, Values::AsDecided), Again::Agrees);
    let mut changed = decision.clone();
    changed.verdict = match decision.verdict {
        Verdict::Allow => Verdict::Deny,
        Verdict::Hold | Verdict::Deny => Verdict::Allow,
    };
    let doubted = catalogue.decide_again(&case, &changed, Values::AsDecided);
    assert_eq!(doubted, Again::Differs(Doubt { about: "verdict", authorizer: decision.verdict }));
    if decision.verdict != Verdict::Deny {
        let mut shown = decision.clone();
        let kept = shown.reply.iter().map(|treatment| match treatment {
            Treatment::Keep => Treatment::Redact,
            _ => Treatment::Keep,
        });
        shown.reply = kept.collect();
        let about = |values| match catalogue.decide_again(&case, &shown, values) {
            Again::Differs(doubt) => doubt.about,
            Again::Agrees => "nothing",
            Again::NotAsked => "not asked",
        };
        assert_eq!((about(Values::AsDecided), about(Values::Altered)), ("exposure", "nothing"));
    }
}

/// What is shown of each info type is what Cedar permits and does not forbid.
fn exposed(scene: &Scene, question: &Question<'_>, asking: &Asking<'_>, decision: &crate::Decision) {
    let catalogue = &scene.catalogue;
    let model = question.model.and_then(|model| catalogue.compiled.resources.model(model.name.as_str()));
    let entities = entities(catalogue, question.identity, asking.roles);
    for (action, treatments) in [(Action::Disclose, &decision.request), (Action::Reveal, &decision.reply)] {
        for (index, treatment) in (0..).zip(treatments.iter()) {
            let resource = catalogue.compiled.resources.info_type(index).expect("the landscape has it");
            let theirs = |set: &PolicySet, settings: &[Setting]| {
                let context =
                    context::call(question, settings, model, Attributes::all(), &catalogue.compiled.resources);
                oracle(set, &request(catalogue, asking, action, resource, context.expect("a context")), &entities)
            };
            let [granted, _] = theirs(&scene.permits, &[]);
            let [fired, erred] = theirs(&scene.forbids, &decision.settings);
            let is_kept = !granted.is_empty() && fired.is_empty() && erred.is_empty();
            let keeps = *treatment == gatewright_model::Treatment::Keep;
            // What no rule discloses may pass towards an internal model all the same: masking has its own defaults there.
            assert!(keeps == is_kept || (keeps && action == Action::Disclose), "{action:?} of {index}: {treatment:?}");
        }
    }
}

/// The request, held against the schema as well: what the index builds is what the schema promises.
fn request(catalogue: &Catalogue, asking: &Asking<'_>, action: Action, resource: u32, context: Context) -> Request {
    let resource = catalogue.compiled.resources.uids[resource as usize].clone();
    let action = uid("Action", action.name());
    Request::new(asking.principal.clone(), action, resource, context, Some(&PARSED_SCHEMA)).expect("it fits the schema")
}

/// The static entities and the caller in the roles that count.
fn entities(catalogue: &Catalogue, identity: &Identity, roles: &[u32]) -> Entities {
    let role = |number: &u32| uid("Role", catalogue.roles()[*number as usize].as_str());
    let parents: HashSet<EntityUid> = roles.iter().map(role).collect();
    let groups = parents.iter().map(|role| Entity::new_no_attrs(role.clone(), HashSet::new())).collect::<Vec<_>>();
    let caller = Entity::new_no_attrs(crate::ask::principal(identity), parents);
    let entities = catalogue.compiled.resources.entities.clone();
    entities.add_entities(groups.into_iter().chain([caller]), Some(&PARSED_SCHEMA)).expect("it fits the schema")
}

#[test]
fn the_index_and_the_authorizer_agree() {
    let mut dice = Dice(20_261_122);
    let (mut scenes, mut permitted, mut broken, mut questions) = (0, 0, 0, 0);
    for _ in 0..200 {
        let Some(scene) = scene(&mut dice) else { continue };
        scenes += 1;
        for _ in 0..8 {
            let (allowed, erred) = compare(&mut dice, &scene);
            permitted += allowed;
            broken += erred;
            questions += 3;
        }
    }
    // The comparison is worth something only where all outcomes are common.
    assert!(scenes > 100, "{scenes} scenes");
    assert!(permitted > questions / 20 && broken > questions / 100, "{permitted} and {broken} of {questions}");
    println_counts(scenes, questions, permitted, broken);
}

#[allow(clippy::print_stdout, reason = "shown with --nocapture, to judge the test's worth")]
fn println_counts(scenes: usize, questions: usize, permitted: usize, broken: usize) {
    println!("{scenes} catalogues, {questions} questions, {permitted} permitted, {broken} with an erring forbid");
}
