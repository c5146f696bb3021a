use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gatewright_identity::Dial;
use gatewright_model::Digest;

use crate::listen::certificate::{self, BadCertificate};

use super::Purpose;
use super::fault::{Fault, Faults, Mark};
use super::network::Network;
use super::raw::{self, CatalogueAt, Raw};
use super::read::{At, Bytes, Named, shown};
use super::ready::{
    AnswerRecords, CatalogueFrom, CertificateFiles, Limits, Listener, Log, LogFormat, Ready, Witnesses,
};

/// One turn from what is written to what runs. It goes on after a fault, so that all of them are reported.
pub(super) struct Conversion<'a> {
    /// The folder that relative paths start from: the configuration file's own.
    pub(super) base: &'a Path,
    /// Whether what it refers to must be here.
    pub(super) purpose: Purpose,
    pub(super) faults: Faults,
    pub(super) warnings: Vec<Fault>,
}

impl Conversion<'_> {
    /// The whole turn; the result is worth something only when no fault was added.
    pub(super) fn ready(&mut self, raw: &Raw, file: &Path, digest: Digest) -> Option<Ready> {
        self.version(raw);
        let data_listener = self.data_listener(raw);
        let admin_listener = self.admin_listener(raw);
        if let (Some(data), Some(admin)) = (&data_listener, &admin_listener)
            && data.address == admin.address
            && data.address.port() != 0
        {
            let mark = raw.listen.as_ref().map_or(raw.mark, |listen| listen.mark);
            self.faults.add(mark, "`data` and `admin` need two addresses: callers never reach the admin side");
        }
        let data = self.required(raw.data.as_ref(), raw.mark, "data").and_then(|text| self.path(text));
        let catalogue = self.catalogue(raw);
        let state = self.state(raw);
        let issuers = self.issuers(raw);
        let connections = self.connections(raw);
        let models = self.models(raw);
        let currency = self.currency(raw, &models);
        let datasets = self.datasets(raw);
        let databases = self.databases(raw);
        let call_tokens = self.call_tokens(raw);
        let notifications = self.channels(raw, &issuers);
        let limits = raw.limits.as_ref().map_or_else(Limits::default, |limits| self.limits(limits));
        let proxies = self.proxies(raw);
        let answers = self.answers(raw);
        let witnesses = self.witnesses(raw);
        let recheck = self.recheck(raw);
        let bucket = self.bucket(raw);
        let grace = self.grace(raw);
        let log = raw.log.as_ref().map_or_else(Log::default, |log| self.log(log));
        Some(Ready {
            file: file.to_owned(),
            digest,
            data_listener: data_listener?,
            admin_listener: admin_listener?,
            data: data?,
            catalogue: catalogue?,
            state: state?,
            issuers,
            connections,
            models,
            currency,
            datasets,
            databases,
            call_tokens,
            notifications,
            limits,
            proxies,
            answers,
            witnesses,
            recheck,
            bucket,
            grace,
            log,
        })
    }

    /// The value, or the fault that it is missing.
    pub(super) fn required<'r, T>(&mut self, value: Option<&'r T>, mark: Mark, key: &str) -> Option<&'r T> {
        if value.is_none() {
            self.faults.add(mark, format!("`{key}` is missing"));
        }
        value
    }

    pub(super) fn warn(&mut self, mark: Mark, message: impl Into<String>) {
        let warning = self.faults.at(mark, message);
        self.warnings.push(warning);
    }

    /// A path, from the configuration file's own folder where it is relative.
    pub(super) fn path(&mut self, text: &At<String>) -> Option<PathBuf> {
        if text.value.is_empty() || text.value.contains('\0') {
            self.faults.add(text.mark, "expected a path");
            return None;
        }
        Some(self.base.join(&text.value))
    }

    /// The pairs of a section under names that are fit to be spoken: in URLs, in records, in metrics.
    pub(super) fn named<'r, T>(&mut self, named: Option<&'r Named<T>>) -> Vec<(&'r At<String>, &'r T)> {
        let pairs = named.map_or(&[][..], |named| &named.0[..]);
        pairs.iter().filter(|(name, _)| self.name(name)).map(|(name, value)| (name, value)).collect()
    }

    fn name(&mut self, name: &At<String>) -> bool {
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | b'/');
        let fits = (1..=128).contains(&name.value.len())
            && name.value.bytes().all(letter)
            && name.value.as_bytes()[0].is_ascii_alphanumeric();
        if !fits {
            let words = format!(
                "`{}` cannot be a name: 1 to 128 of A-Z a-z 0-9 - _ . : /, a letter or digit first",
                shown(&name.value)
            );
            self.faults.add(name.mark, words);
        }
        fits
    }

    fn version(&mut self, raw: &Raw) {
        if let Some(version) = self.required(raw.version.as_ref(), raw.mark, "version")
            && version.value != 1
        {
            self.faults.add(version.mark, format!("this gateway reads version 1, not {}", version.value));
        }
    }

    fn data_listener(&mut self, raw: &Raw) -> Option<Listener> {
        let (listener, mark, danger) = self.listener(raw, "data")?;
        if let Some(danger) = danger {
            self.faults.add(danger.mark, "`danger_plaintext` belongs to the admin listener");
        }
        if !listener.hosts.is_empty() {
            self.faults.add(mark, "`hosts` belongs to the admin listener");
        }
        if listener.url.is_some() {
            self.faults.add(mark, "`url` belongs to the admin listener");
        }
        if listener.tls.is_none() && !listener.address.ip().is_loopback() {
            self.warn(
                mark,
                "callers' tokens travel in the clear beyond this machine; add `tls`, or put a TLS proxy in front",
            );
        }
        Some(listener)
    }

    fn admin_listener(&mut self, raw: &Raw) -> Option<Listener> {
        let (listener, mark, danger) = self.listener(raw, "admin")?;
        let accepted = danger.is_some_and(|danger| danger.value);
        if listener.tls.is_none() && !listener.address.ip().is_loopback() {
            if accepted {
                self.warn(mark, "the admin side is open to the network without TLS, as `danger_plaintext` asks");
            } else {
                self.faults.add(
                    mark,
                    "an admin listener beyond loopback needs `tls: {certificate, key}`, or `danger_plaintext: true`",
                );
            }
        }
        Some(listener)
    }

    fn listener<'r>(&mut self, raw: &'r Raw, key: &str) -> Option<(Listener, Mark, Option<&'r At<bool>>)> {
        let listen = self.required(raw.listen.as_ref(), raw.mark, &format!("listen.{key}"))?;
        let written = if key == "data" { &listen.data } else { &listen.admin };
        match self.required(written.as_ref(), listen.mark, &format!("listen.{key}"))? {
            raw::Listener::Address(address) => {
                let listener = Listener { address: self.address(address)?, tls: None, hosts: Vec::new(), url: None };
                Some((listener, address.mark, None))
            }
            raw::Listener::Section(section) => {
                let address = self.required(section.address.as_ref(), section.mark, "address");
                let address = address.and_then(|address| self.address(address));
                let tls = section.tls.as_ref().map(|tls| self.tls(tls));
                let hosts = section.hosts.iter().flatten().filter_map(|host| self.host(host)).collect();
                let tls = match tls {
                    Some(certificate) => Some(certificate?),
                    None => None,
                };
                let url = section.url.as_ref().and_then(|url| self.console_url(url));
                let listener = Listener { address: address?, tls, hosts: with_host_of(hosts, url.as_deref()), url };
                Some((listener, section.mark, section.danger_plaintext.as_ref()))
            }
        }
    }

    fn address(&mut self, text: &At<String>) -> Option<SocketAddr> {
        let address = text.value.parse().ok();
        if address.is_none() {
            self.faults.add(text.mark, "expected an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080");
        }
        address
    }

    fn host(&mut self, text: &At<String>) -> Option<String> {
        let host = text.value.to_ascii_lowercase();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
        if host.is_empty() || host.len() > 253 || !host.bytes().all(plain) {
            self.faults.add(text.mark, "expected a host name without a port");
            return None;
        }
        Some(host)
    }

    /// An origin: cookies and the way back from an identity provider hang on exactly this.
    fn console_url(&mut self, text: &At<String>) -> Option<String> {
        let url = text.value.trim_end_matches('/').to_ascii_lowercase();
        let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b':' | b'[' | b']');
        if host.is_none_or(|host| host.is_empty() || !host.bytes().all(plain)) {
            self.faults
                .add(text.mark, "expected a scheme and a host, such as https://gateway.ops.example, without a path");
            return None;
        }
        if url.starts_with("http://") && Dial::check_url(&url).is_err() {
            self.faults.add(text.mark, "a console that browsers reach by plain http must be on loopback");
            return None;
        }
        Some(url)
    }

    fn tls(&mut self, tls: &raw::Tls) -> Option<CertificateFiles> {
        let certificate = self.required(tls.certificate.as_ref(), tls.mark, "certificate");
        let key = self.required(tls.key.as_ref(), tls.mark, "key");
        let certificate = certificate.and_then(|path| self.path(path));
        let key = key.and_then(|path| self.path(path));
        let files = CertificateFiles { certificate: certificate?, key: key? };
        match certificate::read(&files) {
            Ok(_) => {}
            Err(fault @ BadCertificate::Missing(_)) => self.absent(tls.mark, fault.to_string()),
            Err(fault) => self.faults.add(tls.mark, fault.to_string()),
        }
        Some(files)
    }

    /// Something that the configuration refers to is not on this machine.
    pub(super) fn absent(&mut self, mark: Mark, message: String) {
        match self.purpose {
            Purpose::Check => self.warn(mark, message),
            Purpose::Serve => self.faults.add(mark, message),
        }
    }

    fn catalogue(&mut self, raw: &Raw) -> Option<CatalogueFrom> {
        match self.required(raw.catalogue.as_ref(), raw.mark, "catalogue")? {
            CatalogueAt::Path(path) => self.path(path).map(CatalogueFrom::Path),
            CatalogueAt::Source(source) => {
                let written = self.required(source.source.as_ref(), source.mark, "source");
                self.choice(written, &[("store", ())])?;
                let import = source.import.as_ref().map(|path| self.path(path));
                Some(CatalogueFrom::Store { import: import.flatten() })
            }
        }
    }

    fn limits(&mut self, raw: &raw::Limits) -> Limits {
        let usual = Limits::default();
        // hyper reads a head into one buffer, whose least size is 8 KiB; the floor keeps what is said true.
        Limits {
            answer_bytes: self.bytes(raw.answer_bytes.as_ref(), usual.answer_bytes, 1 << 10, 1 << 30),
            header_bytes: self.bytes(raw.header_bytes.as_ref(), usual.header_bytes, 8 << 10, 1 << 20),
            header_count: self.count(raw.header_count.as_ref(), usual.header_count, 16, 1_000),
            body_bytes: self.bytes(raw.body_bytes.as_ref(), usual.body_bytes, 1 << 10, 1 << 30),
            json_depth: self.count(raw.json_depth.as_ref(), usual.json_depth, 8, 512),
            header_timeout: self.duration(raw.header_timeout.as_ref(), usual.header_timeout),
            body_timeout: self.duration(raw.body_timeout.as_ref(), usual.body_timeout),
            write_timeout: self.duration(raw.write_timeout.as_ref(), usual.write_timeout),
            connections: self.count(raw.connections.as_ref(), usual.connections, 1, 1_000_000),
            streams: u32::try_from(self.count(raw.streams.as_ref(), usual.streams as usize, 1, 1_000))
                .unwrap_or(usual.streams),
        }
    }

    pub(super) fn bytes(&mut self, written: Option<&At<Bytes>>, usual: usize, least: usize, most: usize) -> usize {
        let count = written.map(|bytes| At { mark: bytes.mark, value: bytes.value.0 });
        self.count(count.as_ref(), usual, least, most)
    }

    pub(super) fn count(&mut self, written: Option<&At<u64>>, usual: usize, least: usize, most: usize) -> usize {
        let Some(written) = written else { return usual };
        match usize::try_from(written.value) {
            Ok(count) if (least..=most).contains(&count) => count,
            _ => {
                self.faults
                    .add(written.mark, format!("expected a number from {least} to {most}, found {}", written.value));
                usual
            }
        }
    }

    /// A duration of a millisecond to a day: zero would mean "never" to some and "at once" to others.
    pub(super) fn duration(&mut self, written: Option<&At<Duration>>, usual: Duration) -> Duration {
        const LONGEST: Duration = Duration::from_secs(86_400);
        let Some(written) = written else { return usual };
        if written.value.is_zero() || written.value > LONGEST {
            self.faults.add(written.mark, "expected a duration from 1ms to 24h");
            return usual;
        }
        written.value
    }

    fn proxies(&mut self, raw: &Raw) -> Vec<Network> {
        let mut networks = Vec::new();
        for text in raw.proxies.iter().flatten() {
            match Network::parse(&text.value) {
                Ok(network) => networks.push(network),
                Err(words) => self.faults.add(text.mark, words),
            }
        }
        networks
    }

    fn answers(&mut self, raw: &Raw) -> AnswerRecords {
        let written = raw.records.as_ref().and_then(|records| records.answers.as_ref());
        self.choice(written, &[("group", AnswerRecords::Group), ("strict", AnswerRecords::Strict)]).unwrap_or_default()
    }

    fn witnesses(&mut self, raw: &Raw) -> Option<Witnesses> {
        let written = raw.records.as_ref()?.witnesses.as_ref()?;
        let path = self.path(written)?;
        let read = std::fs::read_to_string(&path).map_err(|error| error.to_string());
        let parsed = read.and_then(|text| {
            let policy = gatewright_ledger::WitnessPolicy::parse(&text).map_err(|bad| bad.to_string())?;
            Ok(Witnesses { policy, text })
        });
        match parsed {
            Ok(witnesses) => {
                for (name, _, url) in witnesses.policy.asked() {
                    if let Err(fault) = gatewright_dial::Dial::check_url(url) {
                        self.faults.add(written.mark, format!("the witness `{name}` cannot be asked: {fault}"));
                    }
                }
                Some(witnesses)
            }
            Err(why) => {
                self.faults.add(written.mark, format!("the witnesses in {}: {why}", path.display()));
                None
            }
        }
    }

    fn recheck(&mut self, raw: &Raw) -> u32 {
        const USUAL: u32 = 1_000;
        let Some(written) = raw.decisions.as_ref().and_then(|decisions| decisions.recheck.as_ref()) else {
            return USUAL;
        };
        u32::try_from(written.value).unwrap_or_else(|_| {
            self.faults.add(written.mark, "`recheck` is at most 4294967295");
            USUAL
        })
    }

    fn grace(&mut self, raw: &Raw) -> Duration {
        self.duration(raw.drain.as_ref().and_then(|drain| drain.grace.as_ref()), Duration::from_secs(30))
    }

    fn log(&mut self, raw: &raw::Log) -> Log {
        use tracing::level_filters::LevelFilter;
        let usual = Log::default();
        let formats = [("json", LogFormat::Json), ("text", LogFormat::Text)];
        let levels = [
            ("error", LevelFilter::ERROR),
            ("warn", LevelFilter::WARN),
            ("info", LevelFilter::INFO),
            ("debug", LevelFilter::DEBUG),
        ];
        Log {
            format: self.choice(raw.format.as_ref(), &formats).unwrap_or(usual.format),
            level: self.choice(raw.level.as_ref(), &levels).unwrap_or(usual.level),
            access: raw.access.as_ref().map_or(usual.access, |access| access.value),
        }
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&mut self, written: Option<&At<String>>, choices: &[(&str, T)]) -> Option<T> {
        let written = written?;
        let chosen = choices.iter().find(|(word, _)| *word == written.value).map(|(_, choice)| *choice);
        if chosen.is_none() {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            let found = shown(&written.value);
            self.faults.add(written.mark, format!("expected {}, found `{found}`", words.join(" or ")));
        }
        chosen
    }
}

/// Whoever says by which URL the console is reached need not repeat its host.
fn with_host_of(mut hosts: Vec<String>, url: Option<&str>) -> Vec<String> {
    let host = url.and_then(|url| url.parse::<http::Uri>().ok()).and_then(|url| url.host().map(str::to_owned));
    hosts.extend(host);
    hosts
}
