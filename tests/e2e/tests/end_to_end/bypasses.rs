//! Ways around the gateway: each row of the corpus through the built binary, before a model server that keeps every
//! byte. What counts is what arrived there, not only what the caller was told.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use gatewright_demo::issuer::Person;
use gatewright_e2e::answers::{asking, code};
use gatewright_e2e::corpus::{Body, Row, rows};
use gatewright_e2e::records;
use gatewright_e2e::setting::Setting;
use gatewright_protocols::{BodyKind, PROTOCOLS, Route};
use gatewright_testkit::{Answer, FakeModel, RawClient, Received, Reply, openai};

const CORPUS: &[&str] = &[
    include_str!("../../corpus/openai.txt"),
    include_str!("../../corpus/kept.txt"),
    include_str!("../../corpus/chroma.txt"),
];

/// The cases that must stay covered. What is missing between them is not spoken here: no route could carry it.
const CASES: &[u32] =
    &[1, 3, 4, 6, 7, 9, 10, 11, 12, 14, 15, 16, 17, 18, 20, 22, 23, 24, 25, 26, 27, 29, 30, 51, 54, 58];

/// What every route needs a row of, by its body.
const EVERY_ROUTE: &[u32] = &[51];
const WITH_A_BODY: &[u32] = &[1, 6];
const WITH_A_FORM: &[u32] = &[4];
/// A route that names what the server keeps needs a row of somebody else's.
const WITH_AN_ID: &[u32] = &[16];

const CATALOGUE: &str = "version: 1
masking:
  external: { in: redact, out: redact }
roles:
  analyst:
    members: [{ issuer: corp, group: analysts }]
    grants:
      - { models: [A], operations: [chat, embed, classify, files, batch] }
      - models: [B]
        operations: [chat]
        parameters: { max_tokens: { max: 100, over: clamp } }
    datasets:
      docs: { allow: [read], top_k: 5 }
      shelf: { allow: [read], top_k: 5 }
      corpus: { allow: [read] }
      tools: { allow: [read] }
      sandbox: { allow: [read] }
      drafts: { allow: [read, write] }
      rare: { allow: [read], calls_per_hour: 2 }
  keeper:
    members: [{ issuer: corp, group: ml-admins }]
    grants: [{ models: [A], operations: [chat, files, batch] }]
    datasets:
      secret: { allow: [read] }
      vault: { allow: [read] }
