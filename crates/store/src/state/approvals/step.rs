use gatewright_model::{GrantId, Timestamp};

use super::{Approval, ApprovalState, Choice, Grant, NewApproval, Vote};

/// Why something cannot be said of an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotNow {
    /// There is none.
    #[error("there is no such approval")]
    Unknown,
    /// Its caller cannot decide it.
    #[error("whoever asks cannot decide")]
    OwnWish,
    /// They have spoken already.
    #[error("this person has spoken already")]
    SpokenAlready,
    /// It is decided.
    #[error("it is decided already")]
    Decided(ApprovalState),
    /// It ran out.
    #[error("it has expired")]
    Expired,
}

/// What a vote led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voted {
    /// The approval as it stands now.
    pub approval: Approval,
    /// The grant that it became.
    pub grant: Option<Grant>,
}

impl Voted {
    /// What is asked for, and the grant that it is already where nobody has to agree.
    pub(in crate::state) fn asked(new: &NewApproval) -> Self {
        let mut approval = Approval::of(new);
        let grant = match approval.state {
            ApprovalState::Approved => approval.granted(new.at),
            _ => None,
        };
        Self { approval, grant }
    }
}

impl Approval {
    fn of(new: &NewApproval) -> Self {
        let (state, lasts) = match new.need {
            0 => (ApprovalState::Approved, new.valid),
            _ => (ApprovalState::Pending, new.time_to_decide),
        };
        Self {
            id: new.id,
            digest: new.digest,
            rule: new.rule.clone(),
            policy: new.policy.clone(),
            caller: new.caller.clone(),
            state,
            created: new.at,
            expires: new.at.plus(lasts),
            valid: new.valid,
            need: new.need,
            uses: new.uses,
            used: 0,
            votes: Vec::new(),
            reason: new.reason.clone(),
            access: new.access.clone(),
            shown: new.shown.clone(),
        }
    }

    /// Ends it where its time is over; whether that was so.
    pub(in crate::state) fn lapse(&mut self, now: Timestamp) -> bool {
        let lives = matches!(self.state, ApprovalState::Pending | ApprovalState::Approved | ApprovalState::Denied);
        let lapses = lives && now >= self.expires;
        // A denial that does not stand any more was a denial all the same: it only makes room for a new wish.
        if lapses && self.state != ApprovalState::Denied {
            self.state = ApprovalState::Expired;
        }
        lapses
    }

    /// Somebody speaks. Whether they may at all was decided by policy; that they do not decide their own wish and speak
    /// once holds here too, where no race can pass it.
    pub(in crate::state) fn vote(&mut self, vote: Vote, wanted: u32) -> Result<Option<Grant>, NotNow> {
        let now = vote.at;
        let lapsed = self.lapse(now);
        if lapsed || self.state == ApprovalState::Expired {
            return Err(NotNow::Expired);
        }
        match (self.state, vote.choice) {
            (ApprovalState::Approved, Choice::Revoke) => {
                self.state = ApprovalState::Revoked;
                self.votes.push(vote);
                return Ok(None);
            }
            (ApprovalState::Pending, Choice::Approve | Choice::Deny) => {}
            (state, _) => return Err(NotNow::Decided(state)),
        }
        if vote.by == self.caller {
            return Err(NotNow::OwnWish);
        }
        if self.votes.iter().any(|earlier| earlier.by == vote.by) {
            return Err(NotNow::SpokenAlready);
        }
        let choice = vote.choice;
        self.need = self.need.max(wanted);
        self.votes.push(vote);
        if choice == Choice::Deny {
            self.state = ApprovalState::Denied;
            self.expires = now.plus(self.valid);
            return Ok(None);
        }
        let agreed = self.votes.iter().filter(|vote| vote.choice == Choice::Approve).count();
        if u32::try_from(agreed).unwrap_or(u32::MAX) < self.need {
            return Ok(None);
        }
        self.state = ApprovalState::Approved;
        let lasts = self.narrow().lasts;
        self.expires = now.plus(lasts.map_or(self.valid, |lasts| lasts.min(self.valid)));
        Ok(self.granted(now))
    }

    /// The grant that an approved wish for access becomes, at once: there is no call that would come and take it.
    fn granted(&mut self, now: Timestamp) -> Option<Grant> {
        let wish = self.access.as_ref()?;
        let lasts = self.narrow().lasts.map_or(wish.lasts, |lasts| lasts.min(wish.lasts));
        let grant = Grant {
            id: GrantId::from_bytes(*self.id.as_bytes()),
            party: self.caller.clone(),
            role: wish.role.clone(),
            approval: self.id,
            from: now,
            until: now.plus(lasts),
            revoked: None,
        };
        (self.state, self.used) = (ApprovalState::Used, self.uses);
        Some(grant)
    }

    /// Takes one use, where there is one.
    pub(in crate::state) fn take(&mut self, now: Timestamp) -> bool {
        if self.lapse(now) || self.state != ApprovalState::Approved || self.used >= self.uses {
            return false;
        }
        self.used += 1;
        if self.used == self.uses {
            self.state = ApprovalState::Used;
        }
        true
    }

    /// Gives one use back, whose call came to nothing before anything of it was sent; whether that was possible.
    pub(in crate::state) fn give_back(&mut self, now: Timestamp) -> bool {
        let stands = matches!(self.state, ApprovalState::Approved | ApprovalState::Used) && now < self.expires;
        if !stands || self.used == 0 || self.access.is_some() {
            return false;
        }
        (self.state, self.used) = (ApprovalState::Approved, self.used - 1);
        true
    }

    /// Whether nobody else may be asked for the same meanwhile.
    pub(in crate::state) fn lives(&self) -> bool {
        matches!(self.state, ApprovalState::Pending | ApprovalState::Approved | ApprovalState::Denied)
    }

    /// Whether the original may still be looked at.
    pub(in crate::state) fn keeps_original(&self) -> bool {
        self.state == ApprovalState::Pending
    }
}
