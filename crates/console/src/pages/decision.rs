use gatewright_api::{Approval, ApprovalState, Choice, Decide, Narrow, Wish};
use maud::{Markup, html};

use super::texts::Extent;
use crate::console::Guest;
use crate::form::Form;
use crate::frame;
use crate::times;
use crate::visible;

/// The longest reason, in characters; the page's field takes no more either.
const LONGEST_REASON: usize = 2_000;

/// What a form says, or what is missing in it.
pub(super) fn read(form: &Form) -> Result<Decide, &'static str> {
    let verdict = match form.get("verdict") {
        Some("approve") => Choice::Approve,
        Some("deny") => Choice::Deny,
        Some("revoke") => Choice::Revoke,
        Some(_) | None => return Err("Say whether you approve or deny."),
    };
    let reason = form.get("reason");
    if reason.is_some_and(|reason| reason.chars().count() > LONGEST_REASON) {
        return Err("The reason is longer than 2,000 characters.");
    }
    if verdict == Choice::Deny && reason.is_none() {
        return Err("Say why you deny it; the caller is told.");
    }
    let narrow = match verdict {
        Choice::Approve => narrow(form)?,
        Choice::Deny | Choice::Revoke => None,
    };
    Ok(Decide { verdict, reason: reason.map(str::to_owned), narrow })
}

fn narrow(form: &Form) -> Result<Option<Narrow>, &'static str> {
    let number = |name: &str, words| match form.get(name) {
        None => Ok(None),
        Some(text) => text.parse::<u64>().ok().filter(|number| *number > 0).map(Some).ok_or(words),
    };
    let max_tokens = number("max_tokens", "The limit of tokens is not a number.")?;
    let minutes = number("minutes", "The time is not a number of minutes.")?;
    let for_s = minutes.map(|minutes| minutes.checked_mul(60).ok_or("The time is too long.")).transpose()?;
    let is_empty = max_tokens.is_none() && for_s.is_none();
    Ok((!is_empty).then_some(Narrow { max_tokens, for_s }))
}

/// The form, where this person has something to decide; else why not.
///
/// Nobody approves what the page did not show: with texts left out there is no button to approve, only the way to all of
/// it.
pub(super) fn form(guest: &Guest<'_>, approval: &Approval, extent: Extent, typed: &Form) -> Markup {
    let open = matches!(approval.state, ApprovalState::Pending | ApprovalState::Approved);
    match (&approval.may_decide, approval.state) {
        _ if !open => html! {},
        (Some(why), _) => html! { p.notice { "You cannot decide this: " (visible::line(why)) } },
        (None, ApprovalState::Approved) => take_back(guest, approval),
        (None, _) => open_form(guest, approval, extent, typed),
    }
}

fn take_back(guest: &Guest<'_>, approval: &Approval) -> Markup {
    html! {
        form.decide #decide method="post" action={ "/approvals/" (approval.id) "/decision" } {
            (frame::form_token(&guest.session))
            h2 { "Your decision" }
            p.faint { "It is approved" @if approval.wish == Wish::Call { ", with " (approval.uses.left) " of " (approval.uses.of) " uses left" } "." }
            div.buttons { button.stop name="verdict" value="revoke" { "Take back" } }
        }
    }
}

fn open_form(guest: &Guest<'_>, approval: &Approval, extent: Extent, typed: &Form) -> Markup {
    let reason = typed.get("reason").unwrap_or_default();
    let asks_for_reason = typed.get("verdict") == Some("deny") && reason.is_empty();
    html! {
        form.decide #decide method="post" action={ "/approvals/" (approval.id) "/decision" } {
            (frame::form_token(&guest.session))
            h2 { "Your decision" }
            label for="reason" { "Reason " span.faint { "(needed to deny; the caller sees it)" } }
            textarea #reason name="reason" rows="2" maxlength=(LONGEST_REASON) autofocus[asks_for_reason]
                aria-invalid=[asks_for_reason.then_some("true")] { (reason) }
            (narrowing(approval, typed))
        }
        div.buttons.bar {
            @match extent {
                Extent::Whole => button.go form="decide" name="verdict" value="approve" { "Approve" },
                Extent::Cut(_) => a.go.button href={ "/approvals/" (approval.id) "?texts=all" } { "Read all to approve" },
            }
            button.stop form="decide" name="verdict" value="deny" { "Deny" }
        }
    }
}

fn narrowing(approval: &Approval, typed: &Form) -> Markup {
    let field = |id: &str, words: &str| {
        html! {
            div.field {
                label for=(id) { (words) }
                input id=(id) name=(id) type="text" inputmode="numeric" pattern="[0-9]*" maxlength="9" size="8"
                    autocomplete="off" value=[typed.get(id)];
            }
        }
    };
    let is_open = typed.get("max_tokens").or(typed.get("minutes")).is_some();
    html! {
        details.narrow open[is_open] {
            summary { "Approve less" }
            @match approval.wish {
                Wish::Call => {
                    (field("max_tokens", "At most so many tokens in the answer"))
                    (field("minutes", "The approval counts for so many minutes"))
                }
                Wish::Access => {
                    @let asked = approval.access.as_ref().map_or(0, |asked| asked.for_s);
                    (field("minutes", &format!("For so many minutes, instead of {}", times::exact(asked))))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Decide, &'static str> {
        read(&Form::read(text.as_bytes()).expect("a form"))
    }

    #[test]
    fn a_denial_has_a_reason_and_an_approval_may_be_less() {
        assert_eq!(of("verdict=approve"), Ok(Decide { verdict: Choice::Approve, reason: None, narrow: None }));
        let less = of("verdict=approve&max_tokens=100&minutes=5").expect("a decision");
        assert_eq!(less.narrow, Some(Narrow { max_tokens: Some(100), for_s: Some(300) }));
        assert_eq!(of("verdict=deny&reason=too+much&minutes=5").map(|decide| decide.narrow), Ok(None));
        for bad in [
            "",
            "verdict=",
            "verdict=maybe",
            "verdict=deny",
            "verdict=deny&reason=+",
            "verdict=approve&minutes=0",
            "verdict=approve&minutes=-1",
            "verdict=approve&minutes=x",
            "verdict=approve&minutes=18446744073709551615",
            "verdict=approve&max_tokens=1e3",
        ] {
            assert!(of(bad).is_err(), "{bad}");
        }
        assert!(of(&format!("verdict=deny&reason={}", "x".repeat(LONGEST_REASON + 1))).is_err());
    }
}
