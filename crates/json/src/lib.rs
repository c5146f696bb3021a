//! Strict JSON (RFC 8259): bounded in size, depth and count; duplicate keys refused at every depth; numbers kept as
//! they were written; a canonical form; and an incremental [`lexer`] for JSON that arrives in pieces.
//!
//! Two parsers that read one text differently are a way around a policy, so this crate refuses whatever parsers are
//! known to disagree about: a key that appears twice (also when one of them is escaped), bytes after the value, a byte
//! order mark, lone surrogates, `NaN`, numbers beyond a double's range. What it parsed is what [`write()`] gives back.
//!
//! It deliberately has no derive, no borrowed values, no lenient mode and no comments.

mod blocks;
mod canonical;
mod fault;
pub mod lexer;
mod limits;
mod number;
mod parse;
mod pointer;
mod text;
mod value;
mod write;

pub use canonical::canonical;
pub use fault::{Fault, FaultKind};
pub use limits::Limits;
pub use number::Number;
pub use parse::parse;
pub use value::{Object, Value};
pub use write::{escape_into, to_bytes, write};
