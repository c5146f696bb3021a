//! Verification of a data folder by somebody who trusts one public key: no gateway, no network, nothing written.
//!
//! It works beside a running gateway and on a copy. Without a checkpoint that was kept elsewhere it cannot see that the
//! whole folder was rolled back to an older state, and without a key that was kept elsewhere it trusts the one that
//! lies beside the log; [`Report`] says both.

#[cfg(feature = "testing")]
mod marks;
mod outside;
mod published;
mod reading;

use std::io;
use std::path::Path;
use std::sync::Arc;

use gatewright_ledger::{BadNote, BadReceipt, Finding, TrustedKey, WitnessPolicy};
use gatewright_model::{Digest, Timestamp};

use crate::disk::{Disk, RealDisk, read_whole};
use crate::folder::TRUSTED_FILE;
#[cfg(feature = "testing")]
pub use marks::Marks;
use outside::Outside;

/// What whoever verifies brings along.
#[derive(Clone, Debug, Default)]
pub struct Anchors {
    /// The public root key, kept elsewhere; without it the one beside the log is trusted.
    pub trust: Option<TrustedKey>,
    /// Checkpoints, of the register or of a log, kept elsewhere, as the signed notes that they are.
    pub checkpoints: Vec<String>,
    /// Receipts that callers were given.
    pub receipts: Vec<String>,
    /// Which witnesses must have cosigned the register, and since when.
    pub witnesses: Option<(WitnessPolicy, Timestamp)>,
}

/// How far a verification has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Records that were good.
    pub records: u64,
    /// Bytes of the log that were read.
    pub bytes: u64,
    /// Bytes of the log in all, preallocated space included.
    pub of_bytes: u64,
}

/// What stands behind the last record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// Nothing.
    Clean,
    /// Bytes that are no record, or not yet: of a write that is under way, or of one that a crash tore and the next
    /// start will cut off.
    Unfinished {
        /// How many.
        bytes: u64,
    },
}

/// Whose word the verification rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// A key that whoever verifies brought along.
    Given,
    /// The key that lies beside the log: whoever could change the log could have replaced it.
    BesideTheLog,
}

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Which deployment.
    pub origin: String,
    /// The key that was trusted.
    pub key: String,
    /// Where it came from.
    pub key_source: KeySource,
    /// How many records were good, up to the finding where there is one.
    pub records: u64,
    /// The name of the last log.
    pub log: String,
    /// How many of them are in the last log.
    pub size: u64,
    /// The root of its tree.
    pub root: Digest,
    /// How many logs there are: one for each start of the gateway.
    pub logs: u64,
    /// How many entries the register of logs has.
    pub register: u64,
    /// When each witness of the policy cosigned the register last.
    pub cosigned: Vec<(String, Option<Timestamp>)>,
    /// How many published files were compared with what they are made from.
    pub published: u64,
    /// Up to which record a signed checkpoint vouches for them.
    pub vouched: u64,
    /// How many checkpoints of the log's own were read.
    pub checkpoints: u64,
    /// How many checkpoints and receipts from elsewhere were compared; with none a rollback of the whole cannot be seen.
    pub anchored: usize,
    /// How many bodies were compared with what the records vouch for.
    pub bodies: u64,
    /// How many journeys are open: under way, or cut off by a crash after which nobody started again.
    pub open: u64,
    /// What stands behind the last record.
    pub tail: Tail,
    /// The first thing that is wrong.
    pub finding: Option<Finding>,
}

impl Report {
    /// Whether everything holds, which exit code 0 stands for.
    pub const fn holds(&self) -> bool {
        self.finding.is_none()
    }
}

/// Why a verification could not be made.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// There is no log.
    #[error("there is no ledger in this folder")]
    NoLog,
    /// There is no key to trust.
    #[error("there is no key beside the log (keys/log.pub); give one to trust")]
    NoKey,
    /// The key cannot be read.
    #[error("the key cannot be used: {0}")]
    Key(BadNote),
    /// A checkpoint that was brought along was not signed for this deployment.
    #[error("the checkpoint you hold cannot be used: {0}")]
    Checkpoint(BadNote),
    /// A receipt that was brought along binds nobody here.
    #[error("the receipt you hold cannot be used: {0}")]
    Receipt(BadReceipt),
    /// The folder was written by another version.
    #[error("the data folder was written by an earlier version: verify it with that version")]
    OlderFormat,
    /// The operating system refused.
    #[error("reading the data folder: {0}")]
    Disk(#[from] io::Error),
}

/// Verifies the data folder at this path.
pub fn verify_folder(
    path: &Path,
    anchors: &Anchors,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, VerifyError> {
    verify(&(Arc::new(RealDisk::new(path)) as Arc<dyn Disk>), anchors, progress)
}

/// Verifies the data folder that this disk is.
pub fn verify(
    disk: &Arc<dyn Disk>,
    anchors: &Anchors,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, VerifyError> {
    look(disk, anchors, progress, 5)
}

/// Verifies a folder that nobody writes to: what is found is not looked at again.
#[cfg(feature = "testing")]
pub fn verify_at_rest(disk: &Arc<dyn Disk>, anchors: &Anchors) -> Result<Report, VerifyError> {
    look(disk, anchors, &mut |_| {}, 0)
}

/// Verifies a folder, and looks again at most so often.
fn look(
    disk: &Arc<dyn Disk>,
    anchors: &Anchors,
    progress: &mut dyn FnMut(Progress),
    again: u32,
) -> Result<Report, VerifyError> {
    let (trusted, key_source) = match &anchors.trust {
        Some(given) => (given.clone(), KeySource::Given),
        None => (key_beside(disk.as_ref())?, KeySource::BesideTheLog),
    };
    let outside = Outside::open(disk.as_ref(), &trusted, anchors)?;
    let mut report = reading::read(disk, &trusted, key_source, &outside, progress)?;
    // Beside a gateway that writes, a checkpoint may be newer than the records that were read before it. Damage stays
    // where it is: a finding counts when a second look finds the same.
    for _ in 0..again {
        if report.holds() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
        let again = reading::read(disk, &trusted, key_source, &outside, progress)?;
        if again.finding == report.finding {
            break;
        }
        report = again;
    }
    Ok(report)
}

fn key_beside(disk: &dyn Disk) -> Result<TrustedKey, VerifyError> {
    match read_whole(disk, TRUSTED_FILE, 4 << 10) {
        Ok(bytes) => {
            String::from_utf8(bytes).map_err(|_| VerifyError::Key(BadNote::Key))?.parse().map_err(VerifyError::Key)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(VerifyError::NoKey),
        Err(error) => Err(error.into()),
    }
}
