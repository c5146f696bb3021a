//! Cases: what a catalogue's writers expect of it, in YAML beside it.

use gatewright_model::{
    Code, DatasetName, Delivery, Identity, InfoType, IssuerName, Kind, ModelName, Operation, Parameter, Quantity,
    RoleName, RuleName, Timestamp, Verdict,
};

use super::node::{self, Key, Node};
use super::reader::{Fields, Reader, quoted};
use super::{Place, window};
use crate::{Case, Fault, Source};

/// A question with the answer that it must have.
#[derive(Clone, Debug)]
pub struct Expected {
    /// What it is called.
    pub name: String,
    /// Where it is written.
    pub place: Place,
    /// The question.
    pub case: Case,
    /// The verdict.
    pub verdict: Verdict,
    /// A rule that must be among those that made the verdict.
    pub rule: Option<RuleName>,
    /// The refusal's code.
    pub code: Option<Code>,
    /// Values that policy must set in the request.
    pub settings: Vec<(Parameter, Quantity)>,
}

/// Reads a file of cases; all faults at once. `now` is the moment of every case that states none.
pub fn parse_cases(source: &Source, now: Timestamp) -> Result<Vec<Expected>, Vec<Fault>> {
    let document = node::read(source).map_err(|fault| vec![fault])?;
    let mut reader = Reader::new(&source.name);
    let fields = reader.fields(&document, &["version", "cases"]);
    let place = reader.place(&document);
    if fields.get("version").and_then(|node| reader.whole(node)) != Some(1) {
        reader.fault(&place, "a file of cases begins with `version: 1`");
    }
    let listed = fields.get("cases").map(|node| reader.list(node)).unwrap_or_default();
    if listed.is_empty() {
        reader.fault(&place, "there is no case under `cases`, so nothing would be tested");
    }
    let cases: Vec<Expected> = listed.iter().filter_map(|node| case(&mut reader, node, now)).collect();
    if reader.faults.is_empty() { Ok(cases) } else { Err(reader.faults) }
}

fn case(reader: &mut Reader, node: &Node, now: Timestamp) -> Option<Expected> {
    let fields = reader.fields(node, &["name", "who", "ask", "at", "expect"]);
    let place = reader.place(node);
    for name in ["name", "who", "ask", "expect"] {
        if fields.get(name).is_none() {
            reader.fault(&place, format!("a case needs `{name}`"));
        }
    }
    let name = reader.text(fields.get("name")?)?.value;
    let now = fields.get("at").and_then(|node| window::moment(reader, node)).unwrap_or(now);
    let (identity, roles) = who(reader, fields.get("who")?);
    let case = ask(reader, fields.get("ask")?, identity, now);
    let expect = fields.get("expect")?;
    let wanted = reader.fields(expect, &["verdict", "rule", "code", "settings"]);
    let verdicts = [("allow", Verdict::Allow), ("hold", Verdict::Hold), ("deny", Verdict::Deny)];
    let verdict = wanted.get("verdict").and_then(|node| reader.one_of(node, "verdict", &verdicts));
    if wanted.get("verdict").is_none() {
        let place = reader.place(expect);
        reader.fault(&place, "a case expects a `verdict`: allow, hold or deny");
    }
    let rule = wanted.get("rule").and_then(|node| reader.text(node)).map(|text| RuleName::new(text.value));
    let codes: Vec<(&str, Code)> = Code::ALL.iter().map(|code| (code.name(), *code)).collect();
    let code = wanted.get("code").and_then(|node| reader.one_of(node, "code", &codes));
    let settings = wanted.get("settings").map_or(Vec::new(), |node| parameters(reader, node));
    Some(Expected { name, place, case: Case { roles, ..case? }, verdict: verdict?, rule, code, settings })
}

