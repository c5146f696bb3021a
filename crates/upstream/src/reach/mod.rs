//! Ways to a model server: directly, and later through an agent that dialled out.

mod direct;
mod line;
mod origin;
mod pool;

pub use direct::Timeouts;
pub(crate) use direct::{Body, Direct, Lost};
pub use origin::{BadOrigin, Origin, Scheme};
