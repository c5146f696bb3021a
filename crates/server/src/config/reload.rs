use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::ready::{CatalogueFrom, CertificateFiles};
use super::watch::Watch;
use super::{Fault, Held, Loaded, Ready};
use crate::listen::certificate::ReloadingTls;

/// What has become of the configuration on disk.
#[derive(Debug)]
pub enum Change {
    /// It holds and differs: what should run from now on.
    Replaced {
        /// All of it.
        loaded: Box<Loaded>,
        /// Settings that differ and count only after a restart.
        restart: Vec<&'static str>,
    },
    /// A certificate or its key was replaced, and nothing else; the listeners use it already.
    Certificates,
    /// It does not hold. The last good one goes on.
    Refused(Vec<Fault>),
}

/// Watches a configuration, its catalogue and its certificates, and reads them again when they change or on SIGHUP.
pub struct Reloader {
    path: PathBuf,
    running: Ready,
    fingerprint: Fingerprint,
    /// What the next load can use again of the last good one.
    earlier: gatewright_policy::Earlier,
    watch: Watch,
    hangup: Signal,
    listeners: Vec<(Side, ReloadingTls)>,
    versions: Option<watch::Receiver<Held>>,
    status: Arc<ReloaderStatus>,
}

/// Which listener a certificate belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The callers'.
    Data,
    /// The operators'.
    Admin,
}

/// The content that a configuration was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint {
    /// Of everything but certificates.
    pub(super) world: gatewright_model::Digest,
    /// Of the certificates and their keys.
    pub(super) certificates: gatewright_model::Digest,
    /// The catalogue's version in the store.
    pub(super) held: Option<(u64, gatewright_model::Digest)>,
}

/// Whether the configuration on disk is the one that runs; readiness tells it.
#[derive(Debug, Default)]
pub struct ReloaderStatus(RwLock<Option<String>>);

impl ReloaderStatus {
    /// Why the configuration on disk does not run; `None` where it does.
    pub fn note(&self) -> Option<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says that a configuration which holds could not be put into use after all. The next good one clears it.
    pub fn unused(&self, why: impl std::fmt::Display) {
        self.set(Some(format!("the configuration on disk could not be put into use ({why}); the last good one runs")));
    }

    fn set(&self, note: Option<String>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = note;
    }
}

impl Reloader {
    /// Watches what `loaded` was made from. `listeners` are handed new certificates as they come. Needs a runtime; fails
    /// where SIGHUP cannot be listened for.
    ///
    /// A catalogue in the store is taken from `versions`, and read again when they change.
    pub fn start(
        loaded: &Loaded,
        listeners: Vec<(Side, ReloadingTls)>,
        versions: Option<watch::Receiver<Held>>,
    ) -> std::io::Result<Self> {
        Ok(Self {
            path: loaded.ready.file.clone(),
            running: loaded.ready.clone(),
            fingerprint: loaded.fingerprint,
            earlier: loaded.catalogue.earlier(),
            watch: Watch::over(loaded.files.clone()),
            hangup: signal(SignalKind::hangup())?,
            listeners,
            versions,
            status: Arc::default(),
        })
    }

    /// Whether the configuration on disk is the one that runs.
    pub fn status(&self) -> Arc<ReloaderStatus> {
        Arc::clone(&self.status)
    }

    /// Waits for the next change. A touched file with the same content is none, except after SIGHUP. Cancelling between
    /// two changes loses nothing.
    pub async fn next(&mut self) -> Change {
        loop {
            let asked = tokio::select! {
                () = self.watch.changed() => false,
                Some(()) = self.hangup.recv() => true,
                () = another(&mut self.versions) => false,
            };
            if let Some(change) = self.look(asked).await {
                return change;
            }
        }
    }

