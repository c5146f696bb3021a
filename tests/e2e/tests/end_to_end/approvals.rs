//! A person in the loop, from outside: an SDK's ordinary call waits, somebody decides in another terminal or on another
//! replica, and what was approved runs exactly once.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use gatewright_demo::issuer::Person;
use gatewright_e2e::answers::{asking, code};
use gatewright_e2e::gateway::{Gateway, Quickstart};
use gatewright_e2e::process::{Ran, run};
use gatewright_e2e::records;
use gatewright_e2e::setting::Setting;
use gatewright_e2e::tools::{file, gatewright, tool};
use gatewright_testkit::{Answer, FakeModel, Postgres, RawClient, Received, openai};
use serde_json::{Value, json};

const PROMPT: &str = "Please export the list of erika.mustermann@example.com \u{202e}now";

/// The unmodified SDK's one call, as a program that knows nothing of approvals makes it.
pub(crate) fn sdk(gateway: &Gateway, how: &str, text: &str) -> Value {
    let mut command = Command::new(tool("openai-python-2/bin/python"));
    command.arg(file("sdk/approval_sdk.py")).args([how, "sales-forecast", text]);
    command.env("OPENAI_BASE_URL", gateway.base_url()).env("OPENAI_API_KEY", gateway.token("alice"));
    let ran = run(&mut command);
    assert_eq!(ran.code, Some(0), "{}\n{}", ran.out, ran.err);
    serde_json::from_str(&ran.out).unwrap()
}

/// `gatewright approvals …` in another terminal.
pub(crate) struct Terminal {
    admin: String,
    token_file: PathBuf,
}

impl Terminal {
    pub(crate) fn of(gateway: &Gateway, folder: &Path, person: &str) -> Self {
        let token_file = folder.join(format!("{person}.token"));
        std::fs::write(&token_file, gateway.token(person)).unwrap();
        Self { admin: format!("http://{}", gateway.admin_address()), token_file }
    }

    fn run(&self, words: &[&str]) -> Ran {
        self.asks("approvals", words)
    }

    /// `gatewright access …` in another terminal.
    pub(crate) fn access(&self, words: &[&str]) -> Ran {
        self.asks("access", words)
    }

    fn asks(&self, about: &str, words: &[&str]) -> Ran {
        let mut command = Command::new(gatewright());
        command.arg(about).args(words).args(["--admin", &self.admin, "--token-file"]).arg(&self.token_file);
        run(&mut command)
    }

    pub(crate) fn json(&self, words: &[&str]) -> Value {
        let ran = self.run(&[words, &["-o", "json"]].concat());
        assert_eq!(ran.code, Some(0), "{words:?}: {}", ran.err);
        serde_json::from_str(&ran.out).unwrap()
    }

    /// The id of the one approval that is pending, once there is one.
    fn pending(&self) -> String {
        self.pending_beside("")
    }

