use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::thread;

/// What a command printed and whether it succeeded.
pub(crate) struct Finished {
    pub(crate) success: bool,
    pub(crate) printed: String,
}

/// Runs a command, shows what it prints as it prints it, and keeps it too.
pub(crate) fn show(command: &mut Command) -> Result<Finished, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{name} cannot be run: {error}"))?;
    let streams: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>),
        child.stderr.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>),
    ];
    let forwarders: Vec<_> =
        streams.into_iter().flatten().map(|stream| thread::spawn(move || forward(stream))).collect();
    let status = child.wait().map_err(|error| format!("{name} cannot be waited for: {error}"))?;
    let printed = forwarders.into_iter().filter_map(|forwarder| forwarder.join().ok()).collect();
    Ok(Finished { success: status.success(), printed })
}

/// Runs a command that is expected to succeed in silence; what it printed is in the error.
pub(crate) fn quiet(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{name} cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = [output.stderr, output.stdout].concat();
    let said = String::from_utf8_lossy(&said);
    let last: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).rev().take(4).collect();
    Err(format!("{name} failed: {}", last.into_iter().rev().collect::<Vec<_>>().join(" | ")))
}

fn forward(stream: impl Read) -> String {
    let mut kept = String::new();
    for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        // Two streams share our output; a whole line at a time keeps them readable.
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{line}");
        kept.push_str(&line);
        kept.push('\n');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_was_printed_last() {
        let error = quiet(Command::new("sh").args(["-c", "echo first; echo why >&2; exit 3"])).expect_err("it fails");
        assert!(error.starts_with("sh failed:") && error.contains("why"), "{error}");
        assert!(quiet(&mut Command::new("no-such-program-here")).is_err());
    }

    #[test]
    fn both_streams_are_kept() {
        let finished = show(Command::new("sh").args(["-c", "echo a; echo b >&2; exit 1"])).expect("it runs");
        assert!(!finished.success);
        assert_eq!(finished.printed, "a\nb\n");
    }
}
