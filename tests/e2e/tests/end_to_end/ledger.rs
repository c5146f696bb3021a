//! Records before somebody who trusts neither the operator nor the gateway: an independent implementation of the formats
//! reads and proves them, a witness cosigns them, and a caller's receipt convicts a log that left its record out.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use gatewright_e2e::gateway::{Gateway, Quickstart, offline};
use gatewright_e2e::process::{Process, Ran, run};
use gatewright_e2e::tools::{file, gatewright, tool};
use gatewright_e2e::{answers, records};
use serde_json::Value;
use tempfile::TempDir;

fn tlog(words: &[&str]) -> Value {
    let ran = run(Command::new(tool("aics-tlog/bin/python")).arg(file("sdk/tlog.py")).args(words));
    assert_eq!(ran.code, Some(0), "{words:?}: {}{}", ran.out, ran.err);
    serde_json::from_str(&ran.out).expect("JSON")
}

/// One call; gives its receipt.
fn call(gateway: &Gateway, person: &str, model: &str) -> (u16, String) {
    let body = format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":"hello"}}]}}"#);
    let headers = [gateway.bearer(person), "content-type: application/json".to_owned()];
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    let answer = answers::ask(gateway.data_address(), "POST", "/v1/chat/completions", &headers, &body);
    let receipt = answer.headers.get("x-gatewright-receipt").expect("every answer has a receipt");
    (answer.status, receipt.to_owned())
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}{}", ran.out, ran.err))
}

fn root(data: &Path) -> String {
    std::fs::read_to_string(data.join("keys/log.pub")).expect("the public key")
}

/// The key of a log or of the register, from the note that certifies it, or from the root key.
fn certified(tree: &Path) -> String {
    let note = std::fs::read_to_string(tree.join("certificate")).expect("a certificate");
    note.lines().nth(2).expect("the key").to_owned()
}

#[test]
fn an_independent_implementation_reads_and_proves_what_is_published() {
    let mut gateway = Gateway::quickstart(&Quickstart::default());
    let (allowed, denied) = (gateway.allowed(), gateway.denied());
    let receipts: Vec<(u16, String)> = (0..150).map(|_| call(&gateway, "alice", &allowed)).collect();
    let (status, refused) = call(&gateway, "alice", &denied);
    assert_eq!((receipts[0].0, status), (200, 403));
    gateway.process().terminate(Duration::from_secs(20)).expect("it stops");
    let data = gateway.data().to_owned();
    records::verify(&data);

    let out = TempDir::new().unwrap();
    let into = out.path().join("tiles");
    let ran = run(Command::new(gatewright())
        .args(["ledger", "export", "-o", "json", "--data"])
        .arg(&data)
        .arg("--into")
        .arg(&into));
    let logs = json(&ran)["logs"].as_array().expect("names").clone();
    assert_eq!(logs.len(), 2, "one log and the register: {logs:?}");
    for (name, published) in logs.iter().zip([true, false]) {
        let own = name.as_str().expect("a name").splitn(3, '/').nth(2).expect("below the deployment").to_owned();
        let key = if published { certified(&into.join(&own)) } else { register_key(&data) };
        for tree in [into.join(&own), data.join("ledger/tlog").join(&own)] {
            let said = tlog(&["audit", tree.to_str().expect("a path"), &key]);
            assert!(said["size"].as_u64() > Some(1), "{said}");
        }
    }

    for receipt in [&receipts[77].1, &refused] {
        let held = offline(&data, &["receipt", "verify", receipt, "-o", "json"]);
        assert_eq!((held.code, json(&held)["holds"].clone()), (Some(0), true.into()), "{}", held.err);
        let proof = offline(&data, &["ledger", "prove", receipt, "-o", "json"]);
        let path = out.path().join("proof.json");
        std::fs::write(&path, &proof.out).expect("written");
        let own = logs[0].as_str().expect("a name").splitn(3, '/').nth(2).expect("below the deployment");
        tlog(&["proof", path.to_str().expect("a path"), &certified(&into.join(own))]);
    }
}

fn register_key(data: &Path) -> String {
    json(&offline(data, &["ledger", "checkpoint", "-o", "json"]))["key"]
        .as_str()
        .expect("the register's key")
        .to_owned()
}

