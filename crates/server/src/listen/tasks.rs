use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinSet};

/// Every task of a listener on one runtime: its connections, and the streams that hyper spawns for HTTP/2. They can be
/// cut together, and awaited until their last destructor has run.
#[derive(Clone)]
pub(super) struct Tasks {
    runtime: Handle,
    set: Arc<Mutex<JoinSet<()>>>,
}

impl Tasks {
    pub(super) fn on(runtime: &Handle) -> Self {
        Self { runtime: runtime.clone(), set: Arc::default() }
    }

    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut set = self.lock();
        // Ended tasks are taken out as new ones come: what lingers is never more than were alive at once.
        while let Some(ended) = set.try_join_next() {
            tell(&ended);
        }
        set.spawn_on(task, &self.runtime);
    }

    /// Returns when no task is left.
    pub(super) async fn ended(&self) {
        while let Some(ended) = poll_fn(|context| self.lock().poll_join_next(context)).await {
            tell(&ended);
        }
    }

    /// Drops every task where it stands.
    pub(super) fn cut(&self) {
        self.lock().abort_all();
    }

    pub(super) fn count(&self) -> usize {
        let mut set = self.lock();
        while let Some(ended) = set.try_join_next() {
            tell(&ended);
        }
        set.len()
    }

    fn lock(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// hyper's executor. A task of its own choosing is still ours to cut.
impl<F> hyper::rt::Executor<F> for Tasks
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, task: F) {
        self.spawn(async {
            task.await;
        });
    }
}

fn tell(ended: &Result<(), JoinError>) {
    if ended.as_ref().is_err_and(JoinError::is_panic) {
        tracing::error!("a connection's task panicked; its caller was cut off");
    }
}
