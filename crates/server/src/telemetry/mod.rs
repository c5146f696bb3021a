//! What the gateway says of itself: numbers on the admin side, one log line for each journey, and its own log.
//!
//! All of it is told from the same story that the record is made of, and none of it holds text that a person or a model
//! wrote: names are taken only where the configuration knows them.

mod access;
mod admin_side;
mod line;
pub mod logging;
mod numbers;
mod second_look;
mod summary;
pub mod told;

pub use admin_side::AdminSide;

use std::sync::Arc;

use gatewright_admin::{Admin, Hosts, Standing};
use gatewright_gateway::{Audience, SecondLook};
use gatewright_model::{Moment, RequestId, Told};
use gatewright_store::log::{Log, LogState};

use crate::config::ready::Log as LogSettings;
use crate::config::{Loaded, Ready};
use crate::listen::Counts;
use numbers::Numbers;
use summary::Summary;

/// The gateway's numbers and its access log; a handle that is cheap to clone.
#[derive(Clone)]
pub struct Telemetry {
    numbers: Arc<Numbers>,
    counts: Arc<Counts>,
    listening: Arc<Listening>,
}

impl Telemetry {
    /// Begins to count, with what the first configuration says of the access log.
    pub fn new(loaded: &Loaded) -> Self {
        let counts = Arc::new(Counts::default());
        let numbers = Arc::new(Numbers::new(Arc::clone(&counts)));
        let listening = Arc::new(Listening { numbers: Arc::clone(&numbers), settings: loaded.ready.log });
        Self { numbers, counts, listening }
    }

    /// Whoever has to be told how journeys went.
    pub fn audience(&self) -> Arc<dyn Audience> {
        Arc::clone(&self.listening) as Arc<dyn Audience>
    }

    /// The counters of the listeners.
    pub fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.counts)
    }

    /// Counts a reload that took effect, or one that was refused.
    pub fn reloaded(&self, result: Result<(), ()>) {
        self.numbers.reloaded(result);
    }

    /// Counts how a notification ended.
    pub fn notified(&self, channel: &Arc<str>, told: Told) {
        self.numbers.notified(channel, told);
    }

    /// Adds a number that is read whenever somebody asks for all of them. `name` is without the prefix `gatewright_`.
    pub fn observe(&self, name: &'static str, help: &'static str, read: impl Fn() -> i64 + Send + Sync + 'static) {
        self.numbers.observe(name, help, Box::new(read));
    }

    /// Tells what came of decisions that were looked at a second time.
    pub fn follow_second_look(&self, second_look: &Arc<SecondLook>) {
        self.numbers.collect(Box::new(second_look::SecondLooks(Arc::clone(second_look))));
    }

    /// Tells how far the log has come, and whether it can be written.
    pub fn follow_log(&self, log: &Log) {
        let (durable, state) = (log.durable(), log.watch());
        let leaves = move || i64::try_from(*durable.borrow()).unwrap_or(i64::MAX);
        self.observe("log_leaves", "Entries of the log that are on disk", leaves);
        let healthy = move || i64::from(*state.borrow() == LogState::Healthy);
        self.observe("log_healthy", "Whether the log can be written: 1 or 0", healthy);
    }

    /// The operators' side without its parts: it answers to the names that the configuration gives it, and says how `standing` stands.
    pub fn admin<S: Standing + 'static>(&self, standing: &Arc<S>, ready: &Ready) -> Admin {
        let ask = Arc::clone(standing);
        let is_ready = move || i64::from(ask.readiness().reasons.is_empty());
        self.observe("ready", "Whether the gateway can be relied on: 1 or 0", is_ready);
        let hosts = Hosts::new(ready.admin_listener.hosts.clone());
        let standing = Arc::clone(standing) as Arc<dyn Standing>;
        let numbers = Arc::clone(&self.numbers) as Arc<dyn gatewright_admin::Metrics>;
        Admin::new(env!("CARGO_PKG_VERSION"), hosts, standing, numbers)
    }
}

/// Hears every journey's story once, at its end.
struct Listening {
    numbers: Arc<Numbers>,
    settings: LogSettings,
}

impl Audience for Listening {
    fn hear(&self, request: RequestId, moments: &[Moment]) {
        let summary = Summary::of(moments);
        self.numbers.count(&summary);
        if self.settings.access {
            logging::write_line(access::line(self.settings.format, request, &summary));
        }
    }
}
