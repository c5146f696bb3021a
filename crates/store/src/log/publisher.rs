use std::collections::BTreeSet;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use gatewright_ledger::{Occasion, Registration, TileKind, TilePath, Tiler, leaf_hash};
use gatewright_model::Clock;
use tokio::sync::watch;

use super::Broken;
use super::checkpoint_writer::Signed;
use super::queue::Shared;
use super::register::Register;
use crate::disk::{Disk, Privacy, Settle, put_whole, read_whole};
use crate::folder::Walk;

/// The most bytes of a published file: a bundle of the longest entries.
const FILE_LIMIT: usize = 256 * (2 + 65_535);

/// Publishes the logs as standard tools read them (C2SP tlog-tiles), and tells the register that the present one lives.
///
/// Nothing here is waited for by a call, and nothing of it is the truth: tiles are made from the segments, and what a
/// crash loses of them is made again. The register is the exception: where it cannot be kept, the log breaks.
pub(super) struct Publisher {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) shared: Arc<Shared>,
    pub(super) register: Arc<Mutex<Register>>,
    pub(super) signed: watch::Receiver<Arc<Signed>>,
    /// The log before, where there is one, and how far it must be published.
    pub(super) before: Option<(PublishedLog, Ended)>,
    pub(super) present: PublishedLog,
    pub(super) register_tree: PublishedLog,
}

/// How a log ended.
pub(super) struct Ended {
    /// How many records it has.
    pub(super) size: u64,
    /// The last checkpoint that its key has signed, and how many records that counts.
    pub(super) note: String,
    pub(super) signed: u64,
}

/// The publisher's thread, to be told when the log ends. Dropping it ends the thread and waits for that: nothing may
/// write to the folder once another gateway can have it.
pub(super) struct Running {
    stop: Option<Sender<Occasion>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in there published nothing more; records do not depend on it.
            let _ = thread.join();
        }
    }
}

impl Running {
    /// Tells that the log is closed, and waits until that is registered and published.
    pub(super) fn close(self) {
        if let Some(stop) = &self.stop {
            // A thread that has ended has broken the log, which is how whoever closes it learns.
            let _ = stop.send(Occasion::Closed);
        }
    }
}

impl Publisher {
    pub(super) fn start(self) -> io::Result<Running> {
        let (stop, stopped) = channel();
        let thread = thread::Builder::new().name("publisher".to_owned()).spawn(move || self.run(&stopped))?;
        Ok(Running { stop: Some(stop), thread: Some(thread) })
    }

    fn run(mut self, stopped: &Receiver<Occasion>) {
        let mut alive = Instant::now();
        let (every, alive_every) = (self.shared.options.publish_every, self.shared.options.alive_every);
        if let Some((mut before, ended)) = self.before.take() {
            self.tell(before.finish(self.disk.as_ref(), &ended));
        }
        loop {
            let published = self.publish();
            self.tell(published);
            let wait = every.min(alive_every.saturating_sub(alive.elapsed()));
            let occasion = match stopped.recv_timeout(wait) {
                Ok(occasion) => occasion,
                Err(RecvTimeoutError::Timeout) if alive.elapsed() < alive_every => continue,
                Err(RecvTimeoutError::Timeout) => Occasion::Alive,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            alive = Instant::now();
            if let Err(error) = self.register(occasion) {
                self.shared.break_with(&Broken::from_io("writing the register", &error));
                return;
            }
            if occasion == Occasion::Closed {
                let published = self.publish();
                self.tell(published);
                return;
            }
        }
    }

    fn register(&self, occasion: Occasion) -> io::Result<()> {
        let signed = self.signed.borrow().clone();
        let origin = self.present.origin.as_str().into();
        let entry = Registration { occasion, at: self.clock.now(), origin, size: signed.size, root: signed.root };
        locked(&self.register).append([entry])
    }

    fn publish(&mut self) -> io::Result<()> {
        let signed = self.signed.borrow_and_update().clone();
        self.present.advance(self.disk.as_ref(), self.disk.as_ref(), signed.size)?;
        self.present.put_checkpoint(self.disk.as_ref(), &signed.note)?;
        let register = locked(&self.register);
        let note = register.kept().note.clone();
        let from = usize::try_from(self.register_tree.tiler.size()).unwrap_or(usize::MAX);
        let entries = register.kept().entries.get(from..).unwrap_or_default().to_vec();
        drop(register);
        for entry in entries {
            self.register_tree.push(self.disk.as_ref(), &entry.encode())?;
        }
        self.register_tree.edge(self.disk.as_ref())?;
        self.register_tree.put_checkpoint(self.disk.as_ref(), &note)
    }

    fn tell(&self, published: io::Result<()>) {
        if let Err(error) = published {
            tracing::warn!(%error, "tiles cannot be published; records are kept all the same, and it is tried again");
        }
    }
}

pub(super) fn locked(register: &Mutex<Register>) -> MutexGuard<'_, Register> {
    register.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The published files of one log.
pub(crate) struct PublishedLog {
    origin: String,
    folder: String,
    base: u64,
    certificate: Option<String>,
    walk: Walk,
    tiler: Tiler,
    /// The tiles of which a part was published.
    ragged: BTreeSet<(TileKind, u64)>,
    last_note: String,
}

impl PublishedLog {
    /// The log of this name, whose first record has the number `base`, with the certificate of its key where its key
    /// is not the root key, below this folder.
    pub(crate) fn new(folder: String, origin: &str, base: u64, certificate: Option<String>) -> Self {
        Self {
            origin: origin.to_owned(),
            folder,
            base,
            certificate,
            walk: Walk::from(base),
            tiler: Tiler::new(),
            ragged: BTreeSet::new(),
            last_note: String::new(),
        }
    }

