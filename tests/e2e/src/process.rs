//! Programs that a test starts and ends.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// A program that is killed when dropped, with its standard error in a file.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program whose standard error goes to `log`.
    pub fn start(command: &mut Command, log: &Path) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let file = fs::OpenOptions::new().create(true).append(true).open(log).expect("the log can be written");
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(file)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} cannot be started: {error}"));
        Self { child, log: log.to_path_buf() }
    }

    /// The lines of its standard output, as they come; the channel ends with the program.
    pub fn lines(&mut self) -> mpsc::Receiver<String> {
        let stdout = self.child.stdout.take().expect("its output is read once");
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // A test that has read enough lets the rest fall, but the program must never block on it.
                let _ = sender.send(line);
            }
        });
        receiver
    }

    /// The process's number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it at once, as a crash does.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to stop, and waits.
    pub fn terminate(&mut self, patience: Duration) -> Option<ExitStatus> {
        self.signal_to_stop();
        self.wait(patience)
    }

    /// Sends SIGTERM and does not wait.
    pub fn signal_to_stop(&self) {
        let _ = Command::new("kill").arg("-TERM").arg(self.id().to_string()).status();
    }

    /// Waits until it ends by itself.
    pub fn wait(&mut self, patience: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            thread::sleep(Duration::from_millis(5));
        }
        None
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// What it said on standard error.
    pub fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Its resident memory in bytes.
    pub fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it is alive");
        line.split_whitespace().next().and_then(|number| number.parse::<u64>().ok()).expect("it is a number") * 1024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What a program that ran to its end printed.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

/// Runs a program to its end.
pub fn run(command: &mut Command) -> Ran {
    let name = command.get_program().to_string_lossy().into_owned();
    let output =
        command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{name} cannot be started: {error}"));
    Ran {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// An address that was free a moment ago.
pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port is free")
}

/// Waits until something listens there.
pub fn wait_for_listener(address: SocketAddr, process: &mut Process) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(address).is_err() {
        assert!(!process.has_ended(), "it ended before it listened: {}", process.said());
        assert!(Instant::now() < deadline, "it does not listen: {}", process.said());
        thread::sleep(Duration::from_millis(20));
    }
}
