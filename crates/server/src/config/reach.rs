use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use gatewright_gateway::Price;
use gatewright_model::{ConnectionName, DatasetName, ModelName, Trust};
use gatewright_protocols::{PROTOCOLS, Protocol, Serves};
use gatewright_upstream::lend::Reference;
use gatewright_upstream::reach::{Origin, Scheme, Timeouts};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::convert::Conversion;
use super::fault::Mark;
use super::network::is_forbidden;
use super::raw::{self, Raw};
use super::read::{At, Micros, shown};
use super::ready::{Connection, Dataset, Model, Place};
use super::secrets;

impl Conversion<'_> {
    pub(super) fn connections(&mut self, raw: &Raw) -> BTreeMap<ConnectionName, Connection> {
        let mut connections = BTreeMap::new();
        for (name, written) in self.named(raw.connections.as_ref()) {
            if name.value.contains('/') {
                self.faults.add(name.mark, "a connection's name stands in paths (/c/NAME/…) and cannot have a `/`");
            }
            if let Some(connection) = self.connection(raw, written) {
                connections.insert(ConnectionName::from(name.value.as_str()), connection);
            }
        }
        connections
    }

    fn connection(&mut self, whole: &Raw, raw: &raw::Connection) -> Option<Connection> {
        let protocol = self.required(raw.protocol.as_ref(), raw.mark, "protocol");
        let protocol = protocol.and_then(|text| self.protocol(text));
        let dialect = protocol.and_then(|protocol| self.dialect(raw.dialect.as_ref()?, protocol));
        let trusts = [("internal", Trust::Internal), ("external", Trust::External)];
        let trust = self.choice(raw.trust.as_ref(), &trusts).unwrap_or(Trust::External);
        let origin = self.required(raw.url.as_ref(), raw.mark, "url").and_then(|url| self.origin(url, trust));
        let credential = raw.credential.as_ref().and_then(|text| self.reference(text));
        let ca = raw.ca.as_ref().and_then(|path| self.authorities(path));
        let origin = origin?;
        if let (Some(written), Scheme::Http) = (&raw.ca, origin.scheme()) {
            self.faults.add(written.mark, "`ca` has no meaning for an http URL");
        }
        if let (Some(written), Scheme::Http, false) = (&raw.credential, origin.scheme(), is_loopback(&origin)) {
            self.warn(written.mark, "the credential travels in the clear: the URL is http");
        }
        let timeouts = raw.timeouts.as_ref().map_or_else(Timeouts::default, |written| self.timeouts(written));
        let call_token = raw.call_token.as_ref().and_then(|written| self.call_token(whole, raw, written));
        let protocol = protocol?.name().to_owned();
        Some(Connection { protocol, dialect, origin, credential, trust, timeouts, ca, call_token })
    }

    fn protocol(&mut self, text: &At<String>) -> Option<&'static dyn Protocol> {
        let choices: Vec<_> = PROTOCOLS.iter().map(|protocol| (protocol.name(), *protocol)).collect();
        self.choice(Some(text), &choices)
    }

    fn dialect(&mut self, text: &At<String>, protocol: &dyn Protocol) -> Option<String> {
        if protocol.dialect(&text.value).is_none() {
            let (name, found) = (protocol.name(), shown(&text.value));
            self.faults.add(text.mark, format!("protocol `{name}` knows no dialect `{found}`"));
            return None;
        }
        Some(text.value.clone())
    }

    fn origin(&mut self, url: &At<String>, trust: Trust) -> Option<Origin> {
        let origin = match Origin::parse(&url.value) {
            Ok(origin) => origin,
            Err(fault) => {
                self.faults.add(url.mark, fault.to_string());
                return None;
            }
        };
        if let Some(words) = strange_host(origin.host()) {
            self.faults.add(url.mark, words);
        }
        if origin.scheme() == Scheme::Http && trust == Trust::External && !is_loopback(&origin) {
            self.faults
                .add(url.mark, "http to an external connection: use https, or say `trust: internal` if it is yours");
        }
        Some(origin)
    }

    /// A secret's place. What is written instead is not repeated: it may be the secret.
    pub(super) fn reference(&mut self, text: &At<String>) -> Option<Reference> {
        match Reference::parse(&text.value) {
            Ok(reference) => {
                let reference = match reference {
                    Reference::File(path) => Reference::File(self.base.join(path)),
                    other => other,
                };
                if let Err(fault) = reference.open(&secrets::environment) {
                    self.absent(text.mark, fault.to_string());
                }
                Some(reference)
            }
            Err(fault) => {
                self.faults.add(text.mark, fault.to_string());
                None
            }
        }
    }

    /// Authorities of its own. They are read here only to say now what would fail later.
    pub(super) fn authorities(&mut self, text: &At<String>) -> Option<PathBuf> {
        let path = self.path(text)?;
        match std::fs::read(&path) {
            Ok(pem) => {
                let mut certificates = CertificateDer::pem_slice_iter(&pem);
                if !matches!(certificates.next(), Some(Ok(_))) {
                    self.faults.add(text.mark, format!("{} holds no certificate", path.display()));
                }
            }
            Err(error) => self.absent(text.mark, format!("{} cannot be read: {error}", path.display())),
        }
        Some(path)
    }

    fn timeouts(&mut self, raw: &raw::Timeouts) -> Timeouts {
        let usual = Timeouts::default();
        Timeouts {
            connect: self.duration(raw.connect.as_ref(), usual.connect),
            first_byte: self.duration(raw.first_byte.as_ref(), usual.first_byte),
            idle: self.duration(raw.idle.as_ref(), usual.idle),
        }
    }

    pub(super) fn models(&mut self, raw: &Raw) -> BTreeMap<ModelName, Model> {
        let mut models = BTreeMap::new();
        for (name, written) in self.named(raw.models.as_ref()) {
            let connection = self.leads_to(raw, written.connection.as_ref(), written.mark);
            self.serves(raw, written.connection.as_ref(), Serves::Models);
            let upstream = self.upstream_name(written.upstream.as_ref(), name);
            let tags = self.tags(written.tags.as_deref());
            let price = written.price.as_ref().map(|price| self.price(price));
            if let (Some(connection), Some(upstream)) = (connection, upstream) {
                models.insert(ModelName::from(name.value.as_str()), Model { connection, upstream, tags, price });
            }
        }
        models
    }

    /// A model's prices. What is left out costs nothing, and a cached token as much as any.
    fn price(&mut self, raw: &raw::Price) -> Price {
        let of = |written: Option<&At<Micros>>| written.map(|micros| micros.value.0);
        let (input, output, image) = (of(raw.input.as_ref()), of(raw.output.as_ref()), of(raw.image.as_ref()));
        if [input, output, image].iter().all(Option::is_none) {
            self.faults.add(raw.mark, "a price needs `input`, `output` or `image`; of what is free, `input: 0`");
        }
        let input = input.unwrap_or(0);
        let cached = of(raw.cached.as_ref()).unwrap_or(input);
        Price { input, cached, output: output.unwrap_or(0), image: image.unwrap_or(0) }
    }

    /// The one currency of all prices.
    pub(super) fn currency(&mut self, raw: &Raw, models: &BTreeMap<ModelName, Model>) -> Option<String> {
        let Some(written) = &raw.currency else {
            if models.values().any(|model| model.price.is_some()) {
                self.faults.add(raw.mark, "`currency` is missing: prices need one, such as `currency: EUR`");
            }
            return None;
        };
        if written.value.len() != 3 || !written.value.bytes().all(|byte| byte.is_ascii_uppercase()) {
            self.faults.add(written.mark, "expected a currency by its three letters (ISO 4217), such as EUR");
            return None;
        }
        Some(written.value.clone())
    }

    pub(super) fn datasets(&mut self, raw: &Raw) -> BTreeMap<DatasetName, Dataset> {
        let mut datasets = BTreeMap::new();
        for (name, written) in self.named(raw.datasets.as_ref()) {
            let tags = self.tags(written.tags.as_deref());
            if written.database.is_some() || written.role.is_some() {
                if let Some(place) = self.lent_place(raw, written) {
                    datasets.insert(DatasetName::from(name.value.as_str()), Dataset { place, tags });
                }
                continue;
            }
            let connection = self.leads_to(raw, written.connection.as_ref(), written.mark);
            let collection = self.upstream_name(written.collection.as_ref(), name);
            let protocol = self.serves(raw, written.connection.as_ref(), Serves::Datasets);
            let place = written.collection.as_ref().unwrap_or(name);
            if protocol.is_some_and(|protocol| !protocol.is_place(&place.value)) {
                self.faults.add(place.mark, protocol.map_or("", |protocol| protocol.places()));
            }
            if let (Some(connection), Some(collection)) = (connection, collection) {
                let place = Place::At { connection, collection };
                datasets.insert(DatasetName::from(name.value.as_str()), Dataset { place, tags });
            }
        }
        datasets
    }

    /// The protocol of a connection, which must have what leads there.
    fn serves(&mut self, raw: &Raw, written: Option<&At<String>>, wanted: Serves) -> Option<&'static dyn Protocol> {
        let written = written?;
        let connections = raw.connections.as_ref().map_or(&[][..], |named| &named.0[..]);
        let (_, connection) = connections.iter().find(|(name, _)| name.value == written.value)?;
        let protocol = gatewright_protocols::named(&connection.protocol.as_ref()?.value)?;
        let has = match protocol.serves() {
            Serves::Models => "models",
            Serves::Datasets => "datasets",
            Serves::Both => "models and datasets",
        };
        if protocol.serves() == wanted || protocol.serves() == Serves::Both {
            return Some(protocol);
        }
        let message =
            format!("the connection `{}` speaks {}, whose servers have {has}", written.value, protocol.name());
        self.faults.add(written.mark, message);
        None
    }

    /// The connection of that name. It is looked up in what is written, so that a connection with a fault of its own is
    /// not reported a second time as unknown.
    fn leads_to(&mut self, raw: &Raw, written: Option<&At<String>>, mark: Mark) -> Option<ConnectionName> {
        let written = self.required(written, mark, "connection")?;
        let connections = raw.connections.as_ref().map_or(&[][..], |named| &named.0[..]);
        if connections.iter().any(|(name, _)| name.value == written.value) {
            return Some(ConnectionName::from(written.value.as_str()));
        }
        let names: Vec<&str> = connections.iter().take(12).map(|(name, _)| name.value.as_str()).collect();
        let found = shown(&written.value);
        self.faults.add(written.mark, format!("there is no connection `{found}`; there are: {}", names.join(", ")));
        None
    }

    fn upstream_name(&mut self, written: Option<&At<String>>, name: &At<String>) -> Option<String> {
        let Some(written) = written else { return Some(name.value.clone()) };
        if written.value.is_empty() || written.value.len() > 256 || written.value.chars().any(char::is_control) {
            self.faults.add(written.mark, "expected a name of 1 to 256 printable bytes");
            return None;
        }
        Some(written.value.clone())
    }

    fn tags(&mut self, written: Option<&[At<String>]>) -> Vec<String> {
        let mut tags = Vec::new();
        for tag in written.unwrap_or_default() {
            if tag.value.is_empty() || tag.value.len() > 64 || tag.value.chars().any(char::is_control) {
                self.faults.add(tag.mark, "expected a tag of 1 to 64 printable bytes");
            } else if !tags.contains(&tag.value) {
                tags.push(tag.value.clone());
            }
        }
        tags
    }
}

fn is_loopback(origin: &Origin) -> bool {
    let host = origin.host();
    host.parse::<IpAddr>().map_or(host == "localhost", |address| address.to_canonical().is_loopback())
}

/// Why no connection may lead to this host. A resolver reads `2130706433`, `0x7f.1` and `127.1` as addresses; who
/// means an address writes it in full, so that what is checked is what is dialled.
fn strange_host(host: &str) -> Option<&'static str> {
    const METADATA: [&str; 3] = ["metadata", "metadata.google.internal", "instance-data"];
    if let Ok(address) = host.parse::<IpAddr>() {
        return is_forbidden(address)
            .then_some("no connection may lead to a link-local, metadata or multicast address");
    }
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    let numeric = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x") || last.starts_with("0X");
    if numeric && host.parse::<Ipv4Addr>().is_err() {
        return Some("an address is written in full: four numbers, or IPv6 in brackets");
    }
    let plain = host.trim_end_matches('.').to_ascii_lowercase();
    METADATA.contains(&plain.as_str()).then_some("no connection may lead to a cloud's metadata service")
}
