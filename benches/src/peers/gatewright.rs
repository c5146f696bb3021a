use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{PATIENCE, Running, free_address};
use crate::arguments::Arguments;
use crate::load::Target;
use crate::process::Process;

/// How much of a journey is made; each includes the ones before it. The last is the product as it ships.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layers {
    Plain,
    Identity,
    Policy,
    Masking,
    Records,
}

impl Layers {
    pub(crate) const ALL: [Self; 5] = [Self::Plain, Self::Identity, Self::Policy, Self::Masking, Self::Records];

    /// Its name in the table.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Plain => "Gatewright plain",
            Self::Identity => "Gatewright +identity",
            Self::Policy => "Gatewright +policy",
            Self::Masking => "Gatewright +masking",
            Self::Records => "Gatewright, everything",
        }
    }

    /// What the binary with layers is told; nothing for the product as it ships, which has no such switch.
    const fn word(self) -> Option<&'static str> {
        match self {
            Self::Plain => Some("plain"),
            Self::Identity => Some("identity"),
            Self::Policy => Some("policy"),
            Self::Masking => Some("masking"),
            Self::Records => None,
        }
    }
}

/// The quickstart before our model server, asked as alice.
pub(super) fn start(
    arguments: &Arguments,
    layers: Layers,
    folder: &Path,
    model: SocketAddr,
) -> Result<Running, String> {
    let mut command = Command::new(layers.word().map_or(&arguments.gatewright, |_| &arguments.layered));
    command.arg("quickstart").arg("--json").arg("--data").arg(folder.join("data"));
    command.args(["--listen", &free_address()?.to_string(), "--admin", &free_address()?.to_string()]);
    command.args(["--upstream", &format!("http://{model}")]);
    if let Some(word) = layers.word() {
        command.env("GATEWRIGHT_BENCH_LAYERS", word);
    }
    let mut process = Process::start(command, folder, Stdio::piped())?;
    let line = process.first_line(PATIENCE)?;
    let ready: Value =
        serde_json::from_str(&line).map_err(|error| format!("its first line is no JSON: {error}: {line}"))?;
    let address = ready["data"]
        .as_str()
        .and_then(|url| url.strip_prefix("http://"))
        .and_then(|address| address.trim_end_matches('/').parse().ok())
        .ok_or_else(|| format!("its first line names no address: {line}"))?;
    let token = ready["tokens"]["alice"].as_str().map(str::to_owned);
    Ok(Running { target: Target { address, token }, process: Some(process) })
}
