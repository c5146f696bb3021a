use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gatewright_json::write;
use gatewright_model::{
    ApprovalId, Code, Digest, Event, Moment, Parameter, Quantity, Refusal, Review, RuleName, Setting, Verdict, WhySet,
};
use gatewright_policy::{ApprovalText, ReasonPolicy};
use gatewright_protocols::BodyKind;
use gatewright_store::state::approvals::{Approval, ApprovalState, Asked, Choice, NewApproval, Party};
use tokio::time::{Instant, timeout_at};

use super::refusals::{reason_required, too_long, too_many, unreachable};
use super::shown::{MOST, views, without_values};
use super::{Holds, digest};
use crate::authenticate::authenticate;
use crate::decide::decide;
use crate::examine::examine;
use crate::identify::identify;
use crate::settle::Permit;
use crate::{Arrival, Decided, Gateway, Journal};

/// How often a call may be decided anew: the policy may change while it waits, or another call take the use.
const ROUNDS: usize = 4;

/// How long people have to decide.
const TIME_TO_DECIDE: Duration = Duration::from_secs(24 * 3_600);

/// What a held call waits for: an approval of each rule that holds it.
struct Wish {
    digest: Digest,
    rules: Vec<(RuleName, ApprovalText)>,
    ids: Vec<ApprovalId>,
    /// Which world asks.
    epoch: u64,
}

/// Lets a held call go ahead once people agreed. In each round it is asked for, waited for, and then everything is looked
/// at again: who asks, by the issuers of this moment; what policy says of it now, with the approvals; and whether a use is
/// left, which is taken in one transaction. Whoever disconnects leaves the approval behind, and finds it when asking again.
pub(crate) async fn held(
    gateway: &Gateway,
    holds: &Holds,
    decided: Box<Decided>,
    arrival: Arrival,
    journal: &mut Journal,
) -> Result<Permit, Refusal> {
    // Thousands may wait, so what one holds meanwhile counts: large values and the steps of a moment are in boxes.
    let mut now_decided = decided;
    let mut arrival = Box::new(arrival.apart());
    let mut until: Option<Instant> = None;
    for _ in 0..ROUNDS {
        let wish = Box::pin(ask(gateway, holds, &mut now_decided, journal)).await?;
        journal.rest();
        let wait = wish.rules.iter().map(|(_, approval)| approval.wait).min().unwrap_or_default();
        let until = *until.get_or_insert_with(|| Instant::now() + wait);
        wait_for(gateway, holds, &wish, until).await?;
        (now_decided, arrival) = Box::pin(decide_anew(gateway, holds, now_decided, arrival, &wish, journal)).await?;
        match now_decided.verdict() {
            Verdict::Deny => return Permit::of(*now_decided),
            Verdict::Hold => {
                *now_decided = now_decided.held_again(gateway.clock.now());
                continue;
            }
            Verdict::Allow => {}
        }
        // Who must agree is said by the policy of this moment as well.
        if now_decided.examined().call().world().epoch != wish.epoch {
            *now_decided = now_decided.held_again(gateway.clock.now());
            continue;
        }
        // What was approved is what was shown: under another policy it may be another call.
        if digest_of(holds, &now_decided)? != wish.digest {
            *now_decided = now_decided.held_again(gateway.clock.now());
            continue;
        }
        if let Some(taken) = Box::pin(take(gateway, holds, &wish)).await? {
            return lift(holds, *now_decided, &taken, journal);
        }
        // Another call was faster and took the last use: this one asks for itself.
        *now_decided = now_decided.held_again(gateway.clock.now());
    }
    Err(Refusal::new(Code::ApprovalPending, "Held again and again while policy changed. Send the same request again."))
}

fn digest_of(holds: &Holds, decided: &Decided) -> Result<Digest, Refusal> {
    digest::of(decided.examined().call(), &decided.decision().settings, &holds.digests)
}

