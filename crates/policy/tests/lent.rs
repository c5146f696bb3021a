//! Roles for a time: who may ask for them, and when a role that was lent counts.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

mod support;

use std::time::Duration;

use gatewright_model::{RoleName, Timestamp};
use gatewright_policy::{Catalogue, Lent, Through};
use support::{NOW, compile, person};

const CATALOGUE: &str = "version: 1
roles:
  staff:
    members: [{ issuer: demo, group: staff }]
  auditor:
    request: { by: [{ issuer: demo, group: staff }], approval: peer, longest: 2h }
    admin: [records.read]
  firefighter:
    request: { by: [{ issuer: demo, group: ops }], break_glass: true }
    admin: [policy.apply]
  member-only:
    members: [{ issuer: demo, group: ops }]
    admin: [connections.read]
approvals:
  peer: { approvers: [{ issuer: demo, group: security }] }
";

fn lent(role: &str, from: u64, until: u64) -> Lent {
    Lent { role: RoleName::from(role), from: at(from), until: at(until) }
}

fn at(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

fn names(catalogue: &Catalogue, groups: &[&str], lent: &[Lent], now: Timestamp) -> Vec<String> {
    let roles = catalogue.roles_with(&person("sue", groups), lent, now);
    roles.names(now).iter().map(ToString::to_string).collect()
}

#[test]
fn a_role_that_was_lent_counts_within_its_window_alone() {
    let catalogue = compile(CATALOGUE).unwrap();
    let auditor = [lent("auditor", 10, 20)];
    assert_eq!(names(&catalogue, &["staff"], &auditor, at(9)), ["staff"]);
    assert_eq!(names(&catalogue, &["staff"], &auditor, at(10)), ["auditor", "staff"]);
    assert_eq!(names(&catalogue, &["staff"], &auditor, at(19)), ["auditor", "staff"]);
    assert_eq!(names(&catalogue, &["staff"], &auditor, at(20)), ["staff"]);
    let roles = catalogue.roles_with(&person("sue", &["staff"]), &auditor, at(9));
    let may = |now| catalogue.permits_admin(&person("sue", &["staff"]), &roles, now, "records.read").refusal.is_none();
    assert!(!may(at(9)) && may(at(10)) && !may(at(20)), "roles that are kept are judged by the clock each time");
}

#[test]
fn who_could_not_ask_now_has_nothing_of_what_was_lent() {
    let catalogue = compile(CATALOGUE).unwrap();
    let auditor = [lent("auditor", 0, 20)];
    assert_eq!(names(&catalogue, &["ops"], &auditor, at(1)), ["member-only"], "another group than may ask");
    assert_eq!(names(&catalogue, &["staff"], &[lent("gone", 0, 20)], at(1)), ["staff"], "no such role");
    let member = [lent("member-only", 0, 20)];
    assert_eq!(names(&catalogue, &["staff"], &member, at(1)), ["staff"], "a role that nobody can ask for");
}

#[test]
fn the_longest_time_that_the_catalogue_says_now_counts() {
    let catalogue = compile(CATALOGUE).unwrap();
    let week = [lent("auditor", 0, 7 * 86_400)];
    assert_eq!(names(&catalogue, &["staff"], &week, at(2 * 3_600 - 1)), ["auditor", "staff"]);
    assert_eq!(names(&catalogue, &["staff"], &week, at(2 * 3_600)), ["staff"]);
}

#[test]
fn a_catalogue_says_who_may_ask_and_who_decides() {
    let catalogue = compile(CATALOGUE).unwrap();
    let all: Vec<_> = catalogue.requestables().map(|(role, request)| (role.to_string(), request.clone())).collect();
    assert_eq!(all.len(), 2);
    assert_eq!(all[0].1.through, Through::Approval("peer".to_owned()));
    assert_eq!(all[0].1.longest, Duration::from_secs(7_200));
    assert_eq!(all[1].1.through, Through::BrokenGlass);
    assert_eq!(all[1].1.longest, Duration::from_secs(1_800));
    assert!(all[0].1.may_ask(&person("sue", &["staff"])) && !all[1].1.may_ask(&person("sue", &["staff"])));
    assert!(catalogue.lint(NOW).is_empty(), "{:?}", catalogue.lint(NOW));
}

#[test]
fn what_nobody_could_ask_for_or_decide_is_a_fault() {
    let faults = |request: &str| {
        let text = format!(
            "version: 1\nroles:\n  a:\n    request: {request}\napprovals:\n  peer: {{ approvers: [{{ issuer: demo, group: s }}] }}\n"
        );
        compile(&text).map(drop).unwrap_err()
    };
    let by = "by: [{ issuer: demo, group: staff }]";
    for (request, says) in [
        ("{ approval: peer }".to_owned(), "nobody could ask"),
        ("{ by: [], approval: peer }".to_owned(), "nobody could ask"),
        (format!("{{ {by} }}"), "decided by an `approval: NAME`"),
        (format!("{{ {by}, approval: peer, break_glass: true }}"), "decided by an `approval: NAME`"),
        (format!("{{ {by}, break_glass: false }}"), "decided by an `approval: NAME`"),
        (format!("{{ {by}, approval: per }}"), "no approval is called \"per\""),
        (format!("{{ {by}, break_glass: true, longest: 5h }}"), "between 1s and 4h"),
        (format!("{{ {by}, approval: peer, longest: 169h }}"), "between 1s and 168h"),
        ("{ by: [{ issuer: nowhere, group: staff }], approval: peer }".to_owned(), "unknown issuer"),
    ] {
        let found = faults(&request);
        assert!(found.contains(says), "{request}: {found}");
    }
}
