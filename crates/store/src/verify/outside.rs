use std::collections::{BTreeMap, BTreeSet};
use std::io;

use gatewright_ledger::{
    BadNote, Certificate, Checkpoint, CosignerKey, Finding, Flaw, Keeper, Origin, Receipt, TrustedKey, Verifier,
    WitnessPolicy,
};
use gatewright_model::Timestamp;

use super::{Anchors, VerifyError};
use crate::disk::{Access, Disk};
use crate::folder::{Register, log_segment_path, log_segments, open_head};

/// What whoever verifies brought along, its signatures checked.
pub(super) struct Outside {
    registers: Vec<Checkpoint>,
    logs: Vec<Checkpoint>,
    receipts: Vec<Receipt>,
    witnesses: Option<(WitnessPolicy, Timestamp)>,
}

impl Outside {
    pub(super) fn open(disk: &dyn Disk, root: &TrustedKey, anchors: &Anchors) -> Result<Self, VerifyError> {
        let receipts = anchors.receipts.iter().map(|text| Receipt::open(text, root).map_err(VerifyError::Receipt));
        let mut outside = Self {
            registers: Vec::new(),
            logs: Vec::new(),
            receipts: receipts.collect::<Result<_, _>>()?,
            witnesses: anchors.witnesses.clone(),
        };
        let certificates = if anchors.checkpoints.is_empty() { BTreeMap::new() } else { certificates(disk)? };
        for note in &anchors.checkpoints {
            let origin = note.lines().next().unwrap_or_default();
            match Origin::parse(origin) {
                Some(log) if log.root == root.name() => {
                    outside.logs.push(open_log_note(note, origin, &certificates, root)?);
                }
                _ if is_register(origin, root) => {
                    let key = root.named(origin).map_err(VerifyError::Checkpoint)?;
                    outside.registers.push(Checkpoint::open(note, &key).map_err(VerifyError::Checkpoint)?);
                }
                Some(_) | None => return Err(VerifyError::Checkpoint(BadNote::Unsigned)),
            }
        }
        Ok(outside)
    }

    /// How many anchors there are.
    pub(super) fn count(&self) -> usize {
        self.registers.len() + self.logs.len() + self.receipts.len()
    }

    /// The register's name, as an anchor says it.
    pub(super) fn register_name(&self) -> Option<String> {
        let logs = self.logs.iter().map(|log| log.origin.as_str()).chain(self.receipts.iter().map(Receipt::origin));
        let of_logs = logs.filter_map(Origin::parse).map(|origin| origin.register()).next();
        self.registers.first().map(|register| register.origin.clone()).or(of_logs)
    }

    pub(super) fn add_to(&self, verifier: &mut Verifier) -> Result<(), Finding> {
        self.logs.iter().try_for_each(|log| verifier.anchor(log, Keeper::Outside))?;
        self.receipts.iter().try_for_each(|receipt| verifier.promise(receipt))
    }

    /// Compares the register with the checkpoints of it; gives how many of its entries somebody else vouches for.
    pub(super) fn check_register(&self, register: &Register, key: &TrustedKey) -> Result<u64, Flaw> {
        let mut seen = 0;
        for checkpoint in &self.registers {
            if checkpoint.origin != key.name() {
                return Err(Flaw::Register("the checkpoint you hold is of another one"));
            }
            match register.root_at(checkpoint.size) {
                None => return Err(Flaw::Register("rolled back: the checkpoint you hold counts more entries")),
                Some(root) if root != checkpoint.root => {
                    return Err(Flaw::Register("rewritten: the checkpoint you hold has another root"));
                }
                Some(_) => seen = seen.max(checkpoint.size),
            }
        }
        Ok(seen)
    }

    /// When each witness of the policy cosigned this checkpoint of the register.
    pub(super) fn cosigned(&self, note: &str) -> Vec<(String, Option<Timestamp>)> {
        let Some((policy, _)) = &self.witnesses else { return Vec::new() };
        let at = |key: &CosignerKey| key.cosigned(note).ok().flatten();
        policy.witnesses().map(|(name, key)| (name.to_owned(), at(key))).collect()
    }

    /// Checks that enough witnesses cosigned this checkpoint of the register recently enough.
    pub(super) fn check_witnesses(&self, note: &str) -> Result<(), Flaw> {
        let Some((policy, since)) = &self.witnesses else { return Ok(()) };
        let cosigned = self.cosigned(note);
        let fresh = cosigned.iter().filter(|(_, at)| at.is_some_and(|at| at >= *since));
        let fresh: BTreeSet<&str> = fresh.map(|(name, _)| name.as_str()).collect();
        if policy.is_met_by(&fresh) {
            Ok(())
        } else {
            Err(Flaw::Witnesses { have: fresh.len(), need: policy.need().max(1) })
        }
    }
}

fn is_register(origin: &str, root: &TrustedKey) -> bool {
    let replica = origin.strip_prefix(root.name()).and_then(|rest| rest.strip_prefix('/'));
    replica.is_some_and(|replica| !replica.is_empty() && !replica.contains('/'))
}

/// A checkpoint of a log. Where the log is gone nobody knows its key any more, and where the root key's holder wrote the
/// log anew it has another one: then whoever holds the checkpoint vouches for it.
fn open_log_note(
    note: &str,
    origin: &str,
    certificates: &BTreeMap<String, Certificate>,
    root: &TrustedKey,
) -> Result<Checkpoint, VerifyError> {
    let opened = match certificates.get(origin).map(|certificate| certificate.open(root)) {
        Some(Ok(key)) => Checkpoint::open(note, key),
        Some(Err(_)) | None => Err(BadNote::Unsigned),
    };
    match opened {
        Err(BadNote::Unsigned) => Checkpoint::danger_read_unsigned(note).map_err(VerifyError::Checkpoint),
        opened => opened.map_err(VerifyError::Checkpoint),
    }
}

/// The certificates in the heads of all segments.
fn certificates(disk: &dyn Disk) -> io::Result<BTreeMap<String, Certificate>> {
    let mut certificates = BTreeMap::new();
    for segment in log_segments(disk)?.0 {
        let file = disk.open(&log_segment_path(segment), Access::Read)?;
        if let Ok((head, _)) = open_head(file.as_ref())? {
            certificates.insert(head.origin().to_owned(), head.certificate);
        }
    }
    Ok(certificates)
}
