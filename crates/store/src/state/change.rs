use std::fmt;
use std::sync::Arc;

use tokio::sync::broadcast;

/// How many changes a reader may lag behind before it is told to read everything again.
const REMEMBERED: usize = 1_024;

/// The longest key of a change, in bytes: what PostgreSQL carries in a notification is bounded.
const LONGEST_KEY: usize = 256;

/// What kind of thing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// A version of the role catalogue was added.
    Policies,
    /// The catalogue that decides beside the live one is another, or there is none any more.
    Candidates,
    /// Something happened to an approval.
    Approvals,
    /// A role was granted for a time, or taken back.
    Grants,
}

impl Topic {
    /// Every topic there is.
    pub const ALL: [Self; 4] = [Self::Policies, Self::Candidates, Self::Approvals, Self::Grants];

    /// The word in notifications.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Policies => "policies",
            Self::Candidates => "candidates",
            Self::Approvals => "approvals",
            Self::Grants => "grants",
        }
    }
}

/// Something that changed in the state. It says what, not how: whoever cares reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What kind of thing.
    pub topic: Topic,
    /// Which one: its number or id.
    pub key: Arc<str>,
}

impl Change {
    pub(super) fn of(topic: Topic, key: impl fmt::Display) -> Self {
        Self { topic, key: key.to_string().into() }
    }

    /// Reads what [`Display`](fmt::Display) wrote; `None` for what no gateway wrote, or a newer one.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (name, key) = text.split_once(' ')?;
        let topic = Topic::ALL.into_iter().find(|topic| topic.name() == name)?;
        let bounded = (1..=LONGEST_KEY).contains(&key.len());
        bounded.then(|| Self { topic, key: key.into() })
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.topic.name(), self.key)
    }
}

/// What a reader of the feed is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// This changed.
    Change(Change),
    /// Changes may have been missed: the connection was lost for a while, or the reader was too slow. Whatever was read
    /// before must be read again.
    Everything,
    /// The state is closed: nothing more will be heard.
    Closed,
}

/// A reader of the feed.
pub struct Changes(broadcast::Receiver<Heard>);

impl Changes {
    /// Waits for the next change. Cancelling loses nothing.
    pub async fn next(&mut self) -> Heard {
        match self.0.recv().await {
            Ok(heard) => heard,
            Err(broadcast::error::RecvError::Lagged(_)) => {
                // What is still queued is covered by reading everything.
                self.0 = self.0.resubscribe();
                Heard::Everything
            }
            Err(broadcast::error::RecvError::Closed) => Heard::Closed,
        }
    }
}

/// Where backends tell what changed.
#[derive(Clone)]
pub(super) struct Feed(broadcast::Sender<Heard>);

impl Default for Feed {
    fn default() -> Self {
        Self(broadcast::Sender::new(REMEMBERED))
    }
}

impl Feed {
    pub(super) fn tell(&self, heard: Heard) {
        // Nobody may be listening; then nobody has read anything that could be stale.
        let _ = self.0.send(heard);
    }

    pub(super) fn subscribe(&self) -> Changes {
        Changes(self.0.subscribe())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_read_as_it_was_written() {
        for topic in Topic::ALL {
            let change = Change::of(topic, 12);
            assert_eq!(Change::read(&change.to_string()), Some(change));
        }
    }

    #[test]
    fn a_strange_notification_is_none() {
        for text in ["", "policies", "policies ", "stars 1", &format!("policies {}", "1".repeat(300))] {
            assert_eq!(Change::read(text), None, "{text}");
        }
    }

    #[tokio::test]
    async fn whoever_lags_reads_everything_again() {
        let feed = Feed::default();
        let mut changes = feed.subscribe();
        for number in 0..=REMEMBERED {
            feed.tell(Heard::Change(Change::of(Topic::Policies, number)));
        }
        assert_eq!(changes.next().await, Heard::Everything);
        feed.tell(Heard::Change(Change::of(Topic::Policies, "next")));
        assert_eq!(changes.next().await, Heard::Change(Change::of(Topic::Policies, "next")));
        drop(feed);
        assert_eq!(changes.next().await, Heard::Closed);
    }
}
