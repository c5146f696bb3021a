use std::sync::Arc;

use gatewright_model::{Identity, Kind, LeaseId, RequestId, Timestamp};
use gatewright_store::state::approvals::Party;
use gatewright_store::state::leases::{Holder, Lease, Leases, Lent, OnBehalf, Recorded};
use gatewright_store::state::{Sharing, State};

use crate::backends::every_one;

const US: Holder = Holder::new([1; 16]);
const THEM: Holder = Holder::new([2; 16]);
const CALL: RequestId = RequestId::from_bytes([7; 16]);

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn lease(id: u8, lent: Lent) -> Lease {
    Lease {
        id: LeaseId::from_bytes([id; 16]),
        call: CALL,
        holder: US,
        lapses: at(103),
        until: at(160),
        datasets: vec!["public-docs".into(), "sales-rows".into()],
        workload: Party { issuer: "ci".into(), subject: "rag".into() },
        lent,
    }
}

fn token(id: u8) -> Lease {
    let caller = Identity {
        issuer: "corp".into(),
        subject: "alice".into(),
        kind: Kind::Person,
        groups: [Arc::from("analysts"), Arc::from("a,b")].into(),
        claims: [(Arc::from("/sub"), Arc::from("alice"))].into(),
        expires: at(500),
    };
    lease(id, Lent::Token(Box::new(OnBehalf { caller, digest: [9; 32], connection: "lab".into() })))
}

fn role(id: u8) -> Lease {
    let lent = Lent::Postgresql { database: "warehouse".into(), role: format!("gwl_{id}").into() };
    Lease { holder: THEM, lapses: at(9_999), ..lease(id, lent) }
}

fn ids(leases: &[Lease]) -> Vec<u8> {
    let mut ids: Vec<u8> = leases.iter().map(|lease| lease.id.as_bytes()[0]).collect();
    ids.sort_unstable();
    ids
}

async fn record(leases: &dyn Leases, lease: Lease, now: u64) -> Recorded {
    leases.record(lease, 2, at(now)).await.expect("an answer")
}

#[tokio::test]
async fn a_call_runs_until_it_is_over_or_nobody_says_that_it_lives() {
    for backend in every_one() {
        let (state, name) = (backend.open().await, backend.name());
        let leases = state.leases();
        assert_eq!(leases.running(CALL, at(100)).await, Ok(None), "{name}");
        assert_eq!(record(&**leases, token(1), 100).await, Recorded::Yes, "{name}");
        assert!(leases.record(token(2), 2, at(100)).await.is_err(), "{name}: a second token of one call");
        // Another handle of the same state, as another replica has one, is told the whole of it.
        let other = backend.open().await;
        assert_eq!(other.leases().running(CALL, at(102)).await, Ok(Some(token(1))), "{name}");
        assert_eq!(leases.running(CALL, at(103)).await, Ok(None), "{name}: lapsed");
        // What has lapsed is not revived, what has not is extended, and never beyond its end.
        leases.extend(US, at(103), at(110)).await.expect("extended");
        assert_eq!(leases.running(CALL, at(103)).await, Ok(None), "{name}: revived");
        leases.extend(US, at(102), at(110)).await.expect("extended");
        leases.extend(THEM, at(102), at(999)).await.expect("extended");
        assert!(leases.running(CALL, at(109)).await.expect("an answer").is_some(), "{name}");
        assert_eq!(leases.running(CALL, at(110)).await, Ok(None), "{name}: somebody else's word counted");
        leases.extend(US, at(102), at(999)).await.expect("extended");
        assert!(leases.running(CALL, at(159)).await.expect("an answer").is_some(), "{name}");
        assert_eq!(leases.running(CALL, at(160)).await, Ok(None), "{name}: beyond its end");
        leases.over(CALL).await.expect("over");
        assert_eq!(other.leases().running(CALL, at(102)).await, Ok(None), "{name}");
    }
}

#[tokio::test]
async fn what_is_lent_needs_the_call_and_ends_with_it() {
    for backend in every_one() {
        let (state, name) = (backend.open().await, backend.name());
        let leases = state.leases();
        assert_eq!(record(&**leases, role(3), 100).await, Recorded::CallOver, "{name}: without a call");
        assert_eq!(record(&**leases, token(1), 100).await, Recorded::Yes, "{name}");
        assert_eq!(record(&**leases, role(3), 103).await, Recorded::CallOver, "{name}: of a call that lapsed");
        assert_eq!(record(&**leases, role(3), 100).await, Recorded::Yes, "{name}");
        assert_eq!(record(&**leases, role(4), 100).await, Recorded::Yes, "{name}");
        assert_eq!(record(&**leases, role(5), 100).await, Recorded::TooMany, "{name}");
        assert_eq!(leases.claim(THEM, at(102), at(200), 10).await, Ok(Vec::new()), "{name}: it lives");
        leases.over(CALL).await.expect("over");
        let claimed = leases.claim(THEM, at(102), at(117), 10).await.expect("claimed");
        assert_eq!(ids(&claimed), [3, 4], "{name}");
        assert_eq!(claimed[0].datasets, token(1).datasets, "{name}");
        // One at a time: not before the other had its time, and whoever held it first keeps it alive no more.
        leases.extend(US, at(103), at(999)).await.expect("extended");
        assert_eq!(leases.claim(US, at(116), at(200), 10).await, Ok(Vec::new()), "{name}");
        assert_eq!(ids(&leases.claim(US, at(117), at(200), 1).await.expect("claimed")).len(), 1, "{name}");
        for id in [3, 4] {
            leases.strike(LeaseId::from_bytes([id; 16])).await.expect("struck");
            leases.strike(LeaseId::from_bytes([id; 16])).await.expect("gone already");
        }
        assert_eq!(backend.count("leases"), 0, "{name}");
    }
}

#[tokio::test]
async fn what_a_dead_gateway_held_is_found() {
    for backend in every_one() {
        let (state, name) = (backend.open().await, backend.name());
        record(&**state.leases(), token(1), 100).await;
        record(&**state.leases(), role(3), 100).await;
        drop(state);
        let state: State = backend.open().await;
        let leases = state.leases();
        leases.abandon_others(US).await.expect("nothing of others");
        assert_eq!(leases.claim(THEM, at(101), at(200), 10).await, Ok(Vec::new()), "{name}");
        leases.abandon_others(THEM).await.expect("abandoned");
        assert_eq!(leases.running(CALL, at(101)).await, Ok(None), "{name}");
        assert_eq!(ids(&leases.claim(THEM, at(101), at(200), 10).await.expect("claimed")), [1, 3], "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_claim_each_lease_once() {
    for backend in every_one() {
        let (state, name) = (backend.open().await, backend.name());
        for number in 0..40 {
            let call = RequestId::from_bytes([number; 16]);
            record(&**state.leases(), Lease { call, ..token(number) }, 100).await;
        }
        let replicas = match state.sharing() {
            Sharing::Alone => vec![state.clone(), state],
            Sharing::Replicas => vec![backend.open().await, backend.open().await],
        };
        let claims = replicas.iter().map(|state| {
            let leases = Arc::clone(state.leases());
            tokio::spawn(async move {
                let mut all = Vec::new();
                for _ in 0..10 {
                    all.extend(leases.claim(THEM, at(200), at(300), 5).await.expect("claimed"));
                }
                all
            })
        });
        let mut all = Vec::new();
        for claim in claims.collect::<Vec<_>>() {
            all.extend(claim.await.expect("it ran"));
        }
        assert_eq!(ids(&all), (0..40).collect::<Vec<u8>>(), "{name}");
    }
}
