//! `docs/policy.md` shows what the commands really print, on the starter catalogue. Written anew with `UPDATE_GOLDEN=1`.

use std::fs;
use std::path::Path;
use std::process::Command;

use gatewright_e2e::answers::ask;
use gatewright_e2e::gateway::{Gateway, Quickstart};
use gatewright_e2e::process::run;
use gatewright_e2e::tools::{file, gatewright};

/// A change of the starter catalogue, as the page describes it.
fn changed(starter: &str) -> String {
    let all = "- models: [\"sales-forecast\", \"support-chat\", \"text-embed\"]";
    let changed = starter
        .replacen(all, "- models: [\"sales-forecast\", \"text-embed\"]", 1)
        .replace("max_tokens: { max: 512, default: 256 }", "max_tokens: { max: 1024, default: 256 }");
    assert_ne!(changed, starter);
    changed
}

/// Calls of two people, recorded by a real gateway, in the folder that the commands are run in.
fn record(folder: &Path) {
    let gateway =
        Gateway::quickstart(&Quickstart { data: Some(&folder.join("gatewright-data")), ..Quickstart::default() });
    for (person, path, model) in [
        ("alice", "/v1/chat/completions", "sales-forecast"),
        ("alice", "/v1/chat/completions", "frontier-large"),
        ("alice", "/v1/chat/completions", "support-chat"),
        ("bob", "/v1/chat/completions", "frontier-large"),
    ] {
        let body = format!("{{\"model\":\"{model}\",\"messages\":[{{\"role\":\"user\",\"content\":\"hello\"}}]}}");
        let bearer = gateway.bearer(person);
        let headers = [bearer.as_str(), "content-type: application/json"];
        ask(gateway.data_address(), "POST", path, &headers, &body);
    }
}

/// Ids, moments and subjects differ from run to run.
fn steady(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let words = line.split(' ').map(|word| {
            let is_moment = word.len() == 24 && word.ends_with('Z') && word.contains('T');
            if word.starts_with("req_") {
                "req_…"
            } else if is_moment {
                "2026-…Z"
            } else {
                word
            }
        });
        lines.push(words.collect::<Vec<_>>().join(" "));
    }
    lines.join("\n")
}

/// A recorded call is decided again by what its record says of it, and comes to the same.
#[test]
fn a_recorded_call_is_explained_as_it_was_decided() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("gatewright-data");
    let gateway = Gateway::quickstart(&Quickstart { data: Some(&data), ..Quickstart::default() });
    let mut recorded = Vec::new();
    for (person, model, verdict, rule) in [
        ("alice", "sales-forecast", "allow", "analyst/grant-1"),
        ("alice", "frontier-large", "deny", "default-deny"),
        ("bob", "frontier-large", "allow", "ml-admin/grant-1"),
    ] {
        let body = format!("{{\"model\":\"{model}\",\"messages\":[{{\"role\":\"user\",\"content\":\"hello\"}}]}}");
        let bearer = gateway.bearer(person);
        let headers = [bearer.as_str(), "content-type: application/json"];
        let answer = ask(gateway.data_address(), "POST", "/v1/chat/completions", &headers, &body);
        let id = answer.headers.get("x-gatewright-request-id").unwrap().to_owned();
        recorded.push((id, verdict, rule));
    }
    drop(gateway);
    for (id, verdict, rule) in recorded {
        let config = data.join("demo/gatewright.yaml");
        let explain = ["policy", "explain", "-o", "json", "--recorded", &id, "--config"];
        let ran = run(Command::new(gatewright()).args(explain).arg(config).arg("--data").arg(&data));
        let told: serde_json::Value =
            serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{} {}", ran.out, ran.err));
        assert_eq!(told["decision"]["verdict"], verdict, "{told}");
        assert_eq!(told["decision"]["rules"][0]["name"], rule, "{told}");
        assert_eq!(ran.code, Some(i32::from(verdict != "allow")));
    }
}

#[test]
fn the_page_shows_what_the_commands_print() {
    let folder = tempfile::tempdir().unwrap();
    let eject = run(Command::new(gatewright()).args(["quickstart", "--eject"]).arg(folder.path()));
    assert_eq!(eject.code, Some(0), "{}", eject.err);
    let starter = fs::read_to_string(folder.path().join("catalogue.yaml")).unwrap();
    fs::write(folder.path().join("new.yaml"), changed(&starter)).unwrap();
    fs::create_dir(folder.path().join("tests")).unwrap();
    record(folder.path());
    let page = file("../../docs/policy.md");
    let written = fs::read_to_string(&page).unwrap();
    let cases = written.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    fs::write(folder.path().join("tests/analysts.yaml"), cases).unwrap();
    let request = written.split("```json\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    fs::write(folder.path().join("request.json"), request).unwrap();
    let mut true_page = String::new();
    let mut commands = 0;
    for (at, part) in written.split("```").enumerate() {
        if at > 0 {
            true_page.push_str("```");
        }
        match part.strip_prefix("console\n$ gatewright ") {
            Some(block) if at % 2 == 1 => {
                let command = block.lines().next().unwrap();
                let ran = run(Command::new(gatewright()).args(command.split_whitespace()).current_dir(folder.path()));
                assert!(matches!(ran.code, Some(0 | 1)), "{command}: {} {}", ran.out, ran.err);
                let said = ran.out.replace(&format!("{}/", folder.path().display()), "");
                let said = steady(said.trim_end());
                true_page.push_str(&format!("console\n$ gatewright {command}\n{said}\n"));
                commands += 1;
            }
            _ => true_page.push_str(part),
        }
    }
    assert!(commands >= 8, "the page shows {commands} commands");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&page, true_page).unwrap();
    } else {
        assert!(true_page == written, "docs/policy.md is not what the commands print; it would be:\n{true_page}");
    }
}
