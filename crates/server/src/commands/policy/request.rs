//! A request as a file describes it, read and searched as the gateway reads and searches one that arrives.

use std::fs;
use std::path::Path;

use gatewright_gateway::{Searched, insisted, search};
use gatewright_identity::whom_claims_describe;
use gatewright_json::{Limits, Object, Value, parse};
use gatewright_model::{DatasetName, Identity, InfoType, IssuerName, Refusal, RuleName, Terms, Timestamp};
use gatewright_policy::Case;
use gatewright_protocols::{Claim, DatasetKey, claim};

use super::moment;
use crate::commands::{Outcome, complain};
use crate::config::Loaded;

/// The largest file, in bytes: what the gateway takes as a body by default.
const LARGEST: u64 = 16 << 20;

/// What a file may say.
const FIELDS: [&str; 9] = ["method", "path", "issuer", "claims", "body", "query", "datasets", "approvals", "at"];

/// A described request: what it asks, or how it is refused before anybody asks policy.
pub(super) struct Described {
    /// The route, in words: `POST /v1/chat/completions, openai.chat`.
    pub(super) route: String,
    pub(super) case: Result<Case, Refusal>,
}

/// Reads a file.
pub(super) fn read(path: &Path, loaded: &Loaded) -> Result<Described, Outcome> {
    let usage = |words: String| complain(Outcome::Usage, &format!("{}: {words}", path.display()));
    let too_long = fs::metadata(path).is_ok_and(|metadata| metadata.len() > LARGEST);
    if too_long {
        return Err(usage("it is too long".to_owned()));
    }
    let bytes = fs::read(path).map_err(|error| usage(error.to_string()))?;
    let value = parse(&bytes, &Limits::default()).map_err(|fault| usage(fault.to_string()))?;
    let written = value.as_object().ok_or_else(|| usage("expected an object".to_owned()))?;
    if let Some((unknown, _)) = written.iter().find(|(name, _)| !FIELDS.contains(name)) {
        return Err(usage(format!("unknown field {unknown:?}; known: {}", FIELDS.join(", "))));
    }
    let text = |name: &str| written.get(name).and_then(Value::as_str);
    let missing = |name: &str| usage(format!("{name} is missing, or no text"));
    let method = text("method").unwrap_or("POST");
    let target = text("path").ok_or_else(|| missing("path"))?;
    let now = moment(text("at"))?;
    let identity = caller(written, loaded, now).map_err(usage)?;
    let (connection, inner) = insisted(target);
    let Some(claimed) = claim(method, inner) else {
        return Err(usage(format!("no protocol has a route for {method} {inner}: the gateway answers 404 unasked")));
    };
    let route = format!("{method} {target}, {}", claimed.route.id.0);
    let described = Request { loaded, written, connection, claimed, now };
    Ok(Described { route, case: described.case(identity).map_err(usage)? })
}

/// Who asks: the claims of a token, by the rules of the issuer. No signature is needed, since nobody is let in.
fn caller(written: &Object, loaded: &Loaded, now: Timestamp) -> Result<Identity, String> {
    let issuers = &loaded.ready.issuers;
    let only = || if issuers.len() == 1 { issuers.keys().next().cloned() } else { None };
    let named = written.get("issuer").and_then(Value::as_str).map(IssuerName::from);
    let name = named.or_else(only).ok_or("`issuer` is missing: the configuration has more than one")?;
    let issuer = issuers.get(&name).ok_or_else(|| format!("the configuration has no issuer {name}"))?;
    let claims = written.get("claims").ok_or("`claims` is missing: what the caller's token says")?;
    whom_claims_describe(claims, &issuer.tokens, now).map_err(|rejection| format!("claims: {rejection}"))
}

/// A request whose route is known.
struct Request<'a> {
    loaded: &'a Loaded,
    written: &'a Object,
    connection: Option<&'a str>,
    claimed: Claim<'a>,
    now: Timestamp,
}

impl Request<'_> {
    /// The outer error is about the file, the inner one what the caller would be told.
    fn case(&self, identity: Identity) -> Result<Result<Case, Refusal>, String> {
        let mut body = self.written.get("body").or_else(|| self.written.get("query")).cloned().unwrap_or(Value::Null);
        let mut terms = match self.terms(&body) {
            Ok(terms) => terms,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let known = self.known_datasets(&body)?;
        terms.datasets.extend(known);
        let Claim { protocol, route, .. } = &self.claimed;
        let patterns = self.loaded.prompt_rules.as_ref().map(|rules| (&rules.detectors, rules.rules.as_slice()));
        let Searched { findings, matched } =
            search(*protocol, route, &mut body, &self.loaded.detectors, patterns, &|_, _| false);
        let places = findings.iter().flatten().map(|finding| finding.info_type.place());
        let types = self.loaded.detectors.info_types();
        let mut found: Vec<InfoType> = places.filter_map(|place| types.get(place).cloned()).collect();
        found.sort();
        found.dedup();
        let approvals = texts(self.written.get("approvals"))?.into_iter().map(RuleName::from).collect();
        Ok(Ok(Case { identity, roles: None, terms, matched, found, approvals, resolved: None, now: self.now }))
    }

    fn terms(&self, body: &Value) -> Result<Terms, Refusal> {
        let Claim { protocol, route, ids } = &self.claimed;
        let ready = &self.loaded.ready;
        let named = protocol.model(route, ids, body)?;
        let placed = named.as_ref().and_then(|name| ready.models.get(name.as_str()));
        let connection = placed.and_then(|model| ready.connections.get_key_value(&model.connection));
        let fits = connection.filter(|(name, connection)| {
            connection.protocol == protocol.name() && self.connection.is_none_or(|insisted| insisted == name.as_str())
        });
        let dialect = fits.and_then(|(_, connection)| protocol.dialect(connection.dialect.as_deref()?));
        let mut terms = protocol.read(route, ids, body, &dialect.unwrap_or_default())?;
        if let (Some(name), Some(_), None) = (&named, placed, fits) {
            // As the gateway takes it: a model of another connection or protocol is none, and no model has such a name.
            let elsewhere = self.connection.unwrap_or(protocol.name());
            terms.model = Some(format!("{name} of {elsewhere}").as_str().into());
        }
        Ok(terms)
    }

    /// The datasets that the request names, and those that the file adds for what only a running gateway knows.
    fn known_datasets(&self, body: &Value) -> Result<Vec<DatasetName>, String> {
        let Claim { protocol, route, ids } = &self.claimed;
        let added = texts(self.written.get("datasets"))?;
        let named = protocol.dataset(route, ids, body).ok().flatten();
        match named {
            Some(DatasetKey::Name(name)) if added.is_empty() => Ok(vec![name.into()]),
            Some(DatasetKey::Id(_)) if added.is_empty() => {
                Err("this path names a dataset by an id of a running gateway; say its name in `datasets`".to_owned())
            }
            Some(_) | None => Ok(added.into_iter().map(Into::into).collect()),
        }
    }
}

/// A list of texts; absent is empty.
fn texts(value: Option<&Value>) -> Result<Vec<&str>, String> {
    let Some(value) = value else { return Ok(Vec::new()) };
    let listed = value.as_array().and_then(|items| items.iter().map(Value::as_str).collect());
    listed.ok_or_else(|| "expected a list of texts".to_owned())
}
