//! The catalogue in the store: versions made, refused and gone back to while gateways run, on one machine and on two
//! replicas of one PostgreSQL; and a thousand calls while versions flip.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use gatewright_demo::issuer::Person;
use gatewright_e2e::answers::{asking, code};
use gatewright_e2e::process::{Process, Ran, free_address, run};
use gatewright_e2e::records::{calls, verify};
use gatewright_e2e::setting::Setting;
use gatewright_e2e::tools::gatewright;
use gatewright_testkit::{Answer, FakeModel, Postgres, openai};
use serde_json::Value;

/// A catalogue that can be told from another by what it does to one call: which word it masks, and how many tokens it
/// fills in. Whoever is judged by two of them at once shows a mixture.
pub(super) fn catalogue(word: &str, tokens: u32) -> String {
    format!(
        "version: 1\ndetectors:\n  PROJECT_CODE: {{ words: [{word}] }}\nmasking:\n  internal: {{ in: redact, out: redact }}\n\
         roles:\n  analyst:\n    members: [{{ issuer: corp, group: analysts }}]\n    grants:\n      - models: [sales-forecast]\n        \
         operations: [chat]\n        parameters: {{ max_tokens: {{ max: 500, default: {tokens} }} }}\n  \
         keeper:\n    members: [{{ issuer: corp, group: security }}]\n    admin: [policy.read, policy.apply]\n"
    )
}

/// One `gatewright serve` beside others that share the setting's issuer and model.
pub(super) struct Replica {
    data: SocketAddr,
    pub(super) admin: SocketAddr,
    pub(super) folder: PathBuf,
    pub(super) process: Process,
}

impl Replica {
    pub(super) async fn start(setting: &Setting, name: &str, state: &str) -> Self {
        let (data, admin, folder) = (free_address(), free_address(), setting.path(name));
        let text = std::fs::read_to_string(setting.path("gatewright.yaml")).unwrap();
        let text = text
            .replace(&setting.data_address().to_string(), &data.to_string())
            .replace(&setting.admin_address().to_string(), &admin.to_string())
            .replace(&setting.data().display().to_string(), &folder.display().to_string())
            .replace("catalogue: catalogue.yaml", "catalogue: { source: store, import: catalogue.yaml }");
        setting.write(&format!("{name}.yaml"), &format!("{text}{state}"));
        let process = Self::serve(setting, name);
        let mut replica = Self { data, admin, folder, process };
        replica.ready().await;
        replica
    }

    fn serve(setting: &Setting, name: &str) -> Process {
        let mut command = Command::new(gatewright());
        command
            .arg("serve")
            .arg("--config")
            .arg(setting.path(&format!("{name}.yaml")))
            .env("STATE_KEY", Postgres::PASSWORD);
        Process::start(&mut command, &setting.path(&format!("{name}.log")))
    }

