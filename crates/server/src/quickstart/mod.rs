//! The quickstart: a configuration of its own making, a demo identity provider, and a demo model server unless a real
//! one is given. What runs is read from the same text that `--eject` writes.

mod files;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gatewright_demo::issuer::{Issuer, OpenFault};
use gatewright_demo::model_server::ModelServer;
use gatewright_model::ConnectionName;
use gatewright_upstream::lend::{BadReference, Reference};
use gatewright_upstream::reach::{BadOrigin, Origin, Timeouts};
use gatewright_upstream::{Outgoing, Upstreams};
use http::Method;
use http::header::AUTHORIZATION;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::commands::quickstart::Wanted;
use crate::config::{Loaded, Purpose, parse};
use crate::system::{SystemClock, SystemEntropy};
use files::{Plan, Server, catalogue, configuration};

/// Where the demo issuer listens where it can; any free port where it cannot.
const ISSUER_PORT: u16 = 8082;

/// The longest list of models that is read.
const LONGEST_LIST: usize = 1 << 20;

/// Why there is no quickstart.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// What it wrote itself does not hold: a model's name, most likely.
    #[error("the quickstart's configuration does not hold: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Configuration(Vec<crate::config::Fault>),
    /// The given model server cannot be used.
    #[error("the model server cannot be used: {0}")]
    Upstream(String),
    /// A port cannot be bound.
    #[error("cannot listen on {address}: {reason}")]
    Listener {
        /// Where.
        address: SocketAddr,
        /// Why.
        reason: String,
    },
    /// `--upstream-key` is no reference.
    #[error("--upstream-key: {0}")]
    Reference(#[from] BadReference),
    /// The data folder cannot be used.
    #[error("the data folder {path} cannot be used: {reason}")]
    Data {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The demo issuer cannot run.
    #[error("the demo identity provider cannot run: {0}")]
    Issuer(#[from] OpenFault),
}

/// Everything that a quickstart runs on, ready.
pub struct Prepared {
    /// The configuration and the catalogue, read back from their files and compiled.
    pub loaded: Loaded,
    /// Models that alice may use.
    pub allowed: Vec<String>,
    /// Models that she may not.
    pub denied: Vec<String>,
    /// The servers that run beside the gateway; `None` where the files are only written.
    pub demo: Option<Demo>,
}

/// The demo servers; they stop when this is dropped.
pub struct Demo {
    /// The identity provider.
    pub issuer: Arc<Issuer>,
    _stop: watch::Sender<()>,
}

/// Starts the demo servers and makes the configuration; where the files are only written, starts nothing.
pub async fn prepare(wanted: &Wanted) -> Result<Prepared, Fault> {
    let folder = wanted.eject.clone().unwrap_or_else(|| wanted.data.join("demo"));
    let unusable = |error: std::io::Error| Fault::Data { path: folder.clone(), reason: error.to_string() };
    if wanted.eject.is_none() {
        crate::keys::create_folder(&wanted.data).map_err(unusable)?;
    }
    crate::keys::create_folder(&folder).map_err(unusable)?;
    let (stop, stopping) = watch::channel(());
    let (server, models) = match (&wanted.upstream, &wanted.eject) {
        (Some(url), _) => given_server(url, wanted.upstream_key.as_deref()).await?,
        (None, None) => demo_server(stopping.clone()).await?,
        (None, Some(_)) => (Server::Demo { url: "http://127.0.0.1:8000".to_owned() }, demo_models()),
    };
    let (issuer, demo) = match wanted.eject {
        Some(_) => (format!("http://127.0.0.1:{ISSUER_PORT}"), None),
        None => {
            let (url, issuer) = issuer(&folder, stopping).await?;
            (url, Some(Demo { issuer, _stop: stop }))
        }
    };
    let allowed = allowed(&models);
    let denied: Vec<String> = models.iter().filter(|model| !allowed.contains(model)).cloned().collect();
    let plan = Plan {
        data_listener: wanted.listen,
        admin_listener: wanted.admin,
        data: wanted.data.display().to_string(),
        issuer,
        server,
        models,
    };
    let (configuration, catalogue) = (configuration(&plan), catalogue(&plan, &allowed));
    let loaded = loaded(&configuration, &catalogue, &folder, &wanted.data)?;
    Ok(Prepared { loaded, allowed, denied, demo })
}

/// Which models alice may use: of the demo's those of the starter catalogue; of a real server's `sales-forecast`, else
/// the first by name, and no other.
fn allowed(models: &[String]) -> Vec<String> {
    let starter: Vec<String> =
        models.iter().filter(|model| files::STARTER_ALLOWED.contains(&model.as_str())).cloned().collect();
    if starter.is_empty() { models.iter().min().cloned().into_iter().collect() } else { starter }
}

/// Writes the files and reads them back: what runs is what they say.
fn loaded(configuration: &str, catalogue: &str, folder: &Path, data: &Path) -> Result<Loaded, Fault> {
    let file = folder.join("gatewright.yaml");
    let written =
        std::fs::write(&file, configuration).and_then(|()| std::fs::write(folder.join("catalogue.yaml"), catalogue));
    written.map_err(|error| Fault::Data { path: folder.to_owned(), reason: error.to_string() })?;
    let (mut ready, warnings) = parse(configuration, &file, Purpose::Serve).map_err(Fault::Configuration)?;
    // The written path is meant from the folder in which the quickstart was started.
    ready.data = data.to_owned();
    // The terminal is the person's; calls are told by `sessions list`.
    ready.log.access = false;
    Loaded::assemble(ready, warnings).map_err(Fault::Configuration)
}

fn demo_models() -> Vec<String> {
    ModelServer::new().models().iter().map(|model| (*model).to_owned()).collect()
}

async fn bind(address: SocketAddr) -> Result<TcpListener, Fault> {
    TcpListener::bind(address).await.map_err(|error| Fault::Listener { address, reason: error.to_string() })
}

fn local(listener: &TcpListener) -> Result<String, Fault> {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let address = listener.local_addr().map_err(|error| Fault::Listener { address: any, reason: error.to_string() })?;
    Ok(format!("http://{address}"))
}

async fn demo_server(mut stopping: watch::Receiver<()>) -> Result<(Server, Vec<String>), Fault> {
    let listener = bind((Ipv4Addr::LOCALHOST, 0).into()).await?;
    let url = local(&listener)?;
    let server = ModelServer::new();
    let models = server.models().iter().map(|model| (*model).to_owned()).collect();
    tokio::spawn(async move {
        let stop = async move {
            let _ = stopping.changed().await;
        };
        server.serve(listener, stop).await
    });
    Ok((Server::Demo { url }, models))
}

async fn issuer(folder: &Path, mut stopping: watch::Receiver<()>) -> Result<(String, Arc<Issuer>), Fault> {
    let preferred = SocketAddr::from((Ipv4Addr::LOCALHOST, ISSUER_PORT));
    let listener = match bind(preferred).await {
        Ok(listener) => listener,
        Err(_) => bind((Ipv4Addr::LOCALHOST, 0).into()).await?,
    };
    let url = local(&listener)?;
    let issuer = Arc::new(Issuer::open(folder, &url, Arc::new(SystemClock), Arc::new(SystemEntropy))?);
    let serving = Arc::clone(&issuer);
    tokio::spawn(async move {
        let stop = async move {
            let _ = stopping.changed().await;
        };
        serving.serve(listener, stop).await
    });
    Ok((url, issuer))
}

/// Asks a real server which models it has.
async fn given_server(url: &str, key: Option<&str>) -> Result<(Server, Vec<String>), Fault> {
    let url = url.trim_end_matches('/');
    let url = url.strip_suffix("/v1").unwrap_or(url);
    let origin = Origin::parse(url).map_err(|bad: BadOrigin| Fault::Upstream(bad.to_string()))?;
    let credential = match key {
        Some(text) => {
            let lender = Reference::parse(text)?
                .open(&|name| std::env::var(name).ok())
                .map_err(|unlent| Fault::Upstream(unlent.to_string()))?;
            Some((AUTHORIZATION, "Bearer ", lender))
        }
        None => None,
    };
    let name = ConnectionName::from("models");
    let mut upstreams = Upstreams::new();
    let tls = crate::assemble::system_tls();
    let timeouts = Timeouts { first_byte: std::time::Duration::from_secs(10), ..Timeouts::default() };
    upstreams.add(name.clone(), origin, credential, timeouts, &tls);
    let models = discover(&upstreams, &name).await?;
    let server = Server::Given { url: url.to_owned(), credential: key.map(str::to_owned) };
    Ok((server, models))
}

async fn discover(upstreams: &Upstreams, name: &ConnectionName) -> Result<Vec<String>, Fault> {
    let question = Outgoing {
        method: Method::GET,
        path: "/v1/models".to_owned(),
        content_type: "".into(),
        accept: "application/json",
        body: bytes::Bytes::new(),
        request_id: "quickstart".to_owned(),
        lent: None,
    };
    let failed = |failure: gatewright_upstream::Failure| Fault::Upstream(failure.to_string());
    let mut reply = upstreams.send(name, question).await.map_err(failed)?;
    if !reply.status.is_success() {
        return Err(Fault::Upstream(format!("it answered {} when asked for its models", reply.status.as_u16())));
    }
    let mut list = Vec::new();
    while let Some(piece) = reply.body.piece().await {
        list.extend_from_slice(&piece.map_err(failed)?);
        if list.len() > LONGEST_LIST {
            return Err(Fault::Upstream("its list of models is longer than 1 MiB".to_owned()));
        }
    }
    let protocol = gatewright_protocols::named("openai").ok_or_else(|| Fault::Upstream("no protocol".to_owned()))?;
    let mut models =
        protocol.discovered(&list).map_err(|_| Fault::Upstream("its list of models is not OpenAI's".to_owned()))?;
    models.sort();
    models.dedup();
    if models.is_empty() { Err(Fault::Upstream("it has no models".to_owned())) } else { Ok(models) }
}