    async fn look(&mut self, asked: bool) -> Option<Change> {
        let (path, earlier) = (self.path.clone(), self.earlier.clone());
        let held = self.versions.as_ref().map(|versions| versions.borrow().clone());
        let read = tokio::task::spawn_blocking(move || super::load_after(&path, &earlier, held)).await;
        let read = read.unwrap_or_else(|_| Err(vec![panicked(&self.path)]));
        let loaded = match read {
            Ok(loaded) => loaded,
            Err(faults) => return Some(self.refuse(faults)),
        };
        let certificates = self.fingerprint.certificates != loaded.fingerprint.certificates;
        let of_world = |fingerprint: &Fingerprint| (fingerprint.world, fingerprint.held);
        let world = asked || of_world(&self.fingerprint) != of_world(&loaded.fingerprint);
        if (world || certificates)
            && let Err(fault) = self.hand_over_certificates(&loaded.ready)
        {
            return Some(self.refuse(vec![fault]));
        }
        self.status.set(None);
        self.watch.follow(loaded.files.clone());
        self.fingerprint = loaded.fingerprint;
        self.earlier = loaded.catalogue.earlier();
        if world {
            let restart = needs_restart(&self.running, &loaded.ready);
            return Some(Change::Replaced { loaded: Box::new(loaded), restart });
        }
        certificates.then_some(Change::Certificates)
    }

    fn refuse(&self, faults: Vec<Fault>) -> Change {
        for fault in &faults {
            tracing::error!(%fault, "the configuration on disk is refused; the last good one goes on");
        }
        let first = faults.first().map(ToString::to_string).unwrap_or_default();
        let note =
            format!("the configuration on disk is refused ({} faults; {first}); the last good one runs", faults.len());
        self.status.set(Some(note));
        Change::Refused(faults)
    }

    fn hand_over_certificates(&self, ready: &Ready) -> Result<(), Fault> {
        for (side, tls) in &self.listeners {
            let Some(files) = certificate_of(ready, *side) else { continue };
            tls.reload(files).map_err(|fault| Fault {
                file: files.certificate.display().to_string(),
                line: 0,
                column: 0,
                message: fault.to_string(),
            })?;
        }
        Ok(())
    }
}

/// Returns when another version is at hand; never where versions come from nowhere.
async fn another(versions: &mut Option<watch::Receiver<Held>>) {
    if let Some(versions) = versions
        && versions.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

fn certificate_of(ready: &Ready, side: Side) -> Option<&CertificateFiles> {
    match side {
        Side::Data => ready.data_listener.tls.as_ref(),
        Side::Admin => ready.admin_listener.tls.as_ref(),
    }
}

/// What a running gateway cannot take over: its ports are bound, its folder is locked, its log is open.
fn needs_restart(running: &Ready, new: &Ready) -> Vec<&'static str> {
    let bound = |ready: &Ready| {
        let of = |listener: &super::ready::Listener| (listener.address, listener.tls.is_some(), listener.hosts.clone());
        (of(&ready.data_listener), of(&ready.admin_listener))
    };
    let per_connection = |ready: &Ready| {
        let limits = ready.limits;
        (
            limits.header_bytes,
            limits.header_count,
            limits.header_timeout,
            limits.write_timeout,
            limits.connections,
            limits.streams,
        )
    };
    let mut restart = Vec::new();
    if bound(running) != bound(new) {
        restart.push("listen");
    }
    if running.data != new.data {
        restart.push("data");
    }
    if running.state != new.state {
        restart.push("state");
    }
    if matches!(running.catalogue, CatalogueFrom::Held(_)) != matches!(new.catalogue, CatalogueFrom::Held(_)) {
        restart.push("where the catalogue is");
    }
    if running.call_tokens != new.call_tokens {
        restart.push("call_tokens");
    }
    if running.log != new.log {
        restart.push("log");
    }
    if per_connection(running) != per_connection(new) {
        restart.push("limits of connections");
    }
    if running.answers != new.answers || running.bucket != new.bucket {
        restart.push("records");
    }
    restart
}

fn panicked(path: &std::path::Path) -> Fault {
    let message = "reading the configuration broke off; the log says where".to_owned();
    Fault { file: path.display().to_string(), line: 0, column: 0, message }
}