/// Asks for an approval of each rule that holds the call.
async fn ask(gateway: &Gateway, holds: &Holds, decided: &mut Decided, journal: &mut Journal) -> Result<Wish, Refusal> {
    let world = Arc::clone(decided.examined().call().world());
    let digest = digest_of(holds, decided)?;
    let named = decided.decision().rules.iter().map(|rule| &rule.name);
    let rules = named.map(|rule| world.policy.approval_of(rule).map(|approval| (rule.clone(), approval.clone())));
    // INVARIANT: policy holds a call only by rules that have an approval.
    let Some(mut rules) = rules.collect::<Option<Vec<_>>>().filter(|rules| !rules.is_empty()) else {
        return Err(Refusal::new(Code::PermissionDenied, "Policy denies this call."));
    };
    rules.dedup_by(|left, right| left.0 == right.0);
    let reason = decided.examined().call().reason().map(|reason| without_values(&world.detectors, reason));
    for (rule, approval) in &rules {
        if approval.reason == ReasonPolicy::Required && reason.is_none() {
            return Err(reason_required(rule));
        }
    }
    let request = journal.request();
    let views = decided.views(request).ok_or_else(|| too_long(&rules[0].0, MOST))?;
    let (now, identity) = (gateway.clock.now(), &decided.examined().call().caller().identity);
    let caller = Party { issuer: identity.issuer.clone(), subject: Arc::clone(&identity.subject) };
    let shown: Arc<[u8]> = views.shown.to_bytes().into();
    let mut ids = Vec::new();
    for (rule, approval) in &rules {
        let id = ApprovalId::new(now, &*gateway.entropy);
        let reason = reason.as_deref().filter(|_| approval.reason != ReasonPolicy::None).map(Arc::from);
        let new = NewApproval {
            id,
            digest,
            rule: rule.clone(),
            policy: approval.name.as_str().into(),
            caller: caller.clone(),
            at: now,
            time_to_decide: TIME_TO_DECIDE.max(approval.wait),
            valid: approval.valid,
            need: approval.need,
            uses: approval.uses,
            reason,
            access: None,
            shown: Arc::clone(&shown),
            sealed: holds.sealed(id, &views.original, &*gateway.entropy),
        };
        let asked = holds.store.ask(new, holds.room.pending).await.map_err(|why| unreachable(rule, &why))?;
        let id = match asked {
            Asked::New(asked) => {
                note_asked(gateway, journal, &caller, asked.approval.id);
                asked.approval.id
            }
            Asked::Known(approval) => approval.id,
            Asked::TooMany => return Err(too_many(rule)),
        };
        journal.tell(Event::Held { rule: rule.clone(), approval: id });
        ids.push(id);
    }
    Ok(Wish { digest, rules, ids, epoch: world.epoch })
}

/// Says at once that somebody is asked: the journey itself is told only at its end, which may be long.
fn note_asked(gateway: &Gateway, journal: &Journal, caller: &Party, approval: ApprovalId) {
    let (issuer, subject) = (Some(caller.issuer.clone()), Some(Arc::clone(&caller.subject)));
    let event = Event::Reviewed { approval, review: Review::Asked, issuer, subject };
    let moment = Moment { at: gateway.clock.now(), event };
    // A log that is busy or broken refuses the call itself before anything of it leaves.
    let _ = gateway.log.note_lazily(Some(journal.request()), vec![moment]);
}

/// Waits until every approval is given, or says why it is not.
async fn wait_for(gateway: &Gateway, holds: &Holds, wish: &Wish, until: Instant) -> Result<(), Refusal> {
    let mut slot = None;
    for (id, (rule, policy)) in wish.ids.iter().zip(&wish.rules) {
        let place = holds.waiting.join(*id);
        loop {
            let bell = place.bell.notified();
            let mut bell = std::pin::pin!(bell);
            // From here on a bell is heard, so nothing falls between the look and the wait.
            bell.as_mut().enable();
            let found = holds.store.get(*id, gateway.clock.now()).await.map_err(|why| unreachable(rule, &why))?;
            let Some(approval) = found else { return Err(unreachable(rule, &gone())) };
            match approval.state {
                // Decided when the catalogue wanted fewer people than it does now.
                ApprovalState::Approved if agreed(&approval) < policy.need => return Err(holds.too_few(&approval)),
                // A use that is gone meanwhile is noticed when it is to be taken.
                ApprovalState::Approved | ApprovalState::Used => break,
                ApprovalState::Denied | ApprovalState::Expired | ApprovalState::Revoked => {
                    return Err(holds.refusal(&approval));
                }
                ApprovalState::Pending => {}
            }
            if slot.is_none() {
                slot = holds.held.try_acquire().ok();
            }
            let closed = holds.open.has_changed().unwrap_or(true);
            if slot.is_none() || closed || timeout_at(until, bell).await.is_err() {
                return Err(holds.refusal(&approval));
            }
        }
    }
    Ok(())
}

fn agreed(approval: &Approval) -> u32 {
    let agreed = approval.votes.iter().filter(|vote| vote.choice == Choice::Approve).count();
    u32::try_from(agreed).unwrap_or(u32::MAX)
}

fn gone() -> gatewright_store::state::StateError {
    gatewright_store::state::StateError::Conflict("the approval is gone")
}

