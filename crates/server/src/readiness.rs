//! Whether the gateway can be relied on, as `/readyz` tells it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use gatewright_admin::Standing as StandingOf;
use gatewright_api::{Note, Readiness as Answer, Reason, ReasonCode};
use gatewright_gateway::{Gateway, SecondLook};
use gatewright_store::bucket::Lag;
use gatewright_store::log::{Log, LogState};
use gatewright_store::state::{Standing, State};

use tokio::sync::watch;

use crate::config::ReloaderStatus;

/// How long one write to the disk of the records may take before callers had better be sent elsewhere.
const HANGS: Duration = Duration::from_secs(5);

/// Whether the gateway can be relied on, and why not.
pub struct Readiness {
    gateway: Arc<Gateway>,
    log: Log,
    state: State,
    configuration: Option<Arc<ReloaderStatus>>,
    lag: Option<watch::Receiver<Lag>>,
    draining: AtomicBool,
    second_look: OnceLock<Arc<SecondLook>>,
}

impl Readiness {
    /// Judges by these parts.
    pub fn new(
        gateway: Arc<Gateway>,
        log: Log,
        state: State,
        configuration: Option<Arc<ReloaderStatus>>,
        lag: Option<watch::Receiver<Lag>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            gateway,
            log,
            state,
            configuration,
            lag,
            draining: AtomicBool::new(false),
            second_look: OnceLock::new(),
        })
    }

    /// Tells from now on of decisions that came out otherwise when they were made again.
    pub fn watch(&self, second_look: Arc<SecondLook>) {
        // Told once, at the start.
        let _ = self.second_look.set(second_look);
    }

    /// From now on no caller should be sent here.
    pub fn draining(&self) {
        self.draining.store(true, Ordering::Release);
    }

    fn issuers(&self, reasons: &mut Vec<Reason>, notes: &mut Vec<Note>) {
        let states = self.gateway.world().identities.readiness();
        let unreachable: Vec<String> = states
            .iter()
            .filter_map(|(name, state)| state.as_ref().err().map(|why| format!("issuer `{name}`: {why}")))
            .collect();
        if unreachable.is_empty() {
            return;
        }
        if unreachable.len() == states.len() {
            reasons.push(Reason { code: ReasonCode::IssuersUnreachable, message: unreachable.join("; ") });
        } else {
            notes.extend(unreachable.into_iter().map(|message| Note { message }));
        }
    }
}

impl StandingOf for Readiness {
    fn readiness(&self) -> Answer {
        let (mut reasons, mut notes) = (Vec::new(), Vec::new());
        if self.draining.load(Ordering::Acquire) {
            reasons.push(Reason { code: ReasonCode::Draining, message: "The gateway was told to stop.".to_owned() });
        }
        match self.log.state() {
            LogState::Healthy => {}
            LogState::Broken(why) => reasons.push(Reason { code: ReasonCode::LogBroken, message: why.to_string() }),
            LogState::Closed => {
                reasons.push(Reason { code: ReasonCode::LogBroken, message: "The recorder is closed.".to_owned() });
            }
        }
        match self.log.writing_for() {
            Some(waited) if waited >= HANGS => {
                let message = format!("The disk of the records has not answered for {} s.", waited.as_secs());
                reasons.push(Reason { code: ReasonCode::LogBroken, message });
            }
            Some(_) | None => {}
        }
        if let Some(why) = self.log.refusing() {
            reasons.push(Reason { code: ReasonCode::LogBroken, message: why.to_string() });
        }
        if let Some(lag) = self.lag.as_ref().map(|lag| lag.borrow().clone())
            && let Some(fault) = lag.fault
        {
            notes.push(Note { message: format!("{} bytes of records wait for the bucket: {fault}", lag.bytes) });
        }
        if let Standing::Unreachable(why) = self.state.standing() {
            reasons.push(Reason { code: ReasonCode::StateUnreachable, message: why.to_string() });
        }
        self.issuers(&mut reasons, &mut notes);
        if let Some(message) = self.configuration.as_ref().and_then(|status| status.note()) {
            notes.push(Note { message });
        }
        let rechecks = self.second_look.get().map(|second_look| second_look.rechecks()).unwrap_or_default();
        if let Some((at, request)) = rechecks.first_doubt {
            let doubted = rechecks.doubted;
            let words = "decisions came out otherwise when Cedar's authorizer made them again, the first";
            notes.push(Note { message: format!("{doubted} {words} {request} at {at}: the index of rules is wrong") });
        }
        Answer::of(reasons, notes)
    }
}
