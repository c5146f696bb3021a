use std::sync::Arc;

use arc_swap::ArcSwap;
use gatewright_admin::{Judge, Judged, Pending};
use gatewright_store::state::PolicyFile;
use tokio::sync::Semaphore;

use crate::config::ready::CatalogueFrom;
use crate::config::{Fault, Held, Loaded, Ready};

/// Compiles catalogues against the configuration that runs, one at a time and beside the calls.
pub(crate) struct LiveJudge {
    running: Arc<ArcSwap<Ready>>,
    turn: Semaphore,
}

impl LiveJudge {
    pub(crate) fn new(running: Arc<ArcSwap<Ready>>) -> Self {
        Self { running, turn: Semaphore::new(1) }
    }
}

/// A catalogue as it would run with this configuration.
pub(crate) fn trial(running: &Ready, files: Vec<PolicyFile>) -> Result<Loaded, Vec<Fault>> {
    let held = Held::new(0, files)?;
    Loaded::assemble(Ready { catalogue: CatalogueFrom::Held(held), ..running.clone() }, Vec::new())
}

impl Judge for LiveJudge {
    fn judge(&self, files: Vec<PolicyFile>) -> Pending<'_, Result<Judged, Vec<String>>> {
        Box::pin(async move {
            // It is never closed; should it be, judging goes on without turns.
            let _turn = self.turn.acquire().await.ok();
            let running = self.running.load_full();
            let judged = tokio::task::spawn_blocking(move || {
                trial(&running, files).map(|loaded| {
                    let held = match loaded.ready.catalogue {
                        CatalogueFrom::Held(held) => held.files().to_vec(),
                        CatalogueFrom::Path(_) | CatalogueFrom::Store { .. } => Vec::new(),
                    };
                    Judged { digest: loaded.catalogue.digest(), files: held }
                })
            });
            match judged.await {
                Ok(judged) => judged.map_err(|faults| faults.iter().map(ToString::to_string).collect()),
                Err(_) => Err(vec!["compiling it broke off; the gateway's log says where".to_owned()]),
            }
        })
    }
}
