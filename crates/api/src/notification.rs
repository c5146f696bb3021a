use serde::{Deserialize, Serialize};

/// How a notification stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotificationState {
    /// It waits for its first or its next attempt.
    Waiting,
    /// The channel took it.
    Delivered,
    /// It was given up.
    Failed,
    /// Before it could be delivered there was nothing left to tell.
    Moot,
}

impl NotificationState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Delivered, Self::Failed, Self::Moot];

    /// The word in answers and queries.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Moot => "moot",
        }
    }

    /// The state of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// What people are told of an approval through one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notification {
    /// `ntf_…`, the same at every attempt.
    pub id: String,
    /// About which approval: `apr_…`.
    pub approval: String,
    /// On which occasion: `asked` or `decided`.
    pub occasion: String,
    /// Through which channel, by its name in the configuration.
    pub channel: String,
    /// How it stands.
    pub state: NotificationState,
    /// How many attempts were begun.
    pub attempts: u32,
    /// When it was queued, RFC 3339.
    pub created: String,
    /// When it is attempted next, while it waits.
    pub due: Option<String>,
    /// When it ended.
    pub ended: Option<String>,
    /// What went wrong the last time; never a secret, never what the other side wrote.
    pub trouble: Option<String>,
}
