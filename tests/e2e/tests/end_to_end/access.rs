//! Roles for a time, from outside: asked for, approved, counted on every replica, ended at once, and never counted where
//! nobody can say whether they still do.

use std::process::Command;
use std::time::{Duration, Instant};

use gatewright_demo::issuer::Person;
use gatewright_e2e::answers::{asking, code};
use gatewright_e2e::process::{Ran, run};
use gatewright_e2e::records;
use gatewright_e2e::setting::Setting;
use gatewright_e2e::tools::gatewright;
use gatewright_testkit::{Answer, FakeModel, Postgres, RawClient, Reply, openai};
use serde_json::{Value, json};

const CATALOGUE: &str = "version: 1
roles:
  analyst:
    members: [{ issuer: corp, group: analysts }]
    grants: [{ models: [sales-forecast], operations: [chat] }]
  closer:
    request: { by: [{ issuer: corp, group: analysts }], approval: peer, longest: 1h }
    grants: [{ models: [restricted], operations: [chat] }]
  keeper:
    request: { by: [{ issuer: corp, group: analysts }], approval: peer }
    admin: [access.read]
  firefighter:
    request: { by: [{ issuer: corp, group: analysts }], break_glass: true, longest: 10m }
    grants: [{ models: [restricted], operations: [chat] }]
approvals:
  peer: { approvers: [{ issuer: corp, group: security }] }
";

/// How soon what was taken back is cut, on every replica.
const SOON: Duration = Duration::from_secs(1);

/// How soon a test gives up that looks again and again, on a machine that has other work.
const PATIENCE: Duration = Duration::from_secs(5);

/// Two gateways before one model server, and who asks them. Tokens are of the first one's issuer.
struct Scene {
    replicas: [Setting; 2],
    one: usize,
    other: usize,
    model: FakeModel,
}

impl Scene {
    fn bearer(&self, person: Person) -> String {
        self.replicas[0].bearer(person)
    }

    async fn call(&self, at: usize, model: &str) -> Answer {
        let headers = [&*self.bearer(Person::Alice), "content-type: application/json"];
        asking(self.replicas[at].data_address(), "POST", "/v1/chat/completions", &headers, &body(model, false)).await
    }

    async fn admin(&self, at: usize, person: Person, method: &str, path: &str, body: Value) -> (u16, Value) {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let headers = [&*self.bearer(person), "content-type: application/json"];
        let answer = asking(self.replicas[at].admin_address(), method, path, &headers, &text).await;
        (answer.status, serde_json::from_str(&answer.text()).unwrap_or_default())
    }

    async fn ask_for(&self, at: usize, role: &str, seconds: u64, reason: &str) -> (u16, Value) {
        let wish = json!({ "role": role, "for_s": seconds, "reason": reason });
        self.admin(at, Person::Alice, "POST", "/api/v1/access", wish).await
    }

    async fn decide(&self, at: usize, person: Person, wish: &Value, decision: Value) -> (u16, Value) {
        let path = format!("/api/v1/approvals/{}/decision", id(&wish["approval"]));
        self.admin(at, person, "POST", &path, decision).await
    }

    /// A grant of this role, asked for at one replica and approved at the other.
    async fn grant(&self, role: &str, seconds: u64) -> String {
        let (status, wish) = self.ask_for(self.one, role, seconds, "ticket 12").await;
        assert_eq!(status, 201, "{wish}");
        let (status, decided) = self.decide(self.other, Person::Carol, &wish, json!({ "verdict": "approve" })).await;
        assert_eq!((status, &decided["state"]), (200, &"used".into()), "{decided}");
        id(&wish["approval"]).replace("apr_", "grt_")
    }