#[test]
fn a_receipt_convicts_a_folder_that_was_put_back() {
    let mut gateway = Gateway::quickstart(&Quickstart::default());
    let model = gateway.allowed();
    call(&gateway, "alice", &model);
    gateway.process().terminate(Duration::from_secs(20)).expect("it stops");
    let data = gateway.data().to_owned();
    let snapshot = TempDir::new().unwrap();
    let old = snapshot.path().join("data");
    assert_eq!(run(Command::new("cp").arg("-a").arg(&data).arg(&old)).code, Some(0));
    let trusted = root(&data);

    let folder = gateway.into_folder();
    let again = Gateway::quickstart(&Quickstart { data: Some(&data), ..Quickstart::default() });
    let (_, receipt) = call(&again, "alice", &model);
    drop(again);
    let held = |data: &Path| {
        let command = ["receipt", "verify", &receipt, "--trust", &trusted, "-o", "json"];
        offline(data, &command)
    };
    assert_eq!(held(&data).code, Some(0));
    records::verify(&old);
    let found = held(&old);
    assert_eq!(found.code, Some(1), "{}", found.out);
    assert!(found.out.contains("is missing as a whole"), "{}", found.out);
    drop(folder);
}

#[test]
fn a_witness_cosigns_the_register_and_the_verifier_asks_for_it() {
    let folder = TempDir::new().unwrap();
    // A first start makes the key that the witness is told of.
    let mut gateway = Gateway::quickstart(&Quickstart::default());
    gateway.process().terminate(Duration::from_secs(20)).expect("it stops");
    let data = gateway.data().to_owned();
    let (theirs, seed) = ("theirs.example/log", "07".repeat(32));
    let other = tlog(&["key", theirs, &seed])["key"].as_str().expect("a key").to_owned();
    let mut command = Command::new(gatewright());
    command.args(["witness", "--listen", "127.0.0.1:0", "--name", "auditor.example", "-o", "json", "--data"]);
    command.arg(folder.path().join("witness")).args(["--log", &root(&data), "--log", &other]);
    let mut witness = Process::start(&mut command, &folder.path().join("witness.log"));
    let line = witness.lines().recv_timeout(Duration::from_secs(10)).expect("it says where it listens");
    let said: Value = serde_json::from_str(&line).expect("JSON");
    let (url, key) = (said["url"].as_str().expect("a URL"), said["key"].as_str().expect("a key"));
    assert_eq!(tlog(&["witness", url, key, theirs, &seed])["seen"], 40);

    let policy = folder.path().join("witnesses.policy");
    std::fs::write(&policy, format!("witness auditor {key} {url}\nquorum auditor\n")).expect("written");
    let verify = |data: &Path| {
        let policy = policy.to_str().expect("a path").to_owned();
        offline(data, &["ledger", "verify", "-o", "json", "--witnesses", &policy])
    };
    let before = verify(&data);
    assert_eq!((before.code, json(&before)["flaw"].clone()), (Some(1), "witnesses".into()));

    let configuration = folder.path().join("eject");
    let ran = run(Command::new(gatewright()).args(["quickstart", "--eject"]).arg(&configuration));
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let file = configuration.join("gatewright.yaml");
    let text = std::fs::read_to_string(&file).expect("a configuration");
    let text: String = text
        .lines()
        .map(|line| match line.split_once(':') {
            Some(("data", _)) => format!("data: {}\n", data.display()),
            Some(("listen", _)) => "listen: { data: \"127.0.0.1:0\", admin: \"127.0.0.1:0\" }\n".to_owned(),
            _ => format!("{line}\n"),
        })
        .collect();
    let text = format!("{text}records: {{ witnesses: {} }}\n", policy.display());
    std::fs::write(&file, text).expect("written");
    let mut command = Command::new(gatewright());
    command.args(["serve", "--config"]).arg(&file);
    let mut serving = Process::start(&mut command, &folder.path().join("gateway.log"));
    let begun = Instant::now();
    loop {
        let now = verify(&data);
        if now.code == Some(0) {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{}{}\n{}", now.out, now.err, serving.said());
        std::thread::sleep(Duration::from_millis(200));
    }
    serving.terminate(Duration::from_secs(20)).expect("it stops");
    assert_eq!(verify(&data).code, Some(0), "the last cosignature is fresh enough");
}
