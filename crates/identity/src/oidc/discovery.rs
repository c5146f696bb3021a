use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use gatewright_dial::{Dial, Reply};
use gatewright_json::{Value, parse};
use gatewright_model::Digest;
use http::{StatusCode, Uri};

use super::{IssuerConfig, KeySet, KeySource, limits};

/// What an issuer says about itself (OpenID Connect Discovery 1.0, section 3).
pub(crate) struct Discovery {
    document: Value,
}

/// An issuer's keys as they were just fetched.
pub(crate) struct Fetched {
    pub(crate) keys: KeySet,
    /// SHA-256 of the published text: another one means other keys.
    pub(crate) fingerprint: Digest,
    /// How long the issuer says that they may be kept.
    pub(crate) keep_for: Option<Duration>,
}

impl Discovery {
    /// Asks the issuer for its document, and believes it only where it speaks of this very issuer.
    pub(crate) async fn fetch(dial: &Dial, issuer: &str) -> Result<Self, String> {
        let url = format!("{}/.well-known/openid-configuration", issuer.strip_suffix('/').unwrap_or(issuer));
        let reply = fetch(dial, &url).await.map_err(|why| format!("its discovery document: {why}"))?;
        let document =
            parse(reply.body(), &limits(1 << 20, 20_000)).map_err(|_| "its discovery document is not strict JSON")?;
        if document.get("issuer").and_then(Value::as_str) != Some(issuer) {
            return Err("its discovery document is of another issuer (compared as written)".to_owned());
        }
        Ok(Self { document })
    }

    /// An endpoint that the document names.
    pub(crate) fn endpoint(&self, name: &str) -> Result<&str, String> {
        let url = self.document.get(name).and_then(Value::as_str);
        url.ok_or_else(|| format!("its discovery document has no `{name}`"))
    }

    /// Whether a list that the document has names this item; `None` where it has no such list.
    pub(crate) fn lists(&self, list: &str, item: &str) -> Option<bool> {
        let items = self.document.get(list)?.as_array()?;
        Some(items.iter().any(|listed| listed.as_str() == Some(item)))
    }

    /// Whether the document says yes to this.
    pub(crate) fn says(&self, name: &str) -> bool {
        self.document.get(name).and_then(Value::as_bool) == Some(true)
    }
}

/// Asks for the issuer's present keys.
pub(crate) async fn fetch_keys(dial: &Dial, config: &IssuerConfig) -> Result<Fetched, String> {
    let reply = match &config.keys {
        KeySource::At(url) => fetch(dial, url).await,
        KeySource::Discovery { hosts } => {
            let discovery = Discovery::fetch(dial, &config.url).await?;
            let url = discovery.endpoint("jwks_uri")?;
            check_place(url, &config.url, hosts)?;
            fetch(dial, url).await
        }
    };
    let reply = reply.map_err(|why| format!("its keys: {why}"))?;
    let keys =
        KeySet::read(reply.body(), &config.algorithms).map_err(|why| format!("its key set is refused: {why}"))?;
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(digest(&SHA256, reply.body()).as_ref());
    Ok(Fetched { keys, fingerprint, keep_for: reply.max_age() })
}

/// Keys come from the issuer's own host or a configured one, by the issuer's own scheme: who can write a line into the
/// discovery document must not be able to bring keys of their own, or to let this gateway knock at other doors.
fn check_place(url: &str, issuer: &str, hosts: &[String]) -> Result<(), String> {
    let parts = |text: &str| {
        let uri: Uri = text.parse().ok()?;
        Some((uri.scheme_str()?.to_owned(), uri.authority()?.as_str().to_ascii_lowercase()))
    };
    let (Some((scheme, host)), Some((own_scheme, own_host))) = (parts(url), parts(issuer)) else {
        return Err("the address of its keys is not a URL".to_owned());
    };
    if scheme != own_scheme {
        return Err("its keys are not published by the issuer's own scheme".to_owned());
    }
    if host != own_host && !hosts.iter().any(|accepted| accepted.eq_ignore_ascii_case(&host)) {
        return Err("its keys are on a host that is neither its own nor configured".to_owned());
    }
    Ok(())
}

async fn fetch(dial: &Dial, url: &str) -> Result<Reply, String> {
    let reply = dial.get(url).await.map_err(|fault| fault.to_string())?;
    if reply.status() == StatusCode::OK { Ok(reply) } else { Err(format!("the server answered {}", reply.status())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stay_on_the_issuers_own_host() {
        let place = |url: &str| check_place(url, "https://idp.example/realm", &["keys.example".to_owned()]).is_ok();
        assert!(place("https://idp.example/keys"));
        assert!(place("https://IDP.example/keys"));
        assert!(place("https://keys.example/keys"));
        for url in [
            "http://idp.example/keys",
            "https://idp.example:8443/keys",
            "https://idp.example.evil.example/keys",
            "https://evil.example/idp.example",
            "https://idp.example@evil.example/keys",
            "/keys",
            "",
            "file:///etc/keys",
        ] {
            assert!(!place(url), "{url}");
        }
    }
}
