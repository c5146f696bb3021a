use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use gatewright_model::ConnectionName;

use crate::state::{Answer, Booked, Order, Owned, Owner, Page, Thing};

type Key = (ConnectionName, Arc<str>);

/// Whose things are, in memory: forgotten with the process. What tests use that need no backend; the suite of the
/// backends runs over it as well.
#[derive(Default)]
pub struct OwnedInMemory(Mutex<BTreeMap<Key, (Owner, Thing)>>);

impl OwnedInMemory {
    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<Key, (Owner, Thing)>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn key(thing: &Thing) -> Key {
    (thing.connection.clone(), Arc::clone(&thing.id))
}

impl Owned for OwnedInMemory {
    fn book(&self, owner: Owner, things: Vec<Thing>) -> Answer<'_, Booked> {
        let booked = self.with(|books| {
            let anothers = |thing: &Thing| {
                books.get(&key(thing)).is_some_and(|(other, there)| *other != owner || there.kind != thing.kind)
            };
            if things.iter().any(anothers) {
                return Booked::Taken;
            }
            for thing in &things {
                books.entry(key(thing)).or_insert_with(|| (owner.clone(), thing.clone()));
            }
            Booked::Yours
        });
        Box::pin(std::future::ready(Ok(booked)))
    }

    fn find(&self, owner: Owner, ids: Vec<Arc<str>>) -> Answer<'_, Vec<Thing>> {
        let found = self.with(|books| {
            let theirs = books.values().filter(|(other, thing)| *other == owner && ids.contains(&thing.id));
            theirs.map(|(_, thing)| thing.clone()).collect()
        });
        Box::pin(std::future::ready(Ok(found)))
    }

    fn list(&self, owner: Owner, page: Page) -> Answer<'_, Vec<Thing>> {
        let mut things: Vec<Thing> = self.with(|books| {
            let wanted = |thing: &Thing| thing.connection == page.connection && thing.kind == page.kind;
            let theirs = books.values().filter(|(other, thing)| *other == owner && wanted(thing));
            theirs.map(|(_, thing)| thing.clone()).collect()
        });
        things.sort_by(|one, other| (one.made, &one.id).cmp(&(other.made, &other.id)));
        if page.order == Order::Newest {
            things.reverse();
        }
        let begin = match &page.after {
            None => 0,
            Some(after) => things.iter().position(|thing| thing.id == *after).map_or(things.len(), |at| at + 1),
        };
        Box::pin(std::future::ready(Ok(things.into_iter().skip(begin).take(page.limit).collect())))
    }

    fn strike(&self, connection: ConnectionName, id: Arc<str>) -> Answer<'_, ()> {
        self.with(|books| books.remove(&(connection, id)));
        Box::pin(std::future::ready(Ok(())))
    }
}
