use std::sync::Arc;

use gatewright_model::{Clock, Event, Moment};
use gatewright_notify::Chronicle;
use gatewright_store::log::Log;

use crate::telemetry::Telemetry;

/// Writes down what people were told, and counts it.
pub(crate) struct LiveChronicle {
    log: Log,
    telemetry: Telemetry,
    clock: Arc<dyn Clock>,
}

impl LiveChronicle {
    pub(crate) fn new(log: Log, telemetry: Telemetry, clock: Arc<dyn Clock>) -> Self {
        Self { log, telemetry, clock }
    }
}

impl Chronicle for LiveChronicle {
    fn told(&self, event: Event) {
        if let Event::Notified { channel, told, .. } = &event {
            self.telemetry.notified(channel, *told);
        }
        // A log that is busy or broken says so where it matters; the queue's row tells the same.
        let _ = self.log.note_lazily(None, vec![Moment { at: self.clock.now(), event }]);
    }
}
