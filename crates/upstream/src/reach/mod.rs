//! Ways to a model server: directly, and later through an agent that dialled out.

mod direct;
mod origin;

pub use direct::{Direct, Timeouts};
pub use origin::{BadOrigin, Origin, Scheme};