    /// The id of an approval that is pending and is not the one that is known, once there is one.
    pub(crate) fn pending_beside(&self, known: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let all = self.json(&["list"]);
            let pending = all.as_array().unwrap().iter().find(|one| one["state"] == "pending" && one["id"] != known);
            if let Some(approval) = pending {
                return approval["id"].as_str().unwrap().to_owned();
            }
            assert!(Instant::now() < deadline, "nothing is pending: {all}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn an_sdk_call_waits_silently_and_an_approver_decides_in_another_terminal() {
    let gateway = Gateway::quickstart(&Quickstart::default());
    let folder = tempfile::TempDir::new().unwrap();
    let carol = Terminal::of(&gateway, folder.path(), "carol");
    for how in ["whole", "stream"] {
        let seen = std::thread::scope(|scope| {
            let call = scope.spawn(|| sdk(&gateway, how, PROMPT));
            let id = carol.pending();
            // She sees who, what and why, the value masked and the trick written out.
            let shown = carol.json(&["show", &id]);
            let whole = shown.to_string();
            assert!(whole.contains("[EMAIL_ADDRESS]") && !whole.contains("erika"), "{shown}");
            assert!(whole.contains("⟨U+202E⟩") && whole.contains(r#""mark":"bulk-export""#), "{shown}");
            assert_eq!(shown["approval"]["caller"]["subject"], "alice", "{shown}");
            assert_eq!(
                (&shown["approval"]["may_decide"], &shown["approval"]["rule"]),
                (&Value::Null, &"bulk-export".into())
            );
            let text = carol.run(&["show", &id]).out;
            assert!(text.contains(">>export<<") && !text.contains('\u{202e}'), "{text}");
            // Whoever asked sees it and cannot decide it; a stranger to it does not see it; carol may not see values.
            let alice = Terminal::of(&gateway, folder.path(), "alice").run(&["approve", &id]);
            assert_eq!(alice.code, Some(1), "{}{}", alice.out, alice.err);
            assert!(alice.err.contains("Nobody approves their own"), "{}", alice.err);
            let bob = Terminal::of(&gateway, folder.path(), "bob").run(&["approve", &id]);
            assert!(bob.code == Some(1) && bob.err.contains("not_found"), "{}", bob.err);
            let original = carol.run(&["show", "--original", &id]);
            assert!(original.code == Some(1) && original.err.contains("records.original"), "{}", original.err);
            let decided = carol.json(&["approve", &id, "--reason", "quarterly report"]);
            assert_eq!(decided["state"], "approved");
            call.join().unwrap()
        });
        assert!(seen["text"].as_str().is_some_and(|text| !text.is_empty()), "{how}: {seen}");
    }
    let denied = std::thread::scope(|scope| {
        let call = scope.spawn(|| sdk(&gateway, "whole", "download everything"));
        let id = carol.pending();
        assert_eq!(carol.run(&["deny", &id, "--reason", "not outside of the quarter"]).code, Some(0));
        call.join().unwrap()
    });
    assert_eq!((&denied["error"], &denied["status"]), (&"PermissionDeniedError".into(), &403.into()), "{denied}");
    assert_eq!((&denied["code"], &denied["decision"]), (&"approval_denied".into(), &"hold".into()), "{denied}");
    assert!(denied["message"].as_str().is_some_and(|text| text.contains("not outside of the quarter")), "{denied}");
    records::verify(gateway.data());
    for secret in ["erika.mustermann", "quarterly report"] {
        let files = records::files_with(gateway.data(), secret);
        assert!(files.iter().all(|file| file.contains("/state.db")), "{secret} is in {files:?}");
    }
    assert_eq!(records::files_with(gateway.data(), "erika.mustermann"), [""; 0], "the original lies in the clear");
}

const CATALOGUE: &str = "version: 1
roles:
  analyst:
    members: [{ issuer: corp, group: analysts }]
    grants: [{ models: [sales-forecast], operations: [chat], parameters: { max_tokens: { max: 100, default: 50, over: clamp } } }]
  admin:
    members: [{ issuer: corp, group: ml-admins }]
    grants: [{ models: [sales-forecast], operations: [chat], parameters: { max_tokens: { max: 100, default: 50, over: clamp } } }]
rules:
  - { name: bulk-export, when: { prompt: { words: [export] } }, then: { hold: peer } }
  - { name: say-why, when: { prompt: { words: [justify] } }, then: { hold: self } }
  - { name: brief, when: { prompt: { words: [briefly] } }, then: { hold: brief } }
  - { name: patient, when: { prompt: { words: [patiently] } }, then: { hold: patient } }
  - { name: metered, when: { prompt: { words: [metered] } }, then: { hold: peer } }
approvals:
  patient: { approvers: [{ issuer: corp, group: security }], wait: 60s }
  brief: { approvers: [{ issuer: corp, group: security }], valid: 2s }
  peer: { approvers: [{ issuer: corp, group: security }], need: 1, wait: 1s, valid: 15m, uses: 1 }
  self: { need: 0, reason: required }
";

fn call(text: &str) -> Value {
    json!({ "model": "sales-forecast", "messages": [{ "role": "user", "content": text }] })
}

async fn ask(at: &Setting, bearer: &str, body: &Value) -> Answer {
    let headers = [bearer, "content-type: application/json"];
    asking(at.data_address(), "POST", "/v1/chat/completions", &headers, &body.to_string()).await
}

fn approval(answer: &Answer) -> String {
    let body: Value = serde_json::from_str(&answer.text()).unwrap();
    assert_eq!(body["error"]["code"], "approval_pending", "{body}");
    body["error"]["gatewright"]["approval"].as_str().unwrap().to_owned()
}

async fn decide(at: &Setting, bearer: &str, id: &str, decision: Value) -> Answer {
    let headers = [bearer, "content-type: application/json"];
    let path = format!("/api/v1/approvals/{id}/decision");
    asking(at.admin_address(), "POST", &path, &headers, &decision.to_string()).await
}

/// Everything that an approval must and must not do, over one gateway and its file, or two and their database.
async fn approvals_are_bound(replicas: &mut [Setting; 2], one: usize, other: usize, model: &FakeModel) {
    // Tokens are of the first setting's issuer, which both configurations name.
    let (alice, bob, carol) = (replicas[0].alice(), replicas[0].bearer(Person::Bob), replicas[0].bearer(Person::Carol));
    let body = call("export the list");
    let held = ask(&replicas[one], &alice, &body).await;
    assert_eq!((held.status, code(&held).as_str()), (403, "approval_pending"), "{}", held.text());
    assert_eq!(held.headers.get("x-gatewright-decision"), Some("hold"));
    assert_eq!(held.headers.get("x-should-retry"), Some("false"));
    assert!(held.text().contains("/approvals/apr_") && held.text().contains("retry_after_s"), "{}", held.text());
    let id = approval(&held);
    // The same call finds the same approval, on whichever replica, and however its keys are ordered or it is delivered.
    let same = json!({ "messages": body["messages"], "stream": true, "model": "sales-forecast" });
    assert_eq!(approval(&ask(&replicas[other], &alice, &same).await), id);
    // 43: another byte of meaning is another call.
    for changed in [
        call("export the list!"),
        json!({ "model": "sales-forecast", "messages": body["messages"], "temperature": 0.1 }),
        json!({ "model": "sales-forecast", "messages": body["messages"], "max_tokens": 49 }),
        json!({ "model": "sales-forecast", "messages": body["messages"],
                "tools": [{ "type": "function", "function": { "name": "send" } }] }),
    ] {
        assert_ne!(approval(&ask(&replicas[one], &alice, &changed).await), id, "{changed}");
    }
    assert_ne!(approval(&ask(&replicas[one], &bob, &body).await), id, "another caller's");
    // 45: nobody approves their own, a stranger does not see it, a GET decides nothing, nor does a form.
    let yes = json!({ "verdict": "approve" });
    assert_eq!(decide(&replicas[other], &alice, &id, yes.clone()).await.status, 403);
    assert_eq!(decide(&replicas[other], &bob, &id, yes.clone()).await.status, 404);
    assert_eq!(decide(&replicas[other], "accept: */*", &id, yes.clone()).await.status, 401);
    let path = format!("/api/v1/approvals/{id}/decision");
    assert_eq!(asking(replicas[other].admin_address(), "GET", &path, &[&carol], "").await.status, 405);
    let form = [&*carol, "content-type: application/x-www-form-urlencoded"];
    assert_eq!(asking(replicas[other].admin_address(), "POST", &path, &form, "verdict=approve").await.status, 415);
    assert_eq!(model.count(), 0, "nothing has run");
    // 46: a restart in the middle loses nothing.
    tokio::task::block_in_place(|| replicas[one].process().kill());
    replicas[one].start().await;
    assert_eq!(decide(&replicas[other], &carol, &id, yes.clone()).await.status, 200);
    assert_eq!(decide(&replicas[other], &carol, &id, json!({ "verdict": "deny" })).await.status, 409);
    // 44: a hundred at once, on both replicas: it runs once.
    let many = (0..100).map(|number| ask(&replicas[if number % 2 == 0 { one } else { other }], &alice, &body));
    let mut answers = Vec::new();
    for answer in join_all(many).await {
        answers.push(answer.status);
    }
    let passed = answers.iter().filter(|status| **status == 200).count();
    let pending = answers.iter().filter(|status| **status == 403).count();
    assert_eq!((passed, pending, model.count()), (1, 99, 1), "{answers:?}");
    // What waits is woken by the other replica's decision, and narrowed as the approver said.
    let narrowed = call("export the narrow list");
    let first = approval(&ask(&replicas[one], &alice, &narrowed).await);
    let too_much = json!({ "verdict": "approve", "narrow": { "max_tokens": 51 } });
    assert_eq!(decide(&replicas[other], &carol, &first, too_much).await.status, 400);
    let (waited, decided) = tokio::join!(ask(&replicas[one], &alice, &narrowed), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        decide(&replicas[other], &carol, &first, json!({ "verdict": "approve", "narrow": { "max_tokens": 7 } })).await
    });
    assert_eq!((waited.status, decided.status), (200, 200), "{} {}", waited.text(), decided.text());
    let sent = model.received().pop().unwrap().text();
    assert!(sent.contains("\"max_tokens\":7"), "{sent}");
    // A denial stands, with its reason.
    let unwanted = call("export the unwanted list");
    let id = approval(&ask(&replicas[one], &alice, &unwanted).await);
    let no = json!({ "verdict": "deny", "reason": "not this one" });
    assert_eq!(decide(&replicas[other], &carol, &id, no).await.status, 200);
    let denied = ask(&replicas[one], &alice, &unwanted).await;
    assert_eq!(code(&denied), "approval_denied");
    assert!(denied.text().contains("not this one"), "{}", denied.text());
    // A reason is asked for, and is enough where nobody is needed.
    let why = call("justify this");
    assert_eq!(code(&ask(&replicas[one], &alice, &why).await), "reason_required");
    let headers = [&*alice, "content-type: application/json", "x-gatewright-reason: ticket 7"];
    let justified =
        asking(replicas[one].data_address(), "POST", "/v1/chat/completions", &headers, &why.to_string()).await;
    assert_eq!(justified.status, 200, "{}", justified.text());
    // A conversation that repeats what was approved is not held for it again; new words are.
    let turn = |last: &str| {
        json!({ "model": "sales-forecast", "messages": [
            { "role": "user", "content": "export the narrow list" },
            { "role": "assistant", "content": "a plain answer" },
            { "role": "user", "content": last },
        ] })
    };
    let later = ask(&replicas[one], &alice, &turn("thank you")).await;
    assert_eq!(later.status, 200, "{}", later.text());
    assert_eq!(code(&ask(&replicas[one], &alice, &turn("export more")).await), "approval_pending");
}

/// What happens between the approval and the use, and to calls that wait.
async fn approvals_end_in_order(replicas: &mut [Setting; 2], one: usize, other: usize, model: &FakeModel) {
    let (alice, bob, carol) = (replicas[0].alice(), replicas[0].bearer(Person::Bob), replicas[0].bearer(Person::Carol));
    let yes = json!({ "verdict": "approve" });
    // 44: the time between the decision and its use is over.
    let brief = call("say it briefly");
    let id = approval(&ask(&replicas[one], &alice, &brief).await);
    assert_eq!(decide(&replicas[other], &carol, &id, yes.clone()).await.status, 200);
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    let ran = model.count();
    let late = approval(&ask(&replicas[one], &alice, &brief).await);
    assert!(late != id && model.count() == ran, "what ran out lifted a hold");
    // 46: whoever left while it waited finds the approval when asking again; nothing ran in between.
    let left = call("export and leave");
    let mut gone = RawClient::connect(replicas[one].data_address()).await.unwrap();
    let headers = [&*alice, "content-type: application/json"];
    gone.request("POST", "/v1/chat/completions", &headers, left.to_string().as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    drop(gone);
    let id = approval(&ask(&replicas[other], &alice, &left).await);
    assert_eq!(decide(&replicas[other], &carol, &id, yes.clone()).await.status, 200);
    assert_eq!(model.count(), ran, "it ran for a caller who had left");
    assert_eq!(ask(&replicas[one], &alice, &left).await.status, 200);
    // 46: a gateway that stops answers what waits as pending, and after it has started again the approval is there.
    let drained = call("wait patiently while it stops");
    let began = Instant::now();
    let (waiting, ()) = tokio::join!(ask(&replicas[one], &alice, &drained), async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        replicas[one].signal_to_stop();
    });
    assert!(began.elapsed() < Duration::from_secs(8), "it waited on for {:?}", began.elapsed());
    let id = approval(&waiting);
    tokio::task::block_in_place(|| replicas[one].stop());
    replicas[one].start().await;
    assert_eq!(decide(&replicas[other], &carol, &id, yes.clone()).await.status, 200);
    assert_eq!(ask(&replicas[one], &alice, &drained).await.status, 200);
    // 47: what was approved runs once, also where the model server gives no answer: it is not tried again by itself, and
    // asking again asks people again.
    let ran = model.count();
    let failing = call("export with failure");
    let id = approval(&ask(&replicas[one], &alice, &failing).await);
    assert_eq!(decide(&replicas[other], &carol, &id, yes.clone()).await.status, 200);
    let failed = ask(&replicas[one], &alice, &failing).await;
    assert_eq!((failed.status, model.count()), (502, ran + 1), "{}", failed.text());
    assert_ne!(approval(&ask(&replicas[other], &alice, &failing).await), id, "it would run twice");
    assert_eq!(model.count(), ran + 1);
    // A call that a budget refuses has used nothing of its approval.
    let metered = json!({ "model": "sales-forecast", "max_tokens": 90,
        "messages": [{ "role": "user", "content": "a metered answer" }] });
    let id = approval(&ask(&replicas[one], &alice, &metered).await);
    assert_eq!(decide(&replicas[other], &carol, &id, yes.clone()).await.status, 200);
    // Plain calls tell which catalogue counts, so that none of the approved ones is made under another.
    let plain = async |bearer: &str| code(&ask(&replicas[one], bearer, &call("hello")).await);
    change(replicas, &with_budget(1));
    until(async || plain(&alice).await == "budget_exhausted", "the budget does not count").await;
    assert_eq!(code(&ask(&replicas[one], &alice, &metered).await), "budget_exhausted");
    change(replicas, CATALOGUE);
    until(async || plain(&alice).await == "no code", "the budget counts on").await;
    let ran = model.count();
    assert_eq!(ask(&replicas[one], &alice, &metered).await.status, 200, "the use that was not made is gone");
    assert_eq!(model.count(), ran + 1);
    // 44: a role that was taken away in between, and a policy that wants more people now.
    let export = call("export for the admin");
    let id = approval(&ask(&replicas[one], &bob, &export).await);
    assert_eq!(decide(&replicas[other], &carol, &id, yes.clone()).await.status, 200);
    change(replicas, &CATALOGUE.replace("group: ml-admins", "group: nobody"));
    until(async || plain(&bob).await == "permission_denied", "a role that is gone counts").await;
    assert_eq!(code(&ask(&replicas[one], &bob, &export).await), "permission_denied");
    change(replicas, &CATALOGUE.replace("need: 1", "need: 2"));
    until(async || plain(&bob).await == "no code", "the role is not back").await;
    assert_eq!(code(&ask(&replicas[one], &bob, &export).await), "approval_expired", "one voice where two are wanted");
    change(replicas, &CATALOGUE.replace("group: ml-admins", "group: nobody"));
    until(async || plain(&bob).await == "permission_denied", "the catalogue is not replaced").await;
    change(replicas, CATALOGUE);
    until(async || plain(&bob).await == "no code", "the catalogue is not back").await;
    assert_eq!(ask(&replicas[one], &bob, &export).await.status, 200, "one voice is enough again");
    // 44: a role that is taken away while the call waits, and an approval that comes after that.
    let patient = call("wait patiently for the admin");
    let (waited, ()) = tokio::join!(ask(&replicas[one], &bob, &patient), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let id = pending(&replicas[other], &carol, "patient").await;
        change(replicas, &CATALOGUE.replace("group: ml-admins", "group: nobody"));
        until(async || plain(&bob).await == "permission_denied", "a role that is gone counts").await;
        assert_eq!(decide(&replicas[other], &carol, &id, yes.clone()).await.status, 200);
    });
    assert_eq!(code(&waited), "permission_denied", "decided by what was");
    assert!(!model.received().iter().any(|call| call.text().contains("patiently for the admin")), "it ran");
    change(replicas, CATALOGUE);
    until(async || plain(&bob).await == "no code", "the catalogue is not back").await;
    // 46: a flood of one caller's holds leaves room for others'.
    let ran = model.count();
    let flood = (0..230).map(|number| {
        let text = format!("say it briefly, number {number}");
        let (at, alice) = (&replicas[if number % 2 == 0 { one } else { other }], &alice);
        async move { code(&ask(at, alice, &call(&text)).await) }
    });
    let codes = join_all(flood).await;
    let turned_away = codes.iter().filter(|code| *code == "permission_denied").count();
    assert!((20..=60).contains(&turned_away), "{turned_away} of 230 were turned away");
    assert_eq!(code(&ask(&replicas[other], &bob, &brief).await), "approval_pending");
    assert_eq!(model.count(), ran);
}

/// The approval that waits for this rule.
async fn pending(at: &Setting, bearer: &str, rule: &str) -> String {
    let list = asking(at.admin_address(), "GET", "/api/v1/approvals?state=pending", &[bearer], "").await;
    let list: Value = serde_json::from_str(&list.text()).unwrap();
    let found = list.as_array().into_iter().flatten().find(|one| one["rule"] == rule);
    found.unwrap_or_else(|| panic!("nothing waits for {rule}: {list}"))["id"].as_str().unwrap().to_owned()
}

/// The catalogue with a budget of so many tokens for metered answers.
fn with_budget(tokens: u64) -> String {
    CATALOGUE.replace("rules:\n", &format!("budgets:\n  small: {{ tokens: {tokens}, per: day }}\nrules:\n"))
}

fn change(replicas: &[Setting; 2], catalogue: &str) {
    for setting in replicas {
        setting.write("catalogue.yaml", catalogue);
    }
}

async fn until(holds: impl AsyncFn() -> bool, otherwise: &str) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds().await {
        assert!(Instant::now() < deadline, "{otherwise}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn join_all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut pinned: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        let mut ready = true;
        for (future, output) in &mut pinned {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(value) => *output = Some(value),
                    std::task::Poll::Pending => ready = false,
                }
            }
        }
        if ready { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    pinned.into_iter().filter_map(|(_, output)| output).collect()
}

async fn two(model: &FakeModel, state: &str) -> [Setting; 2] {
    let first = Setting::lay(&model.url()).await;
    let second = Setting::lay(&model.url()).await;
    second.configure(first.issuer_url(), &model.url());
    for setting in [&first, &second] {
        setting.write("catalogue.yaml", CATALOGUE);
        let text = std::fs::read_to_string(setting.path("gatewright.yaml")).unwrap();
        setting.write("gatewright.yaml", &format!("{text}{state}"));
    }
    [first, second]
}

async fn model() -> FakeModel {
    let answer = |received: &Received| match received.text().contains("with failure") {
        true => openai::error(500, "broken"),
        false => openai::chat("sales-forecast", "a plain answer"),
    };
    FakeModel::start(answer).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_is_bound_to_its_call_and_used_once_in_a_file() {
    let model = model().await;
    let mut settings = two(&model, "").await;
    settings[0].start().await;
    approvals_are_bound(&mut settings, 0, 0, &model).await;
    approvals_end_in_order(&mut settings, 0, 0, &model).await;
    settings[0].stop();
    records::verify(&settings[0].data());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_is_bound_to_its_call_and_used_once_by_two_replicas_of_a_database() {
    let model = model().await;
    let server = Postgres::start();
    let url = server.database();
    let password = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(password.path(), Postgres::PASSWORD).unwrap();
    let credential = password.path().display();
    let state = format!("state: {{ postgres: {{ url: \"{url}\", credential: \"file:{credential}\" }} }}\n");
    let mut settings = two(&model, &state).await;
    settings[0].start().await;
    // Replicas have the same keys.
    let (from, to) = (settings[0].data().join("keys"), settings[1].data().join("keys"));
    std::fs::create_dir_all(&to).unwrap();
    std::fs::copy(from.join("approvals.key"), to.join("approvals.key")).unwrap();
    settings[1].start().await;
    approvals_are_bound(&mut settings, 0, 1, &model).await;
    approvals_end_in_order(&mut settings, 0, 1, &model).await;
}
