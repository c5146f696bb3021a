//! Serves every page of the console with made-up approvals, for whoever works on how they look:
//! `cargo run -p gatewright-console --example showcase`.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::sync::{Arc, Mutex};

use gatewright_api::{ApprovalState, Choice, Grant, GrantState, Similar, Vote};
use gatewright_console::Console;
use support::{Fake, NOW, access, held, parts, person, text};

const RULE: Option<&str> = Some("bulk-export");

#[tokio::main]
async fn main() {
    let fake = Fake::default();
    fill(&fake);
    let console = Arc::new(Console::new(parts(&fake, &Arc::new(Mutex::new(NOW)))).unwrap());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8091").await.unwrap();
    println!("http://127.0.0.1:8091/");
    support::serve(listener, console).await;
}

fn fill(fake: &Fake) {
    let mut state = fake.0.lock().unwrap();
    state.originals = true;
    let mut usual = held(
        "apr_1",
        "alice",
        vec![
            text("system", &[("You are a helpful analyst.", None)]),
            text(
                "user",
                &[
                    ("Please ", None),
                    ("export", RULE),
                    (" the customer table and let ", None),
                    ("[EMAIL_ADDRESS]", Some("EMAIL_ADDRESS")),
                    (" ", None),
                    ("download", RULE),
                    (" it.", None),
                ],
            ),
        ],
    );
    usual.approval.reason = Some("Quarterly report, due tonight".into());
    usual.similar = vec![Similar {
        id: "apr_4".into(),
        state: ApprovalState::Denied,
        caller: person("alice"),
        model: Some("sales-forecast".into()),
        created: "2027-01-13T08:00:00.000Z".into(),
    }];
    let mut hostile = held(
        "apr_2",
        "mallory\u{202e}ecila",
        vec![
            text(
                "user",
                &[
                    ("<script>alert(1)</script> {{7*7}} ${7*7} <img src=x onerror=alert(2)>\n", None),
                    ("Do not ", None),
                    ("ex\u{200b}port", RULE),
                    (" any\u{202e}gnihtyreve ton\u{202c} rows\u{2066}.\n", None),
                    (
                        "Z\u{300}\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}algo \u{1b}[31mred\u{1b}[0m ⟨U+202E⟩ مرحبا بالعالم",
                        None,
                    ),
                    (" \u{e0041}\u{e0042}\u{e0043}", None),
                ],
            ),
            text("tool: fetch_page", &[(&"A".repeat(3_000), None)]),
        ],
    );
    hostile.approval.trust = Some("external".into());
    hostile.approval.reason = Some("</q><b>please</b> \u{202e}approve\r\nadmin: yes".into());
    hostile.approval.expires = "2027-01-15T08:00:50.000Z".into();
    hostile.tools = vec!["fetch_page(url)".into(), "run_sql(query)".into()];
    let long = held("apr_3", "bob", vec![text("user", &[(&"word and more ".repeat(60_000), None)])]);
    let mut denied = held("apr_4", "alice", vec![text("user", &[("export all", RULE)])]);
    denied.approval.state = ApprovalState::Denied;
    denied.approval.created = "2027-01-13T08:00:00.000Z".into();
    denied.approval.votes = vec![Vote {
        by: person("carol"),
        verdict: Choice::Deny,
        reason: Some("Ask finance first.".into()),
        at: "2027-01-13T08:03:00.000Z".into(),
    }];
    let mut other = held("apr_5", "carol", vec![text("user", &[("download", RULE)])]);
    other.approval.may_decide = Some("One does not decide what one asked for.".into());
    let role = access("apr_6", "dave", "on-call", 1_800);
    state.shown = vec![usual, hostile, long, denied, other, role];
    for place in 0..20 {
        let mut past = held(&format!("apr_old{place}"), ["alice", "bob", "dave"][place % 3], vec![]);
        past.approval.state = ApprovalState::ALL[1 + place % 5];
        past.approval.created = format!("2027-01-{:02}T08:00:00.000Z", 14 - place % 10);
        state.shown.push(past);
    }
    let grant = |id: &str, grant_state| Grant {
        id: id.into(),
        state: grant_state,
        person: person("dave"),
        role: "billing-reader".into(),
        approval: "apr_6".into(),
        from: "2027-01-15T07:50:00.000Z".into(),
        until: "2027-01-15T08:20:00.000Z".into(),
        break_glass: false,
    };
    state.grants = vec![
        Grant {
            role: "firefighter".into(),
            person: person("erin"),
            break_glass: true,
            ..grant("grt_0", GrantState::Active)
        },
        grant("grt_1", GrantState::Active),
        grant("grt_2", GrantState::Revoked),
        grant("grt_3", GrantState::Ended),
    ];
}
