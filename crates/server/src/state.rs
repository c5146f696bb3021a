//! What replicas share, opened as the configuration says, and the role catalogue that lies in it.

use std::sync::Arc;
use std::time::Duration;

use gatewright_model::{Clock as _, Secret};
use gatewright_store::state::{
    Author, Heard, NewPolicy, Origin, PostgresOptions, STATE_FILE, State, StateError, Topic, Transport,
};
use tokio::sync::watch;

use crate::assemble::{system_tls, tls_by};
use crate::config::ready::{CatalogueFrom, Postgres, Privacy, State as Kept};
use crate::config::{Held, Ready, secrets};
use crate::keys::create_folder;
use crate::start_fault::StartFault;
use crate::system::SystemClock;

/// How long to wait before a version that could not be read is read again.
const AGAIN: Duration = Duration::from_secs(1);

/// Opens the state; makes the data folder where its file lies.
pub async fn open(ready: &Ready) -> Result<State, StartFault> {
    let folder = &ready.data;
    create_folder(folder).map_err(|error| StartFault::Data { path: folder.clone(), reason: error.to_string() })?;
    match &ready.state {
        Kept::Sqlite => Ok(State::sqlite(&folder.join(STATE_FILE))?),
        Kept::Postgres(postgres) => Ok(State::postgres(options(postgres)?).await?),
    }
}

pub(crate) fn options(postgres: &Postgres) -> Result<PostgresOptions, StartFault> {
    let transport = match &postgres.privacy {
        Privacy::Plain => Transport::Plain,
        Privacy::Tls(None) => Transport::Tls(system_tls()),
        Privacy::Tls(Some(ca)) => Transport::Tls(tls_by(ca)?),
    };
    let lender = match &postgres.credential {
        Some(reference) => Some(secrets::open(reference).map_err(|why| StartFault::StateCredential(why.to_string()))?),
        None => None,
    };
    let password = lender.map(|lender| {
        let password: gatewright_store::state::Password =
            Arc::new(move || -> Result<Arc<Secret<String>>, String> { lender.lend().map_err(|why| why.to_string()) });
        password
    });
    Ok(PostgresOptions { address: postgres.address.clone(), password, transport, connections: postgres.connections })
}

/// Puts the newest version in the place of a catalogue that lies in the state. Where there is none yet, the files that
/// the configuration names become the first, if they hold here.
pub async fn catalogue(mut ready: Ready, state: &State) -> Result<Ready, StartFault> {
    let CatalogueFrom::Store { import } = &ready.catalogue else { return Ok(ready) };
    let held = match (newest(state).await?, import) {
        (Some(held), _) => held,
        (None, Some(import)) => {
            let held = Held::bundle(import).map_err(StartFault::Configuration)?;
            let trial = Ready { catalogue: CatalogueFrom::Held(held.clone()), ..ready.clone() };
            crate::config::Loaded::assemble(trial, Vec::new()).map_err(StartFault::Configuration)?;
            first(state, held).await?
        }
        (None, None) => return Err(StartFault::NoVersion),
    };
    ready.catalogue = CatalogueFrom::Held(held);
    Ok(ready)
}

async fn first(state: &State, held: Held) -> Result<Held, StartFault> {
    let new = NewPolicy {
        parent: 0,
        digest: held.digest,
        files: held.files().to_vec(),
        author: Author::Machine,
        at: SystemClock.now(),
        reason: "the first version, from files".into(),
        origin: Origin::Files,
    };
    match state.policies().append(new).await {
        Ok(version) => Ok(held.numbered(version.number)),
        // Another replica started at the same time and was faster; its version counts.
        Err(StateError::Conflict(_)) => newest(state).await?.ok_or(StartFault::NoVersion),
        Err(error) => Err(error.into()),
    }
}

/// The newest version with its files.
async fn newest(state: &State) -> Result<Option<Held>, StateError> {
    let Some(newest) = state.policies().newest().await? else { return Ok(None) };
    let Some((version, files)) = state.policies().version(newest.number).await? else { return Ok(None) };
    let held = Held::new(version.number, files).ok().filter(|held| held.digest == version.digest);
    held.map(Some).ok_or_else(|| StateError::Fault("a version's files are not those that were stored".into()))
}

/// Hands over each new version. The newest counts: one that another follows at once may be left out.
pub(crate) async fn follow(state: State, versions: watch::Sender<Held>) {
    let mut changes = state.changes();
    loop {
        match newest(&state).await {
            Ok(Some(held)) if held.version != versions.borrow().version => {
                tracing::info!(version = held.version, "a new version of the catalogue is there");
                versions.send_replace(held);
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "the newest version of the catalogue cannot be read; the last one goes on");
                tokio::time::sleep(AGAIN).await;
                continue;
            }
        }
        loop {
            match changes.next().await {
                Heard::Everything => break,
                Heard::Change(change) if change.topic == Topic::Policies => break,
                Heard::Change(_) => {}
                Heard::Closed => return,
            }
        }
    }
}
