use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use gatewright_dial::Dial;
use gatewright_model::{NotificationId, Occasion, Timestamp};
use gatewright_store::state::approvals::Approval;

use crate::email::Email;
use crate::slack::Slack;
use crate::teams::Teams;
use crate::webhook::Webhook;
use crate::{Message, Undelivered};

/// The longest that one attempt takes.
const ATTEMPT: Duration = Duration::from_secs(12);

/// How much of a call a channel shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Show {
    /// Who, what and why: no word of the prompt.
    #[default]
    Summary,
    /// And the beginning of the masked prompt.
    Excerpt,
}

/// One way to people.
#[derive(Clone)]
pub struct Channel {
    /// Its name in the configuration.
    pub name: Arc<str>,
    /// On which occasions it tells.
    pub occasions: BTreeSet<Occasion>,
    /// Of which approval policies' approvals; `None`: of all.
    pub policies: Option<BTreeSet<String>>,
    /// How much it shows.
    pub show: Show,
    /// How long a notification is tried before it is given up.
    pub give_up: Duration,
    /// How it reaches people.
    pub medium: Medium,
}

/// How a channel reaches people.
#[derive(Clone)]
pub enum Medium {
    /// A program of the operator's, by a signed request.
    Webhook(Webhook),
    /// A channel of Slack.
    Slack(Slack),
    /// A channel of Microsoft Teams.
    Teams(Teams),
    /// Mailboxes.
    Email(Email),
}

impl Channel {
    /// Whether it tells of this approval on this occasion.
    pub fn tells(&self, approval: &Approval, occasion: Occasion) -> bool {
        let of_policy = |policies: &BTreeSet<String>| policies.contains(&*approval.policy);
        self.occasions.contains(&occasion) && self.policies.as_ref().is_none_or(of_policy)
    }

    /// Attempts to deliver one message, within bounded time.
    ///
    /// # Errors
    /// Where it is not certain that the channel took it.
    pub async fn send(
        &self,
        dial: &Dial,
        message: &Message,
        id: NotificationId,
        now: Timestamp,
    ) -> Result<(), Undelivered> {
        let sending = async {
            match &self.medium {
                Medium::Webhook(webhook) => webhook.send(dial, message, id, now).await,
                Medium::Slack(slack) => slack.send(dial, message).await,
                Medium::Teams(teams) => teams.send(dial, message).await,
                Medium::Email(email) => email.send(message, id, now).await,
            }
        };
        tokio::time::timeout(ATTEMPT, sending)
            .await
            .unwrap_or_else(|_| Err(Undelivered::because(format!("it did not answer within {} s", ATTEMPT.as_secs()))))
    }
}
