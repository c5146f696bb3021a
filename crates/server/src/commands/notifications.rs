//! `gatewright notifications list`

use gatewright_api::{Client, Notification, NotificationState};

use super::api::{Remote, refused};
use super::approvals::Asking;
use super::{Format, Outcome, answer, complain, visible};
use crate::run::on_runtime;

/// Asks a running gateway what people were told.
pub fn list(asking: Asking, state: Option<String>) -> Outcome {
    let state = match state.as_deref().map(NotificationState::from_name) {
        Some(None) => return complain(Outcome::Usage, &"there is no such state"),
        Some(Some(state)) => Some(state),
        None => None,
    };
    on_runtime(async move {
        let remote = match Remote::new(&asking.admin, asking.token_file.as_deref()).await {
            Ok(remote) => remote,
            Err(outcome) => return outcome,
        };
        match Client::new(&remote, remote.token()).notifications(state).await {
            Ok(all) => {
                answer(&match asking.format {
                    Format::Text => table(&all),
                    Format::Json => format!("{}\n", serde_json::to_string(&all).unwrap_or_default()),
                });
                Outcome::Holds
            }
            Err(problem) => refused(&problem),
        }
    })
}

fn table(all: &[Notification]) -> String {
    if all.is_empty() {
        return "Nobody was told anything.\n".to_owned();
    }
    all.iter().map(line).collect()
}

fn line(one: &Notification) -> String {
    let when = one.due.as_deref().map(|due| format!("  next {due}")).unwrap_or_default();
    let trouble = one.trouble.as_deref().map(|trouble| format!("  {}", visible(trouble))).unwrap_or_default();
    format!(
        "{}  {:<9}  {}  {}  {}  {}  attempts {}{when}{trouble}\n",
        one.id,
        one.state.name(),
        one.created,
        visible(&one.channel),
        one.occasion,
        one.approval,
        one.attempts,
    )
}
