//! Roles for a time at the admin API's boundary: what is written down before a role counts, and who has a say.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use gatewright_admin::{Access, Admin, Authority, Bench, Hosts, Metrics, Pending, Reviews, Standing, Texts, Visitor};
use gatewright_api::{AccessRequest, ApprovalState, Choice, Client, Decide, GrantState, Problem, Readiness};
use gatewright_model::{
    ApprovalId, Clock, Code, Digest, Entropy, Event, Identity, Kind, Refusal, Review, RoleName, Timestamp, Verdict,
};
use gatewright_policy::{ApprovalText, Approver, Permission, Place, ReasonPolicy, Requestable, Through};
use gatewright_store::state::approvals::Party;
use gatewright_store::state::{State, StateError};
use http::HeaderMap;

/// Tokens are `SUBJECT/GROUP`; robots are programs. What the log refuses to take is said by the test.
#[derive(Default)]
struct Gate {
    recorded: Mutex<Vec<Event>>,
    refuses: Mutex<Option<Review>>,
}

impl Authority for Gate {
    fn authenticate<'a>(&'a self, headers: &'a HeaderMap) -> Pending<'a, Result<Visitor, Refusal>> {
        Box::pin(async move {
            let token = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
            let (subject, group) = token.trim_start_matches("Bearer ").split_once('/').unwrap_or_default();
            let identity = Identity {
                issuer: "corp".into(),
                subject: subject.into(),
                kind: if subject.starts_with("robot") { Kind::Workload } else { Kind::Person },
                groups: [group.into()].into(),
                claims: [].into(),
                expires: Timestamp::from_seconds(9_999),
            };
            Ok(Visitor { identity, roles: vec![RoleName::from("staff")] })
        })
    }

    fn permits(&self, _: &Visitor, _: &str) -> Permission {
        Permission { verdict: Verdict::Deny, rules: Vec::new(), refusal: None }
    }

    fn record(&self, event: Event) -> Pending<'_, Result<(), Refusal>> {
        Box::pin(async move {
            let refuses = *self.refuses.lock().expect("a lock");
            if matches!(event, Event::Reviewed { review, .. } if Some(review) == refuses) {
                return Err(Refusal::new(Code::NotReady, "The log is broken."));
            }
            self.recorded.lock().expect("a lock").push(event);
            Ok(())
        })
    }

    fn refused(&self, _: Code) {}
}

/// The live catalogue, which a test may change.
struct Catalogue(Mutex<ApprovalText>);

fn place() -> Place {
    Place { file: "catalogue.yaml".into(), line: 1, column: 1 }
}

fn approver(group: &str) -> Approver {
    Approver { issuer: "corp".into(), group: group.to_owned(), place: place() }
}

fn peer() -> ApprovalText {
    ApprovalText {
        name: "peer".to_owned(),
        approvers: vec![approver("security")],
        need: 1,
        reason: ReasonPolicy::Optional,
        wait: Duration::ZERO,
        valid: Duration::from_secs(900),
        uses: 1,
        place: place(),
    }
}

impl Bench for Catalogue {
    fn policy(&self, name: &str) -> Option<ApprovalText> {
        Some(self.0.lock().expect("a lock").clone()).filter(|policy| policy.name == name)
    }

    fn requestables(&self) -> Vec<(RoleName, Requestable)> {
        let through = Through::Approval(self.0.lock().expect("a lock").name.clone());
        let role = |name: &str, through| {
            let longest = Duration::from_secs(600);
            (
                RoleName::from(name),
                Requestable { by: vec![approver("staff"), approver("security")], through, longest, place: place() },
            )
        };
        vec![role("closer", through), role("firefighter", Through::BrokenGlass)]
    }

    fn requestable(&self, role: &RoleName) -> Option<Requestable> {
        self.requestables().into_iter().find(|(name, _)| name == role).map(|(_, request)| request)
    }

    fn digest_of_access(&self, caller: &Party, role: &RoleName, policy: &str) -> Digest {
        let mut digest = [0; 32];
        for (at, byte) in format!("{}/{role}/{policy}", caller.subject).bytes().take(32).enumerate() {
            digest[at] = byte;
        }
        digest
    }

    fn masked(&self, text: &str) -> String {
        text.replace("secret", "[VALUE]")
    }

    fn original(&self, _: ApprovalId) -> Pending<'_, Result<Option<Texts>, StateError>> {
        Box::pin(async { Ok(None) })
    }
}

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(1_000)
    }
}

struct Counted(Mutex<u8>);

impl Entropy for Counted {
    fn fill(&self, bytes: &mut [u8]) {
        let mut next = self.0.lock().expect("a lock");
        *next += 1;
        bytes.fill(*next);
    }
}

impl Standing for Still {
    fn readiness(&self) -> Readiness {
        Readiness::of(Vec::new(), Vec::new())
    }
}

impl Metrics for Still {
    fn encode(&self) -> String {
        "# EOF\n".to_owned()
    }
}

struct Scene {
    gate: Arc<Gate>,
    catalogue: Arc<Catalogue>,
    admin: Admin,
    state: State,
    _folder: tempfile::TempDir,
}

fn scene() -> Scene {
    let folder = tempfile::tempdir().expect("a folder");
    let state = State::sqlite(&folder.path().join("state.db")).expect("a state");
    let (gate, catalogue) = (Arc::new(Gate::default()), Arc::new(Catalogue(Mutex::new(peer()))));
    let entropy = Arc::new(Counted(Mutex::new(0)));
    let access = Access::new(gate.clone(), catalogue.clone(), &state, Arc::new(Still), entropy);
    let reviews = Reviews::new(gate.clone(), catalogue.clone(), state.clone(), Arc::new(Still));
    let admin = Admin::new("1", Hosts::new([]), Arc::new(Still), Arc::new(Still))
        .serving(gate.clone(), vec![Arc::new(access), Arc::new(reviews)]);
    Scene { gate, catalogue, admin, state, _folder: folder }
}

