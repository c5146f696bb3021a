use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::fault::{Failure, Gate, Held, Operation, Order};
use crate::disk::{Access, Disk, DiskFile, Privacy};

/// A disk in memory that keeps apart what was synced from what was only written. A [`crash`](Self::crash) gives the
/// disk as the next start might find it.
#[derive(Clone, Default)]
pub struct FakeDisk {
    pub(super) state: Arc<Mutex<State>>,
    gate: Arc<Gate>,
}

#[derive(Clone, Default)]
pub(super) struct State {
    pub(super) inodes: Vec<Inode>,
    pub(super) names: BTreeMap<String, usize>,
    pub(super) durable_names: BTreeMap<String, usize>,
    pub(super) pending_names: Vec<NameChange>,
    folders: BTreeSet<String>,
    locks: BTreeSet<String>,
    orders: Vec<Order>,
    operations: u64,
    power_until: Option<u64>,
}

#[derive(Clone, Default)]
pub(super) struct Inode {
    pub(super) current: Vec<u8>,
    pub(super) durable: Vec<u8>,
    pub(super) pending: Vec<Change>,
}

#[derive(Clone)]
pub(super) enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

#[derive(Clone)]
pub(super) enum NameChange {
    Create(String, usize),
    Rename(String, String),
    Remove(String),
}

impl FakeDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// Orders a failure: operations of this kind on paths that begin like this fail, once `after` of them went well,
    /// and from then on.
    pub fn fail(&self, operation: Operation, path: &str, after: u64, failure: Failure) {
        self.locked().orders.push(Order { operation, path: path.to_owned(), after, failure });
    }

    /// Takes back every ordered failure.
    pub fn heal(&self) {
        self.locked().orders.clear();
    }

    /// Holds the syncs of files whose path begins like this.
    pub fn hold_syncs(&self, path: &str) -> Held {
        self.gate.close(path);
        Held { gate: self.gate.clone() }
    }

    /// Cuts the power after this many more operations: everything after them fails and changes nothing.
    pub fn cut_power_after(&self, operations: u64) {
        let mut state = self.locked();
        state.power_until = Some(state.operations + operations);
    }

    /// How many operations there were.
    pub fn operations(&self) -> u64 {
        self.locked().operations
    }

    /// The bytes of a file as they are now, unsynced writes included.
    pub fn contents(&self, path: &str) -> Option<Vec<u8>> {
        let state = self.locked();
        state.names.get(path).map(|inode| state.inodes[*inode].current.clone())
    }

    /// Puts these bytes in place of a file's, or makes the file, durably: what a tamperer does.
    pub fn put(&self, path: &str, bytes: Vec<u8>) {
        let mut state = self.locked();
        let inode = Inode { current: bytes.clone(), durable: bytes, pending: Vec::new() };
        state.inodes.push(inode);
        let number = state.inodes.len() - 1;
        state.names.insert(path.to_owned(), number);
        state.durable_names.insert(path.to_owned(), number);
    }

    /// Changes a file's bytes where they lie, durably.
    pub fn alter(&self, path: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.locked();
        if let Some(inode) = state.names.get(path).copied() {
            let inode = &mut state.inodes[inode];
            change(&mut inode.current);
            inode.durable.clone_from(&inode.current);
        }
    }

    /// Removes a file, durably.
    pub fn remove(&self, path: &str) {
        let mut state = self.locked();
        state.names.remove(path);
        state.durable_names.remove(path);
    }

    /// The paths of all files.
    pub fn paths(&self) -> Vec<String> {
        self.locked().names.keys().cloned().collect()
    }

    /// A copy that shares nothing with this disk, as a backup would be.
    pub fn copy(&self) -> Self {
        let mut state = self.locked().clone();
        state.locks.clear();
        state.orders.clear();
        state.power_until = None;
        Self { state: Arc::new(Mutex::new(state)), gate: Arc::default() }
    }

    pub(super) fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the operation, and fails it where that was ordered.
    fn attempt(&self, operation: Operation, path: &str) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.locked();
        if state.power_is_gone() {
            return Err(io::Error::other("the power is gone"));
        }
        state.operations += 1;
        let order = state.orders.iter_mut().find(|order| order.operation == operation && path.starts_with(&order.path));
        if let Some(order) = order {
            if order.after == 0 {
                let failure = order.failure;
                drop(state);
                return Err(failure.strike());
            }
            order.after -= 1;
        }
        Ok(state)
    }

    fn file(&self, path: &str, inode: usize, access: Access) -> Box<dyn DiskFile> {
        Box::new(FakeFile { disk: self.clone(), path: path.to_owned(), inode, access })
    }
}

impl Disk for FakeDisk {
    fn create_dir(&self, path: &str) -> io::Result<()> {
        self.locked().folders.insert(path.to_owned());
        Ok(())
    }

