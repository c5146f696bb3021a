//! The gateway as a process.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gatewright_demo::issuer::{Issuer, Person};
use gatewright_model::{Clock, Timestamp};
use gatewright_testkit::{CountingEntropy, FixedClock};
use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Process, Ran, run};
use crate::tools::gatewright;

/// How to start the quickstart.
#[derive(Default)]
pub struct Quickstart<'a> {
    /// A real model server in place of the demo's.
    pub upstream: Option<&'a str>,
    /// The credential for it, handed over by an environment variable.
    pub upstream_key: Option<&'a str>,
    /// Where its data lies; a temporary folder of its own otherwise.
    pub data: Option<&'a Path>,
}

/// A running quickstart.
pub struct Gateway {
    process: Process,
    ready: Value,
    data: PathBuf,
    folder: TempDir,
    started_in: Duration,
}

impl Gateway {
    /// Starts the quickstart and waits until it says that it is ready.
    pub fn quickstart(how: &Quickstart) -> Self {
        let folder = TempDir::new().unwrap();
        let data = how.data.map_or_else(|| folder.path().join("data"), Path::to_path_buf);
        let mut command = Command::new(gatewright());
        command.args(["quickstart", "--json", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data"]);
        command.arg(&data).current_dir(folder.path()).env("RUST_LOG", "trace");
        if let Some(url) = how.upstream {
            command.args(["--upstream", url]);
        }
        if let Some(key) = how.upstream_key {
            command.args(["--upstream-key", "env:MODEL_KEY"]).env("MODEL_KEY", key);
        }
        let start = Instant::now();
        let mut process = Process::start(&mut command, &folder.path().join("gateway.log"));
        let line = process.lines().recv_timeout(Duration::from_secs(30));
        let line = line.unwrap_or_else(|_| panic!("the quickstart did not become ready: {}", process.said()));
        let started_in = start.elapsed();
        let ready = serde_json::from_str(&line).unwrap_or_else(|error| panic!("not JSON: {error}: {line}"));
        Self { process, ready, data, folder, started_in }
    }

    /// The quickstart before this model server.
    pub fn before(upstream: &str) -> Self {
        Self::quickstart(&Quickstart { upstream: Some(upstream), ..Quickstart::default() })
    }

    /// The line that it printed when it was ready.
    pub fn ready(&self) -> &Value {
        &self.ready
    }

    /// How long it took until it was ready.
    pub fn started_in(&self) -> Duration {
        self.started_in
    }

    /// The base URL for SDKs.
    pub fn base_url(&self) -> String {
        format!("{}/v1", self.url("data"))
    }

    /// Where callers connect.
    pub fn data_address(&self) -> SocketAddr {
        address(&self.url("data"))
    }

    /// Where operators connect.
    pub fn admin_address(&self) -> SocketAddr {
        address(&self.url("admin"))
    }

    /// The demo identity provider's URL.
    pub fn issuer(&self) -> String {
        self.url("issuer")
    }

    /// A person's token.
    pub fn token(&self, person: &str) -> String {
        self.ready["tokens"][person].as_str().expect("the person has a token").to_owned()
    }

    /// The header line that carries a person's token.
    pub fn bearer(&self, person: &str) -> String {
        format!("authorization: Bearer {}", self.token(person))
    }

    /// A token of alice's that was good two hours ago and expired one hour ago, signed with the provider's true key.
    pub fn expired_token(&self) -> String {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("it is after 1970");
        let then = Timestamp::from_seconds(now.as_secs() - 7_200);
        let clock: Arc<dyn Clock> = Arc::new(FixedClock::at(then));
        let issuer = Issuer::open(&self.data.join("demo"), self.issuer(), clock, Arc::new(CountingEntropy::seeded(9)))
            .expect("the quickstart's key is there");
        issuer.mint_at(Person::Alice, then, Duration::from_secs(3_600))
    }

    /// The first model that alice may use.
    pub fn allowed(&self) -> String {
        self.ready["models"]["allowed"][0].as_str().expect("there is an allowed model").to_owned()
    }

    /// The first model that alice may not use.
    pub fn denied(&self) -> String {
        self.ready["models"]["denied"][0].as_str().expect("there is a denied model").to_owned()
    }

    /// The process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Where its data lies.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Runs one of the binary's offline commands on its data.
    pub fn offline(&self, words: &[&str]) -> Ran {
        offline(&self.data, words)
    }

    /// Its temporary folder, kept beyond the process.
    pub fn into_folder(mut self) -> TempDir {
        self.process.kill();
        let Self { folder, .. } = self;
        folder
    }

    fn url(&self, name: &str) -> String {
        self.ready[name].as_str().unwrap_or_else(|| panic!("it names no {name}")).trim_end_matches('/').to_owned()
    }
}

/// Runs one of the binary's offline commands on a data folder.
pub fn offline(data: &Path, words: &[&str]) -> Ran {
    run(Command::new(gatewright()).args(words).arg("--data").arg(data))
}

fn address(url: &str) -> SocketAddr {
    url.strip_prefix("http://").and_then(|address| address.parse().ok()).unwrap_or_else(|| panic!("no address: {url}"))
}
