use gatewright_api::{ApprovalState, GrantState};
use http::StatusCode;
use maud::{Markup, html};

use crate::console::{Guest, Paged};
use crate::frame::{self, Place};
use crate::headers;
use crate::{times, visible};

/// The first page: what waits, who one is, where things are.
pub(crate) async fn show(guest: &Guest<'_>) -> Paged {
    let api = guest.api();
    let me = api.me().await?;
    let waiting = match api.approvals(Some(ApprovalState::Pending)).await {
        Ok(pending) => waiting(pending.iter().filter(|approval| approval.may_decide.is_none()).count()),
        // Who one is can be said by a gateway that holds nothing for approval, too.
        Err(problem) if problem.status == 404 => html! { "This gateway holds nothing for approval." },
        Err(problem) => return Err(problem),
    };
    let grants = match api.access().await {
        Ok(access) => access.grants,
        Err(problem) if problem.status == 404 => Vec::new(),
        Err(problem) => return Err(problem),
    };
    let taken = grants.iter().filter(|grant| grant.break_glass && grant.state == GrantState::Active).count();
    let list = |values: &[String]| -> Markup {
        html! { @if values.is_empty() { span.faint { "none" } } @else { (visible::line(&values.join(", "))) } }
    };
    let content = html! {
        h1 { "Hello, " bdi { (visible::line(&me.person.subject)) } }
        ul.cards #home data-live="30" {
            li.card {
                a.cover #to-approvals href="/approvals" { "Approvals" }
                p { (waiting) }
            }
            @if me.permissions.iter().any(|permission| permission == "connections.read") {
                li.card {
                    a.cover #to-notifications href="/notifications" { "Notifications" }
                    p { "What people were told of approvals, and which channels are in trouble." }
                }
            }
            li.card {
                a.cover #to-access href="/access" { "Access for a time" }
                @if taken == 0 { p { "Ask for a role, see what is granted, end it." } }
                @else { p.leaves { (broken_glass(taken)) } }
            }
        }
        section {
            h2 { "You" }
            dl.facts {
                div { dt { "Signed in as" } dd { (super::person(&me.person)) } }
                div { dt { "Roles" } dd { (list(&me.roles)) } }
                div { dt { "Admin permissions" } dd { (list(&me.permissions)) } }
                div { dt { "Signed in until" } dd { (times::moment(&me.expires, guest.now)) } }
            }
        }
    };
    Ok(headers::page(StatusCode::OK, frame::page("Home", Place::Elsewhere, guest, content)))
}

fn waiting(mine: usize) -> Markup {
    html! {
        @match mine {
            0 => "Nothing waits for you.",
            1 => b { "1 waits for your decision." },
            _ => b { (mine) " wait for your decision." },
        }
    }
}

fn broken_glass(count: usize) -> String {
    match count {
        1 => "1 role counts now that nobody approved (break glass).".to_owned(),
        several => format!("{several} roles count now that nobody approved (break glass)."),
    }
}
