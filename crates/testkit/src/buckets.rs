use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// An S3-compatible store of the provisioned tools, empty, on loopback ports of its own. It ends when dropped.
pub struct BucketServer {
    folder: TempDir,
    port: u16,
    server: Child,
}

impl BucketServer {
    /// moto, which enforces what AWS does of conditions and retention. `cargo xtask provision` installs it; without
    /// that, this panics.
    pub fn moto() -> Self {
        let port = free_port();
        let mut moto = Command::new(installed("moto/bin/moto_server"));
        moto.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        Self::start(moto, port, TempDir::new().expect("a temporary folder"))
    }

    /// SeaweedFS, a real store.
    pub fn seaweedfs() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let port = free_port();
        let mut weed = Command::new(installed("seaweedfs/bin/weed"));
        weed.args(["server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3", "-volume.max=5"]);
        weed.arg("-master.volumeSizeLimitMB=64").arg(format!("-s3.port={port}"));
        weed.arg(format!("-dir={}", folder.path().display()));
        // Each of its parts listens twice, on ports that two servers would share where they are not told otherwise.
        for part in ["master", "volume", "filer"] {
            weed.arg(format!("-{part}.port={}", free_port())).arg(format!("-{part}.port.grpc={}", free_port()));
        }
        for port in ["grpc", "iceberg", "lance"] {
            weed.arg(format!("-s3.port.{port}={}", free_port()));
        }
        Self::start(weed, port, folder)
    }

    fn start(mut command: Command, port: u16, folder: TempDir) -> Self {
        let said = File::create(folder.path().join("server.log")).expect("the folder can be written");
        let errors = said.try_clone().expect("a file can be opened twice");
        command.current_dir(folder.path()).stdin(Stdio::null()).stdout(said).stderr(errors);
        let mut server = Self { server: command.spawn().expect("the server can be started"), port, folder };
        let deadline = Instant::now() + PATIENCE;
        while !server.make_bucket("ready") {
            let ended = !matches!(server.server.try_wait(), Ok(None));
            let said = || std::fs::read_to_string(server.folder.path().join("server.log")).unwrap_or_default();
            assert!(!ended && Instant::now() < deadline, "the store does not start:\n{}", said());
            thread::sleep(Duration::from_millis(200));
        }
        server
    }

    /// Makes a bucket whose objects can be locked; true where it is there then.
    pub fn make_bucket(&self, name: &str) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
        let request = format!(
            "PUT /{name} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\ncontent-length: 0\r\nconnection: close\r\n\
             x-amz-bucket-object-lock-enabled: true\r\n\r\n",
            self.port
        );
        let mut answer = [0; 12];
        let sent = stream.write_all(request.as_bytes()).and_then(|()| stream.read_exact(&mut answer));
        sent.is_ok() && (answer.ends_with(b"200") || answer.ends_with(b"409"))
    }

    /// The URL of its API.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for BucketServer {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn installed(program: &str) -> PathBuf {
    let tools = std::env::var_os("GATEWRIGHT_TOOLS")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools")), PathBuf::from);
    let path = tools.join(program);
    assert!(path.exists(), "{program} is not installed; run `cargo xtask provision`");
    path
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.expect("a port is free").port()
}
