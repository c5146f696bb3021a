//! Who is asking: bearer tokens of OIDC issuers become an [`Identity`](gatewright_model::Identity).
//!
//! [`Identities`] takes a request's headers and gives back who sent it, or a [`Rejection`]. Tokens are JWTs that a
//! configured issuer signed; they are verified strictly, and every doubt is a refusal: a header that says more than
//! which key signed it, a claim of another type than expected, a key set with a weakness, an issuer that cannot be
//! asked. The keys of each issuer are fetched by a task of its own, never in the path of a request, except that a
//! token signed by a key not seen before waits for one rate-limited fetch.
//!
//! [`login`] is the other side: how a person gets such a token with a browser and keeps it.
//!
//! [`CallTokens`] are the gateway's own: lent to a model server for the length of a call.
//!
//! What this crate deliberately does not do: decide what a caller may do, follow a URL that a token names, know
//! symmetric algorithms or encrypted tokens, or tell callers by their e-mail address.

mod cache;
mod call_token;
mod identities;
pub mod login;
pub mod oidc;
mod rejection;
mod source;

pub use cache::Verified;
pub use call_token::{CallClaims, CallTokens};
pub use gatewright_dial::{Dial, Roots};
pub use identities::Identities;
pub use oidc::{Algorithm, IssuerConfig, IssuerFault, KeySource, KindRule, whom_claims_describe};
pub use rejection::{Flaw, Rejection};
pub use source::bearer_of;
