//! What every backend of the state does, over all of them: a test takes each of [`backends::every_one`].

#![allow(clippy::panic, reason = "a test says by a panic what it found")]

mod approvals;
mod backends;
mod candidates;
mod changes;
mod leases;
mod notices;
mod owned;
mod policies;
