//! What the tests of notifications stand on: receivers, a gateway with channels, and callers who are held.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use gatewright_demo::issuer::Person;
use gatewright_e2e::answers::{asking, code};
use gatewright_e2e::process::{Process, free_address, run};
use gatewright_e2e::setting::Setting;
use gatewright_e2e::tools::{file, gatewright, tool};
use gatewright_testkit::{Answer, FakeModel, openai};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(super) const CATALOGUE: &str = "version: 1
roles:
  analyst:
    members: [{ issuer: corp, group: analysts }]
    grants: [{ models: [sales-forecast], operations: [chat] }]
  operator:
    members: [{ issuer: corp, group: security }]
    admin: [connections.read]
rules:
  - { name: bulk-export, when: { prompt: { words: [export] } }, then: { hold: peer } }
approvals:
  peer: { approvers: [{ issuer: corp, group: security }], need: 1, wait: 1s, valid: 15m, uses: 1 }
";

pub(super) const WEBHOOK_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
pub(super) const SIGNING_SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
pub(super) const PROMPT: &str = "export erika.mustermann@example.com \u{202e}<!channel> **now** {{DATE(1)}}";

/// The receivers of notifications, and what came in.
pub(super) struct Receivers {
    folder: TempDir,
    port: u16,
    process: Option<Process>,
}

impl Receivers {
    pub(super) fn start() -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join("answers")).unwrap();
        let secrets = [
            ("webhook", WEBHOOK_SECRET),
            ("token", "xoxb-canary-token"),
            ("signing", SIGNING_SECRET),
            ("password", "mail-canary"),
        ];
        for (name, secret) in secrets {
            std::fs::write(folder.path().join(name), format!("{secret}\n")).unwrap();
        }
        let mut receivers = Self { folder, port: free_address().port(), process: None };
        std::fs::write(receivers.path("teams"), receivers.url("teams?sig=url-canary")).unwrap();
        receivers.open();
        receivers
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    pub(super) fn open(&mut self) {
        let mut command = Command::new(tool("notify/bin/python"));
        command.arg(file("sdk/notify_receiver.py")).arg(self.port.to_string());
        command.arg(self.path("log")).arg(self.path("answers")).env("WEBHOOK_SECRET", WEBHOOK_SECRET);
        let mut process = Process::start(&mut command, &self.path("receiver.log"));
        let line = process.lines().recv_timeout(Duration::from_secs(20));
        assert!(line.is_ok(), "the receiver does not start: {}", process.said());
        self.process = Some(process);
    }

    pub(super) fn close(&mut self) {
        self.process = None;
    }

    /// What the next requests to a path are answered.
    pub(super) fn answers(&self, name: &str, lines: &[&str]) {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(self.path("answers").join(name), text).unwrap();
    }

    pub(super) fn seen(&self, path: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path("log")).unwrap_or_default();
        let all = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        all.filter(|one| one["path"].as_str().is_some_and(|seen| seen.trim_start_matches('/').starts_with(path)))
            .collect()
    }

    /// The first requests to a path, once there are so many.
    pub(super) fn wait(&self, path: &str, count: usize) -> Vec<Value> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let seen = self.seen(path);
            if seen.len() >= count {
                return seen;
            }
            assert!(Instant::now() < deadline, "{path} was asked {} times of {count}: {seen:#?}", seen.len());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(super) fn reference(&self, name: &str) -> String {
        format!("file:{}", self.path(name).display())
    }
}

pub(super) fn body(seen: &Value) -> Value {
    serde_json::from_str(seen["body"].as_str().unwrap()).unwrap()
}

pub(super) async fn model() -> FakeModel {
    FakeModel::start(|_| openai::chat("sales-forecast", "a plain answer")).await.unwrap()
}

pub(super) async fn lay(model: &FakeModel, notifications: &str) -> Setting {
    let setting = Setting::lay(&model.url()).await;
    setting.write("catalogue.yaml", CATALOGUE);
    add(&setting, notifications);
    setting
}

pub(super) fn add(setting: &Setting, more: &str) {
    let text = std::fs::read_to_string(setting.path("gatewright.yaml")).unwrap();
    setting.write("gatewright.yaml", &format!("{text}{more}"));
}

pub(super) async fn ask(at: &Setting, bearer: &str, text: &str) -> Answer {
    let body = json!({ "model": "sales-forecast", "messages": [{ "role": "user", "content": text }] });
    let headers = [bearer, "content-type: application/json"];
    asking(at.data_address(), "POST", "/v1/chat/completions", &headers, &body.to_string()).await
}

pub(super) async fn held(at: &Setting, text: &str) -> String {
    let answer = ask(at, &at.alice(), text).await;
    assert_eq!((answer.status, code(&answer).as_str()), (403, "approval_pending"), "{}", answer.text());
    let body: Value = serde_json::from_str(&answer.text()).unwrap();
    body["error"]["gatewright"]["approval"].as_str().unwrap().to_owned()
}

/// `gatewright notifications list`, as carol types it.
pub(super) fn listed(at: &Setting, words: &[&str]) -> Value {
    let token = at.path("carol.token");
    std::fs::write(&token, at.token(Person::Carol)).unwrap();
    let mut command = Command::new(gatewright());
    command.args(["notifications", "list", "-o", "json", "--admin", &format!("http://{}", at.admin_address())]);
    let ran = run(command.arg("--token-file").arg(&token).args(words));
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    serde_json::from_str(&ran.out).unwrap()
}

/// The one notification of a channel, once it stands so.
pub(super) fn standing(at: &Setting, channel: &str, state: &str) -> Value {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let all = listed(at, &[]);
        let found = all.as_array().unwrap().iter().find(|one| one["channel"] == channel && one["state"] == state);
        if let Some(one) = found {
            return one.clone();
        }
        assert!(Instant::now() < deadline, "{channel} has none that is {state}: {all:#}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub(super) fn certificate(receivers: &Receivers) {
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]);
    command.args(["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]);
    command.args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"]).arg(receivers.path("mail.key"));
    let ran = run(command.arg("-out").arg(receivers.path("mail.pem")));
    assert_eq!(ran.code, Some(0), "{}", ran.err);
}

pub(super) fn mail_server(receivers: &Receivers, port: u16) -> Process {
    let mut command = Command::new(tool("notify/bin/python"));
    command.arg(file("sdk/notify_mail.py")).arg(port.to_string()).arg(receivers.path("mails"));
    command.arg(receivers.path("mail.pem")).arg(receivers.path("mail.key")).env("MAIL_PASSWORD", "mail-canary");
    let mut process = Process::start(&mut command, &receivers.path("mail.log"));
    let line = process.lines().recv_timeout(Duration::from_secs(20));
    assert!(line.is_ok(), "the mail server does not start: {}", process.said());
    process
}

pub(super) fn mails(receivers: &Receivers, count: usize) -> Vec<Value> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let text = std::fs::read_to_string(receivers.path("mails")).unwrap_or_default();
        let mails: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        if mails.len() >= count {
            return mails;
        }
        assert!(Instant::now() < deadline, "{} mails of {count}", mails.len());
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub(super) fn hook_alone(receivers: &Receivers, more: &str) -> String {
    let (url, secret) = (receivers.url("hook"), receivers.reference("webhook"));
    format!("notifications:\n  hook: {{ webhook: {{ url: \"{url}\", secrets: [\"{secret}\"] }}{more} }}\n")
}
