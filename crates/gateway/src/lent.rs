//! Roles that people have for a time, as this process knows them.
//!
//! No call asks the state for them. [`Lent::tend`] reads it when something changes and once a second besides, and what it
//! read counts for [`TRUSTED`]: where the state cannot be reached any longer than that, nobody has a role for a time, since
//! nobody knows what was taken back meanwhile. The window of each is judged by the clock of whoever decides.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use gatewright_model::{GrantId, Identity, IssuerName, Timestamp};
use gatewright_store::state::approvals::Grant;
use gatewright_store::state::{Heard, State, Topic};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// How often what is lent is read again, should no change be heard.
const EVERY: Duration = Duration::from_secs(1);

/// How long what was read counts.
pub(crate) const TRUSTED: Duration = Duration::from_secs(3);

/// How many roles may be lent at one time; those beyond do not count.
const MOST: usize = 10_000;

/// What is lent to whom.
pub struct Lent {
    known: ArcSwap<Known>,
    /// Rings where something of it is different, or cannot be relied on any more.
    news: watch::Sender<()>,
}

/// What was read of the state.
struct Known {
    grants: HashMap<(IssuerName, Arc<str>), Vec<Grant>>,
    /// When this was so for certain.
    at: Instant,
}

impl Default for Lent {
    /// Nobody has a role for a time.
    fn default() -> Self {
        let known = Known { grants: HashMap::new(), at: Instant::now() };
        Self { known: ArcSwap::from_pointee(known), news: watch::Sender::new(()) }
    }
}

impl Lent {
    /// What counts of somebody's at this moment; nearly for nothing where nobody has anything.
    pub(crate) fn of(&self, identity: &Identity, now: Timestamp) -> Vec<Grant> {
        let known = self.known.load();
        if known.grants.is_empty() || known.at.elapsed() > TRUSTED {
            return Vec::new();
        }
        let own = known.grants.get(&(identity.issuer.clone(), Arc::clone(&identity.subject)));
        own.into_iter().flatten().filter(|grant| grant.counts(now)).cloned().collect()
    }

    /// Whether all of these count at this moment.
    pub(crate) fn count(&self, party: &(IssuerName, Arc<str>), grants: &[GrantId], now: Timestamp) -> Counting {
        let known = self.known.load();
        if known.at.elapsed() > TRUSTED {
            return Counting::Unknown;
        }
        let own = known.grants.get(party).map_or(&[][..], Vec::as_slice);
        let mut until = Timestamp::from_micros(u64::MAX);
        for id in grants {
            match own.iter().find(|grant| grant.id == *id && grant.counts(now)) {
                Some(grant) => until = until.min(grant.until),
                None => return Counting::Ended,
            }
        }
        Counting::Until(until)
    }

    /// Rings from now on.
    pub(crate) fn news(&self) -> watch::Receiver<()> {
        self.news.subscribe()
    }

    /// Reads the state when something changes in it and once a second, for ever. `lapsed` hears whose time is over.
    pub async fn tend(&self, state: State, now: impl Fn() -> Timestamp, lapsed: impl Fn(Vec<Grant>)) {
        let mut changes = state.changes();
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let began = Instant::now();
            // A state that hangs must not keep this from saying that it does.
            match timeout(EVERY, state.approvals().grants(Some(now()), MOST)).await {
                Ok(Ok(grants)) => lapsed(self.learn(grants, began, now())),
                Ok(Err(_)) | Err(_) => self.doubt(),
            }
            loop {
                tokio::select! {
                    heard = changes.next() => match heard {
                        Heard::Change(change) if change.topic == Topic::Grants => break,
                        Heard::Change(_) => {}
                        Heard::Everything => break,
                        Heard::Closed => return self.forget(),
                    },
                    _ = ticks.tick() => break,
                }
            }
        }
    }

    /// From now on these; gives those of the earlier ones that ran out.
    fn learn(&self, grants: Vec<Grant>, at: Instant, now: Timestamp) -> Vec<Grant> {
        let mut by: HashMap<(IssuerName, Arc<str>), Vec<Grant>> = HashMap::new();
        for grant in grants {
            by.entry((grant.party.issuer.clone(), Arc::clone(&grant.party.subject))).or_default().push(grant);
        }
        let before = self.known.load_full();
        let is_same = before.grants == by;
        let gone = before.grants.values().flatten().filter(|grant| grant.until <= now);
        let lapsed = gone.cloned().collect();
        self.known.store(Arc::new(Known { grants: by, at }));
        if !is_same {
            self.news.send_replace(());
        }
        lapsed
    }

    /// The state did not answer: whoever relies on what was read looks whether it still counts.
    fn doubt(&self) {
        if self.known.load().at.elapsed() > TRUSTED {
            self.news.send_replace(());
        }
    }

    fn forget(&self) {
        self.known.store(Arc::new(Known { grants: HashMap::new(), at: Instant::now() }));
        self.news.send_replace(());
    }
}

