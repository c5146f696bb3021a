//! From a configuration that holds to the world that journeys are judged by.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gatewright_gateway::{
    Connection, ContentRules, Dataset, Datasets, Leasable, Lent, Limits, Model, Proxies, Stages, World,
};
use gatewright_identity::Identities;
use gatewright_model::{ConnectionName, IssuerName, ModelName};
use gatewright_policy::ModelFacts;
use gatewright_store::roles::RoleServer;
use gatewright_upstream::Upstreams;
use http::header::AUTHORIZATION;
use rustls::RootCertStore;

use crate::config::ready::{AnswerRecords, OpenAnswers, Place};
use crate::config::{ContentDetectors, Loaded, Ready};

/// Why a configuration that holds cannot run here.
#[derive(Debug, thiserror::Error)]
pub enum Unassembled {
    /// A credential cannot be lent.
    #[error("connection `{connection}`: {why}")]
    Credential {
        /// Whose.
        connection: ConnectionName,
        /// Why.
        why: gatewright_upstream::lend::Unlent,
    },
    /// Certificates to trust cannot be read.
    #[error("the certificates to trust in {place} cannot be read: {reason}")]
    Trust {
        /// Where they should be.
        place: String,
        /// Why.
        reason: String,
    },
    /// A database that lends roles cannot be reached as it is written.
    #[error("database `{database}`: {reason}")]
    Database {
        /// Which one.
        database: String,
        /// Why.
        reason: String,
    },
    /// The configuration names a protocol that the gateway does not speak.
    #[error("connection `{0}` has a protocol or dialect that is not known")]
    Protocol(ConnectionName),
}

/// Makes a world of a configuration.
pub fn world(
    loaded: Loaded,
    identities: Arc<Identities>,
    lent: Arc<Lent>,
    epoch: u64,
    stages: Stages,
) -> Result<World, Unassembled> {
    let Loaded { ready, catalogue, detectors, prompt_rules, answer_rules, .. } = loaded;
    let (connections, upstreams) = connections(&ready)?;
    let mut models = HashMap::new();
    for (name, model) in &ready.models {
        if let Some(connection) = connections.get(&model.connection) {
            models.insert(name.clone(), ready_model(name, model, connection));
        }
    }
    let dataset = |dataset: &crate::config::ready::Dataset| match &dataset.place {
        Place::At { connection, collection } => {
            let connection = Arc::clone(connections.get(connection)?);
            Some(Dataset { connection, place: collection.as_str().into() })
        }
        Place::Lent { .. } => None,
    };
    let leasable = leasable(&ready)?;
    let datasets = ready.datasets.iter().filter_map(|(name, written)| Some((name.clone(), dataset(written)?)));
    let datasets = Datasets::new(datasets);
    Ok(World {
        epoch,
        configuration: ready.digest,
        identities,
        policy: catalogue,
        detectors,
        prompt_rules: prompt_rules.map(content_rules),
        answer_rules: answer_rules.map(content_rules),
        connections,
        models,
        currency: ready.currency.as_deref().map(Into::into),
        datasets,
        leasable,
        upstreams,
        limits: Limits {
            body: ready.limits.body_bytes,
            answer: ready.limits.answer_bytes,
            depth: ready.limits.json_depth,
            body_time: ready.limits.body_timeout,
        },
        proxies: Proxies::new(ready.proxies.iter().map(|network| network.parts()).collect()),
        strict_answers: ready.answers == AnswerRecords::Strict,
        stages,
        roles: Default::default(),
        lent,
        cut_at_expiry: cut_at_expiry(&ready),
    })
}

/// The issuers whose callers' answers end with the token, each with how long after its end a token is good.
fn cut_at_expiry(ready: &Ready) -> HashMap<IssuerName, Duration> {
    let cut = ready.issuers.iter().filter(|(_, issuer)| issuer.open_answers == OpenAnswers::Cut);
    cut.map(|(name, issuer)| (name.clone(), issuer.tokens.leeway)).collect()
}

fn content_rules(compiled: ContentDetectors) -> ContentRules {
    ContentRules { detectors: compiled.detectors, rules: compiled.rules }
}

