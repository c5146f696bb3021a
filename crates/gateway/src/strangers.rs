use std::sync::atomic::{AtomicU64, Ordering};

use gatewright_model::{Code, Event, Moment, Timestamp};

/// Refusals of callers whom nobody knows, counted by code and told in aggregate, so that strangers cannot fill the log
/// or make it sync.
#[derive(Default)]
pub struct Strangers {
    counts: [AtomicU64; Code::ALL.len()],
}

impl Strangers {
    pub(crate) fn count(&self, code: Code) {
        if let Some(at) = Code::ALL.iter().position(|known| *known == code) {
            self.counts[at].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What happened since the last time of asking, one moment a code; empty where nothing did.
    pub fn tell(&self, at: Timestamp) -> Vec<Moment> {
        let mut moments = Vec::new();
        for (code, counter) in Code::ALL.iter().zip(&self.counts) {
            let count = counter.swap(0, Ordering::Relaxed);
            if count > 0 {
                moments.push(Moment { at, event: Event::Refused { code: *code, param: None, rule: None, count } });
            }
        }
        moments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_each_refusal_once() {
        let strangers = Strangers::default();
        strangers.count(Code::Unauthenticated);
        strangers.count(Code::Unauthenticated);
        strangers.count(Code::TooLarge);
        let told: Vec<_> = strangers
            .tell(Timestamp::from_seconds(1))
            .into_iter()
            .filter_map(|moment| match moment.event {
                Event::Refused { code, count, .. } => Some((code, count)),
                _ => None,
            })
            .collect();
        assert_eq!(told, [(Code::Unauthenticated, 2), (Code::TooLarge, 1)]);
        assert!(strangers.tell(Timestamp::from_seconds(2)).is_empty());
    }
}
