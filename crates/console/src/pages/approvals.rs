use gatewright_api::{Approval, ApprovalState};
use http::StatusCode;
use maud::{Markup, html};

use super::{state, wish};
use crate::console::{Guest, Paged};
use crate::frame::{self, Place};
use crate::headers;
use crate::{times, visible};

/// The most decided approvals on one page; the filter finds the rest.
const MOST_PAST: usize = 100;

/// Which of them are shown.
struct Filter<'q> {
    state: Option<ApprovalState>,
    word: Option<&'q str>,
}

/// The list: what waits first, the one that ends soonest on top; then what is over, the latest first.
pub(crate) async fn list(guest: &Guest<'_>) -> Paged {
    let filter =
        Filter { state: guest.query.get("state").and_then(ApprovalState::from_name), word: guest.query.get("q") };
    let all = guest.api().approvals(filter.state).await?;
    let fits = |approval: &&Approval| filter.word.is_none_or(|word| contains(approval, word));
    let (mut pending, past): (Vec<&Approval>, Vec<&Approval>) =
        all.iter().filter(fits).partition(|approval| approval.state == ApprovalState::Pending);
    pending.sort_by(|one, other| one.expires.cmp(&other.expires));
    let title = if pending.is_empty() { "Approvals".to_owned() } else { format!("({}) Approvals", pending.len()) };
    let content = html! {
        div.head { h1 { "Approvals" } a.quiet.again href=(here(guest)) { "Refresh" } }
        (search(&filter))
        div #list data-live="8" {
            p.count role="status" { (waiting(pending.len())) }
            @if !pending.is_empty() { ul.cards aria-label="Waiting" { @for approval in &pending { (card(approval, guest.now)) } } }
            @if !past.is_empty() {
                h2 { "Earlier" }
                ul.rows aria-label="Earlier" { @for approval in past.iter().take(MOST_PAST) { (row(approval, guest.now)) } }
                @if past.len() > MOST_PAST { p.faint { "The latest " (MOST_PAST) " of " (past.len()) ". The filter finds others." } }
            }
        }
    };
    Ok(headers::page(StatusCode::OK, frame::page(&title, Place::Approvals, guest, content)))
}

fn here(guest: &Guest<'_>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for name in ["state", "q"] {
        if let Some(value) = guest.query.get(name) {
            query.append_pair(name, value);
        }
    }
    let query = query.finish();
    if query.is_empty() { "/approvals".to_owned() } else { format!("/approvals?{query}") }
}

fn search(filter: &Filter<'_>) -> Markup {
    html! {
        form.filter method="get" action="/approvals" role="search" {
            label for="q" { "Filter" }
            input #q type="search" name="q" value=[filter.word] placeholder="person, model, rule" maxlength="200" autocomplete="off";
            label.hidden for="in-state" { "State" }
            select #in-state name="state" {
                option value="" { "all states" }
                @for one in ApprovalState::ALL {
                    option value=(one.name()) selected[filter.state == Some(one)] { (super::word(one)) }
                }
            }
            button { "Show" }
        }
    }
}

fn contains(approval: &Approval, word: &str) -> bool {
    let word = word.to_lowercase();
    let access = approval.access.as_ref().map(|asked| asked.role.as_str());
    let one = [
        Some(&*approval.id),
        Some(&*approval.rule),
        Some(&*approval.caller.subject),
        approval.model.as_deref(),
        access,
    ];
    let texts = one.into_iter().flatten().chain(approval.roles.iter().chain(&approval.datasets).map(String::as_str));
    texts.into_iter().any(|text| text.to_lowercase().contains(&word))
}

fn waiting(count: usize) -> String {
    match count {
        0 => "Nothing waits for a decision.".to_owned(),
        1 => "1 waits for a decision.".to_owned(),
        several => format!("{several} wait for a decision."),
    }
}

fn card(approval: &Approval, now: u64) -> Markup {
    html! {
        li.card {
            a.cover href={ "/approvals/" (approval.id) } id={ "to-" (approval.id) } { (wish(approval)) }
            p.why { "held by " b { (visible::line(&approval.rule)) } }
            @if let Some(reason) = &approval.reason { p.said { "“" (visible::line(reason)) "”" } }
            p.meta {
                (times::left(&approval.expires, now))
                span { "asked " (times::moment(&approval.created, now)) }
                @if approval.need > 1 { span { (approval.votes.len()) " of " (approval.need) " agreed" } }
                @if let Some(why) = &approval.may_decide { span.faint { (visible::line(why)) } }
            }
        }
    }
}

fn row(approval: &Approval, now: u64) -> Markup {
    html! {
        li.row {
            (state(approval.state))
            a.cover href={ "/approvals/" (approval.id) } id={ "to-" (approval.id) } { (wish(approval)) }
            span.faint { (visible::line(&approval.rule)) }
            span.faint.when { (times::moment(&approval.created, now)) }
        }
    }
}
