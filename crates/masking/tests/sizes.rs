//! How much memory the built-in detectors share, and how long they take to be there. Its own binary, because it counts
//! what the whole process allocates.
#![allow(clippy::print_stdout, reason = "measurements are read by whoever runs the test")]

#[path = "support/heap.rs"]
mod heap;

use std::time::Instant;

use gatewright_masking::Detectors;
use heap::Counted;

/// Something for every table that is only built when it is first needed.
const SAMPLE: &str =
    "Zoë's card is ４１１１ 1111 1111 1111, ssn 225-38-1921, a at b dot com, bWFpbCBhbGljZUBleGFtcGxlLmNvbSBub3c= ok";

#[test]
fn the_tables_that_all_streams_share_are_small() {
    let (before, start) = (Counted::in_use(), Instant::now());
    let detectors = Detectors::builtin();
    assert!(!detectors.find(SAMPLE).is_empty());
    let (took, used) = (start.elapsed(), Counted::in_use() - before);
    println!("start-up: {:.1} ms, shared tables: {} KiB", took.as_secs_f64() * 1e3, used >> 10);
    assert!((64 << 10..64 << 20).contains(&used), "{used} bytes");
}
