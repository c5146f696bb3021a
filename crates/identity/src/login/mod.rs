//! Signing in from a command line: the authorization code flow with PKCE, through the person's own browser.
//!
//! [`start`] gives a [`Login`] with the URL to open; [`Login::finish`] waits for the browser to come back to a listener
//! on 127.0.0.1 and gives [`Tokens`]; [`TokenFile`] keeps them; [`fresh_token`] reads them, refreshed where they are
//! about to expire. Opening the browser and talking to the person is left to the caller.
//!
//! [`WebSignIn`] is the same for a page that people sign in to, with the browser's way back through that page.
//!
//! The identity token is verified as the gateway would verify it, nonce included. What is kept and sent to the gateway
//! is the access token where it is a JWT, else the identity token: some providers give access tokens that only they
//! can read.

mod attempt;
mod callback;
mod client_secret;
mod flow;
mod fresh;
mod token_file;
mod tokens;
mod web;

use std::path::PathBuf;

pub use attempt::Attempt;
pub use flow::{Login, SignIn, start};
pub use fresh::fresh_token;
pub use token_file::TokenFile;
pub use tokens::Tokens;
pub use web::WebSignIn;

/// Why there is no token. In words for the person at the terminal; never quotes a token.
#[derive(Debug, thiserror::Error)]
pub enum LoginFault {
    /// The issuer cannot be asked, or does not do what a sign-in needs.
    #[error("the identity provider cannot be used: {0}")]
    Provider(String),
    /// No listener for the browser to come back to.
    #[error("no listener on 127.0.0.1: {0}")]
    Listener(std::io::Error),
    /// The person did not finish in time.
    #[error("nobody finished signing in within {0} seconds")]
    TimedOut(u64),
    /// The provider said no; its word for why.
    #[error("the identity provider refused: {0}")]
    Refused(String),
    /// The tokens are not those of this sign-in.
    #[error("the identity provider's answer is not accepted: {0}")]
    BadAnswer(String),
    /// What came back is not the answer to this sign-in.
    #[error("this is not the answer to the sign-in that was begun")]
    Unasked,
    /// Nobody is signed in.
    #[error("not signed in; run `gatewright login`")]
    NotSignedIn,
    /// The sign-in is over and cannot be refreshed.
    #[error("the sign-in has ended; run `gatewright login` again")]
    Ended,
    /// The file cannot be read or written.
    #[error("the token file {path}: {fault}")]
    File {
        /// Which.
        path: PathBuf,
        /// What happened.
        fault: std::io::Error,
    },
    /// Others may read the file.
    #[error("the token file {0} can be read by others; remove it and sign in again")]
    Exposed(PathBuf),
    /// The file holds something else.
    #[error("the token file {0} is not one of this version; remove it and sign in again")]
    Unreadable(PathBuf),
    /// Another process refreshes it and does not come to an end.
    #[error("another process holds the token file {0}")]
    Busy(PathBuf),
}
