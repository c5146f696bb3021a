use std::io;

use crate::disk::Disk;

/// The folder of log segments and checkpoints.
pub(crate) const LEDGER: &str = "ledger";
/// The folder of body segments.
pub(crate) const BODIES: &str = "bodies";
/// The folder of keys.
pub(crate) const KEYS: &str = "keys";
/// The file that a running gateway holds locked.
pub(crate) const LOCK_FILE: &str = "ledger/lock";
/// The private root key, which certifies the key of every log and signs the register.
pub(crate) const KEY_FILE: &str = "keys/log.key";
/// The public root key, to be handed to whoever verifies.
pub(crate) const TRUSTED_FILE: &str = "keys/log.pub";
/// The entries of the register of logs.
pub(crate) const REGISTER_FILE: &str = "ledger/register";
/// The register's last checkpoint that witnesses have cosigned, with their lines.
pub(crate) const REGISTER_COSIGNED: &str = "ledger/register.cosigned";
/// The register's last checkpoint.
pub(crate) const REGISTER_CHECKPOINT: &str = "ledger/register.checkpoint";
/// The folder of what is published for standard tools: a tlog-tiles tree for each log and for the register.
const PUBLISHED: &str = "ledger/tlog";

/// The folder of a published log: its name without the deployment's.
pub(crate) fn published_folder(root: &str, name: &str) -> String {
    let own = name.strip_prefix(root).map_or(name, |rest| rest.trim_start_matches('/'));
    format!("{PUBLISHED}/{own}")
}

/// The path of the log segment that begins with this record.
pub(crate) fn log_segment_path(first: u64) -> String {
    format!("{LEDGER}/{first:020}.log")
}

/// The path of the list of checkpoints that were signed while this segment was written.
pub(crate) fn checkpoints_path(first: u64) -> String {
    format!("{LEDGER}/{first:020}.checkpoints")
}

/// The path of the body segment of this number.
pub(crate) fn body_segment_path(number: u64) -> String {
    format!("{BODIES}/{number:010}.bodies")
}

/// The first records of the log's segments and of its checkpoint lists, each in order.
pub(crate) fn log_segments(disk: &dyn Disk) -> io::Result<(Vec<u64>, Vec<u64>)> {
    let names = list(disk, LEDGER)?;
    Ok((numbers(&names, ".log", 20), numbers(&names, ".checkpoints", 20)))
}

/// The numbers of the body segments, in order.
pub(crate) fn body_segments(disk: &dyn Disk) -> io::Result<Vec<u64>> {
    Ok(numbers(&list(disk, BODIES)?, ".bodies", 10))
}

fn list(disk: &dyn Disk, folder: &str) -> io::Result<Vec<String>> {
    match disk.list(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        listed => listed,
    }
}

fn numbers(names: &[String], ending: &str, digits: usize) -> Vec<u64> {
    // Fixed width, so that the order of names is the order of numbers.
    names
        .iter()
        .filter_map(|name| name.strip_suffix(ending))
        .filter(|number| number.len() == digits && number.bytes().all(|byte| byte.is_ascii_digit()))
        .filter_map(|number| number.parse().ok())
        .collect()
}
