//! The suite that every protocol passes: it runs over each folder of `src` by itself.

#![allow(clippy::unwrap_used, clippy::panic, clippy::result_large_err, reason = "tests")]

mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use gatewright_json::{Limits, Value, parse, to_bytes};
use gatewright_model::{ApprovalId, Code, Delivery, Refusal, Terms};
use gatewright_protocols::{BodyKind, Claim, Dialect, PROTOCOLS, Place, Protocol, UsageReport, claim, named, speaking};
use support::{FakeWords, asked, json, request_id};

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn cases(protocol: &dyn Protocol) -> Vec<Value> {
    let folder = source().join(protocol.name()).join("testdata");
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (file, name) = (entry.path(), entry.file_name().into_string().unwrap());
        if !name.starts_with("requests") {
            continue;
        }
        let bytes = std::fs::read(&file).unwrap();
        match parse(&bytes, &Limits::default()).unwrap_or_else(|fault| panic!("{name}: {fault}")) {
            Value::Array(cases) => all.extend(cases),
            _ => panic!("{name} is no list"),
        }
    }
    all
}

fn text<'v>(case: &'v Value, name: &str) -> Option<&'v str> {
    case.get(name).and_then(Value::as_str)
}

fn claimed(case: &Value) -> Claim<'_> {
    let method = text(case, "method").unwrap_or("POST");
    claim(method, text(case, "path").unwrap()).unwrap_or_else(|| panic!("nobody claims {case:?}"))
}

fn dialect(protocol: &dyn Protocol, case: &Value) -> Dialect {
    text(case, "dialect").map_or(Dialect::default(), |name| protocol.dialect(name).unwrap())
}

fn body(case: &Value) -> Value {
    form(case).unwrap_or_else(|refusal| panic!("{case:?}: {refusal}"))
}

/// The body, or what the protocol reads a form as.
fn form(case: &Value) -> Result<Value, Refusal> {
    let Some(form) = text(case, "form") else { return Ok(case.get("body").cloned().unwrap_or(Value::Null)) };
    let Claim { protocol, route, .. } = claimed(case);
    protocol.form(route, "multipart/form-data; boundary=x", form.as_bytes())
}

fn read(case: &Value) -> Result<Terms, Refusal> {
    let Claim { protocol, route, ids } = claimed(case);
    let body = form(case)?;
    let terms = protocol.read(route, &ids, &body, &dialect(protocol, case))?;
    assert_eq!(protocol.model(route, &ids, &body), Ok(terms.model.clone()));
    protocol.stored(route, &ids, &body)?;
    protocol.reaching(route, &ids, &body)?;
    Ok(terms)
}

#[test]
fn every_folder_is_a_protocol_with_its_parts_and_data() {
    let mut folders = BTreeSet::new();
    for entry in std::fs::read_dir(source()).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_dir()) {
        let name = entry.file_name().into_string().unwrap();
        let protocol = named(&name).unwrap_or_else(|| panic!("src/{name} is no registered protocol"));
        for part in ["mod.rs", "operation.rs", "texts.rs", "reader.rs", "refusal.rs"] {
            assert!(entry.path().join(part).is_file(), "src/{name} has no {part}");
        }
        assert!(!cases(protocol).is_empty(), "src/{name}/testdata/requests.json is empty");
        folders.insert(name);
    }
    let registered: BTreeSet<String> = PROTOCOLS.iter().map(|protocol| protocol.name().to_owned()).collect();
    assert_eq!(folders, registered);
}

#[test]
fn no_two_routes_own_one_request() {
    let all: Vec<_> = PROTOCOLS.iter().flat_map(|protocol| protocol.routes()).collect();
    let mut ids = BTreeSet::new();
    for route in &all {
        assert!(ids.insert(route.id), "{:?} twice", route.id);
        let path = route.path.replace("{id}", "some-name");
        let owners: Vec<_> =
            all.iter().filter(|other| other.method == route.method && other.ids(&path).is_some()).collect();
        assert_eq!(owners.len(), 1, "{} {path} is owned by {owners:?}", route.method);
        assert_eq!(claim(route.method, &path).unwrap().route.id, route.id);
    }
}

