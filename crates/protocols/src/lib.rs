//! What the protocols of model servers say: one folder each for what a request would do, where its words are, how its
//! stream is framed, and how it says no.
//!
//! A [`Protocol`] is found by [`claim`] from a method and a path. It reads a body that was parsed once into
//! [`Terms`](gatewright_model::Terms), shows every place in it where words stand, and makes it what goes upstream.
//! For the way back it gives a [`ReplyEditor`]: bytes of the model server in, bytes for the caller out, every word
//! having gone through [`Words`], which is where masking happens. Whole answers and streams go the same way.
//!
//! The crate does no I/O, knows no policy and masks nothing by itself. It is strict in both directions: a request's
//! field that it does not know is refused by name, an answer's field that it does not know is left out.

#![allow(
    clippy::result_large_err,
    reason = "a refusal is made once in a request that is not served, and is moved, not copied"
)]

mod asked;
mod body;
pub mod chroma;
mod dataset;
mod dialect;
mod faults;
mod free;
mod multipart;
pub mod openai;
mod place;
mod protocol;
mod registry;
mod reply;
mod route;
mod sse;
mod stored;
mod words;

pub use asked::{Asked, UsageReport};
pub use body::{Encoded, Row};
pub use dataset::{Bounds, Clause, DatasetKey, Reach, Reaching, Serves, Shown, Vectors};
pub use dialect::Dialect;
pub use place::{Place, Text};
pub use protocol::{Protocol, Wording};
pub use registry::{Claim, PROTOCOLS, claim, named, speaking};
pub use reply::{Fault, ReplyEditor, ReplyHead};
pub use route::{BodyKind, Route, RouteId};
pub use stored::{Naming, Stored, StoredEffect, no_such_thing};
pub use words::{Blocked, Piece, Words, whole};
