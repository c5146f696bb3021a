use gatewright_api::{Notification, NotificationState};
use http::StatusCode;
use maud::{Markup, html};

use crate::console::{Guest, Paged};
use crate::frame::{self, Place};
use crate::headers;
use crate::{times, visible};

/// The most that a page shows.
const MOST: usize = 200;

/// GET: what people were told of approvals, and what they could not be told.
pub(crate) async fn list(guest: &Guest<'_>) -> Paged {
    let all = guest.api().notifications(None).await?;
    let (troubled, others): (Vec<&Notification>, Vec<&Notification>) = all.iter().partition(|one| {
        one.state == NotificationState::Failed || (one.state == NotificationState::Waiting && one.trouble.is_some())
    });
    let content = html! {
        h1 { "Notifications" }
        div #list data-live="30" {
            @if all.is_empty() { p.count { "Nobody was told anything." } }
            @if !troubled.is_empty() {
                h2 { "In trouble" }
                ul.cards aria-label="In trouble" { @for one in troubled.iter().take(MOST) { (card(one, guest.now)) } }
            }
            @if !others.is_empty() {
                h2 { "Told" }
                ul.rows aria-label="Told" { @for one in others.iter().take(MOST) { (row(one, guest.now)) } }
            }
            @if all.len() > MOST { p.faint { "The latest of each. " code { "gatewright notifications list" } " shows others." } }
        }
    };
    Ok(headers::page(StatusCode::OK, frame::page("Notifications", Place::Elsewhere, guest, content)))
}

fn card(one: &Notification, now: u64) -> Markup {
    html! {
        li.card {
            a.cover href={ "/approvals/" (one.approval) } id={ "to-" (one.id) } { (what(one)) }
            p.why { (state(one.state)) " " @if let Some(trouble) = &one.trouble { (visible::line(trouble)) } }
            p.meta {
                @if let Some(due) = &one.due { span { "next " (times::moment(due, now)) } }
                span { (one.attempts) " attempts" }
                span { "since " (times::moment(&one.created, now)) }
            }
        }
    }
}

fn row(one: &Notification, now: u64) -> Markup {
    html! {
        li.row {
            (state(one.state))
            a.cover href={ "/approvals/" (one.approval) } id={ "to-" (one.id) } { (what(one)) }
            span.faint.when { (times::moment(one.ended.as_deref().unwrap_or(&one.created), now)) }
        }
    }
}

fn what(one: &Notification) -> Markup {
    html! { (visible::line(&one.channel)) span.faint { " of what was " } (visible::line(&one.occasion)) }
}

/// How one stands, in a word with a sign.
fn state(state: NotificationState) -> Markup {
    let (sign, class) = match state {
        NotificationState::Waiting => ("●", "pending"),
        NotificationState::Delivered => ("✓", "yes"),
        NotificationState::Failed => ("✕", "no"),
        NotificationState::Moot => ("–", "over"),
    };
    html! { span.state.(class) { span aria-hidden="true" { (sign) } " " (state.name()) } }
}
