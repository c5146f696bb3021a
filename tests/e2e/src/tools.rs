//! Where the built binary and the provisioned tools lie.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::process::run;

/// The gateway's binary: `GATEWRIGHT_BINARY`, else the one beside this test's.
pub fn gatewright() -> PathBuf {
    let path = std::env::var_os("GATEWRIGHT_BINARY").map_or_else(
        || {
            let test = std::env::current_exe().expect("this program has a path");
            test.ancestors().nth(2).expect("it lies in target/debug/deps").join("gatewright")
        },
        PathBuf::from,
    );
    assert!(path.is_file(), "{} is not built; run `cargo build` or `cargo xtask test`", path.display());
    path
}

/// A file of a provisioned tool: `GATEWRIGHT_TOOLS`, else `target/tools`.
pub fn tool(inner: &str) -> PathBuf {
    let tools = std::env::var_os("GATEWRIGHT_TOOLS")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools")), PathBuf::from);
    let path = tools.join(inner);
    assert!(path.exists(), "{} is not installed; run `cargo xtask provision`", path.display());
    path
}

/// A file of this package.
pub fn file(inner: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(inner)
}

/// A vendor's SDK, unmodified, in an interpreter of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sdk {
    /// openai-python 2.x, on httpx.
    Python2,
    /// openai-python 3.x, on httpx2.
    Python3,
    /// openai-node.
    Node,
}

impl Sdk {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Python2, Self::Python3, Self::Node];

    /// Runs the SDK's script with these words and gives the JSON that it prints. Only base URL and key are changed.
    pub fn run(self, base_url: &str, key: &str, words: &[&str]) -> Value {
        let mut command = match self {
            Self::Python2 | Self::Python3 => {
                let folder = if self == Self::Python2 { "openai-python-2" } else { "openai-python-3" };
                let mut command = Command::new(tool(&format!("{folder}/bin/python")));
                command.arg(file("sdk/openai_sdk.py"));
                command
            }
            Self::Node => {
                let mut command = Command::new(tool("node/node"));
                command.arg(file("sdk/openai_sdk.mjs")).env("SDK_FOLDER", tool("npm"));
                command
            }
        };
        command.env("OPENAI_BASE_URL", base_url).env("OPENAI_API_KEY", key).args(words);
        for proxy in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
            command.env_remove(proxy);
        }
        let ran = run(&mut command);
        assert_eq!(ran.code, Some(0), "{self:?} {words:?} failed:\n{}\n{}", ran.out, ran.err);
        serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{self:?} printed no JSON: {error}\n{}", ran.out))
    }
}

/// Chroma's own client, unmodified: what it gave back (`told`), or the exception that it raised. Only address and token
/// are set.
pub fn chroma_client(address: SocketAddr, token: &str, words: &[&str]) -> Value {
    let mut command = Command::new(tool("chroma-client/bin/python"));
    command.arg(file("sdk/chroma_client.py")).arg(address.ip().to_string()).arg(address.port().to_string()).args(words);
    command.env("CHROMA_TOKEN", token).env("ANONYMIZED_TELEMETRY", "False");
    for proxy in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        command.env_remove(proxy);
    }
    let ran = run(&mut command);
    assert_eq!(ran.code, Some(0), "{words:?} failed:\n{}\n{}", ran.out, ran.err);
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{words:?} printed no JSON: {error}\n{}", ran.out))
}
