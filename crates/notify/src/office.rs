use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use arc_swap::ArcSwap;
use gatewright_dial::Dial;
use gatewright_model::{ApprovalId, Clock, Entropy, Event};
use gatewright_store::state::State;
use tokio::sync::Notify;

use crate::Channel;

/// Whoever keeps the record.
pub trait Chronicle: Send + Sync {
    /// Writes down how a notification ended. Must not wait for anybody.
    fn told(&self, event: Event);
}

/// What an office is made of.
pub struct Parts {
    /// Where approvals and the queue are.
    pub state: State,
    /// The way out for what goes by HTTP.
    pub dial: Dial,
    /// What an approval's id is appended to, for people.
    pub link: String,
    /// The channels.
    pub channels: Vec<Channel>,
    /// Whoever keeps the record.
    pub chronicle: Arc<dyn Chronicle>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for ids and for spreading attempts.
    pub entropy: Arc<dyn Entropy>,
}

/// Notices what people are to be told, queues it and delivers it.
pub struct Office {
    pub(crate) state: State,
    pub(crate) dial: Dial,
    link: String,
    channels: ArcSwap<BTreeMap<Arc<str>, Arc<Channel>>>,
    pub(crate) chronicle: Arc<dyn Chronicle>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    /// Rung when something may be due that was not before.
    pub(crate) due: Notify,
    /// Rung when everything is to be looked at again.
    pub(crate) look: Notify,
    /// How many notifications wait, as far as was seen.
    pub(crate) waiting: AtomicI64,
}

impl Office {
    /// An office with these parts. Nothing happens before [`announce`](Self::announce) and [`deliver`](Self::deliver) run.
    pub fn new(parts: Parts) -> Self {
        Self {
            state: parts.state,
            dial: parts.dial,
            link: parts.link,
            channels: ArcSwap::from_pointee(by_name(parts.channels)),
            chronicle: parts.chronicle,
            clock: parts.clock,
            entropy: parts.entropy,
            due: Notify::new(),
            look: Notify::new(),
            waiting: AtomicI64::new(0),
        }
    }

    /// From now on these, as the configuration says. What is being sent is sent to its end as it was begun.
    pub fn replace(&self, channels: Vec<Channel>) {
        self.channels.store(Arc::new(by_name(channels)));
        self.look.notify_one();
        self.due.notify_one();
    }

    /// How many notifications wait, as far as this gateway has seen.
    pub fn waiting(&self) -> i64 {
        self.waiting.load(Relaxed)
    }

    /// The channel of this name.
    pub fn channel(&self, name: &str) -> Option<Arc<Channel>> {
        self.channels.load().get(name).cloned()
    }

    /// The way out for what goes by HTTP.
    pub const fn dial(&self) -> &Dial {
        &self.dial
    }

    pub(crate) fn channels(&self) -> Arc<BTreeMap<Arc<str>, Arc<Channel>>> {
        self.channels.load_full()
    }

    pub(crate) fn link(&self, approval: ApprovalId) -> String {
        format!("{}{approval}", self.link)
    }
}

fn by_name(channels: Vec<Channel>) -> BTreeMap<Arc<str>, Arc<Channel>> {
    channels.into_iter().map(|channel| (Arc::clone(&channel.name), Arc::new(channel))).collect()
}
