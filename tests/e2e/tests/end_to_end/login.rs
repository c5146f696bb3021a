//! Signing in from a terminal: what the browser does is done here by plain HTTP.

use std::process::Command;
use std::time::{Duration, Instant};

use gatewright_e2e::answers::{ask, get};
use gatewright_e2e::gateway::{Gateway, Quickstart};
use gatewright_e2e::process::{Process, run};
use gatewright_e2e::tools::gatewright;
use tempfile::TempDir;

#[test]
fn a_person_signs_in_and_their_token_works() {
    let gateway = Gateway::quickstart(&Quickstart::default());
    let home = TempDir::new().unwrap();
    let command = |words: &[&str]| {
        let mut command = Command::new(gatewright());
        command.args(words).env("HOME", home.path()).env("XDG_CONFIG_HOME", home.path().join("config"));
        command.env_remove("GATEWRIGHT_TOKEN");
        command
    };
    assert_ne!(run(&mut command(&["token"])).code, Some(0), "nobody has signed in yet");

    let mut login = Process::start(
        &mut command(&["login", "--no-browser", "--issuer", &gateway.issuer()]),
        &home.path().join("log"),
    );
    let url = invitation(&login);
    let (address, target) = split(&url);
    let page = get(address, &target, &[]);
    assert_eq!(page.status, 200, "{}", page.text());
    let (_, query) = target.split_once('?').expect("the request has parameters");
    let form = ["content-type: application/x-www-form-urlencoded"];
    let back = ask(address, "POST", "/authorize", &form, &format!("{query}&person=alice"));
    assert_eq!(back.status, 303, "{}", back.text());
    let (callback, target) = split(back.headers.get("location").expect("the browser is sent back"));
    assert!(callback.ip().is_loopback());
    assert_eq!(get(callback, &target, &[]).status, 200);
    let status = login.wait(Duration::from_secs(20));
    assert!(status.is_some_and(|status| status.success()), "{}", login.said());

    let token = run(&mut command(&["token"]));
    assert_eq!(token.code, Some(0), "{}", token.err);
    assert!(!login.said().contains(token.out.trim()), "the token was printed while signing in");
    let bearer = format!("authorization: Bearer {}", token.out.trim());
    let models = get(gateway.data_address(), "/v1/models", &[&bearer]);
    assert_eq!(models.status, 200, "{}", models.text());
    assert!(models.text().contains(&gateway.allowed()));

    let mode = run(Command::new("find").arg(home.path()).args(["-type", "f", "-name", "*token*", "-perm", "/077"]));
    assert_eq!(mode.out, "", "others can read the token");
    assert_eq!(run(&mut command(&["logout"])).code, Some(0));
    assert_ne!(run(&mut command(&["token"])).code, Some(0), "the token was not forgotten");
}

/// The address that the command asks a person to open.
fn invitation(login: &Process) -> String {
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline {
        if let Some(url) = login.said().split_whitespace().find(|word| word.starts_with("http")) {
            return url.to_owned();
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("no address to open: {}", login.said());
}

fn split(url: &str) -> (std::net::SocketAddr, String) {
    let rest = url.strip_prefix("http://").expect("it is plain HTTP on loopback");
    let (address, target) = rest.split_once('/').expect("it has a path");
    (address.parse().expect("it is an address"), format!("/{target}"))
}
