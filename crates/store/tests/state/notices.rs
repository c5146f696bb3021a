use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use gatewright_model::{ApprovalId, NotificationId, Occasion, RuleName, Timestamp};
use gatewright_store::state::State;
use gatewright_store::state::approvals::{Choice, Most, Narrow, NewApproval, Party, Vote};
use gatewright_store::state::notices::{Announcement, Became, Claim, Notice, NoticeState, Settled};

use crate::backends::every_one;

const LEASE: Duration = Duration::from_secs(30);

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn approval(id: u8) -> ApprovalId {
    ApprovalId::from_bytes([id; 16])
}

fn notification(id: u8) -> NotificationId {
    NotificationId::from_bytes([id; 16])
}

fn announcement(about: u8, occasion: Occasion, through: &[(u8, &str)]) -> Announcement {
    let through = through.iter().map(|(id, channel)| (notification(*id), Arc::from(*channel))).collect();
    Announcement { approval: approval(about), occasion, at: at(100), through }
}

fn claim(channel: &str, seconds: u64) -> Claim {
    Claim { channel: channel.into(), now: at(seconds), lease: LEASE, most: 10 }
}

async fn taken(state: &State, channel: &str, seconds: u64) -> Vec<Notice> {
    state.notices().claim(claim(channel, seconds)).await.expect("it answers")
}

async fn ask(state: &State, id: u8) {
    let new = NewApproval {
        id: approval(id),
        digest: [id; 32],
        rule: RuleName::new("bulk-export"),
        policy: "peer".into(),
        caller: Party { issuer: "corp".into(), subject: "alice".into() },
        at: at(100),
        time_to_decide: Duration::from_secs(600),
        valid: Duration::from_secs(900),
        need: 1,
        uses: 1,
        reason: None,
        access: None,
        shown: Arc::from(&b"{}"[..]),
        sealed: None,
    };
    let most = Most { of_caller: 100, in_all: 100 };
    state.approvals().ask(new, most).await.expect("it is asked for");
}

async fn deny(state: &State, id: u8) {
    let by = Party { issuer: "corp".into(), subject: "carol".into() };
    let vote = Vote { by, choice: Choice::Deny, reason: None, at: at(110), narrow: Narrow::default() };
    state.approvals().vote(approval(id), vote, 1).await.expect("it answers").expect("she may");
}

#[tokio::test]
async fn an_occasion_is_announced_once() {
    for backend in every_one() {
        let state = backend.open().await;
        let first = announcement(1, Occasion::Asked, &[(1, "chat"), (2, "mail")]);
        state.notices().announce(vec![first]).await.expect("it is announced");
        // Another replica noticed it too, and has a channel more.
        let again = announcement(1, Occasion::Asked, &[(3, "chat"), (4, "hook")]);
        state.notices().announce(vec![again]).await.expect("it answers");
        state
            .notices()
            .announce(vec![announcement(1, Occasion::Decided, &[(5, "chat")])])
            .await
            .expect("it is another occasion");
        let all = state.notices().list(None, 10).await.expect("it answers");
        let ids: BTreeSet<_> = all.iter().map(|notice| notice.id).collect();
        assert_eq!(ids, [1, 2, 5].map(notification).into(), "{}", backend.name());
        let backlog = state.notices().backlog().await.expect("it answers");
        let mut backlog: Vec<_> = backlog.iter().map(|one| (&*one.channel, one.count, one.due)).collect();
        backlog.sort_unstable();
        assert_eq!(backlog, [("chat", 2, at(100)), ("mail", 1, at(100))]);
    }
}