    /// Publishes what is missing of a log that has ended, or was changed.
    fn finish(&mut self, disk: &dyn Disk, ended: &Ended) -> io::Result<()> {
        self.advance(disk, disk, ended.signed)?;
        self.put_checkpoint(disk, &ended.note)?;
        // What came behind its last checkpoint is vouched for by the log after it, and can be fetched all the same.
        self.advance(disk, disk, ended.size)
    }

    /// Publishes the tiles of the log's first `size` records, read from one disk, on another or the same.
    pub(crate) fn advance(&mut self, source: &dyn Disk, disk: &dyn Disk, size: u64) -> io::Result<()> {
        if size == self.tiler.size() {
            return Ok(());
        }
        let (folder, ragged, tiler) = (&self.folder, &mut self.ragged, &mut self.tiler);
        self.walk.on(source, self.base + size, &mut |frame| {
            tiler.push(frame.leaf, leaf_hash(frame.leaf), &mut |path, bytes| put(disk, folder, path, bytes, ragged))
        })?;
        self.edge(disk)
    }

    pub(crate) fn push(&mut self, disk: &dyn Disk, leaf: &[u8]) -> io::Result<()> {
        let (folder, ragged) = (&self.folder, &mut self.ragged);
        self.tiler.push(leaf, leaf_hash(leaf), &mut |path, bytes| put(disk, folder, path, bytes, ragged))
    }

    pub(crate) fn edge(&mut self, disk: &dyn Disk) -> io::Result<()> {
        let (folder, ragged) = (&self.folder, &mut self.ragged);
        self.tiler.edge(&mut |path, bytes| put(disk, folder, path, bytes, ragged))
    }

    /// Publishes a checkpoint, behind everything that it counts.
    pub(crate) fn put_checkpoint(&mut self, disk: &dyn Disk, note: &str) -> io::Result<()> {
        if note.is_empty() || note == self.last_note {
            return Ok(());
        }
        disk.create_dir(&self.folder)?;
        if let Some(certificate) = &self.certificate {
            put_whole(
                disk,
                &format!("{}/certificate", self.folder),
                Privacy::Group,
                certificate.as_bytes(),
                Settle::Later,
            )?;
        }
        put_whole(disk, &format!("{}/checkpoint", self.folder), Privacy::Group, note.as_bytes(), Settle::Later)?;
        note.clone_into(&mut self.last_note);
        Ok(())
    }
}

/// Puts a tile where it is not there already, and removes the parts of one that is whole now.
fn put(
    disk: &dyn Disk,
    folder: &str,
    path: TilePath,
    bytes: &[u8],
    ragged: &mut BTreeSet<(TileKind, u64)>,
) -> io::Result<()> {
    let name = format!("{folder}/{path}");
    match read_whole(disk, &name, FILE_LIMIT) {
        Ok(there) if there == bytes => {}
        Ok(_) | Err(_) => {
            if let Some((parent, _)) = name.rsplit_once('/') {
                disk.create_dir(parent)?;
            }
            put_whole(disk, &name, Privacy::Group, bytes, Settle::Later)?;
        }
    }
    if !path.is_whole() {
        ragged.insert((path.kind, path.index));
    } else if ragged.remove(&(path.kind, path.index)) {
        disk.remove_dir(&format!("{name}.p"))?;
    }
    Ok(())
}