#[test]
fn nobody_claims_what_only_looks_alike() {
    for route in PROTOCOLS.iter().flat_map(|protocol| protocol.routes()) {
        let path = route.path.replace("{id}", "x");
        let method = route.method.to_lowercase();
        for (method, path) in [
            (method.as_str(), path.clone()),
            ("TRACE", path.clone()),
            (route.method, format!("{path}/")),
            (route.method, format!("/{path}")),
            (route.method, format!("{path}2/y")),
            (route.method, path.to_uppercase()),
            (route.method, format!("/.{path}")),
        ] {
            assert!(claim(method, &path).is_none(), "{method} {path}");
        }
    }
}

#[test]
fn every_route_has_accepted_and_refused_requests() {
    for protocol in PROTOCOLS {
        for route in protocol.routes() {
            let own: Vec<Value> =
                cases(*protocol).into_iter().filter(|case| claimed(case).route.id == route.id).collect();
            let refused = own.iter().filter(|case| case.get("refused").is_some()).count();
            assert!(own.len() > refused, "{:?} has no accepted request", route.id);
            assert!(refused > 0 || route.body == BodyKind::None, "{:?} has no refused request", route.id);
        }
    }
}

#[test]
fn requests_are_read_as_what_they_would_do() {
    for case in PROTOCOLS.iter().flat_map(|protocol| cases(*protocol)) {
        let name = text(&case, "name").unwrap();
        let Some(expected) = case.get("terms") else { continue };
        let terms = read(&case).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        assert_eq!(Some(terms.operation.name()), text(expected, "operation"), "{name}");
        assert_eq!(terms.model.as_ref().map(gatewright_model::ModelName::as_str), text(expected, "model"), "{name}");
        let delivery = if text(expected, "delivery") == Some("stream") { Delivery::Stream } else { Delivery::Whole };
        assert_eq!(terms.delivery, delivery, "{name}");
        let stated: BTreeSet<String> =
            terms.parameters.iter().map(|(parameter, value)| format!("{}={value}", parameter.name())).collect();
        let parameters = expected.get("parameters").unwrap().as_object().unwrap();
        let wanted = parameters.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap())).collect();
        assert_eq!(stated, wanted, "{name}");
    }
}

#[test]
fn requests_are_refused_by_name() {
    for case in PROTOCOLS.iter().flat_map(|protocol| cases(*protocol)) {
        let (Some(expected), Some(name)) = (text(&case, "refused"), text(&case, "name")) else { continue };
        let refusal = read(&case).err().unwrap_or_else(|| panic!("{name} was accepted"));
        let said = format!("{} {}", refusal.code, refusal.param.as_deref().unwrap_or_default());
        assert_eq!(said, expected, "{name}");
        assert!(!refusal.message.contains("4111") && !refusal.message.contains("alice"), "{name}: {refusal}");
    }
}

#[test]
fn every_text_is_shown_once_in_one_order() {
    for case in PROTOCOLS.iter().flat_map(|protocol| cases(*protocol)) {
        let (Some(expected), Some(name)) = (case.get("texts"), text(&case, "name")) else { continue };
        let Claim { protocol, route, .. } = claimed(&case);
        let mut body = body(&case);
        let mut shown = Vec::new();
        protocol.request_texts(route, &mut body, &mut |text| {
            let place = match text.place {
                Place::Plain => String::new(),
                Place::Field(path) => format!(" {path}"),
            };
            shown.push(Value::from(format!("{}{place}: {}", text.channel, text.text)));
        });
        assert_eq!(Value::Array(shown), *expected, "{name}");
        assert_eq!(body, self::body(&case), "{name}: looking changed something");
    }
}

/// Words that a request may hold without their being searched: those of the protocol itself.
const VOCABULARY: &[&str] = &[
    "UP",
    "system",
    "developer",
    "user",
    "assistant",
    "tool",
    "function",
    "text",
    "refusal",
    "json_schema",
    "content",
    "auto",
    "low",
    "high",
    "base64",
    "none",
    "documents",
    "metadatas",
    "distances",
    "embeddings",
    "l2",
    "legacy",
    "/v1/embeddings",
    "24h",
];

fn strings(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
        Value::Object(object) => object.iter().for_each(|(_, member)| strings(member, found)),
    }
}

