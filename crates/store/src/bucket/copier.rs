use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use gatewright_ledger::TrustedKey;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::Bucket;
use super::copying::{Copying, Round};
use super::objects::BucketFault;
use crate::disk::{Disk, RealDisk, read_whole};
use crate::folder::{TRUSTED_FILE, log_segments};
use crate::log::Log;

/// How a copy is kept up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopierOptions {
    /// How often what was recorded since is put into the bucket.
    pub every: Duration,
    /// How many bytes may wait for a bucket that cannot be reached before the log admits no more calls.
    pub spool: u64,
}

impl Default for CopierOptions {
    fn default() -> Self {
        Self { every: Duration::from_secs(10), spool: 1 << 30 }
    }
}

/// How far the bucket lags behind the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    /// How many bytes wait.
    pub bytes: u64,
    /// What keeps them from being copied.
    pub fault: Option<BucketFault>,
    /// Why no more calls are admitted meanwhile.
    pub refused: Option<Arc<str>>,
}

/// Keeps a bucket's copy up, in a thread of its own that ends with it. No call waits for it; but where too much would be
/// lost with the local disk, or the bucket is another history's, the log admits none.
pub struct Copier {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    lag: watch::Receiver<Lag>,
}

impl Copier {
    /// Starts to copy this log, which writes to the data folder at this path. Requests run on this runtime.
    pub fn start(path: &Path, log: &Log, bucket: &Bucket, options: CopierOptions, runtime: Handle) -> io::Result<Self> {
        Self::of(Arc::new(RealDisk::new(path)), log, bucket, options, runtime)
    }

    /// The same for any disk.
    pub fn of(
        disk: Arc<dyn Disk>,
        log: &Log,
        bucket: &Bucket,
        options: CopierOptions,
        runtime: Handle,
    ) -> io::Result<Self> {
        let key = String::from_utf8(read_whole(disk.as_ref(), TRUSTED_FILE, 4 << 10)?).unwrap_or_default();
        let root: TrustedKey = key.parse().map_err(|bad| io::Error::other(format!("{TRUSTED_FILE}: {bad}")))?;
        let segment = log_segments(disk.as_ref())?.0.last().copied().unwrap_or_default();
        let copying = Copying::new(disk, bucket.objects.clone(), runtime, root, segment);
        let (stop, stopped) = channel();
        let (tell, lag) = watch::channel(Lag::default());
        let mut running = Running { copying, options, log: log.held_off(), durable: log.durable(), tell };
        let thread = thread::Builder::new().name("copier".to_owned()).spawn(move || running.run(&stopped))?;
        Ok(Self { stop: Some(stop), thread: Some(thread), lag })
    }

    /// How far the bucket lags, and when that changes.
    pub fn lag(&self) -> watch::Receiver<Lag> {
        self.lag.clone()
    }
}

impl Drop for Copier {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Running {
    copying: Copying,
    options: CopierOptions,
    log: crate::log::HeldOff,
    durable: watch::Receiver<u64>,
    tell: watch::Sender<Lag>,
}

impl Running {
    fn run(&mut self, stopped: &Receiver<()>) {
        loop {
            let ended = stopped.recv_timeout(self.options.every) != Err(RecvTimeoutError::Timeout);
            // At the end one try more, unless the bucket was out of reach anyway.
            if !ended || self.tell.borrow().fault.is_none() {
                while self.once() == Ok(Round::Part) {}
            }
            if ended {
                return;
            }
        }
    }

    fn once(&mut self) -> Result<Round, BucketFault> {
        let durable = &self.durable;
        let round = self.copying.round(|| *durable.borrow());
        let (bytes, fault) = (self.copying.waiting(), round.as_ref().err().cloned());
        let refused = self.refusal(bytes, fault.as_ref());
        self.log.hold(refused.clone());
        let lag = Lag { bytes, fault, refused };
        self.say(&lag);
        self.tell.send_replace(lag);
        round
    }

    /// Why no more calls may be admitted, where that is so.
    fn refusal(&self, bytes: u64, fault: Option<&BucketFault>) -> Option<Arc<str>> {
        match fault {
            Some(fault @ (BucketFault::Forked(_) | BucketFault::Fenced | BucketFault::RolledBack { .. })) => {
                Some(fault.to_string().into())
            }
            Some(BucketFault::OutOfReach(_) | BucketFault::Disk(_)) | None if bytes > self.options.spool => {
                let why = fault.map_or_else(|| "the bucket is too slow".to_owned(), ToString::to_string);
                Some(format!("{bytes} bytes of records wait for the bucket: {why}").into())
            }
            Some(BucketFault::OutOfReach(_) | BucketFault::Disk(_)) | None => None,
        }
    }

    /// Tells the operator of what changed.
    fn say(&self, lag: &Lag) {
        let before = self.tell.borrow();
        match (&before.fault, &lag.fault) {
            (None, Some(fault)) => tracing::warn!(%fault, bytes = lag.bytes, "records wait for the bucket"),
            (Some(_), None) => tracing::info!("the bucket has the records again"),
            (None, None) | (Some(_), Some(_)) => {}
        }
        match (&before.refused, &lag.refused) {
            (None, Some(why)) => tracing::error!(%why, "no more calls are admitted"),
            (Some(_), None) => tracing::info!("calls are admitted again"),
            (None, None) | (Some(_), Some(_)) => {}
        }
    }
}
