//! `gatewright access request | list | show | approve | deny | revoke`

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use gatewright_api::{
    ACCESS_LIST, APPROVALS_LIST, AccessAsked, AccessList, AccessRequest, Approval, ApprovalState, Choice, Client,
    Decide, Grant, GrantState, Narrow, Problem,
};

use super::approvals::{Asking, ask, line, page, print};
use super::{Format, Outcome, complain, visible};

/// What is asked.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// A role for a time.
    Request {
        /// Which, for how long, and why.
        request: AccessRequest,
        /// How long to wait for the decision; `None`: not at all.
        wait_s: Option<u64>,
    },
    /// Roles, wishes and grants; grants of one state or of all.
    List(Option<String>),
    /// One wish or grant.
    Show(String),
    /// A decision.
    Decide {
        /// On which wish.
        id: String,
        /// What.
        choice: Choice,
        /// Why.
        reason: Option<String>,
        /// For less time than was asked for.
        for_s: Option<u64>,
    },
    /// A grant's end.
    Revoke(String),
}

/// How long one question for news is kept open, in seconds.
const NEWS: u64 = 10;

/// Asks a running gateway.
pub fn run(asking: Asking, wanted: Wanted) -> Outcome {
    let format = asking.format;
    ask(asking, async move |client| asked(client, wanted, format).await)
}

async fn asked(client: &Client<'_>, wanted: Wanted, format: Format) -> Result<Outcome, Problem> {
    match wanted {
        Wanted::Request { request, wait_s } => return requested(client, &request, wait_s, format).await,
        Wanted::List(state) => print(format, &list(client, state.as_deref()).await?, table),
        Wanted::Show(id) if id.starts_with("grt_") => {
            let access = list(client, None).await?;
            let Some(grant) = access.grants.iter().find(|grant| grant.id == id) else {
                return Ok(complain(Outcome::Finding, &"There is no such grant, or none that you may see."));
            };
            print(format, grant, grant_line);
        }
        Wanted::Show(id) => print(format, &client.approval(&id).await?, page),
        Wanted::Decide { id, choice, reason, for_s } => {
            let narrow = for_s.map(|for_s| Narrow { for_s: Some(for_s), ..Narrow::default() });
            let decided = client.decide(&id, &Decide { verdict: choice, reason, narrow }).await?;
            print(format, &decided, |approval| format!("{} is {}.\n", approval.id, word(approval.state)));
        }
        Wanted::Revoke(id) => {
            let grant = client.revoke(&id).await?;
            print(format, &grant, |grant| format!("{} is revoked.\n", grant.id));
        }
    }
    Ok(Outcome::Holds)
}

async fn list(client: &Client<'_>, state: Option<&str>) -> Result<AccessList, Problem> {
    let query = state.map(|state| format!("state={state}")).unwrap_or_default();
    client.get(&ACCESS_LIST, &[], &query).await
}

/// Asks, waits where that is wanted, and says what came of it: 0 where the role is had.
async fn requested(
    client: &Client<'_>,
    request: &AccessRequest,
    wait_s: Option<u64>,
    format: Format,
) -> Result<Outcome, Problem> {
    let mut asked = client.request_access(request).await?;
    if let Some(wait) = wait_s {
        wait_for(client, &mut asked, Duration::from_secs(wait)).await?;
    }
    let outcome = match asked.approval.state {
        // Asked for and not decided is what was wanted, unless a decision was waited for.
        ApprovalState::Pending if wait_s.is_none() => Outcome::Holds,
        ApprovalState::Used | ApprovalState::Approved => Outcome::Holds,
        ApprovalState::Pending | ApprovalState::Denied | ApprovalState::Expired | ApprovalState::Revoked => {
            Outcome::Finding
        }
    };
    print(format, &asked, became);
    Ok(outcome)
}

async fn wait_for(client: &Client<'_>, asked: &mut AccessAsked, most: Duration) -> Result<(), Problem> {
    let until = Instant::now() + most;
    while asked.approval.state == ApprovalState::Pending {
        let left = until.saturating_duration_since(Instant::now()).as_secs();
        if left == 0 {
            return Ok(());
        }
        let query = format!("wait_s={}", left.min(NEWS));
        let all: Vec<Approval> = client.get(&APPROVALS_LIST, &[], &query).await?;
        if let Some(approval) = all.into_iter().find(|approval| approval.id == asked.approval.id) {
            asked.approval = approval;
        }
    }
    let access = list(client, None).await?;
    asked.grant = access.grants.into_iter().find(|grant| grant.approval == asked.approval.id);
    Ok(())
}

fn became(asked: &AccessAsked) -> String {
    let approval = &asked.approval;
    match (&asked.grant, approval.state) {
        (Some(grant), _) => grant_line(grant),
        (None, ApprovalState::Pending) => {
            format!("{} waits for somebody of {}.\n", approval.id, visible(&approval.policy))
        }
        (None, state) => {
            let why = approval.votes.iter().rev().find_map(|vote| vote.reason.as_deref()).unwrap_or_default();
            format!("{} is {}. {}\n", approval.id, word(state), visible(why))
        }
    }
}

/// A wish that was granted is used up as an approval; for people it was approved.
const fn word(state: ApprovalState) -> &'static str {
    match state {
        ApprovalState::Used => "approved",
        other => other.name(),
    }
}

fn table(access: &AccessList) -> String {
    let mut table = String::new();
    let active = |grant: &&Grant| grant.state == GrantState::Active;
    for grant in access.grants.iter().filter(active) {
        table.push_str(&grant_line(grant));
    }
    for approval in &access.pending {
        table.push_str(&line(approval));
    }
    for grant in access.grants.iter().filter(|grant| !active(grant)) {
        table.push_str(&grant_line(grant));
    }
    for may in &access.may_ask {
        let by = if may.break_glass { "without approval (break glass)" } else { &may.policy };
        let _ = writeln!(table, "you may ask for {}, for at most {}s: {}", visible(&may.role), may.max_s, visible(by));
    }
    if table.is_empty() {
        table.push_str("No role is lent for a time, and there is none that you may ask for.\n");
    }
    table
}

fn grant_line(grant: &Grant) -> String {
    let state = match grant.state {
        GrantState::Active => "active",
        GrantState::Ended => "ended",
        GrantState::Revoked => "revoked",
    };
    let glass = if grant.break_glass { "  BREAK GLASS" } else { "" };
    let (role, subject) = (visible(&grant.role), visible(&grant.person.subject));
    let issuer = visible(&grant.person.issuer);
    format!("{}  {state:<7}  {role}  {subject}@{issuer}  {} to {}{glass}\n", grant.id, grant.from, grant.until)
}
