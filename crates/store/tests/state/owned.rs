use std::sync::Arc;

use gatewright_model::{ConnectionName, IssuerName, StoredKind, Timestamp};
use gatewright_store::state::{Booked, Order, Owned, Owner, Page, Thing};
use gatewright_store::testing::OwnedInMemory;

use crate::backends::{Backend, every_one};

fn owner(subject: &str) -> Owner {
    Owner { issuer: IssuerName::from("corp"), subject: subject.into() }
}

fn file(id: &str, made: u64) -> Thing {
    Thing {
        connection: ConnectionName::from("lab"),
        id: id.into(),
        kind: StoredKind::File,
        made: Timestamp::from_micros(made),
        note: "chat A".into(),
    }
}

fn page(order: Order, after: Option<&str>, limit: usize) -> Page {
    let (connection, kind) = (ConnectionName::from("lab"), StoredKind::File);
    Page { connection, kind, order, after: after.map(Arc::from), limit }
}

async fn ids(owned: &dyn Owned, whose: &str, page: Page) -> Vec<String> {
    let things = owned.list(owner(whose), page).await.expect("a list");
    things.iter().map(|thing| thing.id.to_string()).collect()
}

/// Every backend, empty, and the double that other crates test with.
async fn all() -> Vec<(&'static str, Option<Backend>, Arc<dyn Owned>)> {
    let mut all: Vec<(&'static str, Option<Backend>, Arc<dyn Owned>)> = Vec::new();
    for backend in every_one() {
        let state = backend.open().await;
        all.push((backend.name(), Some(backend), Arc::clone(state.owned())));
    }
    all.push(("memory", None, Arc::new(OwnedInMemory::default())));
    all
}

#[tokio::test]
async fn a_thing_is_its_makers_alone() {
    for (name, _backend, owned) in all().await {
        let mine = file("file-1", 5);
        assert_eq!(owned.book(owner("alice"), vec![mine.clone()]).await, Ok(Booked::Yours), "{name}");
        assert_eq!(owned.find(owner("alice"), vec!["file-1".into(), "file-2".into()]).await, Ok(vec![mine]), "{name}");
        let elsewhere = Owner { issuer: IssuerName::from("ci"), ..owner("alice") };
        for other in [owner("bob"), owner("Alice"), owner("alice "), elsewhere] {
            assert_eq!(owned.find(other.clone(), vec!["file-1".into()]).await, Ok(Vec::new()), "{name}: {other:?}");
        }
        for id in ["FILE-1", "file-1 ", "file-", "%", "file_1"] {
            assert_eq!(owned.find(owner("alice"), vec![id.into()]).await, Ok(Vec::new()), "{name}: {id}");
        }
    }
}

#[tokio::test]
async fn what_somebody_has_stays_theirs() {
    for (name, _backend, owned) in all().await {
        owned.book(owner("alice"), vec![file("file-1", 5)]).await.expect("it is booked");
        // Booking again changes nothing, neither its moment nor its note.
        let again = Thing { note: "".into(), ..file("file-1", 9) };
        assert_eq!(owned.book(owner("alice"), vec![again]).await, Ok(Booked::Yours), "{name}");
        let found = owned.find(owner("alice"), vec!["file-1".into()]).await.expect("it is there");
        assert_eq!(found, [file("file-1", 5)], "{name}");
        // All or none: the new one beside the taken one is not booked either.
        let taken = owned.book(owner("bob"), vec![file("file-2", 6), file("file-1", 6)]).await;
        assert_eq!(taken, Ok(Booked::Taken), "{name}");
        assert_eq!(owned.find(owner("bob"), vec!["file-2".into()]).await, Ok(Vec::new()), "{name}");
        let another_kind = Thing { kind: StoredKind::Batch, ..file("file-1", 5) };
        assert_eq!(owned.book(owner("alice"), vec![another_kind]).await, Ok(Booked::Taken), "{name}");
        // The same id at another connection is another thing.
        let there = Thing { connection: ConnectionName::from("other"), ..file("file-1", 7) };
        assert_eq!(owned.book(owner("bob"), vec![there.clone()]).await, Ok(Booked::Yours), "{name}");
        assert_eq!(owned.find(owner("bob"), vec!["file-1".into()]).await, Ok(vec![there]), "{name}");
        owned.strike(ConnectionName::from("other"), "file-1".into()).await.expect("it is struck off");
        assert_eq!(owned.find(owner("bob"), vec!["file-1".into()]).await, Ok(Vec::new()), "{name}");
        assert_eq!(owned.find(owner("alice"), vec!["file-1".into()]).await.map(|all| all.len()), Ok(1), "{name}");
    }
}

#[tokio::test]
async fn a_list_is_paged_without_gap_or_repetition() {
    for (name, _backend, owned) in all().await {
        let things = vec![file("c", 1), file("b", 2), file("a", 2), file("d", 3)];
        owned.book(owner("alice"), things).await.expect("they are booked");
        owned.book(owner("bob"), vec![file("e", 2)]).await.expect("it is booked");
        let batch = Thing { kind: StoredKind::Batch, ..file("x", 2) };
        owned.book(owner("alice"), vec![batch]).await.expect("it is booked");
        assert_eq!(ids(&*owned, "alice", page(Order::Newest, None, 10)).await, ["d", "b", "a", "c"], "{name}");
        assert_eq!(ids(&*owned, "alice", page(Order::Oldest, None, 10)).await, ["c", "a", "b", "d"], "{name}");
        for order in [Order::Newest, Order::Oldest] {
            let whole = ids(&*owned, "alice", page(order, None, 10)).await;
            let (mut paged, mut after) = (Vec::new(), None);
            loop {
                let part = ids(&*owned, "alice", page(order, after.as_deref(), 1)).await;
                let Some(last) = part.last().cloned() else { break };
                paged.extend(part);
                after = Some(last);
            }
            assert_eq!(paged, whole, "{name}");
        }
        for stranger in ["e", "x", "nobody", ""] {
            assert!(
                ids(&*owned, "alice", page(Order::Newest, Some(stranger), 10)).await.is_empty(),
                "{name}: {stranger}"
            );
        }
    }
}

#[tokio::test]
async fn of_two_at_once_one_has_it() {
    for (name, _backend, owned) in all().await {
        let both = ["alice", "bob"].map(|whose| {
            let owned = Arc::clone(&owned);
            tokio::spawn(async move { owned.book(owner(whose), vec![file("file-1", 1)]).await })
        });
        let mut outcomes = Vec::new();
        for one in both {
            outcomes.push(one.await.expect("it ends").expect("it is answered"));
        }
        outcomes.sort_by_key(|booked| *booked == Booked::Taken);
        assert_eq!(outcomes, [Booked::Yours, Booked::Taken], "{name}");
    }
}

#[tokio::test]
async fn what_was_answered_was_kept() {
    for backend in every_one() {
        let state = backend.open().await;
        state.owned().book(owner("alice"), vec![file("file-1", 5)]).await.expect("it is booked");
        drop(state);
        let state = backend.open().await;
        let found = state.owned().find(owner("alice"), vec!["file-1".into()]).await.expect("it is there");
        assert_eq!(found, [file("file-1", 5)], "{}", backend.name());
    }
}
