//! From what happens to approvals to what is to be told of it.

use std::collections::BTreeSet;
use std::time::Duration;

use gatewright_model::{ApprovalId, NotificationId, Occasion, Timestamp};
use gatewright_store::state::approvals::{Approval, ApprovalState};
use gatewright_store::state::notices::Announcement;
use gatewright_store::state::{Changes, Heard, StateError, Topic};

use crate::Office;

/// How many approvals are announced in one transaction.
const BATCH: usize = 64;

/// How long to wait before what could not be read or written is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// How long what is over is kept, for people to look at.
const KEPT: Duration = Duration::from_secs(30 * 86_400);

/// How often what is over is forgotten.
const TIDY: Duration = Duration::from_secs(3_600);

/// What is to be looked at.
enum Look {
    /// These approvals.
    At(BTreeSet<ApprovalId>),
    /// Everything that was not announced.
    Everything,
    /// Nothing more will be heard.
    Over,
}

impl Office {
    /// Queues what people are to be told, for ever. What happened while nobody listened is found at the start and after
    /// each gap, so nothing is left out; what two replicas notice is queued once.
    pub async fn announce(&self) {
        let mut changes = self.state.changes();
        let mut look = Look::Everything;
        let mut tidied = self.clock.now();
        loop {
            let done = match &look {
                _ if self.channels().is_empty() => Ok(()),
                Look::At(ids) => self.announce_these(ids).await,
                Look::Everything => self.announce_everything().await,
                Look::Over => return,
            };
            if let Err(why) = done {
                tracing::warn!(%why, "notifications cannot be queued now");
                tokio::time::sleep(AGAIN).await;
                look = Look::Everything;
                continue;
            }
            if self.clock.now().since(tidied) >= TIDY {
                tidied = self.clock.now();
                let before = Timestamp::from_micros(
                    tidied.micros().saturating_sub(u64::try_from(KEPT.as_micros()).unwrap_or(u64::MAX)),
                );
                if let Err(why) = self.state.notices().forget(before).await {
                    tracing::warn!(%why, "old notifications cannot be forgotten now");
                }
            }
            look = self.next(&mut changes).await;
        }
    }

    /// Waits for something to happen, and takes with it what has happened meanwhile.
    async fn next(&self, changes: &mut Changes) -> Look {
        let first = tokio::select! {
            heard = changes.next() => heard,
            () = self.look.notified() => return Look::Everything,
        };
        let mut ids = BTreeSet::new();
        let mut heard = Some(first);
        while let Some(one) = heard {
            match one {
                Heard::Change(change) if change.topic == Topic::Approvals => {
                    ids.extend(change.key.parse::<ApprovalId>())
                }
                Heard::Change(_) => {}
                Heard::Everything => return Look::Everything,
                Heard::Closed => return Look::Over,
            }
            if ids.len() >= BATCH {
                break;
            }
            heard = tokio::select! {
                biased;
                next = changes.next() => Some(next),
                () = std::future::ready(()) => None,
            };
        }
        Look::At(ids)
    }

    async fn announce_everything(&self) -> Result<(), StateError> {
        loop {
            let ids: BTreeSet<ApprovalId> = self.state.notices().unannounced(BATCH).await?.into_iter().collect();
            if ids.is_empty() {
                return Ok(());
            }
            self.announce_these(&ids).await?;
        }
    }

    async fn announce_these(&self, ids: &BTreeSet<ApprovalId>) -> Result<(), StateError> {
        let now = self.clock.now();
        let mut all = Vec::new();
        for id in ids {
            if let Some(approval) = self.state.approvals().get(*id, now).await? {
                all.push(self.announcement(&approval, Occasion::Asked, now));
                if approval.state != ApprovalState::Pending {
                    all.push(self.announcement(&approval, Occasion::Decided, now));
                }
            }
        }
        if !all.is_empty() {
            self.state.notices().announce(all).await?;
            self.due.notify_one();
        }
        Ok(())
    }

    fn announcement(&self, approval: &Approval, occasion: Occasion, at: Timestamp) -> Announcement {
        let channels = self.channels();
        // Whoever asks for what is decided already need not be told that it waits.
        let is_over = occasion == Occasion::Asked && approval.state != ApprovalState::Pending;
        let tells = channels.values().filter(|channel| !is_over && channel.tells(approval, occasion));
        let through = tells.map(|channel| (NotificationId::new(at, &*self.entropy), channel.name.clone())).collect();
        Announcement { approval: approval.id, occasion, at, through }
    }
}
