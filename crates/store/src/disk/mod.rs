//! The few file operations that the log needs, so that a test can put a disk behind them that loses, tears and refuses.

mod real;

use std::any::Any;
use std::io;

pub use real::RealDisk;

/// Who may read a file that is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privacy {
    /// The owner alone (mode 0600).
    Owner,
    /// The owner and its group (mode 0640).
    Group,
}

/// Whether a file is opened to be read or to be written as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reading only; works on a copy that cannot be written.
    Read,
    /// Reading and writing.
    Write,
}

/// A folder of files. Paths are relative to it, with `/` between their parts.
pub trait Disk: Send + Sync + 'static {
    /// Creates a folder and its parents, durably; an existing one is fine.
    fn create_dir(&self, path: &str) -> io::Result<()>;

    /// Creates a file that must not exist yet. Its name is durable after [`sync_dir`](Self::sync_dir) of its folder.
    fn create(&self, path: &str, privacy: Privacy) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file that exists.
    fn open(&self, path: &str, access: Access) -> io::Result<Box<dyn DiskFile>>;

    /// The names in a folder, sorted; `NotFound` where there is no such folder.
    fn list(&self, path: &str) -> io::Result<Vec<String>>;

    /// Gives a file a new name, in place of one that has it. Durable after [`sync_dir`](Self::sync_dir).
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a folder and the files in it; one that is not there is fine. Durable at some time.
    fn remove_dir(&self, path: &str) -> io::Result<()>;

    /// Makes the names in a folder durable.
    fn sync_dir(&self, path: &str) -> io::Result<()>;

    /// Takes the lock file at `path` for this process until the guard is dropped; `WouldBlock` where another has it.
    fn lock(&self, path: &str) -> io::Result<Box<dyn Any + Send + Sync>>;
}

/// An open file, read and written at offsets.
pub trait DiskFile: Send + Sync {
    /// Reads up to `buffer.len()` bytes from `offset`; 0 at the end.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes all of `bytes` at `offset`, growing the file where needed. Not durable before [`sync`](Self::sync).
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Makes the content and the length durable (`fdatasync`). After an error nothing may be assumed, not even by a
    /// second call that succeeds.
    fn sync(&self) -> io::Result<()>;

    /// Cuts or grows the file to this length.
    fn set_len(&self, length: u64) -> io::Result<()>;

    /// Its length in bytes.
    fn length(&self) -> io::Result<u64>;
}

/// Reads into `buffer` from `offset` until it is full or the file ends, and says how much it read.
pub(crate) fn read_up_to(file: &dyn DiskFile, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(offset + filled as u64, &mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Reads a whole file that is known to be small; `InvalidData` beyond `limit` bytes.
pub(crate) fn read_whole(disk: &dyn Disk, path: &str, limit: usize) -> io::Result<Vec<u8>> {
    let file = disk.open(path, Access::Read)?;
    let length = usize::try_from(file.length()?).unwrap_or(usize::MAX);
    if length > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{path} is longer than {limit} bytes")));
    }
    let mut bytes = vec![0; length];
    let read = read_up_to(file.as_ref(), 0, &mut bytes)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// Whether a file must be on disk when its writing is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settle {
    /// It must: after a crash it is there whole, as it was or as it is.
    Now,
    /// It can be made again.
    Later,
}

/// Puts these bytes in place of a whole file.
pub(crate) fn put_whole(disk: &dyn Disk, path: &str, privacy: Privacy, bytes: &[u8], settle: Settle) -> io::Result<()> {
    let draft = format!("{path}.draft");
    let file = match disk.create(&draft, privacy) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => disk.open(&draft, Access::Write)?,
        created => created?,
    };
    file.set_len(0)?;
    file.write_at(0, bytes)?;
    if settle == Settle::Now {
        file.sync()?;
    }
    disk.rename(&draft, path)?;
    match settle {
        Settle::Now => disk.sync_dir(path.rsplit_once('/').map_or("", |(folder, _)| folder)),
        Settle::Later => Ok(()),
    }
}