fn ready_model(name: &ModelName, model: &crate::config::ready::Model, connection: &Arc<Connection>) -> Model {
    Model {
        facts: ModelFacts { name: name.clone(), connection: connection.name.clone(), tags: model.tags.clone() },
        connection: Arc::clone(connection),
        upstream: model.upstream.as_str().into(),
        price: model.price,
    }
}

type Connections = HashMap<ConnectionName, Arc<Connection>>;

fn connections(ready: &Ready) -> Result<(Connections, Upstreams), Unassembled> {
    let mut connections = HashMap::new();
    let mut upstreams = Upstreams::new();
    let mut trusted = Trusted::default();
    for (name, written) in &ready.connections {
        let unknown = || Unassembled::Protocol(name.clone());
        let protocol = gatewright_protocols::named(&written.protocol).ok_or_else(unknown)?;
        let dialect = match &written.dialect {
            Some(dialect) => protocol.dialect(dialect).ok_or_else(unknown)?,
            None => Default::default(),
        };
        let credential = match &written.credential {
            Some(reference) => {
                let lender = reference
                    .open(&|name| std::env::var(name).ok())
                    .map_err(|why| Unassembled::Credential { connection: name.clone(), why })?;
                Some((AUTHORIZATION, "Bearer ", lender))
            }
            None => None,
        };
        let tls = trusted.by(written.ca.as_deref())?;
        upstreams.add(name.clone(), written.origin.clone(), credential, written.timeouts, &tls);
        let (trust, call_token) = (written.trust, written.call_token.clone().map(Arc::new));
        let connection = Connection { name: name.clone(), protocol, dialect, trust, call_token };
        connections.insert(name.clone(), Arc::new(connection));
    }
    Ok((connections, upstreams))
}

/// Datasets that are read by a role of their own, and the databases that lend those.
fn leasable(ready: &Ready) -> Result<Leasable, Unassembled> {
    let mut leasable = Leasable::default();
    for (name, written) in &ready.databases {
        let unlent = |reason: String| Unassembled::Database { database: name.clone(), reason };
        let options = crate::state::options(written).map_err(|fault| unlent(fault.to_string()))?;
        leasable.databases.insert(name.as_str().into(), RoleServer::new(options));
    }
    for (name, dataset) in &ready.datasets {
        if let Place::Lent { database, role } = &dataset.place {
            leasable.datasets.insert(name.clone(), (database.as_str().into(), role.as_str().into()));
        }
    }
    Ok(leasable)
}

/// TLS settings towards model servers, made once for each set of authorities.
#[derive(Default)]
struct Trusted {
    system: Option<Arc<rustls::ClientConfig>>,
}

impl Trusted {
    fn by(&mut self, ca: Option<&Path>) -> Result<Arc<rustls::ClientConfig>, Unassembled> {
        if let Some(file) = ca {
            return Ok(client(roots_in(file)?));
        }
        if let Some(system) = &self.system {
            return Ok(Arc::clone(system));
        }
        let system = system_tls();
        self.system = Some(Arc::clone(&system));
        Ok(system)
    }
}

/// TLS towards servers that the machine's own authorities vouch for.
pub fn system_tls() -> Arc<rustls::ClientConfig> {
    let mut roots = RootCertStore::empty();
    // A machine without any still reaches plain connections; a TLS one then fails to verify, which is right.
    for certificate in rustls_native_certs::load_native_certs().certs {
        let _ = roots.add(certificate);
    }
    client(roots)
}

/// TLS towards a server that the authorities in a file vouch for.
pub(crate) fn tls_by(ca: &Path) -> Result<Arc<rustls::ClientConfig>, Unassembled> {
    roots_in(ca).map(client)
}

fn roots_in(file: &Path) -> Result<RootCertStore, Unassembled> {
    use rustls_pki_types::CertificateDer;
    use rustls_pki_types::pem::PemObject;
    let unread = |reason: String| Unassembled::Trust { place: file.display().to_string(), reason };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| unread(error.to_string()))? {
        let certificate = certificate.map_err(|error| unread(error.to_string()))?;
        roots.add(certificate).map_err(|error| unread(error.to_string()))?;
    }
    if roots.is_empty() { Err(unread("there is no certificate in it".to_owned())) } else { Ok(roots) }
}

fn client(roots: RootCertStore) -> Arc<rustls::ClientConfig> {
    Arc::new(rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}
