use std::sync::Arc;

use gatewright_ledger::{Leaf, LeafKind};
use gatewright_model::{Code, Event, Fate, RequestId, SessionId, Timestamp, Verdict};

use super::Caller;
use crate::quotas::Reckoned;

/// What the index keeps of a record. It is made where the record is, so that its story, which is many times as large,
/// need not wait for the index.
#[derive(Clone, Debug)]
pub(crate) struct Gist {
    pub(crate) kind: LeafKind,
    pub(crate) request: Option<RequestId>,
    pub(super) first: Timestamp,
    pub(crate) last: Timestamp,
    pub(super) caller: Option<Caller>,
    pub(super) model: Option<Arc<str>>,
    pub(super) verdict: Option<Verdict>,
    pub(super) session: Option<SessionId>,
    pub(super) refused: Option<Code>,
    pub(super) fate: Option<Fate>,
    /// What budgets count.
    pub(crate) reckoned: Reckoned,
}

impl Gist {
    /// The gist of what a leaf says.
    pub(crate) fn of(leaf: &Leaf) -> Self {
        let first = leaf.moments.first().map(|moment| moment.at).unwrap_or_default();
        let last = leaf.moments.last().map(|moment| moment.at).unwrap_or_default();
        let mut gist = Self {
            kind: leaf.kind,
            request: leaf.request,
            first,
            last,
            caller: None,
            model: None,
            verdict: None,
            session: None,
            refused: None,
            fate: None,
            reckoned: Reckoned::default(),
        };
        for moment in &leaf.moments {
            gist.hear(&moment.event);
        }
        gist
    }

    /// Exhaustive, so that a new event is not overlooked here.
    fn hear(&mut self, event: &Event) {
        self.reckoned.hear(event);
        match event {
            Event::Authenticated { issuer, subject, kind } => {
                self.caller = Some(Caller { issuer: issuer.clone(), subject: subject.clone(), kind: *kind });
            }
            Event::Identified { model, .. } => self.model.clone_from(model),
            Event::Decided { verdict, .. } | Event::Settled { verdict, .. } => self.verdict = Some(*verdict),
            Event::Opened { session, .. } => self.session = Some(*session),
            Event::Refused { code, .. } => self.refused = Some(*code),
            Event::Closed { fate, .. } => self.fate = Some(*fate),
            Event::Arrived { .. }
            | Event::Examined { .. }
            | Event::Held { .. }
            | Event::Alerted { .. }
            | Event::Charged { .. }
            | Event::Spent { .. }
            | Event::Durable { .. }
            | Event::Forwarded { .. }
            | Event::FirstByte { .. }
            | Event::Chunk { .. }
            | Event::Reloaded { .. }
            | Event::Reviewed { .. }
            | Event::Visited { .. }
            | Event::Versioned { .. }
            | Event::Granted { .. }
            | Event::Revoked { .. }
            | Event::Lapsed { .. }
            | Event::Leased { .. }
            | Event::Notified { .. }
            | Event::Noticed { .. }
            | Event::Shadowed { .. }
            | Event::Doubted { .. }
            | Event::RecordRead { .. }
            | Event::RecordErased { .. }
            | Event::Started { .. }
            | Event::Stopped { .. } => {}
        }
    }
}
