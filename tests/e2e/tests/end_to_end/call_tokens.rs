//! What a model server is lent for the length of a call: a token of the call's datasets, and a role of a database for it.
//! Used while the call runs, after it, for other data, by another workload, changed; and after the gateway was killed.

use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use gatewright_demo::issuer::Person;
use gatewright_e2e::answers::{asking, code};
use gatewright_e2e::process::{Process, free_address, wait_for_listener};
use gatewright_e2e::records;
use gatewright_e2e::servers::Chroma;
use gatewright_e2e::setting::Setting;
use gatewright_e2e::tools::{file, tool};
use gatewright_testkit::{Answer, FakeModel, Postgres, RawClient, Received, Reply, Step, openai};
use serde_json::{Value, json};

const CATALOGUE: &str = "version: 1
roles:
  reader:
    members: [{ issuer: corp, group: analysts }]
    grants: [{ models: [rag], operations: [chat] }]
    datasets:
      public-docs: { allow: [read, write, administer], rows: 2 }
      hr-docs: { allow: [read] }
      sales-rows: { allow: [read] }
      own-rows: { allow: [read], filter: { team: sales } }
      more-rows: { allow: [read] }
  server:
    members: [{ issuer: corp, group: ml-admins }]
    datasets:
      public-docs: { allow: [read, write, administer], rows: 1 }
      private-docs: { allow: [read, write, administer] }
      sales-rows: { allow: [read] }
      own-rows: { allow: [read] }
      more-rows: { allow: [read] }
  other-server:
    members: [{ issuer: corp, group: security }]
    datasets:
      public-docs: { allow: [read] }
      sales-rows: { allow: [read] }
";

/// What is lent is lent to bob, who is the model server here; carol is another one.
fn configuration(setting: &Setting, issuer: &str, model: &str, chroma: &Chroma, postgres: &Database) -> String {
    let address = setting.data_address();
    format!(
        "version: 1\nlisten: {{ data: \"{address}\", admin: \"{}\" }}\ndata: \"{}\"\ncatalogue: catalogue.yaml\n\
         issuers:\n  corp: {{ url: \"{issuer}\", audience: gatewright, groups: /groups }}\n\
         call_tokens: {{ issuer: \"https://gateway.example\", lasts: 5m }}\n\
         connections:\n  vectors: {{ protocol: chroma, url: \"{}\", trust: internal }}\n  \
         lab:\n    protocol: openai\n    url: \"{model}\"\n    trust: internal\n    \
         call_token: {{ header: x-call-token, workload: {{ issuer: corp, subject: bob }} }}\n\
         models:\n  rag: {{ connection: lab, upstream: rag }}\n\
         databases:\n  warehouse: {{ url: \"{}\", credential: \"file:{}\" }}\n\
         datasets:\n  public-docs: {{ connection: vectors, collection: public }}\n  \
         private-docs: {{ connection: vectors, collection: private }}\n  \
         hr-docs: {{ connection: vectors, collection: hr-there }}\n  \
         sales-rows: {{ database: warehouse, role: sales_readers }}\n  \
         own-rows: {{ database: warehouse, role: sales_readers }}\n  \
         more-rows: {{ database: warehouse, role: sales_readers }}\n",
        setting.admin_address(),
        setting.data().display(),
        chroma.url(),
        postgres.url,
        postgres.password.path().display(),
    )
}

/// A database with a table, a role that may read it, and a lender that is no superuser.
struct Database {
    server: Postgres,
    name: String,
    url: String,
    password: tempfile::NamedTempFile,
}

impl Database {
    fn lay() -> Self {
        let server = Postgres::start();
        let name = server.database().rsplit('/').next().unwrap().to_owned();
        server.execute(
            &name,
            "CREATE TABLE sales (region text, amount int); INSERT INTO sales VALUES ('north', 7), ('south', 9);
             CREATE ROLE sales_readers NOLOGIN; GRANT SELECT ON sales TO sales_readers;
             CREATE ROLE lender LOGIN CREATEROLE PASSWORD 'lends roles';
             GRANT sales_readers TO lender WITH ADMIN OPTION",
        );
        let password = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(password.path(), "lends roles").unwrap();
        let url = format!("postgres://lender@127.0.0.1:{}/{name}", server.port());
        Self { server, name, url, password }
    }

