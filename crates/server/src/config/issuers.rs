use std::collections::BTreeMap;

use gatewright_identity::{Algorithm, IssuerConfig, KeySource, KindRule};
use gatewright_model::{IssuerName, Kind};

use super::convert::Conversion;
use super::raw::{self, Raw};
use super::read::At;
use super::ready::{Issuer, OpenAnswers};

impl Conversion<'_> {
    pub(super) fn issuers(&mut self, raw: &Raw) -> BTreeMap<IssuerName, Issuer> {
        let mut issuers: BTreeMap<IssuerName, Issuer> = BTreeMap::new();
        for (name, written) in self.named(raw.issuers.as_ref()) {
            let Some(issuer) = self.issuer(&name.value, written) else { continue };
            // Two names for one issuer would make a caller's key ambiguous: (issuer, subject).
            if let Some((other, _)) = issuers.iter().find(|(_, other)| other.tokens.url == issuer.tokens.url) {
                let mark = written.url.as_ref().map_or(written.mark, |url| url.mark);
                let words = format!("issuer `{other}` has the same url; one issuer has one name");
                self.faults.add(mark, words);
            }
            issuers.insert(IssuerName::from(name.value.as_str()), issuer);
        }
        issuers
    }

    fn issuer(&mut self, name: &str, raw: &raw::Issuer) -> Option<Issuer> {
        let url = self.required(raw.url.as_ref(), raw.mark, "url");
        let audience = self.required(raw.audience.as_ref(), raw.mark, "audience");
        let (url, audience) = (url?, audience?);
        let mut tokens = IssuerConfig::new(name, url.value.as_str(), audience.value.as_str());
        tokens.groups = raw.groups.as_ref().and_then(|pointer| self.pointer(pointer));
        if let Some(written) = &raw.algorithms {
            tokens.algorithms = self.algorithms(written);
        }
        tokens.kind = self.kind(raw);
        tokens.keys = self.keys(raw);
        tokens.authorized_parties = texts(raw.authorized_parties.as_deref());
        tokens.max_lifetime = self.duration(raw.max_lifetime.as_ref(), tokens.max_lifetime);
        tokens.leeway = self.duration(raw.leeway.as_ref(), tokens.leeway);
        tokens.stale_keys = self.duration(raw.stale_keys.as_ref(), tokens.stale_keys);
        if let Err(faults) = tokens.check() {
            for fault in faults {
                self.faults.add(url.mark, fault.to_string());
            }
        }
        if let (Some(secret), None) = (&raw.login_secret, &raw.login_client) {
            self.faults.add(secret.mark, "`login_secret` is the secret of `login_client`, which is missing");
        }
        let login_client = raw.login_client.as_ref().map(|client| client.value.clone());
        let login_secret = raw.login_secret.as_ref().and_then(|text| self.reference(text));
        let choices = [("finish", OpenAnswers::Finish), ("cut", OpenAnswers::Cut)];
        let open_answers = self.choice(raw.open_answers.as_ref(), &choices).unwrap_or_default();
        Some(Issuer { tokens, login_client, login_secret, open_answers })
    }

    fn pointer(&mut self, text: &At<String>) -> Option<String> {
        let fits = text.value.starts_with('/') && text.value.len() <= 256;
        if !fits {
            self.faults.add(text.mark, "expected a JSON pointer (RFC 6901) such as /groups or /realm_access/roles");
        }
        fits.then(|| text.value.clone())
    }

    fn algorithms(&mut self, written: &[At<String>]) -> Vec<Algorithm> {
        let choices: Vec<(&str, Algorithm)> = Algorithm::ALL.iter().map(|known| (known.name(), *known)).collect();
        written.iter().filter_map(|text| self.choice(Some(text), &choices)).collect()
    }

    fn kind(&mut self, raw: &raw::Issuer) -> KindRule {
        let kinds = [("person", Kind::Person), ("workload", Kind::Workload)];
        let kind = self.choice(raw.kind.as_ref(), &kinds);
        let Some(rule) = &raw.workload_where else { return KindRule::Always(kind.unwrap_or(Kind::Person)) };
        if kind.is_some() {
            self.faults.add(rule.mark, "`kind` and `workload_where` say the same thing twice; keep one");
        }
        let pointer = self.required(rule.claim.as_ref(), rule.mark, "claim").and_then(|claim| self.pointer(claim));
        let is = self.required(rule.is.as_ref(), rule.mark, "is").map(|is| is.value.clone());
        match (pointer, is) {
            (Some(pointer), Some(is)) => KindRule::WorkloadWhere { pointer, is },
            _ => KindRule::Always(Kind::Person),
        }
    }

    fn keys(&mut self, raw: &raw::Issuer) -> KeySource {
        match (&raw.keys, &raw.key_hosts) {
            (Some(url), None) => KeySource::At(url.value.clone()),
            (None, hosts) => KeySource::Discovery { hosts: texts(hosts.as_deref()) },
            (Some(url), Some(_)) => {
                self.faults
                    .add(url.mark, "`keys` and `key_hosts` exclude each other: a fixed URL needs no other hosts");
                KeySource::At(url.value.clone())
            }
        }
    }
}

fn texts(written: Option<&[At<String>]>) -> Vec<String> {
    written.unwrap_or_default().iter().map(|text| text.value.clone()).collect()
}
