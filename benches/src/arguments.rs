use std::path::PathBuf;
use std::time::Duration;

use crate::peers::{Layers, Peer};

const USAGE: &str =
    "gatewright-bench --gatewright FILE --layered FILE --tools DIR --out DIR [--rounds N] [--seconds N] [--only NAME]…";

/// What to measure, with what, and for how long.
pub(crate) struct Arguments {
    /// The binary to measure.
    pub(crate) gatewright: PathBuf,
    /// The same, built so that layers can be left out.
    pub(crate) layered: PathBuf,
    /// Where nginx and Envoy were installed.
    pub(crate) tools: PathBuf,
    /// Where the results go.
    pub(crate) out: PathBuf,
    /// How often each peer is measured; the median is reported.
    pub(crate) rounds: usize,
    /// How long one cell is measured.
    pub(crate) window: Duration,
    only: Vec<String>,
}

impl Arguments {
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut gatewright, mut layered, mut tools, mut out) = (None, None, None, None);
        let (mut rounds, mut seconds, mut only) = (3, 2.5, Vec::new());
        while let Some(word) = words.next() {
            let value = words.next().ok_or_else(|| format!("{word} needs a value\n{USAGE}"))?;
            let number = || value.parse::<f64>().map_err(|_| format!("{word} needs a number, not {value}"));
            match word.as_str() {
                "--gatewright" => gatewright = Some(PathBuf::from(value)),
                "--layered" => layered = Some(PathBuf::from(value)),
                "--tools" => tools = Some(PathBuf::from(value)),
                "--out" => out = Some(PathBuf::from(value)),
                "--rounds" => rounds = (number()? as usize).clamp(1, 20),
                "--seconds" => seconds = number()?.clamp(0.2, 60.0),
                "--only" => only.push(value),
                _ => return Err(format!("there is no option {word}\n{USAGE}")),
            }
        }
        Ok(Self {
            gatewright: gatewright.ok_or(USAGE)?,
            layered: layered.ok_or(USAGE)?,
            tools: tools.ok_or(USAGE)?,
            out: out.ok_or(USAGE)?,
            rounds,
            window: Duration::from_secs_f64(seconds),
            only,
        })
    }

    /// The peers to measure. The direct connection is always among them, since what a proxy adds is counted from it.
    pub(crate) fn peers(&self) -> Result<Vec<Peer>, String> {
        let mut peers = vec![Peer::Direct, Peer::Nginx, Peer::Envoy];
        peers.extend(Layers::ALL.map(Peer::Gatewright));
        for name in &self.only {
            if !peers.iter().any(|peer| peer.name().contains(name.as_str())) {
                return Err(format!("there is no peer {name}"));
            }
        }
        peers.retain(|peer| {
            matches!(peer, Peer::Direct)
                || self.only.is_empty()
                || self.only.iter().any(|name| peer.name().contains(name.as_str()))
        });
        Ok(peers)
    }
}
