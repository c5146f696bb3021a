//! `gatewright witness`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gatewright_ledger::TrustedKey;
use tokio::runtime::Handle;

use super::{Format, Outcome, answer, complain};
use crate::config::ready::{CertificateFiles, Limits};
use crate::listen::{Bounds, Counts, Drain, Front, ReloadingTls, bind};
use crate::run::{on_runtime, signalled};
use crate::system::{SystemClock, SystemEntropy};
use crate::witness::{State, Unkept, Witness, WitnessSide};

/// What was typed.
#[derive(Debug)]
pub struct Wanted {
    /// Where gateways connect.
    pub listen: SocketAddr,
    /// The folder of the witness's key and state.
    pub data: PathBuf,
    /// The witness's name, where it has no key yet.
    pub name: String,
    /// The keys of the logs that are cosigned, or files that hold them.
    pub logs: Vec<String>,
    /// Its certificate and its key; plain HTTP without.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Whom the first line is for.
    pub format: Format,
}

/// Cosigns until it is told to stop.
pub fn run(wanted: Wanted) -> Outcome {
    let key = |text: &String| {
        let written = std::fs::read_to_string(text).unwrap_or_else(|_| text.clone());
        written.trim().parse::<TrustedKey>().map_err(|bad| format!("--log {text}: {bad}"))
    };
    let logs = match wanted.logs.iter().map(key).collect::<Result<Vec<_>, _>>() {
        Ok(logs) => logs,
        Err(words) => return complain(Outcome::Usage, &words),
    };
    let (state, key) = match State::open(&wanted.data, &wanted.name, &SystemEntropy) {
        Ok(opened) => opened,
        Err(error @ Unkept::State(_)) => return complain(Outcome::Finding, &error),
        Err(error) => return complain(Outcome::Internal, &format!("{}: {error}", wanted.data.display())),
    };
    let public = key.public().to_string();
    let witness = Arc::new(Witness::new(key, logs, state, Arc::new(SystemClock)));
    on_runtime(serve(wanted, public, witness))
}

async fn serve(wanted: Wanted, public: String, witness: Arc<Witness>) -> Outcome {
    let tls = wanted.tls.map(|(certificate, key)| ReloadingTls::open(&CertificateFiles { certificate, key }));
    let tls = match tls.transpose() {
        Ok(tls) => tls,
        Err(error) => return complain(Outcome::BadConfiguration, &error),
    };
    let listener = match bind(wanted.listen) {
        Ok(listener) => listener,
        Err(error) => return complain(Outcome::Unreachable, &format!("{}: {error}", wanted.listen)),
    };
    let address = listener.local_addr().unwrap_or(wanted.listen);
    let secure = if tls.is_some() { "s" } else { "" };
    let bounds = Bounds { connections: 256, ..Bounds::from(&Limits::default()) };
    let front = Front { listener, tls, bounds, drain: Drain::new(), counts: Arc::new(Counts::default()) };
    let running = front.serve_on(Arc::new(WitnessSide(witness)), &[Handle::current()]);
    let url = format!("http{secure}://{address}");
    answer(&match wanted.format {
        Format::Json => format!("{}\n", serde_json::json!({ "url": url, "key": public })),
        Format::Text => format!("witness {public}\nlistening on {url}\n"),
    });
    signalled().await;
    running.finish(Duration::from_secs(5)).await;
    Outcome::Holds
}