rules:
  - { name: no-launch-codes, when: { prompt: { words: [\"launch code\"] } }, then: { refuse: true } }
";

/// Every row; one that is about many routes (`chroma.*`, or `chroma.+` for those with a body) as often as it is about one.
fn corpus() -> Vec<Row> {
    let (mut all, routes) = (Vec::new(), routes());
    for row in CORPUS.iter().flat_map(|text| rows(text)) {
        let prefix = row.route.as_ref().and_then(|route| route.strip_suffix(['*', '+']));
        let Some(prefix) = prefix else {
            all.push(row);
            continue;
        };
        let bodies_alone = row.route.as_ref().is_some_and(|route| route.ends_with('+'));
        let meant = |id: &str, route: &Route| id.starts_with(prefix) && (!bodies_alone || route.body == BodyKind::Json);
        for (id, _) in routes.iter().filter(|(id, route)| meant(id, route)) {
            all.push(Row { route: Some((*id).to_owned()), ..row.clone() });
        }
    }
    all
}

fn routes() -> BTreeMap<&'static str, &'static Route> {
    PROTOCOLS.iter().flat_map(|protocol| protocol.routes()).map(|route| (route.id.0, route)).collect()
}

#[test]
fn every_route_and_every_case_has_its_rows() {
    let (rows, routes) = (corpus(), routes());
    let mut covered: BTreeSet<(&str, u32)> = BTreeSet::new();
    let mut names = BTreeSet::new();
    for row in &rows {
        assert!(row.status != 0, "{}: nothing is expected", row.name);
        assert!(names.insert((row.case, &row.route, &row.name)), "{} {}: twice", row.case, row.name);
        if let Some(route) = &row.route {
            let (id, _) = routes.get_key_value(route.as_str()).unwrap_or_else(|| panic!("{route} is no route"));
            if row.status >= 400 {
                covered.insert((*id, row.case));
            }
        }
    }
    for (id, route) in routes {
        let further = match route.body {
            BodyKind::Json => WITH_A_BODY,
            BodyKind::Form => WITH_A_FORM,
            BodyKind::None | BodyKind::Query(_) => &[],
        };
        let kept = id.starts_with("openai.") && route.path.contains("{id}") && id != "openai.model";
        let named = if kept { WITH_AN_ID } else { &[] };
        for case in EVERY_ROUTE.iter().chain(further).chain(named) {
            assert!(covered.contains(&(id, *case)), "{id} has no row of case {case}");
        }
    }
    for case in CASES {
        assert!(rows.iter().any(|row| row.case == *case), "case {case} has no row");
    }
}

/// A model server that answers what the row says, once; everything after that would be something else being tried.
fn answer(status: &AtomicU16, received: &Received) -> Reply {
    match status.load(Ordering::SeqCst) {
        200 if received.target.ends_with("/embeddings") => openai::embedding("llama-there", &[0.5]),
        200 if !received.target.ends_with("/completions") => kept(received),
        200 => openai::chat("llama-there", "fine"),
        307 => Reply::status(307).header("location", "http://evil.example/v1/chat/completions"),
        other => Reply::status(other),
    }
}

/// How many things the model server has made.
static MADE: AtomicU16 = AtomicU16::new(0);

/// What a model server says of what it keeps: a new thing for whoever makes one, and the thing that was asked for.
fn kept(received: &Received) -> Reply {
    let path: Vec<&str> = received.target.split(['/', '?']).collect();
    let prefix = match path.get(2) {
        Some(&"files") => "file-",
        Some(&"batches") => "batch_",
        Some(&"responses") => "resp_",
        Some(&"conversations") => "conv_",
        _ => "vs_",
    };
    let id = match path.get(3) {
        Some(id) => (*id).to_owned(),
        None => format!("{prefix}{}", MADE.fetch_add(1, Ordering::SeqCst)),
    };
    Reply::json(200, format!(r#"{{"id":"{id}","object":"thing","data":[]}}"#))
}

/// Makes one of each thing for a person, and gives the signs by which rows name them.
async fn makes(setting: &Setting, person: Person, whose: &str) -> Vec<(String, String)> {
    let bearer = setting.bearer(person);
    let form = "--x\r\ncontent-disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n--x\r\ncontent-disposition: \
                form-data; name=\"file\"; filename=\"n\"\r\n\r\n{\"custom_id\":\"1\",\"method\":\"POST\",\"url\":\
                \"/v1/chat/completions\",\"body\":{\"model\":\"A\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}}\r\n--x--";
    let mut signs: Vec<(String, String)> = Vec::new();
    for (name, path, body) in [
        ("file", "/v1/files", form.to_owned()),
        ("text", "/v1/files", form.replacen("batch", "user_data", 1)),
        ("batch", "/v1/batches", String::new()),
        ("response", "/v1/responses", r#"{"model":"A","input":"x"}"#.to_owned()),
        ("conversation", "/v1/conversations", "{}".to_owned()),
        ("store", "/v1/vector_stores", "{}".to_owned()),
    ] {
        let body = match (name, signs.first()) {
            ("batch", Some((_, file))) => {
                format!(r#"{{"input_file_id":"{file}","endpoint":"/v1/chat/completions","completion_window":"24h"}}"#)
            }
            _ => body,
        };
        let media = if path == "/v1/files" { "multipart/form-data; boundary=x" } else { "application/json" };
        let media = format!("content-type: {media}");
        let answer = asking(setting.data_address(), "POST", path, &[&bearer, &media], &body).await;
        let made: serde_json::Value = serde_json::from_str(&answer.text()).expect("it is made");
        let id = made["id"].as_str().unwrap_or_else(|| panic!("{name}: {made}")).to_owned();
        signs.push((format!("{{{whose}-{name}}}"), id));
    }
    let capitals = signs.iter().map(|(sign, id)| (sign.to_uppercase(), id.to_uppercase())).collect::<Vec<_>>();
    signs.extend(capitals);
    signs
}

#[tokio::test]
async fn no_way_around_leads_anywhere() {
    let status = Arc::new(AtomicU16::new(200));
    let answers = Arc::clone(&status);
    let model = FakeModel::start(move |received| answer(&answers, received)).await.unwrap();
    let database = FakeModel::start(database).await.unwrap();
    let elsewhere = FakeModel::start(|_| openai::chat("x", "never")).await.unwrap();
    let mut setting = Setting::lay(&model.url()).await;
    setting.write("catalogue.yaml", CATALOGUE);
    setting.write("gatewright.yaml", &configuration(&setting, &model, &database, &elsewhere));
    setting.start().await;
    let alice = setting.alice();
    let ids = [
        ("{docs}", described(&setting, Person::Alice, "docs").await),
        ("{drafts}", described(&setting, Person::Alice, "drafts").await),
        // Looking is the first of its two calls.
        ("{rare}", described(&setting, Person::Alice, "rare").await),
        ("{secret}", described(&setting, Person::Bob, "secret").await),
        ("{theirs}", server_id("secret-there")),
    ];
    let mut ids: Vec<(String, String)> = ids.into_iter().map(|(sign, id)| (sign.to_owned(), id)).collect();
    ids.extend(makes(&setting, Person::Alice, "my").await);
    ids.extend(makes(&setting, Person::Bob, "bob").await);
    let mut wrong = Vec::new();
    let mut recorded = Vec::new();
    for row in corpus() {
        let row = Row { arrives: row.arrives.map(|text| with_ids(text, &ids)), ..row };
        model.forget();
        database.forget();
        status.store(row.answer.unwrap_or(200), Ordering::SeqCst);
        let answer = send(setting.data_address(), &alice, &row, &ids).await;
        let arrived: Vec<Received> =
            model.received().into_iter().chain(database.received()).filter(|request| !is_lookup(request)).collect();
        if let Some(fault) = judge(&row, &answer, &arrived, &alice) {
            wrong.push(format!("{} {}: {fault}", row.case, row.name));
        }
        let by_policy = ["permission_denied", "not_found", "unsupported_field", "unsupported_media", "blocked_content"];
        if by_policy.contains(&code(&answer).as_str()) {
            recorded.push((answer.headers.get("x-gatewright-request-id").unwrap_or_default().to_owned(), row));
        }
    }
    assert_eq!(elsewhere.count(), 0, "the other connection was asked");
    assert!(wrong.is_empty(), "{} rows:\n{}", wrong.len(), wrong.join("\n"));
    setting.stop();
    for (id, row) in recorded {
        let journeys = records::calls(&setting.data(), &id);
        let journey = journeys.get(&id).unwrap_or_else(|| panic!("{}: {id} is not in the log", row.name));
        assert_eq!(journey["state"], "refused", "{}: {journey}", row.name);
    }
    assert_eq!(records::files_with(&setting.data(), "erika@mustermann.example"), [""; 0], "an original is on disk");
}

fn configuration(setting: &Setting, model: &FakeModel, database: &FakeModel, elsewhere: &FakeModel) -> String {
    format!(
        "version: 1\nlisten: {{ data: \"{}\", admin: \"{}\" }}\ndata: \"{}\"\ncatalogue: catalogue.yaml\n\
         issuers:\n  corp: {{ url: \"{}\", audience: gatewright, groups: /groups }}\n\
         connections:\n  lab: {{ protocol: openai, url: \"{}\", trust: external }}\n  \
         other: {{ protocol: openai, url: \"{}\", trust: external }}\n  \
         vectors: {{ protocol: chroma, url: \"{}\", trust: external }}\n\
         datasets:\n  docs: {{ connection: vectors, collection: docs-there }}\n  \
         drafts: {{ connection: vectors, collection: drafts-there }}\n  \
         rare: {{ connection: vectors, collection: rare-there }}\n  \
         secret: {{ connection: vectors, collection: secret-there }}\n  \
         shelf: {{ connection: lab, collection: vs_shelf }}\n  \
         vault: {{ connection: lab, collection: vs_vault }}\n  \
         tools: {{ connection: lab, collection: \"https://tools.example/mcp\" }}\n  \
         locked: {{ connection: lab, collection: \"https://vault.example/mcp\" }}\n  \
         corpus: {{ connection: lab, collection: declared }}\n  \
         files: {{ connection: lab, collection: declared }}\n  \
         sandbox: {{ connection: lab, collection: code_interpreter }}\n\
         models:\n  A: {{ connection: lab, upstream: llama-there }}\n  B: {{ connection: lab, upstream: llama-there }}\n  \
         D: {{ connection: lab, upstream: llama-secret }}\nlimits: {{ body_bytes: 256KiB }}\n",
        setting.data_address(),
        setting.admin_address(),
        setting.data().display(),
        setting.issuer_url(),
        model.url(),
        elsewhere.url(),
        database.url(),
    )
}

/// A text with the ids that its signs stand for.
fn with_ids(text: String, ids: &[(String, String)]) -> String {
    ids.iter().fold(text, |text, (sign, id)| text.replace(sign, id))
}

/// Bytes with the ids that their signs stand for.
fn bytes_with_ids(bytes: &[u8], ids: &[(String, String)]) -> Vec<u8> {
    match std::str::from_utf8(bytes) {
        Ok(text) => with_ids(text.to_owned(), ids).into_bytes(),
        Err(_) => bytes.to_vec(),
    }
}

async fn send(address: SocketAddr, token: &str, row: &Row, ids: &[(String, String)]) -> Answer {
    let route = row.route.as_ref().map(|route| routes()[route.as_str()]);
    let (method, target) = match (&row.target, route) {
        (Some((method, target)), _) => (method.clone(), target.clone()),
        (None, Some(route)) => (route.method.to_owned(), usual_target(route)),
        (None, None) => panic!("{}: a row without a route needs a target", row.name),
    };
    let target = with_ids(target, ids);
    let body = match &row.body {
        Body::None => Vec::new(),
        Body::Bytes(bytes) => bytes_with_ids(bytes, ids),
        Body::Usual(members) => {
            [b"{", &members[..], br#""model":"A","messages":[{"role":"user","content":"hello"}]}"#].concat()
        }
    };
    let mut lines = vec![format!("{method} {target} HTTP/1.1"), format!("host: {address}")];
    let usual =
        [token.to_owned(), "content-type: application/json".to_owned(), format!("content-length: {}", body.len())];
    let stated = |name: &str| row.headers.iter().any(|line| line.to_lowercase().starts_with(&format!("{name}:")));
    for line in usual {
        let name = line.split(':').next().unwrap_or_default();
        let unneeded = name != "authorization" && body.is_empty();
        let stated = name == "content-length" && stated(name);
        if !row.without.iter().any(|without| without == name) && !unneeded && !stated {
            lines.push(line);
        }
    }
    lines.extend(row.headers.iter().cloned());
    let mut bytes = lines.join("\r\n").into_bytes();
    bytes.extend_from_slice(b"\r\n\r\n");
    bytes.extend_from_slice(&body);
    let mut client = RawClient::connect(address).await.expect("it listens");
    // A refusal may come before everything was taken.
    let _ = client.send(&bytes).await;
    client.answer().await.unwrap_or_else(|error| panic!("{} {}: no answer: {error}", row.case, row.name))
}

/// Where a row of this route goes that says nothing else.
fn usual_target(route: &Route) -> String {
    let target = route.path.replacen("tenants/{id}", "tenants/default_tenant", 1);
    let target = target.replacen("databases/{id}", "databases/default_database", 1).replacen("{id}", "{docs}", 1);
    target.replace("{id}", "other_1")
}

const COLLECTIONS: &str = "/api/v2/tenants/default_tenant/databases/default_database/collections/";

/// The id by which a person knows a dataset.
async fn described(setting: &Setting, person: Person, name: &str) -> String {
    let target = format!("{COLLECTIONS}{name}");
    let answer = asking(setting.data_address(), "GET", &target, &[&setting.bearer(person)], "").await;
    let described: serde_json::Value = serde_json::from_str(&answer.text()).expect("it is described");
    described["id"].as_str().unwrap_or_else(|| panic!("{described}")).to_owned()
}

/// The id that the vector database gives a collection.
fn server_id(name: &str) -> String {
    format!("4895c11b-7fc8-4f07-b50c-{:0>12}", name.len())
}

/// A question of the gateway's own, for a server's id.
fn is_lookup(request: &Received) -> bool {
    request.method == "GET" && request.target.ends_with("-there")
}

/// A vector database with nothing in it.
fn database(received: &Received) -> Reply {
    match received.target.rsplit('/').next().unwrap_or_default() {
        "get" => Reply::json(200, r#"{"ids":[],"include":[]}"#),
        "query" => Reply::json(200, r#"{"ids":[[]],"include":[]}"#),
        "add" => Reply::json(201, "{}"),
        name => Reply::json(200, format!(r#"{{"id":"{}","name":"{name}"}}"#, server_id(name))),
    }
}

/// What is wrong with a row's outcome.
fn judge(row: &Row, answer: &Answer, arrived: &[Received], token: &str) -> Option<String> {
    let said = (answer.status, code(answer));
    if said.0 != row.status || row.code.as_ref().is_some_and(|expected| *expected != said.1) {
        return Some(format!("expected {} {:?}, was told {}", row.status, row.code, answer.text()));
    }
    let expected = usize::from(row.arrives.is_some() || row.status == 200 && row.route.is_some());
    if arrived.len() != expected {
        return Some(format!("{} requests arrived, {expected} were expected", arrived.len()));
    }
    for request in arrived {
        let raw = String::from_utf8_lossy(&request.raw).into_owned();
        let secret = token.rsplit(' ').next().unwrap_or_default();
        if raw.contains(secret) || raw.to_lowercase().contains("bob") || raw.contains("sk-caller") {
            return Some(format!("what the caller says of herself arrived: {raw}"));
        }
        let fits = match row.arrives.as_deref() {
            None => true,
            Some(without) if without.starts_with("without ") => !raw.contains(&without["without ".len()..]),
            Some(exact) => request.text() == exact,
        };
        if !fits {
            return Some(format!("arrived: {}", request.text()));
        }
    }
    None
}
