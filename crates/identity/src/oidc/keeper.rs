use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use gatewright_dial::Dial;
use gatewright_model::{Clock, Digest, Timestamp};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::discovery::Fetched;
use super::{IssuerConfig, KeySet, fetch_keys};

/// Between two planned fetches: what the issuer says, within these bounds. The upper one bounds how long a key that the
/// issuer took back still verifies.
const REFRESH: std::ops::RangeInclusive<Duration> = Duration::from_secs(300)..=Duration::from_secs(3_600);
/// After a fault: at first, and doubled each time up to this.
const RETRY: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(30);
/// Between two fetches that unknown key ids ask for.
const REFETCH: Duration = Duration::from_secs(30);
/// How long an id that a fetch did not bring is not asked for again.
const ABSENT_FOR: Duration = Duration::from_secs(300);
const MOST_ABSENT: usize = 1_024;
/// How long, and how many, requests wait for a fetch.
const PATIENCE: Duration = Duration::from_secs(5);
const MOST_WAITING: usize = 512;

/// An issuer and its keys. A task of its own fetches them; requests read them without waiting.
pub(crate) struct Keeper {
    shared: Arc<Shared>,
    task: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    config: IssuerConfig,
    dial: Dial,
    clock: Arc<dyn Clock>,
    standing: ArcSwapOption<Standing>,
    state: Mutex<State>,
    /// How many fetches have ended.
    ended: watch::Sender<u64>,
    wanted: Notify,
}

/// Keys to verify with, as of now.
pub(crate) struct Standing {
    pub(crate) keys: Arc<KeySet>,
    /// Grows whenever the keys change, so that what an older set verified can be told.
    pub(crate) generation: u64,
    /// After this moment nobody may rely on them.
    pub(crate) good_until: Timestamp,
    fingerprint: Digest,
}

struct State {
    /// Why the keys cannot be relied on, or are about to be.
    fault: Option<String>,
    /// When the last fetch began, and whether it still goes on.
    began: Option<Timestamp>,
    fetching: bool,
    /// Somebody who may asks for a fetch, whenever the last one was.
    ordered: bool,
    generation: u64,
    absent: HashMap<String, Timestamp>,
}

impl Keeper {
    pub(crate) fn new(config: IssuerConfig, dial: Dial, clock: Arc<dyn Clock>) -> Self {
        let fault = Some("its keys have not been fetched yet".to_owned());
        let state =
            State { fault, began: None, fetching: false, ordered: false, generation: 0, absent: HashMap::new() };
        let shared = Shared {
            config,
            dial,
            clock,
            standing: ArcSwapOption::empty(),
            state: Mutex::new(state),
            ended: watch::Sender::new(0),
            wanted: Notify::new(),
        };
        Self { shared: Arc::new(shared), task: Mutex::new(None) }
    }

    pub(crate) fn config(&self) -> &IssuerConfig {
        &self.shared.config
    }

    /// Starts the fetching task, once; it ends with the keeper.
    pub(crate) fn start(&self) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if task.is_none() {
            *task = Some(tokio::spawn(keep(Arc::clone(&self.shared))));
        }
    }

    /// The keys, while they may be relied on.
    pub(crate) fn standing(&self, now: Timestamp) -> Option<arc_swap::Guard<Option<Arc<Standing>>>> {
        let guard = self.shared.standing.load();
        guard.as_ref().is_some_and(|standing| now < standing.good_until).then_some(guard)
    }

    /// Why this issuer's tokens cannot be relied on, or soon could not be.
    pub(crate) fn health(&self) -> Result<(), String> {
        let state = self.shared.state();
        match (&state.fault, self.standing(self.shared.clock.now())) {
            (None, Some(_)) => Ok(()),
            (Some(fault), Some(_)) => Err(format!("{fault}; the keys fetched before are still used")),
            (Some(fault), None) => Err(fault.clone()),
            (None, None) => Err("its keys are too old to be relied on".to_owned()),
        }
    }

    /// Waits until a first fetch has ended, well or not.
    pub(crate) async fn tried(&self) {
        let mut ended = self.shared.ended.subscribe();
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = ended.wait_for(|ended| *ended > 0).await;
    }

    /// Fetches the keys now, and waits for it. For operators; never called for a request.
    pub(crate) async fn refresh(&self) {
        let mut ended = self.shared.ended.subscribe();
        let after = {
            let mut state = self.shared.state();
            state.ordered = true;
            // A fetch that goes on already may have read the keys of before.
            *ended.borrow_and_update() + u64::from(state.fetching)
        };
        self.shared.wanted.notify_one();
        let _ = tokio::time::timeout(PATIENCE * 2, ended.wait_for(|ended| *ended > after)).await;
    }

    /// Called for a key id that the present keys do not have: waits for one fetch where one may be made, and says
    /// whether it is worth looking again. However many ids strangers make up, at most one fetch is made in thirty
    /// seconds, and none for an id that a recent one did not bring.
    pub(crate) async fn refetch_for(&self, id: &str) -> bool {
        if self.shared.ended.receiver_count() >= MOST_WAITING {
            return false;
        }
        let mut ended = self.shared.ended.subscribe();
        let before = *ended.borrow_and_update();
        if !self.shared.ask_for(id) {
            return false;
        }
        let fetched = tokio::time::timeout(PATIENCE, ended.wait_for(|ended| *ended > before)).await;
        matches!(fetched, Ok(Ok(_)))
    }

    /// Remembers that a fetch did not bring this id.
    pub(crate) fn is_absent(&self, id: &str) {
        let now = self.shared.clock.now();
        let mut state = self.shared.state();
        if state.absent.len() >= MOST_ABSENT {
            state.absent.clear();
        }
        state.absent.insert(id.to_owned(), now.plus(ABSENT_FOR));
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if let Some(task) = self.task.get_mut().unwrap_or_else(PoisonError::into_inner) {
            task.abort();
        }
    }
}

