use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::{sleep, timeout};
use tokio_postgres::Client;

use super::connect::Connector;
use super::{ANSWER, CHANNEL};
use crate::state::change::{Change, Feed, Heard};
use crate::state::{Standing, StateError};

/// How often a silent connection is asked whether it still stands: one that died without a word hears nothing for ever.
const PING: Duration = Duration::from_secs(5);

/// How long to wait before the next attempt, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Hears what replicas announce, in a task that ends with it.
pub(super) struct Listener(AbortHandle);

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Listener {
    /// Begins to listen; what is announced from the moment that this returns is told to the feed.
    pub(super) async fn start(
        connector: Connector,
        feed: Feed,
        said: watch::Sender<Standing>,
    ) -> Result<Self, StateError> {
        let ear = Ear::open(&connector, &feed).await?;
        Ok(Self(tokio::spawn(listen(ear, connector, feed, said)).abort_handle()))
    }
}

/// A connection that listens.
struct Ear {
    client: Client,
    driven: JoinHandle<()>,
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.driven.abort();
    }
}

impl Ear {
    async fn open(connector: &Connector, feed: &Feed) -> Result<Self, StateError> {
        let feed = feed.clone();
        let hear = move |payload: &str| match Change::read(payload) {
            Some(change) => feed.tell(Heard::Change(change)),
            // Of a newer gateway, or of somebody who plays: neither is a reason to miss anything.
            None => feed.tell(Heard::Everything),
        };
        let (client, driven) = connector.connect(hear).await?;
        let ear = Self { client, driven };
        ear.ask(&format!("LISTEN {CHANNEL}")).await?;
        Ok(ear)
    }

    async fn ask(&self, statement: &str) -> Result<(), StateError> {
        match timeout(ANSWER, self.client.batch_execute(statement)).await {
            Ok(answered) => Ok(answered?),
            Err(_) => Err(StateError::unreachable("it does not answer")),
        }
    }

    /// Returns when the connection is lost.
    async fn lost(mut self) -> StateError {
        loop {
            tokio::select! {
                _ = &mut self.driven => return StateError::unreachable("the connection ended"),
                () = sleep(PING) => {}
            }
            if let Err(error) = self.ask("SELECT 1").await {
                return error;
            }
        }
    }
}

async fn listen(mut ear: Ear, connector: Connector, feed: Feed, said: watch::Sender<Standing>) {
    loop {
        let mut why = ear.lost().await;
        tracing::warn!(%why, "the connection that hears of changes in the state is lost");
        let mut pause = FIRST_PAUSE;
        ear = loop {
            match Ear::open(&connector, &feed).await {
                Ok(ear) => break ear,
                Err(error) => why = error,
            }
            said.send_replace(Standing::Unreachable(why.to_string().into()));
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        };
        tracing::info!("changes in the state are heard again");
        said.send_replace(Standing::Reachable);
        // What was announced meanwhile was not heard.
        feed.tell(Heard::Everything);
    }
}
