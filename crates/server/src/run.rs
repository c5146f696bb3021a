//! The gateway as a process: what starts in which order, what runs beside it, and how it ends.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use gatewright_admin::{Access, Authority, Bench, Notifications, Part, Policies, Reviews, Shadows, WhoAmI};
use gatewright_dial::{Dial, Roots};
use gatewright_gateway::{Gateway, Holds, Inbound, Lending, Lent, Outbound, Parts, Room, SecondLook, Stages, Threads};
use gatewright_identity::Identities;
use gatewright_model::{Clock, Entropy, Event, Moment};
use gatewright_notify::Office;
use gatewright_store::bucket::Copier;
use gatewright_store::disk::RealDisk;
use gatewright_store::log::{Log, LogState, OpenError, Options, Start};
use gatewright_store::quotas::Memory;
use gatewright_store::sessions::Indexer;
use gatewright_store::state::State;
use http::{Request, Response};
use hyper::body::Incoming;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::assemble::world;
use crate::authority::LiveAuthority;
use crate::bench::{self, LiveBench};
use crate::bucket;
use crate::commands::{Outcome, complain};
use crate::config::ready::CatalogueFrom;
use crate::config::{Change, Loaded, Ready, Reloader, Side};
use crate::console::{LiveDoor, operators_side};
use crate::grants;
use crate::judge::LiveJudge;
use crate::keys::{DeploymentKeys, create_folder};
use crate::listen::{self, Bounds, Drain, Front, Peer, ReloadingTls, Serve, Workers};
use crate::notifications::{SlackHook, channels, office};
use crate::readiness::Readiness;
use crate::shadow::LiveShadow;
use crate::start_fault::StartFault;
use crate::state;
use crate::system::{SystemClock, SystemEntropy};
use crate::telemetry::Telemetry;
use crate::witness::ask_witnesses;

/// How long a gateway whose recorder broke goes on saying why, before it exits.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How long the start waits for a first answer of the identity providers.
const FIRST_KEYS: Duration = Duration::from_millis(1_500);

/// The most threads that answer callers; a machine with more cores has other work for them.
const MOST_WORKERS: usize = 64;

/// How often refusals of strangers are told to the log.
const STRANGERS: Duration = Duration::from_secs(1);

/// Runs a command's future to its end, on a runtime of its own.
pub fn on_runtime(command: impl Future<Output = Outcome>) -> Outcome {
    // The one cryptographic provider of the process; a second call finds it installed.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("gatewright").build();
    match runtime {
        Ok(runtime) => {
            let outcome = runtime.block_on(command);
            runtime.shutdown_timeout(Duration::from_secs(1));
            outcome
        }
        Err(error) => complain(Outcome::Internal, &format!("no runtime: {error}")),
    }
}

/// A gateway that serves.
pub struct Running {
    gateway: Arc<Gateway>,
    holds: Arc<Holds>,
    lending: Option<Arc<Lending>>,
    log: Log,
    data: Open,
    admin: Open,
    grace: Duration,
    readiness: Arc<Readiness>,
    beside: JoinSet<()>,
    indexer: Indexer,
    copier: Option<Copier>,
    workers: Workers,
}

/// A listener that is being answered on.
struct Open {
    running: listen::Running,
    address: SocketAddr,
    secure: bool,
}

impl Open {
    fn url(&self) -> String {
        format!("{}://{}", if self.secure { "https" } else { "http" }, self.address)
    }
}

/// The callers' side.
struct DataSide {
    gateway: Arc<Gateway>,
    drain: gatewright_gateway::Drain,
}

impl Serve for DataSide {
    type Body = Outbound;

    async fn serve(&self, request: Request<Incoming>, peer: Peer) -> Response<Outbound> {
        let (head, body) = request.into_parts();
        // In a box: a journey is large, and what the listener makes of it is handed on several times before it runs.
        Box::pin(self.gateway.serve(head, Inbound::Wire(body), peer.address, &self.drain)).await
    }
}

