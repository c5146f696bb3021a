//! `gatewright quickstart`: everything on this machine, with nothing to configure or install.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use gatewright_demo::issuer::Person;
use serde_json::json;

use super::{Outcome, answer, complain};
use crate::config::ready::{Log, LogFormat};
use crate::quickstart::{Fault, Prepared, prepare};
use crate::run::{self, Running, Watched};
use crate::state;
use crate::telemetry::logging;

/// What was asked for.
pub struct Wanted {
    /// Where callers connect.
    pub listen: SocketAddr,
    /// Where operators connect.
    pub admin: SocketAddr,
    /// The folder of everything that is kept.
    pub data: PathBuf,
    /// A real model server to stand before.
    pub upstream: Option<String>,
    /// Where its credential lies.
    pub upstream_key: Option<String>,
    /// One line of JSON instead of words.
    pub json: bool,
    /// Write the configuration and stop.
    pub eject: Option<PathBuf>,
}

/// Runs the quickstart until it is told to stop.
pub fn run(wanted: Wanted) -> Outcome {
    // A person at a terminal is told of trouble alone.
    let log = Log { format: LogFormat::Text, level: tracing::level_filters::LevelFilter::WARN, access: false };
    let _log = logging::start(&log);
    run::on_runtime(async move {
        let prepared = match prepare(&wanted).await {
            Ok(prepared) => prepared,
            Err(fault) => return complain(outcome(&fault), &fault),
        };
        let Prepared { loaded, allowed, denied, demo } = prepared;
        let (Some(demo), None) = (demo, &wanted.eject) else { return ejected(&wanted) };
        let tokens: Vec<(Person, String)> = Person::ALL.map(|person| (person, demo.issuer.mint(person))).into();
        if let Err(error) = keep(&wanted.data, &tokens) {
            return complain(Outcome::Internal, &format!("the demo tokens cannot be written: {error}"));
        }
        let state = match state::open(&loaded.ready).await {
            Ok(state) => state,
            Err(fault) => return complain(fault.outcome(), &fault),
        };
        let running = match Running::start(loaded, state, Watched::Nothing).await {
            Ok(running) => running,
            Err(fault) => return complain(fault.outcome(), &fault),
        };
        let told = Told { allowed, denied };
        let issuer = demo.issuer.url();
        let text =
            if wanted.json { told.json(&running, issuer, &tokens) } else { told.words(&running, &wanted, issuer) };
        answer(&text);
        running.until_stopped().await
    })
}

fn outcome(fault: &Fault) -> Outcome {
    match fault {
        Fault::Configuration(_) => Outcome::BadConfiguration,
        Fault::Upstream(_) | Fault::Listener { .. } => Outcome::Unreachable,
        Fault::Reference(_) => Outcome::Usage,
        Fault::Data { .. } | Fault::Issuer(_) => Outcome::Internal,
    }
}

fn ejected(wanted: &Wanted) -> Outcome {
    let folder = wanted.eject.as_deref().unwrap_or_else(|| Path::new(".")).display().to_string();
    let (program, folder) = (program(), quoted(&folder));
    answer(&format!(
        "Wrote {folder}/gatewright.yaml and {folder}/catalogue.yaml. Put your issuer and your model server into them, then:\n\n  \
         {program} config check {folder}/gatewright.yaml\n  {program} serve --config {folder}/gatewright.yaml\n"
    ));
    Outcome::Holds
}

/// The tokens of the demo's people, for the printed commands: `DATA/demo/alice.token` and so on.
fn keep(data: &Path, tokens: &[(Person, String)]) -> std::io::Result<()> {
    let folder = data.join("demo");
    crate::keys::create_folder(&folder)?;
    for (person, token) in tokens {
        crate::keys::write_private(&folder.join(format!("{}.token", person.name())), token.as_bytes())?;
    }
    Ok(())
}

/// This program, as a shell would find it again from here.
fn program() -> String {
    let program = std::env::args().next().unwrap_or_else(|| "gatewright".to_owned());
    quoted(&program)
}

/// A word of a shell's command line.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_' | b':');
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

struct Told {
    allowed: Vec<String>,
    denied: Vec<String>,
}

impl Told {
    fn json(&self, running: &Running, issuer: &str, tokens: &[(Person, String)]) -> String {
        let tokens: serde_json::Map<_, _> =
            tokens.iter().map(|(person, token)| (person.name().to_owned(), json!(token))).collect();
        let line = json!({
            "data": running.data_url(),
            "admin": running.admin_url(),
            "issuer": issuer,
            "tokens": tokens,
            "models": { "allowed": self.allowed, "denied": self.denied },
        });
        format!("{line}\n")
    }

    fn words(&self, running: &Running, wanted: &Wanted, issuer: &str) -> String {
        let (program, data) = (program(), quoted(&wanted.data.display().to_string()));
        let url = running.data_url();
        let mut text = String::new();
        let _ = write!(
            text,
            "Gatewright is running.\n\n  callers    {url}/v1   (OpenAI-style; only base URL and key change)\n  console    {}   (open it in a browser; carol approves)\n  \
             sign-in    {issuer}   (a demo: alice is an analyst, bob an ML admin, carol in security)\n  records    {data}\n\n\
             Copy and paste, in another terminal in this folder:\n",
            running.admin_url()
        );
        let call = |person: &str, body: &serde_json::Value, flags: &str| {
            format!(
                "curl -s{flags} {url}/v1/chat/completions -H 'content-type: application/json' \\\n    \
                 -H \"authorization: Bearer $(cat {data}/demo/{person}.token)\" \\\n    -d {}",
                quoted(&body.to_string())
            )
        };
        let ask = |model: &str, stream: bool| {
            let messages =
                json!([{ "role": "user", "content": "Who is the customer of order 4711, and how do I reach them?" }]);
            if stream {
                json!({ "model": model, "stream": true, "messages": messages })
            } else {
                json!({ "model": model, "messages": messages })
            }
        };
        let mut step = |what: &str, command: String| {
            let _ = write!(text, "\n# {what}\n{command}\n");
        };
        if let Some(model) = self.allowed.first() {
            step(
                "alice asks a model that her role may use; personal data in the answer is masked",
                call("alice", &ask(model, false), ""),
            );
        }
        if let Some(model) = self.denied.first() {
            step(
                "a model that it may not use: refused, with the rule and a request id",
                call("alice", &ask(model, false), ""),
            );
        }
        if let Some(model) = self.allowed.first() {
            step("the same answer as a stream, masked as it comes", call("alice", &ask(model, true), "N"));
        }
        step(
            "what happened: the sessions, and the last one again with its original timing",
            format!("{program} sessions list --data {data}\n{program} sessions replay last --data {data}"),
        );
        step("every record checked, while the gateway runs", format!("{program} ledger verify --data {data}"));
        let _ = write!(
            text,
            "\n# from Python\nfrom openai import OpenAI\nclient = OpenAI(base_url=\"{url}/v1\", api_key=open({:?}).read())\n\n\
             Tokens last an hour; `{program} login` gets one through the browser. Ctrl-C stops.\n",
            format!("{}/demo/alice.token", wanted.data.display())
        );
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_one_word() {
        assert_eq!(quoted("target/release/gatewright"), "target/release/gatewright");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
