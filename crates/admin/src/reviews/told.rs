//! What is kept of approvals as the API tells it.

use std::time::Duration;

use gatewright_api as api;
use gatewright_api::{Choice, Problem};
use gatewright_model::Timestamp;
use gatewright_store::state::approvals::{self as kept, Approval, Shown};

use crate::visible::visible;

fn state(state: kept::ApprovalState) -> api::ApprovalState {
    match state {
        kept::ApprovalState::Pending => api::ApprovalState::Pending,
        kept::ApprovalState::Approved => api::ApprovalState::Approved,
        kept::ApprovalState::Denied => api::ApprovalState::Denied,
        kept::ApprovalState::Expired => api::ApprovalState::Expired,
        kept::ApprovalState::Used => api::ApprovalState::Used,
        kept::ApprovalState::Revoked => api::ApprovalState::Revoked,
    }
}

fn person(party: &kept::Party) -> api::Person {
    api::Person { issuer: party.issuer.as_str().to_owned(), subject: visible(&party.subject) }
}

fn shown(approval: &Approval) -> Shown {
    Shown::from_bytes(&approval.shown).unwrap_or_default()
}

/// An approval as lists show it.
pub(crate) fn approval(approval: &Approval, why_not: Option<String>) -> api::Approval {
    let shown = shown(approval);
    let narrow = approval.narrow();
    let vote = |vote: &kept::Vote| api::Vote {
        by: person(&vote.by),
        verdict: match vote.choice {
            kept::Choice::Approve => Choice::Approve,
            kept::Choice::Deny => Choice::Deny,
            kept::Choice::Revoke => Choice::Revoke,
        },
        reason: vote.reason.as_deref().map(visible),
        at: vote.at.to_string(),
    };
    api::Approval {
        id: approval.id.to_string(),
        state: state(approval.state),
        wish: if approval.access.is_some() { api::Wish::Access } else { api::Wish::Call },
        rule: approval.rule.as_str().to_owned(),
        policy: approval.policy.to_string(),
        caller: person(&approval.caller),
        roles: shown.roles,
        operation: shown.operation,
        model: shown.model.as_deref().map(visible),
        connection: shown.connection,
        trust: shown.trust,
        datasets: shown.datasets,
        access: approval
            .access
            .as_ref()
            .map(|wish| api::Asked { role: wish.role.as_str().to_owned(), for_s: wish.lasts.as_secs() }),
        reason: approval.reason.as_deref().map(visible),
        request: shown.request,
        session: shown.session,
        created: approval.created.to_string(),
        expires: approval.expires.to_string(),
        need: approval.need,
        votes: approval.votes.iter().map(vote).collect(),
        uses: api::Uses { of: approval.uses, left: approval.uses.saturating_sub(approval.used) },
        narrowed: (narrow != kept::Narrow::default())
            .then(|| api::Narrow { max_tokens: narrow.max_tokens, for_s: narrow.lasts.map(|lasts| lasts.as_secs()) }),
        may_decide: why_not,
    }
}

/// A grant.
pub(crate) fn grant(grant: &kept::Grant, glass: bool, now: Timestamp) -> api::Grant {
    let state = match grant.revoked {
        Some(_) => api::GrantState::Revoked,
        None if now < grant.until => api::GrantState::Active,
        None => api::GrantState::Ended,
    };
    api::Grant {
        id: grant.id.to_string(),
        state,
        person: person(&grant.party),
        role: grant.role.as_str().to_owned(),
        approval: grant.approval.to_string(),
        from: grant.from.to_string(),
        until: grant.until.to_string(),
        break_glass: glass,
    }
}

/// An approval with everything that an approver looks at.
pub(crate) fn whole(one: &Approval, why_not: Option<String>, similar: &[Approval]) -> api::ApprovalShown {
    let shown = shown(one);
    let is_tools = |place: &str| place.starts_with("tool definition");
    let text = |text: &kept::ShownText| api::Text {
        place: visible(&text.place),
        pieces: text
            .pieces
            .iter()
            .map(|(piece, mark)| api::Piece { text: visible(piece), mark: mark.clone() })
            .collect(),
    };
    let flat = |text: &kept::ShownText| text.pieces.iter().map(|(piece, _)| visible(piece)).collect::<String>();
    api::ApprovalShown {
        approval: approval(one, why_not),
        tools: shown.texts.iter().filter(|text| is_tools(&text.place)).map(flat).collect(),
        texts: shown.texts.iter().filter(|text| !is_tools(&text.place)).map(text).collect(),
        found: shown.found.into_iter().map(|(info_type, count)| api::Count { info_type, count }).collect(),
        parameters: shown.parameters,
        similar: similar
            .iter()
            .map(|other| api::Similar {
                id: other.id.to_string(),
                state: state(other.state),
                caller: person(&other.caller),
                model: Shown::from_bytes(&other.shown).and_then(|shown| shown.model),
                created: other.created.to_string(),
            })
            .collect(),
        has_original: one.state == kept::ApprovalState::Pending && one.access.is_none(),
    }
}

/// What an approver makes smaller; anything else is refused.
pub(crate) fn narrow(
    approval: &Approval,
    choice: Choice,
    written: Option<&api::Narrow>,
) -> Result<kept::Narrow, Problem> {
    let Some(written) = written else { return Ok(kept::Narrow::default()) };
    if choice != Choice::Approve {
        return Err(Problem::invalid("Only what is approved can be made smaller."));
    }
    let asked = shown(approval).parameters.into_iter().find(|(name, _)| name == "max_tokens");
    let asked = asked.and_then(|(_, value)| value.parse::<u64>().ok());
    if written.max_tokens.is_some_and(|most| most == 0 || asked.is_some_and(|asked| most > asked)) {
        return Err(Problem::invalid("`max_tokens` must be at least 1 and no more than what was asked for."));
    }
    let longest = approval.access.as_ref().map_or(approval.valid, |wish| wish.lasts);
    let lasts = written.for_s.map(Duration::from_secs);
    if lasts.is_some_and(|lasts| lasts.is_zero() || lasts > longest) {
        return Err(Problem::invalid(format!("`for_s` must be between 1 and {}.", longest.as_secs())));
    }
    Ok(kept::Narrow { max_tokens: written.max_tokens, lasts })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_and_the_tables_have_one_word_for_each_state() {
        for kept in kept::ApprovalState::ALL {
            assert_eq!(state(kept).name(), kept.name());
        }
        assert_eq!(api::ApprovalState::ALL.len(), kept::ApprovalState::ALL.len());
    }
}