impl Running {
    /// Starts a gateway. Nothing is answered before everything that an answer relies on is there.
    pub async fn start(loaded: Loaded, shared: State, watched: Watched) -> Result<Self, StartFault> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        let folder = loaded.ready.data.clone();
        create_folder(&folder).map_err(|error| StartFault::Data { path: folder.clone(), reason: error.to_string() })?;
        let keys = DeploymentKeys::open(&folder.join("keys"), &*entropy)?;
        let identities = identities(&loaded, &clock)?;
        let tls = (
            certificate(loaded.ready.data_listener.tls.as_ref())?,
            certificate(loaded.ready.admin_listener.tls.as_ref())?,
        );
        let (data_port, admin_port) =
            (port(loaded.ready.data_listener.address)?, port(loaded.ready.admin_listener.address)?);
        let log = open_log(&loaded, &clock, &entropy)?;
        // Before the indexer's thread begins, so that only one writes to the index.
        let quotas = Memory::recount(&folder, &log)
            .map_err(|error| StartFault::Data { path: folder.clone(), reason: error.to_string() })?;
        let indexer = Indexer::start(&folder, &log)
            .map_err(|error| StartFault::Data { path: folder.clone(), reason: error.to_string() })?;
        let copier = bucket::copy(loaded.ready.bucket.as_ref(), &folder, &log)?;
        let telemetry = Telemetry::new(&loaded);
        telemetry.follow_log(&log);
        let ready = loaded.ready.clone();
        let versions = match &ready.catalogue {
            CatalogueFrom::Held(held) => Some(watch::channel(held.clone())),
            CatalogueFrom::Path(_) | CatalogueFrom::Store { .. } => None,
        };
        let reloader = match watched {
            Watched::Files => {
                let listeners = [(Side::Data, tls.0.clone()), (Side::Admin, tls.1.clone())];
                let listeners = listeners.into_iter().filter_map(|(side, tls)| Some((side, tls?))).collect();
                Some(
                    Reloader::start(&loaded, listeners, versions.as_ref().map(|(_, held)| held.clone()))
                        .map_err(StartFault::Signals)?,
                )
            }
            Watched::Nothing => None,
        };
        let second_look = SecondLook::start(log.clone(), Arc::clone(&clock)).map_err(StartFault::Threads)?;
        second_look.recheck_one_of(ready.recheck);
        let second_look = Arc::new(second_look);
        telemetry.follow_second_look(&second_look);
        let lent = Arc::new(Lent::default());
        let world = world(loaded, Arc::clone(&identities), Arc::clone(&lent), 1, stages())?;
        let link = approvals_link(&ready, &admin_port);
        let office = office(&ready, &shared, link.clone(), &log, &telemetry, &clock, &entropy)?;
        let holds = Arc::new(Holds::new(shared.clone(), &keys.approvals, link, Room::default()));
        let lending = ready.call_tokens.as_ref().map(|lent| {
            let (clock, entropy) = (Arc::clone(&clock), Arc::clone(&entropy));
            Arc::new(Lending::new(&shared, &keys.call_tokens, (lent.issuer.as_str(), lent.lasts), clock, entropy))
        });
        let gateway = Arc::new(Gateway::new(Parts {
            world,
            log: log.clone(),
            threads: Threads::new(&keys.threads),
            audience: telemetry.audience(),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
            quotas: Arc::new(quotas),
            owned: Arc::clone(shared.owned()),
            holds: Some(Arc::clone(&holds)),
            lending: lending.clone(),
            second_look: Some(Arc::clone(&second_look)),
            pseudonym_key: keys.pseudonyms,
        }));
        identities.start();
        // Whoever reads that the gateway is ready may call at once, so a first look for the issuers' keys comes before.
        // An issuer that does not answer delays the start by no more than this; `/readyz` names it.
        let _ = tokio::time::timeout(FIRST_KEYS, identities.tried()).await;
        let status = reloader.as_ref().map(Reloader::status);
        let lag = copier.as_ref().map(Copier::lag);
        let readiness = Readiness::new(Arc::clone(&gateway), log.clone(), shared.clone(), status, lag);
        readiness.watch(Arc::clone(&second_look));
        let bounds = Bounds::from(&ready.limits);
        let data_drain = Drain::new();
        let cutting = data_drain.clone();
        let data_side = DataSide {
            gateway: Arc::clone(&gateway),
            drain: gatewright_gateway::Drain::new(move || cutting.is_cutting()),
        };
        let authority = Arc::new(LiveAuthority::new(Arc::clone(&gateway), log.clone(), Arc::clone(&clock)));
        let bench = Arc::new(LiveBench::new(Arc::clone(&gateway), Arc::clone(&holds), Arc::clone(&clock)));
        let asked = Arc::clone(&authority) as Arc<dyn Authority>;
        let for_access = Arc::clone(&bench) as Arc<dyn Bench>;
        let reviews = Arc::new(Reviews::new(Arc::clone(&asked), bench, shared.clone(), Arc::clone(&clock)));
        let hook = SlackHook::new(Arc::clone(&office), Arc::clone(&reviews), Arc::clone(&asked), Arc::clone(&clock));
        let access = Access::new(Arc::clone(&asked), for_access, &shared, Arc::clone(&clock), Arc::clone(&entropy));
        let told = Notifications::new(&shared);
        let mut parts: Vec<Arc<dyn Part>> =
            vec![Arc::new(WhoAmI::new(asked)), reviews, Arc::new(access), Arc::new(told)];
        let running = Arc::new(ArcSwap::from_pointee(ready.clone()));
        let judge = Arc::new(LiveJudge::new(Arc::clone(&running)));
        let shadow = (Arc::clone(&gateway), Arc::clone(&second_look), Arc::clone(&running), Arc::clone(&clock));
        let shadow = Arc::new(LiveShadow::new(shadow.0, shadow.1, shadow.2, shadow.3));
        let (judging, looking) = (Arc::clone(&judge), Arc::clone(&shadow));
        let asked = Arc::clone(&authority) as Arc<dyn Authority>;
        parts.push(Arc::new(Shadows::new(shared.clone(), judging, looking, asked, Arc::clone(&clock))));
        if versions.is_some() {
            let authority = Arc::clone(&authority) as Arc<dyn Authority>;
            parts.push(Arc::new(Policies::new(shared.clone(), judge, authority, Arc::clone(&clock))));
        }
        let admin_api = telemetry.admin(&readiness, &ready).serving(authority, parts);
        let (door, admin_side) = operators_side(admin_api, &ready, keys.console, &clock, &entropy)?;
        let admin_side = admin_side.with_hook(hook);
        let workers = Workers::start(MOST_WORKERS).map_err(StartFault::Threads)?;
        let here = [Handle::current()];
        let counts = telemetry.counts();
        let data = Front { listener: data_port, tls: tls.0, bounds, drain: data_drain, counts: Arc::clone(&counts) };
        let admin = Front { listener: admin_port, tls: tls.1, bounds, drain: Drain::new(), counts };
        let data = open(data, data_side, &workers.runtimes())?;
        let admin = open(admin, admin_side, &here)?;
        let (grace, beside) = (ready.grace, JoinSet::new());
        let configuration = running;
        let tended = bench::tend(Arc::clone(&holds), log.clone(), Arc::clone(&clock));
        let granting = grants::tend(lent, shared.clone(), log.clone(), clock);
        let mut running =
            Self { gateway, holds, lending, log, data, admin, grace, readiness, beside, indexer, copier, workers };
        running.tell_strangers();
        running.beside.spawn(tended);
        running.beside.spawn(granting);
        running.tend_leases();
        let (announcing, delivering) = (Arc::clone(&office), Arc::clone(&office));
        running.beside.spawn(async move { announcing.announce().await });
        running.beside.spawn(delivering.deliver());
        running.beside.spawn(Arc::clone(&shadow).follow(shared.clone()));
        if let Some((versions, _)) = versions {
            running.beside.spawn(state::follow(shared, versions));
        }
        if let Some(policy) = &ready.witnesses {
            let dial = Dial::new(&Roots::System)?;
            running.beside.spawn(ask_witnesses(running.log.witnessed(), policy.policy.clone(), dial));
        }
        if let Some(reloader) = reloader {
            let live = Live { door, office, configuration, second_look, shadow };
            running.follow(reloader, identities, telemetry, live);
        }
        Ok(running)
    }

    /// Where callers connect.
    pub fn data_url(&self) -> String {
        self.data.url()
    }

    /// Where operators connect.
    pub fn admin_url(&self) -> String {
        self.admin.url()
    }

    /// Looks after what is lent, where anything is.
    fn tend_leases(&mut self) {
        let Some(lending) = self.lending.clone() else { return };
        let (gateway, log) = (Arc::clone(&self.gateway), self.log.clone());
        self.beside.spawn(async move { lending.tend(|| gateway.world(), &log).await });
    }

    fn tell_strangers(&mut self) {
        let gateway = Arc::clone(&self.gateway);
        self.beside.spawn(async move {
            let mut ticks = tokio::time::interval(STRANGERS);
            loop {
                ticks.tick().await;
                // A log that is busy or broken says so where it matters; the counts go on.
                let _ = gateway.tell_strangers();
            }
        });
    }

    /// Puts each new configuration that holds in the place of the one that runs.
    fn follow(&mut self, mut reloader: Reloader, mut identities: Arc<Identities>, telemetry: Telemetry, live: Live) {
        let (gateway, log) = (Arc::clone(&self.gateway), self.log.clone());
        let status = reloader.status();
        self.beside.spawn(async move {
            loop {
                match reloader.next().await {
                    Change::Replaced { loaded, restart } => {
                        for setting in restart {
                            tracing::warn!(setting, "this change counts only after a restart");
                        }
                        let ready = Arc::new(loaded.ready.clone());
                        let replaced = match channels(&ready) {
                            Ok(told) => replace(&gateway, &log, *loaded, &identities).await.map(|new| (new, told)),
                            Err(fault) => Err(fault),
                        };
                        match replaced {
                            Ok((new, told)) => {
                                identities = new;
                                live.replace(ready, told, gateway.world().epoch);
                                telemetry.reloaded(Ok(()));
                            }
                            Err(fault) => {
                                status.unused(&fault);
                                tracing::error!(%fault, "the new configuration cannot run; the last good one goes on");
                                telemetry.reloaded(Err(()));
                            }
                        }
                    }
                    Change::Certificates => tracing::info!("certificates replaced"),
                    Change::Refused(faults) => {
                        for fault in faults {
                            tracing::error!(%fault, "the configuration on disk does not hold; the last good one goes on");
                        }
                        telemetry.reloaded(Err(()));
                    }
                }
            }
        });
    }

    /// Serves until a signal or the recorder's end, then drains in order: no new connections, grace for open answers,
    /// cut the rest, and only then close the log.
    pub async fn until_stopped(mut self) -> Outcome {
        let mut broken = self.log.watch();
        let outcome = tokio::select! {
            () = signalled() => Outcome::Holds,
            _ = broken.wait_for(|state| matches!(state, LogState::Broken(_))) => {
                let why = match self.log.state() {
                    LogState::Broken(why) => why.to_string(),
                    LogState::Healthy | LogState::Closed => "the recorder stopped".to_owned(),
                };
                tracing::error!(%why, "nothing more is served; the gateway exits in a few seconds");
                tokio::time::sleep(LAST_WORDS).await;
                Outcome::Internal
            }
        };
        self.readiness.draining();
        // What waits for people is told to ask again; the approval stays.
        self.holds.close();
        let grace = if outcome == Outcome::Holds { self.grace } else { Duration::ZERO };
        let finished = self.data.running.finish(grace).await;
        if finished.cut > 0 {
            tracing::warn!(cut = finished.cut, "open answers were cut");
        }
        // Nothing runs on them any more: every connection and every answer has ended or was cut.
        drop(self.workers);
        self.beside.shutdown().await;
        if let Some(lending) = &self.lending {
            lending.end_all(&self.gateway.world(), &self.log).await;
        }
        let _ = self.gateway.tell_strangers();
        let _ = self.admin.running.finish(Duration::from_millis(100)).await;
        // What the index has not seen is read from the log by whoever asks.
        drop(self.indexer);
        let closed = self.log.close().await;
        // Once the log has its last record: the bucket is given that too. It waits for the bucket on a thread of its own.
        let _ = tokio::task::spawn_blocking(move || drop(self.copier)).await;
        match closed {
            Ok(()) => outcome,
            Err(why) => complain(Outcome::Internal, &why),
        }
    }
}

