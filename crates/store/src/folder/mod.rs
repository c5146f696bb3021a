//! How a data folder is laid out and read: by a start that recovers, by a verification, by the sessions' index.

mod bodies;
mod checkpoints;
mod names;
mod segment;

pub(crate) use bodies::{Bodies, read_frame, read_nonce};
pub(crate) use checkpoints::CheckpointList;
pub(crate) use names::{
    BODIES, KEY_FILE, KEYS, LEDGER, LOCK_FILE, TRUSTED_FILE, body_segment_path, body_segments, checkpoints_path,
    log_segment_path, log_segments,
};
pub(crate) use segment::{SegmentReader, Step, longest_head, open_head, used_until};
