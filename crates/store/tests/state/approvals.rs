use std::sync::Arc;
use std::time::Duration;

use gatewright_model::{ApprovalId, GrantId, RoleName, RuleName, Timestamp};
use gatewright_store::state::approvals::{
    AccessWish, Approval, ApprovalState, Asked, Choice, Listing, Most, Narrow, NewApproval, NotNow, Party, Vote,
};
use gatewright_store::state::{Heard, State, Topic};

use crate::backends::every_one;

const MOST: Most = Most { of_caller: 3, in_all: 5 };

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn party(subject: &str) -> Party {
    Party { issuer: "corp".into(), subject: subject.into() }
}

fn new(id: u8, digest: u8) -> NewApproval {
    NewApproval {
        id: ApprovalId::from_bytes([id; 16]),
        digest: [digest; 32],
        rule: RuleName::new("bulk-export"),
        policy: "peer".into(),
        caller: party("alice"),
        at: at(100),
        time_to_decide: Duration::from_secs(60),
        valid: Duration::from_secs(900),
        need: 1,
        uses: 1,
        reason: Some("quarter's \u{fc}bersicht".into()),
        access: None,
        shown: Arc::from(&b"{}"[..]),
        sealed: Some(Arc::from(&b"sealed"[..])),
    }
}

fn vote(by: &str, choice: Choice, seconds: u64) -> Vote {
    Vote { by: party(by), choice, reason: Some("so".into()), at: at(seconds), narrow: Narrow::default() }
}

async fn asked(state: &State, new: NewApproval) -> Approval {
    match state.approvals().ask(new, MOST).await.expect("it answers") {
        Asked::New(asked) => asked.approval,
        Asked::Known(approval) => approval,
        Asked::TooMany => unreachable!("there is room"),
    }
}

fn wanted(digest: u8) -> Vec<([u8; 32], RuleName)> {
    vec![([digest; 32], RuleName::new("bulk-export"))]
}

#[tokio::test]
async fn an_approval_is_asked_for_once_decided_once_and_used_once() {
    for backend in every_one() {
        let state = backend.open().await;
        let mut changes = state.changes();
        let first = asked(&state, new(1, 1)).await;
        assert_eq!((first.state, first.expires), (ApprovalState::Pending, at(160)), "{}", backend.name());
        // The same call asks again: the same approval, though it came with another id.
        let again = state.approvals().ask(new(2, 1), MOST).await.expect("it answers");
        assert_eq!(again, Asked::Known(first.clone()));
        assert_eq!(state.approvals().take(wanted(1), at(101)).await, Ok(None), "nobody has agreed");
        let sealed = state.approvals().sealed(first.id, at(101)).await;
        assert_eq!(sealed.expect("it answers").as_deref(), Some(&b"sealed"[..]));

        let own = state.approvals().vote(first.id, vote("alice", Choice::Approve, 101), 1).await;
        assert_eq!(own.expect("it answers"), Err(NotNow::OwnWish));
        let voted = state.approvals().vote(first.id, vote("carol", Choice::Approve, 102), 1).await;
        let voted = voted.expect("it answers").expect("she may").approval;
        assert_eq!((voted.state, voted.expires), (ApprovalState::Approved, at(1_002)));
        assert_eq!(state.approvals().sealed(first.id, at(103)).await, Ok(None), "destroyed with the decision");
        let late = state.approvals().vote(first.id, vote("dora", Choice::Deny, 103), 1).await.expect("it answers");
        assert_eq!(late, Err(NotNow::Decided(ApprovalState::Approved)));

        // Another handle, as a restart or another replica has it.
        drop(state);
        let state = backend.open().await;
        assert_eq!(state.approvals().get(first.id, at(103)).await, Ok(Some(voted)));
        let taken = state.approvals().take(wanted(1), at(104)).await.expect("it answers").expect("one use");
        assert_eq!((taken[0].state, taken[0].used), (ApprovalState::Used, 1));
        assert_eq!(state.approvals().take(wanted(1), at(104)).await, Ok(None), "its one use is gone");
        let next = asked(&state, NewApproval { at: at(105), ..new(3, 1) }).await;
        assert_eq!((next.id, next.state), (ApprovalId::from_bytes([3; 16]), ApprovalState::Pending));
        assert!(matches!(changes.next().await, Heard::Change(change) if change.topic == Topic::Approvals));
    }
}

