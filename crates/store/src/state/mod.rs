//! What a deployment keeps and its replicas share: policy versions, whose the things are that model servers keep, approvals,
//! what people are told of them, and what is lent for the length of a call.
//!
//! [`State`] is one trait for each noun ([`Policies`], [`Owned`], [`Approvals`], [`Notices`], [`Leases`]) and one feed of
//! [`Changes`]. Two backends hold it: `sqlite`, a file
//! of one machine, and `postgres`, which replicas share. Nothing above this module knows which of them it is.
//!
//! A noun takes and gives plain values, decides nothing and knows no clock. Every answer is bounded in time. Whoever
//! cannot reach the state is told [`StateError::Unreachable`] and must refuse: what is not known was not permitted.
//!
//! Unlike the index of sessions, none of this can be made again from the log: it has a file of its own, and every commit
//! is on disk before it is answered.

pub mod approvals;
mod candidates;
mod change;
mod fault;
pub mod leases;
mod migration;
pub mod notices;
mod owned;
mod policies;
mod postgres;
mod sqlite;
mod standing;

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

pub use candidates::{CandidateStep, Candidates, NewCandidate};
pub use change::{Change, Changes, Heard, Topic};
pub use fault::StateError;
pub use owned::{Booked, Order, Owned, Owner, Page, Thing};
pub use policies::{Author, NewPolicy, Origin, Policies, PolicyFile, PolicyVersion};
pub(crate) use postgres::Connector as PostgresConnector;
pub use postgres::{BadPostgresAddress, Password, PostgresAddress, PostgresOptions, Transport};
pub use standing::Standing;

use approvals::Approvals;
use change::Feed;
use leases::Leases;
use notices::Notices;
use postgres::Postgres;
use sqlite::Sqlite;
use tokio::sync::watch;

/// The file of the `sqlite` backend within the data folder.
pub const STATE_FILE: &str = "state.db";

/// What a noun's methods give: a future that whoever holds the trait as `dyn` can await.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StateError>> + Send + 'a>>;

/// Who uses a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// One gateway.
    Alone,
    /// Any number of them.
    Replicas,
}

/// The state of a deployment. Clones are handles of the same one; it closes with the last of them.
#[derive(Clone)]
pub struct State {
    policies: Arc<dyn Policies>,
    candidates: Arc<dyn Candidates>,
    owned: Arc<dyn Owned>,
    approvals: Arc<dyn Approvals>,
    leases: Arc<dyn Leases>,
    sharing: Sharing,
    notices: Arc<dyn Notices>,
    feed: Feed,
    standing: watch::Receiver<Standing>,
}

impl State {
    /// Opens the state in a file of this machine, or makes it. One gateway uses a file at a time; commands may read it
    /// beside it. Blocks on the file.
    pub fn sqlite(path: &Path) -> Result<Self, StateError> {
        let feed = Feed::default();
        let (said, standing) = watch::channel(Standing::Reachable);
        let sqlite = Arc::new(Sqlite::open(path, feed.clone(), said)?);
        Ok(Self {
            policies: sqlite.clone(),
            candidates: sqlite.clone(),
            approvals: sqlite.clone(),
            leases: sqlite.clone(),
            notices: sqlite.clone(),
            owned: sqlite,
            sharing: Sharing::Alone,
            feed,
            standing,
        })
    }

    /// Reaches the state in a PostgreSQL database and brings its tables up to date. What happens there from now on is
    /// heard by [`changes`](Self::changes).
    pub async fn postgres(options: PostgresOptions) -> Result<Self, StateError> {
        let feed = Feed::default();
        let (said, standing) = watch::channel(Standing::Reachable);
        let postgres = Arc::new(Postgres::open(options, feed.clone(), said).await?);
        Ok(Self {
            policies: postgres.clone(),
            candidates: postgres.clone(),
            approvals: postgres.clone(),
            leases: postgres.clone(),
            notices: postgres.clone(),
            owned: postgres,
            sharing: Sharing::Replicas,
            feed,
            standing,
        })
    }

    /// The versions of the role catalogue.
    pub fn policies(&self) -> &Arc<dyn Policies> {
        &self.policies
    }

    /// The catalogue that decides beside the live one, without effect.
    pub fn candidates(&self) -> &Arc<dyn Candidates> {
        &self.candidates
    }

    /// Whose the things are that model servers keep.
    pub fn owned(&self) -> &Arc<dyn Owned> {
        &self.owned
    }

    /// Holds that people lift, and roles that they lend.
    pub fn approvals(&self) -> &Arc<dyn Approvals> {
        &self.approvals
    }

    /// What is lent for the length of a call.
    pub fn leases(&self) -> &Arc<dyn Leases> {
        &self.leases
    }

    /// Whether other gateways may use the same state.
    pub const fn sharing(&self) -> Sharing {
        self.sharing
    }

    /// What people are told of approvals.
    pub fn notices(&self) -> &Arc<dyn Notices> {
        &self.notices
    }

    /// What changes from now on, by whichever replica. Subscribe first and read then: nothing falls between.
    pub fn changes(&self) -> Changes {
        self.feed.subscribe()
    }

    /// Whether the state can be relied on at this moment.
    pub fn standing(&self) -> Standing {
        self.standing.borrow().clone()
    }
}
