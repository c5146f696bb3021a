//! The log's formats and proofs: how an event becomes a leaf ([`Leaf`]), how leaves stand in segments ([`Frame`],
//! [`SegmentHead`]) and bodies beside them ([`BodyFrame`]), how they form a Merkle tree ([`Frontier`]) whose root is
//! signed ([`Checkpoint`]), and how somebody who trusts one public key finds the first record that is not what was
//! written ([`Verifier`]).
//!
//! This crate does no I/O, knows no async runtime, reads no clock and draws no randomness. It deliberately knows
//! nothing of files: the store reads and writes, this says what the bytes mean.

mod body;
mod cbor;
mod checkpoint;
mod commitment;
mod frame;
mod leaf;
mod note;
mod proof;
mod segment;
mod tree;
mod verify;

pub use body::{
    BODY_FRAME_HEAD, BODY_FRAME_OVERHEAD, BODY_LIMIT, BODY_MAGIC, BODY_SEGMENT_HEAD, BodyAt, BodyFrame, BodyPart,
    ParsedBody, body_segment_head, body_segment_nonce,
};
pub use cbor::Malformed;
pub use checkpoint::Checkpoint;
pub use commitment::Commitment;
pub use frame::{FRAME_HEAD, FRAME_OVERHEAD, Frame, Parsed};
pub use leaf::{LEAF_LIMIT, LEAF_VERSION, Leaf, LeafKind, TooLong};
pub use note::{BadNote, SigningKey, TrustedKey};
pub use proof::{BadProof, consistency_proof, inclusion_proof, verify_consistency, verify_inclusion};
pub use segment::{OpenJourney, SEGMENT_HEAD_LIMIT, SEGMENT_MAGIC, SegmentHead};
pub use tree::{Frontier, leaf_hash};
pub use verify::{Finding, Flaw, Keeper, Verified, Verifier, Vouched, WhichBody};
