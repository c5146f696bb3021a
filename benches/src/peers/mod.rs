//! What stands between the clients and the model: nothing, nginx, Envoy, or Gatewright with some of its layers.

mod envoy;
mod gatewright;
mod nginx;

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

pub(crate) use gatewright::Layers;

use crate::arguments::Arguments;
use crate::load::Target;
use crate::model::Model;
use crate::process::Process;

/// Workers that nginx and Envoy get: one for each core, as their packages and Gatewright have it by default.
const WORKERS: usize = 2;
const PATIENCE: Duration = Duration::from_secs(20);

/// Something to measure.
#[derive(Clone, Copy)]
pub(crate) enum Peer {
    /// The clients ask the model itself.
    Direct,
    /// A plain reverse proxy.
    Nginx,
    /// A plain reverse proxy of the kind that meshes use.
    Envoy,
    /// Gatewright with these layers.
    Gatewright(Layers),
}

/// A peer that answers.
pub(crate) struct Running {
    pub(crate) target: Target,
    process: Option<Process>,
}

impl Running {
    /// Processor time so far; nothing for the direct connection.
    pub(crate) fn processor_time(&self) -> Duration {
        self.process.as_ref().map_or(Duration::ZERO, Process::processor_time)
    }

    /// Resident memory in bytes; nothing for the direct connection.
    pub(crate) fn memory(&self) -> u64 {
        self.process.as_ref().map_or(0, Process::memory)
    }

    /// What its log says at its end.
    pub(crate) fn last_words(&self) -> String {
        self.process.as_ref().map(Process::last_words).unwrap_or_default()
    }
}

impl Peer {
    /// Its name in the table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Nginx => "nginx",
            Self::Envoy => "Envoy",
            Self::Gatewright(layers) => layers.name(),
        }
    }

    /// The name of the folder with its files.
    fn folder(self) -> String {
        let name = self.name().to_lowercase();
        name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
    }

    /// Starts it before the model, and waits until it answers.
    pub(crate) fn start(self, arguments: &Arguments, model: &Model) -> Result<Running, String> {
        model.answer_after(Duration::ZERO);
        let folder = arguments.out.join(self.folder());
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let folder = folder.canonicalize().map_err(|error| format!("{}: {error}", folder.display()))?;
        match self {
            Self::Direct => Ok(Running { target: Target { address: model.address(), token: None }, process: None }),
            Self::Nginx => nginx::start(&arguments.tools, &folder, model.address()),
            Self::Envoy => envoy::start(&arguments.tools, &folder, model.address()),
            Self::Gatewright(layers) => gatewright::start(arguments, layers, &folder, model.address()),
        }
    }
}

/// A port that was free a moment ago.
fn free_address() -> Result<SocketAddr, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    listener.local_addr().map_err(|error| error.to_string())
}

fn write(path: PathBuf, text: &str) -> Result<PathBuf, String> {
    fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}

fn wait_for(address: SocketAddr, process: &Process) -> Result<(), String> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if TcpStream::connect(address).is_ok() {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(20));
    }
    Err(format!("it does not listen; its log: {}", process.last_words()))
}