impl Scene {
    fn client<'s>(&'s self, token: &'s str) -> Client<'s> {
        Client::new(&self.admin, token)
    }

    async fn grants(&self) -> usize {
        self.state.approvals().grants(None, 10).await.expect("it answers").len()
    }
}

fn wish(role: &str, reason: &str) -> AccessRequest {
    AccessRequest { role: role.to_owned(), for_s: 60, reason: (!reason.is_empty()).then(|| reason.to_owned()) }
}

fn says(verdict: Choice) -> Decide {
    Decide { verdict, reason: None, narrow: None }
}

fn code<T>(answer: Result<T, Problem>) -> (u16, String) {
    answer.map(drop).map_or_else(|problem| (problem.status, problem.code), |()| (200, String::new()))
}

#[tokio::test]
async fn what_nobody_approves_is_on_disk_before_it_counts() {
    let scene = scene();
    let alice = scene.client("alice/staff");
    *scene.gate.refuses.lock().expect("a lock") = Some(Review::GlassBroken);
    assert_eq!(code(alice.request_access(&wish("firefighter", "fire")).await).0, 503);
    assert_eq!(scene.grants().await, 0, "a role counts that is not on record");
    *scene.gate.refuses.lock().expect("a lock") = None;
    let taken = alice.request_access(&wish("firefighter", "a secret fire")).await.expect("taken");
    assert_eq!(taken.approval.reason.as_deref(), Some("a [VALUE] fire"));
    assert!(taken.grant.is_some_and(|grant| grant.break_glass && grant.state == GrantState::Active));
    let names: Vec<&str> = scene.gate.recorded.lock().expect("a lock").iter().map(Event::name).collect();
    assert_eq!(names, ["visited", "visited", "reviewed", "granted"]);
}

#[tokio::test]
async fn a_program_takes_nothing_and_decides_nothing() {
    let scene = scene();
    let robot = scene.client("robot/staff");
    assert_eq!(code(robot.request_access(&wish("firefighter", "fire")).await).0, 403);
    assert!(robot.access().await.expect("a list").may_ask.iter().all(|may| !may.break_glass));
    let asked = robot.request_access(&wish("closer", "")).await.expect("asked");
    let decided = scene.client("robot-2/security").decide(&asked.approval.id, &says(Choice::Approve)).await;
    assert_eq!(code(decided).0, 404);
    assert_eq!(scene.grants().await, 0);
}

#[tokio::test]
async fn an_approver_who_asks_does_not_decide_it() {
    let scene = scene();
    let carol = scene.client("carol/security");
    let asked = carol.request_access(&wish("closer", "")).await.expect("asked").approval.id;
    assert_eq!(code(carol.decide(&asked, &says(Choice::Approve)).await).0, 403);
    assert_eq!(scene.grants().await, 0);
    let other = scene.client("dora/security").decide(&asked, &says(Choice::Approve)).await;
    assert_eq!((code(other).0, scene.grants().await), (200, 1));
}

#[tokio::test]
async fn what_another_catalogue_asked_for_is_not_given_under_this_one() {
    let scene = scene();
    let (alice, carol) = (scene.client("alice/staff"), scene.client("carol/security"));
    let asked = alice.request_access(&wish("closer", "")).await.expect("asked").approval.id;
    // Others decide now: to those who did it is not there any more.
    let others = ApprovalText { name: "board".to_owned(), ..peer() };
    *scene.catalogue.0.lock().expect("a lock") = others;
    assert_eq!(code(carol.decide(&asked, &says(Choice::Approve)).await).0, 404);
    assert_ne!(
        alice.request_access(&wish("closer", "")).await.expect("asked").approval.id,
        asked,
        "it waits for others"
    );
    // Those who decided do so again, and more of them have to agree.
    *scene.catalogue.0.lock().expect("a lock") = ApprovalText { need: 2, ..peer() };
    let first = carol.decide(&asked, &says(Choice::Approve)).await.expect("she may");
    assert_eq!((first.state, first.need, scene.grants().await), (ApprovalState::Pending, 2, 0));
    let second = scene.client("dora/security").decide(&asked, &says(Choice::Approve)).await.expect("she may");
    assert_eq!((second.state, scene.grants().await), (ApprovalState::Used, 1));
}

#[tokio::test]
async fn a_grant_is_ended_by_its_owner_and_by_those_who_decide() {
    let scene = scene();
    for by in ["alice/staff", "carol/security"] {
        let alice = scene.client("alice/staff");
        let asked = alice.request_access(&wish("closer", "")).await.expect("asked").approval.id;
        scene.client("carol/security").decide(&asked, &says(Choice::Approve)).await.expect("approved");
        let grant = asked.replace("apr_", "grt_");
        for stranger in ["bob/staff", "dora/board"] {
            assert_eq!(code(scene.client(stranger).revoke(&grant).await).0, 404, "{stranger}");
            assert!(scene.client(stranger).access().await.expect("a list").grants.is_empty(), "{stranger}");
        }
        assert_eq!(scene.client(by).revoke(&grant).await.expect("ended").state, GrantState::Revoked, "{by}");
        assert_eq!(code(scene.client(by).revoke(&grant).await).0, 404, "it counts no more");
    }
}
