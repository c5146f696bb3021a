//! `gatewright approvals list | show | approve | deny | revoke | watch`

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use gatewright_api::{
    APPROVALS_LIST, Approval, ApprovalShown, ApprovalState, Choice, Client, Decide, Narrow, Original, Problem, Text,
};
use serde::Serialize;

use super::api::{Remote, refused};
use super::{Format, Outcome, answer, complain, visible};
use crate::run::on_runtime;

/// Which gateway is asked, and by whom.
#[derive(Clone, Debug)]
pub struct Asking {
    /// Its admin side's URL.
    pub admin: String,
    /// Where the token lies; `None`: in `GATEWRIGHT_TOKEN`, or with whoever signed in.
    pub token_file: Option<PathBuf>,
    /// For people or programs.
    pub format: Format,
}

/// What is asked.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// Approvals, in this state or in any.
    List(Option<String>),
    /// One, masked, or with its original.
    Show {
        /// Which.
        id: String,
        /// Whether its original is asked for, which is recorded.
        original: Shown,
    },
    /// A decision.
    Decide {
        /// On which.
        id: String,
        /// What.
        choice: Choice,
        /// Why.
        reason: Option<String>,
        /// What is made smaller.
        narrow: Narrow,
    },
    /// Everything that happens from now on, one line each, until it is interrupted.
    Watch,
}

/// Which view of a prompt is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Masked.
    Masked,
    /// As it was sent.
    Original,
}

/// How long a question for news is kept open, in seconds.
const NEWS: u32 = 10;

/// Asks a running gateway.
pub fn run(asking: Asking, wanted: Wanted) -> Outcome {
    let format = asking.format;
    ask(asking, async move |client| asked(client, wanted, format).await)
}

/// Asks a running gateway in the name of whoever is signed in here.
pub(super) fn ask(asking: Asking, what: impl AsyncFnOnce(&Client<'_>) -> Result<Outcome, Problem>) -> Outcome {
    on_runtime(async move {
        let remote = match Remote::new(&asking.admin, asking.token_file.as_deref()).await {
            Ok(remote) => remote,
            Err(outcome) => return outcome,
        };
        let client = Client::new(&remote, remote.token());
        match what(&client).await {
            Ok(outcome) => outcome,
            Err(problem) => refused(&problem),
        }
    })
}

async fn asked(client: &Client<'_>, wanted: Wanted, format: Format) -> Result<Outcome, Problem> {
    match wanted {
        Wanted::List(state) => {
            let state = match state.as_deref().map(ApprovalState::from_name) {
                Some(None) => return Ok(complain(Outcome::Usage, &"there is no such state")),
                Some(Some(state)) => Some(state),
                None => None,
            };
            print(format, client.approvals(state).await?.as_slice(), table);
        }
        Wanted::Show { id, original: Shown::Masked } => print(format, &client.approval(&id).await?, page),
        Wanted::Show { id, original: Shown::Original } => {
            print(format, &client.original(&id).await?, |original: &Original| texts(&original.texts));
        }
        Wanted::Decide { id, choice, reason, narrow } => {
            let narrow = (narrow != Narrow::default()).then_some(narrow);
            let decided = client.decide(&id, &Decide { verdict: choice, reason, narrow }).await?;
            print(format, &decided, |approval| format!("{} is {}.\n", approval.id, approval.state.name()));
        }
        Wanted::Watch => watch(client, format).await?,
    }
    Ok(Outcome::Holds)
}

/// Tells what is new or has changed; the first look tells what is pending.
async fn watch(client: &Client<'_>, format: Format) -> Result<(), Problem> {
    let mut known: HashMap<String, ApprovalState> = HashMap::new();
    let mut query = String::new();
    let mut first = true;
    loop {
        let all: Vec<Approval> = client.get(&APPROVALS_LIST, &[], &query).await?;
        for approval in all.iter().rev() {
            let before = known.insert(approval.id.clone(), approval.state);
            let is_news = if first { approval.state == ApprovalState::Pending } else { before != Some(approval.state) };
            if is_news {
                print(format, approval, line);
            }
        }
        first = false;
        query = format!("wait_s={NEWS}");
    }
}

pub(super) fn print<T: Serialize + ?Sized>(format: Format, value: &T, words: impl FnOnce(&T) -> String) {
    match format {
        Format::Text => answer(&words(value)),
        Format::Json => {
            let mut text = serde_json::to_string(value).unwrap_or_default();
            text.push('\n');
            answer(&text);
        }
    }
}

fn table(approvals: &[Approval]) -> String {
    match approvals.is_empty() {
        true => "Nothing waits for anybody.\n".to_owned(),
        false => approvals.iter().map(line).collect(),
    }
}

pub(super) fn line(approval: &Approval) -> String {
    let what = approval.model.as_deref().or(approval.access.as_ref().map(|asked| asked.role.as_str())).unwrap_or("-");
    format!(
        "{}  {:<8}  {}  {}@{}  {}  {}\n",
        approval.id,
        approval.state.name(),
        approval.created,
        visible(&approval.caller.subject),
        approval.caller.issuer,
        visible(what),
        approval.rule,
    )
}

pub(super) fn page(shown: &ApprovalShown) -> String {
    let approval = &shown.approval;
    let mut page = line(approval);
    let mut row = |name: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(page, "  {name:<12} {}", visible(value));
        }
    };
    row("roles", &approval.roles.join(", "));
    row("operation", approval.operation.as_deref().unwrap_or_default());
    row("connection", approval.connection.as_deref().unwrap_or_default());
    row("trust", approval.trust.as_deref().unwrap_or_default());
    row("datasets", &approval.datasets.join(", "));
    row("reason", approval.reason.as_deref().unwrap_or_default());
    row("expires", &approval.expires);
    row("needs", &format!("{} of {}", approval.need, approval.policy));
    for (name, value) in &shown.parameters {
        row(name, value);
    }
    for count in &shown.found {
        row("masked", &format!("{} {}", count.count, count.info_type));
    }
    for vote in &approval.votes {
        let verdict = match vote.verdict {
            Choice::Approve => "approved",
            Choice::Deny => "denied",
            Choice::Revoke => "revoked",
        };
        row(verdict, &format!("{} {}", vote.by.subject, vote.reason.as_deref().unwrap_or_default()));
    }
    for similar in &shown.similar {
        row("similar", &format!("{} {} {}", similar.id, similar.state.name(), similar.caller.subject));
    }
    if let Some(why) = &approval.may_decide {
        row("not yours", why);
    }
    page.push_str(&texts(&shown.texts));
    for tool in &shown.tools {
        let _ = writeln!(page, "--- tool\n{}", plain(tool));
    }
    page
}

/// Texts with what stands out in them between `>>` and `<<`.
fn texts(texts: &[Text]) -> String {
    let mut page = String::new();
    for text in texts {
        let _ = writeln!(page, "--- {}", visible(&text.place));
        for piece in &text.pieces {
            match &piece.mark {
                Some(_) => {
                    let _ = write!(page, ">>{}<<", plain(&piece.text));
                }
                None => page.push_str(&plain(&piece.text)),
            }
        }
        page.push('\n');
    }
    page
}

/// Lines stay lines; the gateway has written out whatever else cannot be seen, and a terminal is told none of it anyway.
fn plain(text: &str) -> String {
    text.split('\n').map(visible).collect::<Vec<_>>().join("\n")
}
