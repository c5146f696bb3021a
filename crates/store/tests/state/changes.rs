use std::time::Duration;

use gatewright_model::Timestamp;
use gatewright_store::state::{Author, Change, Changes, Heard, NewPolicy, Origin, Standing, State, StateError, Topic};
use tokio::time::timeout;

use crate::backends::{Backend, every_one, options};

async fn append(state: &State, parent: u64) -> Result<(), StateError> {
    let new = NewPolicy {
        parent,
        digest: [7; 32],
        files: Vec::new(),
        author: Author::Machine,
        at: Timestamp::from_seconds(1),
        reason: "".into(),
        origin: Origin::Files,
    };
    state.policies().append(new).await.map(|_| ())
}

async fn next(changes: &mut Changes) -> Heard {
    timeout(Duration::from_secs(30), changes.next()).await.expect("something is heard")
}

fn version(number: u64) -> Heard {
    Heard::Change(Change { topic: Topic::Policies, key: number.to_string().into() })
}

#[tokio::test]
async fn what_was_written_is_heard_and_what_was_not_is_not() {
    for backend in every_one() {
        let state = backend.open().await;
        let mut changes = state.changes();
        append(&state, 0).await.expect("the first");
        assert!(append(&state, 0).await.is_err());
        append(&state, 1).await.expect("the second");
        assert_eq!(next(&mut changes).await, version(1), "{}", backend.name());
        assert_eq!(next(&mut changes).await, version(2), "{}", backend.name());
        drop(state);
        assert_eq!(next(&mut changes).await, Heard::Closed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_hear_of_each_other_and_read_everything_after_a_gap() {
    let mut backend = Backend::postgres();
    let (one, other) = (backend.open().await, backend.open().await);
    let mut changes = other.changes();
    append(&one, 0).await.expect("the first");
    assert_eq!(next(&mut changes).await, version(1));

    let Backend::Postgres { server, .. } = &mut backend else { unreachable!() };
    server.pause();
    let refused = append(&one, 1).await;
    assert!(matches!(refused, Err(StateError::Unreachable(_))), "{refused:?}");
    let lost = async {
        while other.standing() == Standing::Reachable {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(30), lost).await.expect("the loss is noticed");

    server.resume();
    assert_eq!(next(&mut changes).await, Heard::Everything);
    assert_eq!(other.standing(), Standing::Reachable);
    append(&one, 1).await.expect("the second");
    assert_eq!(next(&mut changes).await, version(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_start_at_once_make_the_tables_once() {
    let backend = Backend::postgres();
    let Backend::Postgres { url, .. } = &backend else { unreachable!() };
    let starting: Vec<_> = (0..4).map(|_| tokio::spawn(State::postgres(options(url)))).collect();
    for started in starting {
        started.await.expect("it ends").expect("it opens");
    }
}

#[tokio::test]
async fn a_wrong_password_is_told_without_it() {
    let backend = Backend::postgres();
    let Backend::Postgres { url, .. } = &backend else { unreachable!() };
    let wrong = std::sync::Arc::new(gatewright_model::Secret::new("wr0ng".to_owned()));
    let mut options = options(url);
    options.password = Some(std::sync::Arc::new(move || Ok(std::sync::Arc::clone(&wrong))));
    match State::postgres(options).await {
        Err(StateError::Unreachable(why)) => assert!(!why.contains("wr0ng"), "{why}"),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("a wrong password opened it"),
    }
}

#[tokio::test]
async fn tables_of_a_newer_gateway_are_not_touched() {
    for backend in every_one() {
        drop(backend.open().await);
        let newer = match &backend {
            Backend::Sqlite(_) => "PRAGMA user_version = 99",
            Backend::Postgres { .. } => "INSERT INTO gatewright_migrations VALUES (99, 'later')",
        };
        backend.tamper(newer).expect("it is let through");
        assert!(matches!(backend.try_open().await, Err(StateError::Fault(_))), "{}", backend.name());
    }
}
