//! The journey of a request: one plain function read from top to bottom ([`Gateway::serve`]), one module per step.
//!
//! Each step gives a value with private fields that only this step can make, and takes the one before it:
//! [`Caller`] → [`Call`] → [`Examined`] → [`Decided`] → [`Permit`] → [`Request`] → [`Recording`] → [`Departure`].
//! So the compiler refuses to forward what was not permitted and recorded, and to return what was not masked.
//! The three guards, each with a twin that compiles, are in [`guards`].
//!
//! This crate deliberately knows no configuration file, no listener and no protocol: it is handed a [`World`].

mod allowances;
mod arrival;
mod authenticate;
mod book;
mod bounds;
mod budgets;
mod collections;
mod datasets;
mod decide;
mod departure;
mod examine;
mod exhausted;
mod follow;
mod forward;
mod gateway;
pub mod guards;
mod hold;
mod identify;
mod journal;
mod kept;
mod leash;
mod lend;
mod lent;
mod mask;
mod open;
mod price;
mod query;
mod reached;
mod refuse;
mod rows;
mod search;
mod second_look;
mod settle;
mod story;
mod strangers;
mod threads;
mod visit;
mod words;
mod world;

pub use arrival::{Arrival, Inbound, Proxies};
pub use authenticate::Caller;
pub use datasets::{Dataset, Datasets};
pub use decide::Decided;
pub use departure::{Departure, Outbound};
pub use examine::Examined;
pub use forward::Reply;
pub use gateway::{Gateway, Parts};
pub use hold::{Holds, Room};
pub use identify::{Call, insisted};
pub use journal::{Audience, Journal};
pub use lend::{CallToken, Leasable, Lending};
pub use lent::Lent;
pub use mask::{Masked, Request};
pub use open::Recording;
pub use price::Price;
pub use search::{Patterns, Searched, search};
pub use second_look::{Candidate, Counted, Group, Rechecks, SecondLook, Tally};
pub use settle::Permit;
pub use story::Drain;
pub use strangers::Strangers;
pub use threads::Threads;
pub use visit::Visit;
pub use world::{Connection, ContentRules, Limits, Model, Stages, World};
