use std::sync::Arc;
use std::time::Duration;

use gatewright_dial::{Dial, Roots};
use gatewright_model::{Clock, Entropy};
use gatewright_notify::Office;
use gatewright_store::log::Log;
use gatewright_store::state::State;

use super::{LiveChronicle, channels};
use crate::config::Ready;
use crate::start_fault::StartFault;
use crate::telemetry::Telemetry;

/// How long a channel may take to answer, and how much it may say.
const NOTIFYING: Duration = Duration::from_secs(10);
const LONGEST_ANSWER: usize = 64 << 10;

/// Whoever tells people of approvals, by the channels of the configuration.
pub(crate) fn office(
    ready: &Ready,
    state: &State,
    link: String,
    log: &Log,
    telemetry: &Telemetry,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> Result<Arc<Office>, StartFault> {
    let limits = gatewright_dial::Limits { time: NOTIFYING, body: LONGEST_ANSWER };
    let chronicle = LiveChronicle::new(log.clone(), telemetry.clone(), Arc::clone(clock));
    let office = Arc::new(Office::new(gatewright_notify::Parts {
        state: state.clone(),
        dial: Dial::with_limits(&Roots::System, limits)?,
        link,
        channels: channels(ready)?,
        chronicle: Arc::new(chronicle),
        clock: Arc::clone(clock),
        entropy: Arc::clone(entropy),
    }));
    let waiting = Arc::clone(&office);
    telemetry.observe("notifications_waiting", "Notifications that wait to be delivered", move || waiting.waiting());
    Ok(office)
}
