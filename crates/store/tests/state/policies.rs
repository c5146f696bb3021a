use std::sync::Arc;

use gatewright_model::{IssuerName, Timestamp};
use gatewright_store::state::{Author, NewPolicy, Origin, PolicyFile, PolicyVersion, StateError};

use crate::backends::every_one;

fn new(parent: u64, content: u8) -> NewPolicy {
    let file = |name: &str, bytes: &[u8]| PolicyFile { name: name.into(), bytes: bytes.into() };
    NewPolicy {
        parent,
        digest: [content; 32],
        files: vec![file("catalogue.yaml", &[content, 0, 0xff]), file("lists/words.txt", b"aurora\r\n")],
        author: Author::Caller { issuer: IssuerName::from("corp"), subject: "b\u{fc}b".into() },
        at: Timestamp::from_micros(1_234_567),
        reason: "ticket 7".into(),
        origin: Origin::Files,
    }
}

fn numbers(versions: &[PolicyVersion]) -> Vec<u64> {
    versions.iter().map(|version| version.number).collect()
}

#[tokio::test]
async fn a_version_is_read_as_it_was_added() {
    for backend in every_one() {
        let state = backend.open().await;
        assert_eq!(state.policies().newest().await, Ok(None), "{}", backend.name());
        let first = NewPolicy { author: Author::Machine, reason: "".into(), ..new(0, 1) };
        let added = state.policies().append(first.clone()).await.expect("it is the first");
        assert_eq!((added.number, added.digest, &added.author), (1, [1; 32], &Author::Machine));
        let second = state.policies().append(new(1, 2)).await.expect("its parent is the newest");
        // What was answered was kept: another handle, opened later, reads the same.
        drop(state);
        let state = backend.open().await;
        assert_eq!(state.policies().newest().await, Ok(Some(second.clone())));
        assert_eq!(state.policies().version(1).await, Ok(Some((added, first.files))));
        assert_eq!(state.policies().version(2).await, Ok(Some((second, new(1, 2).files))));
        assert_eq!(state.policies().version(3).await, Ok(None));
        assert_eq!(state.policies().version(u64::MAX).await, Ok(None));
    }
}

#[tokio::test]
async fn the_line_grows_only_at_its_end() {
    for backend in every_one() {
        let state = backend.open().await;
        state.policies().append(new(0, 1)).await.expect("it is the first");
        for parent in [0, 2, u64::MAX] {
            let refused = state.policies().append(new(parent, 2)).await;
            assert!(matches!(refused, Err(StateError::Conflict(_))), "{}: {refused:?}", backend.name());
        }
        assert_eq!(numbers(&state.policies().history(None, 10).await.expect("a list")), [1]);
    }
}

#[tokio::test]
async fn going_back_is_a_version_that_keeps_nothing_twice() {
    for backend in every_one() {
        let state = backend.open().await;
        state.policies().append(new(0, 1)).await.expect("the first");
        state.policies().append(new(1, 2)).await.expect("the second");
        let back = NewPolicy { origin: Origin::Version(1), ..new(2, 1) };
        let back = state.policies().append(back).await.expect("the third");
        assert_eq!((back.number, back.origin), (3, Origin::Version(1)));
        let (_, files) = state.policies().version(3).await.expect("an answer").expect("it is there");
        assert_eq!(files, new(0, 1).files);
        assert_eq!(backend.count("policy_files"), 4, "{}: two files of two catalogues", backend.name());
        let strange = NewPolicy { origin: Origin::Version(9), ..new(3, 1) };
        assert!(state.policies().append(strange).await.is_err(), "{}: it restores nothing", backend.name());
    }
}

#[tokio::test]
async fn history_is_told_newest_first_and_in_pages() {
    for backend in every_one() {
        let state = backend.open().await;
        for parent in 0..5 {
            state.policies().append(new(parent, 1)).await.expect("it is the next");
        }
        let page = async |before, limit| numbers(&state.policies().history(before, limit).await.expect("a list"));
        assert_eq!(page(None, 2).await, [5, 4], "{}", backend.name());
        assert_eq!(page(Some(4), 2).await, [3, 2]);
        assert_eq!(page(Some(2), 9).await, [1]);
        assert!(page(Some(1), 9).await.is_empty());
    }
}

#[tokio::test]
async fn of_many_that_race_one_is_let_in() {
    for backend in every_one() {
        let states = [Arc::new(backend.open().await), Arc::new(backend.open().await)];
        for parent in 0..3 {
            let racing: Vec<_> = (0..16_u8)
                .map(|content| {
                    let state = Arc::clone(&states[usize::from(content) % states.len()]);
                    tokio::spawn(async move { state.policies().append(new(parent, content)).await })
                })
                .collect();
            let (mut won, mut lost) = (0, 0);
            for answer in racing {
                match answer.await.expect("it ends") {
                    Ok(version) => {
                        assert_eq!(version.number, parent + 1);
                        won += 1;
                    }
                    Err(StateError::Conflict(_)) => lost += 1,
                    Err(error) => panic!("{}: {error}", backend.name()),
                }
            }
            assert_eq!((won, lost), (1, 15), "{}", backend.name());
        }
    }
}

#[tokio::test]
async fn the_tables_themselves_refuse_to_change_a_version() {
    for backend in every_one() {
        let state = backend.open().await;
        state.policies().append(new(0, 1)).await.expect("the first");
        for statement in [
            "UPDATE policy_versions SET reason = 'other'",
            "DELETE FROM policy_versions",
            "UPDATE policy_files SET name = 'other'",
            "DELETE FROM policy_files",
        ] {
            assert!(backend.tamper(statement).is_err(), "{}: {statement}", backend.name());
        }
        assert_eq!(numbers(&state.policies().history(None, 10).await.expect("a list")), [1]);
    }
}
