//! What the tests of the log share: journeys to record, and a log on a fake disk.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "tests")]

pub mod forge;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gatewright_model::{Event, Fate, Kind, Moment, RequestId, SessionId, Timestamp};
use gatewright_store::disk::Disk;
use gatewright_store::log::{Ending, Log, OpenError, Opening, Options, Recovered, Urgency};
use gatewright_store::testing::{CountedEntropy, FakeDisk, FixedClock};
use gatewright_store::verify::{Anchors, Report, verify};

/// Small segments, so that tests cross their borders; no waiting.
pub fn options() -> Options {
    Options {
        places: 64,
        linger: Duration::ZERO,
        outcome_delay: Duration::ZERO,
        chunk_delay: Duration::ZERO,
        note_delay: Duration::ZERO,
        segment_bytes: 4 << 10,
        ahead_bytes: 1 << 10,
        checkpoint_every: Duration::ZERO,
        publish_every: Duration::from_millis(20),
        ..Options::default()
    }
}

pub fn clock() -> Arc<FixedClock> {
    Arc::new(FixedClock::new(Timestamp::from_seconds(1_795_000_000)))
}

pub fn open(disk: &FakeDisk, options: Options) -> Result<(Log, Recovered), OpenError> {
    let entropy = Arc::new(CountedEntropy::new(disk.operations() + 1));
    Log::open(Arc::new(disk.clone()), options, clock(), entropy)
}

pub fn request(number: u64) -> RequestId {
    let mut bytes = [7; 16];
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    RequestId::from_bytes(bytes)
}

pub fn session(number: u64) -> SessionId {
    let mut bytes = [9; 16];
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    SessionId::from_bytes(bytes)
}

pub fn at(second: u64) -> Timestamp {
    Timestamp::from_seconds(1_795_000_000 + second)
}

pub fn body(number: u64) -> Bytes {
    Bytes::from(format!("{{\"model\":\"m\",\"number\":{number},\"text\":\"{}\"}}", "x".repeat(number as usize % 700)))
}

pub fn piece(number: u64, piece: u64) -> Bytes {
    Bytes::from(format!("data: answer {number} piece {piece} {}\n\n", "y".repeat((number + piece) as usize % 90)))
}

pub fn opening(number: u64) -> Opening {
    let authenticated = Event::Authenticated { issuer: "corp".into(), subject: "alice".into(), kind: Kind::Person };
    Opening {
        request: request(number),
        session: session(number / 3),
        at: at(number),
        moments: vec![Moment { at: at(number), event: authenticated }],
        body: body(number),
        masked: Vec::new(),
        urgency: Urgency::Now,
    }
}

pub fn ending(number: u64) -> Ending {
    Ending {
        at: at(number + 5),
        moments: vec![Moment { at: at(number), event: Event::Forwarded { attempt: 1 } }],
        fate: Fate::Ended,
        status: 200,
        masked: Vec::new(),
        usage: None,
    }
}

/// A note.
pub fn reloaded() -> Vec<Moment> {
    vec![Moment { at: at(0), event: Event::Reloaded { epoch: 2, configuration: [1; 32], catalogue: [2; 32] } }]
}

/// Records a whole journey with this many pieces.
pub async fn journey(log: &Log, number: u64, pieces: u64) {
    let (ticket, mut closing) = log.intent(opening(number)).await.unwrap();
    ticket.durable().await.unwrap();
    for each in 0..pieces {
        closing.chunk(at(number + each), piece(number, each));
    }
    closing.close(ending(number));
}

pub fn check(disk: &FakeDisk) -> Report {
    check_against(disk, &Anchors::default())
}

pub fn check_against(disk: &FakeDisk, anchors: &Anchors) -> Report {
    verify(&(Arc::new(disk.clone()) as Arc<dyn Disk>), anchors, &mut |_| {}).unwrap()
}
