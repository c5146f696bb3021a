//! What people are told of approvals: announced once for each occasion, queued for each channel, taken by one replica.

use std::sync::Arc;
use std::time::Duration;

use gatewright_model::{ApprovalId, NotificationId, Occasion, Timestamp};

use super::Answer;

/// What is to be said about an approval on one occasion, through these channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// About which approval.
    pub approval: ApprovalId,
    /// On which occasion.
    pub occasion: Occasion,
    /// When it was noticed.
    pub at: Timestamp,
    /// Through which channels, each with the id that its notification gets. Without any it is only remembered.
    pub through: Vec<(NotificationId, Arc<str>)>,
}

/// How a notification stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoticeState {
    /// It waits for its first or its next attempt.
    Waiting,
    /// The channel took it.
    Delivered,
    /// It was given up.
    Failed,
    /// Before it could be delivered there was nothing left to tell.
    Moot,
}

impl NoticeState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Delivered, Self::Failed, Self::Moot];

    /// The word in tables and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Moot => "moot",
        }
    }

    /// The state of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// A notification: about what, through which channel, and how far it has come. It holds no word of what is said: that is
/// made of the approval when it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its id, the same at every attempt.
    pub id: NotificationId,
    /// About which approval.
    pub approval: ApprovalId,
    /// On which occasion.
    pub occasion: Occasion,
    /// Through which channel, by its name.
    pub channel: Arc<str>,
    /// How it stands.
    pub state: NoticeState,
    /// How many attempts were begun.
    pub attempts: u32,
    /// When it was put into the queue.
    pub created: Timestamp,
    /// Waiting: when it is attempted next. While somebody attempts it, when that counts as abandoned.
    pub due: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// What went wrong the last time, without secrets.
    pub trouble: Option<Arc<str>>,
}

/// What waits for one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// Which channel.
    pub channel: Arc<str>,
    /// How many notifications.
    pub count: u64,
    /// When the first of them is due.
    pub due: Timestamp,
}

/// Somebody takes what is due for a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Which channel.
    pub channel: Arc<str>,
    /// What time it is.
    pub now: Timestamp,
    /// How long nobody else takes it. Whoever has not settled it by then counts as gone.
    pub lease: Duration,
    /// How many at most.
    pub most: usize,
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Became {
    /// The channel took it.
    Delivered,
    /// It is tried again.
    Again {
        /// When.
        due: Timestamp,
        /// What went wrong.
        trouble: Arc<str>,
    },
    /// It is given up.
    Failed {
        /// What went wrong.
        trouble: Arc<str>,
    },
    /// There is nothing left to tell.
    Moot,
}

/// Whether the end of an attempt counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It did.
    Counted,
    /// It came too late: the lease had run out, and somebody else has taken the notification since.
    Late,
}

/// What people are told of approvals: a queue that replicas share.
///
/// An occasion of an approval is announced once, whoever notices it at the same time; what is due is taken by one replica,
/// for a while. Whoever dies with a notification in hand leaves it to the others: it is told at least once, under one id.
pub trait Notices: Send + Sync {
    /// Puts what is to be said into the queue. What was announced before is left as it is.
    fn announce(&self, all: Vec<Announcement>) -> Answer<'_, ()>;

    /// Approvals that wait for people or were decided, and of which that was not announced; what was decided without ever
    /// having been announced is none of them.
    fn unannounced(&self, most: usize) -> Answer<'_, Vec<ApprovalId>>;

    /// What waits, by channel.
    fn backlog(&self) -> Answer<'_, Vec<Backlog>>;

    /// Takes what is due for a channel, the longest due first. Each of them counts an attempt more.
    fn claim(&self, claim: Claim) -> Answer<'_, Vec<Notice>>;

    /// Says what became of the attempt of this number.
    fn settle(&self, id: NotificationId, attempt: u32, became: Became, now: Timestamp) -> Answer<'_, Settled>;

    /// Notifications, the latest first; of one state or of all.
    fn list(&self, state: Option<NoticeState>, limit: usize) -> Answer<'_, Vec<Notice>>;

    /// Forgets what ended and was announced before this moment.
    fn forget(&self, before: Timestamp) -> Answer<'_, ()>;
}
