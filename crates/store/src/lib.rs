//! State behind traits by noun, and the log on disk.
//!
//! - [`bucket`]: a copy of the records in a bucket of an S3-compatible store.
//! - [`disk`]: the few file operations that the log needs, with a real disk behind them.
//! - [`log`]: the append-only log with group commit: [`log::Log`] records intents, answers and outcomes.
//! - [`proofs`]: proofs of single records, the tiles of a folder, the checkpoint to keep elsewhere.
//! - [`quotas`]: what calls use up, reserved before and settled after.
//! - [`records`]: the records one after the other, for whoever takes them elsewhere.
//! - [`sessions`]: the threads of calls, listed, shown and replayed, with an index that can be built again.
//! - [`state`]: what replicas share, in SQLite or PostgreSQL: policy versions.
//! - [`roles`]: roles of other databases that live as long as a call.
//! - [`verify`]: verification of a data folder, offline, by whoever trusts one public key.
//!
//! This crate decides nothing: it keeps what it is given and says when that is durable. It knows no HTTP but a bucket's, reads no
//! configuration, and never retries a write or a sync that failed.

pub mod bucket;
pub mod disk;
mod folder;
pub mod log;
pub mod proofs;
pub mod quotas;
pub mod records;
pub mod roles;
pub mod sessions;
pub mod state;
#[cfg(feature = "testing")]
pub mod testing;
pub mod verify;
