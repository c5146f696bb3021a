//! The console in a real browser, with and without script.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

use gatewright_api::{ApprovalState, Narrow};
use gatewright_console::Console;
use gatewright_e2e::gateway::{Gateway, Quickstart};
use gatewright_e2e::process::run;
use gatewright_e2e::tools::{file, tool};

#[path = "../../../../crates/console/tests/support/mod.rs"]
mod support;

use support::{Fake, NOW, held, parts, text};

use crate::approvals::{Terminal, sdk};

/// Does in a browser what the words say.
fn browse(task: &str, words: &[(&str, &str)]) {
    let mut command = Command::new(tool("node/node"));
    command.arg(file("browser/console.mjs")).arg(task);
    command.args(words.iter().map(|(name, value)| format!("{name}={value}")));
    command.env("BROWSER_FOLDER", tool("browser")).env("CHROMIUM", tool("chromium/chromium"));
    for proxy in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        command.env_remove(proxy);
    }
    let ran = run(&mut command);
    assert_eq!(ran.code, Some(0), "{task} {words:?} failed:\n{}\n{}", ran.out, ran.err);
}

/// Where screenshots are kept, for people to look at.
fn shots() -> PathBuf {
    let folder = file("../../target/screenshots");
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn carol_signs_in_and_out_at_the_quickstarts_own_provider() {
    let gateway = Gateway::quickstart(&Quickstart::default());
    let console = format!("http://{}", gateway.admin_address());
    let shots = shots().display().to_string();
    let words = [("console", &*console), ("person", "Carol"), ("name", "Hello, carol"), ("shots", &shots)];
    browse("session", &words);
    browse("session", &[&words[..3], &[("script", "off")]].concat());
}

/// Two calls of an unmodified SDK wait while carol reads them in her browser, lets one run with fewer tokens and denies
/// the other.
fn decides_what_waits(script: &str) {
    let gateway = Gateway::quickstart(&Quickstart::default());
    let folder = tempfile::TempDir::new().unwrap();
    let carol = Terminal::of(&gateway, folder.path(), "carol");
    let (answered, denied) = std::thread::scope(|scope| {
        let one = scope.spawn(|| sdk(&gateway, "whole", "Please export the orders of erika.mustermann@example.com"));
        let approve = carol.pending_beside("");
        let other = scope.spawn(|| sdk(&gateway, "stream", "download everything"));
        let deny = carol.pending_beside(&approve);
        let console = format!("http://{}", gateway.admin_address());
        browse(
            "decide",
            &[
                ("console", &console),
                ("person", "Carol"),
                ("script", script),
                ("approve", &approve),
                ("who", "alice"),
                ("marked", "export"),
                ("tokens", "3"),
                ("deny", &deny),
                ("reason", "Ask finance first."),
                ("shots", &shots().display().to_string()),
            ],
        );
        (one.join().unwrap(), other.join().unwrap())
    });
    let text = answered["text"].as_str().unwrap_or_default();
    assert!(!text.is_empty() && text.split_whitespace().count() <= 3, "{answered}");
    assert_eq!(
        (&denied["error"], &denied["code"]),
        (&"PermissionDeniedError".into(), &"approval_denied".into()),
        "{denied}"
    );
    assert!(denied["message"].as_str().is_some_and(|text| text.contains("Ask finance first.")), "{denied}");
}

#[test]
fn calls_that_wait_are_decided_in_a_browser_with_script() {
    decides_what_waits("on");
}

#[test]
fn calls_that_wait_are_decided_in_a_browser_without_script() {
    decides_what_waits("off");
}

/// Alice asks for a role in her browser; carol lends it in hers, takes it back, and refuses another one.
fn lends_a_role(script: &str) {
    let gateway = Gateway::quickstart(&Quickstart::default());
    let folder = tempfile::TempDir::new().unwrap();
    let carol = Terminal::of(&gateway, folder.path(), "carol");
    let console = format!("http://{}", gateway.admin_address());
    let shots = shots().display().to_string();
    let ask = || {
        let words = [("console", &*console), ("person", "Alice"), ("script", script), ("role", "record-reader")];
        browse("ask", &[&words[..], &[("reason", "The quarter ends."), ("shots", &shots)]].concat());
    };
    // Bob takes a role that nobody has to approve; carol sees it first.
    let taken = Terminal::of(&gateway, folder.path(), "bob").access(&[
        "request",
        "--role",
        "firefighter",
        "--for",
        "10m",
        "--reason",
        "The model is on fire.",
    ]);
    assert!(taken.out.contains("BREAK GLASS"), "{}{}", taken.out, taken.err);
    let words = [("console", &*console), ("person", "Carol"), ("script", script), ("role", "record-reader")];
    ask();
    let approve = carol.pending_beside("");
    browse("lend", &[&words[..], &[("approve", &*approve), ("shots", &*shots)]].concat());
    ask();
    let deny = carol.pending_beside(&approve);
    browse("refuse", &[&words[..], &[("deny", &*deny), ("reason", "Not this one.")]].concat());
    let states = [&approve, &deny].map(|id| carol.json(&["show", id])["approval"]["state"].clone());
    assert_eq!(states, ["used", "denied"]);
}

#[test]
fn a_role_is_asked_for_lent_and_taken_back_in_a_browser_with_script() {
    lends_a_role("on");
}

#[test]
fn a_role_is_asked_for_lent_and_taken_back_in_a_browser_without_script() {
    lends_a_role("off");
}

/// Approves one and denies the other, with made-up approvals behind the console's own interface to the API.
fn decides(script: &str, tokens: &str) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let fake = Fake::default();
    for (id, who) in [("apr_1", "alice"), ("apr_2", "bob"), ("apr_3", "dave")] {
        let pieces = [("Please ", None), ("export", Some("bulk-export")), (" it\u{202e} all to <b>me</b>", None)];
        fake.0.lock().unwrap().shown.push(held(id, who, vec![text("user", &pieces)]));
    }
    let console = Arc::new(Console::new(parts(&fake, &Arc::new(Mutex::new(NOW)))).unwrap());
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    runtime.spawn(support::serve(listener, console));
    let shots = shots().display().to_string();
    browse(
        "decide",
        &[
            ("console", &url),
            ("script", script),
            ("approve", "apr_1"),
            ("who", "alice"),
            ("marked", "export"),
            ("tokens", tokens),
            ("deny", "apr_2"),
            ("reason", "Ask finance first."),
            ("shots", &shots),
        ],
    );
    let state = fake.0.lock().unwrap();
    let [approved, denied, untouched] = [0, 1, 2].map(|place| &state.shown[place].approval);
    assert_eq!(approved.state, ApprovalState::Approved);
    assert_eq!(approved.narrowed, Some(Narrow { max_tokens: tokens.parse().ok(), for_s: None }));
    assert_eq!(denied.state, ApprovalState::Denied);
    assert_eq!(denied.votes[0].reason.as_deref(), Some("Ask finance first."));
    assert_eq!((&*denied.votes[0].by.subject, untouched.state), ("carol", ApprovalState::Pending));
    let decisions = state.asked.iter().filter(|(_, method, ..)| *method != "GET").count();
    assert_eq!(decisions, 2, "each decision was sent once");
}

#[test]
fn an_approver_decides_with_script() {
    decides("on", "100");
}

#[test]
fn an_approver_decides_without_script() {
    decides("off", "200");
}
