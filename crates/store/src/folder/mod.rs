//! How a data folder is laid out and read: by a start that recovers, by a verification, by the sessions' index.

mod bodies;
mod checkpoints;
mod names;
mod register;
mod segment;
mod walk;

pub(crate) use bodies::{Bodies, read_frame, read_nonce};
pub(crate) use checkpoints::{CheckpointList, last_counted};
pub(crate) use names::{
    BODIES, KEY_FILE, KEYS, LEDGER, LOCK_FILE, REGISTER_CHECKPOINT, REGISTER_COSIGNED, REGISTER_FILE, TRUSTED_FILE,
    body_segment_path, body_segments, checkpoints_path, log_segment_path, log_segments, published_folder,
};
pub(crate) use register::{Register, read_register, register_name};
pub(crate) use segment::{SegmentReader, Step, longest_head, open_head, used_until};
pub(crate) use walk::Walk;