    fn create(&self, path: &str, _privacy: Privacy) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.attempt(Operation::Create, path)?;
        if state.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.inodes.push(Inode::default());
        let inode = state.inodes.len() - 1;
        state.names.insert(path.to_owned(), inode);
        state.pending_names.push(NameChange::Create(path.to_owned(), inode));
        drop(state);
        Ok(self.file(path, inode, Access::Write))
    }

    fn open(&self, path: &str, access: Access) -> io::Result<Box<dyn DiskFile>> {
        let inode = self.locked().names.get(path).copied().ok_or(io::ErrorKind::NotFound)?;
        Ok(self.file(path, inode, access))
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        let state = self.locked();
        if !state.folders.contains(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let prefix = format!("{path}/");
        let here = state.names.keys().filter_map(|name| name.strip_prefix(&prefix));
        Ok(here.filter(|name| !name.contains('/')).map(str::to_owned).collect())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.attempt(Operation::Rename, from)?;
        let inode = state.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        state.names.insert(to.to_owned(), inode);
        state.pending_names.push(NameChange::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove_dir(&self, path: &str) -> io::Result<()> {
        let mut state = self.attempt(Operation::Rename, path)?;
        let prefix = format!("{path}/");
        let gone: Vec<String> = state.names.keys().filter(|name| name.starts_with(&prefix)).cloned().collect();
        for name in gone {
            state.names.remove(&name);
            state.pending_names.push(NameChange::Remove(name));
        }
        Ok(())
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        let mut state = self.attempt(Operation::SyncDir, path)?;
        let folder = |name: &str| name.rsplit_once('/').map_or("", |(folder, _)| folder) == path;
        let (synced, pending) =
            std::mem::take(&mut state.pending_names).into_iter().partition(|change| folder(change.path()));
        state.pending_names = pending;
        let synced: Vec<NameChange> = synced;
        for change in synced {
            change.apply(&mut state.durable_names);
        }
        Ok(())
    }

    fn lock(&self, path: &str) -> io::Result<Box<dyn Any + Send + Sync>> {
        if self.locked().locks.insert(path.to_owned()) {
            Ok(Box::new(FakeLock { disk: self.clone(), path: path.to_owned() }))
        } else {
            Err(io::ErrorKind::WouldBlock.into())
        }
    }
}

impl State {
    fn power_is_gone(&self) -> bool {
        self.power_until.is_some_and(|until| self.operations >= until)
    }
}

impl NameChange {
    fn path(&self) -> &str {
        match self {
            Self::Create(path, _) | Self::Rename(_, path) | Self::Remove(path) => path,
        }
    }

    pub(super) fn apply(self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Create(path, inode) => {
                names.insert(path, inode);
            }
            Self::Rename(from, to) => {
                if let Some(inode) = names.remove(&from) {
                    names.insert(to, inode);
                }
            }
            Self::Remove(path) => {
                names.remove(&path);
            }
        }
    }
}

struct FakeLock {
    disk: FakeDisk,
    path: String,
}

impl Drop for FakeLock {
    fn drop(&mut self) {
        self.disk.locked().locks.remove(&self.path);
    }
}

struct FakeFile {
    disk: FakeDisk,
    path: String,
    inode: usize,
    access: Access,
}

impl FakeFile {
    fn change(&self, change: Change) -> io::Result<()> {
        if self.access == Access::Read {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let mut state = self.disk.attempt(Operation::Write, &self.path)?;
        let inode = &mut state.inodes[self.inode];
        match &change {
            Change::Write(offset, bytes) => write(&mut inode.current, *offset, bytes),
            Change::Length(length) => inode.current.resize(*length, 0),
        }
        inode.pending.push(change);
        Ok(())
    }
}

impl DiskFile for FakeFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let state = self.disk.locked();
        let bytes = &state.inodes[self.inode].current;
        let rest = bytes.get(usize::try_from(offset).unwrap_or(usize::MAX)..).unwrap_or_default();
        let read = rest.len().min(buffer.len());
        buffer[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let offset = usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge)?;
        self.change(Change::Write(offset, bytes.to_vec()))
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.gate.pass(&self.path);
        let mut state = match self.disk.attempt(Operation::Sync, &self.path) {
            Ok(state) => state,
            Err(error) => {
                // As Linux does: what could not be written counts as clean afterwards. It can still be read until
                // the power goes, and another sync would succeed without writing it.
                let mut state = self.disk.locked();
                if !state.power_is_gone() {
                    state.inodes[self.inode].pending.clear();
                }
                return Err(error);
            }
        };
        let inode = &mut state.inodes[self.inode];
        for change in std::mem::take(&mut inode.pending) {
            match change {
                Change::Write(offset, bytes) => write(&mut inode.durable, offset, &bytes),
                Change::Length(length) => inode.durable.resize(length, 0),
            }
        }
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).map_err(|_| io::ErrorKind::FileTooLarge)?;
        self.change(Change::Length(length))
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.disk.locked().inodes[self.inode].current.len() as u64)
    }
}

/// Writes into bytes that grow where needed, with zeros in between.
pub(super) fn write(bytes: &mut Vec<u8>, offset: usize, piece: &[u8]) {
    let end = offset + piece.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[offset..end].copy_from_slice(piece);
}