/// Somebody with groups and claims, or with roles.
fn who(reader: &mut Reader, node: &Node) -> (Identity, Option<Vec<RoleName>>) {
    let fields = reader.fields(node, &["issuer", "subject", "groups", "claims", "kind", "roles"]);
    let text = |reader: &mut Reader, name: &str, otherwise: &str| {
        let read = fields.get(name).and_then(|node| reader.text(node));
        read.map_or_else(|| otherwise.to_owned(), |text| text.value)
    };
    let (issuer, subject) = (text(reader, "issuer", "-"), text(reader, "subject", "somebody"));
    let groups = fields.get("groups").map_or(Vec::new(), |node| reader.texts(node));
    let kinds = [("person", Kind::Person), ("workload", Kind::Workload)];
    let kind = fields.get("kind").and_then(|node| reader.one_of(node, "kind", &kinds)).unwrap_or(Kind::Person);
    let mut claims = Vec::new();
    for (key, value) in fields.get("claims").map_or(Vec::new(), |node| reader.entries(node)) {
        claims.extend(reader.scalar(value).map(|value| (key.name.as_str().into(), value.into())));
    }
    claims.sort();
    let roles = fields.get("roles").map(|node| reader.texts(node));
    let place = reader.place(node);
    if fields.get("issuer").is_none() && roles.is_none() {
        reader.fault(&place, "`who` needs the `issuer` of its groups and claims, or `roles`");
    }
    let identity = Identity {
        issuer: IssuerName::new(issuer),
        subject: subject.into(),
        kind,
        groups: groups.into_iter().map(|group| group.value.into()).collect(),
        claims: claims.into(),
        expires: Timestamp::from_seconds(u64::from(u32::MAX)),
    };
    (identity, roles.map(|roles| roles.into_iter().map(|role| RoleName::new(role.value)).collect()))
}

fn ask(reader: &mut Reader, node: &Node, identity: Identity, now: Timestamp) -> Option<Case> {
    let known = ["operation", "model", "datasets", "parameters", "delivery", "matched", "found", "approvals"];
    let fields = reader.fields(node, &known);
    let place = reader.place(node);
    let operations: Vec<(&str, Operation)> = Operation::ALL.iter().map(|known| (known.name(), *known)).collect();
    let Some(operation) = fields.get("operation") else {
        reader.fault(&place, "a question needs its `operation`");
        return None;
    };
    let operation = reader.one_of(operation, "operation", &operations)?;
    let mut case = Case::new(identity, operation, now);
    case.terms.model = fields.get("model").and_then(|node| reader.text(node)).map(|text| ModelName::new(text.value));
    case.terms.datasets = texts(reader, &fields, "datasets").into_iter().map(DatasetName::new).collect();
    let ways = [("whole", Delivery::Whole), ("stream", Delivery::Stream)];
    if let Some(delivery) = fields.get("delivery").and_then(|node| reader.one_of(node, "delivery", &ways)) {
        case.terms.delivery = delivery;
    }
    for (parameter, value) in fields.get("parameters").map_or(Vec::new(), |node| parameters(reader, node)) {
        case.terms.parameters.set(parameter, value);
    }
    case.matched = texts(reader, &fields, "matched").into_iter().map(RuleName::new).collect();
    case.approvals = texts(reader, &fields, "approvals").into_iter().map(RuleName::new).collect();
    let found = fields.get("found").map(|node| reader.list(node)).unwrap_or_default();
    let found: Vec<InfoType> = found.iter().filter_map(|node| reader.info_type(node)).map(|read| read.value).collect();
    case.found = found;
    Some(case)
}

fn texts(reader: &mut Reader, fields: &Fields<'_>, name: &str) -> Vec<String> {
    fields.get(name).map_or(Vec::new(), |node| reader.texts(node)).into_iter().map(|text| text.value).collect()
}

/// `{ max_tokens: 512 }`.
fn parameters(reader: &mut Reader, node: &Node) -> Vec<(Parameter, Quantity)> {
    let mut read = Vec::new();
    let entries: Vec<(&Key, &Node)> = reader.entries(node);
    for (key, value) in entries {
        match Parameter::from_name(&key.name) {
            Some(parameter) => read.extend(reader.quantity(value).map(|value| (parameter, value))),
            None => {
                let place = reader.key_place(key);
                let known: Vec<&str> = Parameter::ALL.iter().map(|parameter| parameter.name()).collect();
                let message = format!("unknown parameter {}; known: {}", quoted(&key.name), known.join(", "));
                reader.fault(&place, message);
            }
        }
    }
    read
}