/// What a reload puts in the place of what was, besides the world.
struct Live {
    door: Arc<LiveDoor>,
    office: Arc<Office>,
    configuration: Arc<ArcSwap<Ready>>,
    second_look: Arc<SecondLook>,
    shadow: Arc<LiveShadow>,
}

impl Live {
    fn replace(&self, ready: Arc<Ready>, told: Vec<gatewright_notify::Channel>, epoch: u64) {
        self.door.replace(ready.issuers.clone());
        self.office.replace(told);
        self.second_look.recheck_one_of(ready.recheck);
        self.configuration.store(ready);
        self.shadow.turned(epoch);
    }
}

/// Where changes of the configuration come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watched {
    /// From the files that it was read from, and SIGHUP.
    Files,
    /// From nowhere.
    Nothing,
}

fn certificate(files: Option<&crate::config::ready::CertificateFiles>) -> Result<Option<ReloadingTls>, StartFault> {
    Ok(files.map(ReloadingTls::open).transpose()?)
}

/// What an approval's id is appended to, for people: where the admin side says that people reach it, else the first name
/// that it goes by, else its address.
fn approvals_link(ready: &Ready, port: &tokio::net::TcpListener) -> String {
    let listener = &ready.admin_listener;
    if let Some(url) = &listener.url {
        return format!("{}/approvals/", url.trim_end_matches('/'));
    }
    let scheme = if listener.tls.is_some() { "https" } else { "http" };
    let address = port.local_addr().unwrap_or(listener.address);
    match listener.hosts.first() {
        Some(host) => format!("{scheme}://{host}:{}/approvals/", address.port()),
        None => format!("{scheme}://{address}/approvals/"),
    }
}

