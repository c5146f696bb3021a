//! From the queue to the channels.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use gatewright_model::{Event, Occasion, Timestamp, Told};
use gatewright_store::state::StateError;
use gatewright_store::state::approvals::ApprovalState;
use gatewright_store::state::notices::{Became, Claim, Notice, Settled};
use tokio::task::{Id, JoinSet};

use crate::{Channel, Message, Office, Undelivered};

/// How long nobody else takes a notification that this gateway attempts: longer than an attempt takes.
const LEASE: Duration = Duration::from_secs(30);

/// How many attempts run at the same time for one channel, so that a dead one costs little and a slow one delays no other.
const ABREAST: usize = 4;

/// Between two attempts: doubled each time, from the first to the last, and spread over the upper half of it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(600);

/// The longest that a channel's wish to be left alone is heeded.
const LONGEST_WISH: Duration = Duration::from_secs(3_600);

/// How often the queue is looked at although nothing was heard: another replica may have died with something in hand.
const IDLE: Duration = Duration::from_secs(10);
const BUSY: Duration = Duration::from_millis(50);

/// How long to wait for a state that cannot be reached.
const AGAIN: Duration = Duration::from_secs(1);

/// What this gateway attempts at this moment.
#[derive(Default)]
struct Attempts {
    tasks: JoinSet<()>,
    channels: HashMap<Id, Arc<str>>,
}

impl Attempts {
    fn room(&self, channel: &str) -> usize {
        ABREAST.saturating_sub(self.channels.values().filter(|busy| &***busy == channel).count())
    }

    /// Waits until one has ended; for ever where there is none.
    async fn ended(&mut self) {
        match self.tasks.join_next_with_id().await {
            Some(Ok((id, ()))) => drop(self.channels.remove(&id)),
            Some(Err(broken)) => drop(self.channels.remove(&broken.id())),
            None => std::future::pending().await,
        }
    }
}

impl Office {
    /// Delivers what is queued, for ever. Dropping it breaks off what is under way; somebody attempts that again.
    pub async fn deliver(self: Arc<Self>) {
        let mut attempts = Attempts::default();
        loop {
            let rest = match self.begin(&mut attempts).await {
                Ok(rest) => rest,
                Err(why) => {
                    tracing::warn!(%why, "the queue of notifications cannot be reached now");
                    AGAIN
                }
            };
            tokio::select! {
                () = attempts.ended() => {}
                () = self.due.notified() => {}
                () = tokio::time::sleep(rest) => {}
            }
        }
    }

    /// Begins what is due and has room; says how long nothing more can be.
    async fn begin(self: &Arc<Self>, attempts: &mut Attempts) -> Result<Duration, StateError> {
        let channels = self.channels();
        let backlog = self.state.notices().backlog().await?;
        let waiting: u64 = backlog.iter().map(|one| one.count).sum();
        self.waiting.store(i64::try_from(waiting).unwrap_or(i64::MAX), Relaxed);
        let now = self.clock.now();
        let mut rest = IDLE;
        for one in backlog {
            let room = attempts.room(&one.channel);
            if room == 0 {
                continue;
            }
            if one.due > now {
                rest = rest.min(one.due.since(now).max(BUSY));
                continue;
            }
            let claim = Claim { channel: Arc::clone(&one.channel), now, lease: LEASE, most: room };
            let taken = self.state.notices().claim(claim).await?;
            // There may be more where this came from.
            rest = BUSY;
            for notice in taken {
                let (office, channel) = (Arc::clone(self), channels.get(&one.channel).cloned());
                let task = attempts.tasks.spawn(async move { office.attempt(channel, notice).await });
                attempts.channels.insert(task.id(), Arc::clone(&one.channel));
            }
        }
        Ok(rest)
    }

    /// One attempt to its end. A state that cannot be reached leaves the notification where it is: its lease runs out.
    async fn attempt(&self, channel: Option<Arc<Channel>>, notice: Notice) {
        let became = match self.outcome(channel.as_deref(), &notice).await {
            Ok(became) => became,
            Err(why) => {
                tracing::warn!(%why, notification = %notice.id, "a notification is attempted later");
                return;
            }
        };
        if became == Became::Delivered {
            // On record first: what is forgotten between the two is told, and recorded, once more.
            self.record(&notice, Told::Delivered);
        }
        let has_failed = matches!(became, Became::Failed { .. });
        match self.state.notices().settle(notice.id, notice.attempts, became, self.clock.now()).await {
            Ok(Settled::Counted) if has_failed => self.record(&notice, Told::Failed),
            Ok(Settled::Counted) => {}
            Ok(Settled::Late) => tracing::info!(notification = %notice.id, "somebody else took over a notification"),
            Err(why) => tracing::warn!(%why, notification = %notice.id, "a notification may be told twice"),
        }
    }

