//! `gatewright serve`

use std::path::Path;

use gatewright_store::state::State;

use super::{Outcome, complain};
use crate::config::ready::CatalogueFrom;
use crate::config::{Fault, Loaded, Purpose, Ready, read};
use crate::run::{Running, Watched, on_runtime};
use crate::start_fault::StartFault;
use crate::state;
use crate::telemetry::logging;

/// Runs the gateway of a configuration until it is told to stop. A bad configuration binds no port.
pub fn run(file: &Path) -> Outcome {
    let (ready, warnings) = match read(file, Purpose::Serve) {
        Ok(read) => read,
        Err(faults) => return complain_of_all(&faults),
    };
    let _log = logging::start(&ready.log);
    on_runtime(async move {
        let (loaded, state) = match gather(ready, warnings).await {
            Ok(gathered) => gathered,
            Err(StartFault::Configuration(faults)) => return complain_of_all(&faults),
            Err(fault) => return complain(fault.outcome(), &fault),
        };
        for warning in &loaded.warnings {
            tracing::warn!(%warning, "configuration");
        }
        match Running::start(loaded, state, Watched::Files).await {
            Ok(running) => {
                tracing::info!(data = running.data_url(), admin = running.admin_url(), "serving");
                running.until_stopped().await
            }
            Err(fault) => complain(fault.outcome(), &fault),
        }
    })
}

/// The catalogue and the state. A catalogue in files is held against the configuration before anything is opened.
async fn gather(ready: Ready, warnings: Vec<Fault>) -> Result<(Loaded, State), StartFault> {
    let assemble = |ready| Loaded::assemble(ready, warnings).map_err(StartFault::Configuration);
    if let CatalogueFrom::Store { .. } = ready.catalogue {
        let state = state::open(&ready).await?;
        let ready = state::catalogue(ready, &state).await?;
        return Ok((assemble(ready)?, state));
    }
    let loaded = assemble(ready)?;
    let state = state::open(&loaded.ready).await?;
    Ok((loaded, state))
}

fn complain_of_all(faults: &[Fault]) -> Outcome {
    faults.iter().fold(Outcome::BadConfiguration, |outcome, fault| complain(outcome, fault))
}