fn port(address: SocketAddr) -> Result<tokio::net::TcpListener, StartFault> {
    listen::bind(address).map_err(|error| StartFault::Listener { address, reason: error.to_string() })
}

fn open<S: Serve>(front: Front, side: S, runtimes: &[Handle]) -> Result<Open, StartFault> {
    let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
    let address = front
        .listener
        .local_addr()
        .map_err(|error| StartFault::Listener { address: unknown, reason: error.to_string() })?;
    let secure = front.tls.is_some();
    Ok(Open { running: front.serve_on(Arc::new(side), runtimes), address, secure })
}

fn identities(loaded: &Loaded, clock: &Arc<dyn Clock>) -> Result<Arc<Identities>, StartFault> {
    let dial = Dial::new(&Roots::System)?;
    let issuers = loaded.ready.issuers.values().map(|issuer| issuer.tokens.clone()).collect();
    Identities::new(issuers, dial, Arc::clone(clock)).map(Arc::new).map_err(StartFault::Issuers)
}

/// Opens the log, whose first record says which gateway this is.
fn open_log(loaded: &Loaded, clock: &Arc<dyn Clock>, entropy: &Arc<dyn Entropy>) -> Result<Log, StartFault> {
    let folder = &loaded.ready.data;
    let start = Start {
        build: env!("CARGO_PKG_VERSION").into(),
        configuration: loaded.ready.digest,
        catalogue: loaded.catalogue.digest(),
    };
    let options = Options { start, ..Options::default() };
    let disk = Arc::new(RealDisk::new(folder));
    let (log, recovered) =
        Log::open(disk, options, Arc::clone(clock), Arc::clone(entropy)).map_err(|error| match error {
            OpenError::InUse => StartFault::InUse(folder.clone()),
            other => StartFault::Log(other.to_string()),
        })?;
    if recovered.torn_bytes > 0 || !recovered.interrupted.is_empty() {
        let (torn_bytes, interrupted) = (recovered.torn_bytes, recovered.interrupted.len());
        tracing::warn!(torn_bytes, interrupted, "the last run was cut off; its records were recovered");
    }
    Ok(log)
}