/// Fetches the keys again and again, until the keeper aborts it.
async fn keep(shared: Arc<Shared>) {
    let mut retry = *RETRY.start();
    loop {
        let wait = match shared.fetch_once().await {
            Ok(keep_for) => {
                retry = *RETRY.start();
                shared.scattered(keep_for.unwrap_or_default().clamp(*REFRESH.start(), *REFRESH.end()))
            }
            Err(()) => {
                let wait = retry;
                retry = (retry * 2).min(*RETRY.end());
                wait
            }
        };
        shared.rest(wait).await;
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One fetch from beginning to end; how long its result may be kept.
    async fn fetch_once(&self) -> Result<Option<Duration>, ()> {
        {
            let mut state = self.state();
            (state.began, state.fetching, state.ordered) = (Some(self.clock.now()), true, false);
        }
        let outcome = fetch_keys(&self.dial, &self.config).await;
        let outcome = self.take(outcome);
        self.ended.send_modify(|ended| *ended += 1);
        outcome
    }

    /// Notes how a fetch ended. Keys that could not be fetched anew stay, up to their limit of age; keys that were
    /// fetched replace the old ones at once, so that a key which is gone stops verifying, even if none is left.
    fn take(&self, outcome: Result<Fetched, String>) -> Result<Option<Duration>, ()> {
        let mut state = self.state();
        state.fetching = false;
        match outcome {
            Ok(fetched) => {
                let keep_for = fetched.keep_for;
                state.fault = fetched.keys.is_empty().then(|| "its key set has no usable key".to_owned());
                self.adopt(&mut state, fetched);
                Ok(keep_for)
            }
            Err(why) => {
                tracing::warn!(issuer = %self.config.name, why, "the keys of an issuer could not be fetched");
                state.fault = Some(why);
                Err(())
            }
        }
    }

    fn adopt(&self, state: &mut State, fetched: Fetched) {
        let good_until = self.clock.now().plus(self.config.stale_keys);
        let present = self.standing.load_full();
        let standing = match present {
            Some(present) if present.fingerprint == fetched.fingerprint => {
                Standing { keys: Arc::clone(&present.keys), good_until, ..*present }
            }
            Some(_) | None => {
                state.generation += 1;
                tracing::info!(issuer = %self.config.name, "the keys of an issuer were taken");
                Standing {
                    keys: Arc::new(fetched.keys),
                    generation: state.generation,
                    good_until,
                    fingerprint: fetched.fingerprint,
                }
            }
        };
        self.standing.store(Some(Arc::new(standing)));
    }

    /// Waits until the next fetch is due, or wanted and permitted.
    async fn rest(&self, wait: Duration) {
        let due = tokio::time::sleep(wait);
        tokio::pin!(due);
        loop {
            tokio::select! {
                () = &mut due => return,
                // A request may have asked just before the last fetch began; that wish is fulfilled already.
                () = self.wanted.notified() => if self.state().is_permitted(self.clock.now()) { return },
            }
        }
    }

    /// Whether a fetch goes on or was started for this id.
    fn ask_for(&self, id: &str) -> bool {
        let now = self.clock.now();
        let mut state = self.state();
        if state.absent.get(id).is_some_and(|until| now < *until) {
            return false;
        }
        state.absent.remove(id);
        if !state.fetching {
            if !state.is_permitted(now) {
                return false;
            }
            self.wanted.notify_one();
        }
        true
    }

    /// Up to a tenth earlier, so that the replicas of a fleet do not ask all at once. Nobody must be unable to predict
    /// it, so no entropy is drawn.
    fn scattered(&self, wait: Duration) -> Duration {
        let part = u32::try_from(self.clock.now().micros() % 1_000).unwrap_or_default();
        wait - wait * part / 10_000
    }
}

impl State {
    fn is_permitted(&self, now: Timestamp) -> bool {
        !self.fetching && (self.ordered || self.began.is_none_or(|began| now.since(began) >= REFETCH))
    }
}
