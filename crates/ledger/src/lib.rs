//! The log's formats and proofs: how an event becomes a leaf ([`Leaf`]), how leaves stand in segments ([`Frame`],
//! [`SegmentHead`]) and bodies beside them ([`BodyFrame`]), how they form a Merkle tree ([`Frontier`]) whose root is
//! signed ([`Checkpoint`]), how standard tools read it ([`Tiler`]), what a caller is promised ([`Receipt`]), what witnesses
//! cosign ([`cosign`]), and how somebody who trusts one public key finds the first record that is not what was
//! written ([`Verifier`]).
//!
//! This crate does no I/O, knows no async runtime, reads no clock and draws no randomness. It deliberately knows
//! nothing of files: the store reads and writes, this says what the bytes mean.

mod body;
mod cbor;
mod certificate;
mod checkpoint;
mod commitment;
mod cosignature;
mod finding;
mod frame;
mod leaf;
mod note;
mod policy;
mod proof;
mod receipt;
mod registration;
mod segment;
mod tile;
mod tree;
mod verify;
mod witness;

pub use body::{
    BODY_FRAME_HEAD, BODY_FRAME_OVERHEAD, BODY_LIMIT, BODY_MAGIC, BODY_SEGMENT_HEAD, BodyAt, BodyFrame, BodyPart,
    ParsedBody, body_segment_head, body_segment_nonce,
};
pub use cbor::Malformed;
pub use certificate::{Certificate, Origin};
pub use checkpoint::Checkpoint;
pub use commitment::Commitment;
pub use cosignature::{Cosigner, CosignerKey};
pub use finding::{Finding, Flaw, WhichBody};
pub use frame::{FRAME_HEAD, FRAME_OVERHEAD, Frame, Parsed};
pub use leaf::{LEAF_LIMIT, LEAF_VERSION, Leaf, LeafKind, TooLong};
pub use note::{BadNote, SigningKey, TrustedKey};
pub use policy::{BadPolicy, WitnessPolicy};
pub use proof::{BadProof, consistency_proof, inclusion_proof, verify_consistency, verify_inclusion};
pub use receipt::{BadReceipt, Batch, Promised, Receipt};
pub use registration::{Occasion, Registration};
pub use segment::{OpenJourney, SEGMENT_HEAD_LIMIT, SEGMENT_MAGIC, SegmentHead};
pub use tile::{TILE_WIDTH, TileKind, TilePath, Tiler};
pub use tree::{Frontier, leaf_hash};
pub use verify::{Keeper, Verified, Verifier, Vouched};
pub use witness::{AddCheckpoint, NotCosigned, Seen, cosign};