/// Every step of the journey; a benchmark's build may leave some out, to show what each costs.
fn stages() -> Stages {
    #[cfg(feature = "bench-layers")]
    {
        let layers = std::env::var("GATEWRIGHT_BENCH_LAYERS").unwrap_or_default();
        match layers.as_str() {
            "plain" => return Stages::danger_first(0),
            "identity" => return Stages::danger_first(1),
            "policy" => return Stages::danger_first(2),
            "masking" => return Stages::danger_first(3),
            _ => {}
        }
    }
    Stages::ALL
}

/// Puts a new configuration in the place of the one that runs, and says so in the log.
async fn replace(
    gateway: &Gateway,
    log: &Log,
    loaded: Loaded,
    identities: &Identities,
) -> Result<Arc<Identities>, StartFault> {
    let issuers = loaded.ready.issuers.values().map(|issuer| issuer.tokens.clone()).collect();
    let identities = identities.successor(issuers).map(Arc::new).map_err(StartFault::Issuers)?;
    let epoch = gateway.world().epoch + 1;
    let (configuration, catalogue) = (loaded.ready.digest, loaded.catalogue.digest());
    let lent = Arc::clone(&gateway.world().lent);
    let world = world(loaded, Arc::clone(&identities), lent, epoch, stages())?;
    let event = Event::Reloaded { epoch, configuration, catalogue };
    log.note(None, vec![Moment { at: SystemClock.now(), event }])
        .await
        .map_err(|why| StartFault::Log(why.to_string()))?;
    identities.start();
    gateway.replace_world(world);
    tracing::info!(epoch, "a new configuration runs");
    Ok(identities)
}

/// Returns when the process is asked to stop.
pub async fn signalled() {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        // Without handlers the signals do what they do by default, which is to stop the process.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