#[tokio::test]
async fn a_hundred_who_race_take_one_use_and_ask_for_one_approval() {
    for backend in every_one() {
        let replicas = [
            Arc::new(backend.open().await),
            Arc::new(if backend.name() == "postgres" {
                backend.open().await
            } else {
                backend.try_open().await.expect("a second handle of the file")
            }),
        ];
        let asking = (0..100).map(|number: u8| {
            let state = Arc::clone(&replicas[usize::from(number % 2)]);
            tokio::spawn(async move { asked(&state, new(number + 1, 9)).await.id })
        });
        let asking: Vec<_> = asking.collect();
        let mut ids = Vec::new();
        for task in asking {
            ids.push(task.await.expect("it ends"));
        }
        ids.dedup();
        assert_eq!(ids.len(), 1, "{}", backend.name());
        let voted = replicas[1].approvals().vote(ids[0], vote("carol", Choice::Approve, 101), 1).await;
        voted.expect("it answers").expect("she may");
        let taking = (0..100).map(|number: usize| {
            let state = Arc::clone(&replicas[number % 2]);
            tokio::spawn(async move { state.approvals().take(wanted(9), at(102)).await.expect("it answers").is_some() })
        });
        let taking: Vec<_> = taking.collect();
        let mut uses = 0;
        for task in taking {
            uses += usize::from(task.await.expect("it ends"));
        }
        assert_eq!(uses, 1, "{}", backend.name());
    }
}

#[tokio::test]
async fn time_ends_what_waits_and_what_was_decided() {
    for backend in every_one() {
        let state = backend.open().await;
        let pending = asked(&state, new(1, 1)).await;
        let seen = state.approvals().get(pending.id, at(160)).await.expect("it answers").expect("it is there");
        assert_eq!(seen.state, ApprovalState::Expired, "nobody has swept, and it counts as run out");
        let late = state.approvals().vote(pending.id, vote("carol", Choice::Approve, 160), 1).await;
        assert_eq!(late.expect("it answers"), Err(NotNow::Expired));
        let next = asked(&state, NewApproval { at: at(161), ..new(2, 1) }).await;
        assert_ne!(next.id, pending.id);
        state
            .approvals()
            .vote(next.id, vote("carol", Choice::Approve, 162), 1)
            .await
            .expect("it answers")
            .expect("may");
        assert_eq!(state.approvals().take(wanted(1), at(162 + 900)).await, Ok(None), "it stood for 15 minutes");
        let lapsed = state.approvals().expire(at(162 + 900)).await.expect("it answers");
        assert_eq!(lapsed.len(), 1, "{}", backend.name());
        assert_eq!(lapsed[0].state, ApprovalState::Expired);
        assert!(state.approvals().expire(at(5_000)).await.expect("it answers").is_empty());
    }
}

#[tokio::test]
async fn a_denial_stands_and_several_must_agree() {
    for backend in every_one() {
        let state = backend.open().await;
        let denied = asked(&state, new(1, 1)).await;
        state.approvals().vote(denied.id, vote("carol", Choice::Deny, 101), 1).await.expect("answers").expect("may");
        let again = asked(&state, NewApproval { at: at(300), ..new(2, 1) }).await;
        assert_eq!((again.id, again.state), (denied.id, ApprovalState::Denied), "asking again does not ask anew");
        assert_eq!(again.votes[0].reason.as_deref(), Some("so"));
        let after = asked(&state, NewApproval { at: at(1_001), ..new(3, 1) }).await;
        assert_eq!(after.state, ApprovalState::Pending);

        // The catalogue wants two by now, whatever it wanted when it was asked for.
        let more = asked(&state, new(5, 5)).await;
        let first = state.approvals().vote(more.id, vote("carol", Choice::Approve, 101), 2).await;
        assert_eq!(first.expect("answers").expect("may").approval.state, ApprovalState::Pending, "{}", backend.name());
        let second = state.approvals().vote(more.id, vote("dora", Choice::Approve, 102), 1).await;
        assert_eq!(second.expect("answers").expect("may").approval.state, ApprovalState::Approved);
        let two = asked(&state, NewApproval { need: 2, ..new(4, 2) }).await;
        let first = state.approvals().vote(two.id, vote("carol", Choice::Approve, 101), 1).await;
        assert_eq!(first.expect("answers").expect("may").approval.state, ApprovalState::Pending);
        let twice = state.approvals().vote(two.id, vote("carol", Choice::Approve, 101), 1).await.expect("it answers");
        assert_eq!(twice, Err(NotNow::SpokenAlready), "one person is one vote");
        let mut narrow = vote("dora", Choice::Approve, 102);
        narrow.narrow = Narrow { max_tokens: Some(100), lasts: Some(Duration::from_secs(10)) };
        let second = state.approvals().vote(two.id, narrow, 1).await.expect("answers").expect("may").approval;
        assert_eq!((second.state, second.expires), (ApprovalState::Approved, at(112)));
        assert_eq!(second.narrow().max_tokens, Some(100));
        let revoked = state.approvals().vote(two.id, vote("carol", Choice::Revoke, 103), 1).await;
        assert_eq!(revoked.expect("answers").expect("may").approval.state, ApprovalState::Revoked);
        assert_eq!(state.approvals().take(wanted(2), at(103)).await, Ok(None));
        let listed = state.approvals().list(Listing { state: None, rule: None, limit: 10 }, at(103)).await;
        assert_eq!(listed.expect("answers").len(), 4);
    }
}

