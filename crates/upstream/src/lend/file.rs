use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use arc_swap::ArcSwapOption;
use gatewright_model::Secret;

use super::{LONGEST, Lend, Unlent, cleaned};

/// How old the last look at the file may be, in milliseconds.
const LOOK_EVERY: u64 = 500;

/// A credential in a file, picked up again within half a second of a change; no restart, no watcher.
///
/// When the changed file cannot be read, nothing is lent: a credential that its owner took away is not used on.
pub struct FileCredential {
    path: PathBuf,
    born: Instant,
    /// Milliseconds since `born` of the last look, plus one; 0 before the first.
    looked: AtomicU64,
    seen: Mutex<Option<Stamp>>,
    value: ArcSwapOption<Secret<String>>,
}

/// What tells one content of a file from another without reading it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
}

impl FileCredential {
    /// The credential in the file at `path`; nothing is read yet.
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            born: Instant::now(),
            looked: AtomicU64::new(0),
            seen: Mutex::new(None),
            value: ArcSwapOption::empty(),
        }
    }

    fn unlent(&self, reason: impl Into<String>) -> Unlent {
        Unlent { place: format!("file:{}", self.path.display()), reason: reason.into() }
    }

    fn stamp(&self) -> Result<Stamp, Unlent> {
        let metadata = fs::metadata(&self.path).map_err(|error| self.unlent(error.to_string()))?;
        if !metadata.is_file() {
            return Err(self.unlent("it is not a file"));
        }
        Ok(Stamp { modified: metadata.modified().ok(), length: metadata.len(), inode: inode(&metadata) })
    }

    fn read(&self) -> Result<Arc<Secret<String>>, Unlent> {
        let file = fs::File::open(&self.path).map_err(|error| self.unlent(error.to_string()))?;
        let mut text = String::new();
        file.take(LONGEST as u64 + 3).read_to_string(&mut text).map_err(|error| self.unlent(error.to_string()))?;
        Ok(Arc::new(Secret::new(cleaned(&format!("file:{}", self.path.display()), text)?)))
    }

    fn look(&self) -> Result<Arc<Secret<String>>, Unlent> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = self.stamp().inspect_err(|_| self.value.store(None))?;
        if *seen == Some(stamp)
            && let Some(value) = self.value.load_full()
        {
            return Ok(value);
        }
        let value = self.read().inspect_err(|_| self.value.store(None))?;
        *seen = Some(stamp);
        self.value.store(Some(Arc::clone(&value)));
        Ok(value)
    }
}

impl Lend for FileCredential {
    fn lend(&self) -> Result<Arc<Secret<String>>, Unlent> {
        let now = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1;
        let looked = self.looked.load(Ordering::Relaxed);
        if looked != 0
            && now - looked < LOOK_EVERY
            && let Some(value) = self.value.load_full()
        {
            return Ok(value);
        }
        let value = self.look()?;
        self.looked.store(now, Ordering::Relaxed);
        Ok(value)
    }
}

#[cfg(unix)]
fn inode(metadata: &fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt;
    metadata.ino()
}

#[cfg(not(unix))]
fn inode(_: &fs::Metadata) -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_is_picked_up_and_a_removed_one_is_not_used_on() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("key");
        fs::write(&path, "first\n").expect("written");
        let lender = FileCredential::new(path.clone());
        assert_eq!(lender.lend().expect("lent").expose(), "first");

        let other = folder.path().join("other");
        fs::write(&other, "second").expect("written");
        fs::rename(&other, &path).expect("swapped");
        assert_eq!(lender.look().expect("lent").expose(), "second");

        fs::remove_file(&path).expect("removed");
        assert!(lender.look().is_err());
        assert!(lender.lend().is_err());
    }
}
