use gatewright_api::{AccessList, AccessRequest, ApprovalState, Grant, GrantState};
use http::StatusCode;
use maud::{Markup, html};

use super::{person, wish};
use crate::console::{Guest, Paged};
use crate::form::Form;
use crate::frame::{self, Place, Tone};
use crate::headers;
use crate::{times, visible};

/// GET: roles for a time.
pub(crate) async fn list(guest: &Guest<'_>) -> Paged {
    let told = match guest.query.get("done") {
        Some("granted") => {
            Some(frame::notice(Tone::Done, "Granted. It counts from now on, until the time that stands beside it."))
        }
        Some("revoked") => Some(frame::notice(Tone::Done, "Ended. What depended on it was cut.")),
        Some(_) | None => None,
    };
    render(guest, told, &Form::default(), StatusCode::OK).await
}

/// POST: asks for one.
pub(crate) async fn request(guest: &Guest<'_>, form: &Form) -> Paged {
    let (Some(role), Some(minutes)) = (form.get("role"), form.get("minutes")) else {
        let told = frame::notice(Tone::Wrong, "Say which role, and for how many minutes.");
        return render(guest, Some(told), form, StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    let seconds =
        minutes.parse::<u64>().ok().and_then(|minutes| minutes.checked_mul(60)).filter(|seconds| *seconds > 0);
    let Some(for_s) = seconds else {
        let told = frame::notice(Tone::Wrong, "The time is not a number of minutes.");
        return render(guest, Some(told), form, StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    let reason = form.get("reason").map(str::to_owned);
    match guest.api().request_access(&AccessRequest { role: role.to_owned(), for_s, reason }).await {
        Ok(asked) if asked.grant.is_some() => Ok(headers::go("/access?done=granted")),
        Ok(asked) => {
            let done = if asked.approval.state == ApprovalState::Pending { "?done=asked" } else { "" };
            Ok(headers::go(&format!("/approvals/{}{done}", asked.approval.id)))
        }
        Err(problem) if matches!(problem.status, 400 | 403 | 409 | 422) => {
            let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::CONFLICT);
            render(guest, Some(frame::notice(Tone::Wrong, &problem.detail)), form, status).await
        }
        Err(problem) => Err(problem),
    }
}

/// POST: ends one.
pub(crate) async fn revoke(guest: &Guest<'_>, id: &str) -> Paged {
    guest.api().revoke(id).await?;
    Ok(headers::go("/access?done=revoked"))
}

async fn render(guest: &Guest<'_>, told: Option<Markup>, typed: &Form, status: StatusCode) -> Paged {
    let access = guest.api().access().await?;
    let (active, over): (Vec<&Grant>, Vec<&Grant>) =
        access.grants.iter().partition(|grant| grant.state == GrantState::Active);
    let content = html! {
        h1 { "Access for a time" }
        @if let Some(told) = told { (told) }
        div #grants data-live="30" {
            @if active.is_empty() { p.count { "No role is granted for a time now." } }
            @else {
                h2 { "Granted now" }
                ul.cards { @for grant in &active { (card(guest, grant)) } }
            }
            @if !access.pending.is_empty() {
                h2 { "Asked for" }
                ul.rows { @for approval in &access.pending {
                    li.row {
                        (super::state(approval.state))
                        a.cover href={ "/approvals/" (approval.id) } id={ "to-" (approval.id) } { (wish(approval)) }
                        (times::left(&approval.expires, guest.now))
                    }
                } }
            }
        }
        (ask(guest, &access, typed))
        @if !over.is_empty() {
            section {
                h2 { "Earlier" }
                ul.rows { @for grant in over.iter().take(50) {
                    li.row {
                        span.state.over { @if grant.state == GrantState::Revoked { "✕ revoked" } @else { "– ended" } }
                        span {
                            (visible::line(&grant.role)) span.faint { " for " } (person(&grant.person))
                            @if grant.break_glass { span.leaves { " break glass" } }
                        }
                        span.faint.when { (times::moment(&grant.until, guest.now)) }
                    }
                } }
            }
        }
    };
    Ok(headers::page(status, frame::page("Access", Place::Access, guest, content)))
}

fn card(guest: &Guest<'_>, grant: &Grant) -> Markup {
    html! {
        li.card.split {
            div {
                @if grant.break_glass { p.leaves { "⚠ Break glass: nobody approved this" } }
                p.title { (visible::line(&grant.role)) span.faint { " for " } (person(&grant.person)) }
                p.meta {
                    (times::left(&grant.until, guest.now))
                    span { "since " (times::moment(&grant.from, guest.now)) }
                    a href={ "/approvals/" (grant.approval) } { "how it was granted" }
                }
            }
            form method="post" action={ "/access/" (grant.id) "/revoke" } {
                (frame::form_token(&guest.session))
                button.stop aria-label={ "End " (visible::plain(&grant.role)) " for " (visible::plain(&grant.person.subject)) " now" } { "End now" }
            }
        }
    }
}

fn ask(guest: &Guest<'_>, access: &AccessList, typed: &Form) -> Markup {
    html! {
        @if access.may_ask.is_empty() {
            p.faint { "There is no role here that you may ask for." }
        } @else {
            form.ask method="post" action="/access" {
                (frame::form_token(&guest.session))
                h2 { "Ask for a role" }
                div.field {
                    label for="role" { "Role" }
                    select #role name="role" {
                        @for may in &access.may_ask {
                            option value=(may.role) selected[typed.get("role") == Some(&may.role)] {
                                (visible::plain(&may.role)) " (at most " (times::exact(may.max_s))
                                @if may.break_glass { ", break glass" } ")"
                            }
                        }
                    }
                }
                @if access.may_ask.iter().any(|may| may.break_glass) {
                    p.faint { "A role that says break glass is yours as soon as you ask, without anybody's approval. It needs a reason, and everybody is told." }
                }
                div.field {
                    label for="minutes" { "For how many minutes" }
                    input #minutes name="minutes" type="text" inputmode="numeric" pattern="[0-9]*" maxlength="6" size="6"
                        required autocomplete="off" value=(typed.get("minutes").unwrap_or("30"));
                }
                div.field {
                    label for="reason" { "Why" }
                    textarea #reason name="reason" rows="2" maxlength="2000" { (typed.get("reason").unwrap_or_default()) }
                }
                div.buttons { button.go { "Ask" } }
            }
        }
    }
}
