use std::collections::BTreeSet;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;
use tokio::time::timeout;

/// How long it must be quiet before a change counts as complete: editors and orchestrators write in several steps.
const QUIET: Duration = Duration::from_millis(200);

/// A change that never ends is looked at after so long.
const LONGEST_UNREST: Duration = Duration::from_secs(2);

/// How often the files are looked at without being told: network file systems tell nobody.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// Watches files through their folders: an atomic replacement, or the swap of a mounted ConfigMap's `..data` link, takes
/// the file itself away from whoever watches it.
pub(super) struct Watch {
    bell: Arc<Notify>,
    watcher: Option<RecommendedWatcher>,
    folders: BTreeSet<PathBuf>,
    files: Vec<PathBuf>,
    stamps: Vec<Option<Stamp>>,
}

/// What tells one content of a file from another without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
}

impl Watch {
    pub(super) fn over(files: Vec<PathBuf>) -> Self {
        let bell = Arc::new(Notify::new());
        let ring = Arc::clone(&bell);
        // Events are not looked at: what counts is whether the files differ, and that is compared.
        let watcher = notify::recommended_watcher(move |_| ring.notify_one());
        let watcher = watcher
            .inspect_err(|error| tracing::warn!(%error, "files cannot be watched; they are looked at every 15 seconds"))
            .ok();
        let mut watch = Self { bell, watcher, folders: BTreeSet::new(), files: Vec::new(), stamps: Vec::new() };
        watch.follow(files);
        watch
    }

    /// Watches these files from now on.
    pub(super) fn follow(&mut self, files: Vec<PathBuf>) {
        let folders: BTreeSet<PathBuf> = files.iter().flat_map(|file| folders_of(file)).collect();
        if let Some(watcher) = &mut self.watcher {
            for gone in self.folders.difference(&folders) {
                // A folder that is gone already is no longer watched anyway.
                let _ = watcher.unwatch(gone);
            }
            for new in folders.difference(&self.folders) {
                if let Err(error) = watcher.watch(new, RecursiveMode::NonRecursive) {
                    tracing::warn!(folder = %new.display(), %error, "a folder cannot be watched; it is looked at every 15 seconds");
                }
            }
        }
        self.folders = folders;
        self.stamps = files.iter().map(|file| stamp(file)).collect();
        self.files = files;
    }

    /// Returns when one of the files is another than before, and it has become quiet. Cancelling loses nothing.
    pub(super) async fn changed(&mut self) {
        loop {
            if timeout(LOOK_EVERY, self.bell.notified()).await.is_ok() {
                let unrest = async { while timeout(QUIET, self.bell.notified()).await.is_ok() {} };
                let _ = timeout(LONGEST_UNREST, unrest).await;
            }
            let stamps: Vec<_> = self.files.iter().map(|file| stamp(file)).collect();
            if stamps != self.stamps {
                self.stamps = stamps;
                return;
            }
        }
    }
}

/// The folder where the file's name stands, and the one where its content lies when the name is a link.
fn folders_of(file: &Path) -> Vec<PathBuf> {
    let mut folders = vec![folder_of(file)];
    if let Ok(real) = file.canonicalize() {
        folders.push(folder_of(&real));
        if real.is_dir() {
            folders.push(real);
        }
    }
    folders
}

fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn stamp(file: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(file).ok()?;
    Some(Stamp { modified: metadata.modified().ok(), length: metadata.len(), inode: inode(&metadata) })
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> u64 {
    0
}
