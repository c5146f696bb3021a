use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Ticks of /proc's processor times in a second; Linux fixes it for user space.
const TICKS: u64 = 100;

/// A program under measurement, with the children that it started. It is ended when dropped.
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program that logs into a file of `folder`.
    pub(crate) fn start(mut command: Command, folder: &Path, stdout: Stdio) -> Result<Self, String> {
        let name = command.get_program().to_string_lossy().into_owned();
        let log = folder.join("log.txt");
        let file = fs::File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(file)
            .spawn()
            .map_err(|error| format!("{name} cannot be started: {error}"))?;
        Ok(Self { child, log })
    }

    /// The first line that the program prints.
    pub(crate) fn first_line(&mut self, patience: Duration) -> Result<String, String> {
        let stdout = self.child.stdout.take().ok_or("its output is not ours to read")?;
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut lines = BufReader::new(stdout).lines();
            let _ = sender.send(lines.next());
            // Goes on reading, so that the program never blocks on what it prints.
            lines.for_each(drop);
        });
        match receiver.recv_timeout(patience) {
            Ok(Some(Ok(line))) => Ok(line),
            _ => Err(format!("it did not say that it is ready; its log: {}", self.last_words())),
        }
    }

    /// The end of its log.
    pub(crate) fn last_words(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(8).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// Processor time so far, of it and its children.
    pub(crate) fn processor_time(&self) -> Duration {
        let ticks: u64 = self.family().iter().filter_map(|&pid| ticks(pid)).sum();
        Duration::from_micros(ticks * 1_000_000 / TICKS)
    }

    /// Resident memory in bytes, of it and its children.
    pub(crate) fn memory(&self) -> u64 {
        self.family().iter().filter_map(|&pid| resident(pid)).sum()
    }

    fn family(&self) -> Vec<u32> {
        let own = self.child.id();
        let children = fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap_or_default();
        std::iter::once(own).chain(children.split_whitespace().filter_map(|pid| pid.parse().ok())).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Asked first, so that nginx's master ends its workers and Gatewright closes its log.
        let _ = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
        let deadline = Instant::now() + Duration::from_secs(4);
        while Instant::now() < deadline {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ticks(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses and may hold anything, so count from its end: then utime is the 12th field.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
}

fn resident(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_our_own_figures() {
        let pid = std::process::id();
        assert!(ticks(pid).is_some());
        assert!(resident(pid).is_some_and(|bytes| bytes > 100 * 1024));
    }
}
