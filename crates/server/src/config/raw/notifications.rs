//! What a configuration says of the ways to people.

use std::time::Duration;

use crate::config::read::{At, section};

section! {
    /// A way to people.
    Channel {
        /// A program that is told by signed requests.
        webhook: Webhook,
        /// A channel of Slack.
        slack: Slack,
        /// A channel of Microsoft Teams.
        teams: Teams,
        /// Mailboxes.
        email: Email,
        /// On which occasions it tells: `asked`, `decided`.
        about: Vec<At<String>>,
        /// Of which approval policies' approvals; of all where nothing is said.
        approvals: Vec<At<String>>,
        /// `summary`, or `excerpt` with the beginning of the masked prompt.
        show: At<String>,
        /// How long a notification is tried.
        give_up: At<Duration>,
    }
}

section! {
    /// A program that is told by signed requests.
    Webhook {
        /// Where it listens.
        url: At<String>,
        /// Where the secrets lie that it is signed with, the newest first.
        secrets: Vec<At<String>>,
    }
}

section! {
    /// A channel of Slack.
    Slack {
        /// Where the bot's token lies.
        token: At<String>,
        /// The channel's id.
        channel: At<String>,
        /// Where the secret lies that Slack signs with.
        signing_secret: At<String>,
        /// The workspace's id.
        team: At<String>,
        /// Whose buttons count.
        people: Vec<Person>,
        /// Where Slack's API is, if not at slack.com.
        api: At<String>,
    }
}

section! {
    /// Somebody in Slack, and who that is to the gateway.
    Person {
        /// Their id in Slack.
        slack: At<String>,
        /// Or the mail address that Slack has verified.
        mail: At<String>,
        /// Who vouches for them, by the issuer's name.
        issuer: At<String>,
        /// The issuer's own key for them.
        subject: At<String>,
        /// The groups that count for them when they press a button.
        groups: Vec<At<String>>,
    }
}

section! {
    /// A channel of Microsoft Teams.
    Teams {
        /// Where the URL of the workflow's webhook lies.
        webhook: At<String>,
    }
}

section! {
    /// Mailboxes, and the server that takes their mail.
    Email {
        /// Host, and port where it is not the usual one.
        server: At<String>,
        /// `starttls`, `tls` or `none`.
        tls: At<String>,
        /// Who sends, where the server asks.
        user: At<String>,
        /// Where the password lies.
        password: At<String>,
        /// From whom.
        from: At<String>,
        /// To whom.
        to: Vec<At<String>>,
        /// The authorities that may vouch for it, a PEM file, instead of the system's.
        ca: At<String>,
    }
}
