//! The configuration that the quickstart runs, as the text that `--eject` writes: what is shown is what runs.

use std::fmt::Write as _;
use std::net::SocketAddr;

/// What the quickstart's configuration is made of.
pub(super) struct Plan {
    /// Where callers connect.
    pub(super) data_listener: SocketAddr,
    /// Where operators connect.
    pub(super) admin_listener: SocketAddr,
    /// The folder of everything that is kept, as written.
    pub(super) data: String,
    /// The demo issuer's URL.
    pub(super) issuer: String,
    /// The model server.
    pub(super) server: Server,
    /// The models: the names that callers use and the server's own, which are the same here.
    pub(super) models: Vec<String>,
}

/// The model server behind the quickstart.
pub(super) enum Server {
    /// The one in this process.
    Demo {
        /// Where it listens.
        url: String,
    },
    /// A real one.
    Given {
        /// Where it listens.
        url: String,
        /// Where its credential lies, as written.
        credential: Option<String>,
    },
}

/// A YAML string in double quotes; JSON's escapes are YAML's (YAML 1.2, section 5.7).
fn quoted(text: &str) -> String {
    let mut bytes = vec![b'"'];
    gatewright_json::escape_into(text, &mut bytes);
    bytes.push(b'"');
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `gatewright.yaml`
pub(super) fn configuration(plan: &Plan) -> String {
    let mut text = String::new();
    let (connection, url, credential) = match &plan.server {
        Server::Demo { url } => ("demo", url, None),
        Server::Given { url, credential } => ("models", url, credential.as_ref()),
    };
    let lines = [
        "# The configuration of a Gatewright gateway. Check it with `gatewright config check FILE`, run it with".to_owned(),
        "# `gatewright serve --config FILE`. Changes of this file and of the catalogue are picked up while it runs.".to_owned(),
        "version: 1".to_owned(),
        String::new(),
        "# Callers connect to `data`. Health, readiness and metrics are on `admin` alone: keep it away from callers.".to_owned(),
        format!("listen: {{ data: {}, admin: {} }}", quoted(&plan.data_listener.to_string()), quoted(&plan.admin_listener.to_string())),
        "# For a deployment that others reach, add TLS; changed certificates are picked up without a restart:".to_owned(),
        "# tls: { certificate: /etc/gatewright/tls.crt, key: /etc/gatewright/tls.key }".to_owned(),
        String::new(),
        "# Records, keys and the index of sessions. Back it up; nobody but the gateway needs to read it.".to_owned(),
        format!("data: {}", quoted(&plan.data)),
        String::new(),
        "# Who may do what.".to_owned(),
        "catalogue: catalogue.yaml".to_owned(),
        String::new(),
        "# Who vouches for callers. This is the quickstart's own provider, for demonstrations on this machine only:".to_owned(),
        "# put your identity provider's URL here, and the audience that it writes into tokens for this gateway.".to_owned(),
        "issuers:".to_owned(),
        format!("  demo: {{ url: {}, audience: gatewright, groups: /groups, login_client: gatewright-cli }}", quoted(&plan.issuer)),
        String::new(),
        "# Where models run. `internal` means inside your own walls: the default for anything else is `external`, which is".to_owned(),
        "# recorded before a request leaves and is shown tokens in place of sensitive values.".to_owned(),
        "connections:".to_owned(),
        format!("  {connection}:"),
        "    protocol: openai".to_owned(),
        format!("    url: {}", quoted(url)),
        "    trust: internal".to_owned(),
    ];
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
    match credential {
        Some(reference) => {
            let _ = writeln!(text, "    credential: {}", quoted(reference));
        }
        None => {
            text.push_str("    # credential: \"file:/run/secrets/models\"   # or env:NAME; never the value itself\n")
        }
    }
    text.push_str("\n# The names that callers use, and what the model server calls them.\nmodels:\n");
    for model in &plan.models {
        let name = quoted(model);
        let _ = writeln!(text, "  {name}: {{ connection: {connection}, upstream: {name} }}");
    }
    text
}

/// Models of the starter catalogue that its analysts may use.
pub(super) const STARTER_ALLOWED: [&str; 3] = gatewright_policy::STARTER_ALLOWED;

/// `catalogue.yaml`
pub(super) fn catalogue(plan: &Plan, allowed: &[String]) -> String {
    let models: Vec<&str> = plan.models.iter().map(String::as_str).collect();
    let allowed: Vec<&str> = allowed.iter().map(String::as_str).collect();
    gatewright_policy::starter_for(&models, &allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_name_cannot_break_out_of_its_quotes() {
        assert_eq!(quoted("a\"\n  evil: 1"), "\"a\\\"\\n  evil: 1\"");
    }
}
