//! The threading of calls into sessions: which conversation a call continues.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};
use gatewright_json::{Value, write};
use gatewright_model::{Entropy, Identity, SessionId, Timestamp};

/// How many conversations one generation remembers.
const GENERATION: usize = 50_000;

/// How far back from its last message a call's history is compared with earlier calls.
const LOOK_BACK: usize = 16;

type Key = [u8; 16];

/// Remembers the histories of recent calls, by keyed hashes alone, so that a call whose history grew from one of them
/// joins its session. Bounded: the oldest conversations are forgotten and then start a new session.
pub struct Threads {
    /// A hash that has the deployment's key, as a whole block, behind it. What comes out of it is cut to half its
    /// length, so nobody can go on from there.
    keyed: Context,
    known: Mutex<Generations>,
}

#[derive(Default)]
struct Generations {
    young: HashMap<Key, SessionId>,
    old: HashMap<Key, SessionId>,
}

impl Generations {
    fn find(&mut self, key: &Key) -> Option<SessionId> {
        self.young.get(key).or_else(|| self.old.get(key)).copied()
    }

    fn remember(&mut self, key: Key, session: SessionId) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, session);
    }
}

impl Threads {
    /// Threads keyed by the deployment's key, so that nobody can tell a conversation from its hash.
    pub fn new(deployment_key: &[u8; 32]) -> Self {
        let mut keyed = Context::new(&SHA256);
        keyed.update(deployment_key);
        keyed.update(&[0; 32]);
        Self { keyed, known: Mutex::default() }
    }

    /// The session of a call: what the caller names, else the conversation that its history continues, else a new one.
    /// Every key is namespaced by the caller, so that nobody can join another's session.
    pub fn session(
        &self,
        identity: &Identity,
        named: Option<&str>,
        history: &[Value],
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> SessionId {
        if let Some(name) = named {
            return self.named(identity, name, now, entropy);
        }
        let prefixes = self.prefixes(identity, history);
        let Some((whole, earlier)) = prefixes.split_last() else { return SessionId::new(now, entropy) };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let joined = earlier.iter().rev().find_map(|prefix| known.find(prefix));
        let session = joined.unwrap_or_else(|| SessionId::new(now, entropy));
        known.remember(*whole, session);
        // So that its own id, sent back in the header, leads to it.
        known.remember(self.own(identity, &session.to_string()), session);
        session
    }

    fn named(&self, identity: &Identity, name: &str, now: Timestamp, entropy: &dyn Entropy) -> SessionId {
        let own = self.own(identity, name);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let session = known.find(&own).unwrap_or_else(|| match name.parse::<SessionId>() {
            // An id of ours that this caller does not own, or that was forgotten: a new session, told by its header.
            Ok(_) => SessionId::new(now, entropy),
            Err(_) => SessionId::from_bytes(own),
        });
        known.remember(own, session);
        session
    }

    fn own(&self, identity: &Identity, name: &str) -> Key {
        let mut digest = self.of(b"name", identity);
        add(&mut digest, name.as_bytes());
        shortened(digest)
    }

    /// Keyed hashes of the history's last prefixes, the whole history last.
    fn prefixes(&self, identity: &Identity, history: &[Value]) -> Vec<Key> {
        let mut digest = self.of(b"history", identity);
        let mut text = Vec::with_capacity(4_096);
        let mut keys = Vec::new();
        for (position, message) in history.iter().enumerate() {
            text.clear();
            write(message, &mut text);
            add(&mut digest, &text);
            if history.len() - position <= LOOK_BACK {
                keys.push(shortened(digest.clone()));
            }
        }
        keys
    }

    fn of(&self, purpose: &[u8], identity: &Identity) -> Context {
        let mut digest = self.keyed.clone();
        for part in [purpose, identity.issuer.as_str().as_bytes(), identity.subject.as_bytes()] {
            add(&mut digest, part);
        }
        digest
    }
}

/// Adds a part so that no two lists of parts are one text.
fn add(digest: &mut Context, part: &[u8]) {
    digest.update(&(part.len() as u64).to_be_bytes());
    digest.update(part);
}

fn shortened(digest: Context) -> Key {
    let mut key = [0; 16];
    key.copy_from_slice(&digest.finish().as_ref()[..16]);
    key
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use gatewright_model::Kind;

    use super::*;

    #[derive(Default)]
    struct Counting(AtomicU8);
    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
        }
    }

    fn caller(subject: &str) -> Identity {
        Identity {
            issuer: "corp".into(),
            subject: subject.into(),
            kind: Kind::Person,
            groups: [].into(),
            claims: [].into(),
            expires: Timestamp::from_seconds(9),
        }
    }

    fn history(messages: &[&str]) -> Vec<Value> {
        messages.iter().map(|text| Value::String((*text).into())).collect()
    }

    struct Desk {
        threads: Threads,
        entropy: Counting,
    }

    impl Desk {
        fn new() -> Self {
            Self { threads: Threads::new(&[7; 32]), entropy: Counting::default() }
        }

        fn ask(&self, subject: &str, named: Option<&str>, messages: &[&str]) -> SessionId {
            let now = Timestamp::from_seconds(1);
            self.threads.session(&caller(subject), named, &history(messages), now, &self.entropy)
        }
    }

    #[test]
    fn a_growing_history_is_one_session() {
        let desk = Desk::new();
        let first = desk.ask("alice", None, &["hi"]);
        assert_eq!(desk.ask("alice", None, &["hi", "hello", "and now?"]), first);
        assert_eq!(desk.ask("alice", None, &["hi", "hello", "and now?", "well", "more"]), first);
        // The same greeting again is another conversation, and so is another caller's.
        assert_ne!(desk.ask("alice", None, &["hi"]), first);
        assert_ne!(desk.ask("bob", None, &["hi", "hello", "and now?"]), first);
    }

    #[test]
    fn a_name_belongs_to_its_caller() {
        let desk = Desk::new();
        let mine = desk.ask("alice", Some("trip"), &["a"]);
        assert_eq!(desk.ask("alice", Some("trip"), &["b"]), mine);
        assert_ne!(desk.ask("bob", Some("trip"), &["a"]), mine);
    }

    #[test]
    fn an_id_of_ours_continues_its_session_for_its_owner_only() {
        let desk = Desk::new();
        let mine = desk.ask("alice", None, &["hi"]);
        assert_eq!(desk.ask("alice", Some(&mine.to_string()), &["new"]), mine);
        assert_ne!(desk.ask("bob", Some(&mine.to_string()), &["new"]), mine);
    }
}