    /// Waits until alice's call of the closed model is answered with this status on both replicas.
    async fn until(&self, status: u16, within: Duration) {
        let deadline = Instant::now() + within;
        for at in [self.one, self.other] {
            loop {
                let answer = self.call(at, "restricted").await;
                if answer.status == status {
                    break;
                }
                assert!(Instant::now() < deadline, "replica {at} says {} after {within:?}", answer.text());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    /// A streamed call of the closed model, after its first words.
    async fn stream(&self, at: usize) -> RawClient {
        let mut client = RawClient::connect(self.replicas[at].data_address()).await.unwrap();
        let headers = [&*self.bearer(Person::Alice), "content-type: application/json"];
        client.request("POST", "/v1/chat/completions", &headers, body("restricted", true).as_bytes()).await.unwrap();
        let (status, _) = client.head().await.unwrap();
        assert_eq!(status, 200);
        client.piece().await.unwrap().expect("its first words");
        client
    }
}

fn body(model: &str, stream: bool) -> String {
    json!({ "model": model, "stream": stream, "messages": [{ "role": "user", "content": "hello" }] }).to_string()
}

fn id(approval: &Value) -> String {
    approval["id"].as_str().unwrap_or_else(|| panic!("no id in {approval}")).to_owned()
}

/// The rest of a stream, and how long it took to come.
async fn rest(mut client: RawClient) -> (String, Duration) {
    let began = Instant::now();
    let mut text = String::new();
    while let Ok(Some(piece)) = client.piece().await {
        text.push_str(&String::from_utf8_lossy(&piece));
    }
    (text, began.elapsed())
}

/// A model server whose streams go on for a minute, a word every tenth of a second.
async fn model() -> FakeModel {
    let answer = |received: &gatewright_testkit::Received| match received.text().contains("\"stream\":true") {
        true => openai::chat_stream("restricted", vec!["word "; 600]).every(Duration::from_millis(100)),
        false => openai::chat("restricted", "a plain answer"),
    };
    FakeModel::start(answer).await.unwrap()
}

async fn a_role_is_lent_for_a_time(scene: &mut Scene) {
    let (one, other) = (scene.one, scene.other);
    assert_eq!(code(&scene.call(one, "restricted").await), "permission_denied");
    // Who may not ask, what nobody can ask for, and for how long.
    let wish = json!({ "role": "closer", "for_s": 60 });
    assert_eq!(scene.admin(one, Person::Bob, "POST", "/api/v1/access", wish.clone()).await.0, 403);
    assert_eq!(scene.ask_for(one, "analyst", 60, "").await.0, 403);
    assert_eq!(scene.ask_for(one, "nothing", 60, "").await.0, 403);
    assert_eq!(scene.ask_for(one, "closer", 3_601, "").await.0, 400);
    assert_eq!(scene.ask_for(one, "closer", 0, "").await.0, 400);
    let (status, first) = scene.ask_for(one, "closer", 1_800, "of erika@example.com").await;
    assert_eq!((status, &first["approval"]["state"], &first["grant"]), (201, &"pending".into(), &Value::Null));
    let whole = first.to_string();
    assert!(whole.contains("[EMAIL_ADDRESS]") && !whole.contains("erika"), "{whole}");
    let (status, again) = scene.ask_for(other, "closer", 60, "again").await;
    assert_eq!((status, id(&again["approval"])), (200, id(&first["approval"])), "one wish at a time");
    // Nobody approves their own; who is no approver does not see it; nothing counts before.
    let yes = json!({ "verdict": "approve" });
    assert_eq!(scene.decide(one, Person::Alice, &first, yes.clone()).await.0, 403);
    assert_eq!(scene.decide(one, Person::Bob, &first, yes.clone()).await.0, 404);
    assert_eq!(code(&scene.call(one, "restricted").await), "permission_denied");
    let too_long = json!({ "verdict": "approve", "narrow": { "for_s": 1_801 } });
    assert_eq!(scene.decide(other, Person::Carol, &first, too_long).await.0, 400);
    let shorter = json!({ "verdict": "approve", "narrow": { "for_s": 600 }, "reason": "for the incident" });
    assert_eq!(scene.decide(other, Person::Carol, &first, shorter).await.0, 200);
    assert_eq!(scene.decide(other, Person::Carol, &first, yes).await.0, 409, "it is decided");
    scene.until(200, PATIENCE).await;
    // Other people have nothing of it.
    let headers = [&*scene.bearer(Person::Carol), "content-type: application/json"];
    let address = scene.replicas[one].data_address();
    let carols = asking(address, "POST", "/v1/chat/completions", &headers, &body("restricted", false)).await;
    assert_eq!(code(&carols), "permission_denied");
    // A restart forgets nothing.
    tokio::task::block_in_place(|| scene.replicas[one].process().kill());
    scene.replicas[one].start().await;
    scene.until(200, PATIENCE).await;
    let (_, list) = scene.admin(other, Person::Carol, "GET", "/api/v1/access?state=active", Value::Null).await;
    assert_eq!((list["grants"].as_array().map(Vec::len), &list["grants"][0]["role"]), (Some(1), &"closer".into()));
    let grant = id(&list["grants"][0]);
    let (_, bobs) = scene.admin(other, Person::Bob, "GET", "/api/v1/access", Value::Null).await;
    assert_eq!((&bobs["grants"], &bobs["may_ask"]), (&json!([]), &json!([])), "a stranger sees none of it");
    // Taken back at one replica, a stream of the other one ends within a second, in the protocol's own words.
    let stream = scene.stream(one).await;
    let path = format!("/api/v1/access/{grant}");
    assert_eq!(scene.admin(other, Person::Bob, "DELETE", &path, Value::Null).await.0, 404);
    let (ended, revoked) = tokio::join!(rest(stream), scene.admin(other, Person::Carol, "DELETE", &path, Value::Null));
    assert_eq!((revoked.0, &revoked.1["state"]), (200, &"revoked".into()));
    assert!(ended.1 < SOON, "it went on for {:?}", ended.1);
    assert!(ended.0.contains("permission_denied") && !ended.0.contains("[DONE]"), "{}", ended.0);
    scene.until(403, PATIENCE).await;
    assert_eq!(scene.admin(other, Person::Carol, "DELETE", &path, Value::Null).await.0, 404, "it counts no more");
}

async fn it_never_outlives_its_window(scene: &Scene) {
    let began = Instant::now();
    scene.grant("closer", 3).await;
    scene.until(200, PATIENCE).await;
    let stream = scene.stream(scene.other).await;
    let (text, _) = rest(stream).await;
    let lasted = began.elapsed();
    assert!(lasted > Duration::from_millis(2_500) && lasted < Duration::from_millis(4_500), "it lasted {lasted:?}");
    assert!(text.contains("permission_denied"), "{text}");
    scene.until(403, PATIENCE).await;
}

/// The log of one replica, once this is in it: lines are written a moment after they are told.
async fn logged(scene: &Scene, words: &str) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let log = std::fs::read_to_string(scene.replicas[scene.one].path("gateway.log")).unwrap();
        if log.contains(words) {
            return log;
        }
        assert!(Instant::now() < deadline, "{log}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn glass_is_broken_loudly(scene: &Scene) {
    let (status, without) = scene.ask_for(scene.one, "firefighter", 60, " ").await;
    assert_eq!((status, &without["code"]), (403, &"reason_required".into()), "{without}");
    assert_eq!(scene.ask_for(scene.one, "firefighter", 601, "fire").await.0, 400);
    let (status, taken) = scene.ask_for(scene.one, "firefighter", 60, "the model is on fire").await;
    assert_eq!((status, &taken["grant"]["break_glass"]), (201, &true.into()), "{taken}");
    assert_eq!(scene.ask_for(scene.other, "firefighter", 60, "again").await.0, 409, "once at a time");
    scene.until(200, PATIENCE).await;
    let log = logged(scene, "break glass").await;
    assert!(log.contains("firefighter"), "{log}");
    assert!(!log.contains("on fire"), "what people write is not logged");
    let (_, own) = scene.admin(scene.other, Person::Alice, "GET", "/api/v1/access", Value::Null).await;
    assert_eq!((&own["grants"][0]["role"], &own["grants"][0]["state"]), (&"firefighter".into(), &"active".into()));
    let path = format!("/api/v1/access/{}", id(&taken["grant"]));
    assert_eq!(
        scene.admin(scene.other, Person::Alice, "DELETE", &path, Value::Null).await.0,
        200,
        "one ends one's own"
    );
    scene.until(403, PATIENCE).await;
}

/// The catalogue of this moment decides, not that of the moment when the role was lent.
async fn a_changed_catalogue_takes_it_back(scene: &Scene) {
    scene.grant("closer", 600).await;
    scene.until(200, PATIENCE).await;
    let others = CATALOGUE
        .replace("by: [{ issuer: corp, group: analysts }], approval", "by: [{ issuer: corp, group: board }], approval");
    for setting in &scene.replicas {
        setting.write("catalogue.yaml", &others);
    }
    scene.until(403, Duration::from_secs(20)).await;
    for setting in &scene.replicas {
        setting.write("catalogue.yaml", CATALOGUE);
    }
    scene.until(200, Duration::from_secs(20)).await;
}

/// An admin permission can be lent as well, and is no way to approve: approvers are named by group.
async fn a_lent_permission_makes_no_approver(scene: &Scene) {
    scene.grant("keeper", 600).await;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (_, me) = scene.admin(scene.one, Person::Alice, "GET", "/api/v1/me", Value::Null).await;
        if me["permissions"] == json!(["access.read"]) {
            break;
        }
        assert!(Instant::now() < deadline, "{me}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What is on record of it all, at the replica that wrote it.
fn on_record(scene: &Scene) {
    let mut text = String::new();
    let mut stood_on = 0;
    for setting in &scene.replicas {
        if !setting.data().join("ledger").exists() {
            continue;
        }
        records::verify(&setting.data());
        let journeys = records::journeys(&setting.data());
        let with_grants = |call: &&Value| call.to_string().contains("\"grants\":[\"grt_");
        stood_on += journeys.values().filter(with_grants).count();
        let plain = journeys.values().filter(|call| call.to_string().contains("\"model\":\"sales-forecast\""));
        assert!(plain.clone().all(|call| !with_grants(&call)), "a call that needed no grant names none");
        for file in records::files(&setting.data().join("ledger")) {
            text.push_str(&String::from_utf8_lossy(&std::fs::read(file).unwrap()));
        }
    }
    assert!(stood_on > 0, "no record names the grant that its call stood on");
    for event in ["granted", "revoked", "lapsed", "glass_broken", "asked", "approved", "narrowed"] {
        assert!(text.contains(event), "{event} is not on record");
    }
    assert!(!text.contains("on fire") && !text.contains("for the incident"), "what people write is in the log");
}

async fn scene(model: FakeModel, state: &str) -> Scene {
    let first = Setting::lay(&model.url()).await;
    let second = Setting::lay(&model.url()).await;
    second.configure(first.issuer_url(), &model.url());
    for setting in [&first, &second] {
        setting.write("catalogue.yaml", CATALOGUE);
        let text = std::fs::read_to_string(setting.path("gatewright.yaml")).unwrap();
        setting.write("gatewright.yaml", &format!("{text}{state}"));
    }
    Scene { replicas: [first, second], one: 0, other: 0, model }
}

async fn everything(scene: &mut Scene) {
    a_role_is_lent_for_a_time(scene).await;
    it_never_outlives_its_window(scene).await;
    glass_is_broken_loudly(scene).await;
    assert_eq!(scene.call(scene.one, "sales-forecast").await.status, 200);
    a_lent_permission_makes_no_approver(scene).await;
    a_changed_catalogue_takes_it_back(scene).await;
    assert!(scene.model.count() > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_for_a_time_in_a_file() {
    let mut scene = scene(model().await, "").await;
    scene.replicas[0].start().await;
    everything(&mut scene).await;
    scene.replicas[0].stop();
    on_record(&scene);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_for_a_time_on_two_replicas_of_a_database() {
    let mut server = Postgres::start();
    let url = server.database();
    let password = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(password.path(), Postgres::PASSWORD).unwrap();
    let credential = password.path().display();
    let state = format!("state: {{ postgres: {{ url: \"{url}\", credential: \"file:{credential}\" }} }}\n");
    let mut scene = scene(model().await, &state).await;
    scene.other = 1;
    scene.replicas[0].start().await;
    let (from, to) = (scene.replicas[0].data().join("keys"), scene.replicas[1].data().join("keys"));
    std::fs::create_dir_all(&to).unwrap();
    std::fs::copy(from.join("approvals.key"), to.join("approvals.key")).unwrap();
    scene.replicas[1].start().await;
    everything(&mut scene).await;
    // The database goes away: nobody can say what was taken back meanwhile, so nothing that was lent counts.
    scene.until(200, PATIENCE).await;
    let stream = scene.stream(1).await;
    tokio::task::block_in_place(|| server.pause());
    let (text, after) = rest(stream).await;
    assert!(after < Duration::from_secs(6), "it went on for {after:?}");
    assert!(text.contains("not_ready"), "{text}");
    scene.until(403, PATIENCE).await;
    assert_eq!(scene.call(0, "sales-forecast").await.status, 200, "what nobody lent goes on");
    tokio::task::block_in_place(|| server.resume());
    scene.until(200, Duration::from_secs(20)).await;
    for setting in &mut scene.replicas {
        setting.stop();
    }
    on_record(&scene);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_asks_decides_and_ends() {
    let mut scene = scene(model().await, "").await;
    scene.replicas[0].start().await;
    let at = &scene.replicas[0];
    let terminal = |person: Person, words: &[&str]| -> Ran {
        let file = at.path(&format!("{person:?}.token"));
        std::fs::write(&file, at.token(person)).unwrap();
        let mut command = Command::new(gatewright());
        let admin = format!("http://{}", at.admin_address());
        command.arg("access").args(words).args(["--admin", &admin, "--token-file"]).arg(&file);
        run(&mut command)
    };
    let json = |ran: Ran| -> Value {
        assert_eq!(ran.code, Some(0), "{}\n{}", ran.out, ran.err);
        serde_json::from_str(&ran.out).unwrap()
    };
    let (alice, carol) = (Person::Alice, Person::Carol);
    tokio::task::block_in_place(|| {
        let list = terminal(alice, &["list"]);
        assert!(list.out.contains("you may ask for closer, for at most 3600s: peer"), "{}", list.out);
        assert!(list.out.contains("firefighter") && list.out.contains("break glass"), "{}", list.out);
        let wish = ["request", "--role", "closer", "--for", "30m", "--reason", "ticket 12"];
        let asked = json(terminal(alice, &[&wish[..], &["-o", "json"]].concat()));
        let wished = id(&asked["approval"]);
        assert_eq!(terminal(alice, &["approve", &wished]).code, Some(1), "nobody approves their own");
        let shown = terminal(carol, &["show", &wished]);
        assert!(shown.out.contains("access/closer") && shown.out.contains("ticket 12"), "{}", shown.out);
        let denied = terminal(carol, &["deny", &wished, "--reason", "not today"]);
        assert!(denied.out.contains("is denied"), "{}{}", denied.out, denied.err);
        let again = terminal(alice, &wish);
        assert!(again.code == Some(1) && again.out.contains("not today"), "{}{}", again.out, again.err);
        // Who waits is told as soon as it is decided.
        let wait = ["request", "--role", "keeper", "--for", "10m", "--reason", "audit", "--wait", "60s", "-o", "json"];
        let keeper = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| json(terminal(alice, &wait)));
            let deadline = Instant::now() + Duration::from_secs(20);
            let wished = loop {
                let list = json(terminal(carol, &["list", "-o", "json"]));
                if let Some(wish) = list["pending"].as_array().and_then(|pending| pending.first()) {
                    break id(wish);
                }
                assert!(Instant::now() < deadline, "{list}");
            };
            let approved = terminal(carol, &["approve", &wished, "--for", "5m"]);
            assert!(approved.out.contains("is approved"), "{}{}", approved.out, approved.err);
            waiting.join().unwrap()
        });
        let grant = id(&keeper["grant"]);
        let shown = terminal(alice, &["show", &grant]);
        assert!(shown.out.contains("active") && shown.out.contains("keeper"), "{}", shown.out);
        let glass = terminal(alice, &["request", "--role", "firefighter", "--for", "5m", "--reason", "fire"]);
        assert!(glass.code == Some(0) && glass.out.contains("BREAK GLASS"), "{}{}", glass.out, glass.err);
        let first = terminal(alice, &["list"]).out;
        assert!(first.lines().next().is_some_and(|line| line.contains("BREAK GLASS")), "{first}");
        assert_eq!(terminal(Person::Bob, &["revoke", &grant]).code, Some(1));
        let revoked = terminal(carol, &["revoke", &grant]);
        assert!(revoked.out.contains("is revoked"), "{}{}", revoked.out, revoked.err);
        assert!(terminal(alice, &["show", &grant]).out.contains("revoked"));
    });
    scene.replicas[0].stop();
}

/// An answer whose caller's token expires goes on, or ends where the configuration says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_with_its_token_where_the_configuration_says_so() {
    for (setting, cut) in [("", false), (", open_answers: cut, leeway: 1ms", true)] {
        let slow = |_: &gatewright_testkit::Received| -> Reply {
            openai::chat_stream("sales-forecast", vec!["word "; 60]).every(Duration::from_millis(100))
        };
        let model = FakeModel::start(slow).await.unwrap();
        let mut at = Setting::lay(&model.url()).await;
        let text = std::fs::read_to_string(at.path("gatewright.yaml")).unwrap();
        at.write("gatewright.yaml", &text.replace("groups: /groups", &format!("groups: /groups{setting}")));
        at.start().await;
        let token = at.token_for(Person::Alice, Duration::from_secs(3));
        let mut client = RawClient::connect(at.data_address()).await.unwrap();
        let headers = [&*format!("authorization: Bearer {token}"), "content-type: application/json"];
        client
            .request("POST", "/v1/chat/completions", &headers, body("sales-forecast", true).as_bytes())
            .await
            .unwrap();
        assert_eq!(client.head().await.unwrap().0, 200);
        let (text, took) = rest(client).await;
        assert_eq!(text.contains("unauthenticated"), cut, "{setting}: {text}");
        assert_eq!(text.contains("[DONE]"), !cut, "{setting}: {text}");
        assert_eq!(took < Duration::from_secs(4), cut, "{setting}: {took:?}");
        at.stop();
    }
}
