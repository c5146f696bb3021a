//! Recorded decisions as questions that can be asked again.
//!
//! A record holds what the call states, what was found in it, and the grounds of its decision: groups, the claims that the
//! catalogue asked for, and the content rules that matched. It does not hold texts. So a content rule that is new cannot be
//! tried, and a claim that nothing asked for is not known. A record without grounds is asked with its recorded roles.

use std::path::Path;

use gatewright_model::{
    DatasetName, Delivery, Event, Grounds, Identity, InfoType, ModelName, Operation, Parameters, RequestId, RuleName,
    RuleRef, Standing, Terms, Timestamp, Verdict,
};
use gatewright_policy::{Case, Catalogue};
use gatewright_store::sessions::{Call, FolderSessions, Query, Sessions as _, SessionsError, ThreadId};

use crate::commands::{Outcome, complain};

/// A decision as it was recorded, and its question.
pub(super) struct Recorded {
    pub(super) request: RequestId,
    pub(super) verdict: Verdict,
    pub(super) rules: Vec<RuleRef>,
    pub(super) case: Case,
    pub(super) known: Known,
}

/// How well a recorded caller is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// By all groups, so that a catalogue finds their roles anew.
    Fully,
    /// By the roles that they had: some group or claim is not on record.
    ByRoles,
}

/// The call with this id.
pub(super) fn one(data: &Path, request: &str, catalogue: &Catalogue) -> Result<Recorded, Outcome> {
    let id: RequestId = request.parse().map_err(|_| {
        complain(Outcome::Usage, &"expected the id of a recorded call: req_…, as the gateway answers it")
    })?;
    let mut found = None;
    each(data, None, catalogue, |recorded| {
        if recorded.request == id {
            found = Some(recorded);
        }
    })?;
    found.ok_or_else(|| complain(Outcome::Finding, &"no decision of this call is recorded"))
}

/// Hands over every recorded decision, newest sessions first; those before `since` are left out.
pub(super) fn each(
    data: &Path,
    since: Option<Timestamp>,
    catalogue: &Catalogue,
    mut take: impl FnMut(Recorded),
) -> Result<(), Outcome> {
    let failed = |error: SessionsError| complain(Outcome::Finding, &format!("{}: {error}", data.display()));
    let sessions = FolderSessions::open(data).map_err(failed)?;
    let mut before = None;
    loop {
        let page = sessions.list(&Query { caller: None, before, limit: 500 }).map_err(failed)?;
        let Some(last) = page.last() else { return Ok(()) };
        before = Some(last.cursor);
        for row in page.iter().filter(|row| since.is_none_or(|since| row.latest >= since)) {
            let calls = sessions.show(row.thread).map_err(failed)?.unwrap_or_default();
            let single = matches!(row.thread, ThreadId::Call(_));
            for call in calls.iter().filter(|call| single || call.session.is_some()) {
                if let Some(recorded) = recorded(call, catalogue)
                    && since.is_none_or(|since| recorded.case.now >= since)
                {
                    take(recorded);
                }
            }
        }
    }
}

/// What a call's record says of its decision; `None` for one that came to none.
fn recorded(call: &Call, catalogue: &Catalogue) -> Option<Recorded> {
    let caller = call.caller.as_ref()?;
    let mut terms: Option<Terms> = None;
    let mut found: Vec<InfoType> = Vec::new();
    let mut approvals: Vec<RuleName> = Vec::new();
    let mut held: Option<RuleName> = None;
    let mut decided = None;
    for moment in &call.moments {
        match &moment.event {
            Event::Identified { operation, model, delivery, parameters, datasets, .. } => {
                terms = Some(identified(*operation, model.as_deref(), *delivery, parameters, datasets));
            }
            Event::Examined { found: tallies } => {
                found = tallies.iter().map(|tally| tally.info_type.clone()).collect();
            }
            Event::Decided { verdict, roles, rules, grounds, settings: _, epoch: _, catalogue: _ } => {
                decided = Some((*verdict, roles.clone(), rules.clone(), moment.at, grounds.clone()));
            }
            Event::Held { rule, .. } => held = Some(rule.clone()),
            Event::Settled { verdict: Verdict::Allow, .. } => approvals.extend(held.take()),
            Event::Arrived { .. }
            | Event::Refused { .. }
            | Event::Authenticated { .. }
            | Event::Settled { .. }
            | Event::Opened { .. }
            | Event::Alerted { .. }
            | Event::Noticed { .. }
            | Event::Charged { .. }
            | Event::Spent { .. }
            | Event::Durable { .. }
            | Event::Forwarded { .. }
            | Event::FirstByte { .. }
            | Event::Chunk { .. }
            | Event::Closed { .. }
            | Event::Reloaded { .. }
            | Event::Reviewed { .. }
            | Event::Notified { .. }
            | Event::Visited { .. }
            | Event::Versioned { .. }
            | Event::Shadowed { .. }
            | Event::Doubted { .. }
            | Event::Granted { .. }
            | Event::Revoked { .. }
            | Event::Lapsed { .. }
            | Event::Leased { .. }
            | Event::RecordRead { .. }
            | Event::RecordErased { .. }
            | Event::Started { .. }
            | Event::Stopped { .. } => {}
        }
    }
    let (verdict, roles, rules, now, grounds) = decided?;
    let spoke = rules.iter().map(|rule| rule.name.clone()).collect();
    // Of an older record the rules that spoke are all that is known to have matched.
    let Grounds { standing, matched, approvals: lifted, datasets: _, grants } =
        grounds.clone().unwrap_or_else(|| Grounds { matched: spoke, ..Grounds::default() });
    for rule in lifted {
        if !approvals.contains(&rule) {
            approvals.push(rule);
        }
    }
    let mut claims = standing.claims.to_vec();
    claims.sort();
    let withheld = claims.iter().any(|(_, value)| &**value == Standing::WITHHELD);
    // A role for a time is no membership, so what stood on one is asked with the roles that were recorded.
    let known = match grounds.is_some() && standing.unlisted == 0 && !withheld && grants.is_empty() {
        true => Known::Fully,
        false => Known::ByRoles,
    };
    let identity = Identity {
        issuer: caller.issuer.clone(),
        subject: caller.subject.clone(),
        kind: caller.kind,
        groups: standing.groups,
        claims: claims.into(),
        expires: now,
    };
    // What this catalogue has no rule or detector for can have no effect under it.
    let matched = matched.into_iter().filter(|name| catalogue.looks_at_prompts(name)).collect();
    found.retain(|info_type| catalogue.knows(info_type));
    let roles = (known == Known::ByRoles).then_some(roles);
    let case = Case { identity, roles, terms: terms?, matched, found, approvals, resolved: None, now };
    Some(Recorded { request: call.request, verdict, rules, case, known })
}

fn identified(
    operation: Operation,
    model: Option<&str>,
    delivery: Delivery,
    parameters: &Parameters,
    datasets: &[DatasetName],
) -> Terms {
    Terms {
        operation,
        model: model.map(ModelName::from),
        datasets: datasets.to_vec(),
        parameters: parameters.clone(),
        delivery,
    }
}
