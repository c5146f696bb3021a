//! What is lent for the length of a call: whose tokens, to whom, and which databases lend roles.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use gatewright_gateway::CallToken;
use gatewright_model::IssuerName;
use gatewright_protocols::Serves;
use gatewright_store::state::approvals::Party;
use http::HeaderName;

use super::convert::Conversion;
use super::raw::{self, Raw};
use super::read::{At, Named, shown};
use super::ready::{CallTokens, Place, Postgres};

/// How long a token lives where nothing is said, and at most.
const USUAL: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// Headers that mean something else on the way to a server, or decide how it is read.
const TAKEN: [&str; 14] = [
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "te",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-request-id",
];

impl Conversion<'_> {
    pub(super) fn call_tokens(&mut self, raw: &Raw) -> Option<CallTokens> {
        let Some(written) = &raw.call_tokens else {
            let connections = raw.connections.as_ref().map_or(&[][..], |named| &named.0[..]);
            for (_, connection) in connections {
                if let Some(token) = &connection.call_token {
                    self.faults.add(token.mark, "`call_tokens` is missing: `call_tokens: { issuer: URL }`");
                }
            }
            return None;
        };
        let lasts = self.duration(written.lasts.as_ref(), USUAL);
        if let Some(lasts) = written.lasts.as_ref().filter(|lasts| lasts.value > LONGEST) {
            self.faults.add(lasts.mark, "a token of a call lasts for 15m at most");
        }
        let issuer = self.required(written.issuer.as_ref(), written.mark, "issuer")?;
        let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'@');
        let url = issuer.value.strip_prefix("https://").or_else(|| issuer.value.strip_prefix("http://"));
        if url.is_none_or(|rest| rest.is_empty() || rest.len() > 256 || !rest.bytes().all(plain)) {
            self.faults.add(issuer.mark, "expected the URL at which the data listener is reached, without a query");
            return None;
        }
        Some(CallTokens { issuer: issuer.value.clone(), lasts })
    }

    pub(super) fn call_token(
        &mut self,
        whole: &Raw,
        connection: &raw::Connection,
        raw: &raw::CallToken,
    ) -> Option<CallToken> {
        let protocol = connection.protocol.as_ref().and_then(|protocol| gatewright_protocols::named(&protocol.value));
        if protocol.is_some_and(|protocol| protocol.serves() == Serves::Datasets) {
            self.faults.add(raw.mark, "a server of datasets is lent no token: it is for servers of models");
        }
        let header = raw.header.as_ref().and_then(|header| self.lent_header(header));
        let audience = raw.audience.as_ref().filter(|audience| {
            let fits =
                (1..=256).contains(&audience.value.len()) && audience.value.bytes().all(|b| b.is_ascii_graphic());
            if !fits {
                self.faults.add(audience.mark, "expected an audience of 1 to 256 plain characters");
            }
            fits
        });
        let workload = self.required(raw.workload.as_ref(), raw.mark, "workload")?;
        let issuer = self.required(workload.issuer.as_ref(), workload.mark, "issuer");
        let subject = self.required(workload.subject.as_ref(), workload.mark, "subject");
        let (issuer, subject) = (issuer?, subject?);
        let known =
            whole.issuers.as_ref().is_some_and(|issuers| issuers.0.iter().any(|(name, _)| name.value == issuer.value));
        if !known {
            self.faults.add(issuer.mark, format!("there is no issuer `{}`", shown(&issuer.value)));
            return None;
        }
        if subject.value.is_empty() || subject.value.len() > 512 || subject.value.chars().any(char::is_control) {
            self.faults.add(subject.mark, "expected the issuer's key for the workload, its tokens' `sub`");
            return None;
        }
        Some(CallToken {
            header,
            audience: audience.map(|audience| Arc::from(audience.value.as_str())),
            workload: Party { issuer: IssuerName::from(issuer.value.as_str()), subject: subject.value.as_str().into() },
        })
    }

    fn lent_header(&mut self, written: &At<String>) -> Option<HeaderName> {
        let lower = written.value.to_ascii_lowercase();
        let plain = lower.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        let free = !TAKEN.contains(&lower.as_str()) && !lower.starts_with("proxy-");
        match HeaderName::try_from(lower.as_str()) {
            Ok(name) if plain && free && lower.len() <= 64 => Some(name),
            _ => {
                self.faults.add(written.mark, "expected a header of its own, such as `x-call-token`");
                None
            }
        }
    }

    pub(super) fn databases(&mut self, raw: &Raw) -> BTreeMap<String, Postgres> {
        let mut databases = BTreeMap::new();
        for (name, written) in self.named(raw.databases.as_ref()) {
            let connections = raw.connections.as_ref().map_or(&[][..], |named| &named.0[..]);
            if connections.iter().any(|(other, _)| other.value == name.value) {
                self.faults.add(name.mark, "a connection has the same name: policies could not tell them apart");
            }
            if let Some(postgres) = self.postgres(written) {
                databases.insert(name.value.clone(), postgres);
            }
        }
        databases
    }

    /// The place of a dataset that is read by a role of a database.
    pub(super) fn lent_place(&mut self, raw: &Raw, written: &raw::Dataset) -> Option<Place> {
        for other in [&written.connection, &written.collection].into_iter().flatten() {
            self.faults.add(other.mark, "a dataset lies at a `connection`, or in a `database`");
        }
        if raw.call_tokens.is_none() {
            self.faults.add(written.mark, "`call_tokens` is missing: without it nobody is lent a role");
        }
        let database = self.required(written.database.as_ref(), written.mark, "database");
        let role = self.required(written.role.as_ref(), written.mark, "role");
        let (database, role) = (database?, role?);
        if !is_there(raw.databases.as_ref(), &database.value) {
            self.faults.add(database.mark, format!("there is no database `{}`", shown(&database.value)));
        }
        self.role_of_database(role)?;
        Some(Place::Lent { database: database.value.clone(), role: role.value.clone() })
    }

    /// A role whose members read one dataset. PostgreSQL's names have 63 bytes; its own begin with `pg_`.
    fn role_of_database(&mut self, role: &At<String>) -> Option<()> {
        let fits = (1..=63).contains(&role.value.len()) && !role.value.chars().any(char::is_control);
        let lower = role.value.to_ascii_lowercase();
        if !fits || lower.starts_with("pg_") || lower.starts_with("gwl_") {
            self.faults.add(role.mark, "expected a role that was made for this dataset's readers, of 1 to 63 bytes");
            return None;
        }
        Some(())
    }
}

fn is_there(databases: Option<&Named<raw::Postgres>>, name: &str) -> bool {
    databases.is_some_and(|databases| databases.0.iter().any(|(known, _)| known.value == name))
}
