//! The nouns of Gatewright: who asks ([`Identity`]), what a call would do ([`Terms`]), what was decided
//! ([`Verdict`]), how it is refused ([`Refusal`]), and what happened ([`Event`]).
//!
//! This crate does no I/O, knows no async runtime, reads no clock and draws no randomness: time and entropy
//! are passed in through [`Clock`] and [`Entropy`]. Every other crate may import it; it imports none of them.

mod clock;
mod entropy;
mod event;
mod grounds;
mod hex;
mod identity;
mod ids;
mod info_type;
mod lease;
mod names;
mod notified;
mod operation;
mod parameter;
mod refusal;
mod secret;
mod spending;
mod stored;
mod terms;
mod text;
mod treatment;
mod verdict;

pub use clock::{Clock, Timestamp};
pub use entropy::Entropy;
pub use event::{BodyRef, Digest, Event, Fate, Moment, Predecessor, Review, Side, Tally, Usage};
pub use grounds::{DatasetBound, Grounds, Standing};
pub use hex::{from_hex, to_hex};
pub use identity::{Identity, Kind};
pub use ids::{AgentId, ApprovalId, BadId, GrantId, KeyId, LeaseId, NotificationId, RequestId, SessionId};
pub use info_type::InfoType;
pub use lease::{LeaseKind, LeaseStep};
pub use names::{ConnectionName, DatasetName, IssuerName, ModelName, RoleName, RuleName};
pub use notified::{Occasion, Told};
pub use operation::{Effect, Operation};
pub use parameter::{Parameter, Parameters, Quantity, Setting, WhySet};
pub use refusal::{Code, Refusal};
pub use secret::Secret;
pub use spending::{Allowance, Amounts, ChargedTo, Measure};
pub use stored::StoredKind;
pub use terms::{Delivery, Terms, Trust};
pub use text::{Channel, ChannelKind};
pub use treatment::Treatment;
pub use verdict::{RuleRef, Verdict};
