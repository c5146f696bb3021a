//! Event encoding, Merkle log, checkpoints, proofs and verification. Sans-I/O.