#[test]
fn what_goes_upstream_has_no_text_that_was_not_shown() {
    for case in PROTOCOLS.iter().flat_map(|protocol| cases(*protocol)) {
        let (Some(_), Some(name)) = (case.get("sent"), text(&case, "name")) else { continue };
        let Claim { protocol, route, .. } = claimed(&case);
        let mut body = body(&case);
        // Ids of what is kept are held against whose they are, and so need not be searched.
        let named: Vec<String> = {
            let (stored, reaching) = (protocol.stored(route, &[], &body), protocol.reaching(route, &[], &body));
            let stored = stored.unwrap().named.into_iter().map(|naming| naming.id.to_owned());
            stored.chain(reaching.unwrap().into_iter().map(|reaching| reaching.place.to_owned())).collect()
        };
        protocol.request_texts(route, &mut body, &mut |text| *text.text = "§".to_owned());
        protocol.prepare(route, &mut body, "UP", &[], &dialect(protocol, &case)).unwrap();
        let mut left = Vec::new();
        strings(&body, &mut left);
        for text in left {
            let ours = text.strip_prefix("call").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
            let rewritten = text.chars().all(|character| !character.is_alphanumeric());
            assert!(
                ours || rewritten || named.contains(&text) || VOCABULARY.contains(&text.as_str()),
                "{name} sends {text:?} unsearched"
            );
        }
        let written = String::from_utf8(to_bytes(&body)).unwrap();
        assert!(!written.contains("4111"), "{name}: {written}");
    }
}

#[test]
fn what_goes_upstream_is_what_was_decided() {
    for case in PROTOCOLS.iter().flat_map(|protocol| cases(*protocol)) {
        let (Some(expected), Some(name)) = (case.get("sent"), text(&case, "name")) else { continue };
        let Claim { protocol, route, .. } = claimed(&case);
        let mut body = body(&case);
        protocol.prepare(route, &mut body, "UP", &[], &dialect(protocol, &case)).unwrap();
        assert_eq!(body, *expected, "{name}");
    }
}

#[test]
fn every_refusal_has_its_words() {
    for protocol in PROTOCOLS {
        for code in Code::ALL {
            let mut refusal = Refusal::new(*code, "In \"words\".").about("messages").by("bulk-export".into());
            refusal.approval = Some((ApprovalId::from_bytes([2; 16]), "http://127.0.0.1/a".to_owned()));
            let words = protocol.refusal(&refusal, &request_id());
            assert!(words.content_type.contains("json"));
            let said = String::from_utf8(words.body).unwrap();
            for part in [code.name(), "In \\\"words\\\".", "bulk-export", "req_1111", "apr_0202", "messages"] {
                assert!(said.contains(part), "{}: {part} in {said}", protocol.name());
            }
            json(&said);
            let amid = String::from_utf8(protocol.refusal_in_stream(&refusal, &request_id())).unwrap();
            assert!(amid.contains(&said), "{amid}");
        }
    }
}

/// For every route whose answers come from a model server: hostile bytes never pass and never panic.
#[test]
fn answers_that_are_garbage_give_faults() {
    for protocol in PROTOCOLS {
        for route in protocol.routes().iter().filter(|route| route.body == BodyKind::Json) {
            for (delivery, content_type) in
                [(Delivery::Whole, "application/json"), (Delivery::Stream, "text/event-stream")]
            {
                for garbage in [&b"alice@example.com"[..], b"data: alice@example.com\n\n", b"\xff\xfe{", b"[[[["] {
                    let head = gatewright_protocols::ReplyHead {
                        status: 200,
                        content_type: Some(content_type),
                        content_encoding: None,
                    };
                    let Ok(mut editor) = protocol.reply(route, delivery, head, asked(UsageReport::Told)) else {
                        continue;
                    };
                    let (mut words, mut out) = (FakeWords::default(), Vec::new());
                    let pushed = editor.push(garbage, &mut words, &mut out);
                    let ended = pushed.and_then(|()| editor.finish(&mut words, &mut out));
                    assert!(ended.is_err() || !editor.complete());
                    assert!(!String::from_utf8_lossy(&out).contains("alice"));
                }
            }
        }
    }
}

#[test]
fn a_refusal_is_said_in_the_protocol_of_its_path() {
    for protocol in PROTOCOLS {
        for route in protocol.routes() {
            assert_eq!(speaking(route.path).name(), protocol.name());
        }
    }
    assert_eq!(speaking("/nothing/here").name(), "openai");
}
