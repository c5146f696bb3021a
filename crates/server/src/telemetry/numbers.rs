use std::fmt;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use gatewright_model::{Delivery, RuleName, Side, Tally, Told};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::summary::Summary;
use crate::listen::Counts;

/// Seconds, from what a refusal takes to what a long stream takes.
const SECONDS: [f64; 16] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0, 600.0];

/// The word in labels for what is not there, or is not the operator's own.
const NONE: &str = "";

/// The gateway's numbers. Every label has a bounded set of values: words of ours, or names of the configuration.
pub(super) struct Numbers {
    registry: Mutex<Registry>,
    requests: Family<Request, Counter>,
    duration: Family<Answered, Histogram, fn() -> Histogram>,
    first_byte: Family<Model, Histogram, fn() -> Histogram>,
    waited_for_disk: Histogram,
    masked: Family<Found, Counter>,
    alerted: Family<Found, Counter>,
    noticed: Family<Noticed, Counter>,
    tokens: Family<Tokens, Counter>,
    reloads: Family<Reload, Counter>,
    notifications: Family<Notification, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    operation: &'static str,
    model: Arc<str>,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    operation: &'static str,
    delivery: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Model {
    model: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Found {
    info_type: String,
    side: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Noticed {
    rule: String,
    side: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Tokens {
    model: Arc<str>,
    direction: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reload {
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Notification {
    channel: Arc<str>,
    told: &'static str,
}

fn seconds() -> Histogram {
    Histogram::new(SECONDS)
}

impl Numbers {
    pub(super) fn new(counts: Arc<Counts>) -> Self {
        let mut registry = Registry::with_prefix("gatewright");
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "Which gateway this is", build);
        let started: Gauge = Gauge::default();
        started.set(unix_seconds());
        registry.register("start_time_seconds", "When this gateway started, in seconds since 1970", started);
        let numbers = Self {
            registry: Mutex::default(),
            requests: Family::default(),
            duration: Family::new_with_constructor(seconds),
            first_byte: Family::new_with_constructor(seconds),
            waited_for_disk: seconds(),
            masked: Family::default(),
            alerted: Family::default(),
            noticed: Family::default(),
            tokens: Family::default(),
            reloads: Family::default(),
            notifications: Family::default(),
        };
        registry.register("requests", "Requests by what they would do and how they ended", numbers.requests.clone());
        registry.register("request_duration_seconds", "From a request's head to its end", numbers.duration.clone());
        registry.register(
            "first_byte_seconds",
            "From a request's head to the model server's answer",
            numbers.first_byte.clone(),
        );
        registry.register(
            "record_wait_seconds",
            "How long calls waited for their record on disk",
            numbers.waited_for_disk.clone(),
        );
        registry.register("masked_values", "Values that were masked, by info type and side", numbers.masked.clone());
        let passed = "Values that passed and that policy wants to know of, by info type and side";
        registry.register("alerted_values", passed, numbers.alerted.clone());
        let noticed = "Texts that matched a content rule whose action is alert, by rule and side";
        registry.register("noticed", noticed, numbers.noticed.clone());
        registry.register("tokens", "Tokens, as the model servers counted them", numbers.tokens.clone());
        registry.register("reloads", "Configurations read again, by result", numbers.reloads.clone());
        let told = "Notifications by channel and by how they ended";
        registry.register("notifications", told, numbers.notifications.clone());
        registry.register_collector(Box::new(Listeners(counts)));
        // Both results are there from the start: an alert on the refused ones needs a zero to rise from.
        for result in ["applied", "refused"] {
            drop(numbers.reloads.get_or_create(&Reload { result }));
        }
        Self { registry: Mutex::new(registry), ..numbers }
    }

    pub(super) fn count(&self, summary: &Summary<'_>) {
        let operation = summary.operation.map_or(NONE, |operation| operation.name());
        let model = summary.model.map_or_else(|| Arc::from(NONE), Arc::clone);
        let request = Request { operation, model: Arc::clone(&model), outcome: summary.outcome() };
        self.requests.get_or_create(&request).inc_by(summary.refusals.max(1));
        let delivery = match summary.delivery {
            Some(Delivery::Stream) => "stream",
            Some(Delivery::Whole) => "whole",
            None => NONE,
        };
        self.duration.get_or_create(&Answered { operation, delivery }).observe(summary.took().as_secs_f64());
        if let Some(first_byte) = summary.first_byte {
            self.first_byte.get_or_create(&Model { model: Arc::clone(&model) }).observe(first_byte.as_secs_f64());
        }
        if let Some(waited) = summary.waited_for_disk {
            self.waited_for_disk.observe(waited.as_secs_f64());
        }
        count_values(&self.masked, summary.masked_request, Side::Request);
        count_values(&self.masked, summary.masked_answer, Side::Answer);
        count_values(&self.alerted, summary.alerted_request, Side::Request);
        count_values(&self.alerted, summary.alerted_answer, Side::Answer);
        for (rules, side) in [(summary.noticed_request, Side::Request), (summary.noticed_answer, Side::Answer)] {
            for rule in rules.iter().map(RuleName::as_str) {
                self.noticed.get_or_create(&Noticed { rule: rule.to_owned(), side: side.name() }).inc();
            }
        }
        if let Some(usage) = summary.usage {
            let tokens = |direction| Tokens { model: Arc::clone(&model), direction };
            self.tokens.get_or_create(&tokens("input")).inc_by(usage.input);
            self.tokens.get_or_create(&tokens("output")).inc_by(usage.output);
        }
    }

    pub(super) fn reloaded(&self, result: Result<(), ()>) {
        let result = if result.is_ok() { "applied" } else { "refused" };
        self.reloads.get_or_create(&Reload { result }).inc();
    }

    pub(super) fn notified(&self, channel: &Arc<str>, told: Told) {
        let notification = Notification { channel: Arc::clone(channel), told: told.name() };
        self.notifications.get_or_create(&notification).inc();
    }

    pub(super) fn collect(&self, collector: Box<dyn Collector>) {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner).register_collector(collector);
    }

    pub(super) fn observe(&self, name: &'static str, help: &'static str, read: Box<dyn Fn() -> i64 + Send + Sync>) {
        self.collect(Box::new(Observed { name, help, read }));
    }
}

fn count_values(values: &Family<Found, Counter>, tallies: &[Tally], side: Side) {
    for tally in tallies {
        let found = Found { info_type: tally.info_type.as_str().to_owned(), side: side.name() };
        values.get_or_create(&found).inc_by(u64::from(tally.count));
    }
}

fn unix_seconds() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

impl gatewright_admin::Metrics for Numbers {
    fn encode(&self) -> String {
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::with_capacity(16 * 1024);
        match prometheus_client::encoding::text::encode(&mut text, &registry) {
            Ok(()) => text,
            // Writing into a string fails only for a metric that cannot be told; half of the numbers are worse than none.
            Err(_) => "# EOF\n".to_owned(),
        }
    }
}

/// The listeners' counters, read when somebody asks.
struct Listeners(Arc<Counts>);

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listeners")
    }
}

impl Collector for Listeners {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let counts = &self.0;
        let counters = [
            ("connections_accepted", "Connections that were accepted", &counts.accepted),
            ("connections_refused", "Connections refused because there were too many", &counts.refused),
            ("tls_handshakes_failed", "TLS handshakes that failed", &counts.handshake_failed),
            ("connections_slow_head", "Connections cut because a head took too long", &counts.slow_head),
            ("connections_slow_reader", "Connections cut because their caller stopped reading", &counts.slow_reader),
            ("log_lines_dropped", "Log lines dropped because standard error took no more", &super::logging::DROPPED),
        ];
        for (name, help, counter) in counters {
            let value = ConstCounter::new(counter.load(Relaxed));
            value.encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)?;
        }
        let gauges = [
            ("connections_open", "Connections that are open", &counts.open_connections),
            ("requests_open", "Requests that are not answered to their end", &counts.open_requests),
        ];
        for (name, help, gauge) in gauges {
            let value = ConstGauge::new(i64::try_from(gauge.load(Relaxed)).unwrap_or(i64::MAX));
            value.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        Ok(())
    }
}

/// A number that somebody else keeps.
struct Observed {
    name: &'static str,
    help: &'static str,
    read: Box<dyn Fn() -> i64 + Send + Sync>,
}

impl fmt::Debug for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Observed({})", self.name)
    }
}

impl Collector for Observed {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let value = ConstGauge::new((self.read)());
        value.encode(encoder.encode_descriptor(self.name, self.help, None, MetricType::Gauge)?)
    }
}
