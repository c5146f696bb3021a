//! `gatewright serve`

use std::path::Path;

use super::{Outcome, complain};
use crate::config::load;
use crate::run::{Running, Watched, on_runtime};
use crate::telemetry::logging;

/// Runs the gateway of a configuration until it is told to stop. A bad configuration binds no port.
pub fn run(file: &Path) -> Outcome {
    let loaded = match load(file) {
        Ok(loaded) => loaded,
        Err(faults) => {
            for fault in &faults {
                complain(Outcome::BadConfiguration, fault);
            }
            return Outcome::BadConfiguration;
        }
    };
    let _log = logging::start(&loaded.ready.log);
    for warning in &loaded.warnings {
        tracing::warn!(%warning, "configuration");
    }
    on_runtime(async move {
        match Running::start(loaded, Watched::Files).await {
            Ok(running) => {
                tracing::info!(data = running.data_url(), admin = running.admin_url(), "serving");
                running.until_stopped().await
            }
            Err(fault) => complain(fault.outcome(), &fault),
        }
    })
}
