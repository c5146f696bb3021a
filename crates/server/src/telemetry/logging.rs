//! The gateway's own log, on standard error. Lines are written by a thread of their own: a pipe that nobody empties
//! must stop no journey. When more lines wait than the queue holds, new ones are dropped and counted.

use std::io::{self, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::ready::{Log, LogFormat};

/// Lines that may wait to be written.
const QUEUE: usize = 8_192;

/// How long the log's thread rests after it has written: it would otherwise be woken for every call, on a core that
/// answers callers.
const REST: Duration = Duration::from_millis(20);

/// Lines that were dropped since the start.
pub(super) static DROPPED: AtomicU64 = AtomicU64::new(0);

/// Writes what still waits when it is dropped, as long as that takes at most a second.
#[must_use = "dropping it ends the log"]
pub struct LogGuard(SyncSender<Message>);

/// The queue of the log that [`start`] began.
static STARTED: OnceLock<SyncSender<Message>> = OnceLock::new();

enum Message {
    Line(Vec<u8>),
    /// Everything before this is written; say so.
    Flush(SyncSender<()>),
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        let (done, waiting) = sync_channel(1);
        if self.0.try_send(Message::Flush(done)).is_ok() {
            let _ = waiting.recv_timeout(Duration::from_secs(1));
        }
    }
}

/// Begins the log of this process. A second call changes nothing.
pub fn start(log: &Log) -> LogGuard {
    let (sender, receiver) = sync_channel(QUEUE);
    // Without a thread nobody reads the queue: it fills up, and its lines are counted as dropped.
    let _ =
        std::thread::Builder::new().name("gatewright-log".to_owned()).spawn(move || write_all(&receiver, io::stderr()));
    let _ = STARTED.set(sender.clone());
    let lines = Lines(sender.clone());
    let level: LevelFilter = log.level;
    let builder = tracing_subscriber::fmt().with_max_level(level).with_writer(lines);
    // A program that embeds the gateway may have a log of its own.
    let _ = match log.format {
        LogFormat::Json => tracing::subscriber::set_global_default(builder.json().flatten_event(true).finish()),
        LogFormat::Text => tracing::subscriber::set_global_default(builder.with_ansi(false).finish()),
    };
    LogGuard(sender)
}

/// Writes a finished line. A program that embeds the gateway without its log gets it as an event.
pub(super) fn write_line(line: Vec<u8>) {
    match STARTED.get() {
        Some(sender) => send(sender, line),
        None => tracing::info!(target: "gatewright::access", "{}", String::from_utf8_lossy(&line).trim_end()),
    }
}

/// Hands a line to the log's thread, or counts it where too many wait.
fn send(sender: &SyncSender<Message>, line: Vec<u8>) {
    if sender.try_send(Message::Line(line)).is_err() {
        DROPPED.fetch_add(1, Relaxed);
    }
}

/// Takes what waits in one go, so that a busy gateway writes many lines with one call.
fn write_all(receiver: &Receiver<Message>, mut out: impl Write) {
    const BATCH: usize = 64 * 1024;
    let mut batch = Vec::with_capacity(BATCH);
    while let Ok(message) = receiver.recv() {
        let mut next = Some(message);
        while let Some(message) = next {
            match message {
                Message::Line(line) => batch.extend_from_slice(&line),
                Message::Flush(done) => {
                    write(&mut out, &mut batch);
                    let _ = done.try_send(());
                }
            }
            next = if batch.len() < BATCH { receiver.try_recv().ok() } else { None };
        }
        write(&mut out, &mut batch);
        std::thread::sleep(REST);
    }
}

/// A log that cannot be written is no reason to stop: the record is elsewhere.
fn write(out: &mut impl Write, batch: &mut Vec<u8>) {
    let _ = out.write_all(batch).and_then(|()| out.flush());
    batch.clear();
}

struct Lines(SyncSender<Message>);

/// One event's line, sent when it is complete.
struct Line<'l> {
    text: Vec<u8>,
    lines: &'l Lines,
}

impl<'l> MakeWriter<'l> for Lines {
    type Writer = Line<'l>;

    fn make_writer(&'l self) -> Line<'l> {
        Line { text: Vec::with_capacity(512), lines: self }
    }
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        let text = std::mem::take(&mut self.text);
        if !text.is_empty() {
            send(&self.lines.0, text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_drops_and_counts_and_blocks_nobody() {
        let (sender, receiver) = sync_channel(1);
        let lines = Lines(sender);
        let before = DROPPED.load(Relaxed);
        for _ in 0..3 {
            lines.make_writer().write_all(b"line\n").expect("written");
        }
        assert_eq!(DROPPED.load(Relaxed) - before, 2);
        drop(lines);
        let mut out = Vec::new();
        write_all(&receiver, &mut out);
        assert_eq!(out, b"line\n");
    }
}