    fn count(&self, query: &str) -> u64 {
        self.server.execute(&self.name, &format!("SELECT count(*) FROM {query}")).parse().unwrap()
    }

    fn sessions(&self) -> u64 {
        // Not by name: a session outlives its role, and has none then.
        self.count("pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE 'SELECT pg_sleep%'")
    }

    fn roles(&self) -> u64 {
        self.count("pg_roles WHERE rolname LIKE 'gwl%'")
    }

    /// How long it takes until neither a session nor a role is left.
    fn gone_within(&self, patience: Duration) -> Duration {
        let began = Instant::now();
        while self.sessions() > 0 || self.roles() > 0 {
            assert!(began.elapsed() < patience, "{} sessions, {} roles", self.sessions(), self.roles());
            std::thread::sleep(Duration::from_millis(10));
        }
        began.elapsed()
    }
}

/// A model that goes on answering until its caller leaves, or ends when it is told to end.
async fn model() -> FakeModel {
    FakeModel::start(|received: &Received| {
        let begun = Reply::events([openai::stream_event("rag", 0, "{\"content\":\"one\"}", "null")]);
        if received.text().contains("briefly") {
            let waited = begun.then(Step::Wait(Duration::from_millis(1_500)));
            let last = openai::stream_event("rag", 0, "{}", "\"stop\"");
            return waited.send(last).send("data: [DONE]\n\n");
        }
        begun.then(Step::Stall)
    })
    .await
    .unwrap()
}

/// A call that runs: alice's, on a connection of its own.
struct Running {
    client: RawClient,
    token: Option<String>,
    id: String,
}

async fn call(at: SocketAddr, alice: &str, model: &FakeModel, datasets: Option<&str>, text: &str) -> Running {
    let before = model.count();
    let body = json!({ "model": "rag", "stream": true, "messages": [{ "role": "user", "content": text }] }).to_string();
    let named = datasets.map(|names| format!("x-gatewright-dataset: {names}"));
    let mut headers = vec![alice, "content-type: application/json"];
    headers.extend(named.as_deref());
    let mut client = RawClient::connect(at).await.unwrap();
    client.request("POST", "/v1/chat/completions", &headers, body.as_bytes()).await.unwrap();
    assert!(model.wait_for(before + 1, Duration::from_secs(20)).await, "the model was not asked");
    let received = model.received().pop().unwrap();
    let header = |name: &str| received.headers.get(name).map(str::to_owned);
    Running { client, token: header("x-call-token"), id: header("x-request-id").unwrap() }
}

const COLLECTIONS: &str = "/api/v2/tenants/default_tenant/databases/default_database/collections";

/// Describes a dataset in a caller's name.
async fn look(at: SocketAddr, token: &str, workload: Option<&str>, dataset: &str) -> Answer {
    let bearer = format!("authorization: Bearer {token}");
    let own = workload.map(|token| format!("x-gatewright-workload: {token}"));
    let mut headers = vec![&*bearer];
    headers.extend(own.as_deref());
    asking(at, "GET", &format!("{COLLECTIONS}/{dataset}"), &headers, "").await
}

/// How long it takes until a token opens nothing more.
async fn dead_within(at: SocketAddr, token: &str, workload: &str, patience: Duration) -> Duration {
    let began = Instant::now();
    loop {
        let answer = look(at, token, Some(workload), "public-docs").await;
        if answer.status == 401 {
            return began.elapsed();
        }
        assert!(began.elapsed() < patience, "{}: {}", answer.status, answer.text());
    }
}

