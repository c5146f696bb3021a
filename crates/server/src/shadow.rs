//! The candidate at this gateway: taken up from the state, compiled against the configuration that runs, and set beside
//! the live catalogue.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use gatewright_admin::{Looking, Outcome, Taken};
use gatewright_api as api;
use gatewright_gateway::{Candidate, Counted, Gateway, Group, SecondLook};
use gatewright_model::{Clock, RuleRef, to_hex};
use gatewright_policy::{Catalogue, Change};
use gatewright_store::state::{CandidateStep, Heard, PolicyFile, State, Topic};
use tokio::sync::watch;

use crate::config::Ready;
use crate::judge::trial;

/// How long to wait before a candidate that could not be read is read again.
const AGAIN: Duration = Duration::from_secs(1);

/// The most faults of a candidate that are kept.
const MOST_FAULTS: usize = 20;

/// The candidate here.
pub(crate) struct LiveShadow {
    gateway: Arc<Gateway>,
    second_look: Arc<SecondLook>,
    running: Arc<ArcSwap<Ready>>,
    clock: Arc<dyn Clock>,
    taken: RwLock<Known>,
    /// The epoch of the present world.
    worlds: watch::Sender<u64>,
}

/// What was taken up last.
#[derive(Debug, Default)]
struct Known {
    step: u64,
    /// In which world.
    epoch: u64,
    faults: Vec<String>,
    unforeseen: Vec<String>,
}

impl LiveShadow {
    pub(crate) fn new(
        gateway: Arc<Gateway>,
        second_look: Arc<SecondLook>,
        running: Arc<ArcSwap<Ready>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { gateway, second_look, running, clock, taken: RwLock::default(), worlds: watch::Sender::new(1) }
    }

    /// Another world has begun.
    pub(crate) fn turned(&self, epoch: u64) {
        self.worlds.send_replace(epoch);
    }

    /// Takes up each candidate, and the same one again in each new world: it may hold no longer, and its counts are of the
    /// live catalogue that it was beside.
    pub(crate) async fn follow(self: Arc<Self>, state: State) {
        let (mut changes, mut worlds) = (state.changes(), self.worlds.subscribe());
        loop {
            match state.candidates().candidate().await {
                Ok(Some((step, files))) => self.take(step, files).await,
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "the candidate catalogue cannot be read; what decides along goes on");
                    tokio::time::sleep(AGAIN).await;
                    continue;
                }
            }
            loop {
                tokio::select! {
                    turned = worlds.changed() => match turned {
                        Ok(()) => break,
                        Err(_) => return,
                    },
                    heard = changes.next() => match heard {
                        Heard::Everything => break,
                        Heard::Change(change) if change.topic == Topic::Candidates => break,
                        Heard::Change(_) => {}
                        Heard::Closed => return,
                    },
                }
            }
        }
    }

    async fn take(&self, step: CandidateStep, files: Vec<PolicyFile>) {
        let world = self.gateway.world();
        {
            let known = self.taken.read().unwrap_or_else(PoisonError::into_inner);
            if known.step == step.number && known.epoch == world.epoch {
                return;
            }
        }
        let mut known = Known { step: step.number, epoch: world.epoch, ..Known::default() };
        let candidate = match step.digest {
            None => None,
            Some(digest) => {
                let ready = self.running.load_full();
                let compiled = tokio::task::spawn_blocking(move || trial(&ready, files)).await;
                match compiled {
                    Ok(Ok(loaded)) if loaded.catalogue.digest() == digest => {
                        known.unforeseen = unforeseen(&world.policy, &loaded.catalogue);
                        let (live, now) = (world.policy.digest(), self.clock.now());
                        Some(Arc::new(Candidate::new(step.number, loaded.catalogue, live, now)))
                    }
                    Ok(Ok(_)) => {
                        known.faults = vec!["its files are not those that were stored".to_owned()];
                        None
                    }
                    Ok(Err(faults)) => {
                        known.faults = faults.iter().take(MOST_FAULTS).map(ToString::to_string).collect();
                        None
                    }
                    Err(_) => {
                        known.faults = vec!["compiling it broke off; the gateway's log says where".to_owned()];
                        None
                    }
                }
            }
        };
        match (&candidate, known.faults.first()) {
            (Some(_), _) => tracing::info!(step = step.number, "a candidate catalogue decides along, without effect"),
            (None, Some(fault)) => {
                tracing::error!(step = step.number, %fault, "the candidate catalogue does not hold here")
            }
            (None, None) => tracing::info!(step = step.number, "no candidate catalogue decides along"),
        }
        self.second_look.put(candidate);
        *self.taken.write().unwrap_or_else(PoisonError::into_inner) = known;
    }

    fn compared(&self, candidate: &Candidate, not_foreseen: Vec<String>) -> api::ShadowCompared {
        let tally = candidate.tally();
        let mut groups: Vec<(Group, Counted)> = tally.groups.into_iter().collect();
        groups.sort_by(|left, right| right.1.count.cmp(&left.1.count).then_with(|| left.0.cmp(&right.0)));
        api::ShadowCompared {
            since: candidate.since.to_string(),
            live: to_hex(&candidate.live()),
            decisions: tally.agreed + tally.permitted + tally.refused + tally.on_other_terms,
            agreed: tally.agreed,
            newly_permitted: tally.permitted,
            newly_refused: tally.refused,
            on_other_terms: tally.on_other_terms,
            dropped: candidate.dropped(),
            differences: groups.into_iter().map(|(group, counted)| difference(group, &counted)).collect(),
            more: tally.ungrouped,
            not_foreseen,
        }
    }
}

