//! What the tests of several crates share: a clock and an entropy that tests steer, a model server that records every
//! byte it is sent and answers by script, a client that sends bytes as they are, malformed ones included, a
//! PostgreSQL server, and stores with buckets.
//!
//! Model and client speak HTTP/1.1 over plain sockets and with their own small reader, not with the library that the gateway uses:
//! a fake that shared the gateway's parser would share its mistakes. Only for tests; `xtask tidy` keeps it out of the
//! product.

mod buckets;
mod client;
mod clock;
mod entropy;
pub mod kept;
mod message;
mod model;
pub mod openai;
mod postgres;
mod reply;

pub use buckets::BucketServer;
pub use client::{Answer, RawClient};
pub use clock::FixedClock;
pub use entropy::CountingEntropy;
pub use message::{Headers, MessageError};
pub use model::{FakeModel, Received};
pub use postgres::Postgres;
pub use reply::{Framing, Reply, Step};
