//! Detectors and the streaming masker: text in, masked text out. Sans-I/O.
//!
//! A [`Scanner`] reads a text in pieces and says which bytes are sensitive, a [`Masker`] puts substitutes in their
//! place, and [`Detectors`] is what both look with. There is one path: [`Detectors::find`] over a whole text is a
//! scanner that got the text in pieces of its own choosing, so a stream and a whole cannot differ.
//!
//! How a text is read:
//!
//! 1. `text` shows it to the detectors as *units*: bytes in which full-width letters, other scripts' digits, escapes
//!    and look-alikes have become the ASCII they imitate and invisible characters are gone, each unit knowing the
//!    bytes that it came from.
//! 2. `detect::seeds` finds the few places where a sensitive value could begin. That depends only on the units just before
//!    and a bounded number after.
//! 3. A recogniser looks at each such place, from left to right: it answers *nothing*, *found*, or *not decidable before
//!    more text is here*. More text never changes the first two. Context (a nearby word, a field's name) is
//!    looked for backward only, in the last `CONTEXT` units.
//! 4. Everything before the first undecided place is released. What is released is never taken back.
//!
//! Overlaps: the value that begins first wins; of those that begin together the longest; of equal ones the one that
//! stands first in [`Detectors::info_types`]. Values never overlap.
//!
//! The crate deliberately knows no JSON and no protocol: callers hand it decoded strings, and field names through
//! [`FieldPath`]. It reads no clock and draws no randomness; keys are passed in.

mod custom;
mod detect;
mod detectors;
mod finding;
mod mask_findings;
mod masker;
mod pseudonym_key;
mod render;
mod scanner;
mod substitutes;
mod text;
mod treatments;
mod vault;

pub use custom::pattern::MAX_MATCH;
pub use custom::{CustomPattern, CustomRule, FieldPath, RuleFault};
pub use detectors::Detectors;
pub use finding::{Extent, Finding, Span, TypeIndex};
pub use mask_findings::{Author, mask_findings};
pub use masker::{Masker, Piece};
pub use pseudonym_key::PseudonymKey;
pub use render::Blocked;
pub use scanner::Scanner;
pub use substitutes::Substitutes;
pub use treatments::Treatments;
pub use vault::{Minter, Vault};