impl Looking for LiveShadow {
    fn taken(&self) -> Taken {
        let known = self.taken.read().unwrap_or_else(PoisonError::into_inner);
        let candidate = self.second_look.candidate().filter(|candidate| candidate.number == known.step);
        let outcome = match (candidate, known.faults.is_empty()) {
            (Some(candidate), _) => Outcome::Deciding(Box::new(self.compared(&candidate, known.unforeseen.clone()))),
            (None, false) => Outcome::Refused(known.faults.clone()),
            (None, true) => Outcome::Absent,
        };
        Taken { step: known.step, outcome }
    }

    fn recheck(&self) -> api::Recheck {
        let rechecks = self.second_look.rechecks();
        api::Recheck {
            one_of: rechecks.every,
            agreed: rechecks.agreed,
            doubted: rechecks.doubted,
            not_asked: rechecks.not_asked,
            dropped: rechecks.dropped,
            first_doubt: rechecks.first_doubt.map(|(_, request)| request.to_string()),
        }
    }
}

fn difference(group: Group, counted: &Counted) -> api::ShadowDifference {
    api::ShadowDifference {
        change: match group.change {
            Change::Permitted => api::ShadowChange::NewlyPermitted,
            Change::Refused => api::ShadowChange::NewlyRefused,
            Change::Terms => api::ShadowChange::OnOtherTerms,
        },
        count: counted.count,
        roles: group.roles.iter().map(|role| role.as_str().to_owned()).collect(),
        operation: group.operation.name().to_owned(),
        model: group.model.map(|model| model.as_str().to_owned()),
        dataset: group.dataset.map(|dataset| dataset.as_str().to_owned()),
        was: group.was.name().to_owned(),
        was_by: rules(&counted.was_by),
        would_be: group.would_be.name().to_owned(),
        would_be_by: rules(&counted.would_be_by),
        examples: counted.examples.iter().map(ToString::to_string).collect(),
    }
}

fn rules(listed: &[RuleRef]) -> Vec<String> {
    let rule = |rule: &RuleRef| match rule.line {
        0 => rule.name.to_string(),
        line => format!("{} ({}:{line})", rule.name, rule.file),
    };
    listed.iter().map(rule).collect()
}

/// What live traffic cannot show of a candidate: texts are searched once, by what is live.
fn unforeseen(live: &Catalogue, candidate: &Catalogue) -> Vec<String> {
    let rules = candidate.untried_content_rules(live);
    let rules = rules.map(|rule| format!("the content rule {rule}: texts are not searched a second time"));
    let types = candidate.info_types().iter().filter(|info_type| !live.knows(info_type));
    rules
        .chain(types.map(|info_type| format!("the detector {info_type}: texts are not searched a second time")))
        .collect()
}