#[tokio::test]
async fn a_flood_is_turned_away_and_a_reason_may_be_enough() {
    for backend in every_one() {
        let state = backend.open().await;
        for digest in 1..=3 {
            asked(&state, new(digest, digest)).await;
        }
        assert_eq!(state.approvals().ask(new(4, 4), MOST).await, Ok(Asked::TooMany), "{}", backend.name());
        for (id, subject) in [(5, "bob"), (6, "eve")] {
            asked(&state, NewApproval { caller: party(subject), ..new(id, id) }).await;
        }
        let full = state.approvals().ask(NewApproval { caller: party("fay"), ..new(7, 7) }, MOST).await;
        assert_eq!(full, Ok(Asked::TooMany));
        state.approvals().expire(at(200)).await.expect("it answers");
        let justified = asked(&state, NewApproval { need: 0, at: at(201), ..new(8, 8) }).await;
        assert_eq!(justified.state, ApprovalState::Approved);
        assert!(state.approvals().take(wanted(8), at(201)).await.expect("it answers").is_some());
    }
}

#[tokio::test]
async fn an_approved_wish_for_access_is_a_grant_until_it_ends_or_is_taken_back() {
    for backend in every_one() {
        let state = backend.open().await;
        let wish = AccessWish { role: RoleName::new("ml-admin"), lasts: Duration::from_secs(1_800) };
        let approval = asked(&state, NewApproval { access: Some(wish.clone()), ..new(1, 1) }).await;
        let voted = state.approvals().vote(approval.id, vote("carol", Choice::Approve, 110), 1).await;
        let grant = voted.expect("answers").expect("may").grant.expect("a grant");
        assert_eq!((grant.from, grant.until, &grant.party), (at(110), at(1_910), &party("alice")));
        for (now, count) in [(109, 0), (110, 1), (1_909, 1), (1_910, 0)] {
            let counting = state.approvals().grants(Some(at(now)), 10).await.expect("it answers");
            assert_eq!(counting.len(), count, "{} at {now}", backend.name());
        }
        let revoked = state.approvals().revoke_grant(grant.id, at(200)).await.expect("it answers").expect("it counts");
        assert_eq!(revoked.revoked, Some(at(200)));
        assert_eq!(state.approvals().revoke_grant(grant.id, at(201)).await, Ok(None));
        assert!(state.approvals().grants(Some(at(201)), 10).await.expect("it answers").is_empty());
        assert_eq!(state.approvals().revoke_grant(GrantId::from_bytes([9; 16]), at(201)).await, Ok(None));
    }
}

#[tokio::test]
async fn a_wish_that_nobody_has_to_agree_to_is_granted_as_it_is_asked_for() {
    for backend in every_one() {
        let state = backend.open().await;
        let mut changes = state.changes();
        let wish = AccessWish { role: RoleName::new("firefighter"), lasts: Duration::from_secs(60) };
        let taken = NewApproval { access: Some(wish), need: 0, ..new(1, 1) };
        let Asked::New(asked) = state.approvals().ask(taken.clone(), MOST).await.expect("it answers") else {
            unreachable!("it was not asked for before")
        };
        let grant = asked.grant.expect("granted");
        assert_eq!((grant.from, grant.until), (at(100), at(160)), "{}", backend.name());
        assert_eq!(asked.approval.state, ApprovalState::Used);
        let counting = state.approvals().grants(Some(at(100)), 10).await.expect("it answers");
        assert_eq!(counting, [grant]);
        let mut topics = Vec::new();
        while topics.len() < 2 {
            if let Heard::Change(change) = changes.next().await {
                topics.push(change.topic);
            }
        }
        assert_eq!(topics, [Topic::Approvals, Topic::Grants]);
        // It is over with the asking, so the same can be asked for again.
        let again = state.approvals().ask(NewApproval { id: ApprovalId::from_bytes([2; 16]), ..taken }, MOST).await;
        assert!(matches!(again, Ok(Asked::New(_))), "{again:?}");
    }
}

#[tokio::test]
async fn a_use_whose_call_came_to_nothing_can_be_given_back_once() {
    for backend in every_one() {
        let state = backend.open().await;
        let approval = asked(&state, new(1, 1)).await;
        state
            .approvals()
            .vote(approval.id, vote("carol", Choice::Approve, 101), 1)
            .await
            .expect("answers")
            .expect("may");
        let take = async |seconds| state.approvals().take(wanted(1), at(seconds)).await.expect("it answers").is_some();
        assert!(take(102).await);
        state.approvals().give_back(vec![approval.id], at(103)).await.expect("it answers");
        state.approvals().give_back(vec![approval.id], at(103)).await.expect("it answers");
        assert!(take(104).await, "{}", backend.name());
        assert!(!take(104).await, "given back twice, and it counts once");
        // Who asked anew meanwhile waits for people: what is given back must not pass them.
        let anew = asked(&state, NewApproval { at: at(105), ..new(2, 1) }).await;
        assert_eq!(anew.state, ApprovalState::Pending);
        state.approvals().give_back(vec![approval.id], at(106)).await.expect("it answers");
        assert!(!take(106).await, "{}", backend.name());
        state.approvals().expire(at(1_000)).await.expect("it answers");
        state.approvals().give_back(vec![approval.id], at(1_001)).await.expect("it answers");
        assert!(!take(1_001).await, "what ran out stays so");
    }
}
