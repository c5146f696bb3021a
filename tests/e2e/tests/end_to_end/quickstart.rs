//! The quickstart as a newcomer meets it: ready at once, and every command that it prints works as printed.

use std::process::Command;
use std::time::{Duration, Instant};

use gatewright_e2e::gateway::{Gateway, Quickstart};
use gatewright_e2e::process::{Process, Ran, run};
use gatewright_e2e::tools::gatewright;
use gatewright_e2e::{answers, records};
use serde_json::Value;
use tempfile::TempDir;

#[test]
fn it_serves_within_two_seconds() {
    let gateway = Gateway::quickstart(&Quickstart::default());
    println!("ready in {:?}", gateway.started_in());
    assert!(gateway.started_in() < Duration::from_secs(2), "it took {:?}", gateway.started_in());
    for person in ["alice", "bob", "carol"] {
        assert_eq!(gateway.token(person).split('.').count(), 3);
    }
    assert_eq!(answers::get(gateway.admin_address(), "/healthz", &[]).status, 200);
    assert_eq!(answers::get(gateway.admin_address(), "/readyz", &[]).status, 200);
    assert!(answers::get(gateway.admin_address(), "/metrics", &[]).text().contains("gatewright"));
    for path in ["/healthz", "/readyz", "/metrics"] {
        let asked = |headers: &[&str]| answers::get(gateway.data_address(), path, headers).status;
        assert_eq!((asked(&[]), asked(&[&gateway.bearer("bob")])), (401, 404), "{path} is on the data side");
    }
}

#[test]
fn every_command_that_it_prints_works_as_printed() {
    let folder = TempDir::new().unwrap();
    let mut command = Command::new(gatewright());
    command.args(["quickstart", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data", "./gatewright-data"]);
    let mut process = Process::start(command.current_dir(folder.path()), &folder.path().join("gateway.log"));
    let text = printed(&mut process);
    let shell = |command: &str| -> Ran {
        println!("$ {command}");
        run(Command::new("sh").args(["-c", command]).current_dir(folder.path()))
    };
    let blocks = commands(&text);
    let find = |words: &[&str]| -> String {
        let block = blocks.iter().find(|(title, _)| words.iter().all(|word| title.contains(word)));
        block.unwrap_or_else(|| panic!("no command for {words:?} in:\n{text}")).1.clone()
    };

    let allowed: Value = serde_json::from_str(&shell(&find(&["may use", "masked"])).out).expect("an answer");
    let content = allowed["choices"][0]["message"]["content"].as_str().expect("it has content").to_owned();
    assert!(content.contains("[EMAIL_ADDRESS]") && !content.contains('@'), "{content}");

    let denied: Value = serde_json::from_str(&shell(&find(&["may not use"])).out).expect("a refusal");
    assert_eq!(denied["error"]["code"], "permission_denied");
    assert!(denied["error"]["gatewright"]["request"].as_str().is_some_and(|id| id.starts_with("req_")));

    let streamed = shell(&find(&["stream"])).out;
    assert_eq!(answers::streamed_content(streamed.as_bytes()), content, "a stream is masked as the whole is");
    assert!(answers::events(streamed.as_bytes()).len() > 3);

    let start = Instant::now();
    let sessions = shell(&find(&["sessions"]));
    assert_eq!(sessions.code, Some(0), "{}", sessions.err);
    assert!(sessions.out.contains("[EMAIL_ADDRESS]"), "the replay lacks the answer: {}", sessions.out);
    println!("replayed in {:?}", start.elapsed());

    let verified = shell(&find(&["every record checked"]));
    assert_eq!(verified.code, Some(0), "{}{}", verified.out, verified.err);

    let status = process.terminate(Duration::from_secs(20));
    assert!(status.is_some_and(|status| status.success()), "it did not drain: {}", process.said());
    records::verify(&folder.path().join("gatewright-data"));
}

#[test]
fn what_it_ejects_is_a_configuration_that_holds() {
    let folder = TempDir::new().unwrap();
    let ejected = folder.path().join("deployment");
    let ran = run(Command::new(gatewright()).args(["quickstart", "--eject"]).arg(&ejected).current_dir(folder.path()));
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let check = || run(Command::new(gatewright()).args(["config", "check"]).arg(ejected.join("gatewright.yaml")));
    assert_eq!(check().code, Some(0), "{:?}", check());
    let text = std::fs::read_to_string(ejected.join("gatewright.yaml")).unwrap();
    assert!(text.lines().filter(|line| line.trim_start().starts_with('#')).count() > 5, "it is not commented");
    std::fs::write(ejected.join("gatewright.yaml"), text.replace("version: 1", "version: 1\nnonsense: yes")).unwrap();
    let bad = check();
    assert_eq!(bad.code, Some(64), "{bad:?}");
    let said = format!("{}{}", bad.out, bad.err);
    assert!(said.contains("nonsense") && said.contains("gatewright.yaml:"), "no place is named: {said}");
}

#[test]
fn its_records_and_keys_outlive_it() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let first = Gateway::quickstart(&Quickstart { data: Some(&data), ..Quickstart::default() });
    let ask = |gateway: &Gateway, token: &str| {
        let body = serde_json::json!({"model": gateway.allowed(), "messages": [{"role": "user", "content": "hello"}]});
        let bearer = format!("authorization: Bearer {token}");
        answers::ask(
            gateway.data_address(),
            "POST",
            "/v1/chat/completions",
            &[&bearer, "content-type: application/json"],
            &body.to_string(),
        )
    };
    let token = first.token("alice");
    let answer = ask(&first, &token);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let request = answer.headers.get("x-gatewright-request-id").expect("it has an id").to_owned();
    let issuer = first.issuer();
    drop(first);

    let second = Gateway::quickstart(&Quickstart { data: Some(&data), ..Quickstart::default() });
    records::verify(&data);
    assert!(records::journeys(&data).contains_key(&request), "{request} was forgotten");
    assert_eq!(ask(&second, &second.token("alice")).status, 200);
    // The provider's port may have been taken by somebody else meanwhile; only then is its name another.
    if second.issuer() == issuer {
        assert_eq!(ask(&second, &token).status, 200, "the provider's key was not kept");
    }
}

/// All that the quickstart prints when it is ready.
fn printed(process: &mut Process) -> String {
    let lines = process.lines();
    let mut text = String::new();
    let mut patience = Duration::from_secs(20);
    while let Ok(line) = lines.recv_timeout(patience) {
        text.push_str(&line);
        text.push('\n');
        patience = Duration::from_secs(1);
    }
    assert!(!text.is_empty(), "it printed nothing: {}", process.said());
    text
}

/// The commands by the comment above them. A comment begins a block; an empty line ends it.
fn commands(text: &str) -> Vec<(String, String)> {
    let mut blocks: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if let Some(title) = line.trim_start().strip_prefix("# ") {
            blocks.push((title.to_owned(), String::new()));
            inside = true;
        } else if line.trim().is_empty() {
            inside = false;
        } else if inside && let Some((_, command)) = blocks.last_mut() {
            command.push_str(line);
            command.push('\n');
        }
    }
    blocks
}
