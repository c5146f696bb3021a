use std::sync::Arc;

use gatewright_api::{NOTIFICATIONS_LIST, Notification, NotificationState, Problem};
use gatewright_store::state::State;
use gatewright_store::state::notices::{Notice, NoticeState, Notices};

use crate::{Asked, Given, Part, Pending};

/// How many notifications a list shows.
const MOST: usize = 500;

/// The endpoint that shows what people were told, and what they were not.
pub struct Notifications {
    store: Arc<dyn Notices>,
}

impl Notifications {
    /// Shows what is queued in `state`.
    pub fn new(state: &State) -> Self {
        Self { store: Arc::clone(state.notices()) }
    }

    async fn list(&self, asked: &Asked<'_>) -> Result<Given, Problem> {
        let state = match asked.query("state") {
            None => None,
            Some(name) => {
                Some(NoticeState::from_name(name).ok_or_else(|| Problem::invalid("There is no such state."))?)
            }
        };
        let all = self.store.list(state, MOST).await.map_err(|why| {
            tracing::error!(%why, "notifications cannot be read");
            Problem::not_ready("Notifications cannot be reached now.")
        })?;
        Given::json(&all.iter().map(told).collect::<Vec<_>>())
    }
}

fn told(notice: &Notice) -> Notification {
    Notification {
        id: notice.id.to_string(),
        approval: notice.approval.to_string(),
        occasion: notice.occasion.name().to_owned(),
        channel: notice.channel.to_string(),
        state: match notice.state {
            NoticeState::Waiting => NotificationState::Waiting,
            NoticeState::Delivered => NotificationState::Delivered,
            NoticeState::Failed => NotificationState::Failed,
            NoticeState::Moot => NotificationState::Moot,
        },
        attempts: notice.attempts,
        created: notice.created.to_string(),
        due: (notice.state == NoticeState::Waiting).then(|| notice.due.to_string()),
        ended: notice.ended.map(|ended| ended.to_string()),
        trouble: notice.trouble.as_deref().map(str::to_owned),
    }
}

impl Part for Notifications {
    fn endpoints(&self) -> Vec<&'static str> {
        vec![NOTIFICATIONS_LIST.name]
    }

    fn answer<'a>(&'a self, asked: Asked<'a>) -> Pending<'a, Result<Given, Problem>> {
        Box::pin(async move { self.list(&asked).await })
    }
}