#[tokio::test]
async fn one_takes_a_notification_and_it_ends_once() {
    for backend in every_one() {
        let state = backend.open().await;
        state
            .notices()
            .announce(vec![announcement(1, Occasion::Asked, &[(1, "chat"), (2, "mail")])])
            .await
            .expect("it is announced");
        assert_eq!(taken(&state, "chat", 99).await, [], "not due");
        let first = taken(&state, "chat", 100).await;
        assert_eq!(first.len(), 1, "{}", backend.name());
        assert_eq!((first[0].id, first[0].attempts, first[0].due), (notification(1), 1, at(130)));
        assert_eq!(taken(&state, "chat", 129).await, [], "somebody has it");
        // Whoever had it has died: another takes it when its time is over.
        drop(state);
        let state = backend.open().await;
        let second = taken(&state, "chat", 130).await;
        assert_eq!((second[0].id, second[0].attempts), (notification(1), 2));
        // The first one was only slow, and comes too late.
        let settle = |attempt, became| state.notices().settle(notification(1), attempt, became, at(140));
        assert_eq!(settle(1, Became::Failed { trouble: "x".into() }).await, Ok(Settled::Late));
        let again = Became::Again { due: at(200), trouble: "no answer".into() };
        assert_eq!(settle(2, again).await, Ok(Settled::Counted));
        assert_eq!(taken(&state, "chat", 199).await, [], "not due yet");
        let third = taken(&state, "chat", 200).await;
        assert_eq!((third[0].attempts, third[0].trouble.as_deref()), (3, Some("no answer")));
        assert_eq!(settle(3, Became::Delivered).await, Ok(Settled::Counted));
        assert_eq!(settle(3, Became::Delivered).await, Ok(Settled::Late));
        assert_eq!(taken(&state, "chat", 9_999).await, [], "what was delivered is not sent again");
        let ended = state.notices().list(Some(NoticeState::Delivered), 10).await.expect("it answers");
        assert_eq!((ended.len(), ended[0].id, ended[0].ended), (1, notification(1), Some(at(140))));
        let waiting = state.notices().list(Some(NoticeState::Waiting), 10).await.expect("it answers");
        assert_eq!((waiting.len(), &*waiting[0].channel), (1, "mail"));
    }
}

#[tokio::test]
async fn of_many_who_take_at_once_each_has_others() {
    for backend in every_one() {
        let state = Arc::new(backend.open().await);
        let other = Arc::new(backend.open().await);
        let all = (1..=40).map(|id| announcement(id, Occasion::Asked, &[(id, "chat")])).collect();
        state.notices().announce(all).await.expect("they are announced");
        let taking = (0..20).map(|number| {
            let state = if number % 2 == 0 { Arc::clone(&state) } else { Arc::clone(&other) };
            tokio::spawn(async move {
                let few = Claim { most: 3, ..claim("chat", 100) };
                state.notices().claim(few).await.expect("it answers").into_iter().map(|notice| notice.id)
            })
        });
        let taking: Vec<_> = taking.collect();
        let mut ids = Vec::new();
        for task in taking {
            ids.extend(task.await.expect("it ends"));
        }
        let distinct: BTreeSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), ids.len(), "{}: nothing is taken twice", backend.name());
        ids.extend(taken(&state, "chat", 100).await.into_iter().map(|notice| notice.id));
        ids.extend(taken(&state, "chat", 100).await.into_iter().map(|notice| notice.id));
        assert_eq!(ids.len(), 40, "{}: nothing is left out", backend.name());
    }
}

#[tokio::test]
async fn what_was_not_announced_is_found_again() {
    for backend in every_one() {
        let state = backend.open().await;
        let found = |state: State| async move {
            let found = state.notices().unannounced(10).await.expect("it answers");
            found.into_iter().collect::<BTreeSet<_>>()
        };
        for id in 1..=3 {
            ask(&state, id).await;
        }
        deny(&state, 3).await;
        assert_eq!(found(state.clone()).await, [1, 2].map(approval).into(), "{}", backend.name());
        let asked = [1, 2].map(|id| announcement(id, Occasion::Asked, &[])).to_vec();
        state.notices().announce(asked).await.expect("they are announced");
        assert_eq!(found(state.clone()).await, [].into());
        deny(&state, 2).await;
        assert_eq!(found(state.clone()).await, [approval(2)].into(), "its decision was not told");
        let decided = announcement(2, Occasion::Decided, &[(9, "chat")]);
        state.notices().announce(vec![decided]).await.expect("it is announced");
        assert_eq!(found(state.clone()).await, [].into());
    }
}

#[tokio::test]
async fn what_is_over_is_forgotten_and_what_waits_is_not() {
    for backend in every_one() {
        let state = backend.open().await;
        ask(&state, 1).await;
        let all = vec![
            announcement(1, Occasion::Asked, &[(1, "chat"), (2, "mail")]),
            announcement(2, Occasion::Asked, &[(3, "chat")]),
        ];
        state.notices().announce(all).await.expect("they are announced");
        for notice in taken(&state, "chat", 100).await {
            let settled = state.notices().settle(notice.id, 1, Became::Moot, at(101)).await;
            assert_eq!(settled, Ok(Settled::Counted));
        }
        state.notices().forget(at(100)).await.expect("it answers");
        assert_eq!(backend.count("notices"), 3, "{}", backend.name());
        state.notices().forget(at(200)).await.expect("it answers");
        let left = state.notices().list(None, 10).await.expect("it answers");
        assert_eq!(left.iter().map(|notice| notice.id).collect::<Vec<_>>(), [notification(2)]);
        assert_eq!(backend.count("announcements"), 1, "what people still look at is not announced anew");
    }
}