async fn exchange(at: SocketAddr, workload: &str, fields: &[(&str, &str)]) -> (u16, Value) {
    let form: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", value.replace(':', "%3A"))).collect();
    let bearer = format!("authorization: Bearer {workload}");
    let headers = [&*bearer, "content-type: application/x-www-form-urlencoded"];
    let answer = asking(at, "POST", "/token", &headers, &form.join("&")).await;
    (answer.status, serde_json::from_str(&answer.text()).unwrap_or_default())
}

const GRANT: (&str, &str) = ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange");
const BY_ID: (&str, &str) = ("subject_token_type", "urn:gatewright:token-type:request-id");
const ROLE: (&str, &str) = ("requested_token_type", "urn:gatewright:token-type:postgresql");

async fn role_for(at: SocketAddr, workload: &str, call: &str, scope: &str) -> (u16, Value) {
    exchange(at, workload, &[GRANT, BY_ID, ROLE, ("subject_token", call), ("scope", scope)]).await
}

async fn make_collections(setting: &Setting) {
    for name in ["public-docs", "private-docs"] {
        let bob = setting.bearer(Person::Bob);
        let headers = [&*bob, "content-type: application/json"];
        let made =
            asking(setting.data_address(), "POST", COLLECTIONS, &headers, &json!({ "name": name }).to_string()).await;
        assert_eq!(made.status, 200, "{}", made.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_opens_its_calls_datasets_for_its_workload_while_the_call_runs() {
    let (chroma, postgres, model) = (Chroma::start(), Database::lay(), model().await);
    let mut setting = Setting::lay(&model.url()).await;
    setting.write("catalogue.yaml", CATALOGUE);
    setting.write("gatewright.yaml", &configuration(&setting, setting.issuer_url(), &model.url(), &chroma, &postgres));
    setting.start().await;
    let at = setting.data_address();
    make_collections(&setting).await;
    let (alice, bob, carol) = (setting.alice(), setting.token(Person::Bob), setting.token(Person::Carol));

    // Who names nothing is lent nothing, and whoever may not read what is named is refused before anybody is asked.
    let plain = call(at, &alice, &model, None, "hello").await;
    assert_eq!(plain.token, None);
    drop(plain);
    for names in ["private-docs", "public-docs, private-docs", "nobodys-docs", "public-docs,"] {
        let body = json!({ "model": "rag", "messages": [{ "role": "user", "content": "hello" }] }).to_string();
        let headers = [&*alice, "content-type: application/json", &format!("x-gatewright-dataset: {names}")];
        let answer = asking(at, "POST", "/v1/chat/completions", &headers, &body).await;
        assert_eq!((answer.status, code(&answer).as_str()), (403, "permission_denied"), "{names}: {}", answer.text());
    }

    let running = call(at, &alice, &model, Some("public-docs"), "what do the documents say?").await;
    let (token, parent) = (running.token.clone().unwrap(), running.id.clone());
    let used = look(at, &token, Some(&bob), "public-docs").await;
    assert_eq!(used.status, 200, "{}", used.text());
    // Another workload, none, a person's own token in the workload's place, another byte.
    for (workload, why) in [(Some(&*carol), "another workload"), (None, "no workload")] {
        let answer = look(at, &token, workload, "public-docs").await;
        assert_eq!(answer.status, 401, "{why}: {}", answer.text());
    }
    for place in [20, token.len() / 2, token.len() - 10] {
        let other = if token.as_bytes()[place] == b'A' { "B" } else { "A" };
        let changed = format!("{}{other}{}", &token[..place], &token[place + 1..]);
        assert_eq!(look(at, &changed, Some(&bob), "public-docs").await.status, 401, "byte {place}");
    }
    // Other data: what the workload may read itself, what the caller may read and did not name, what nobody has.
    for dataset in ["private-docs", "hr-docs", "nobodys-docs"] {
        let answer = look(at, &token, Some(&bob), dataset).await;
        assert_eq!(answer.status, 403, "{dataset}: {}", answer.text());
    }
    // Reading only, though both may do more, and data only.
    let bearer = format!("authorization: Bearer {token}");
    let own = format!("x-gatewright-workload: {bob}");
    let headers = [&*bearer, &*own, "content-type: application/json"];
    for (method, path, body) in [
        ("DELETE", format!("{COLLECTIONS}/public-docs"), String::new()),
        ("POST", COLLECTIONS.to_owned(), json!({ "name": "public-docs", "get_or_create": true }).to_string()),
        (
            "POST",
            "/v1/chat/completions".to_owned(),
            json!({ "model": "rag", "messages": [{ "role": "user", "content": "and I?" }] }).to_string(),
        ),
        ("GET", "/v1/models".to_owned(), String::new()),
    ] {
        let headers = if body.is_empty() { &headers[..2] } else { &headers[..] };
        let answer = asking(at, method, &path, headers, &body).await;
        assert_eq!(answer.status, 403, "{method} {path}: {}", answer.text());
    }
    // A list shows what the call names.
    let list = asking(at, "GET", COLLECTIONS, &headers[..2], "").await;
    let names: Vec<Value> = serde_json::from_str(&list.text()).unwrap_or_default();
    let names: Vec<&Value> = names.iter().map(|one| &one["name"]).collect();
    assert_eq!(names, [&json!("public-docs")], "{}", list.text());

    // The caller leaves: within a second it is over.
    drop(running.client);
    let took = dead_within(at, &token, &bob, Duration::from_secs(1)).await;
    println!("after its caller had left a token opened nothing more within {took:?}");
    // So it is when the answer ends.
    let mut brief = call(at, &alice, &model, Some("public-docs"), "briefly").await;
    let token = brief.token.clone().unwrap();
    assert_eq!(look(at, &token, Some(&bob), "public-docs").await.status, 200);
    assert_eq!(brief.client.answer().await.unwrap().status, 200);
    let took = dead_within(at, &token, &bob, Duration::from_secs(1)).await;
    println!("after its call's answer had ended a token opened nothing more within {took:?}");

    // What the caller may read and the workload may not is read by nobody.
    let running = call(at, &alice, &model, Some("hr-docs"), "who earns what?").await;
    let answer = look(at, running.token.as_deref().unwrap(), Some(&bob), "hr-docs").await;
    assert_eq!(answer.status, 403, "{}", answer.text());
    drop(running);

    // Killed and started anew, the gateway knows no old token.
    let running = call(at, &alice, &model, Some("public-docs"), "and now?").await;
    let token = running.token.clone().unwrap();
    assert_eq!(look(at, &token, Some(&bob), "public-docs").await.status, 200);
    tokio::task::block_in_place(|| setting.process().kill());
    setting.start().await;
    assert_eq!(look(at, &token, Some(&bob), "public-docs").await.status, 401, "it outlived its gateway");

    // Its public keys are there, and say who signs.
    let keys: Value = serde_json::from_str(&asking(at, "GET", "/.well-known/jwks.json", &[], "").await.text()).unwrap();
    assert_eq!((keys["keys"].as_array().map(Vec::len), &keys["keys"][0]["d"]), (Some(3), &Value::Null), "{keys}");

    setting.stop();
    records::verify(&setting.data());
    assert_eq!(records::files_with(&setting.data(), &token[token.len() - 40..]), [""; 0], "a token lies on disk");
    // On record: what the call was lent from beginning to end, and each use as a call of its own, by whom and for which.
    let calls = records::journeys(&setting.data());
    let own = calls[&parent].to_string();
    assert!(own.contains(r#""step":"issued""#) && own.contains(r#""step":"ended""#), "{own}");
    let of_parent = format!(r#""call":"{parent}""#);
    let used = |call: &&Value| {
        let told = call.to_string();
        told.contains(&of_parent) && told.contains(r#""step":"used""#) && told.contains("read-dataset")
    };
    let uses: Vec<&Value> = calls.values().filter(used).collect();
    assert!(!uses.is_empty(), "no use is on record");
    assert!(
        uses.iter().all(|call| call["caller"]["subject"] == "alice" && call.to_string().contains("bob")),
        "{uses:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_of_a_database_is_gone_with_its_call_also_after_a_kill() {
    let (chroma, postgres, model) = (Chroma::start(), Database::lay(), model().await);
    let mut setting = Setting::lay(&model.url()).await;
    setting.write("catalogue.yaml", CATALOGUE);
    setting.write("gatewright.yaml", &configuration(&setting, setting.issuer_url(), &model.url(), &chroma, &postgres));
    setting.start().await;
    let at = setting.data_address();
    let (alice, bob, carol) = (setting.alice(), setting.token(Person::Bob), setting.token(Person::Carol));
    let running = call(at, &alice, &model, Some("sales-rows, public-docs, own-rows"), "how are sales?").await;

    // Whoever the call was not lent to, what it does not name, what cannot be narrowed: nothing is made.
    let (status, refused) = role_for(at, &carol, &running.id, "sales-rows").await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_grant")), "{refused}");
    for scope in ["public-docs", "private-docs", "more-rows", "own-rows", "sales-rows%20own-rows"] {
        let (status, refused) = role_for(at, &bob, &running.id, scope).await;
        assert_eq!((status, &refused["error"]), (400, &json!("invalid_scope")), "{scope}: {refused}");
    }
    let (status, refused) = role_for(at, "e30.e30.e30", &running.id, "sales-rows").await;
    assert_eq!((status, &refused["error"]), (401, &json!("invalid_client")), "{refused}");
    let unknown = format!("req_{}", "0".repeat(32));
    assert_eq!(role_for(at, &bob, &unknown, "sales-rows").await.1["error"], "invalid_grant");
    assert_eq!(postgres.roles(), 0, "a role was made for nobody");

    // By the call's token as by its id.
    let by_token = [
        GRANT,
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ROLE,
        ("subject_token", running.token.as_deref().unwrap()),
        ("scope", "sales-rows"),
    ];
    assert_eq!(exchange(at, &bob, &by_token).await.0, 200);
    let (status, lent) = role_for(at, &bob, &running.id, "sales-rows").await;
    assert_eq!((status, &lent["token_type"], &lent["scope"]), (200, &json!("N_A"), &json!("sales-rows")), "{lent}");
    let (user, password) = (lent["postgresql"]["user"].as_str().unwrap(), lent["access_token"].as_str().unwrap());
    assert_eq!(lent["postgresql"]["port"], postgres.server.port());
    let asked = postgres.server.execute_as(&postgres.name, (user, password), "SELECT sum(amount) FROM sales");
    assert_eq!(asked, Ok("16".to_owned()));
    let mut session = postgres.server.session_as(&postgres.name, (user, password), "SELECT pg_sleep(120)");
    while postgres.sessions() == 0 {
        std::thread::sleep(Duration::from_millis(10));
    }
    drop(running.client);
    let took = postgres.gone_within(Duration::from_secs(1));
    println!("a role with an open session was gone {took:?} after its call's end");
    assert!(!session.wait().unwrap().success());
    assert!(postgres.server.execute_as(&postgres.name, (user, password), "SELECT 1").is_err());
    assert_eq!(role_for(at, &bob, &running.id, "sales-rows").await.1["error"], "invalid_grant");

    // The gateway dies with a role out and a session open; the next start ends both.
    let running = call(at, &alice, &model, Some("sales-rows"), "and now?").await;
    let (_, lent) = role_for(at, &bob, &running.id, "sales-rows").await;
    let (user, killed_password) =
        (lent["postgresql"]["user"].as_str().unwrap(), lent["access_token"].as_str().unwrap());
    let mut session = postgres.server.session_as(&postgres.name, (user, killed_password), "SELECT pg_sleep(120)");
    while postgres.sessions() == 0 {
        std::thread::sleep(Duration::from_millis(10));
    }
    tokio::task::block_in_place(|| setting.process().kill());
    assert_eq!(postgres.sessions(), 1, "the session ended by itself, so this shows nothing");
    setting.start().await;
    let took = postgres.gone_within(Duration::from_secs(5));
    println!("a role with an open session was gone {took:?} after the restart");
    assert!(!session.wait().unwrap().success());

    setting.stop();
    records::verify(&setting.data());
    for secret in [password, killed_password] {
        assert_eq!(records::files_with(&setting.data(), secret), [""; 0], "a password lies on disk");
        assert!(!postgres.server.said().contains(secret), "a password is in the server's log");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_know_each_others_calls_and_end_what_a_dead_one_lent() {
    let (chroma, postgres, model) = (Chroma::start(), Database::lay(), model().await);
    let password = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(password.path(), Postgres::PASSWORD).unwrap();
    let (url, credential) = (postgres.server.database(), password.path().display());
    let state = format!("state: {{ postgres: {{ url: \"{url}\", credential: \"file:{credential}\" }} }}\n");
    let mut replicas = [Setting::lay(&model.url()).await, Setting::lay(&model.url()).await];
    let issuer = replicas[0].issuer_url().to_owned();
    for setting in &replicas {
        setting.write("catalogue.yaml", CATALOGUE);
        let text = configuration(setting, &issuer, &model.url(), &chroma, &postgres);
        setting.write("gatewright.yaml", &format!("{text}{state}"));
    }
    replicas[0].start().await;
    // Replicas have the same keys.
    let (from, to) = (replicas[0].data().join("keys"), replicas[1].data().join("keys"));
    std::fs::create_dir_all(&to).unwrap();
    std::fs::copy(from.join("call-tokens.key"), to.join("call-tokens.key")).unwrap();
    std::fs::copy(from.join("pseudonyms.key"), to.join("pseudonyms.key")).unwrap();
    replicas[1].start().await;
    make_collections(&replicas[0]).await;
    let (one, other) = (replicas[0].data_address(), replicas[1].data_address());
    let (alice, bob) = (replicas[0].alice(), replicas[0].token(Person::Bob));
    let carol = replicas[0].token(Person::Carol);

    let running = call(one, &alice, &model, Some("public-docs,sales-rows"), "across").await;
    let token = running.token.clone().unwrap();
    let used = look(other, &token, Some(&bob), "public-docs").await;
    assert_eq!(used.status, 200, "{}", used.text());
    assert_eq!(look(other, &token, Some(&carol), "public-docs").await.status, 401);
    let (status, lent) = role_for(other, &bob, &running.id, "sales-rows").await;
    assert_eq!(status, 200, "{lent}");
    // Longer than a replica's word counts: it is given again and again.
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(look(other, &token, Some(&bob), "public-docs").await.status, 200, "the call runs on");
    assert_eq!(postgres.roles(), 1);
    drop(running.client);
    let took = dead_within(other, &token, &bob, Duration::from_secs(1)).await;
    let ended = postgres.gone_within(Duration::from_secs(1));
    println!("another replica refused a token {took:?} after its call's end; its role was gone {ended:?} later");

    // A replica dies: its word counts for a few seconds, and then another one ends what it had lent.
    let running = call(one, &alice, &model, Some("public-docs,sales-rows"), "the last").await;
    let token = running.token.clone().unwrap();
    let (_, lent) = role_for(one, &bob, &running.id, "sales-rows").await;
    let (user, secret) = (lent["postgresql"]["user"].as_str().unwrap(), lent["access_token"].as_str().unwrap());
    let mut session = postgres.server.session_as(&postgres.name, (user, secret), "SELECT pg_sleep(120)");
    while postgres.sessions() == 0 {
        std::thread::sleep(Duration::from_millis(10));
    }
    tokio::task::block_in_place(|| replicas[0].process().kill());
    let began = Instant::now();
    dead_within(other, &token, &bob, Duration::from_secs(5)).await;
    let ended = postgres.gone_within(Duration::from_secs(5));
    println!(
        "{:?} after a replica was killed another had ended what it lent ({ended:?} of it the role)",
        began.elapsed()
    );
    assert!(!session.wait().unwrap().success());
}

/// The page's recipe, as a program: its code is the page's, and its answer too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_recipe_of_a_server_that_reads_data_works_as_it_stands() {
    let page = std::fs::read_to_string(file("../../docs/call-tokens.md")).unwrap();
    let script = std::fs::read_to_string(file("sdk/rag_server.py")).unwrap();
    for part in script.split("# recipe: ").skip(1).take(2) {
        let (_, code) = part.split_once('\n').unwrap();
        assert!(page.contains(code.trim()), "docs/call-tokens.md does not have\n{code}");
    }
    let (chroma, postgres, listens) = (Chroma::start(), Database::lay(), free_address());
    let mut setting = Setting::lay("http://127.0.0.1:9").await;
    setting.write("catalogue.yaml", CATALOGUE);
    let url = format!("http://{listens}");
    setting.write("gatewright.yaml", &configuration(&setting, setting.issuer_url(), &url, &chroma, &postgres));
    setting.start().await;
    make_collections(&setting).await;
    let bob = setting.token(Person::Bob);
    let at = setting.data_address();
    fill(&setting).await;
    let mut command = Command::new(tool("chroma-client/bin/python"));
    command.arg(file("sdk/rag_server.py")).arg(listens.port().to_string()).arg(at.to_string());
    command.env("WORKLOAD_TOKEN", &bob).env("PSQL", Postgres::client()).env("ANONYMIZED_TELEMETRY", "False");
    let mut server = Process::start(&mut command, &setting.path("rag.log"));
    wait_for_listener(listens, &mut server);
    let ask = async |datasets: Option<&str>| {
        let body = json!({ "model": "rag", "messages": [{ "role": "user", "content": "What do we know?" }] });
        let (alice, named) = (setting.alice(), datasets.map(|names| format!("x-gatewright-dataset: {names}")));
        let mut headers = vec![&*alice, "content-type: application/json"];
        headers.extend(named.as_deref());
        let answer = asking(at, "POST", "/v1/chat/completions", &headers, &body.to_string()).await;
        assert_eq!(answer.status, 200, "{}\n{}", answer.text(), server.said());
        let answer: Value = serde_json::from_str(&answer.text()).unwrap();
        answer["choices"][0]["message"]["content"].as_str().unwrap().to_owned()
    };
    assert_eq!(ask(None).await, "no datasets");
    let said = ask(Some("public-docs, sales-rows")).await;
    assert_eq!(said, r#"{"documents": ["The cat sleeps on the warm window sill."], "rows": ["north 7", "south 9"]}"#);
    assert!(page.contains(&said), "docs/call-tokens.md does not show {said}");
    postgres.gone_within(Duration::from_secs(1));
}

/// Two documents, of which the server is shown one: both its role and the caller's count.
async fn fill(setting: &Setting) {
    let at = setting.data_address();
    let bob = setting.bearer(Person::Bob);
    let headers = [&*bob, "content-type: application/json"];
    let described = asking(at, "GET", &format!("{COLLECTIONS}/public-docs"), &headers[..1], "").await;
    let described: Value = serde_json::from_str(&described.text()).unwrap();
    let id = described["id"].as_str().unwrap();
    let body = json!({
        "ids": ["cat", "rain"], "embeddings": [[0.1, 0.2], [0.3, 0.4]],
        "documents": ["The cat sleeps on the warm window sill.", "Heavy rain is expected in the mountains."],
    });
    let added = asking(at, "POST", &format!("{COLLECTIONS}/{id}/add"), &headers, &body.to_string()).await;
    assert!(matches!(added.status, 200 | 201), "{}", added.text());
}
