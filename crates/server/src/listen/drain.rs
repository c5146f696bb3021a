use std::sync::Arc;

use tokio::sync::watch;

/// How far a listener is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// It serves.
    Serving,
    /// It takes no new connection; what is open may end.
    Draining,
    /// What is still open is being cut. Whoever is dropped now was drained, not left.
    Cutting,
}

/// A listener's way out: one hand moves it, everybody may look.
#[derive(Clone, Debug)]
pub struct Drain(Arc<watch::Sender<Stage>>);

impl Default for Drain {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Stage::Serving)))
    }
}

impl Drain {
    /// A listener that serves.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where it is now.
    pub fn stage(&self) -> Stage {
        *self.0.borrow()
    }

    /// Whether open answers are being cut. A body that is dropped while this holds was cut by the gateway.
    pub fn is_cutting(&self) -> bool {
        self.stage() == Stage::Cutting
    }

    /// Takes no new connection from now on.
    pub fn begin(&self) {
        self.advance(Stage::Draining);
    }

    pub(super) fn cut(&self) {
        self.advance(Stage::Cutting);
    }

    /// There is no way back.
    fn advance(&self, to: Stage) {
        self.0.send_if_modified(|stage| {
            let moved = *stage < to;
            if moved {
                *stage = to;
            }
            moved
        });
    }

    /// Returns as soon as the listener no longer serves.
    pub async fn begun(&self) {
        let mut stage = self.0.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        let _ = stage.wait_for(|stage| *stage > Stage::Serving).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn goes_one_way_only() {
        let drain = Drain::new();
        assert_eq!(drain.stage(), Stage::Serving);
        drain.cut();
        drain.begin();
        assert!(drain.is_cutting());
        drain.begun().await;
    }
}
