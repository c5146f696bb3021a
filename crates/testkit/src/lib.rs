//! Fake models, fake disks, a fixed clock: what the tests of several crates share.
