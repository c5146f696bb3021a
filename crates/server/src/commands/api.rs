//! The admin API over HTTP, for commands.

use std::path::Path;

use bytes::Bytes;
use gatewright_api::{Call, Problem, Reply, Sent, Transport};
use gatewright_dial::{Dial, Roots};

use super::{Outcome, complain};
use crate::system::SystemClock;

/// Where the gateway's operators connect, as it was typed, and who asks.
pub(crate) struct Remote {
    dial: Dial,
    admin: String,
    token: String,
}

impl Remote {
    /// The admin side at this URL, asked by the token in this file, or in `GATEWRIGHT_TOKEN`, or of whoever signed in.
    pub(crate) async fn new(admin: &str, token_file: Option<&Path>) -> Result<Self, Outcome> {
        let dial = Dial::new(&Roots::System).map_err(|fault| complain(Outcome::Internal, &fault))?;
        let token = match token_file {
            Some(path) => match std::fs::read_to_string(path) {
                Ok(token) => token.trim().to_owned(),
                Err(error) => return Err(complain(Outcome::Usage, &format!("{}: {error}", path.display()))),
            },
            None => super::login::standing_token(&dial, &SystemClock).await?,
        };
        Ok(Self { dial, admin: admin.trim_end_matches('/').to_owned(), token })
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }
}

impl Transport for Remote {
    fn send<'a>(&'a self, token: &'a str, call: Call) -> Sent<'a> {
        Box::pin(async move {
            let url = format!("{}{}", self.admin, call.target);
            let unreachable = |fault: gatewright_dial::Fault| {
                Problem::new(
                    0,
                    "unreachable",
                    format!("The gateway's admin side at {} gives no answer: {fault}.", self.admin),
                )
            };
            let body = Bytes::from(call.body);
            let reply = self.dial.call(call.method, &url, token, body).await.map_err(unreachable)?;
            Ok(Reply { status: reply.status().as_u16(), body: reply.body().to_vec() })
        })
    }
}

/// Says a problem and how it is to be taken.
pub(crate) fn refused(problem: &Problem) -> Outcome {
    let outcome = match problem.status {
        0 | 502 | 503 => Outcome::Unreachable,
        400 => Outcome::Usage,
        _ => Outcome::Finding,
    };
    complain(outcome, &format!("{} ({})", problem.detail, problem.code))
}
