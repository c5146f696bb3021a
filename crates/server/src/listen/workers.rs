use std::io;
use std::thread::JoinHandle;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot::{self, Sender};

/// Threads that answer callers, one runtime each.
///
/// A connection stays on the thread that it was given to, and so do the connections to model servers that its requests
/// open: nothing of a request is handed from thread to thread, which costs more than most of what is done for it.
pub struct Workers {
    threads: Vec<Worker>,
}

struct Worker {
    runtime: Handle,
    /// Dropped to end it.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Workers {
    /// Starts as many as the machine runs at once, and no more than `most`.
    pub fn start(most: usize) -> io::Result<Self> {
        let count = std::thread::available_parallelism().map_or(1, usize::from).clamp(1, most.max(1));
        let threads = (0..count).map(Worker::start).collect::<io::Result<_>>()?;
        Ok(Self { threads })
    }

    /// Their runtimes.
    pub fn runtimes(&self) -> Vec<Handle> {
        self.threads.iter().map(|worker| worker.runtime.clone()).collect()
    }
}

impl Worker {
    fn start(number: usize) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let work = move || {
            let _ = runtime.block_on(stopped);
        };
        let thread = std::thread::Builder::new().name(format!("worker-{number}")).spawn(work)?;
        Ok(Self { runtime: handle, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A worker catches its tasks' panics; there is nothing to be learned from its end.
            let _ = thread.join();
        }
    }
}
