//! Under which ids datasets are known: the gateway's own towards callers, the servers' own towards servers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::hmac;
use gatewright_model::{ConnectionName, DatasetName, Timestamp, to_hex};

/// How long a server's id is used before the server is asked again: a collection that was made anew at the server, past
/// the gateway, has another.
const FRESH: Duration = Duration::from_secs(30);

/// More ids than this, and they are asked for anew.
const MOST: usize = 10_000;

type Key = (ConnectionName, Arc<str>);

/// The ids of datasets.
pub(crate) struct Collections {
    key: hmac::Key,
    located: Mutex<HashMap<Key, (Arc<str>, Timestamp)>>,
}

impl Collections {
    /// Keyed by the deployment's key, so that nobody can make the id of a dataset that was not shown to him.
    pub(crate) fn new(deployment_key: &[u8; 32]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, deployment_key), located: Mutex::default() }
    }

    /// The id by which callers know a dataset: the same in every run and on every replica, a UUID of version 8
    /// (RFC 9562, section 5.8).
    pub(crate) fn id_of(&self, name: &DatasetName) -> String {
        let tag = hmac::sign(&self.key, &[b"dataset-id\0", name.as_str().as_bytes()].concat());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&tag.as_ref()[..16]);
        bytes[6] = bytes[6] & 0x0f | 0x80;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex = to_hex(&bytes);
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }

    /// Where a server was last found to have it, with the server's own id.
    pub(crate) fn located(&self, connection: &ConnectionName, place: &Arc<str>, now: Timestamp) -> Option<Arc<str>> {
        let located = self.located.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, until) = located.get(&(connection.clone(), Arc::clone(place)))?;
        (now < *until).then(|| Arc::clone(at))
    }

    pub(crate) fn remember(&self, connection: &ConnectionName, place: &Arc<str>, at: &Arc<str>, now: Timestamp) {
        let mut located = self.located.lock().unwrap_or_else(PoisonError::into_inner);
        if located.len() >= MOST {
            located.clear();
        }
        located.insert((connection.clone(), Arc::clone(place)), (Arc::clone(at), now.plus(FRESH)));
    }

    pub(crate) fn forget(&self, connection: &ConnectionName, place: &Arc<str>) {
        let mut located = self.located.lock().unwrap_or_else(PoisonError::into_inner);
        located.remove(&(connection.clone(), Arc::clone(place)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_uuid_that_only_this_deployment_makes() {
        let (ours, theirs) = (Collections::new(&[1; 32]), Collections::new(&[2; 32]));
        let id = ours.id_of(&"public-docs".into());
        assert_eq!(id, ours.id_of(&"public-docs".into()));
        assert_ne!(id, theirs.id_of(&"public-docs".into()));
        assert_ne!(id, ours.id_of(&"public-docs2".into()));
        assert_eq!((id.len(), &id[14..15]), (36, "8"));
    }

    #[test]
    fn a_servers_id_is_used_for_a_while() {
        let (collections, connection, place) = (Collections::new(&[1; 32]), "vectors".into(), Arc::from("public"));
        let now = Timestamp::from_seconds(100);
        assert_eq!(collections.located(&connection, &place, now), None);
        collections.remember(&connection, &place, &"there".into(), now);
        assert_eq!(collections.located(&connection, &place, now).as_deref(), Some("there"));
        assert_eq!(collections.located(&"other".into(), &place, now), None);
        assert_eq!(collections.located(&connection, &place, now.plus(FRESH)), None);
        collections.remember(&connection, &place, &"there".into(), now);
        collections.forget(&connection, &place);
        assert_eq!(collections.located(&connection, &place, now), None);
    }
}
