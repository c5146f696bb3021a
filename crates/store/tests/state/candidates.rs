use gatewright_model::{IssuerName, Timestamp};
use gatewright_store::state::{Change, Heard, NewCandidate, PolicyFile, Topic};

use crate::backends::every_one;

fn new(content: Option<u8>) -> NewCandidate {
    let file = |content: u8| PolicyFile { name: "catalogue.yaml".into(), bytes: [content, 0, 0xff][..].into() };
    NewCandidate {
        catalogue: content.map(|content| ([content; 32], vec![file(content)])),
        issuer: IssuerName::from("corp"),
        subject: "b\u{fc}b".into(),
        at: Timestamp::from_micros(1_234_567),
        reason: "ticket 7".into(),
    }
}

#[tokio::test]
async fn the_last_step_counts_and_is_heard() {
    for backend in every_one() {
        let state = backend.open().await;
        let mut changes = state.changes();
        assert_eq!(state.candidates().candidate().await, Ok(None), "{}", backend.name());
        let set = state.candidates().step(new(Some(1))).await.expect("it is set");
        assert_eq!((set.number, set.digest, &*set.reason), (1, Some([1; 32]), "ticket 7"));
        let Some((_, files)) = new(Some(1)).catalogue else { panic!("it has files") };
        assert_eq!(state.candidates().candidate().await, Ok(Some((set, files))));
        let heard = Heard::Change(Change { topic: Topic::Candidates, key: "1".into() });
        assert_eq!(changes.next().await, heard, "{}", backend.name());
        // The same files again are a step of their own, and stored once.
        let again = state.candidates().step(new(Some(1))).await.expect("it is set");
        let cleared = state.candidates().step(new(None)).await.expect("it is cleared");
        assert_eq!((again.number, cleared.number, cleared.digest), (2, 3, None));
        drop(state);
        let state = backend.open().await;
        assert_eq!(state.candidates().candidate().await, Ok(Some((cleared, Vec::new()))));
    }
}

#[tokio::test]
async fn candidates_and_versions_share_their_files_and_nothing_else() {
    for backend in every_one() {
        let state = backend.open().await;
        state.candidates().step(new(Some(1))).await.expect("it is set");
        assert_eq!(state.policies().newest().await, Ok(None), "a candidate is no version: {}", backend.name());
    }
}
