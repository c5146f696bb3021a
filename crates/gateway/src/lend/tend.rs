//! Whoever looks after what is lent: tells the state of calls that are over, says that this replica lives, and ends what
//! has lapsed, of whomever it was.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use gatewright_model::{LeaseStep, Moment, RequestId, Timestamp};
use gatewright_store::log::Log;
use gatewright_store::roles::{LentRole, RoleFault, RoleServer};
use gatewright_store::state::Sharing;
use gatewright_store::state::leases::{Lease, Lent};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::{Lending, told};
use crate::World;

/// How often this replica says that it lives, and how long its word counts.
const HEARTBEAT: Duration = Duration::from_millis(500);
const COUNTS: Duration = Duration::from_secs(3);

/// How long whoever claimed something has to end it.
const PATIENCE: Duration = Duration::from_secs(20);

/// How much is claimed at once.
const BATCH: u32 = 64;

/// How often databases are searched for roles that nobody remembers, in heartbeats; and how long their time is over then.
const SEARCH: u32 = 1_200;
const FORGOTTEN: Duration = Duration::from_secs(60);

/// How long the end of everything may take when the gateway stops. What is left then, the next start finds.
const LAST: Duration = Duration::from_secs(5);

impl Lending {
    /// When a lease lapses of which nobody says that it lives: where this gateway is alone, the next start says so.
    pub(super) fn lapses(&self, now: Timestamp) -> Timestamp {
        match self.sharing {
            Sharing::Alone => Timestamp::from_micros(i64::MAX.cast_unsigned()),
            Sharing::Replicas => now.plus(COUNTS),
        }
    }

    /// Looks after leases, for ever. `world` is the present one.
    pub async fn tend(&self, world: impl Fn() -> Arc<World>, log: &Log) {
        let mut abandoned = self.sharing == Sharing::Replicas;
        let mut beats = interval(HEARTBEAT);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut count: u32 = 0;
        loop {
            tokio::select! {
                () = self.bell.notified() => {}
                _ = beats.tick() => {
                    if !abandoned {
                        // Whoever held something here before is dead: there is one gateway at a time.
                        abandoned = self.store.abandon_others(self.holder).await.is_ok();
                    }
                    self.say_alive().await;
                    if count.is_multiple_of(SEARCH) {
                        search(&world(), self.clock.now()).await;
                    }
                    count = count.wrapping_add(1);
                }
            }
            self.end_lapsed(&world(), log).await;
        }
    }

    /// Ends what is left when the gateway stops.
    pub async fn end_all(&self, world: &World, log: &Log) {
        if timeout(LAST, self.end_lapsed(world, log)).await.is_err() {
            tracing::warn!("not everything that was lent could be ended in time; the next start finds it");
        }
    }

    async fn say_alive(&self) {
        let idle = self.running.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
        if self.sharing == Sharing::Alone || idle {
            return;
        }
        let now = self.clock.now();
        if let Err(why) = self.store.extend(self.holder, now, now.plus(COUNTS)).await {
            tracing::warn!(%why, "what is lent lapses: the state cannot be told that its calls run");
        }
    }

    /// Tells the state of calls that are over, and ends what has lapsed.
    async fn end_lapsed(&self, world: &World, log: &Log) {
        let over = self.tell_over().await;
        loop {
            let now = self.clock.now();
            let claimed = match self.store.claim(self.holder, now, now.plus(PATIENCE), BATCH).await {
                Ok(claimed) => claimed,
                Err(why) => {
                    tracing::warn!(%why, "what has lapsed cannot be found out");
                    return;
                }
            };
            let full = claimed.len() == BATCH as usize;
            let mut ending = JoinSet::new();
            for lease in claimed {
                let ended_here = over.contains(&lease.call) || lease.until <= now;
                let step = if ended_here { LeaseStep::Ended } else { LeaseStep::Swept };
                let end = ended(world, &lease);
                ending.spawn(async move { (end.await, lease, step) });
            }
            let mut moments = Vec::new();
            while let Some(Ok((outcome, lease, step))) = ending.join_next().await {
                match outcome {
                    Ok(()) => {
                        // What stays because the state cannot be told is ended once more, which changes nothing.
                        let _ = self.store.strike(lease.id).await;
                        let event = told(&lease, step, lease.datasets.clone());
                        moments.push(Moment { at: self.clock.now(), event });
                    }
                    Err(why) => tracing::error!(lease = %lease.id, %why, "what was lent cannot be ended yet"),
                }
            }
            if !moments.is_empty() {
                // A log that is busy or broken says so where it matters; the call's own record tells its end.
                let _ = log.note_lazily(None, moments);
            }
            if !full {
                return;
            }
        }
    }

    async fn tell_over(&self) -> HashSet<RequestId> {
        let ended = std::mem::take(&mut *self.ended.lock().unwrap_or_else(PoisonError::into_inner));
        let mut over = HashSet::with_capacity(ended.len());
        for call in ended {
            match self.store.over(call).await {
                Ok(()) => {
                    over.insert(call);
                }
                Err(why) => {
                    tracing::warn!(%why, "the state cannot be told that a call is over; it is told again");
                    self.ended.lock().unwrap_or_else(PoisonError::into_inner).push(call);
                }
            }
        }
        over
    }
}

/// Ends what a lease lent. A token ends with its row.
fn ended(world: &World, lease: &Lease) -> impl Future<Output = Result<(), RoleFault>> + Send + 'static {
    let found = match &lease.lent {
        Lent::Token(_) => None,
        Lent::Postgresql { database, role } => Some((world.leasable.databases.get(database).cloned(), role.clone())),
    };
    async move {
        let Some((server, role)) = found else { return Ok(()) };
        let gone = || RoleFault::Unreachable("the configuration has no such database any more".to_owned());
        let server: RoleServer = server.ok_or_else(gone)?;
        // INVARIANT: only such names are written down; another one is nobody's to drop.
        let Some(role) = LentRole::parse(&role) else { return Ok(()) };
        server.end(&role).await
    }
}

async fn search(world: &World, now: Timestamp) {
    let before = Timestamp::from_micros(now.micros().saturating_sub(FORGOTTEN.as_micros() as u64));
    for (name, server) in &world.leasable.databases {
        let found = match server.forgotten(before).await {
            Ok(found) => found,
            Err(why) => {
                tracing::warn!(database = &**name, %why, "a database that lends roles cannot be asked for forgotten ones");
                continue;
            }
        };
        for role in found {
            match server.end(&role).await {
                Ok(()) => tracing::info!(database = &**name, "a forgotten role was dropped"),
                Err(why) => tracing::error!(database = &**name, %why, "a forgotten role cannot be dropped"),
            }
        }
    }
}
