//! A gateway from a configuration of the test's own, as `gatewright serve` runs it, with an identity provider of the
//! test's own.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gatewright_demo::issuer::{Issuer, Person};
use gatewright_model::{Clock, Timestamp};
use gatewright_testkit::CountingEntropy;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::answers::asking;
use crate::process::{Process, free_address, wait_for_listener};
use crate::tools::gatewright;

/// The role catalogue of a setting unless a test has its own: alice may do everything with `sales-forecast`; one word of
/// the operator's own is masked besides what is masked everywhere.
pub const CATALOGUE: &str = "version: 1
detectors:
  PROJECT_CODE: { words: [aurora] }
roles:
  analyst:
    members: [{ issuer: corp, group: analysts }]
    grants: [{ models: [sales-forecast], operations: [chat, embed] }]
";

/// What time it is, for identity providers of tests.
pub struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("it is after 1970");
        Timestamp::from_micros(now.as_micros() as u64)
    }
}

/// A folder with a configuration, an identity provider that serves, and, once started, a gateway.
pub struct Setting {
    folder: TempDir,
    issuer: Issuer,
    data_address: SocketAddr,
    admin_address: SocketAddr,
    process: Option<Process>,
}

impl Setting {
    /// Lays the configuration for a gateway before `upstream`.
    pub async fn lay(upstream: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let issuer = Issuer::open(
            &folder.path().join("issuer"),
            &url,
            Arc::new(WallClock),
            Arc::new(CountingEntropy::seeded(3)),
        )
        .expect("the provider opens");
        let serving = issuer.clone();
        tokio::spawn(async move { serving.serve(listener, std::future::pending()).await });
        let setting =
            Self { folder, issuer, data_address: free_address(), admin_address: free_address(), process: None };
        setting.write("catalogue.yaml", CATALOGUE);
        setting.configure(&url, upstream);
        setting
    }

    /// Writes the configuration anew, for another issuer or model server.
    pub fn configure(&self, issuer: &str, upstream: &str) {
        let text = format!(
            "version: 1\nlisten: {{ data: \"{}\", admin: \"{}\" }}\ndata: \"{}\"\ncatalogue: catalogue.yaml\n\
             issuers:\n  corp: {{ url: \"{issuer}\", audience: gatewright, groups: /groups }}\n\
             connections:\n  lab: {{ protocol: openai, url: \"{upstream}\", trust: internal }}\n\
             models:\n  sales-forecast: {{ connection: lab, upstream: sales-forecast }}\n  \
             restricted: {{ connection: lab, upstream: restricted }}\n",
            self.data_address,
            self.admin_address,
            self.data().display()
        );
        self.write("gatewright.yaml", &text);
    }

    /// Replaces a file of the setting.
    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// A file of the setting.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where the gateway's data lies.
    pub fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// Where callers connect.
    pub fn data_address(&self) -> SocketAddr {
        self.data_address
    }

    /// Where operators connect.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    /// The identity provider's URL.
    pub fn issuer_url(&self) -> &str {
        self.issuer.url()
    }

    /// The header line that carries alice's token.
    pub fn alice(&self) -> String {
        self.bearer(Person::Alice)
    }

    /// The header line that carries a person's token.
    pub fn bearer(&self, person: Person) -> String {
        format!("authorization: Bearer {}", self.token(person))
    }

    /// A person's token.
    pub fn token(&self, person: Person) -> String {
        self.issuer.mint(person)
    }

    /// A person's token that is good for so long from now on.
    pub fn token_for(&self, person: Person, lifetime: Duration) -> String {
        self.issuer.mint_at(person, WallClock.now(), lifetime)
    }

    /// Starts `gatewright serve` without waiting for anything.
    pub fn spawn(&mut self) -> &mut Process {
        let mut command = Command::new(gatewright());
        command.arg("serve").arg("--config").arg(self.path("gatewright.yaml"));
        let process = Process::start(&mut command, &self.path("gateway.log"));
        self.process.insert(process)
    }

    /// Starts `gatewright serve` and waits until it listens.
    pub fn start_unready(&mut self) -> &mut Process {
        let address = self.data_address;
        let process = self.spawn();
        wait_for_listener(address, process);
        process
    }

    /// Starts `gatewright serve` and waits until it says that it is ready.
    pub async fn start(&mut self) -> &mut Process {
        self.start_unready();
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let ready = asking(self.admin_address, "GET", "/readyz", &[], "").await;
            if ready.status == 200 {
                return self.process();
            }
            assert!(Instant::now() < deadline, "it does not become ready: {}", ready.text());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The gateway's process.
    pub fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("it was started")
    }

    /// Tells the gateway to stop, without waiting for it.
    pub fn signal_to_stop(&self) {
        self.process.as_ref().expect("it was started").signal_to_stop();
    }

    /// Stops the gateway in order.
    pub fn stop(&mut self) {
        let status = self.process().terminate(Duration::from_secs(30));
        assert!(status.is_some_and(|status| status.success()), "it did not stop in order: {}", self.process().said());
        self.process = None;
    }

    /// The folder of the setting.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}
