//! A call that waits for people.
//!
//! What is approved is the digest of the call ([`digest`]); what approvers look at is [`shown`], and the original lies
//! sealed ([`seal`]) until they have decided. While it waits a call holds its parsed body and a place in [`waiting`], no
//! thread and no timer of its own but one. Afterwards it is decided anew, as [`held`] says.

mod digest;
mod held;
mod lifted;
mod refusals;
mod seal;
mod shown;
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use gatewright_model::{ApprovalId, Digest, Entropy, RoleName, RuleName, SessionId, Timestamp};
use gatewright_store::state::approvals::{Approval, Approvals, Most, Party};
use gatewright_store::state::{Heard, State, StateError, Topic};
use tokio::sync::{Semaphore, watch};

pub(crate) use held::{give_back, held};
use lifted::Lifted;
use seal::Seal;
pub(crate) use shown::without_values;
use waiting::Waiting;

/// How much may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Calls that wait on an open connection at the same time; the next is answered pending at once.
    pub held: usize,
    /// Approvals that are pending at the same time: of one caller, and in all.
    pub pending: Most,
}

impl Default for Room {
    fn default() -> Self {
        Self { held: 20_000, pending: Most { of_caller: 200, in_all: 100_000 } }
    }
}

/// Where holds are kept, and who waits for them to be lifted.
pub struct Holds {
    store: Arc<dyn Approvals>,
    state: State,
    digests: hmac::Key,
    seal: Seal,
    /// What an approval's id is appended to, for people.
    link: String,
    waiting: Waiting,
    room: Room,
    held: Semaphore,
    lifted: Lifted,
    closing: watch::Sender<()>,
    open: watch::Receiver<()>,
}

impl Holds {
    /// Keeps holds in `state`, under the deployment's key. `link` is what an approval's id is appended to, for people.
    pub fn new(state: State, key: &[u8; 32], link: impl Into<String>, room: Room) -> Self {
        let derived = |purpose: &[u8]| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), purpose);
        let (closing, open) = watch::channel(());
        Self {
            store: Arc::clone(state.approvals()),
            state,
            digests: hmac::Key::new(hmac::HMAC_SHA256, derived(b"call digest v1").as_ref()),
            seal: Seal::new(derived(b"sealed original v1").as_ref()),
            link: link.into(),
            waiting: Waiting::default(),
            room,
            held: Semaphore::new(room.held),
            lifted: Lifted::new(derived(b"lifted texts v1").as_ref()),
            closing,
            open,
        }
    }

    /// Tells those who wait what has changed, and ends what ran out; for ever. `expired` hears what nobody decided.
    pub async fn tend(&self, now: impl Fn() -> Timestamp, expired: impl Fn(Vec<Approval>)) {
        let mut changes = self.state.changes();
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                heard = changes.next() => match heard {
                    Heard::Change(change) if change.topic == Topic::Approvals => {
                        if let Ok(id) = change.key.parse() {
                            self.waiting.wake(id);
                        }
                    }
                    Heard::Change(_) => {}
                    Heard::Everything => self.waiting.wake_all(),
                    Heard::Closed => return,
                },
                _ = ticks.tick() => {
                    // A state that cannot be reached says so where it matters; what ran out counts as run out anyway.
                    if let Ok(lapsed) = self.store.expire(now()).await && !lapsed.is_empty() {
                        expired(lapsed);
                    }
                }
            }
        }
    }

    /// Answers everything that waits as pending: the gateway is going down, and asking again finds the approval.
    pub fn close(&self) {
        self.closing.send_replace(());
        self.held.close();
        self.waiting.wake_all();
    }

    /// How many calls wait now.
    pub fn held(&self) -> usize {
        self.room.held.saturating_sub(self.held.available_permits())
    }

    /// The original of a call that still waits, opened: its texts, each with the place where it stands.
    ///
    /// # Errors
    /// Where the state cannot be reached.
    pub async fn original(&self, id: ApprovalId, now: Timestamp) -> Result<Option<Vec<(String, String)>>, StateError> {
        let sealed = self.store.sealed(id, now).await?;
        Ok(sealed.and_then(|sealed| self.seal.open(id, &sealed)))
    }

    /// What a wish of somebody's for a role is known by, so that one at a time is pending. A wish that others decide by
    /// now is another one.
    pub fn digest_of_access(&self, caller: &Party, role: &RoleName, policy: &str) -> Digest {
        let mut context = hmac::Context::with_key(&self.digests);
        // Each behind its length, so that no two wishes are written alike, and none like a call.
        for part in ["access v1", caller.issuer.as_str(), &caller.subject, role.as_str(), policy] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(context.sign().as_ref());
        digest
    }

    /// Whether a hold of this rule was lifted for this very text earlier in the session.
    pub(crate) fn was_lifted(&self, session: SessionId, rule: &RuleName, text: &str) -> bool {
        self.lifted.contains(session, rule, text)
    }

    fn url(&self, id: ApprovalId) -> String {
        format!("{}{id}", self.link)
    }

    fn sealed(&self, id: ApprovalId, texts: &[(String, String)], entropy: &dyn Entropy) -> Option<Arc<[u8]>> {
        self.seal.close(id, texts, entropy).map(Arc::from)
    }
}