/// Whether what somebody relies on counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counting {
    /// Until then, as far as is known now.
    Until(Timestamp),
    /// No more.
    Ended,
    /// The state has not said so for too long.
    Unknown,
}

#[cfg(test)]
mod tests {
    use gatewright_model::{ApprovalId, Kind};
    use gatewright_store::state::approvals::Party;

    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn sue() -> Identity {
        Identity {
            issuer: "corp".into(),
            subject: "sue".into(),
            kind: Kind::Person,
            groups: [].into(),
            claims: [].into(),
            expires: at(1_000_000),
        }
    }

    fn grant(number: u8, subject: &str, until: u64) -> Grant {
        Grant {
            id: GrantId::from_bytes([number; 16]),
            party: Party { issuer: "corp".into(), subject: subject.into() },
            role: "auditor".into(),
            approval: ApprovalId::from_bytes([number; 16]),
            from: at(10),
            until: at(until),
            revoked: None,
        }
    }

    fn counting(lent: &Lent, number: u8, now: u64) -> Counting {
        lent.count(&("corp".into(), "sue".into()), &[GrantId::from_bytes([number; 16])], at(now))
    }

    #[test]
    fn what_was_read_counts_for_its_owner_within_its_window() {
        let lent = Lent::default();
        assert!(lent.of(&sue(), at(15)).is_empty());
        lent.learn(vec![grant(1, "sue", 20), grant(2, "bob", 20)], Instant::now(), at(12));
        assert_eq!(lent.of(&sue(), at(15)), [grant(1, "sue", 20)]);
        assert_eq!((lent.of(&sue(), at(9)).len(), lent.of(&sue(), at(20)).len()), (0, 0));
        assert_eq!(counting(&lent, 1, 15), Counting::Until(at(20)));
        assert_eq!(counting(&lent, 2, 15), Counting::Ended, "another's");
        let revoked = Grant { revoked: Some(at(14)), ..grant(1, "sue", 20) };
        lent.learn(vec![revoked], Instant::now(), at(15));
        assert_eq!((lent.of(&sue(), at(15)).len(), counting(&lent, 1, 15)), (0, Counting::Ended));
    }

    #[test]
    fn what_nobody_confirms_does_not_count() {
        let lent = Lent::default();
        let ago = |time: Duration| Instant::now().checked_sub(time).expect("the machine runs for longer");
        lent.learn(vec![grant(1, "sue", 1_000)], ago(TRUSTED / 2), at(12));
        assert_eq!(lent.of(&sue(), at(15)).len(), 1);
        lent.learn(vec![grant(1, "sue", 1_000)], ago(TRUSTED + Duration::from_millis(1)), at(12));
        assert_eq!((lent.of(&sue(), at(15)).len(), counting(&lent, 1, 15)), (0, Counting::Unknown));
    }

    #[test]
    fn whose_time_is_over_is_told_once() {
        let lent = Lent::default();
        lent.learn(vec![grant(1, "sue", 20), grant(2, "sue", 30)], Instant::now(), at(12));
        assert_eq!(lent.learn(vec![grant(2, "sue", 30)], Instant::now(), at(20)), [grant(1, "sue", 20)]);
        assert!(lent.learn(vec![grant(2, "sue", 30)], Instant::now(), at(21)).is_empty());
        assert!(lent.learn(Vec::new(), Instant::now(), at(22)).is_empty(), "taken back, not over");
    }
}
