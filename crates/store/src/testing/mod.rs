//! What tests of the log and of its users share: a disk that loses, tears, holds and refuses on demand, a clock that
//! stands still, and entropy that can be repeated.

mod crash;
mod disk;
mod fault;
mod owned;
mod sources;

pub use disk::FakeDisk;
pub use fault::{Failure, Held, Operation};
pub use owned::OwnedInMemory;
pub use sources::{CountedEntropy, FixedClock};