/// Looks at everything again, by the world of this moment.
async fn decide_anew(
    gateway: &Gateway,
    holds: &Holds,
    decided: Box<Decided>,
    mut arrival: Box<Arrival>,
    wish: &Wish,
    journal: &mut Journal,
) -> Result<(Box<Decided>, Box<Arrival>), Refusal> {
    let world = gateway.world();
    let caller = authenticate(gateway, &world, &arrival, journal).await?;
    let (examined, _) = decided.into_parts();
    let examined = if Arc::ptr_eq(&world, examined.call().world()) {
        // The token was good a moment ago as well; what its time has ended is refused above.
        examined
    } else {
        let session = examined.call().session();
        if examined.call().route().body == BodyKind::Form {
            // A form is not kept as it was sent, so it cannot be read again by another configuration.
            let words = "The configuration was replaced while this call was held. Send the same request again.";
            return Err(Refusal::new(Code::ApprovalPending, words));
        }
        let mut body = Vec::new();
        if !examined.call().body().is_null() {
            write(examined.call().body(), &mut body);
        }
        *arrival = arrival.again(Bytes::from(body));
        let mut call = identify(gateway, &world, caller, &mut arrival).await?;
        call.stay_in(session);
        examine(call, Some(holds))
    };
    let lifted = wish.rules.iter().map(|(rule, _)| rule.clone()).collect();
    let decided = decide(examined, lifted, journal.now());
    Ok((Box::new(gateway.decided(decided, journal)), arrival))
}

/// Takes one use of each approval, or of none.
async fn take(gateway: &Gateway, holds: &Holds, wish: &Wish) -> Result<Option<Vec<Approval>>, Refusal> {
    let wanted = wish.rules.iter().map(|(rule, _)| (wish.digest, rule.clone())).collect();
    let taken = holds.store.take(wanted, gateway.clock.now()).await;
    taken.map_err(|why| unreachable(&wish.rules[0].0, &why))
}

/// The permit, with what approvers made smaller.
fn lift(holds: &Holds, mut decided: Decided, taken: &[Approval], journal: &mut Journal) -> Result<Permit, Refusal> {
    for approval in taken {
        journal.tell(Event::Settled { approval: approval.id, verdict: Verdict::Allow });
        if let Some(most) = approval.narrow().max_tokens {
            decided.narrow_tokens(most);
        }
        decided.remember_lifted(&approval.rule, &holds.lifted);
    }
    let permit = Permit::of(decided)?;
    Ok(permit.having_taken(taken.iter().map(|approval| approval.id).collect()))
}

/// Gives the uses back that were taken for a call which was refused before anything of it was sent.
pub(crate) async fn give_back(gateway: &Gateway, holds: &Holds, taken: Vec<ApprovalId>, journal: &mut Journal) {
    for approval in &taken {
        journal.tell(Event::Reviewed { approval: *approval, review: Review::GivenBack, issuer: None, subject: None });
    }
    if let Err(why) = holds.store.give_back(taken, gateway.clock.now()).await {
        tracing::warn!(%why, "a use that was taken for a refused call could not be given back");
    }
}

impl Decided {
    fn views(&mut self, request: gatewright_model::RequestId) -> Option<super::shown::Views> {
        let (examined, decision) = self.parts_mut();
        views(examined, decision, request)
    }

    /// At most so many tokens of an answer; never more than there were.
    fn narrow_tokens(&mut self, most: u64) {
        let Some(most) = i64::try_from(most).ok().and_then(Quantity::whole) else { return };
        let (examined, decision) = self.parts_mut();
        let parameter = Parameter::MaxTokens;
        match decision.settings.iter_mut().find(|setting| setting.parameter == parameter) {
            Some(setting) if setting.value <= most => {}
            Some(setting) => (setting.value, setting.why) = (most, WhySet::Clamped),
            None if examined.call().terms().parameters.get(parameter).is_some_and(|stated| stated <= most) => {}
            None => decision.settings.push(Setting { parameter, value: most, why: WhySet::Clamped }),
        }
    }

    /// So that the later turns of a conversation are not held for what was approved in it.
    fn remember_lifted(&mut self, rule: &RuleName, lifted: &super::lifted::Lifted) {
        let (examined, _) = self.parts_mut();
        let (world, session) = (Arc::clone(examined.call().world()), examined.call().session());
        let Some(rules) = &world.prompt_rules else { return };
        let (protocol, route) = (examined.call().protocol(), examined.call().route());
        protocol.request_texts(route, examined.call_mut().body_mut(), &mut |text| {
            let found = rules.detectors.find(text.text);
            if found.iter().any(|finding| rules.rules.get(finding.info_type.place()) == Some(rule)) {
                lifted.add(session, rule, text.text);
            }
        });
    }
}