    async fn outcome(&self, channel: Option<&Channel>, notice: &Notice) -> Result<Became, StateError> {
        let now = self.clock.now();
        let Some(approval) = self.state.approvals().get(notice.approval, now).await? else { return Ok(Became::Moot) };
        if notice.occasion == Occasion::Asked && approval.state != ApprovalState::Pending {
            return Ok(Became::Moot);
        }
        let (sent, give_up) = match channel {
            Some(channel) => {
                let message = Message::of(&approval, notice.occasion, &self.link(approval.id), channel.show);
                (channel.send(&self.dial, &message, notice.id, now).await, channel.give_up)
            }
            // Another replica may know it: configurations are not replaced everywhere at one moment.
            None => (Err(Undelivered::because("the configuration has no such channel")), LONGEST_WISH),
        };
        Ok(match sent {
            Ok(()) => Became::Delivered,
            Err(undelivered) => {
                tracing::warn!(
                    channel = %notice.channel, notification = %notice.id, attempt = notice.attempts,
                    trouble = %undelivered.trouble, "a notification was not delivered"
                );
                let mut random = [0; 4];
                self.entropy.fill(&mut random);
                again_or_never(notice, undelivered, give_up, self.clock.now(), u32::from_be_bytes(random))
            }
        })
    }

    fn record(&self, notice: &Notice, told: Told) {
        self.chronicle.told(Event::Notified {
            approval: notice.approval,
            notification: notice.id,
            occasion: notice.occasion,
            channel: Arc::clone(&notice.channel),
            told,
            attempts: notice.attempts,
        });
    }
}

fn again_or_never(notice: &Notice, undelivered: Undelivered, give_up: Duration, now: Timestamp, random: u32) -> Became {
    let wish = undelivered.after.unwrap_or_default().min(LONGEST_WISH);
    let due = now.plus(pause(notice.attempts, random).max(wish));
    let trouble = undelivered.trouble;
    if due > notice.created.plus(give_up) { Became::Failed { trouble } } else { Became::Again { due, trouble } }
}

/// How long to wait after so many attempts.
fn pause(attempts: u32, random: u32) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1_u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX));
    let most = doubled.min(LAST_PAUSE);
    most / 2 + (most / 2).mul_f64(f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use gatewright_model::{ApprovalId, NotificationId};
    use gatewright_store::state::notices::NoticeState;

    use super::*;

    #[test]
    fn pauses_double_are_spread_and_end() {
        assert_eq!(pause(1, 0), Duration::from_millis(500));
        assert_eq!(pause(1, u32::MAX), Duration::from_secs(1));
        assert_eq!(pause(4, u32::MAX), Duration::from_secs(8));
        for attempts in [11, 31, 32, 33, 1_000, u32::MAX] {
            assert_eq!(pause(attempts, 0), LAST_PAUSE / 2, "{attempts}");
            assert_eq!(pause(attempts, u32::MAX), LAST_PAUSE, "{attempts}");
        }
    }

    fn became(after: Option<u64>, give_up: u64, now: u64) -> Became {
        let notice = Notice {
            id: NotificationId::from_bytes([1; 16]),
            approval: ApprovalId::from_bytes([2; 16]),
            occasion: Occasion::Asked,
            channel: "chat".into(),
            state: NoticeState::Waiting,
            attempts: 2,
            created: Timestamp::from_seconds(100),
            due: Timestamp::from_seconds(100),
            ended: None,
            trouble: None,
        };
        let undelivered = Undelivered { trouble: "x".into(), after: after.map(Duration::from_secs) };
        let (give_up, now) = (Duration::from_secs(give_up), Timestamp::from_seconds(now));
        again_or_never(&notice, undelivered, give_up, now, u32::MAX)
    }

    #[test]
    fn a_wish_to_be_left_alone_is_heeded_within_reason() {
        let again = |seconds| Became::Again { due: Timestamp::from_seconds(seconds), trouble: "x".into() };
        assert_eq!(became(None, 86_400, 110), again(112));
        assert_eq!(became(Some(60), 86_400, 110), again(170));
        assert_eq!(became(Some(1), 86_400, 110), again(112), "a shorter wish shortens nothing");
        assert_eq!(became(Some(u64::MAX / 2), 86_400, 110), again(110 + 3_600));
    }

    #[test]
    fn what_cannot_be_told_in_time_is_given_up() {
        assert_eq!(became(None, 12, 110), Became::Again { due: Timestamp::from_seconds(112), trouble: "x".into() });
        assert_eq!(became(None, 11, 110), Became::Failed { trouble: "x".into() });
        assert_eq!(became(Some(600), 300, 110), Became::Failed { trouble: "x".into() });
    }
}
