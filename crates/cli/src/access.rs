//! `gatewright access …` as it is typed.

use clap::Subcommand;
use gatewright_api::{AccessRequest, Choice};
use gatewright_server::commands::access::{self, Wanted};
use gatewright_server::commands::{Format, Outcome};

use crate::approvals::Gateway;

#[derive(Subcommand)]
pub(crate) enum Access {
    /// Ask for a role for a time; or take it, where the catalogue says that nobody has to agree.
    Request {
        /// Which role.
        #[arg(long, value_name = "ROLE")]
        role: String,
        /// For how long: 90s, 30m, 2h.
        #[arg(long = "for", value_name = "TIME", value_parser = seconds)]
        lasts: u64,
        /// Why.
        #[arg(long)]
        reason: Option<String>,
        /// Wait until it is decided, for as long as this: 90s, 30m, 2h.
        #[arg(long, value_name = "TIME", value_parser = seconds)]
        wait: Option<u64>,
        #[command(flatten)]
        gateway: Gateway,
    },
    /// The roles that you may ask for, what is asked for, and who has which role for a time.
    List {
        /// Only grants in this state: active, ended or revoked.
        #[arg(long, value_name = "STATE")]
        state: Option<String>,
        #[command(flatten)]
        gateway: Gateway,
    },
    /// One wish (apr_…) or one grant (grt_…).
    Show {
        /// Its id.
        id: String,
        #[command(flatten)]
        gateway: Gateway,
    },
    /// Let somebody have the role.
    Approve {
        /// The wish's id, apr_….
        id: String,
        /// Why.
        #[arg(long)]
        reason: Option<String>,
        /// For less time than was asked for: 90s, 30m, 2h.
        #[arg(long = "for", value_name = "TIME", value_parser = seconds)]
        lasts: Option<u64>,
        #[command(flatten)]
        gateway: Gateway,
    },
    /// Do not let them have it; they are told the reason.
    Deny {
        /// The wish's id, apr_….
        id: String,
        /// Why.
        #[arg(long)]
        reason: Option<String>,
        #[command(flatten)]
        gateway: Gateway,
    },
    /// End a grant now: your own, one of a role that you decide on, or with access.revoke anybody's.
    Revoke {
        /// The grant's id, grt_….
        id: String,
        #[command(flatten)]
        gateway: Gateway,
    },
}

/// A time as the catalogue writes it.
fn seconds(text: &str) -> Result<u64, String> {
    let wrong = || "a time is a number and s, m or h: 90s, 30m, 2h".to_owned();
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return Err(wrong()),
    };
    let plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let number = plain.then(|| number.parse::<u64>().ok()).flatten().ok_or_else(wrong)?;
    number.checked_mul(unit).ok_or_else(wrong)
}

pub(crate) fn run(typed: Access, format: Format) -> Outcome {
    let (gateway, wanted) = match typed {
        Access::Request { role, lasts, reason, wait, gateway } => {
            (gateway, Wanted::Request { request: AccessRequest { role, for_s: lasts, reason }, wait_s: wait })
        }
        Access::List { state, gateway } => (gateway, Wanted::List(state)),
        Access::Show { id, gateway } => (gateway, Wanted::Show(id)),
        Access::Approve { id, reason, lasts, gateway } => {
            (gateway, Wanted::Decide { id, choice: Choice::Approve, reason, for_s: lasts })
        }
        Access::Deny { id, reason, gateway } => {
            (gateway, Wanted::Decide { id, choice: Choice::Deny, reason, for_s: None })
        }
        Access::Revoke { id, gateway } => (gateway, Wanted::Revoke(id)),
    };
    access::run(gateway.asking(format), wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit() {
        for (text, read) in [("90s", Some(90)), ("30m", Some(1_800)), ("2h", Some(7_200)), ("0s", Some(0))] {
            assert_eq!(seconds(text).ok(), read, "{text}");
        }
        for text in
            ["", "s", "30", "-1m", "1.5h", "+3m", "30min", "99999999999999999999h", "9999999999999999h", "3\u{b5}"]
        {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
