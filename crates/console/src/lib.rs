//! The web console: pages for people, rendered here, over the admin API.
//!
//! [`Console`] answers requests on the operators' listener. Whoever comes signs in through a [`Door`] (an OpenID Connect
//! provider), is given a sealed cookie, and from then on every page is made of calls of the admin API in that person's
//! name: the console knows no policy, no store and no record, and can do nothing that the API cannot.
//!
//! Every page works without script; the one script, served from here, only looks again. What callers wrote is escaped by
//! the templates and has its invisible characters written out. GET changes nothing; what changes something is a form
//! that carries its session's own token, posted from this very origin.

mod assets;
mod attempts;
mod console;
mod cookies;
mod door;
mod form;
mod frame;
mod headers;
mod origin;
mod pages;
mod route;
mod seal;
mod session;
mod sign_in;
mod times;
mod visible;

pub use console::{Console, LONGEST_FORM, Parts, Visit};
pub use door::{Begun, Closed, Door, Later, Started, Surroundings, Token};
pub use session::SealingKey;