    /// Waits until it says that it is ready.
    async fn ready(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while tokio::net::TcpStream::connect(self.admin).await.is_err() || self.readiness().await.status != 200 {
            assert!(!self.process.has_ended() && Instant::now() < deadline, "not ready: {}", self.process.said());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn readiness(&self) -> Answer {
        asking(self.admin, "GET", "/readyz", &[], "").await
    }

    /// A call whose text has both words that a catalogue may mask.
    pub(super) async fn call(&self, token: &str, marker: &str, session: &str) -> Answer {
        let body = format!(
            "{{\"model\":\"sales-forecast\",\"messages\":[{{\"role\":\"user\",\"content\":\"{marker} aurora borealis\"}}]}}"
        );
        let (bearer, session) = (format!("authorization: Bearer {token}"), format!("x-gatewright-session: {session}"));
        let headers = [bearer.as_str(), session.as_str(), "content-type: application/json"];
        asking(self.data, "POST", "/v1/chat/completions", &headers, &body).await
    }

    /// Waits until a call is judged by the catalogue that fills in so many tokens.
    async fn judges_by(&self, setting: &Setting, model: &FakeModel, tokens: u32) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            model.forget();
            let answer = self.call(&setting.token(Person::Alice), "probe", "probe").await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let sent = model.received().last().expect("it was asked").text();
            if sent.contains(&format!("\"max_tokens\":{tokens}")) {
                return;
            }
            assert!(Instant::now() < deadline, "it is still judged by another: {sent}\n{}", self.process.said());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Runs `gatewright policy …` as a person.
    pub(super) fn policy(&self, setting: &Setting, person: Person, words: &[&str]) -> Ran {
        // A file for each command: two that ran at once would read what the other is writing.
        static COMMANDS: AtomicUsize = AtomicUsize::new(0);
        let token = setting.path(&format!("{}.token", COMMANDS.fetch_add(1, Ordering::Relaxed)));
        std::fs::write(&token, setting.token(person)).unwrap();
        let mut command = Command::new(gatewright());
        command.arg("policy").args(words).args(["-o", "json", "--admin", &format!("http://{}", self.admin)]);
        run(command.arg("--token-file").arg(token).current_dir(setting.folder()))
    }

    fn history(&self, setting: &Setting) -> Vec<Value> {
        let ran = self.policy(setting, Person::Carol, &["history"]);
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        serde_json::from_str(&ran.out).unwrap()
    }
}

pub(super) async fn scene() -> (Setting, FakeModel) {
    let model = FakeModel::start(|_| openai::chat("sales-forecast", "fine")).await.unwrap();
    let setting = Setting::lay(&model.url()).await;
    setting.write("catalogue.yaml", &catalogue("aurora", 111));
    setting.write("next.yaml", &catalogue("borealis", 222));
    (setting, model)
}

pub(super) fn json(ran: &Ran) -> Value {
    assert_eq!(ran.code, Some(0), "{}\n{}", ran.out, ran.err);
    serde_json::from_str(&ran.out).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_applied_without_restart_and_gone_back_from() {
    let (setting, model) = scene().await;
    let mut one = Replica::start(&setting, "one", "").await;
    one.judges_by(&setting, &model, 111).await;
    let history = one.history(&setting);
    assert_eq!((history.len(), history[0]["version"].as_u64(), &history[0]["by"]), (1, Some(1), &Value::Null));

    let applied = json(&one.policy(&setting, Person::Carol, &["apply", "next.yaml", "--reason", "more room"]));
    assert_eq!((applied["outcome"].as_str(), applied["version"]["version"].as_u64()), (Some("applied"), Some(2)));
    assert_eq!(applied["version"]["by"]["issuer"], "corp");
    one.judges_by(&setting, &model, 222).await;
    let again = json(&one.policy(&setting, Person::Carol, &["apply", "next.yaml"]));
    assert_eq!(again["outcome"], "unchanged");

    // Whoever does not know the newest version changes nothing.
    let late = one.policy(&setting, Person::Carol, &["apply", "catalogue.yaml", "--expect", "1"]);
    assert_eq!(late.code, Some(1), "{}", late.out);
    assert!(late.err.contains("conflict"), "{}", late.err);

    // What does not hold here is refused with its place, and nothing changes.
    for (name, text, words) in [
        ("model.yaml", catalogue("aurora", 333).replace("sales-forecast", "no-such-model"), "no-such-model"),
        ("yaml.yaml", "version: 1\nroles: [".to_owned(), "yaml.yaml:"),
        ("regex.yaml", catalogue("aurora", 333).replace("words: [aurora]", "regex: \"(\""), "regex.yaml:3"),
    ] {
        setting.write(name, &text);
        let refused = one.policy(&setting, Person::Carol, &["apply", name]);
        assert!(matches!(refused.code, Some(1 | 64)), "{name}: {}", refused.out);
        assert!(refused.err.contains(words), "{name}: {}", refused.err);
    }

    // Those whom policy does not let in change and see nothing.
    for words in [&["apply", "catalogue.yaml"][..], &["history"], &["show", "1"], &["rollback", "1"]] {
        let refused = one.policy(&setting, Person::Alice, words);
        assert_eq!(refused.code, Some(1), "{words:?}: {}", refused.out);
        assert!(refused.err.contains("permission_denied") && refused.out.is_empty(), "{words:?}: {}", refused.err);
    }
    let body = "{\"files\":[]}";
    let nobody = asking(one.admin, "POST", "/api/v1/policies", &["content-type: application/json"], body).await;
    assert_eq!(nobody.status, 401, "{}", nobody.text());
    assert_eq!(one.history(&setting).len(), 2);
    one.judges_by(&setting, &model, 222).await;

    let back = json(&one.policy(&setting, Person::Carol, &["rollback", "1", "--expect", "2"]));
    assert_eq!((back["version"]["version"].as_u64(), back["version"]["restores"].as_u64()), (Some(3), Some(1)));
    one.judges_by(&setting, &model, 111).await;
    let history = one.history(&setting);
    assert_eq!(history[0]["digest"], history[2]["digest"], "one content, one digest");
    let shown = json(&one.policy(&setting, Person::Carol, &["show", "3"]));
    assert_eq!(shown["files"][0]["text"], catalogue("aurora", 111));

    // A restart goes on with the newest version, whatever the file beside the configuration says by now.
    setting.write("catalogue.yaml", &catalogue("aurora", 444));
    assert!(one.process.terminate(Duration::from_secs(30)).is_some_and(|status| status.success()));
    one.process = Replica::serve(&setting, "one");
    one.ready().await;
    one.judges_by(&setting, &model, 111).await;
    one.process.terminate(Duration::from_secs(30));
    verify(&one.folder);
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_of_one_database_take_over_each_others_versions() {
    let mut server = Postgres::start();
    let (setting, model) = scene().await;
    let state = format!("state: {{ postgres: {{ url: \"{}\", credential: \"env:STATE_KEY\" }} }}\n", server.database());
    let one = Replica::start(&setting, "one", &state).await;
    let two = Replica::start(&setting, "two", &state).await;
    two.judges_by(&setting, &model, 111).await;
    json(&one.policy(&setting, Person::Carol, &["apply", "next.yaml", "--expect", "1"]));
    two.judges_by(&setting, &model, 222).await;
    one.judges_by(&setting, &model, 222).await;

    // Of many at once, one wins.
    let racing: Vec<Ran> = std::thread::scope(|scope| {
        let race = |at: usize| {
            let (replica, name) = (if at.is_multiple_of(2) { &one } else { &two }, format!("race-{at}.yaml"));
            setting.write(&name, &catalogue("aurora", 300 + u32::try_from(at).unwrap()));
            replica.policy(&setting, Person::Carol, &["apply", &name, "--expect", "2"])
        };
        let racing: Vec<_> = (0..4).map(|at| scope.spawn(move || race(at))).collect();
        racing.into_iter().map(|ran| ran.join().unwrap()).collect()
    });
    let won = racing.iter().filter(|ran| ran.code == Some(0)).count();
    assert!(won == 1 && racing.iter().all(|ran| ran.code == Some(0) || ran.err.contains("conflict")), "{racing:#?}");
    assert_eq!(one.history(&setting), two.history(&setting));

    // Without the database nothing can be changed, and whoever asks whether to send callers is told.
    server.pause();
    let deadline = Instant::now() + Duration::from_secs(20);
    for replica in [&one, &two] {
        loop {
            let told = replica.readiness().await;
            if told.status == 503 {
                assert!(told.text().contains("state_unreachable"), "{}", told.text());
                break;
            }
            assert!(Instant::now() < deadline, "{}", told.text());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    let refused = one.policy(&setting, Person::Carol, &["rollback", "1"]);
    assert_eq!(refused.code, Some(69), "{}\n{}", refused.out, refused.err);
    server.resume();
    let deadline = Instant::now() + Duration::from_secs(30);
    while one.readiness().await.status != 200 || two.readiness().await.status != 200 {
        assert!(Instant::now() < deadline, "{}\n{}", one.readiness().await.text(), two.readiness().await.text());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    json(&two.policy(&setting, Person::Carol, &["rollback", "1"]));
    one.judges_by(&setting, &model, 111).await;
    two.judges_by(&setting, &model, 111).await;
}

/// How many calls are made while versions flip, by how many callers at once.
const CALLS: usize = 6_000;
const CALLERS: usize = 48;

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_calls_while_versions_flip_is_judged_call_by_call() {
    let (setting, model) = scene().await;
    let one = Replica::start(&setting, "one", "").await;
    one.judges_by(&setting, &model, 111).await;
    model.forget();
    let (token, over) = (setting.token(Person::Alice), AtomicBool::new(false));
    let one = Arc::new(one);

    let flood: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (one, token) = (Arc::clone(&one), token.clone());
            tokio::spawn(async move {
                let mut answers = Vec::new();
                for call in 0..CALLS / CALLERS {
                    let marker = format!("marker-{caller}-{call}-");
                    let answer = one.call(&token, &marker, &format!("load-{caller}")).await;
                    assert_eq!(answer.status, 200, "{marker}: {} {}", code(&answer), answer.text());
                    let request = answer.headers.get("x-gatewright-request-id").expect("it names the call").to_owned();
                    answers.push((request, marker));
                }
                answers
            })
        })
        .collect();
    let flips = tokio::task::block_in_place(|| {
        std::thread::scope(|scope| {
            let flipping = scope.spawn(|| {
                let mut flips = 0;
                while !over.load(Ordering::Relaxed) {
                    let name = if flips % 2 == 0 { "next.yaml" } else { "catalogue.yaml" };
                    json(&one.policy(&setting, Person::Carol, &["apply", name]));
                    flips += 1;
                }
                flips
            });
            while !flood.iter().all(tokio::task::JoinHandle::is_finished) {
                std::thread::sleep(Duration::from_millis(20));
            }
            over.store(true, Ordering::Relaxed);
            flipping.join().unwrap()
        })
    });
    let mut asked = BTreeMap::new();
    for caller in flood {
        asked.extend(caller.await.expect("no call was refused"));
    }
    assert_eq!(asked.len(), CALLS / CALLERS * CALLERS);

    // Every call arrived once, whole, and as exactly one of the two catalogues makes it.
    let received: Vec<String> = model.received().iter().map(|received| received.text()).collect();
    assert_eq!(received.len(), asked.len());
    let mut tokens_of = BTreeMap::new();
    for sent in &received {
        let marker = sent.split("marker-").nth(1).and_then(|rest| rest.split(' ').next()).expect("it has its marker");
        let by_first = sent.contains("[PROJECT_CODE] borealis") && sent.contains("\"max_tokens\":111");
        let by_next = sent.contains("aurora [PROJECT_CODE]") && sent.contains("\"max_tokens\":222");
        assert!(by_first != by_next, "judged by two catalogues: {sent}");
        let seen = tokens_of.insert(format!("marker-{marker}"), if by_first { 111 } else { 222 });
        assert!(seen.is_none(), "sent twice: {sent}");
    }

    // The record of each names the one catalogue that made what was sent.
    let digest_of: BTreeMap<u64, String> = {
        let history = one.history(&setting);
        let digest = |version: &Value| version["digest"].as_str().unwrap().to_owned();
        let first = history.iter().chain([&Value::Null]).find(|version| version["version"] == 1);
        let first = first.map(digest).unwrap_or_else(|| {
            let shown = json(&one.policy(&setting, Person::Carol, &["show", "1"]));
            digest(&shown["version"])
        });
        let next = json(&one.policy(&setting, Person::Carol, &["show", "2"]));
        [(111, first), (222, digest(&next["version"]))].into()
    };
    let mut judged: BTreeMap<u64, usize> = BTreeMap::new();
    let listed = gatewright_e2e::gateway::offline(&one.folder, &["sessions", "list", "-o", "json", "--limit", "1000"]);
    for session in json(&listed).as_array().unwrap() {
        for (request, call) in calls(&one.folder, session["session"].as_str().unwrap()) {
            let Some(marker) = asked.get(&request) else { continue };
            let decided: Vec<&Value> =
                call["moments"].as_array().unwrap().iter().filter(|moment| moment["event"] == "decided").collect();
            assert_eq!(decided.len(), 1, "{request} was decided {} times", decided.len());
            let tokens = tokens_of[marker];
            assert_eq!(
                decided[0]["catalogue"].as_str(),
                Some(digest_of[&tokens].as_str()),
                "{request}: {}",
                decided[0]
            );
            *judged.entry(tokens).or_default() += 1;
        }
    }
    assert_eq!(judged.values().sum::<usize>(), asked.len(), "every call has its record");
    println!("{} calls, {flips} versions; by each: {judged:?}", asked.len());
    assert!(
        flips >= 10 && judged.len() == 2 && judged.values().all(|count| *count > CALLS / 20),
        "{flips}, {judged:?}"
    );
}
